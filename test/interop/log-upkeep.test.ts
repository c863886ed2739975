/**
 * What becomes of old records, as Apache Kafka's tools see it: compaction, tombstones, retention by time and by size,
 * and records deleted by hand.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { createTopic, kafkaClient } from '../support/admin.ts';
import { eventually } from '../support/eventually.ts';
import { kafkaTool, kafkaToolLines } from '../support/java-tools.ts';
import { kcat } from '../support/kcat.ts';
import { segmentsOf } from '../support/replicas.ts';
import { script } from '../support/scripts.ts';
import { commitOffsets } from '../support/simple-commit.ts';
import { committedOffsets, coordinatorOf } from '../support/group-watch.ts';
import { useCluster } from '../support/use-cluster.ts';
import { EARLIEST, LATEST, listOffset, whenFullyReplicated, whenLed } from '../support/wire-client.ts';

const cluster = useCluster({
  overrides: {
    'log.cleaner.backoff.ms': '200',
    'log.retention.check.interval.ms': '300',
    'log.initial.task.delay.ms': '300',
    'offsets.topic.replication.factor': '3',
    'offsets.topic.num.partitions': '1',
    'offsets.topic.segment.bytes': '20000',
    'log.cleaner.min.cleanable.ratio': '0.01',
  },
});
const server = (): string[] => ['--bootstrap-server', cluster().bootstrap];

/** Segments so small that almost every batch closes one, and the cleaner takes whatever it may. */
const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.bytes': '1000',
  'segment.ms': '60000',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '1000',
};

/** Writes with Java's producer: `key:value` lines, where NULL is a tombstone. */
async function produce(topic: string, lines: readonly string[]): Promise<void> {
  const parse = ['parse.key=true', 'key.separator=:', 'null.marker=NULL'].flatMap((each) => ['--property', each]);
  // Small batches, else all of it would be one.
  const batches = ['--producer-property', 'batch.size=200'];
  await kafkaToolLines('consoleProducer', [...server(), '--topic', topic, ...parse, ...batches], {
    input: `${lines.join('\n')}\n`,
  });
}

interface Line {
  readonly offset: number;
  readonly key: string;
  readonly value: string;
}

/** Reads a partition with Java's consumer from the first of `count` records. */
async function consume(topic: string, count: number): Promise<Line[]> {
  const printed = ['print.key=true', 'print.offset=true'].flatMap((each) => ['--property', each]);
  const place = ['--topic', topic, '--partition', '0', '--offset', 'earliest', '--max-messages', String(count)];
  const lines = await kafkaToolLines('consoleConsumer', [...server(), ...place, ...printed, '--timeout-ms', '60000']);
  return lines.map((line) => {
    const [offset = '', key = '', value = ''] = line.split('\t');
    return { offset: Number(offset.replace('Offset:', '')), key, value };
  });
}

/** The same with kcat, to its end: that is quick, and it copes with the empty batches that compaction leaves. */
async function readAll(topic: string): Promise<Line[]> {
  const args = ['-C', '-t', topic, '-p', '0', '-o', 'beginning', '-e', '-q', '-Z', '-f', '%o %k %s\n'];
  const lines = await kcat(cluster().bootstrap, args);
  return lines.map((line) => {
    const [offset, key = '', value = ''] = line.split(' ');
    return { offset: Number(offset), key, value };
  });
}

/** What GetOffsetShell says of partition 0. */
async function offsetAt(topic: string, time: string): Promise<number> {
  const lines = await kafkaToolLines('getOffsets', [...server(), '--topic-partitions', `${topic}:0`, '--time', time]);
  return Number(lines.find((line) => line.startsWith(`${topic}:0:`))?.split(':')[2]);
}

it('a compacted topic keeps the last value of each key, and a tombstone only for its time', async () => {
  await createTopic(cluster(), 'compacted', { configs: COMPACTED });
  const keys = Array.from({ length: 10 }, (_, index) => `key-${index}`);
  const versions = Array.from({ length: 30 }, (_, version) => keys.map((key) => `${key}:${version}`)).flat();
  await produce('compacted', [...versions, 'key-3:NULL']);
  let fillers = 0;
  /** The segment that is written to is never cleaned, so there has to be a newer one. */
  const fill = () =>
    produce(
      'compacted',
      Array.from({ length: 100 }, () => `filler:${fillers++}`),
    );
  await fill();
  const ofKeys = async () => (await readAll('compacted')).filter(({ key }) => key !== 'filler');
  await eventually(async () => expect((await ofKeys()).length).toBeLessThanOrEqual(keys.length), {
    what: 'a record of each key',
  });
  const lines = (await consume('compacted', (await readAll('compacted')).length)).filter(({ key }) => key !== 'filler');
  const last = 29 * keys.length;
  const expected = keys.map((key, index) => ({ offset: last + index, key, value: '29' }));
  expect(lines.filter(({ value }) => value !== 'null')).toEqual(expected.filter(({ key }) => key !== 'key-3'));
  await eventually(
    async () => {
      await fill();
      expect((await ofKeys()).map(({ key }) => key)).not.toContain('key-3');
    },
    { what: 'the tombstone is gone' },
  );
  const after = (await consume('compacted', (await readAll('compacted')).length)).filter(({ key }) => key !== 'filler');
  expect(after).toEqual(expected.filter(({ key }) => key !== 'key-3'));
  expect(await offsetAt('compacted', '-1')).toBe(versions.length + 1 + fillers);
  // A leader that has cleaned for itself serves the same.
  await cluster()
    .broker(await whenLed(cluster(), 'compacted', 0))
    .restart();
  await whenFullyReplicated(cluster(), 'compacted');
  await eventually(async () => expect((await ofKeys()).map(({ value }) => value)).toEqual(Array(9).fill('29')));
});

/** Sends batches that fill a segment each. */
async function sendBatches(topic: string, timestamps: readonly number[]): Promise<void> {
  const producer = kafkaClient(cluster()).producer();
  await producer.connect();
  for (const timestampMs of timestamps)
    await producer.send({
      topic,
      messages: [{ partition: 0, value: 'x'.repeat(700), timestamp: String(timestampMs) }],
    });
  await producer.disconnect();
}

/** Waits until the log starts there, as the leader says, and no broker keeps a file from before. */
async function whenStartsAt(topic: string, offset: number): Promise<void> {
  await eventually(async () => expect(await listOffset(cluster(), topic, 0, EARLIEST)).toBe(offset));
  expect(await offsetAt(topic, '-2')).toBe(offset);
  await eventually(() => {
    for (const broker of cluster().brokers) {
      const [first = ''] = segmentsOf(path.join(broker.logDirectory, `${topic}-0`));
      expect(Number.parseInt(first, 10), `broker ${broker.id}`).toBe(offset);
    }
  });
}

it('retention.ms deletes what is too old', async () => {
  const now = Date.now();
  const configs = { 'segment.bytes': '1000', 'retention.ms': '3600000' };
  await createTopic(cluster(), 'retained-by-time', { configs });
  await sendBatches('retained-by-time', [...Array(6).fill(now - 7_200_000), ...Array(3).fill(now)]);
  await whenStartsAt('retained-by-time', 6);
  expect(await offsetAt('retained-by-time', '-1')).toBe(9);
  expect((await consume('retained-by-time', 3)).map(({ offset }) => offset)).toEqual([6, 7, 8]);
});

it('retention.bytes deletes what is too much', async () => {
  await createTopic(cluster(), 'retained-by-size', { configs: { 'segment.bytes': '1000', 'retention.bytes': '2500' } });
  await sendBatches('retained-by-size', Array(10).fill(Date.now()));
  // Three segments would be less than is to be kept.
  await whenStartsAt('retained-by-size', 6);
  expect((await consume('retained-by-size', 4)).map(({ offset }) => offset)).toEqual([6, 7, 8, 9]);
});

it('DeleteRecordsCommand and ours move the start of a log', async () => {
  await createTopic(cluster(), 'cut', { configs: { 'segment.bytes': '1000' } });
  await sendBatches('cut', Array(10).fill(Date.now()));
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'barnabas-')), 'offsets.json');
  const deleteUpTo = async (offset: number): Promise<string[]> => {
    writeFileSync(file, JSON.stringify({ version: 1, partitions: [{ topic: 'cut', partition: 0, offset }] }));
    const args = [...server(), '--offset-json-file', file];
    // The second one finds nothing left to do and says the same.
    const theirs = await kafkaTool('deleteRecords', args);
    const ours = await script('kafka-delete-records.sh', args);
    expect([ours.stdout, ours.exitCode]).toEqual([theirs.stdout, theirs.exitCode]);
    return theirs.stdout.split('\n');
  };
  expect(await deleteUpTo(4)).toContain('partition: cut-0\tlow_watermark: 4');
  await whenStartsAt('cut', 4);
  expect((await consume('cut', 6)).map(({ offset }) => offset)).toEqual([4, 5, 6, 7, 8, 9]);
  expect((await deleteUpTo(11)).join()).toMatch(/cut-0\terror: .*OffsetOutOfRangeException/);
  expect(await offsetAt('cut', '-2')).toBe(4);
  await cluster()
    .broker(await whenLed(cluster(), 'cut', 0))
    .restart();
  await whenFullyReplicated(cluster(), 'cut');
  expect(await offsetAt('cut', '-2')).toBe(4);
  expect(await deleteUpTo(-1)).toContain('partition: cut-0\tlow_watermark: 10');
  expect([await offsetAt('cut', '-2'), await offsetAt('cut', '-1')]).toEqual([10, 10]);
});

it('__consumer_offsets stays as small as what is committed', async () => {
  await createTopic(cluster(), 'committed', { partitions: 3 });
  const partitions = [0, 1, 2];
  const rounds = 400;
  for (let offset = 1; offset <= rounds; offset++)
    await commitOffsets(
      cluster(),
      'tireless',
      partitions.map((partition) => ({ topic: 'committed', partition, offset })),
    );
  const records = await listOffset(cluster(), '__consumer_offsets', 0, LATEST);
  expect(records).toBeGreaterThanOrEqual(rounds * partitions.length);
  await eventually(async () => {
    const args = ['-C', '-t', '__consumer_offsets', '-p', '0', '-o', 'beginning', '-e', '-q', '-f', '%o\n'];
    // What is left is the segment that is written to, and a record of each key.
    expect((await kcat(cluster().bootstrap, args)).length).toBeLessThan(records / 2);
  });
  await cluster()
    .broker(await coordinatorOf(cluster(), 'tireless'))
    .kill();
  const expected = new Map(partitions.map((partition) => [`committed-${partition}`, rounds]));
  await eventually(async () => expect(await committedOffsets(cluster(), 'tireless')).toEqual(expected));
  for (const broker of cluster().brokers) if (!broker.isRunning) await broker.start();
});

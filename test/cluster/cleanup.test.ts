/** What compaction and retention leave, on every replica and for clients of every kind, also when leaders die. */
import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Partitioners } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTopic, kafkaClient } from '../support/admin.ts';
import { eventually } from '../support/eventually.ts';
import { kcat } from '../support/kcat.ts';
import { OffsetCommitter } from '../support/offset-committer.ts';
import { useCluster, withCluster } from '../support/use-cluster.ts';
import {
  EARLIEST,
  LATEST,
  listOffset,
  readFrom,
  readPartition,
  whenFullyReplicated,
  whenLed,
} from '../support/wire-client.ts';

const cluster = useCluster({
  overrides: {
    'log.cleaner.backoff.ms': '200',
    'log.retention.check.interval.ms': '300',
    'offsets.topic.num.partitions': '1',
    'log.flush.offset.checkpoint.interval.ms': '1000',
    'replica.high.watermark.checkpoint.interval.ms': '1000',
  },
});

const OFFSETS_TOPIC = '__consumer_offsets';
const SMALL = { 'segment.bytes': '4000', 'file.delete.delay.ms': '500' };
const COMPACTED = { ...SMALL, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' };
const KEYS = 10;

async function produce(topic: string, from: number, to: number): Promise<void> {
  const lines = Array.from({ length: to - from }, (_, index) => `k${(from + index) % KEYS}|v${from + index}`);
  const settings = ['-K', '|', '-X', 'batch.num.messages=5', '-X', 'acks=all', '-X', 'enable.idempotence=true'];
  await kcat(cluster().bootstrap, ['-P', '-t', topic, '-p', '0', ...settings], { input: `${lines.join('\n')}\n` });
}

function cleanedOffset(brokerId: number, topic: string, of = cluster()): number {
  const text = readFileSync(path.join(of.broker(brokerId).logDirectory, 'cleaner-offset-checkpoint'), 'utf8');
  return Number(new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

async function whenCompacted(topic: string, offset: number): Promise<void> {
  for (const { id } of cluster().live)
    await eventually(() => cleanedOffset(id, topic) >= offset, { what: `the compaction of ${topic} on broker ${id}` });
}

function segmentsOf(brokerId: number, topic: string): number[] {
  const directory = path.join(cluster().broker(brokerId).logDirectory, `${topic}-0`);
  const names = readdirSync(directory).filter((name) => name.endsWith('.log'));
  return names.map((name) => Number.parseInt(name, 10)).sort((one, other) => one - other);
}

describe('a compacted topic', () => {
  it('gives every kind of consumer the latest record of each key, from any replica, whoever leads', async () => {
    const topic = 'latest';
    await createTopic(cluster(), topic, { replicationFactor: 3, configs: COMPACTED });
    await whenFullyReplicated(cluster(), topic);
    await produce(topic, 0, 1000);
    await whenCompacted(topic, 800);
    const expected = new Map(Array.from({ length: KEYS }, (_, key) => [`k${key}`, `v${990 + key}`]));
    const latest = (records: readonly { key: string | null; value: string }[]): Map<string | null, string> =>
      new Map(records.map(({ key, value }) => [key, value]));
    for (const _ of [1, 2]) {
      const records = await readPartition(cluster(), topic, 0);
      expect(records.length).toBeLessThan(400);
      expect(latest(records)).toEqual(expected);
      for (const { offset, key, value } of records) expect([key, value]).toEqual([`k${offset % KEYS}`, `v${offset}`]);
      const printed = await kcat(cluster().bootstrap, [
        '-C',
        '-t',
        topic,
        '-o',
        'beginning',
        '-e',
        '-q',
        '-f',
        '%k %s\n',
      ]);
      expect(new Map(printed.map((line) => line.split(' ') as [string, string]))).toEqual(expected);
      const leader = await whenLed(cluster(), topic, 0);
      await cluster().broker(leader).kill();
      await eventually(async () => (await whenLed(cluster(), topic, 0)) !== leader);
      await cluster().broker(leader).start();
      await whenFullyReplicated(cluster(), topic);
    }
  });

  it('does not hold up kafkajs, which cannot pass batches that were emptied', async () => {
    const topic = 'hollow';
    await createTopic(cluster(), topic, { configs: COMPACTED });
    await produce(topic, 0, 1000);
    await whenCompacted(topic, 800);
    const consumer = kafkaClient(cluster()).consumer({ groupId: 'of-hollow', maxBytesPerPartition: 100 });
    await consumer.connect();
    const found = new Map<string, string>();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => void found.set(String(message.key), String(message.value)),
      });
      await eventually(() => found.get('k9') === 'v999');
      expect(found).toEqual(new Map(Array.from({ length: KEYS }, (_, key) => [`k${key}`, `v${990 + key}`])));
    } finally {
      await consumer.disconnect();
    }
  });

  it('refuses a record without a key', async () => {
    const topic = 'keys-only';
    await createTopic(cluster(), topic, { configs: COMPACTED });
    const producer = kafkaClient(cluster(), { retries: 1 }).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    try {
      await producer.send({ topic, messages: [{ key: 'k', value: 'v' }] });
      await expect(producer.send({ topic, messages: [{ value: 'v' }] })).rejects.toThrow(
        /record has failed the validation/i,
      );
    } finally {
      await producer.disconnect();
    }
  });
});

describe('a topic with limits', () => {
  it('gives up its oldest segments by size on every replica, and its earliest offset moves', async () => {
    const topic = 'sized';
    const configs = { ...SMALL, 'retention.bytes': '12000' };
    await createTopic(cluster(), topic, { replicationFactor: 3, configs });
    await whenFullyReplicated(cluster(), topic);
    await produce(topic, 0, 2000);
    await eventually(async () => (await listOffset(cluster(), topic, 0, EARLIEST)) > 500);
    const start = await listOffset(cluster(), topic, 0, EARLIEST);
    expect(await listOffset(cluster(), topic, 0, LATEST)).toBe(2000);
    const records = await readPartition(cluster(), topic, 0);
    expect(records.at(-1)?.value).toBe('v1999');
    expect(records[0]?.offset).toBeGreaterThanOrEqual(start);
    for (const { id } of cluster().live)
      await eventually(() => (segmentsOf(id, topic)[0] ?? 0) >= start, { what: `the segments of broker ${id} go` });
    const leader = await whenLed(cluster(), topic, 0);
    await expect(readFrom(cluster().broker(leader).address, topic, 0, 0, 10)).rejects.toThrow();
  });

  it('gives up all of it when all is too old, and goes on', async () => {
    const topic = 'aged';
    await createTopic(cluster(), topic, { replicationFactor: 3, configs: { ...SMALL, 'retention.ms': '1500' } });
    await whenFullyReplicated(cluster(), topic);
    await produce(topic, 0, 300);
    await eventually(async () => (await listOffset(cluster(), topic, 0, EARLIEST)) === 300);
    await produce(topic, 300, 310);
    expect(await listOffset(cluster(), topic, 0, LATEST)).toBe(310);
    for (const { id } of cluster().live) await eventually(() => (segmentsOf(id, topic)[0] ?? 0) >= 300);
  });

  it('lets a replica that was away begin where the log now begins', async () => {
    const topic = 'away';
    const configs = { ...SMALL, 'retention.bytes': '8000' };
    await createTopic(cluster(), topic, { assignment: [[1, 2, 3]], configs });
    await whenFullyReplicated(cluster(), topic);
    await produce(topic, 0, 100);
    await cluster().broker(3).stop();
    await produce(topic, 100, 2000);
    await eventually(async () => (await listOffset(cluster(), topic, 0, EARLIEST)) > 500);
    await cluster().broker(3).start();
    await whenFullyReplicated(cluster(), topic);
    await eventually(() => (segmentsOf(3, topic)[0] ?? 0) > 500);
    const before = await readPartition(cluster(), topic, 0);
    for (const id of [1, 2]) await cluster().broker(id).kill();
    await eventually(async () => (await whenLed(cluster(), topic, 0)) === 3);
    const after = await eventually(() => readPartition(cluster(), topic, 0));
    expect(after.at(-1)?.value).toBe('v1999');
    expect(after.every(({ offset, value }) => value === `v${offset}`)).toBe(true);
    expect(after.length).toBeGreaterThan(before.length / 2);
    for (const id of [1, 2]) await cluster().broker(id).start();
    await whenFullyReplicated(cluster(), topic);
  });
});

describe('the offsets of groups', () => {
  it('stay small and are never lost, whoever coordinates', async () => {
    const overrides = {
      'offsets.topic.num.partitions': '1',
      'offsets.topic.replication.factor': '3',
      'offsets.topic.segment.bytes': '5000',
      'log.cleaner.backoff.ms': '100',
      'log.cleaner.min.cleanable.ratio': '0.01',
      'log.segment.delete.delay.ms': '200',
    };
    await withCluster({ overrides }, async (own) => {
      await createTopic(own, 'work', { replicationFactor: 3 });
      const committers = Array.from({ length: 4 }, (_, index) =>
        new OffsetCommitter(own, `group-${index}`, 'work').start(),
      );
      onTestFinished(async () => void (await Promise.all(committers.map((committer) => committer.stop()))));
      const advance = (count: number): Promise<unknown> =>
        Promise.all(committers.map((committer) => committer.advance(count)));
      await advance(1);
      await whenFullyReplicated(own, OFFSETS_TOPIC);
      for (const _ of [1, 2]) {
        await advance(150);
        const coordinator = await whenLed(own, OFFSETS_TOPIC, 0);
        await eventually(() => cleanedOffset(coordinator, OFFSETS_TOPIC, own) > 100, { what: 'a compaction' });
        await own.broker(coordinator).kill();
        await advance(20);
        await own.broker(coordinator).start();
        await whenFullyReplicated(own, OFFSETS_TOPIC);
      }
      await Promise.all(committers.map((committer) => committer.stop()));
      expect(committers.flatMap(({ problems }) => problems)).toEqual([]);
      for (const committer of committers)
        expect(await committer.committed()).toBeGreaterThanOrEqual(committer.acknowledged);
      const count = committers.reduce((sum, { acknowledgedCount }) => sum + acknowledgedCount, 0);
      expect(await listOffset(own, OFFSETS_TOPIC, 0, LATEST)).toBeGreaterThanOrEqual(count);
      expect((await readPartition(own, OFFSETS_TOPIC, 0)).length).toBeLessThan(count / 2);
    });
  });
});

/**
 * What is stored in __consumer_offsets, as Apache Kafka's own formatters and DumpLogSegments read it: from a broker and
 * from its files.
 */
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { groupRows } from '../support/consumer-groups-tool.ts';
import { eventually } from '../support/eventually.ts';
import { confluent } from '../support/group-clients.ts';
import { GROUP_CLUSTER } from '../support/group-story.ts';
import { createHourlyTopic } from '../support/hourly-topic.ts';
import { kafkaToolLines } from '../support/java-tools.ts';
import { whenIdentical } from '../support/replicas.ts';
import { commitOffsets } from '../support/simple-commit.ts';
import { useCluster } from '../support/use-cluster.ts';
import { join, whenAllIsRead } from '../support/watched-group.ts';
import { LATEST, listOffset } from '../support/wire-client.ts';

const OFFSETS_TOPIC = '__consumer_offsets';
/** As GROUP_CLUSTER has it. */
const PARTITIONS = [0, 1, 2, 3, 4];
const FORMATTERS = 'org.apache.kafka.tools.consumer';

const cluster = useCluster(GROUP_CLUSTER);

interface Formatted {
  readonly key: { readonly version: number; readonly data: Readonly<Record<string, unknown>> };
  readonly value: { readonly version: number; readonly data: Readonly<Record<string, unknown>> } | null;
}

/** Where Apache Kafka keeps what the tests store; it keeps it there in this very test when that is run on it. */
const HOME: Readonly<Record<string, number>> = { 'stored-group': 3, 'lived-group': 4 };

/** What the formatter prints of a group: one object after the other. */
async function recordsOf(group: string, formatter: string): Promise<Formatted[]> {
  const partition = HOME[group] ?? 0;
  const end = await listOffset(cluster(), OFFSETS_TOPIC, partition, LATEST);
  const place = ['--topic', OFFSETS_TOPIC, '--partition', String(partition), '--offset', 'earliest'];
  const [text = ''] = await kafkaToolLines('consoleConsumer', [
    ...['--bootstrap-server', cluster().bootstrap, ...place, '--max-messages', String(end)],
    ...['--formatter', `${FORMATTERS}.${formatter}`, '--timeout-ms', '60000'],
  ]);
  const records = JSON.parse(`[${text.replaceAll('}{', '},{')}]`) as Formatted[];
  return records.filter(({ key }) => key.data['group'] === group);
}

it('the formatter of offsets prints what was committed and what was deleted', async () => {
  await createTopic(cluster(), 'stored', { partitions: 2 });
  const startedAt = Date.now();
  await commitOffsets(cluster(), 'stored-group', [
    { topic: 'stored', partition: 0, offset: 12_345_678_901, metadata: 'how far? ä', leaderEpoch: 0 },
    { topic: 'stored', partition: 1, offset: 0 },
  ]);
  await commitOffsets(cluster(), 'stored-group', [{ topic: 'stored', partition: 1, offset: 1, metadata: 'later' }]);
  await groupRows('apache-kafka', cluster().bootstrap, [
    ...['--delete-offsets', '--group', 'stored-group', '--topic', 'stored:1'],
  ]).catch((error: unknown) => {
    // It prints a line beside its table.
    expect(String(error)).toMatch(/Request succeed for deleting offsets/);
  });
  const value = (offset: number, leaderEpoch: number, metadata: string) => ({
    version: 3,
    data: { offset, leaderEpoch, metadata, commitTimestamp: expect.any(Number) },
  });
  // Apache Kafka does not wait until a deletion is committed.
  const records = await eventually(async () => {
    const records = await recordsOf('stored-group', 'OffsetsMessageFormatter');
    expect(new Set(records.map(({ key }) => key.version))).toEqual(new Set([1]));
    const valuesOf = (partition: number) =>
      records
        .filter(({ key }) => key.data['topic'] === 'stored' && key.data['partition'] === partition)
        .map(({ value }) => value);
    expect(valuesOf(0)).toEqual([value(12_345_678_901, 0, 'how far? ä')]);
    expect(valuesOf(1)).toEqual([value(0, -1, ''), value(1, -1, 'later'), null]);
    return records;
  });
  for (const { value } of records)
    if (value !== null) {
      expect(value.data['commitTimestamp']).toBeGreaterThanOrEqual(startedAt);
      expect(value.data['commitTimestamp']).toBeLessThanOrEqual(Date.now());
    }
});

it('the formatter of groups prints every generation, with the members that the coordinator describes', async () => {
  await createHourlyTopic(cluster(), 'lived');
  const member = await join(cluster(), confluent, 'lived-group', 'lived', 'a-static-member');
  await whenAllIsRead(cluster(), 'lived-group', 1);
  const described = ['--describe', '--group', 'lived-group', '--members'];
  const [row] = await groupRows('apache-kafka', cluster().bootstrap, described);
  const records = await recordsOf('lived-group', 'GroupMetadataMessageFormatter');
  expect(records.at(-1)).toEqual({
    key: { version: 2, data: { group: 'lived-group' } },
    value: {
      version: 3,
      data: {
        protocolType: 'consumer',
        generation: 1,
        protocol: 'range',
        leader: row?.['CONSUMER-ID'],
        currentStateTimestamp: expect.any(Number),
        members: [
          {
            memberId: row?.['CONSUMER-ID'],
            groupInstanceId: 'a-static-member',
            clientId: row?.['CLIENT-ID'],
            clientHost: row?.['HOST'],
            rebalanceTimeout: 300_000,
            sessionTimeout: 6000,
            subscription: expect.any(String),
            assignment: expect.any(String),
          },
        ],
      },
    },
  });
  const offsets = await recordsOf('lived-group', 'OffsetsMessageFormatter');
  const last = new Map(offsets.map(({ key, value }) => [key.data['partition'], value?.data['offset']]));
  expect(last).toEqual(
    new Map([
      [0, 5],
      [1, 5],
    ]),
  );
  await member.kill();
  const deletion = ['--bootstrap-server', cluster().bootstrap, '--delete', '--group', 'lived-group'];
  // Only once the session of the dead member is over.
  await eventually(async () => expect((await kafkaToolLines('consumerGroups', deletion)).join()).toMatch(/successful/));
  await eventually(async () => {
    expect((await recordsOf('lived-group', 'GroupMetadataMessageFormatter')).at(-1)?.value).toBe(null);
    const deleted = await recordsOf('lived-group', 'OffsetsMessageFormatter');
    for (const partition of [0, 1])
      expect(deleted.findLast(({ key }) => key.data['partition'] === partition)?.value).toBe(null);
  });
});

it('the files hold the same on every broker, and DumpLogSegments decodes them', async () => {
  await createTopic(cluster(), 'dumped');
  await commitOffsets(cluster(), 'dumped-group', [
    { topic: 'dumped', partition: 0, offset: 77, metadata: 'in a file' },
  ]);
  for (const partition of PARTITIONS) await whenIdentical(cluster(), OFFSETS_TOPIC, partition);
  for (const broker of cluster().brokers) {
    const files = PARTITIONS.map((partition) =>
      path.join(broker.logDirectory, `${OFFSETS_TOPIC}-${partition}`, '00000000000000000000.log'),
    );
    const lines = await kafkaToolLines('dumpLog', [
      '--files',
      files.join(','),
      '--offsets-decoder',
      '--print-data-log',
    ]);
    expect(lines.filter((line) => /isvalid: false|skipping|Found/.test(line))).toEqual([]);
    const dumped = lines.filter((line) => line.startsWith('|') && line.includes('dumped-group'));
    expect(dumped).toHaveLength(1);
    expect(dumped[0]).toContain('key: {"type":"1","data":{"group":"dumped-group","topic":"dumped","partition":0}}');
    expect(dumped[0]).toMatch(
      /\{"version":"3","data":\{"offset":77,"leaderEpoch":-1,"metadata":"in a file","commitTimestamp":\d{13}\}\}$/,
    );
  }
});

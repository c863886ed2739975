/** kafka-delete-records against scripted brokers: its file, its lines, its exit codes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { main } from '../../../src/cli/delete-records.ts';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { DeleteRecords, Metadata } from '../../../src/protocol/messages/index.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

let directory: string;
let brokers: ScriptedBroker[];
/** Who leads orders-0; -1 nobody. */
let leader: number;

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'barnabas-delete-records-'));
  brokers = [new ScriptedBroker(), new ScriptedBroker()];
  leader = 0;
  await Promise.all(brokers.map((broker) => broker.listen()));
  for (const broker of brokers)
    broker.on(Metadata, ({ topics }) => ({
      brokers: brokers.map(({ port }, nodeId) => ({ nodeId, host: '127.0.0.1', port, rack: null })),
      clusterId: 'c',
      controllerId: 0,
      topics: (topics ?? []).map(({ name }) => ({
        errorCode: name === 'orders' ? 0 : Errors.UNKNOWN_TOPIC_OR_PARTITION,
        name,
        topicId: ZERO_TOPIC_ID,
        partitions: [0, 1].map((partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: partitionIndex === 0 ? leader : 1,
          replicaNodes: [0, 1],
          isrNodes: [0, 1],
          offlineReplicas: [],
        })),
      })),
    }));
});

afterEach(async () => {
  rmSync(directory, { recursive: true });
  await Promise.all(brokers.map((broker) => broker.close()));
});

function answerWith(broker: ScriptedBroker | undefined, errorCode: () => number): void {
  broker?.on(DeleteRecords, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => ({
        partitionIndex,
        lowWatermark: offset,
        errorCode: errorCode(),
      })),
    })),
  }));
}

async function run(file: string) {
  const terminal = new TestTerminal();
  const json = path.join(directory, 'offsets.json');
  writeFileSync(json, file);
  const bootstrap = brokers[0]?.address ?? '';
  const exitCode = await main(['--bootstrap-server', bootstrap, '--offset-json-file', json], terminal);
  return { exitCode, stdout: terminal.stdout, log: terminal.log };
}

test('tells the low watermark of each partition, in the order of the file', async () => {
  for (const broker of brokers) answerWith(broker, () => 0);
  const partitions = [
    { topic: 'orders', partition: 1, offset: 3 },
    { topic: 'orders', partition: 0, offset: 7 },
    { topic: 'nothing', partition: 0, offset: 7 },
  ];
  expect(await run(JSON.stringify({ partitions, version: 1 }))).toEqual({
    exitCode: 0,
    stdout:
      'Executing records delete operation\nRecords delete operation completed:\n' +
      'partition: orders-1\tlow_watermark: 3\npartition: orders-0\tlow_watermark: 7\n' +
      'partition: nothing-0\terror: org.apache.kafka.common.errors.UnknownTopicOrPartitionException: ' +
      'This server does not host this topic-partition.\n',
    log: '',
  });
});

test('tells the error of a partition and leaves with 0', async () => {
  answerWith(brokers[0], () => Errors.OFFSET_OUT_OF_RANGE);
  const { exitCode, stdout } = await run('{"partitions": [{"topic": "orders", "partition": 0, "offset": 70}]}');
  expect([exitCode, stdout.split('\n')[2]]).toEqual([
    0,
    'partition: orders-0\terror: org.apache.kafka.common.errors.OffsetOutOfRangeException: ' +
      'The requested offset is not within the range of offsets maintained by the server.',
  ]);
});

test('asks the new leader when the leadership has moved', async () => {
  answerWith(brokers[0], () => {
    leader = 1;
    return Errors.NOT_LEADER_OR_FOLLOWER;
  });
  answerWith(brokers[1], () => 0);
  const { stdout } = await run('{"partitions": [{"topic": "orders", "partition": 0, "offset": 2}]}');
  expect(stdout).toContain('partition: orders-0\tlow_watermark: 2\n');
});

test.each([
  ['no JSON', '{', /^The input string is not a valid JSON/],
  ['another version', '{"version": 2, "partitions": []}', /^Not supported version field value 2$/],
  ['no partitions', '{"version": 1}', /^Missing partitions field$/],
  [
    'a partition named twice',
    '{"partitions": [{"topic": "t", "partition": 0, "offset": 1}, {"topic": "t", "partition": 0, "offset": 2}]}',
    /^Offset json file contains duplicate topic partitions: t-0$/,
  ],
  ['an entry without an offset', '{"partitions": [{"topic": "t", "partition": 0}]}', /^Not a topic with its/],
])('refuses a file with %s', async (_what, file, message) => {
  const { exitCode, stdout, log } = await run(file);
  expect([exitCode, stdout]).toEqual([1, '']);
  expect(log.trimEnd()).toMatch(message);
});

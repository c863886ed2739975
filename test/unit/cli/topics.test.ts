/** kafka-topics against a scripted broker: the lines, texts and exit codes of Kafka 3.9. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { main } from '../../../src/cli/topics.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import {
  CreatePartitions,
  CreateTopics,
  DeleteTopics,
  DescribeConfigs,
  Metadata,
} from '../../../src/protocol/messages/index.ts';
import type { RequestOf, ResponseOf } from '../../../src/protocol/schema.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

type Topic = ResponseOf<typeof Metadata>['topics'][number];
const ANT_ID = 'Qk5xlAPcScy3d_C2hPjh0w';
const ID = 'NPmZHyhbR9y00wMglMH2sg';

function partition(partitionIndex: number, leaderId: number, replicaNodes: number[], isrNodes: number[]) {
  return { errorCode: leaderId < 0 ? 5 : 0, partitionIndex, leaderId, replicaNodes, isrNodes, offlineReplicas: [] };
}

function config(name: string, value: string, configSource: number) {
  const rest = { readOnly: false, isDefault: false, isSensitive: false, synonyms: [], documentation: null };
  return { name, value, configSource, ...rest };
}

function createdTopic(name: string, errorCode = 0, errorMessage: string | null = null) {
  return { name, topicId: ID, errorCode, errorMessage, configs: null };
}

const TOPICS: readonly Topic[] = [
  {
    errorCode: 0,
    name: 'zebra',
    topicId: ID,
    partitions: [partition(1, -1, [2, 1], [2]), partition(0, 1, [1, 2], [1])],
  },
  { errorCode: 0, name: 'ant', topicId: ANT_ID, partitions: [partition(0, 1, [1, 2], [1, 2])] },
  { errorCode: 0, name: '__consumer_offsets', topicId: ID, isInternal: true, partitions: [partition(0, 1, [1], [1])] },
];

let broker: ScriptedBroker;
let created: RequestOf<typeof CreateTopics>['topics'];
beforeEach(async () => {
  created = [];
  broker = new ScriptedBroker();
  await broker.listen();
  const brokers = [{ nodeId: 1, host: '127.0.0.1', port: broker.port, rack: null }];
  broker
    .on(Metadata, ({ topics }) => ({
      brokers,
      clusterId: 'c',
      controllerId: 1,
      topics: TOPICS.filter(({ name }) => topics === null || topics.some((wanted) => wanted.name === name)),
    }))
    .on(DescribeConfigs, ({ resources }) => ({
      results: resources.map(({ resourceType, resourceName }) => ({
        errorCode: 0,
        errorMessage: null,
        resourceType,
        resourceName,
        configs: [
          config('min.insync.replicas', '2', 5),
          ...(resourceName === 'ant' ? [config('cleanup.policy', 'compact', 1)] : []),
        ],
      })),
    }))
    .on(CreateTopics, ({ topics }) => {
      created.push(...topics);
      return { topics: topics.map(({ name }) => createdTopic(name)) };
    });
});
afterEach(() => broker.close());

async function topics(...args: string[]) {
  const terminal = new TestTerminal();
  const exitCode = await main(['--bootstrap-server', broker.address, ...args], terminal);
  return { exitCode, stdout: terminal.stdout, log: terminal.log };
}

test('--list prints a sorted name a line', async () => {
  expect(await topics('--list')).toEqual({ exitCode: 0, stdout: '__consumer_offsets\nant\nzebra\n', log: '' });
  expect((await topics('--list', '--exclude-internal')).stdout).toBe('ant\nzebra\n');
  expect((await topics('--list', '--topic', '"a.*, zebra"')).stdout).toBe('ant\nzebra\n');
  expect((await topics('--list', '--topic', 'nothing')).stdout).toBe('\n');
});

test('--describe prints a line a topic and one a partition, fields apart by tabs', async () => {
  const { stdout, exitCode } = await topics('--describe', '--exclude-internal');
  expect(exitCode).toBe(0);
  expect(stdout).toBe(
    [
      `Topic: ant\tTopicId: ${ANT_ID}\tPartitionCount: 1\tReplicationFactor: 2\tConfigs: cleanup.policy=compact`,
      '\tTopic: ant\tPartition: 0\tLeader: 1\tReplicas: 1,2\tIsr: 1,2\tElr: N/A\tLastKnownElr: N/A',
      `Topic: zebra\tTopicId: ${ID}\tPartitionCount: 2\tReplicationFactor: 2\tConfigs: `,
      '\tTopic: zebra\tPartition: 0\tLeader: 1\tReplicas: 1,2\tIsr: 1\tElr: N/A\tLastKnownElr: N/A',
      '\tTopic: zebra\tPartition: 1\tLeader: none\tReplicas: 2,1\tIsr: 2\tElr: N/A\tLastKnownElr: N/A',
      '',
    ].join('\n'),
  );
});

test('reports print only the partitions or topics they ask for', async () => {
  const partitions = async (report: string) =>
    [...(await topics('--describe', report)).stdout.matchAll(/Topic: (\S+)\tPartition: (\d)/g)].map(
      ([, topic, index]) => `${topic}-${index}`,
    );
  expect(await partitions('--under-replicated-partitions')).toEqual(['zebra-0', 'zebra-1']);
  expect(await partitions('--unavailable-partitions')).toEqual(['zebra-1']);
  expect(await partitions('--under-min-isr-partitions')).toEqual(['__consumer_offsets-0', 'zebra-0', 'zebra-1']);
  expect(await partitions('--at-min-isr-partitions')).toEqual(['ant-0']);
  expect((await topics('--describe', '--topics-with-overrides')).stdout).toMatch(/^Topic: ant\t[^\n]*\n$/);
});

test('a topic is described by its id', async () => {
  expect((await topics('--describe', '--topic-id', ANT_ID)).stdout).toContain('Topic: ant\t');
  expect((await topics('--describe', '--topic-id', 'AAAAAAAAAAAAAAAAAAAAAQ')).stdout).toBe(
    "Error while executing topic command : TopicId 'AAAAAAAAAAAAAAAAAAAAAQ' does not exist as expected\n",
  );
});

test('--create asks for the cluster’s defaults when none are given', async () => {
  expect(await topics('--create', '--topic', 'new')).toEqual({ exitCode: 0, stdout: 'Created topic new.\n', log: '' });
  expect(created).toEqual([{ name: 'new', numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }]);
});

test('--create sends partitions, replicas, configs and warns of names that could collide', async () => {
  const args = ['--partitions', '3', '--replication-factor', '2', '--config', 'retention.ms = 5', '--topic', 'a_b'];
  const { stdout } = await topics('--create', ...args);
  expect(stdout).toMatch(/^WARNING: Due to limitations in metric names, .*\nCreated topic a_b\.\n$/);
  expect(created[0]).toMatchObject({
    numPartitions: 3,
    replicationFactor: 2,
    configs: [{ name: 'retention.ms', value: '5' }],
  });
});

test('--create sends an assignment made by hand', async () => {
  await topics('--create', '--topic', 'new', '--replica-assignment', '1:2,2:1');
  expect(created[0]).toMatchObject({
    numPartitions: -1,
    assignments: [
      { partitionIndex: 0, brokerIds: [1, 2] },
      { partitionIndex: 1, brokerIds: [2, 1] },
    ],
  });
});

test.each([
  [['--partitions', '0'], 'The partitions must be greater than 0'],
  [['--replication-factor', '0'], 'The replication factor must be between 1 and 32767 inclusive'],
  [
    ['--config', 'a'],
    'requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".',
  ],
  [['--config', 'foo=1'], 'Unknown topic config name: foo'],
  [['--config', 'retention.ms=x'], 'Invalid value x for configuration retention.ms: Not a number of type LONG'],
  [['--replica-assignment', '1:1'], 'Partition replica lists may not contain duplicate entries: 1'],
  [['--replica-assignment', '1,1:2'], 'Partition 1 has different replication factor: [1, 2]'],
])('--create with %j is refused before anything is sent', async (args, message) => {
  const { stdout, exitCode } = await topics('--create', '--topic', 'new', ...args);
  expect(exitCode).toBe(1);
  expect(stdout).toBe(`Error while executing topic command : ${message}\n`);
  expect(created).toEqual([]);
});

test('what the cluster refuses goes to stdout, Java’s exception to stderr', async () => {
  const errorMessage = "Topic 'ant' already exists.";
  broker.on(CreateTopics, () => ({ topics: [createdTopic('ant', Errors.TOPIC_ALREADY_EXISTS, errorMessage)] }));
  expect(await topics('--create', '--topic', 'ant')).toEqual({
    exitCode: 1,
    stdout: "Error while executing topic command : Topic 'ant' already exists.\n",
    log:
      "ERROR org.apache.kafka.common.errors.TopicExistsException: Topic 'ant' already exists. " +
      '(org.apache.kafka.tools.TopicCommand)\n',
  });
  expect(await topics('--create', '--topic', 'ant', '--if-not-exists')).toEqual({ exitCode: 0, stdout: '', log: '' });
});

test('a broker that is not the controller any more is asked where it is now', async () => {
  let asked = 0;
  broker.on(CreateTopics, ({ topics: wanted }) => {
    asked++;
    const errorCode = asked === 1 ? Errors.NOT_CONTROLLER : 0;
    return { topics: wanted.map(({ name }) => createdTopic(name, errorCode)) };
  });
  expect((await topics('--create', '--topic', 'new')).stdout).toBe('Created topic new.\n');
  expect(asked).toBe(2);
});

test('--delete and --alter print nothing', async () => {
  const deleted: string[] = [];
  const altered: unknown[] = [];
  broker
    .on(DeleteTopics, ({ topics: wanted }) => {
      deleted.push(...wanted.map(({ name }) => name ?? ''));
      return { responses: wanted.map(({ name }) => ({ name, topicId: ID, errorCode: 0 })) };
    })
    .on(CreatePartitions, ({ topics: wanted }) => {
      altered.push(...wanted);
      return { results: wanted.map(({ name }) => ({ name, errorCode: 0, errorMessage: null })) };
    });
  expect(await topics('--delete', '--topic', 'ant')).toEqual({ exitCode: 0, stdout: '', log: '' });
  expect(deleted).toEqual(['ant']);
  expect(await topics('--alter', '--topic', 'zebra', '--partitions', '6')).toEqual({
    exitCode: 0,
    stdout: '',
    log: '',
  });
  expect(altered).toEqual([{ name: 'zebra', count: 6, assignments: null }]);
});

test('an older broker is spoken to in the versions it knows', async () => {
  const deleted: string[] = [];
  broker.on(
    DeleteTopics,
    ({ topicNames }) => {
      deleted.push(...topicNames);
      return { responses: topicNames.map((name) => ({ name, topicId: ID, errorCode: 0 })) };
    },
    3,
  );
  expect((await topics('--delete', '--topic', 'ant')).exitCode).toBe(0);
  expect(deleted).toEqual(['ant']);
  expect(broker.received).toContain('DeleteTopics v3');
});

test('a topic that is not there is an error unless --if-exists is given', async () => {
  for (const action of [['--describe'], ['--delete'], ['--alter', '--partitions', '2']]) {
    const { stdout, exitCode } = await topics(...action, '--topic', 'nope');
    expect([stdout, exitCode]).toEqual([
      "Error while executing topic command : Topic 'nope' does not exist as expected\n",
      1,
    ]);
    expect((await topics(...action, '--topic', 'nope', '--if-exists')).exitCode).toBe(0);
  }
});

async function usage(...args: string[]): Promise<string> {
  const terminal = new TestTerminal();
  expect(await main(args, terminal)).toBe(1);
  expect(terminal.stdout).toBe('');
  return terminal.stderr.split('\n')[0] ?? '';
}

test.each([
  [[], 'This tool helps to create, delete, describe, or change a topic.'],
  [['--help'], 'This tool helps to create, delete, describe, or change a topic.'],
  [
    ['--list', '--describe'],
    'Command must include exactly one action: --list, --describe, --create, --alter or --delete',
  ],
  [['--list'], '--bootstrap-server must be specified'],
  [['--bootstrap-server', 'x:1', '--create'], 'Missing required argument "[topic]"'],
  [['--bootstrap-server', 'x:1', '--alter', '--topic', 't'], 'Missing required argument "[partitions]"'],
  [['--bootstrap-server', 'x:1', '--list', '--config', 'a=b'], 'Option "[config]" can\'t be used with option "[list]"'],
  [['--zookeeper', 'z:2181', '--list'], 'zookeeper is not a recognized option'],
])('%j is a wrong use, told on stderr', async (args, message) => {
  expect(await usage(...args)).toBe(message);
});

test('a wrong use is told in two lines: what is wrong, and where the options are listed', async () => {
  const terminal = new TestTerminal();
  expect(await main(['--list', '--describe', '--bootstrap-server', 'x:1'], terminal)).toBe(1);
  expect(terminal.stderr).toBe(
    'Command must include exactly one action: --list, --describe, --create, --alter or --delete\n' +
      'Run kafka-topics.sh --help for the list of options.\n',
  );
});

test('without arguments the help is printed, its headline once', async () => {
  const [bare, help] = [new TestTerminal(), new TestTerminal()];
  expect([await main([], bare), await main(['--help'], help)]).toEqual([1, 1]);
  expect(bare.stderr).toBe(help.stderr);
  expect(bare.stderr.match(/This tool helps to create/g)).toHaveLength(1);
});

test('a replica that is no broker id is refused in plain words', async () => {
  const { stdout, exitCode } = await topics('--create', '--topic', 'x', '--replica-assignment', '1:a');
  expect([exitCode, stdout]).toEqual([
    1,
    "Error while executing topic command : Not a broker id in --replica-assignment: 'a'\n",
  ]);
});

test('when no broker can be reached each try is a warning and the end a timeout', async () => {
  await broker.close();
  const { writeFileSync, mkdtempSync, rmSync } = await import('node:fs');
  const directory = mkdtempSync('/tmp/barnabas-topics-');
  writeFileSync(`${directory}/client.properties`, 'default.api.timeout.ms=120\n');
  const { stdout, log, exitCode } = await topics('--list', '--command-config', `${directory}/client.properties`);
  rmSync(directory, { recursive: true });
  expect(exitCode).toBe(1);
  expect(stdout).toBe(
    'Error while executing topic command : Timed out waiting for a node assignment. Call: listTopics\n',
  );
  expect(log.split('\n')[0]).toBe(
    `WARN [AdminClient clientId=adminclient-1] Connection to node -1 (/127.0.0.1:${broker.port}) could not be ` +
      'established. Node may not be available. (org.apache.kafka.clients.NetworkClient)',
  );
  await broker.listen();
});

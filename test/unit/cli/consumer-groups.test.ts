/** kafka-consumer-groups against a scripted broker: the tables, sentences and exit codes of Kafka 3.9. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/consumer-groups.ts';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { ConsumerProtocolAssignment } from '../../../src/protocol/internal/consumer-protocol.ts';
import {
  ConsumerGroupDescribe,
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  ListGroups,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from '../../../src/protocol/messages/index.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

interface Group {
  readonly state: string;
  readonly protocolType?: string;
  readonly members?: readonly {
    id: string;
    instance?: string;
    partitions: Readonly<Record<string, readonly number[]>>;
  }[];
  readonly offsets?: Readonly<Record<string, Readonly<Record<number, number>>>>;
}

/** orders has partitions 0 to 2 with offsets from 10 to 100, empty has one without records. */
const PARTITIONS = new Map([
  ['orders', 3],
  ['empty', 1],
]);
const GROUPS = new Map<string, Group>([
  [
    'shop',
    {
      state: 'Stable',
      members: [
        { id: 'c-1', partitions: { orders: [1] } },
        { id: 'c-2', partitions: { orders: [2, 0] } },
        { id: 'c-3', partitions: {} },
      ],
      offsets: { orders: { 0: 90, 1: 100 }, empty: { 0: 0 } },
    },
  ],
  ['idle', { state: 'Empty', offsets: { orders: { 0: 50, 2: 20 }, gone: { 0: 7 } } }],
  ['fixed', { state: 'Stable', members: [{ id: 'i-1', instance: 'host-1', partitions: { orders: [0] } }] }],
  ['moving', { state: 'PreparingRebalance', members: [{ id: 'm-1', partitions: {} }] }],
  ['connect', { state: 'Stable', protocolType: 'connect' }],
]);

/** Fields of versions that ask for one group at a time. */
const NO_COORDINATOR = { errorCode: 0, nodeId: 0, host: '', port: 0 };

let broker: ScriptedBroker;
let directory: string;
let committed: [string, number, number][];

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'barnabas-groups-'));
  committed = [];
  broker = new ScriptedBroker();
  await broker.listen();
  scriptCluster();
  scriptGroups();
});
afterEach(async () => {
  rmSync(directory, { recursive: true });
  await broker.close();
});

function scriptCluster(): void {
  broker
    .on(Metadata, ({ topics }) => ({
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: broker.port, rack: null }],
      clusterId: 'c',
      controllerId: 1,
      topics: (topics ?? []).map(({ name }) => ({
        errorCode: PARTITIONS.has(name ?? '') ? 0 : Errors.UNKNOWN_TOPIC_OR_PARTITION,
        name,
        topicId: ZERO_TOPIC_ID,
        partitions: Array.from({ length: PARTITIONS.get(name ?? '') ?? 0 }, (_, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: 1,
          replicaNodes: [1],
          isrNodes: [1],
          offlineReplicas: [],
        })),
      })),
    }))
    .on(ListOffsets, ({ topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => ({
          partitionIndex,
          errorCode: 0,
          offset: name === 'empty' ? offsetIn(timestamp, 0, 0) : offsetIn(timestamp, 10, 100),
        })),
      })),
    }));
}

function offsetIn(timestamp: number, start: number, end: number): number {
  if (timestamp === -2) return start;
  if (timestamp === -1) return end;
  return start === end ? -1 : 42;
}

function scriptGroups(): void {
  const coordinator = () => ({ nodeId: 1, host: '127.0.0.1', port: broker.port, errorCode: 0, errorMessage: null });
  broker
    .on(FindCoordinator, ({ coordinatorKeys }) => ({
      ...NO_COORDINATOR,
      coordinators: coordinatorKeys.map((key) => ({ key, ...coordinator() })),
    }))
    .on(ListGroups, ({ statesFilter, typesFilter }) => ({
      errorCode: 0,
      groups: [...GROUPS]
        .filter(([, { state }]) => statesFilter.length === 0 || statesFilter.includes(state))
        .filter(() => typesFilter.length === 0 || typesFilter.includes('Classic'))
        .map(([groupId, { state, protocolType = 'consumer' }]) => ({
          groupId,
          protocolType,
          groupState: state,
          groupType: 'classic',
        })),
    }))
    .on(DescribeGroups, ({ groups }) => ({ groups: groups.map(described) }))
    .on(OffsetFetch, ({ groups }) => ({
      errorCode: 0,
      topics: [],
      groups: groups.map(({ groupId }) => ({ groupId, topics: offsetsOf(groupId) })),
    }))
    .on(OffsetCommit, ({ groupId, topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, committedOffset }) => {
          committed.push([`${groupId}/${name}`, partitionIndex, committedOffset]);
          return { partitionIndex, errorCode: 0 };
        }),
      })),
    }))
    .on(DeleteGroups, ({ groupsNames }) => ({
      results: groupsNames.map((groupId) => ({ groupId, errorCode: deletionError(groupId) })),
    }));
}

function described(groupId: string) {
  const { state = 'Dead', protocolType = 'consumer', members = [] } = GROUPS.get(groupId) ?? {};
  return {
    errorCode: 0,
    groupId,
    groupState: state,
    protocolType,
    protocolData: 'range',
    members: members.map(({ id, instance, partitions }) => ({
      memberId: id,
      groupInstanceId: instance ?? null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      memberMetadata: Buffer.alloc(0),
      memberAssignment: ConsumerProtocolAssignment.encode({
        assignedPartitions: Object.entries(partitions).map(([topic, of]) => ({ topic, partitions: of })),
      }),
    })),
  };
}

function offsetsOf(groupId: string) {
  return Object.entries(GROUPS.get(groupId)?.offsets ?? {}).map(([name, partitions]) => ({
    name,
    partitions: Object.entries(partitions).map(([index, offset]) => ({
      partitionIndex: Number(index),
      committedOffset: offset,
      metadata: '',
      errorCode: 0,
    })),
  }));
}

function deletionError(groupId: string): number {
  const group = GROUPS.get(groupId);
  if (group === undefined) return Errors.GROUP_ID_NOT_FOUND;
  return group.state === 'Empty' ? 0 : Errors.NON_EMPTY_GROUP;
}

async function groups(...args: string[]) {
  const terminal = new TestTerminal();
  const exitCode = await main(['--bootstrap-server', broker.address, ...args], terminal);
  return { exitCode, stdout: terminal.stdout, log: terminal.log };
}

describe('--list', () => {
  it('prints the consumer groups, one a line', async () => {
    const expected = { exitCode: 0, stdout: 'fixed\nidle\nmoving\nshop\n', log: '' };
    expect(await groups('--list')).toEqual(expected);
  });

  it('shows states, and only groups in some of them', async () => {
    const { stdout } = await groups('--list', '--state', 'stable, empty');
    expect(stdout).toBe(
      [
        'GROUP                     STATE               ',
        'fixed                     Stable              ',
        'idle                      Empty               ',
        'shop                      Stable              ',
        '',
      ].join('\n'),
    );
  });

  it('shows types and states', async () => {
    const { stdout } = await groups('--list', '--type', '--state');
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      'GROUP                     TYPE                 STATE               ',
      'fixed                     Classic              Stable              ',
    ]);
  });

  it.each([
    ['--state', 'tired', "Invalid state list 'tired'. Valid states are: PreparingRebalance, CompletingRebalance, "],
    ['--type', 'new', "Invalid types list 'new'. Valid types are: Consumer, Classic"],
  ])('refuses %s %s', async (option, value, message) => {
    const { exitCode, stdout, log } = await groups('--list', option, value);
    expect([exitCode, stdout, log.startsWith(message)]).toEqual([1, '', true]);
  });
});

describe('--describe', () => {
  it('shows where a group is: by member, then what nobody has', async () => {
    const { exitCode, stdout, log } = await groups('--describe', '--group', 'shop');
    const consumer = 'c-2             /127.0.0.1      client';
    expect([exitCode, log]).toEqual([0, '']);
    expect(stdout).toBe(
      [
        '',
        'GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             ' +
          'CONSUMER-ID     HOST            CLIENT-ID',
        `shop            orders          0          90              100             10              ${consumer}`,
        `shop            orders          2          -               100             -               ${consumer}`,
        'shop            orders          1          100             100             0               ' +
          'c-1             /127.0.0.1      client',
        'shop            empty           0          0               0               0               ' +
          '-               -               -',
        '',
      ].join('\n'),
    );
  });

  it('says of a group without members that it has none, and where it was', async () => {
    const { exitCode, stdout, log } = await groups('--describe', '--group', 'idle');
    expect([exitCode, log]).toEqual([0, "\nConsumer group 'idle' has no active members.\n"]);
    expect(stdout.split('\n').map((line) => line.split(/\s+/).slice(1, 6).join(' '))).toEqual([
      '',
      'TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG',
      'gone 0 7 - -',
      'orders 0 50 100 50',
      'orders 2 20 100 80',
      '',
    ]);
  });

  it('says of a group that there is none', async () => {
    const stdout = "\nError: Consumer group 'nobody' does not exist.\n";
    for (const view of ['--offsets', '--members', '--state'])
      expect(await groups('--describe', '--group', 'nobody', view)).toEqual({ exitCode: 0, stdout, log: '' });
  });

  it('warns of a rebalance', async () => {
    const { stdout, log } = await groups('--describe', '--group', 'moving');
    expect([stdout, log]).toEqual(['', "\nWarning: Consumer group 'moving' is rebalancing.\n"]);
  });

  it('shows members, with their partitions when asked', async () => {
    const brief = await groups('--describe', '--group', 'shop', '--members');
    expect(brief.stdout.split('\n').slice(0, 3)).toEqual([
      '',
      'GROUP           CONSUMER-ID     HOST            CLIENT-ID       #PARTITIONS     ',
      'shop            c-1             /127.0.0.1      client          1               ',
    ]);
    const verbose = await groups('--describe', '--group', 'shop', '--members', '--verbose');
    expect(verbose.stdout.split('\n').map((line) => line.slice(64))).toEqual([
      '',
      '#PARTITIONS     ASSIGNMENT',
      '1               orders(1)',
      '2               orders(0,2)',
      '0               -',
      '',
    ]);
  });

  it('shows the instances of static members', async () => {
    const { stdout } = await groups('--describe', '--group', 'fixed', '--members');
    expect(stdout.split('\n').slice(1, 3)).toEqual([
      'GROUP           CONSUMER-ID     GROUP-INSTANCE-ID HOST            CLIENT-ID       #PARTITIONS     ',
      'fixed           i-1             host-1            /127.0.0.1      client          1               ',
    ]);
  });

  it('shows the state and the coordinator', async () => {
    const { stdout } = await groups('--describe', '--group', 'shop', '--state');
    const where = `127.0.0.1:${broker.port}  (1)`.padEnd(25);
    expect(stdout).toBe(
      '\nGROUP                     COORDINATOR (ID)          ASSIGNMENT-STRATEGY  STATE           #MEMBERS\n' +
        `shop                      ${where} range                Stable          3\n`,
    );
  });

  it('shows all groups by name', async () => {
    const { stdout } = await groups('--describe', '--all-groups', '--state');
    const named = stdout.split('\n').filter((line) => /^[a-z]/.test(line));
    expect(named.map((line) => line.split(' ')[0])).toEqual(['fixed', 'idle', 'moving', 'shop']);
  });

  it('knows groups of the new protocol', async () => {
    const { errorMessage = null, ...rest } = { groupEpoch: 3, assignmentEpoch: 3, assignorName: 'uniform' } as {
      errorMessage?: null;
      groupEpoch: number;
      assignmentEpoch: number;
      assignorName: string;
    };
    const assignment = { topicPartitions: [{ topicId: ZERO_TOPIC_ID, topicName: 'orders', partitions: [1] }] };
    broker.on(ConsumerGroupDescribe, ({ groupIds }) => ({
      groups: groupIds.map((groupId) => ({
        errorCode: groupId === 'new' ? 0 : Errors.GROUP_ID_NOT_FOUND,
        errorMessage,
        groupId,
        groupState: 'Stable',
        ...rest,
        members: [
          {
            memberId: 'n-1',
            memberEpoch: 3,
            clientId: 'client',
            clientHost: '/127.0.0.1',
            subscribedTopicNames: ['orders'],
            assignment,
            targetAssignment: assignment,
          },
        ],
      })),
    }));
    const { stdout } = await groups('--describe', '--group', 'new', '--group', 'fixed', '--members', '--verbose');
    expect(
      stdout
        .split('\n')
        .filter((line) => line.startsWith('new'))
        .map((line) => line.split(/\s+/).join(' ')),
    ).toEqual(['new n-1 /127.0.0.1 client 1 orders(1)']);
    expect(stdout).toContain('\nfixed ');
  });

  it('refuses a group that is no consumer group', async () => {
    const { exitCode, stdout } = await groups('--describe', '--group', 'connect');
    expect([exitCode, stdout]).toEqual([
      0,
      '\nError: Executing consumer group command failed due to java.lang.IllegalArgumentException: ' +
        'GroupId connect is not a consumer group (connect).\n',
    ]);
  });

  it('gives up after --timeout, and leaves with 0 as Kafka does', async () => {
    broker.on(FindCoordinator, ({ coordinatorKeys }) => ({
      ...NO_COORDINATOR,
      coordinators: coordinatorKeys.map((key) => ({
        key,
        nodeId: -1,
        host: '',
        port: -1,
        errorCode: Errors.COORDINATOR_NOT_AVAILABLE,
        errorMessage: null,
      })),
    }));
    const { exitCode, stdout } = await groups('--describe', '--group', 'shop', '--timeout', '250');
    expect([exitCode, stdout]).toEqual([
      0,
      '\nError: Executing consumer group command failed due to org.apache.kafka.common.errors.TimeoutException: ' +
        'Timed out waiting for a node assignment. Call: describeConsumerGroups (The coordinator is not available.)\n',
    ]);
  });

  it('waits for a coordinator that loads, and asks again who it is when it has moved', async () => {
    const errors = [Errors.COORDINATOR_LOAD_IN_PROGRESS, Errors.NOT_COORDINATOR];
    broker.on(DescribeGroups, ({ groups: asked }) => {
      const errorCode = errors.shift() ?? 0;
      return { groups: asked.map((groupId) => ({ ...described(groupId), errorCode })) };
    });
    const { stdout } = await groups('--describe', '--group', 'shop', '--state');
    expect(stdout).toContain('Stable');
    expect(broker.received.filter((name) => name.startsWith('FindCoordinator'))).toHaveLength(2);
  });
});

describe('--delete', () => {
  it('deletes groups without members', async () => {
    expect(await groups('--delete', '--group', 'idle')).toEqual({
      exitCode: 0,
      stdout: "Deletion of requested consumer groups ('idle') was successful.\n",
      log: '',
    });
  });

  it('tells which could not be deleted and why', async () => {
    const { stdout } = await groups('--delete', '--group', 'idle', '--group', 'shop', '--group', 'nobody');
    expect(stdout).toBe(
      '\nError: Deletion of some consumer groups failed:\n' +
        "* Group 'shop' could not be deleted due to: " +
        'org.apache.kafka.common.errors.GroupNotEmptyException: The group is not empty.\n' +
        "* Group 'nobody' could not be deleted due to: " +
        'org.apache.kafka.common.errors.GroupIdNotFoundException: The group id does not exist.\n' +
        "\nThese consumer groups were deleted successfully: 'idle'\n",
    );
  });
});

describe('--delete-offsets', () => {
  it('deletes the offsets of topics and of partitions', async () => {
    const deleted: string[] = [];
    broker.on(OffsetDelete, ({ groupId, topics }) => ({
      errorCode: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          deleted.push(`${groupId}/${name}/${partitionIndex}`);
          return { partitionIndex, errorCode: name === 'empty' ? Errors.GROUP_SUBSCRIBED_TO_TOPIC : 0 };
        }),
      })),
    }));
    const one = await groups('--delete-offsets', '--group', 'idle', '--topic', 'orders:2');
    expect(one.stdout).toBe(
      'Request succeed for deleting offsets with topic orders:2 group idle\n' +
        '\nTOPIC                          PARTITION       STATUS         \n' +
        'orders                         2               Successful     \n',
    );
    const some = await groups(
      '--delete-offsets',
      '--group',
      'idle',
      '--topic',
      'orders',
      '--topic',
      'empty',
      '--topic',
      'x',
    );
    expect(some.stdout.replaceAll(/ +/g, ' ')).toBe(
      '\nError: Encounter some partition level error, see the follow-up details:\n' +
        '\nTOPIC PARTITION STATUS \n' +
        'empty 0 Error: :org.apache.kafka.common.errors.GroupSubscribedToTopicException: ' +
        'Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it.\n' +
        'orders 0 Successful \norders 1 Successful \norders 2 Successful \n' +
        'x Not Provided Error: :org.apache.kafka.common.errors.UnknownTopicOrPartitionException: ' +
        'This server does not host this topic-partition.\n',
    );
    expect(deleted).toEqual(['idle/orders/2', 'idle/empty/0', 'idle/orders/0', 'idle/orders/1', 'idle/orders/2']);
  });

  it.each([
    [Errors.NON_EMPTY_GROUP, "Deleting offsets of a consumer group 'shop' is forbidden if the group is not empty."],
    [Errors.GROUP_ID_NOT_FOUND, "'shop' does not exist."],
  ])('says why a group cannot be changed (%i)', async (errorCode, sentence) => {
    broker.on(OffsetDelete, () => ({ errorCode, topics: [] }));
    const { exitCode, stdout } = await groups('--delete-offsets', '--group', 'shop', '--topic', 'orders:0');
    expect([exitCode, stdout.split('\n')[1]]).toEqual([0, `Error: ${sentence}`]);
  });
});

/** `--reset-offsets` of idle, as topic, partition and new offset. */
async function reset(...args: string[]) {
  const { exitCode, stdout, log } = await groups('--reset-offsets', '--group', 'idle', ...args);
  const rows = stdout.split('\n').filter((line) => line.startsWith('idle'));
  return { exitCode, stdout, log, rows: rows.map((line) => line.split(/\s+/).slice(1, 4).join(' ')) };
}

describe('--reset-offsets', () => {
  it.each([
    [
      ['--to-earliest', '--topic', 'orders:0,2'],
      ['orders 0 10', 'orders 2 10'],
    ],
    [
      ['--to-latest', '--topic', 'orders'],
      ['orders 0 100', 'orders 1 100', 'orders 2 100'],
    ],
    [
      ['--to-current', '--topic', 'orders'],
      ['orders 0 50', 'orders 1 100', 'orders 2 20'],
    ],
    [['--to-offset', '33', '--topic', 'orders:1'], ['orders 1 33']],
    [
      ['--shift-by', '-5', '--topic', 'orders:0,2'],
      ['orders 0 45', 'orders 2 15'],
    ],
    [['--shift-by', '+7', '--topic', 'orders:0'], ['orders 0 57']],
    [['--to-datetime', '2024-01-31T12:00:00.000', '--topic', 'orders:0'], ['orders 0 42']],
    [['--by-duration', 'PT1H', '--topic', 'orders:0'], ['orders 0 42']],
  ])('%j', async (args, rows) => {
    const answer = await reset('--dry-run', ...args);
    expect([answer.exitCode, answer.log, answer.rows]).toEqual([0, '', rows]);
    expect(committed).toEqual([]);
  });

  it('prints a table and does nothing unless it is told to', async () => {
    const { stdout, log } = await reset('--to-earliest', '--topic', 'orders:0');
    expect(stdout).toBe(
      '\nGROUP                          TOPIC                          PARTITION  NEW-OFFSET     \n' +
        'idle                           orders                         0          10             \n',
    );
    expect(log).toMatch(/^WARN: No action will be performed as the --execute option is missing\.In a future/);
    expect(committed).toEqual([]);
  });

  it('writes the offsets with --execute', async () => {
    const { rows } = await reset('--to-earliest', '--topic', 'orders', '--execute');
    expect(rows).toHaveLength(3);
    expect(committed).toEqual([
      ['idle/orders', 0, 10],
      ['idle/orders', 1, 10],
      ['idle/orders', 2, 10],
    ]);
  });

  it('keeps within the log and says so', async () => {
    const { rows, log } = await reset('--to-offset', '5000', '--topic', 'orders:0', '--dry-run');
    expect(rows).toEqual(['orders 0 100']);
    expect(log).toBe(
      'WARN New offset (5000) is higher than latest offset for topic partition orders-0. Value will be set to 100 ' +
        '(org.apache.kafka.tools.consumer.group.ConsumerGroupCommand)\n',
    );
    expect((await reset('--shift-by', '-500', '--topic', 'orders:0', '--dry-run')).rows).toEqual(['orders 0 10']);
  });

  it('falls back to the end of a partition that has nothing from a time on', async () => {
    const { stdout, rows } = await reset('--by-duration', 'P1D', '--topic', 'empty', '--dry-run');
    expect(stdout).toMatch(/^\nWarn: Partition 0 from topic empty is empty\. Falling back to latest known offset\.\n/);
    expect(rows).toEqual(['empty 0 0']);
  });

  it('prints a plan with --export and takes it with --from-file', async () => {
    const { stdout } = await reset('--to-current', '--topic', 'orders:0,2', '--export', '--dry-run');
    expect(stdout).toBe('orders,0,50\norders,2,20\n\n');
    const file = path.join(directory, 'plan.csv');
    writeFileSync(file, stdout.replace('50', '60'));
    expect((await reset('--from-file', file, '--execute')).rows).toEqual(['orders 0 60', 'orders 2 20']);
    expect(committed).toEqual([
      ['idle/orders', 0, 60],
      ['idle/orders', 2, 20],
    ]);
  });

  it('names the groups in a plan for several', async () => {
    const args = ['--reset-offsets', '--group', 'idle', '--group', 'nobody', '--to-earliest', '--topic', 'orders:0'];
    const { stdout } = await groups(...args, '--export', '--dry-run');
    expect(stdout).toBe('idle,orders,0,10\nnobody,orders,0,10\n\n');
  });

  it('leaves groups with members alone', async () => {
    const { exitCode, stdout } = await groups(
      '--reset-offsets',
      ...['--all-groups', '--to-latest', '--topic', 'orders:0', '--execute'],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      "\nError: Assignments can only be reset if the group 'shop' is inactive, but the current state is Stable.\n",
    );
    expect(committed).toEqual([['idle/orders', 0, 100]]);
  });

  it.each([
    ['a partition without an offset to shift', ['--shift-by', '1', '--topic', 'orders:1'], 1, /^Cannot shift offset/],
    [
      'a partition that is none',
      ['--to-latest', '--topic', 'orders:x'],
      1,
      /^Invalid partition 'x' specified in topic/,
    ],
    ['no scope', ['--to-latest'], 1, /^One of the reset scopes should be defined: --all-topics, --topic\./],
    ['no scenario', ['--topic', 'orders'], 1, /^Option '\[reset-offsets\]' requires one of the following scenarios: /],
    [
      'two scenarios',
      ['--to-latest', '--to-earliest', '--topic', 't'],
      1,
      /^Option "\[to-earliest\]" can't be used with/,
    ],
    ['a time that is none', ['--to-datetime', 'noon', '--topic', 'orders'], 0, /^java\.text\.ParseException: /],
    [
      'a file that is not there',
      ['--from-file', '/no/such/file'],
      0,
      /^\/no\/such\/file \(No such file or directory\)/,
    ],
    ['a topic that is not there', ['--to-latest', '--topic', 'no'], 0, /UnknownTopicOrPartitionException/],
  ])('refuses %s', async (_what, args, exitCode, message) => {
    const answer = await reset(...args, '--dry-run');
    expect(answer.exitCode).toBe(exitCode);
    expect(answer.log).toMatch(message);
  });
});

describe('options that do not go together', () => {
  it.each([
    [[], 'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets'],
    [['--list', '--describe', '--all-groups'], 'Command must include exactly one action: '],
    [['--describe'], 'Option [describe] takes one of these options: '],
    [['--describe', '--group', 'g', '--members', '--state'], 'Option [describe] takes at most one of these options: '],
    [['--describe', '--group', 'g', '--state', 'empty'], 'Option [describe] does not take a value for [state]'],
    [['--list', '--members'], 'Option(s) [members] are unavailable given other options on the command line'],
    [['--list', '--group', 'g'], 'Option "[group]" can\'t be used with option "[list]"'],
    [['--delete', '--group', 'g', '--all-groups'], 'Option "[group]" can\'t be used with option "[all-groups]"'],
    [['--describe', '--group', 'g', '--topic', 't'], 'Option "[topic]" can\'t be used with option "[describe]"'],
    [['--delete', '--group', 'g', '--topic', 't'], 'The consumer does not support topic-specific offset deletion'],
    [['--delete-offsets', '--group', 'g'], 'Option [delete-offsets] takes the following options: [group], [topic]'],
    [
      ['--reset-offsets', '--group', 'g', '--dry-run', '--execute'],
      'Option [reset-offsets] only accepts one of [execute] and [dry-run]',
    ],
  ])('%j', async (args, message) => {
    const { exitCode, stdout, log } = await groups(...args);
    expect([exitCode, stdout, log.slice(0, message.length)]).toEqual([1, '', message]);
  });
});

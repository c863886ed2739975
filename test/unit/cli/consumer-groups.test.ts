/** kafka-consumer-groups against a scripted broker: the tables, sentences and exit codes of Kafka 3.9. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import {
  ConsumerGroupDescribe,
  DescribeGroups,
  FindCoordinator,
  ListGroups,
  Metadata,
  OffsetDelete,
} from '../../../src/protocol/messages/index.ts';
import { described, NO_COORDINATOR, ScriptedGroups } from '../../support/scripted-groups.ts';

let scripted: ScriptedGroups;
beforeEach(async () => {
  scripted = await ScriptedGroups.start();
});
afterEach(() => scripted.broker.close());

const groups = (...args: string[]) => scripted.run(...args);

describe('--list', () => {
  it('prints the consumer groups, one a line', async () => {
    const expected = { exitCode: 0, stdout: 'fixed\nidle\nmoving\nshop\n', log: '' };
    expect(await groups('--list')).toEqual(expected);
  });

  it('waits for a broker that loads its groups, and for one that knows no brokers yet', async () => {
    const { broker } = scripted;
    let asked = 0;
    let listed = 0;
    const cluster = { clusterId: 'c', controllerId: 1, topics: [] };
    broker.on(Metadata, () => ({
      ...cluster,
      brokers: ++asked === 1 ? [] : [{ nodeId: 1, host: '127.0.0.1', port: broker.port, rack: null }],
    }));
    const group = { groupId: 'late', protocolType: 'consumer', groupState: 'Empty', groupType: 'classic' };
    broker.on(ListGroups, () =>
      ++listed === 1
        ? { errorCode: Errors.COORDINATOR_LOAD_IN_PROGRESS, groups: [] }
        : { errorCode: 0, groups: [group] },
    );
    expect(await groups('--list')).toEqual({ exitCode: 0, stdout: 'late\n', log: '' });
  });

  it.each([
    ['still loads them', 'COORDINATOR_LOAD_IN_PROGRESS', 'TimeoutException: Timed out waiting for a node assignment.'],
    ['refuses', 'CLUSTER_AUTHORIZATION_FAILED', 'ClusterAuthorizationException: '],
  ] as const)('fails rather than leave out the groups of a broker that %s', async (_what, error, message) => {
    scripted.broker.on(ListGroups, () => ({ errorCode: Errors[error], groups: [] }));
    const { stdout } = await groups('--list', '--timeout', '300');
    expect(stdout).toMatch(/^\nError: Executing consumer group command failed due to org\.apache\./);
    expect(stdout).toContain(message);
  });

  it('fails when a broker of the cluster cannot be asked', async () => {
    const { broker } = scripted;
    const brokers = [
      { nodeId: 1, host: '127.0.0.1', port: broker.port, rack: null },
      { nodeId: 2, host: '127.0.0.1', port: 1, rack: null },
    ];
    broker.on(Metadata, () => ({ clusterId: 'c', controllerId: 1, topics: [], brokers }));
    const { stdout, log } = await groups('--list', '--timeout', '300');
    expect(stdout).toContain('TimeoutException: Timed out waiting for a node assignment. Call: listConsumerGroups\n');
    expect(log).toContain('Connection to node 2 ');
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
    const where = `127.0.0.1:${scripted.broker.port}  (1)`.padEnd(25);
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

  it('asks a coordinator once for all of its groups', async () => {
    await groups('--describe', '--all-groups');
    const asked = scripted.broker.received.filter((name) => /^(DescribeGroups|OffsetFetch) /.test(name));
    expect(asked).toEqual(['DescribeGroups v5', 'OffsetFetch v9']);
  });

  it('knows groups of the new protocol', async () => {
    const { errorMessage = null, ...rest } = { groupEpoch: 3, assignmentEpoch: 3, assignorName: 'uniform' } as {
      errorMessage?: null;
      groupEpoch: number;
      assignmentEpoch: number;
      assignorName: string;
    };
    const assignment = { topicPartitions: [{ topicId: ZERO_TOPIC_ID, topicName: 'orders', partitions: [1] }] };
    scripted.broker.on(ConsumerGroupDescribe, ({ groupIds }) => ({
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
    scripted.broker.on(FindCoordinator, ({ coordinatorKeys }) => ({
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

  it('gives up after --timeout on a coordinator that hangs, too', async () => {
    scripted.broker.on(DescribeGroups, () => undefined);
    const { stdout } = await groups('--describe', '--group', 'shop', '--timeout', '250');
    expect(stdout).toContain('TimeoutException: Timed out waiting for a node assignment. Call: describeConsumerGroups');
  });

  it('waits for a coordinator that loads, and asks again who it is when it has moved', async () => {
    const errors = [Errors.COORDINATOR_LOAD_IN_PROGRESS, Errors.NOT_COORDINATOR];
    scripted.broker.on(DescribeGroups, ({ groups: asked }) => {
      const errorCode = errors.shift() ?? 0;
      return { groups: asked.map((groupId) => ({ ...described(groupId), errorCode })) };
    });
    const { stdout } = await groups('--describe', '--group', 'shop', '--state');
    expect(stdout).toContain('Stable');
    expect(scripted.broker.received.filter((name) => name.startsWith('FindCoordinator'))).toHaveLength(2);
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
    scripted.broker.on(OffsetDelete, ({ groupId, topics }) => ({
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
    scripted.broker.on(OffsetDelete, () => ({ errorCode, topics: [] }));
    const { exitCode, stdout } = await groups('--delete-offsets', '--group', 'shop', '--topic', 'orders:0');
    expect([exitCode, stdout.split('\n')[1]]).toEqual([0, `Error: ${sentence}`]);
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
    [
      ['--delete-offsets', '--group', 'g'],
      'Option [delete-offsets] takes the following options: [all-groups], [group]',
    ],
    [
      ['--reset-offsets', '--group', 'g', '--dry-run', '--execute'],
      'Option [reset-offsets] only accepts one of [execute] and [dry-run]',
    ],
  ])('%j', async (args, message) => {
    const { exitCode, stdout, log } = await groups(...args);
    expect([exitCode, stdout, log.slice(0, message.length)]).toEqual([1, '', message]);
  });
});

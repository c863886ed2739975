/**
 * A broker that is scripted to coordinate five groups, and kafka-consumer-groups in front of it: `shop` reads, `idle`
 * has offsets only, `fixed` is static, `moving` rebalances, `connect` is no consumer group.
 */
import { main } from '../../src/cli/consumer-groups.ts';
import { ZERO_TOPIC_ID } from '../../src/model/topic-partition.ts';
import { Errors } from '../../src/protocol/errors.ts';
import { ConsumerProtocolAssignment } from '../../src/protocol/internal/consumer-protocol.ts';
import {
  DeleteGroups,
  DescribeGroups,
  FindCoordinator,
  ListGroups,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
} from '../../src/protocol/messages/index.ts';
import { ScriptedBroker } from './scripted-broker.ts';
import { TestTerminal } from './test-terminal.ts';

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
export const NO_COORDINATOR = { errorCode: 0, nodeId: 0, host: '', port: 0 };

/** Kafka-consumer-groups in front of that broker. */
export class ScriptedGroups {
  readonly broker = new ScriptedBroker();
  /** Group and topic, partition, offset. */
  readonly committed: [string, number, number][] = [];

  static async start(): Promise<ScriptedGroups> {
    const made = new ScriptedGroups();
    await made.broker.listen();
    scriptCluster(made.broker);
    scriptGroups(made.broker, made.committed);
    return made;
  }

  /** Runs the command with these arguments to its end. */
  async run(...args: string[]): Promise<{ exitCode: number; stdout: string; log: string }> {
    const terminal = new TestTerminal();
    const exitCode = await main(['--bootstrap-server', this.broker.address, ...args], terminal);
    return { exitCode, stdout: terminal.stdout, log: terminal.log };
  }
}

function scriptCluster(broker: ScriptedBroker): void {
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

function scriptGroups(broker: ScriptedBroker, committed: [string, number, number][]): void {
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

export function described(groupId: string) {
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

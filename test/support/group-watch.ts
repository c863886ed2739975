/**
 * Looks at a consumer group from outside while its members come and go: who owns what, as its coordinator says, and
 * what is committed. Through the raw API calls of @platformatic/kafka, on a new connection each time.
 */
import {
  consumerGroupDescribeV0,
  decodeConsumerProtocolAssignment,
  describeGroupsV5,
  findCoordinatorV4,
  offsetFetchV8,
} from '@platformatic/kafka';
import type { TestCluster } from './cluster.ts';
import { evenWithErrors, withConnection } from './wire-client.ts';

const PATIENCE = { connectTimeout: 1000, requestTimeout: 3000 };
const GROUP_KEY = 0;

export interface OwnedPartition {
  readonly memberId: string;
  readonly topic: string;
  readonly partition: number;
}

export interface GroupView {
  readonly state: string;
  readonly memberIds: readonly string[];
  readonly owned: readonly OwnedPartition[];
}

/** The broker that coordinates the group, as any live broker says. */
export async function coordinatorOf(cluster: TestCluster, group: string): Promise<number> {
  const [any] = cluster.live;
  if (any === undefined) throw new Error('no broker runs');
  return withConnection(
    any.address,
    async (connection) => {
      const { coordinators } = await findCoordinatorV4.api.async(connection, GROUP_KEY, [group]);
      return coordinators[0]?.nodeId ?? -1;
    },
    PATIENCE,
  );
}

async function onCoordinator<T>(
  cluster: TestCluster,
  group: string,
  ask: (connection: Parameters<Parameters<typeof withConnection<T>>[1]>[0]) => Promise<T>,
): Promise<T> {
  const coordinator = cluster.broker(await coordinatorOf(cluster, group));
  return withConnection(coordinator.address, ask, PATIENCE);
}

/** Of a group of the classic protocol. Throws while its coordinator cannot say. */
export function describeClassicGroup(cluster: TestCluster, group: string): Promise<GroupView> {
  return onCoordinator(cluster, group, async (connection) => {
    const { groups } = await describeGroupsV5.api.async(connection, [group], false);
    const [found] = groups;
    if (found === undefined) throw new Error(`nothing is said of ${group}`);
    const owned = found.members.flatMap(({ memberId, memberAssignment }) =>
      memberAssignment.length === 0
        ? []
        : decodeConsumerProtocolAssignment(memberAssignment).assignedPartitions.flatMap(({ topic, partitions }) =>
            partitions.map((partition) => ({ memberId, topic, partition })),
          ),
    );
    return { state: found.groupState, memberIds: found.members.map(({ memberId }) => memberId), owned };
  });
}

/** Of a group of KIP-848's protocol. */
export function describeConsumerGroup(cluster: TestCluster, group: string): Promise<GroupView> {
  return onCoordinator(cluster, group, async (connection) => {
    const { groups } = await consumerGroupDescribeV0.api.async(connection, [group], false);
    const [found] = groups;
    if (found === undefined) throw new Error(`nothing is said of ${group}`);
    const owned = found.members.flatMap(({ memberId, assignment }) =>
      assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
        partitions.map((partition) => ({ memberId, topic: topicName, partition })),
      ),
    );
    return { state: found.groupState, memberIds: found.members.map(({ memberId }) => memberId), owned };
  });
}

/** What is committed, by `topic-partition`. */
export function committedOffsets(cluster: TestCluster, group: string): Promise<Map<string, number>> {
  return onCoordinator(cluster, group, async (connection) => {
    const response = await evenWithErrors(
      offsetFetchV8.api.async(connection, [{ groupId: group, memberEpoch: -1, topics: null }], false),
    );
    const [found] = response.groups;
    if (found === undefined || found.errorCode !== 0) throw new Error(`no offsets: error code ${found?.errorCode}`);
    const offsets = new Map<string, number>();
    for (const { name, partitions } of found.topics)
      for (const { partitionIndex, committedOffset, errorCode } of partitions) {
        if (errorCode !== 0) throw new Error(`no offset of ${name}-${partitionIndex}: error code ${errorCode}`);
        if (committedOffset >= 0n) offsets.set(`${name}-${partitionIndex}`, Number(committedOffset));
      }
    return offsets;
  });
}

/**
 * What Kafka's Admin client does for groups: lists and describes them, reads, writes and deletes their offsets,
 * deletes them. Each function is one call with the deadline of its ClusterClient.
 */
import type { TopicPartition } from '../model/topic-partition.ts';
import { type ErrorName, Errors, errorName, isRetriable } from '../protocol/errors.ts';
import {
  ConsumerGroupDescribe,
  DeleteGroups,
  DescribeGroups,
  ListGroups,
  OffsetCommit,
  OffsetDelete,
  OffsetFetch,
} from '../protocol/messages/index.ts';
import { CONSUMER_PROTOCOL_TYPE, ConsumerProtocolAssignment } from '../protocol/internal/consumer-protocol.ts';
import type { ResponseOut } from '../protocol/schema.ts';
import { ApiError } from './api-error.ts';
import type { ClusterClient, Node } from './cluster-client.ts';
import type { Coordinators } from './coordinators.ts';

export interface ListedGroup {
  readonly groupId: string;
  /** As Kafka prints it, such as `PreparingRebalance`; '' from a broker that does not tell. */
  readonly state: string;
  /** `Classic` or `Consumer`; '' from a broker that does not tell. */
  readonly type: string;
}

const RETRY_BACKOFF_MS = 100;
const LIST_CALL = 'listConsumerGroups';
/** ConsumerGroupDescribe's memberType. */
const MEMBER_TYPES = { unknown: -1, classic: 0, consumer: 1 } as const;
const FIRST_VERSION = { listStates: 4, listTypes: 5, fetchManyGroups: 8, fetchAll: 2 } as const;

/**
 * The consumer groups of all brokers, by name. Other groups (of Connect, say) are left out.
 * @throws ApiError when a broker does not tell its groups in time
 */
export async function listGroups(
  cluster: ClusterClient,
  filters: { readonly states: readonly string[]; readonly types: readonly string[] } = { states: [], types: [] },
): Promise<ListedGroup[]> {
  const deadline = cluster.deadline();
  await whenBrokersKnown(cluster, deadline);
  const ofNodes = await Promise.all(cluster.nodes.map((node) => listOf(cluster, node, filters, deadline)));
  const byId = new Map(ofNodes.flat().map((group) => [group.groupId, group]));
  return [...byId.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
}

/** A broker that has just started knows none yet, not even itself: to take that for an answer would list no groups. */
async function whenBrokersKnown(cluster: ClusterClient, deadline: number): Promise<void> {
  for (;;) {
    const { brokers } = await cluster.metadata([], LIST_CALL, { deadline });
    if (brokers.length > 0) return;
    await pauseUntil(cluster, deadline, 'Metadata fetch failed due to missing broker list');
  }
}

/** @throws ApiError TimeoutException when no time is left for another try */
async function pauseUntil({ clock }: ClusterClient, deadline: number, why: string): Promise<void> {
  if (clock.monotonicMs() + RETRY_BACKOFF_MS >= deadline)
    throw new ApiError('TimeoutException', `Timed out waiting for a node assignment. Call: ${LIST_CALL} (${why})`);
  await clock.sleep(RETRY_BACKOFF_MS);
}

async function listOf(
  cluster: ClusterClient,
  node: Node,
  { states, types }: { readonly states: readonly string[]; readonly types: readonly string[] },
  deadline: number,
): Promise<ListedGroup[]> {
  const request = (version: number) => {
    refuseFilter(states, version, FIRST_VERSION.listStates, 'statesFilter');
    refuseFilter(types, version, FIRST_VERSION.listTypes, 'typesFilter');
    return { statesFilter: states, typesFilter: types };
  };
  for (;;) {
    const { errorCode, groups } = await cluster.sendRetrying(node, ListGroups, request, LIST_CALL, deadline);
    if (isRetriable(errorName(errorCode))) {
      await pauseUntil(cluster, deadline, ApiError.of(errorCode).message);
      continue;
    }
    if (errorCode !== Errors.NONE) throw ApiError.of(errorCode);
    return groups
      .filter(({ protocolType }) => isConsumerProtocol(protocolType))
      .map(({ groupId, groupState, groupType }) => ({ groupId, state: groupState, type: capitalized(groupType) }));
  }
}

function refuseFilter(filter: readonly string[], version: number, firstVersion: number, name: string): void {
  if (filter.length === 0 || version >= firstVersion) return;
  throw new ApiError('UnsupportedVersionException', `The broker only supports ListGroups v${version}, without ${name}`);
}

function isConsumerProtocol(protocolType: string): boolean {
  return protocolType === CONSUMER_PROTOCOL_TYPE || protocolType === '';
}

/** Kafka's coordinator says `classic`, its client `Classic`. */
function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export interface DescribedMember {
  readonly consumerId: string;
  /** '' for a dynamic member. */
  readonly groupInstanceId: string;
  readonly clientId: string;
  readonly host: string;
  /** In a group of the new protocol, whether the member speaks it (KIP-1099); null where a broker does not tell. */
  readonly isUpgraded: boolean | null;
  readonly partitions: readonly TopicPartition[];
}

export interface DescribedGroup {
  readonly groupId: string;
  /** `Dead` when there is no such group. */
  readonly state: string;
  readonly type: 'Classic' | 'Consumer';
  /** It has no members of any protocol: somebody commits offsets to it, or it does not exist. */
  readonly isSimple: boolean;
  readonly assignor: string;
  readonly coordinator: Node;
  readonly members: readonly DescribedMember[];
}

/** @throws ApiError of the first group that cannot be described */
export async function describeGroups(
  cluster: ClusterClient,
  coordinators: Coordinators,
  groupIds: readonly string[],
): Promise<DescribedGroup[]> {
  const answers = await coordinators.ask(groupIds, 'describeConsumerGroups', (node, of) =>
    describeAt(cluster, node, of),
  );
  return [...answers.values()].map((answer) => {
    if (answer instanceof ApiError) throw answer;
    return answer;
  });
}

type Described = ReadonlyMap<string, DescribedGroup | ApiError>;

/** Groups of the new protocol (KIP-848) have a request of their own; the rest are asked for as classic ones. */
async function describeAt(cluster: ClusterClient, node: Node, groupIds: readonly string[]): Promise<Described> {
  const knowsNew = (await cluster.versionsOf(node)).has(ConsumerGroupDescribe.key);
  const described = knowsNew
    ? await describeNew(cluster, node, groupIds)
    : new Map<string, DescribedGroup | ApiError>();
  const rest = groupIds.filter((groupId) => {
    const known = described.get(groupId);
    const error = known instanceof ApiError ? known.error : null;
    return known === undefined || error === 'GROUP_ID_NOT_FOUND' || error === 'UNSUPPORTED_VERSION';
  });
  if (rest.length === 0) return described;
  return new Map([...described, ...(await describeClassic(cluster, node, rest))]);
}

async function describeNew(cluster: ClusterClient, node: Node, groupIds: readonly string[]): Promise<Described> {
  const { groups } = await cluster.send(node, ConsumerGroupDescribe, { groupIds });
  return new Map(
    groups.map((group): [string, DescribedGroup | ApiError] => {
      const { groupId, errorCode, errorMessage, groupState, assignorName } = group;
      if (errorCode !== Errors.NONE) return [groupId, ApiError.of(errorCode, errorMessage)];
      const members = group.members.map(({ memberId, instanceId, clientId, clientHost, memberType, assignment }) => ({
        consumerId: memberId,
        groupInstanceId: instanceId ?? '',
        clientId,
        host: clientHost,
        isUpgraded: memberType === MEMBER_TYPES.unknown ? null : memberType === MEMBER_TYPES.consumer,
        partitions: assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
          partitions.map((partition) => ({ topic: topicName, partition })),
        ),
      }));
      const kind = { type: 'Consumer', isSimple: false } as const;
      return [groupId, { groupId, state: groupState, ...kind, assignor: assignorName, coordinator: node, members }];
    }),
  );
}

async function describeClassic(cluster: ClusterClient, node: Node, groupIds: readonly string[]): Promise<Described> {
  const { groups } = await cluster.send(node, DescribeGroups, { groups: groupIds });
  return new Map(groups.map((group) => [group.groupId, classicGroup(group, node)]));
}

function classicGroup(
  group: ResponseOut<typeof DescribeGroups>['groups'][number],
  coordinator: Node,
): DescribedGroup | ApiError {
  const { groupId, errorCode, groupState, protocolType, protocolData } = group;
  // DescribeGroups says "Dead" of a group that does not exist, newer brokers say it by an error.
  if (errorName(errorCode) === 'GROUP_ID_NOT_FOUND')
    return { groupId, state: 'Dead', type: 'Classic', isSimple: true, assignor: '', coordinator, members: [] };
  if (errorCode !== Errors.NONE) return ApiError.of(errorCode);
  if (!isConsumerProtocol(protocolType))
    return new ApiError('IllegalArgumentException', `GroupId ${groupId} is not a consumer group (${protocolType}).`);
  const members = group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
    consumerId: memberId,
    groupInstanceId: groupInstanceId ?? '',
    clientId,
    host: clientHost,
    isUpgraded: null,
    partitions: assignedPartitions(memberAssignment, groupId),
  }));
  const isSimple = protocolType === '';
  return { groupId, state: groupState, type: 'Classic', isSimple, assignor: protocolData, coordinator, members };
}

function assignedPartitions(assignment: Buffer, groupId: string): TopicPartition[] {
  if (assignment.length === 0) return [];
  try {
    const { value } = ConsumerProtocolAssignment.decode(assignment);
    return value.assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ApiError('SchemaException', `A member of group ${groupId} has an assignment that cannot be read`);
  }
}

export interface GroupOffset extends TopicPartition {
  readonly offset: number;
  /** What its owner noted beside it; empty when left out. */
  readonly metadata?: string;
}

/** What the group has committed; partitions without an offset are left out. @throws ApiError */
export async function committedOffsets(
  cluster: ClusterClient,
  coordinators: Coordinators,
  groupIds: readonly string[],
): Promise<Map<string, GroupOffset[]>> {
  const answers = await coordinators.ask(groupIds, 'listConsumerGroupOffsets', async (node, of) => {
    const versions = (await cluster.versionsOf(node)).get(OffsetFetch.key);
    const takesMany = Math.min(versions?.max ?? 0, OffsetFetch.highestVersion) >= FIRST_VERSION.fetchManyGroups;
    const parts = takesMany ? [of] : of.map((groupId) => [groupId]);
    const fetched = await Promise.all(parts.map((part) => fetchOffsets(cluster, node, part, takesMany)));
    return new Map(fetched.flatMap((part) => [...part]));
  });
  const offsets = new Map<string, GroupOffset[]>();
  for (const [groupId, answer] of answers) {
    if (answer instanceof ApiError) throw answer;
    offsets.set(groupId, answer);
  }
  return offsets;
}

type FetchedTopics = ResponseOut<typeof OffsetFetch>['topics'];

async function fetchOffsets(
  cluster: ClusterClient,
  node: Node,
  groupIds: readonly string[],
  takesMany: boolean,
): Promise<Map<string, GroupOffset[] | ApiError>> {
  const [first = ''] = groupIds;
  const response = await cluster.send(
    node,
    OffsetFetch,
    takesMany ? { groups: groupIds.map((groupId) => ({ groupId, topics: null })) } : { groupId: first, topics: null },
  );
  const groups = takesMany ? response.groups : [{ ...response, groupId: first }];
  return new Map(
    groups.map(({ groupId, errorCode, topics }): [string, GroupOffset[] | ApiError] => {
      if (errorCode !== Errors.NONE) return [groupId, ApiError.of(errorCode)];
      return [groupId, offsetsIn(cluster, topics)];
    }),
  );
}

function offsetsIn(cluster: ClusterClient, topics: FetchedTopics): GroupOffset[] {
  const offsets: GroupOffset[] = [];
  for (const { name, partitions } of topics)
    for (const { partitionIndex, committedOffset, errorCode } of partitions) {
      if (errorCode !== Errors.NONE) {
        const why = `Skipping return offset for ${name}-${partitionIndex} due to error ${errorName(errorCode)}.`;
        cluster.warn(why, 'org.apache.kafka.clients.admin.internals.ListConsumerGroupOffsetsHandler');
      } else if (committedOffset >= 0)
        offsets.push({ topic: name, partition: partitionIndex, offset: committedOffset });
    }
  return offsets;
}

/** Writes offsets of a group without members. @throws ApiError of the first partition that failed */
export async function alterOffsets(
  cluster: ClusterClient,
  coordinators: Coordinators,
  groupId: string,
  offsets: readonly GroupOffset[],
): Promise<void> {
  if (offsets.length === 0) return;
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, of]) => ({
    name,
    partitions: of.map(({ partition, offset }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: '',
    })),
  }));
  const failures = await coordinators.askOne(groupId, 'offsetCommit', async (node) => {
    const response = await cluster.send(node, OffsetCommit, { groupId, topics });
    const results = partitionErrors(response.topics);
    const retriable = results.find(({ error }) => isCoordinatorError(error));
    return retriable === undefined ? results.filter(({ error }) => error !== 'NONE') : ApiError.named(retriable.error);
  });
  const [failed] = failures;
  if (failed === undefined) return;
  const names = failures.map(({ topic, partition }) => `${topic}-${partition}`).join(', ');
  const message = `Failed altering consumer group offsets for the following partitions: [${names}]`;
  throw ApiError.of(Errors[failed.error], message);
}

function isCoordinatorError(error: ErrorName): boolean {
  return (
    error === 'NOT_COORDINATOR' || error === 'COORDINATOR_NOT_AVAILABLE' || error === 'COORDINATOR_LOAD_IN_PROGRESS'
  );
}

export interface PartitionOutcome extends TopicPartition {
  readonly error: ErrorName;
}

function partitionErrors(
  topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[];
  }[],
): PartitionOutcome[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, errorCode }) => ({
      topic: name,
      partition: partitionIndex,
      error: errorName(errorCode),
    })),
  );
}

/** How it went for each partition. @throws ApiError when the group cannot be changed at all */
export function deleteOffsets(
  cluster: ClusterClient,
  coordinators: Coordinators,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<PartitionOutcome[]> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, of]) => ({
    name,
    partitions: of.map(({ partition }) => ({ partitionIndex: partition })),
  }));
  return coordinators.askOne(groupId, 'offsetDelete', async (node) => {
    const response = await cluster.send(node, OffsetDelete, { groupId, topics });
    return response.errorCode === Errors.NONE ? partitionErrors(response.topics) : ApiError.of(response.errorCode);
  });
}

/** Null for each group that is gone now, or what kept it. @throws ApiError TimeoutException */
export async function deleteGroups(
  cluster: ClusterClient,
  coordinators: Coordinators,
  groupIds: readonly string[],
): Promise<Map<string, ApiError | null>> {
  return coordinators.ask<null>(groupIds, 'deleteConsumerGroups', async (node, of) => {
    const { results } = await cluster.send(node, DeleteGroups, { groupsNames: of });
    return new Map(
      results.map(({ groupId, errorCode }) => [groupId, errorCode === Errors.NONE ? null : ApiError.of(errorCode)]),
    );
  });
}

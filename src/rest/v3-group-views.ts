/** @pure Consumer groups, their members, what these read and how far they are behind, as the API v3 shows them. */
import { type TopicPartition, topicPartitionKey } from '../model/topic-partition.ts';
import type { GroupDescription, GroupMember, GroupOffsets } from './v3-admin.ts';
import type { Relation, Resource, V3Links } from './v3-links.ts';

const GROUPS = 'consumer-groups';

export interface GroupView extends Resource {
  readonly cluster_id: string;
  readonly consumer_group_id: string;
  readonly is_simple: boolean;
  readonly partition_assignor: string;
  readonly state: string;
  readonly type: string;
  readonly is_mixed_consumer_group: boolean;
  readonly coordinator: Relation;
  readonly consumers: Relation;
  readonly lag_summary: Relation;
}

export function groupView(links: V3Links, group: GroupDescription): GroupView {
  const { groupId, isSimple, assignor, state, type, coordinatorId, members } = group;
  return {
    ...links.resource('KafkaConsumerGroup', [GROUPS, groupId], ['consumer-group', groupId]),
    cluster_id: links.clusterId,
    consumer_group_id: groupId,
    is_simple: isSimple,
    partition_assignor: assignor,
    state: upperSnakeCase(state),
    type: type.toUpperCase(),
    // As Confluent: a member of whom is not told that it speaks the new protocol counts as one that does not.
    is_mixed_consumer_group: type === 'Consumer' && members.some(({ isUpgraded }) => isUpgraded !== true),
    coordinator: links.to('brokers', coordinatorId),
    consumers: links.to(GROUPS, groupId, 'consumers'),
    lag_summary: links.to(GROUPS, groupId, 'lag-summary'),
  };
}

/** `PreparingRebalance` is PREPARING_REBALANCE. */
function upperSnakeCase(state: string): string {
  return state.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

export interface ConsumerView extends Resource {
  readonly cluster_id: string;
  readonly consumer_group_id: string;
  readonly consumer_id: string;
  readonly instance_id: string | null;
  readonly client_id: string;
  readonly assignments: Relation;
}

export function consumerView(links: V3Links, groupId: string, member: GroupMember): ConsumerView {
  const { consumerId, clientId } = member;
  const path = [GROUPS, groupId, 'consumers', consumerId] as const;
  return {
    ...links.resource('KafkaConsumer', path, ['consumer-group', groupId, 'consumer', consumerId]),
    cluster_id: links.clusterId,
    consumer_group_id: groupId,
    consumer_id: consumerId,
    instance_id: instanceId(member),
    client_id: clientId,
    assignments: links.to(...path, 'assignments'),
  };
}

/** In the order of their ids. */
export function consumerViews(links: V3Links, { groupId, members }: GroupDescription): ConsumerView[] {
  const sorted = members.toSorted((a, b) => (a.consumerId < b.consumerId ? -1 : 1));
  return sorted.map((member) => consumerView(links, groupId, member));
}

export interface AssignmentView extends Resource {
  readonly cluster_id: string;
  readonly consumer_group_id: string;
  readonly consumer_id: string;
  readonly topic_name: string;
  readonly partition_id: number;
  readonly partition: Relation;
  readonly lag: Relation;
}

export function assignmentView(
  links: V3Links,
  groupId: string,
  { consumerId }: GroupMember,
  { topic, partition }: TopicPartition,
): AssignmentView {
  return {
    ...links.resource(
      'KafkaConsumerAssignment',
      [GROUPS, groupId, 'consumers', consumerId, 'assignments', topic, 'partitions', partition],
      ['consumer-group', groupId, 'consumer', consumerId, 'assignment', topic, 'partition', partition],
    ),
    cluster_id: links.clusterId,
    consumer_group_id: groupId,
    consumer_id: consumerId,
    topic_name: topic,
    partition_id: partition,
    partition: links.to('topics', topic, 'partitions', partition),
    lag: links.to(GROUPS, groupId, 'lags', topic, 'partitions', partition),
  };
}

/** In the order of topics and partitions. */
export function assignmentViews(links: V3Links, groupId: string, member: GroupMember): AssignmentView[] {
  const sorted = member.partitions.toSorted(byPartition);
  return sorted.map((partition) => assignmentView(links, groupId, member, partition));
}

/** How far a group is behind in a partition. Never negative: a log may have been cut since the commit. */
export interface Lag extends GroupOffsets {
  readonly lag: number;
  /** Null when nobody reads the partition now. */
  readonly consumer: GroupMember | null;
}

/** In the order of topics and partitions. */
export function lagsOf({ members }: GroupDescription, offsets: readonly GroupOffsets[]): Lag[] {
  const readers = new Map<string, GroupMember>();
  for (const member of members)
    for (const { topic, partition } of member.partitions) readers.set(topicPartitionKey(topic, partition), member);
  return offsets.toSorted(byPartition).map((committed) => ({
    ...committed,
    lag: Math.max(0, committed.logEndOffset - committed.currentOffset),
    consumer: readers.get(topicPartitionKey(committed.topic, committed.partition)) ?? null,
  }));
}

export interface LagView extends Resource {
  readonly cluster_id: string;
  readonly consumer_group_id: string;
  readonly topic_name: string;
  readonly partition_id: number;
  /** '' when nobody reads the partition now. */
  readonly consumer_id: string;
  readonly instance_id: string | null;
  readonly client_id: string;
  readonly current_offset: number;
  readonly log_end_offset: number;
  readonly lag: number;
}

export function lagView(links: V3Links, groupId: string, lag: Lag): LagView {
  const { topic, partition, consumer, currentOffset, logEndOffset } = lag;
  return {
    ...links.resource(
      'KafkaConsumerLag',
      [GROUPS, groupId, 'lags', topic, 'partitions', partition],
      ['consumer-group', groupId, 'lag', topic, 'partition', partition],
    ),
    cluster_id: links.clusterId,
    consumer_group_id: groupId,
    topic_name: topic,
    partition_id: partition,
    consumer_id: consumer?.consumerId ?? '',
    instance_id: instanceId(consumer),
    client_id: consumer?.clientId ?? '',
    current_offset: currentOffset,
    log_end_offset: logEndOffset,
    lag: lag.lag,
  };
}

/** The greatest first; those that are equal in the order of topics and partitions. */
export function lagViews(links: V3Links, groupId: string, lags: readonly Lag[]): LagView[] {
  return lags.toSorted((a, b) => b.lag - a.lag || byPartition(a, b)).map((lag) => lagView(links, groupId, lag));
}

export interface LagSummaryView extends Resource {
  readonly cluster_id: string;
  readonly consumer_group_id: string;
  readonly max_lag: number;
  readonly total_lag: number;
  readonly max_lag_consumer_id: string;
  readonly max_lag_consumer: Relation;
  readonly max_lag_client_id: string;
  readonly max_lag_instance_id: string | null;
  readonly max_lag_topic_name: string;
  readonly max_lag_partition_id: number;
  readonly max_lag_partition: Relation;
}

/** Null when there are no lags. The first of the greatest counts. */
export function lagSummaryView(links: V3Links, groupId: string, lags: readonly Lag[]): LagSummaryView | null {
  const [first, ...others] = lags;
  if (first === undefined) return null;
  const max = others.reduce((greatest, lag) => (lag.lag > greatest.lag ? lag : greatest), first);
  const consumerId = max.consumer?.consumerId ?? '';
  return {
    ...links.resource(
      'KafkaConsumerGroupLagSummary',
      [GROUPS, groupId, 'lag-summary'],
      ['consumer-group', groupId, 'lag-summary'],
    ),
    cluster_id: links.clusterId,
    consumer_group_id: groupId,
    max_lag: max.lag,
    total_lag: lags.reduce((total, { lag }) => total + lag, 0),
    max_lag_consumer_id: consumerId,
    max_lag_consumer: links.to(GROUPS, groupId, 'consumers', consumerId),
    max_lag_client_id: max.consumer?.clientId ?? '',
    max_lag_instance_id: instanceId(max.consumer),
    max_lag_topic_name: max.topic,
    max_lag_partition_id: max.partition,
    max_lag_partition: links.to('topics', max.topic, 'partitions', max.partition),
  };
}

/** Absent for a dynamic member. */
function instanceId(member: GroupMember | null): string | null {
  return member === null || member.groupInstanceId === '' ? null : member.groupInstanceId;
}

function byPartition(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}

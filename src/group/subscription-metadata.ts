/**
 * @pure What the topics that a group reads look like: when this is no longer what it was, the group needs a new target.
 * Kafka 4.0: ConsumerGroup.computeSubscriptionMetadata, TopicMetadata. (4.1 keeps a hash of it instead.)
 */
import type { TopicId } from '../model/topic-partition.ts';
import type { GroupRecord, GroupRecordValue } from '../protocol/internal/group-record.ts';
import type { TopicsView } from './group-settings.ts';

export interface SubscribedTopic {
  readonly topicId: TopicId;
  readonly partitionCount: number;
}

/** By topic name; only topics that exist. */
export type SubscriptionMetadata = ReadonlyMap<string, SubscribedTopic>;

export function subscriptionMetadata(names: ReadonlySet<string>, topics: TopicsView): SubscriptionMetadata {
  const metadata = new Map<string, SubscribedTopic>();
  for (const name of names) {
    const topicId = topics.topicId(name);
    const partitionCount = topics.partitionCount(name);
    if (topicId !== undefined && partitionCount > 0) metadata.set(name, { topicId, partitionCount });
  }
  return metadata;
}

export function sameSubscriptionMetadata(one: SubscriptionMetadata, other: SubscriptionMetadata): boolean {
  if (one.size !== other.size) return false;
  for (const [name, { topicId, partitionCount }] of one) {
    const topic = other.get(name);
    if (topic === undefined || topic.topicId !== topicId || topic.partitionCount !== partitionCount) return false;
  }
  return true;
}

export function subscriptionMetadataRecord(groupId: string, metadata: SubscriptionMetadata): GroupRecord {
  const topics = [...metadata]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([topicName, { topicId, partitionCount }]) => ({
      topicId,
      topicName,
      numPartitions: partitionCount,
      partitionMetadata: [],
    }));
  return { kind: 'consumerGroupPartitionMetadata', key: { groupId }, value: { topics } };
}

export function subscriptionMetadataFrom(
  value: GroupRecordValue<'consumerGroupPartitionMetadata'>,
): SubscriptionMetadata {
  return new Map(
    value.topics.map(({ topicName, topicId, numPartitions }) => [
      topicName,
      { topicId, partitionCount: numPartitions },
    ]),
  );
}

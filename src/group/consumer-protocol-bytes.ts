/**
 * @pure Between the bytes that members of the classic protocol exchange, in which topics have names, and assignments,
 * in which they have ids. Kafka: ConsumerProtocol, Utils.toConsumerProtocolAssignment, Utils.toTopicPartitionMap.
 */
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../protocol/internal/consumer-protocol.ts';
import { storedVersion } from '../protocol/stored-record.ts';
import { type Assignment, assignmentFrom, type TopicPartitions } from './assignment.ts';
import type { TopicsView } from './group-settings.ts';

export type Subscription = ReturnType<typeof ConsumerProtocolSubscription.decode>['value'];

/** null when the bytes are no subscription. */
export function readSubscription(bytes: Buffer): Subscription | null {
  try {
    return ConsumerProtocolSubscription.decode(bytes).value;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

export interface ReadAssignment {
  readonly assignment: Assignment;
  /** The members' own assignor remembers something there. */
  readonly hasUserData: boolean;
}

/** null when the bytes are no assignment; none at all are one of a member that never got any. */
export function readAssignment(bytes: Buffer, topics: TopicsView): ReadAssignment | null {
  if (bytes.length === 0) return { assignment: new Map(), hasUserData: false };
  try {
    const { assignedPartitions, userData } = ConsumerProtocolAssignment.decode(bytes).value;
    return {
      assignment: assignmentFrom(byTopicId(assignedPartitions, topics)),
      hasUserData: userData !== null && userData.length > 0,
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Topics that are not there (any more) are left out. */
export function byTopicId(
  named: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  topics: TopicsView,
): TopicPartitions[] {
  const listed: TopicPartitions[] = [];
  for (const { topic, partitions } of named) {
    const topicId = topics.topicId(topic);
    if (topicId !== undefined) listed.push({ topicId, partitions });
  }
  return listed;
}

/** In the version in which the member spoke; `metadata` is what it joined with. */
export function writeAssignment(assignment: Assignment, metadata: Buffer, topics: TopicsView): Buffer {
  const assignedPartitions: { topic: string; partitions: number[] }[] = [];
  for (const [topicId, partitions] of assignment) {
    const topic = topics.topicName(topicId);
    if (topic !== undefined)
      assignedPartitions.push({ topic, partitions: [...partitions].sort((one, other) => one - other) });
  }
  assignedPartitions.sort((one, other) => (one.topic < other.topic ? -1 : 1));
  const { lowestVersion, highestVersion } = ConsumerProtocolAssignment;
  const version = metadata.length < 2 ? lowestVersion : storedVersion(metadata);
  const known = Math.min(Math.max(version, lowestVersion), highestVersion);
  return ConsumerProtocolAssignment.encode({ assignedPartitions, userData: null }, known);
}

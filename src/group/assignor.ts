/**
 * @pure What an assignor of the broker is: a function from the members, what they subscribe to and what they are to
 * have now, to what they are to have next. Guarantees of every assignor here: each partition of a topic that somebody
 * subscribes to is given to exactly one of its subscribers; the same input gives the same answer, on every broker.
 *
 * Kafka: ConsumerGroupPartitionAssignor, GroupSpec. Its assignors know no racks any more (KAFKA-17747).
 */
import type { TopicId } from '../model/topic-partition.ts';
import type { Assignment } from './assignment.ts';

export interface AssignableMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Only topics that exist. */
  readonly topicIds: ReadonlySet<TopicId>;
  /** The target until now. It may speak of topics and partitions that are gone, and of those of another member. */
  readonly assignment: Assignment;
}

export interface AssignmentTask {
  /** By member id, ascending: see {@link byMemberId}. */
  readonly members: readonly AssignableMember[];
  /** Of every topic that a member subscribes to. */
  readonly partitionCounts: ReadonlyMap<TopicId, number>;
}

export interface Assignor {
  readonly name: string;
  /** The whole new target; a member that is not in it gets nothing. */
  assign(task: AssignmentTask): Map<string, Assignment>;
}

/** A group's members come in the order in which they were replayed, which compaction of the log may change. */
export function byMemberId<M extends { readonly memberId: string }>(members: Iterable<M>): M[] {
  return [...members].sort((one, other) => (one.memberId < other.memberId ? -1 : 1));
}

/** Whether all members subscribe to the same topics: then the simpler and better balanced algorithm serves. */
export function isHomogeneous(members: readonly AssignableMember[]): boolean {
  const [first, ...others] = members;
  if (first === undefined) return true;
  return others.every(({ topicIds }) => {
    if (topicIds.size !== first.topicIds.size) return false;
    for (const topicId of topicIds) if (!first.topicIds.has(topicId)) return false;
    return true;
  });
}

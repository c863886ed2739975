/**
 * @pure The range assignor: of each topic a member gets one run of neighbouring partitions, and the n-th subscriber the
 * n-th run. Topics with equally many partitions and the same subscribers are therefore co-partitioned. It is sticky
 * only as far as the order of the members is: static members first, by instance id, then the others by member id.
 *
 * Kafka: RangeAssignor.
 */
import type { TopicId } from '../model/topic-partition.ts';
import type { Assignment, DraftAssignment } from './assignment.ts';
import type { AssignableMember, AssignmentTask, Assignor } from './assignor.ts';

/** What of a topic is left to give. */
interface Remainder {
  nextPartition: number;
  subscribersLeft: number;
  readonly partitionCount: number;
}

export const RANGE_ASSIGNOR: Assignor = {
  name: 'range',
  assign({ members, partitionCounts }: AssignmentTask): Map<string, Assignment> {
    const remainders = new Map<TopicId, Remainder>();
    for (const { topicIds } of members)
      for (const topicId of topicIds) {
        const remainder = remainders.get(topicId);
        if (remainder !== undefined) remainder.subscribersLeft += 1;
        else {
          const partitionCount = partitionCounts.get(topicId) ?? 0;
          remainders.set(topicId, { nextPartition: 0, subscribersLeft: 1, partitionCount });
        }
      }
    return new Map([...members].sort(staticFirst).map((member) => [member.memberId, nextRanges(member, remainders)]));
  },
};

/** The next run of each topic that the member subscribes to: a fair share of what is left, rounded up. */
function nextRanges({ topicIds }: AssignableMember, remainders: ReadonlyMap<TopicId, Remainder>): Assignment {
  const ranges: DraftAssignment = new Map();
  for (const topicId of topicIds) {
    const remainder = remainders.get(topicId);
    if (remainder === undefined) continue;
    const start = remainder.nextPartition;
    const length = Math.ceil((remainder.partitionCount - start) / remainder.subscribersLeft);
    remainder.nextPartition += length;
    remainder.subscribersLeft -= 1;
    if (length > 0) ranges.set(topicId, new Set(Array.from({ length }, (_, index) => start + index)));
  }
  return ranges;
}

/** Static members keep their place over a restart, in which a dynamic one would get another id. */
function staticFirst(one: AssignableMember, other: AssignableMember): number {
  if (one.instanceId !== null && other.instanceId !== null) return one.instanceId < other.instanceId ? -1 : 1;
  if (one.instanceId !== null) return -1;
  if (other.instanceId !== null) return 1;
  return one.memberId < other.memberId ? -1 : 1;
}

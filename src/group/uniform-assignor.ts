/**
 * @pure The uniform assignor, the default: members differ by at most one partition when all subscribe to the same
 * topics, and a partition stays where it is as long as that balance allows it. Groups with different subscriptions
 * are uniform-heterogeneous-assignor.ts's.
 *
 * Kafka: UniformAssignor, UniformHomogeneousAssignmentBuilder.
 */
import type { TopicId } from '../model/topic-partition.ts';
import { addPartition, type Assignment, type DraftAssignment } from './assignment.ts';
import { type AssignableMember, type AssignmentTask, type Assignor, isHomogeneous } from './assignor.ts';
import { assignHeterogeneous } from './uniform-heterogeneous-assignor.ts';

export const UNIFORM_ASSIGNOR: Assignor = {
  name: 'uniform',
  assign(task: AssignmentTask): Map<string, Assignment> {
    return isHomogeneous(task.members) ? assignHomogeneous(task) : assignHeterogeneous(task);
  },
};

interface UnfilledMember {
  readonly assignment: DraftAssignment;
  readonly room: number;
}

function assignHomogeneous({ members, partitionCounts }: AssignmentTask): Map<string, Assignment> {
  const targets = new Map<string, Assignment>();
  const free = new FreePartitions(members[0]?.topicIds ?? new Set(), partitionCounts);
  const quotas = new Quotas(free.size, members.length);
  const unfilled: UnfilledMember[] = [];
  for (const { memberId, assignment } of members) {
    const kept = free.take(assignment, quotas.most);
    const room = quotas.roomLeft(kept.count);
    if (room > 0) unfilled.push({ assignment: kept.assignment, room });
    targets.set(memberId, kept.assignment);
  }
  const rest = free.inOrder();
  for (const { assignment, room } of unfilled)
    for (const { topicId, partition } of rest.splice(0, room)) addPartition(assignment, topicId, partition);
  return targets;
}

/** How many partitions each member is to have, asked for one member after the other. */
class Quotas {
  readonly #least: number;
  #extrasLeft: number;
  #membersLeft: number;

  constructor(partitionCount: number, memberCount: number) {
    this.#least = memberCount === 0 ? 0 : Math.floor(partitionCount / memberCount);
    this.#extrasLeft = memberCount === 0 ? 0 : partitionCount % memberCount;
    this.#membersLeft = memberCount;
  }

  /** The most that the next member may keep. */
  get most(): number {
    return this.#least + (this.#extrasLeft > 0 ? 1 : 0);
  }

  /**
   * How many the next member is to get besides the `kept` ones. A member that does not have one more than the others
   * already leaves that to those after it, as long as there are enough of them.
   */
  roomLeft(kept: number): number {
    const { most } = this;
    const isFull = kept === most;
    const mustTakeExtra = this.#membersLeft <= this.#extrasLeft;
    this.#membersLeft -= 1;
    if (most === this.#least) return most - kept;
    if (!isFull && !mustTakeExtra) return this.#least - kept;
    this.#extrasLeft -= 1;
    return most - kept;
  }
}

/** The partitions of the subscribed topics that no member has yet. */
class FreePartitions {
  readonly #isFree = new Map<TopicId, boolean[]>();
  readonly size: number;

  constructor(topicIds: ReadonlySet<TopicId>, partitionCounts: AssignmentTask['partitionCounts']) {
    let size = 0;
    for (const topicId of [...topicIds].sort()) {
      const count = partitionCounts.get(topicId) ?? 0;
      this.#isFree.set(topicId, new Array<boolean>(count).fill(true));
      size += count;
    }
    this.size = size;
  }

  /** Of the assignment, at most `limit` partitions that exist and that nobody has taken before. */
  take(assignment: AssignableMember['assignment'], limit: number): { assignment: DraftAssignment; count: number } {
    const taken: DraftAssignment = new Map();
    let count = 0;
    for (const [topicId, partitions] of assignment) {
      const isFree = this.#isFree.get(topicId);
      if (isFree === undefined) continue;
      for (const partition of partitions) {
        if (count === limit) return { assignment: taken, count };
        if (isFree[partition] !== true) continue;
        isFree[partition] = false;
        addPartition(taken, topicId, partition);
        count += 1;
      }
    }
    return { assignment: taken, count };
  }

  inOrder(): { topicId: TopicId; partition: number }[] {
    const rest: { topicId: TopicId; partition: number }[] = [];
    for (const [topicId, isFree] of this.#isFree)
      for (const [partition, free] of isFree.entries()) if (free) rest.push({ topicId, partition });
    return rest;
  }
}

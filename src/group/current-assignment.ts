/**
 * @pure One step of one member towards its target: give up what it is not to have, wait for what others still have,
 * take what is free. Guarantees that no partition is in two members' hands: it is given only when nobody has it, and
 * it counts as somebody's until that member's own heartbeat no longer names it.
 *
 * Kafka: CurrentAssignmentBuilder.
 */
import type { TopicId } from '../model/topic-partition.ts';
import {
  addPartition,
  type Assignment,
  type DraftAssignment,
  EMPTY_ASSIGNMENT,
  hasPartition,
  intersects,
  type TopicPartitions,
} from './assignment.ts';
import type { ConsumerGroupMember } from './consumer-group-member.ts';

export interface Reconciliation {
  readonly targetEpoch: number;
  readonly target: Assignment;
  /** Does any member have the partition, or is it still being asked to give it up? */
  isOwned(topicId: TopicId, partition: number): boolean;
  /** What the member says that it has; null when it does not say. */
  readonly owned: readonly TopicPartitions[] | null;
}

/** The member after the step; the same one when there is none to do. null: it must abandon all and join anew. */
export function nextAssignment(member: ConsumerGroupMember, step: Reconciliation): ConsumerGroupMember | null {
  switch (member.state) {
    case 'stable':
      return member.memberEpoch === step.targetEpoch ? member : towardsTarget(member, member.memberEpoch, step);
    case 'unrevokedPartitions':
      // Revoked is what the member no longer names; not to name anything proves nothing.
      return stillOwns(member.pendingRevocation, step) ? member : towardsTarget(member, member.memberEpoch, step);
    case 'unreleasedPartitions':
      return towardsTarget(member, member.memberEpoch, step);
    case 'unknown':
      // A newer broker knew what to do next. Only with a member that has nothing can we begin from scratch.
      if (step.owned === null || step.owned.length > 0) return null;
      return towardsTarget(member, step.targetEpoch, step);
  }
}

function towardsTarget(member: ConsumerGroupMember, epoch: number, step: Reconciliation): ConsumerGroupMember {
  const { kept, surplus } = split(member.assigned, step.target);
  if (surplus.size > 0 && stillOwns(surplus, step))
    return { ...inEpoch(member, epoch), state: 'unrevokedPartitions', assigned: kept, pendingRevocation: surplus };
  const { assigned, isComplete } = addFree(kept, member, step);
  return {
    ...inEpoch(member, step.targetEpoch),
    state: isComplete ? 'stable' : 'unreleasedPartitions',
    assigned,
    pendingRevocation: EMPTY_ASSIGNMENT,
  };
}

function stillOwns(partitions: Assignment, { owned }: Reconciliation): boolean {
  return owned === null || intersects(owned, partitions);
}

function inEpoch(member: ConsumerGroupMember, memberEpoch: number): ConsumerGroupMember {
  if (memberEpoch === member.memberEpoch) return member;
  return { ...member, memberEpoch, previousMemberEpoch: member.memberEpoch };
}

function split(assigned: Assignment, target: Assignment): { kept: DraftAssignment; surplus: DraftAssignment } {
  const kept: DraftAssignment = new Map();
  const surplus: DraftAssignment = new Map();
  for (const [topicId, partitions] of assigned)
    for (const partition of partitions)
      addPartition(hasPartition(target, topicId, partition) ? kept : surplus, topicId, partition);
  return { kept, surplus };
}

/** Adds what of the target is free. What the member itself was to give up, and now is to have again, it may keep. */
function addFree(
  assigned: DraftAssignment,
  member: ConsumerGroupMember,
  { target, isOwned }: Reconciliation,
): { assigned: Assignment; isComplete: boolean } {
  let isComplete = true;
  for (const [topicId, partitions] of target)
    for (const partition of partitions) {
      if (hasPartition(assigned, topicId, partition)) continue;
      if (isOwned(topicId, partition) && !hasPartition(member.pendingRevocation, topicId, partition))
        isComplete = false;
      else addPartition(assigned, topicId, partition);
    }
  return { assigned, isComplete };
}

/** One member's next step, where the stories of groups do not reach. */
import { describe, expect, it } from 'vitest';
import type { Assignment } from '../../../src/group/assignment.ts';
import {
  type ConsumerGroupMember,
  newMember,
  withCurrentAssignment,
} from '../../../src/group/consumer-group-member.ts';
import { nextAssignment } from '../../../src/group/current-assignment.ts';

const A = 'YQAAAAAAAAAAAAAAAAAAAQ';

function partitions(...numbers: number[]): Assignment {
  return numbers.length === 0 ? new Map() : new Map([[A, new Set(numbers)]]);
}

function step(member: ConsumerGroupMember, target: Assignment, owned: number[] | null): ConsumerGroupMember | null {
  return nextAssignment(member, {
    targetEpoch: 9,
    target,
    isOwned: () => false,
    owned: owned === null ? null : owned.length === 0 ? [] : [{ topicId: A, partitions: owned }],
  });
}

describe('the next step of a member', () => {
  /** As a newer broker may have written it. */
  const unknown = withCurrentAssignment(newMember('m'), {
    memberEpoch: 7,
    previousMemberEpoch: 6,
    state: 42,
    assignedPartitions: [{ topicId: A, partitions: [0] }],
    partitionsPendingRevocation: [],
  });

  it('is to begin from scratch in a state that only a newer broker knows, once it has nothing', () => {
    expect(step(unknown, partitions(1), null)).toBeNull();
    expect(step(unknown, partitions(1), [0])).toBeNull();
    expect(step(unknown, partitions(1), [])).toMatchObject({
      state: 'stable',
      memberEpoch: 9,
      assigned: partitions(1),
      pendingRevocation: partitions(),
    });
  });

  it('may give back what was to be given up, when it is to be had again', () => {
    const revoking: ConsumerGroupMember = {
      ...unknown,
      state: 'unrevokedPartitions',
      assigned: partitions(0),
      pendingRevocation: partitions(1),
    };
    const owned = { targetEpoch: 9, target: partitions(0, 1), isOwned: () => true, owned: [] };
    expect(nextAssignment(revoking, owned)).toMatchObject({ state: 'stable', assigned: partitions(0, 1) });
    expect(nextAssignment({ ...revoking, pendingRevocation: partitions(2) }, owned)).toMatchObject({
      state: 'unreleasedPartitions',
      assigned: partitions(0),
    });
  });
});

/** Elections as functions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  electForControlledShutdown,
  electOfflineLeader,
  electPreferredLeader,
  initialLeaderAndIsr,
  type Liveness,
  needsUncleanElection,
  repairLeaderAndIsr,
} from '../../../src/controller/election.ts';
import { LeaderRecoveryState, NO_LEADER } from '../../../src/model/leader-and-isr.ts';
import { leaderAndIsr } from '../../support/controller-states.ts';

const liveness = (online: readonly number[], shuttingDown: readonly number[] = []): Liveness => ({
  isRegistered: (id) => online.includes(id) || shuttingDown.includes(id),
  isOnline: (id) => online.includes(id),
});

const partition = (replicas: readonly number[], leader: number, isr: readonly number[]) => ({
  replicas,
  leaderAndIsr: leaderAndIsr(leader, isr),
});

describe('the first leader of a partition', () => {
  it('is the first replica that is online, with all that are online in sync', () => {
    expect(initialLeaderAndIsr([3, 1, 2], liveness([1, 2]))).toEqual(
      leaderAndIsr(1, [1, 2], { leaderEpoch: 0, partitionEpoch: 0 }),
    );
  });

  it('does not exist while no replica is online', () => {
    expect(initialLeaderAndIsr([3], liveness([1, 2], [3]))).toBeNull();
  });
});

describe('an election after the loss of a leader', () => {
  it('takes the first in assignment order that is online and in sync', () => {
    expect(electOfflineLeader(partition([1, 2, 3], 1, [3, 1, 2]), liveness([3, 2]), false)).toEqual(
      leaderAndIsr(2, [3, 2], { leaderEpoch: 6 }),
    );
  });

  it('prefers one that is in sync even if unclean elections are allowed', () => {
    expect(electOfflineLeader(partition([1, 2, 3], 1, [1, 3]), liveness([2, 3]), true)).toEqual(
      leaderAndIsr(3, [3], { leaderEpoch: 6 }),
    );
  });

  it('takes one that is not in sync only if that is allowed, and marks the partition as recovering', () => {
    const lost = partition([1, 2, 3], 1, [1]);
    expect(electOfflineLeader(lost, liveness([2, 3]), false)).toBeNull();
    expect(electOfflineLeader(lost, liveness([2, 3]), true)).toEqual(
      leaderAndIsr(2, [2], { leaderEpoch: 6, leaderRecoveryState: LeaderRecoveryState.RECOVERING }),
    );
  });

  it('is impossible when nobody is online', () => {
    expect(electOfflineLeader(partition([1, 2], 1, [1]), liveness([], [2]), true)).toBeNull();
  });
});

describe('a preferred election', () => {
  it('needs the head of the assignment online and in sync, and keeps the isr', () => {
    expect(electPreferredLeader(partition([1, 2], 2, [2, 1]), liveness([1, 2]))).toEqual(
      leaderAndIsr(1, [2, 1], { leaderEpoch: 6 }),
    );
    expect(electPreferredLeader(partition([1, 2], 2, [2]), liveness([1, 2]))).toBeNull();
    expect(electPreferredLeader(partition([1, 2], 2, [2, 1]), liveness([2], [1]))).toBeNull();
  });
});

describe('a controlled shutdown', () => {
  it('moves the leadership to one that stays and drops all that leave from the isr', () => {
    expect(electForControlledShutdown(partition([1, 2, 3], 1, [1, 2, 3]), liveness([3], [1, 2]))).toEqual(
      leaderAndIsr(3, [3], { leaderEpoch: 6 }),
    );
  });

  it('finds nobody when all that are in sync leave', () => {
    expect(electForControlledShutdown(partition([1, 2, 3], 1, [1, 2]), liveness([3], [1, 2]))).toBeNull();
  });
});

describe('a repair', () => {
  it('returns the very state when everything is in order', () => {
    const whole = partition([1, 2, 3], 1, [1, 2]);
    expect(repairLeaderAndIsr(whole, liveness([1, 2]), true)).toBe(whole.leaderAndIsr);
  });

  it('takes a follower that is away out of the isr', () => {
    expect(repairLeaderAndIsr(partition([1, 2, 3], 1, [1, 2, 3]), liveness([1, 3]), false)).toEqual(
      leaderAndIsr(1, [1, 3], { leaderEpoch: 6 }),
    );
  });

  it('leaves a leader that is shutting down in place while nobody can take over', () => {
    const last = partition([1, 2], 1, [1]);
    expect(repairLeaderAndIsr(last, liveness([2], [1]), true)).toBe(last.leaderAndIsr);
    expect(repairLeaderAndIsr(partition([1, 2, 3], 1, [1, 2]), liveness([3], [1]), false)).toEqual(
      leaderAndIsr(1, [1], { leaderEpoch: 6 }),
    );
  });

  it('keeps the isr of a partition that loses its leader, and does so once', () => {
    const lost = repairLeaderAndIsr(partition([1, 2, 3], 1, [1, 2]), liveness([3]), false);
    expect(lost).toEqual(leaderAndIsr(NO_LEADER, [1, 2], { leaderEpoch: 6 }));
    expect(repairLeaderAndIsr({ replicas: [1, 2, 3], leaderAndIsr: lost }, liveness([3]), false)).toBe(lost);
  });

  it('keeps the recovery mark over a clean election', () => {
    const recovering = { leaderRecoveryState: LeaderRecoveryState.RECOVERING };
    const lost = { replicas: [1, 2], leaderAndIsr: leaderAndIsr(NO_LEADER, [1], recovering) };
    expect(repairLeaderAndIsr(lost, liveness([1]), false)).toEqual(
      leaderAndIsr(1, [1], { leaderEpoch: 6, ...recovering }),
    );
  });

  const ids = [1, 2, 3, 4, 5];
  const view = fc
    .shuffledSubarray(ids, { minLength: 1 })
    .chain((replicas) =>
      fc.record({
        replicas: fc.constant(replicas),
        isr: fc.shuffledSubarray(replicas, { minLength: 1 }),
        leaderIndex: fc.integer({ min: -1, max: 4 }),
        online: fc.subarray(ids),
        shuttingDown: fc.subarray(ids),
        unclean: fc.boolean(),
      }),
    )
    .map(({ replicas, isr, leaderIndex, online, shuttingDown, unclean }) => {
      const leader = leaderIndex === -1 ? NO_LEADER : (isr[leaderIndex % isr.length] ?? NO_LEADER);
      const leaving = shuttingDown.filter((id) => !online.includes(id));
      return { partition: partition(replicas, leader, isr), live: liveness(online, leaving), unclean };
    });

  it('never loses what is known of who has every committed record', () => {
    fc.assert(
      fc.property(view, ({ partition, live, unclean }) => {
        const before = partition.leaderAndIsr;
        const after = repairLeaderAndIsr(partition, live, unclean);
        expect(after.isr.length).toBeGreaterThan(0);
        expect(after.isr.every((id) => partition.replicas.includes(id))).toBe(true);
        expect(after.partitionEpoch).toBe(before.partitionEpoch);
        if (after === before) return;
        expect(after.leaderEpoch).toBe(before.leaderEpoch + 1);
        if (after.leader === NO_LEADER) {
          expect(after.isr).toEqual(before.isr);
          return;
        }
        expect(after.isr).toContain(after.leader);
        expect(live.isRegistered(after.leader)).toBe(true);
        if (before.isr.includes(after.leader)) expect(after.isr.every((id) => before.isr.includes(id))).toBe(true);
        else {
          expect(unclean && needsUncleanElection(partition, live)).toBe(true);
          expect(after.leaderRecoveryState).toBe(LeaderRecoveryState.RECOVERING);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is finished after one step', () => {
    fc.assert(
      fc.property(view, ({ partition, live, unclean }) => {
        const once = repairLeaderAndIsr(partition, live, unclean);
        expect(repairLeaderAndIsr({ ...partition, leaderAndIsr: once }, live, unclean)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });
});

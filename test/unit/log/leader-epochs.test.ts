/** The epoch cache: the rules of KIP-101 and KIP-279, and its agreement with the log it describes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaderEpochs } from '../../../src/log/leader-epochs.ts';

function epochsOf(...entries: [number, number][]): LeaderEpochs {
  const epochs = new LeaderEpochs();
  for (const [epoch, startOffset] of entries) epochs.assign(epoch, startOffset);
  return epochs;
}

function pairs(epochs: LeaderEpochs): [number, number][] {
  return epochs.entries.map(({ epoch, startOffset }) => [epoch, startOffset]);
}

describe('assigning an epoch', () => {
  it.each<[string, [number, number][], [number, number], [number, number][]]>([
    [
      'notes a new one',
      [[1, 0]],
      [2, 10],
      [
        [1, 0],
        [2, 10],
      ],
    ],
    ['ignores the one that is current, at a later offset', [[1, 0]], [1, 10], [[1, 0]]],
    [
      'moves the current one to an earlier offset',
      [
        [1, 0],
        [2, 10],
      ],
      [2, 8],
      [
        [1, 0],
        [2, 8],
      ],
    ],
    [
      'replaces one that never had a record',
      [
        [1, 0],
        [2, 10],
      ],
      [3, 10],
      [
        [1, 0],
        [3, 10],
      ],
    ],
    [
      'drops those that begin behind the new one',
      [
        [1, 0],
        [2, 10],
        [3, 20],
      ],
      [4, 5],
      [
        [1, 0],
        [4, 5],
      ],
    ],
    [
      'drops higher ones',
      [
        [1, 0],
        [5, 10],
      ],
      [2, 12],
      [
        [1, 0],
        [2, 12],
      ],
    ],
    [
      'drops all when the new one owns the first offset',
      [
        [1, 5],
        [2, 10],
      ],
      [3, 0],
      [[3, 0]],
    ],
  ])('%s', (_, before, [epoch, startOffset], after) => {
    const epochs = epochsOf(...before);
    expect(epochs.assign(epoch, startOffset)).toBe(JSON.stringify(before) !== JSON.stringify(after));
    expect(pairs(epochs)).toEqual(after);
  });

  it('keeps epochs and offsets growing, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(10), fc.nat(50))), (assignments) => {
        const epochs = epochsOf(...assignments);
        for (const [number, entry] of epochs.entries.entries()) {
          const next = epochs.entries[number + 1];
          if (next === undefined) continue;
          expect(next.epoch).toBeGreaterThan(entry.epoch);
          expect(next.startOffset).toBeGreaterThan(entry.startOffset);
        }
        const last = assignments.at(-1);
        if (last !== undefined) expect(epochs.latestEpoch).toBe(last[0]);
      }),
    );
  });
});

describe('the end of an epoch', () => {
  const epochs = epochsOf([2, 5], [4, 10], [7, 30]);

  it.each<[string, number, [number, number]]>([
    ['is unknown for no epoch', -1, [-1, -1]],
    ['is the end of the log for the latest one', 7, [7, 50]],
    ['is unknown for one that is newer than all', 8, [-1, -1]],
    ['is where the next one begins', 4, [4, 30]],
    ['is that of the largest one below, for a gap', 5, [4, 30]],
    ['is where the log begins, for one that is older than all', 1, [1, 5]],
  ])('%s', (_, asked, [leaderEpoch, endOffset]) => {
    expect(epochs.endOffsetFor(asked, 50)).toEqual({ leaderEpoch, endOffset });
  });

  it('is unknown while no epoch is known', () => {
    expect(new LeaderEpochs().endOffsetFor(0, 10)).toEqual({ leaderEpoch: -1, endOffset: -1 });
  });

  it('agrees with a search through the records', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 30 }), fc.nat(60), (steps, asked) => {
        let epoch = 0;
        const records = steps.map((step) => {
          epoch += step;
          return epoch;
        });
        const built = new LeaderEpochs();
        for (const [offset, each] of records.entries()) built.assign(each, offset);
        const floor = Math.max(-1, ...records.filter((each) => each <= asked));
        const isKnown = asked <= records.at(-1)!;
        const expected = isKnown
          ? { leaderEpoch: floor < 0 ? asked : floor, endOffset: floor < 0 ? 0 : records.lastIndexOf(floor) + 1 }
          : { leaderEpoch: -1, endOffset: -1 };
        expect(built.endOffsetFor(asked, records.length)).toEqual(expected);
        for (const [offset, each] of records.entries()) expect(built.epochForOffset(offset)).toBe(each);
      }),
    );
  });
});

describe('truncating', () => {
  it('drops the epochs that begin at or behind the new end, also one without records at the very end', () => {
    const epochs = epochsOf([1, 0], [2, 10], [3, 20]);
    expect(epochs.truncateFromEnd(21)).toBe(false);
    expect(epochs.truncateFromEnd(20)).toBe(true);
    expect(pairs(epochs)).toEqual([
      [1, 0],
      [2, 10],
    ]);
    epochs.truncateFromEnd(0);
    expect(pairs(epochs)).toEqual([]);
  });

  it('lets the epoch that owns the new start begin there', () => {
    const epochs = epochsOf([1, 0], [2, 10], [3, 20]);
    expect(epochs.truncateFromStart(15)).toBe(true);
    expect(pairs(epochs)).toEqual([
      [2, 15],
      [3, 20],
    ]);
    expect(epochs.truncateFromStart(15)).toBe(false);
    expect(epochs.truncateFromStart(20)).toBe(true);
    expect(pairs(epochs)).toEqual([[3, 20]]);
  });

  it('changes nothing before the first epoch that is known', () => {
    const epochs = epochsOf([1, 10]);
    expect(epochs.truncateFromStart(5)).toBe(false);
    expect(pairs(epochs)).toEqual([[1, 10]]);
  });
});

describe('two replicas that compare their epochs', () => {
  /**
   * What a follower does with the leader's answer (KIP-279): cut, and ask again while the leader does not know its
   * epoch.
   */
  function reconcile(
    follower: { epochs: LeaderEpochs; end: number },
    leader: { epochs: LeaderEpochs; end: number },
  ): number {
    for (let round = 0; round < 20; round++) {
      const asked = follower.epochs.latestEpoch;
      if (asked < 0) return 0;
      const answer = leader.epochs.endOffsetFor(asked, leader.end);
      if (answer.endOffset < 0) return 0;
      const own = follower.epochs.endOffsetFor(answer.leaderEpoch, follower.end);
      const isKnown = own.leaderEpoch === answer.leaderEpoch;
      follower.end = Math.min(own.endOffset < 0 ? answer.endOffset : own.endOffset, answer.endOffset, follower.end);
      follower.epochs.truncateFromEnd(follower.end);
      if (isKnown) return follower.end;
    }
    throw new Error('they do not come to an end');
  }

  it('end at the point where their histories part', () => {
    const lineage = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 4 })), { maxLength: 12 });
    fc.assert(
      fc.property(lineage, fc.nat(10), (steps, common) => {
        // Both begin with the same records; later epochs were written by one of them alone.
        const logs = [
          { epochs: new LeaderEpochs(), end: 0 },
          { epochs: new LeaderEpochs(), end: 0 },
        ];
        for (const log of logs) if (common > 0) log.epochs.assign(0, 0);
        for (const log of logs) log.end = common;
        for (const [number, [isFirst, count]] of steps.entries()) {
          const log = logs[isFirst ? 0 : 1]!;
          log.epochs.assign(number + 1, log.end);
          log.end += count;
        }
        const leaderEpoch = steps.length + 1;
        logs[1]!.epochs.assign(leaderEpoch, logs[1]!.end);
        expect(reconcile(logs[0]!, logs[1]!)).toBeLessThanOrEqual(common);
      }),
    );
  });
});

/** What every assignor of the broker promises, over random groups, and what each of them promises besides. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Assignment } from '../../../src/group/assignment.ts';
import { type AssignableMember, type AssignmentTask, type Assignor, byMemberId } from '../../../src/group/assignor.ts';
import { RANGE_ASSIGNOR } from '../../../src/group/range-assignor.ts';
import { UNIFORM_ASSIGNOR } from '../../../src/group/uniform-assignor.ts';

const TOPICS = ['a', 'b', 'c', 'd', 'e'];

function member(memberId: string, topics: readonly string[], assignment: Assignment = new Map()): AssignableMember {
  return { memberId, instanceId: null, topicIds: new Set(topics), assignment };
}

function task(members: readonly AssignableMember[], counts: Readonly<Record<string, number>>): AssignmentTask {
  return { members: byMemberId(members), partitionCounts: new Map(Object.entries(counts)) };
}

const counts = fc.record(Object.fromEntries(TOPICS.map((topic) => [topic, fc.integer({ min: 1, max: 12 })])));
const sameTopics = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.subarray(TOPICS, { minLength: 1 }), counts);
const ownTopics = fc.tuple(fc.array(fc.subarray(TOPICS), { minLength: 1, maxLength: 9 }), counts);

const homogeneous = sameTopics.map(([size, topics, counts]) => {
  const members = Array.from({ length: size }, (_, index) => member(`m${index}`, topics));
  return task(members, counts);
});
const heterogeneous = ownTopics.map(([subscriptions, counts]) =>
  task(
    subscriptions.map((topics, index) => member(`m${index}`, topics)),
    counts,
  ),
);
const anyTask = fc.oneof(homogeneous, heterogeneous);

/** The next task of a group that has got this target. */
function withTarget(before: AssignmentTask, target: ReadonlyMap<string, Assignment>): AssignmentTask {
  const members = before.members.map((one) => ({ ...one, assignment: target.get(one.memberId) ?? new Map() }));
  return { ...before, members };
}

function ownersOf(target: ReadonlyMap<string, Assignment>): Map<string, string[]> {
  const owners = new Map<string, string[]>();
  for (const [memberId, assignment] of target)
    for (const [topicId, partitions] of assignment)
      for (const partition of partitions) {
        const key = `${topicId}-${partition}`;
        owners.set(key, [...(owners.get(key) ?? []), memberId]);
      }
  return owners;
}

function sizeOf(assignment: Assignment | undefined): number {
  let size = 0;
  for (const partitions of assignment?.values() ?? []) size += partitions.size;
  return size;
}

function plain(target: ReadonlyMap<string, Assignment>): unknown {
  return [...target]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([memberId, assignment]) => [
      memberId,
      [...assignment].map(([topic, partitions]) => `${topic}:${[...partitions].sort((a, b) => a - b)}`).sort(),
    ]);
}

function movedPartitions(from: ReadonlyMap<string, Assignment>, to: ReadonlyMap<string, Assignment>): number {
  const owners = ownersOf(to);
  let moved = 0;
  for (const [partition, [owner]] of ownersOf(from)) if (owners.get(partition)?.[0] !== owner) moved += 1;
  return moved;
}

describe.each<[string, Assignor]>([
  ['uniform', UNIFORM_ASSIGNOR],
  ['range', RANGE_ASSIGNOR],
])('the %s assignor', (_, assignor) => {
  it('gives every partition that somebody reads to exactly one who reads it, and no other partition to anybody', () => {
    fc.assert(
      fc.property(anyTask, (given) => {
        const target = assignor.assign(given);
        const owners = ownersOf(target);
        const topicsOf = new Map(given.members.map(({ memberId, topicIds }) => [memberId, topicIds]));
        const read = new Set(given.members.flatMap(({ topicIds }) => [...topicIds]));
        const partitions = [...read].flatMap((topic) =>
          Array.from({ length: given.partitionCounts.get(topic) ?? 0 }, (_, index) => `${topic}-${index}`),
        );
        expect([...owners.keys()].sort()).toEqual(partitions.sort());
        for (const [partition, [owner = '', ...others]] of owners) {
          expect(others).toEqual([]);
          expect(topicsOf.get(owner)?.has(partition.split('-')[0] ?? '')).toBe(true);
        }
      }),
    );
  });

  it('answers the same whatever order members and topics come in, and leaves alone what it made itself', () => {
    fc.assert(
      fc.property(anyTask, (given) => {
        const target = assignor.assign(given);
        const turned = {
          members: byMemberId(
            [...given.members].reverse().map((one) => ({ ...one, topicIds: new Set([...one.topicIds].reverse()) })),
          ),
          partitionCounts: new Map([...given.partitionCounts].reverse()),
        };
        expect(plain(assignor.assign(turned))).toEqual(plain(target));
        expect(plain(assignor.assign(withTarget(given, target)))).toEqual(plain(target));
      }),
    );
  });
});

describe('the uniform assignor', () => {
  it('differs by at most one partition between members that read the same', () => {
    fc.assert(
      fc.property(homogeneous, fc.integer({ min: 0, max: 8 }), counts, (given, gone, later) => {
        const first = UNIFORM_ASSIGNOR.assign(given);
        const left = withTarget(given, first).members.filter((_, index) => index !== gone % given.members.length);
        // Also after a member has left and topics have grown.
        const grown = Object.fromEntries(
          [...given.partitionCounts].map(([topic, count]) => [topic, count + (later[topic] ?? 0)]),
        );
        const second = UNIFORM_ASSIGNOR.assign(
          task([...left, member('new', [...(given.members[0]?.topicIds ?? [])])], grown),
        );
        for (const target of [first, second]) {
          const sizes = [...target.values()].map(sizeOf);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('moves only what a new member is to have, and only what a member had that has left', () => {
    fc.assert(
      fc.property(homogeneous, fc.integer({ min: 0, max: 8 }), (given, gone) => {
        const first = UNIFORM_ASSIGNOR.assign(given);
        const grown = {
          ...given,
          members: [...withTarget(given, first).members, member('z', [...(given.members[0]?.topicIds ?? [])])],
        };
        const second = UNIFORM_ASSIGNOR.assign(grown);
        expect(movedPartitions(first, second)).toBe(sizeOf(second.get('z')));
        const leaving = given.members[gone % given.members.length]?.memberId ?? '';
        const shrunk = {
          ...given,
          members: withTarget(given, first).members.filter(({ memberId }) => memberId !== leaving),
        };
        if (shrunk.members.length === 0) return;
        expect(movedPartitions(first, UNIFORM_ASSIGNOR.assign(shrunk))).toBe(sizeOf(first.get(leaving)));
      }),
    );
  });

  it('leaves no partition with a member that has two more than another one who reads it too', () => {
    fc.assert(
      fc.property(heterogeneous, (given) => {
        const target = UNIFORM_ASSIGNOR.assign(given);
        for (const [partition, [owner = '']] of ownersOf(target)) {
          const topic = partition.split('-')[0] ?? '';
          for (const { memberId, topicIds } of given.members)
            if (topicIds.has(topic))
              expect(sizeOf(target.get(owner)) - sizeOf(target.get(memberId))).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('takes no partition for granted that two members were to have, or that is gone', () => {
    const had: Assignment = new Map([
      ['a', new Set([0, 1, 7])],
      ['gone', new Set([0])],
    ]);
    for (const otherTopics of [['a'], ['a', 'b']]) {
      const target = UNIFORM_ASSIGNOR.assign(
        task([member('m0', ['a'], had), member('m1', otherTopics, had)], { a: 2, b: 1 }),
      );
      const partitions = [...ownersOf(target)].map(([partition, owners]) => `${partition} ${owners.length}`).sort();
      expect(partitions).toEqual(['a-0 1', 'a-1 1', ...(otherTopics.includes('b') ? ['b-0 1'] : [])]);
    }
  });
});

describe('the range assignor', () => {
  it('gives the n-th member the n-th run of each topic, static members first', () => {
    const members = [
      { ...member('m0', ['a', 'b']), instanceId: null },
      { ...member('m1', ['a', 'b']), instanceId: 'y' },
      { ...member('m2', ['a', 'b']), instanceId: 'x' },
    ];
    expect(plain(RANGE_ASSIGNOR.assign(task(members, { a: 7, b: 3 })))).toEqual([
      ['m0', ['a:5,6', 'b:2']],
      ['m1', ['a:3,4', 'b:1']],
      ['m2', ['a:0,1,2', 'b:0']],
    ]);
  });
});

/** How the leader of a group deals out partitions: Kafka's examples, and what holds for all groups. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignInTurn, assignRanges, CLIENT_ASSIGNORS, type Subscriber } from '../../../src/client/client-assignors.ts';

const member = (memberId: string, topics: readonly string[], groupInstanceId: string | null = null): Subscriber => ({
  memberId,
  groupInstanceId,
  topics,
});

/** `t0:1` for partition 1 of t0. */
function text(assignment: ReturnType<typeof assignRanges>): Record<string, string> {
  return Object.fromEntries(
    [...assignment].map(([memberId, of]) => [
      memberId,
      of.map(({ topic, partition }) => `${topic}:${partition}`).join(' '),
    ]),
  );
}

const TWO_OF_THREE = new Map([
  ['t0', 3],
  ['t1', 3],
]);

describe('ranges', () => {
  it('are dealt out topic by topic, the first members get what is left over', () => {
    const members = [member('C1', ['t1', 't0']), member('C0', ['t0', 't1'])];
    expect(text(assignRanges(members, TWO_OF_THREE))).toEqual({
      C0: 't0:0 t0:1 t1:0 t1:1',
      C1: 't0:2 t1:2',
    });
  });

  it('put static members first, by their instances', () => {
    const members = [member('a', ['t0']), member('b', ['t0'], 'i-2'), member('c', ['t0'], 'i-1')];
    expect(text(assignRanges(members, TWO_OF_THREE))).toEqual({ c: 't0:0', b: 't0:1', a: 't0:2' });
  });
});

describe('turns', () => {
  it('go round over all topics', () => {
    const members = [member('C0', ['t0', 't1']), member('C1', ['t0', 't1'])];
    expect(text(assignInTurn(members, TWO_OF_THREE))).toEqual({
      C0: 't0:0 t0:2 t1:1',
      C1: 't0:1 t1:0 t1:2',
    });
  });

  it('pass over members that have not subscribed', () => {
    const counts = new Map([
      ['t0', 1],
      ['t1', 2],
      ['t2', 3],
    ]);
    const members = [member('C0', ['t0']), member('C1', ['t0', 't1']), member('C2', ['t0', 't1', 't2'])];
    expect(text(assignInTurn(members, counts))).toEqual({
      C0: 't0:0',
      C1: 't1:0',
      C2: 't1:1 t2:0 t2:1 t2:2',
    });
  });
});

it.each([...CLIENT_ASSIGNORS])('%s gives each partition to exactly one of its subscribers', (_name, assign) => {
  const topicName = fc.constantFrom('a', 'b', 'c', 'd');
  const topics = fc.uniqueArray(topicName, { maxLength: 4 });
  const members = fc
    .uniqueArray(fc.tuple(fc.nat(50), topics, fc.boolean()), { selector: ([id]) => id, minLength: 1, maxLength: 8 })
    .map((all) => all.map(([id, of, isStatic]) => member(`m${id}`, of, isStatic ? `i${id}` : null)));
  const counts = fc
    .uniqueArray(fc.tuple(topicName, fc.nat(12)), { selector: ([name]) => name })
    .map((all) => new Map(all));
  fc.assert(
    fc.property(members, counts, fc.nat(), (subscribers, partitionCounts, seed) => {
      const assignment = assign(subscribers, partitionCounts);
      const owners = new Map<string, string>();
      for (const [memberId, partitions] of assignment)
        for (const { topic, partition } of partitions) {
          expect(owners.has(`${topic}:${partition}`)).toBe(false);
          owners.set(`${topic}:${partition}`, memberId);
          expect(subscribers.find((subscriber) => subscriber.memberId === memberId)?.topics).toContain(topic);
        }
      const wanted = [...partitionCounts].filter(([topic]) => subscribers.some(({ topics: of }) => of.includes(topic)));
      expect(owners.size).toBe(wanted.reduce((sum, [, count]) => sum + count, 0));
      expect([...assignment.keys()].sort()).toEqual(subscribers.map(({ memberId }) => memberId).sort());
      // Whatever the order in which the coordinator names the members.
      const turned = subscribers.map((_, index) => subscribers[(index + seed) % subscribers.length] as Subscriber);
      expect(assign(turned, partitionCounts)).toEqual(assignment);
    }),
  );
});

/**
 * What must hold of groups whatever is asked of them, in any order, with any ids, over failures of the log and of the
 * coordinator: random histories against the rules.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Ticket } from '../../../src/coordinator/shard.ts';
import type { GroupShard } from '../../../src/group/group-shard.ts';
import {
  commitRequest,
  heartbeatRequest,
  joinRequest,
  leaveRequest,
  memberContext,
  subscription,
  syncRequest,
} from '../../support/group-requests.ts';
import { GroupStage } from '../../support/group-stage.ts';

const GROUPS = ['g', 'h'] as const;
const TOPICS = ['t', 'u'] as const;
const HOURS_MS = 4 * 60 * 60 * 1000;

const group = fc.constantFrom(...GROUPS);
const topic = fc.constantFrom(...TOPICS);
const instance = fc.option(fc.constantFrom('i', 'j'), { freq: 2 });
/** Which of the member ids that were ever given out, the newest first; -1 is none. */
const member = fc.constantFrom(-1, -1, 0, 0, 0, 1, 1, 2, 3, 5, 9);
/** Against the generation that was heard of last. */
const generation = fc.constantFrom(0, 0, 0, 0, -1, 1, -1000);
const protocols = fc.uniqueArray(fc.constantFrom('range:t', 'range:u', 'sticky:t', 'own:x'), {
  minLength: 1,
  maxLength: 3,
});

const ask = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('join'),
      group,
      member,
      instance,
      protocols,
      version: fc.constantFrom(3, 9),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('sync'), group, member, instance, generation }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('heartbeat'), group, member, instance, generation }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave'), group, member, instance }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit'), group, member, instance, generation, topic }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteOffsets'), group, topic }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteGroup'), group }) },
);
const happen = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.constantFrom(1, 100, 5000, 61_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('topicDeleted'), topic }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reload') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release') }) },
);
const refuse = fc.record({ kind: fc.constant('refuse') });

type Step = Partial<{
  group: string;
  topic: string;
  member: number;
  instance: string | null;
  generation: number;
  protocols: string[];
  version: number;
  ms: number;
}> & { kind: string };

interface Answer {
  readonly errorCode?: number;
  readonly memberId?: string;
  readonly generationId?: number;
}

/** A history, and what is watched in it. */
class History {
  readonly stage: GroupStage;
  readonly #memberIds: string[] = [''];
  readonly #generations = new Map<string, number>();
  readonly #joins = new Map<Ticket, string>();

  constructor() {
    this.stage = new GroupStage({
      settings: { offsetsRetentionMinutes: 1, groupInitialRebalanceDelayMs: 50, groupMaxSize: 4 },
      onAppended: (record) => {
        if (record.kind === 'groupMetadata' && record.value === null) this.#generations.delete(record.key.group);
      },
      onAnswered: (ticket, response) => this.#hear(ticket, response as Answer),
    });
  }

  play(step: Step): void {
    const { stage } = this;
    const acts: Record<string, () => void> = {
      advance: () => stage.advance(step.ms ?? 0),
      expire: () => stage.carryOut(stage.shard.expireOffsets(stage.nowMs)),
      topicDeleted: () => stage.carryOut(stage.shard.onTopicsDeleted([step.topic ?? ''], stage.nowMs)),
      reload: () => {
        this.#generations.clear();
        stage.reload();
      },
      hold: () => {
        stage.isHeld = true;
      },
      release: () => {
        stage.isHeld = false;
        stage.commit();
      },
      refuse: () => {
        stage.refusal = 'COORDINATOR_NOT_AVAILABLE';
      },
    };
    const act = acts[step.kind] ?? (() => this.#ask(step));
    act();
  }

  #ask(step: Step): void {
    const groupId = step.group ?? '';
    const { member: back = -1 } = step;
    const memberId = back < 0 ? '' : (this.#memberIds.at(-1 - back) ?? '');
    const groupInstanceId = step.instance ?? null;
    const generationId = (this.#generations.get(groupId) ?? 0) + (step.generation ?? 0);
    const topics = [{ name: step.topic ?? '', partitions: [{ partitionIndex: 0 }] }];
    this.stage.ask((shard, ticket, nowMs) => {
      switch (step.kind) {
        case 'join': {
          this.#joins.set(ticket, groupId);
          const request = joinRequest({ groupId, memberId, groupInstanceId, protocols: protocolsOf(step) });
          return shard.joinGroup(memberContext(step.version ?? 9), request, ticket, nowMs);
        }
        case 'sync': {
          const assignments = this.#memberIds.map((id) => ({ memberId: id, assignment: Buffer.from(`for ${id}`) }));
          const request = syncRequest({ groupId, memberId, groupInstanceId, generationId, assignments });
          return shard.syncGroup(memberContext(5), request, ticket, nowMs);
        }
        case 'heartbeat': {
          const request = heartbeatRequest({ groupId, memberId, groupInstanceId, generationId });
          return shard.heartbeat(memberContext(4), request, ticket, nowMs);
        }
        case 'leave': {
          const request = leaveRequest({ groupId, members: [{ memberId, groupInstanceId, reason: null }] });
          return shard.leaveGroup(memberContext(5), request, ticket, nowMs);
        }
        case 'commit': {
          const request = commitRequest({
            groupId,
            memberId,
            groupInstanceId,
            generationIdOrMemberEpoch: memberId === '' ? -1 : generationId,
            topics: [{ name: step.topic ?? '', partitions: [partitionCommit(ticket)] }],
          });
          return shard.commitOffsets(memberContext(9), request, ticket, nowMs);
        }
        case 'deleteOffsets':
          return shard.deleteOffsets(memberContext(0), { groupId, topics }, ticket, nowMs);
        default:
          return shard.deleteGroup(groupId, ticket, nowMs);
      }
    });
  }

  #hear(ticket: Ticket, { memberId, generationId }: Answer): void {
    const groupId = this.#joins.get(ticket);
    if (groupId === undefined) return;
    if (memberId !== undefined && !this.#memberIds.includes(memberId)) this.#memberIds.push(memberId);
    if (generationId === undefined) return;
    expect(generationId).toBeGreaterThanOrEqual(this.#generations.get(groupId) ?? 0);
    this.#generations.set(groupId, generationId);
  }
}

function protocolsOf({ protocols: names = [] }: Step): { name: string; metadata: Buffer }[] {
  return names.map((text) => {
    const [name = '', read = ''] = text.split(':');
    // Some are no consumer's.
    return { name, metadata: name === 'own' ? Buffer.from('?') : subscription([read]) };
  });
}

function partitionCommit(offset: number) {
  return {
    partitionIndex: 0,
    committedOffset: offset,
    committedLeaderEpoch: 3,
    commitTimestamp: -1,
    committedMetadata: 'm',
  };
}

/** The answer of a question that is answered at once. */
function answerOf(stage: GroupStage, shard: GroupShard, groupId: string, what: 'group' | 'offsets'): unknown {
  const context = memberContext(9);
  const all = { groupId, memberId: null, memberEpoch: -1, topics: null };
  const outcome =
    what === 'group'
      ? shard.describeGroup(context, groupId, 0, stage.nowMs)
      : shard.fetchOffsets(context, all, true, 0, stage.nowMs);
  return outcome.replies?.[0]?.response;
}

const SORTED = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** The same whoever is asked, in any order of topics. */
function offsetsOf(stage: GroupStage, shard: GroupShard): unknown[] {
  return [...shard.committedOffsets()].sort(SORTED).concat([...GROUPS].map((id) => countTopics(stage, shard, id)));
}

function countTopics(stage: GroupStage, shard: GroupShard, groupId: string): never {
  const { topics } = answerOf(stage, shard, groupId, 'offsets') as { topics: unknown[] };
  return [groupId, [...topics].sort(SORTED)] as never;
}

function playAll(steps: readonly Step[], watch: (history: History) => void): History {
  const history = new History();
  for (const step of steps) {
    history.play(step);
    watch(history);
  }
  return history;
}

const RUNS = { numRuns: 300 };
const calmSteps = fc.array(fc.oneof({ weight: 3, arbitrary: ask }, { weight: 1, arbitrary: happen }), {
  minLength: 10,
  maxLength: 80,
});
const steps = fc.array(
  fc.oneof({ weight: 6, arbitrary: ask }, { weight: 2, arbitrary: happen }, { weight: 1, arbitrary: refuse }),
  { minLength: 10, maxLength: 80 },
);

describe('groups, whatever is asked of them', () => {
  it('are the same for a coordinator that reads the log, apart from rebalances under way', () => {
    fc.assert(
      fc.property(calmSteps, (history) => {
        playAll(history, ({ stage }) => {
          const replayed = stage.replayed();
          expect(offsetsOf(stage, replayed)).toEqual(offsetsOf(stage, stage.shard));
          for (const groupId of GROUPS) {
            const live = answerOf(stage, stage.shard, groupId, 'group') as { groupState: string };
            if (live.groupState !== 'Stable') continue;
            expect(answerOf(stage, replayed, groupId, 'group')).toEqual(live);
          }
        });
      }),
      RUNS,
    );
  });

  it('keep offsets as the log has them when the log refuses some', () => {
    fc.assert(
      fc.property(steps, (history) => {
        playAll(history, ({ stage }) => {
          expect(offsetsOf(stage, stage.replayed())).toEqual(offsetsOf(stage, stage.shard));
        });
      }),
      RUNS,
    );
  });

  it('answer every request once, at the latest when everybody has timed out, and are empty then', () => {
    fc.assert(
      fc.property(steps, (history) => {
        const { stage } = playAll(history, () => undefined);
        stage.refusal = null;
        stage.isHeld = false;
        stage.commit();
        stage.advance(HOURS_MS);
        expect([...stage.open]).toEqual([]);
        for (const groupId of GROUPS)
          expect(['Empty', 'Dead']).toContain(
            (answerOf(stage, stage.shard, groupId, 'group') as { groupState: string }).groupState,
          );
        expect([...stage.timers().keys()]).toEqual([]);
      }),
      RUNS,
    );
  });

  it('are gone without a trace after the retention time', () => {
    fc.assert(
      fc.property(steps, (history) => {
        const { stage } = playAll(history, () => undefined);
        stage.refusal = null;
        stage.reload();
        stage.isHeld = false;
        stage.advance(HOURS_MS);
        stage.carryOut(stage.shard.expireOffsets(stage.nowMs));
        stage.advance(HOURS_MS);
        stage.carryOut(stage.shard.expireOffsets(stage.nowMs));
        expect([...stage.shard.groupCounts()]).toEqual([]);
        expect([...stage.replayed().groupCounts()]).toEqual([]);
        expect([...stage.shard.committedOffsets()]).toEqual([]);
      }),
      RUNS,
    );
  });
});

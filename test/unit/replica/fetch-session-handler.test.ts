/** The follower's half of a fetch session, also against the leader's half under losses. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FetchSessionCache } from '../../../src/broker/fetch-session.ts';
import {
  FetchSessionHandler,
  type FetchSessionRequest,
  type FetchWant,
} from '../../../src/replica/fetch-session-handler.ts';

const TOPIC_IDS = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg'] as const;

function want(topic: number, partition: number, fetchOffset: number): FetchWant {
  return {
    topicId: TOPIC_IDS[topic] ?? TOPIC_IDS[0],
    partition,
    currentLeaderEpoch: 1,
    fetchOffset,
    lastFetchedEpoch: 1,
    logStartOffset: 0,
    partitionMaxBytes: 100,
  };
}

function named(request: FetchSessionRequest): string[] {
  return request.topics.flatMap(({ partitions }) =>
    partitions.map(({ partition, fetchOffset }) => `${partition}@${fetchOffset}`),
  );
}

describe("a follower's fetch session", () => {
  it('names everything in the first request and only changes after that', () => {
    const session = new FetchSessionHandler();
    session.want(want(0, 0, 10));
    session.want(want(0, 1, 20));
    const first = session.build();
    expect(first).toMatchObject({ sessionId: 0, sessionEpoch: 0 });
    expect(named(first)).toEqual(['0@10', '1@20']);
    expect(session.onResponse('NONE', 77)).toBe(true);
    session.want(want(0, 1, 25));
    const second = session.build();
    expect(second).toMatchObject({ sessionId: 77, sessionEpoch: 1 });
    expect(named(second)).toEqual(['1@25']);
    session.onResponse('NONE', 77);
    session.forget(TOPIC_IDS[0], 0);
    const third = session.build();
    expect(third).toMatchObject({ sessionEpoch: 2, topics: [] });
    expect(third.forgottenTopicsData).toEqual([{ topicId: TOPIC_IDS[0], partitions: [0] }]);
  });

  it.each([
    ['FETCH_SESSION_ID_NOT_FOUND', 0],
    ['INVALID_FETCH_SESSION_EPOCH', 77],
    ['FETCH_SESSION_TOPIC_ID_ERROR', 77],
  ] as const)('begins anew after %s, naming the old session %d', (error, sessionId) => {
    const session = new FetchSessionHandler();
    session.want(want(0, 0, 10));
    session.build();
    session.onResponse('NONE', 77);
    session.build();
    expect(session.onResponse(error, 0)).toBe(false);
    const request = session.build();
    expect(request).toMatchObject({ sessionId, sessionEpoch: 0 });
    expect(named(request)).toEqual(['0@10']);
  });

  it('asks in full again and again while the leader keeps no session for it', () => {
    const session = new FetchSessionHandler();
    session.want(want(0, 0, 10));
    for (let round = 0; round < 3; round++) {
      expect(named(session.build())).toEqual(['0@10']);
      session.onResponse('NONE', 0);
    }
  });

  it('always leaves the leader with what is wanted, whatever is lost', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('want' as const), topic: fc.nat(1), partition: fc.nat(3), offset: fc.nat(100) }),
      fc.record({ kind: fc.constant('forget' as const), topic: fc.nat(1), partition: fc.nat(3) }),
      fc.record({ kind: fc.constantFrom('fetch' as const, 'lost request' as const, 'lost answer' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 2 }), (steps, slots) => {
        const follower = new FetchSessionHandler();
        const wanted = new Map<string, number>();
        let nextId = 0;
        const leader = new FetchSessionCache(slots, () => nextId++);
        const fetch = (isRequestLost: boolean, isAnswerLost: boolean): boolean => {
          if (follower.size === 0 && !follower.hasForgotten) return true;
          const request = follower.build();
          if (isRequestLost) {
            follower.onError();
            return false;
          }
          const topics = request.topics.map((topic) => ({ ...topic, topic: '' }));
          const forgottenTopicsData = request.forgottenTopicsData.map((topic) => ({ ...topic, topic: '' }));
          const opened = leader.open({ ...request, version: 17, topics, forgottenTopicsData }, true, 0);
          if (isAnswerLost) {
            follower.onError();
            return false;
          }
          if (typeof opened === 'string') return follower.onResponse(opened, 0);
          const { session, kind } = opened;
          const id = kind === 'FULL' ? leader.keep(session, 0) : kind === 'SESSIONLESS' ? 0 : session.id;
          const seen = new Map([...session.partitions].map(([key, { fetchOffset }]) => [key, fetchOffset]));
          expect(new Map([...seen].sort())).toEqual(new Map([...wanted].sort()));
          return follower.onResponse('NONE', id);
        };
        for (const one of steps) {
          if (one.kind === 'want') {
            follower.want(want(one.topic, one.partition, one.offset));
            wanted.set(`${TOPIC_IDS[one.topic]}:${one.partition}`, one.offset);
          } else if (one.kind === 'forget') {
            follower.forget(TOPIC_IDS[one.topic] ?? TOPIC_IDS[0], one.partition);
            wanted.delete(`${TOPIC_IDS[one.topic]}:${one.partition}`);
          } else fetch(one.kind === 'lost request', one.kind === 'lost answer');
        }
        // At the latest the second try after a loss succeeds.
        expect(fetch(false, false) || fetch(false, false)).toBe(true);
      }),
    );
  });
});

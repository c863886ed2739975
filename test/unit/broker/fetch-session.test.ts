/** Which fetch sessions are kept when there is not room for all. */
import { describe, expect, it } from 'vitest';
import { FetchSessionCache } from '../../../src/broker/fetch-session.ts';

const MINUTE_MS = 60_000;

/** A full request for so many partitions, kept if there is room; its session id, or 0. */
function open(cache: FetchSessionCache, count: number, isFollower: boolean, nowMs: number): number {
  const partitions = Array.from({ length: count }, (_, partition) => ({
    partition,
    fetchOffset: 0,
    logStartOffset: -1,
    partitionMaxBytes: 1,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
  }));
  const request = { version: 12, sessionId: 0, sessionEpoch: 0, forgottenTopicsData: [] };
  const opened = cache.open({ ...request, topics: [{ topic: 't', topicId: '', partitions }] }, isFollower, nowMs);
  return typeof opened === 'string' ? 0 : cache.keep(opened.session, nowMs);
}

function isThere(cache: FetchSessionCache, sessionId: number, sessionEpoch: number, nowMs: number): boolean {
  const request = { version: 12, sessionId, sessionEpoch, topics: [], forgottenTopicsData: [] };
  return cache.open(request, false, nowMs) !== 'FETCH_SESSION_ID_NOT_FOUND';
}

function cacheOf(slots: number): FetchSessionCache {
  let nextId = 0;
  return new FetchSessionCache(slots, () => nextId++);
}

describe('the cache of fetch sessions', () => {
  it('makes no session when it has no room and none may go', () => {
    const cache = cacheOf(2);
    expect([open(cache, 1, false, 0), open(cache, 1, false, 0), open(cache, 9, false, 0)]).toEqual([1, 2, 0]);
    expect(cache).toMatchObject({ size: 2, partitionCount: 2, evictionCount: 0 });
  });

  it('keeps none at all without slots', () => {
    expect(open(cacheOf(0), 1, true, 0)).toBe(0);
  });

  it('lets a session go that was not used for two minutes', () => {
    const cache = cacheOf(2);
    open(cache, 9, true, 0);
    open(cache, 9, true, 0);
    isThere(cache, 1, 1, 2 * MINUTE_MS);
    expect(open(cache, 1, false, 2 * MINUTE_MS + 1)).toBe(3);
    expect(isThere(cache, 2, 1, 2 * MINUTE_MS + 1)).toBe(false);
    expect(isThere(cache, 1, 2, 2 * MINUTE_MS + 1)).toBe(true);
    expect(cache.evictionCount).toBe(1);
  });

  it('gives a follower the place of a consumer, never the other way round', () => {
    const cache = cacheOf(2);
    open(cache, 9, false, 0);
    open(cache, 5, false, 0);
    expect(open(cache, 1, true, 0)).toBe(3);
    expect(isThere(cache, 2, 1, 0)).toBe(false);
    expect(open(cache, 1, true, 0)).toBe(4);
    expect(open(cache, 100, false, 0)).toBe(0);
  });

  it('gives more partitions the place of fewer, once those are not young', () => {
    const cache = cacheOf(2);
    open(cache, 5, false, 0);
    open(cache, 3, false, 0);
    const later = 2 * MINUTE_MS + 1;
    isThere(cache, 1, 1, later - 1);
    isThere(cache, 2, 1, later - 1);
    expect(open(cache, 2, false, later)).toBe(0);
    expect(open(cache, 4, false, later)).toBe(3);
    expect(isThere(cache, 2, 2, later)).toBe(false);
    expect(isThere(cache, 1, 2, later)).toBe(true);
  });
});

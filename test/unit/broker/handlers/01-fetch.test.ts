/** Fetch through its bytes, over real logs: consumers, followers, sessions. */
import { describe, expect, it } from 'vitest';
import { errorName } from '../../../../src/protocol/errors.ts';
import { batches } from '../../../../src/protocol/records/batch.ts';
import { CrashDisk } from '../../../support/crash-disk.ts';
import { DataPlane, type FetchedPartition, isSettled, nextTurn, TOPIC_ID } from '../../../support/data-plane.ts';
import { aBatch } from '../../../support/logs.ts';
import { aConnection } from '../../../support/requests.ts';

const TWO = { isr: [1, 2], replicas: [1, 2] };
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAg';

type Response = Awaited<ReturnType<DataPlane['fetch']>>;

function parts(response: Response): FetchedPartition[] {
  return response?.responses.flatMap(({ partitions }) => partitions) ?? [];
}

function offsets(fetched: FetchedPartition | undefined): number[] {
  return [...batches(fetched?.records ?? Buffer.alloc(0))].map(({ baseOffset }) => baseOffset);
}

function nameOf(fetched: FetchedPartition | undefined): string {
  return fetched === undefined ? 'not there' : errorName(fetched.errorCode);
}

describe('Fetch by a consumer', () => {
  it('reads what is committed and no more', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    plane.append(['a', 'b', 'c']);
    await plane.fetchAs(2, { fetchOffset: 2 });
    const [fetched] = parts(await plane.fetch([{ fetchOffset: 0 }]));
    expect(offsets(fetched)).toEqual([0, 1]);
    expect(fetched).toMatchObject({ errorCode: 0, highWatermark: 2, lastStableOffset: 2, logStartOffset: 0 });
  });

  it('waits for news, and is answered in the next turn when some is committed', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    const answer = plane.fetch([{ fetchOffset: 0 }]);
    plane.append(['a']);
    expect(await isSettled(answer)).toBe(false);
    await plane.fetchAs(2, { fetchOffset: 1 });
    expect(offsets(parts(await answer)[0])).toEqual([0]);
  });

  it('waits until there are minBytes, or until its time is up', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    const sizeBytes = aBatch({ values: ['a'] }).length;
    const answer = plane.fetch([{ fetchOffset: 0 }], { minBytes: 2 * sizeBytes });
    plane.append(['a']);
    expect(await isSettled(answer)).toBe(false);
    plane.append(['b']);
    expect(offsets(parts(await answer)[0])).toEqual([0, 1]);
    const next = plane.fetch([{ fetchOffset: 2 }], { minBytes: 2 * sizeBytes, maxWaitMs: 300 });
    plane.append(['c']);
    await nextTurn();
    plane.clock.advance(299);
    expect(await isSettled(next)).toBe(false);
    plane.clock.advance(1);
    expect(offsets(parts(await next)[0])).toEqual([2]);
  });

  it('gets the first batch whole even when it is larger than every limit', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ partition: 0 }, { partition: 1 });
    plane.append(['x'.repeat(5000)], 0);
    plane.append(['y'.repeat(5000)], 1);
    const small = { partitionMaxBytes: 100 };
    const response = await plane.fetch(
      [
        { partition: 0, ...small },
        { partition: 1, ...small },
      ],
      { maxBytes: 100 },
    );
    expect(parts(response).map(({ records }) => (records?.length ?? 0) > 5000)).toEqual([true, false]);
  });

  it('shares the limits of the request among its partitions in the order that it named', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ partition: 0 }, { partition: 1 });
    const sizeBytes = aBatch({ values: ['a'] }).length;
    for (const partition of [0, 1]) plane.append(['a', 'b', 'c'], partition);
    const response = await plane.fetch([{ partition: 1 }, { partition: 0 }], { maxBytes: 4 * sizeBytes });
    expect(parts(response).map((fetched) => [fetched.partitionIndex, offsets(fetched).length])).toEqual([
      [1, 3],
      [0, 1],
    ]);
  });

  it.each([
    ['an offset before the log', { fetchOffset: -1 }, 'OFFSET_OUT_OF_RANGE'],
    ['an offset behind the log', { fetchOffset: 4 }, 'OFFSET_OUT_OF_RANGE'],
    ['an older leader epoch', { currentLeaderEpoch: 4 }, 'FENCED_LEADER_EPOCH'],
    ['a newer leader epoch', { currentLeaderEpoch: 6 }, 'UNKNOWN_LEADER_EPOCH'],
    ['a partition that is not here', { partition: 3 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['a topic id that nobody knows', { topicId: OTHER_ID }, 'UNKNOWN_TOPIC_ID'],
  ])('is told at once of %s', async (_what, wish, error) => {
    const plane = await DataPlane.open();
    await plane.lead({ leaderEpoch: 5 });
    plane.append(['a', 'b', 'c']);
    const [fetched] = parts(await plane.fetch([{ fetchOffset: 3, ...wish }]));
    expect(nameOf(fetched)).toBe(error);
    expect(fetched).toMatchObject({ highWatermark: -1, records: Buffer.alloc(0) });
  });

  it('may stand at the end of the log, and between the high watermark and the end', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    plane.append(['a', 'b']);
    for (const fetchOffset of [1, 2])
      expect(nameOf(parts(await plane.fetch([{ fetchOffset }], { maxWaitMs: 0 }))[0])).toBe('NONE');
  });

  it('reads from a follower if it knows how to, else is sent to the leader', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ ...TWO, leader: 2, leaderEpoch: 3 });
    const read = async (version: number): Promise<FetchedPartition | undefined> =>
      parts(await plane.fetch([{}], { maxWaitMs: 0 }, version))[0];
    expect(nameOf(await read(10))).toBe('NOT_LEADER_OR_FOLLOWER');
    expect(nameOf(await read(11))).toBe('NONE');
  });

  it('is told where the leader is when its epoch is fenced', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ ...TWO, leader: 2, leaderEpoch: 3 });
    const response = await plane.fetch([{ currentLeaderEpoch: 2 }]);
    expect(parts(response)[0]).toMatchObject({ errorCode: 74, currentLeader: { leaderId: 2, leaderEpoch: 3 } });
    expect(response?.nodeEndpoints).toEqual([{ nodeId: 2, host: 'h2', port: 9092, rack: null }]);
  });

  it('waits no longer than its connection lives, however long it wanted to', async () => {
    const plane = await DataPlane.open();
    const partition = await plane.lead();
    const callbacks = new Set<() => void>();
    const onClose = (callback: () => void): (() => void) => {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    };
    const wish = { maxWaitMs: 0x7fff_ffff, sessionEpoch: -1 };
    const answer = plane.fetch([{ fetchOffset: 0 }], wish, 17, { ...aConnection(), onClose });
    expect([await isSettled(answer), partition.watcherCount]).toEqual([false, 1]);
    for (const callback of callbacks) callback();
    await answer;
    expect([callbacks.size, partition.watcherCount]).toEqual([0, 0]);
  });

  it('is answered at once when the leadership ends while it waits', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    const answer = plane.fetch([{ currentLeaderEpoch: 1 }]);
    await nextTurn();
    await plane.order([{ ...TWO, leader: 2, leaderEpoch: 2 }]);
    expect(nameOf(parts(await answer)[0])).toBe('FENCED_LEADER_EPOCH');
  });

  it('is answered at once when the topic is deleted while it waits', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    const answer = plane.fetch([{}]);
    await nextTurn();
    await plane.announce([{ leader: -2 }]);
    await plane.stop(0, -2, true);
    expect(nameOf(parts(await answer)[0])).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('is told of a truncation that it has missed (KIP-320)', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ leaderEpoch: 2 });
    plane.append(['a', 'b']);
    await plane.order([{ leaderEpoch: 5 }]);
    plane.append(['c']);
    const [fetched] = parts(await plane.fetch([{ fetchOffset: 3, lastFetchedEpoch: 3 }]));
    expect(fetched).toMatchObject({
      errorCode: 0,
      divergingEpoch: { epoch: 2, endOffset: 2 },
      records: Buffer.alloc(0),
    });
  });

  it('reads cold records, together with hot ones', async () => {
    const disk = new CrashDisk();
    const plane = await DataPlane.open({}, disk);
    await plane.lead({ partition: 0 }, { partition: 1 });
    plane.append(['a', 'b'], 0);
    plane.append(['c'], 1);
    const { log } = plane.partition(0);
    const { read } = log;
    // What is cold is the log's to know: say that all of it is.
    log.read = (...args) => {
      const slice = read.apply(log, args);
      return {
        sizeBytes: slice.sizeBytes,
        isHot: false,
        copyInto: () => expect.fail('not loaded'),
        load: () => slice.load(),
      };
    };
    const response = await plane.fetch([{ partition: 0 }, { partition: 1 }]);
    expect(parts(response).map(offsets)).toEqual([[0, 1], [0]]);
  });

  it('does not get cold records that were loaded while the leadership ended', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    plane.append(['a']);
    await plane.fetchAs(2, { fetchOffset: 1 });
    const { log } = plane.partition(0);
    const { read } = log;
    log.read = (...args) => {
      const slice = read.apply(log, args);
      const load = async (): ReturnType<typeof slice.load> => {
        await plane.order([{ ...TWO, leader: 2, leaderEpoch: 2 }]);
        return slice.load();
      };
      return { sizeBytes: slice.sizeBytes, isHot: false, copyInto: () => expect.fail('not loaded'), load };
    };
    expect(nameOf(parts(await plane.fetch([{}]))[0])).toBe('NOT_LEADER_OR_FOLLOWER');
  });
});

describe('Fetch by a follower', () => {
  it('reads to the end of the log and commits by what it asks for', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    plane.append(['a', 'b']);
    expect(offsets(await plane.fetchAs(2, { fetchOffset: 0 }))).toEqual([0, 1]);
    expect(plane.partition().log.highWatermark).toBe(0);
    expect(await plane.fetchAs(2, { fetchOffset: 2 })).toMatchObject({ highWatermark: 2 });
  });

  it.each([
    ['a broker that is no replica', 3, {}, 'NOT_LEADER_OR_FOLLOWER'],
    ['a broker that is no replica, at the right epoch', 3, { currentLeaderEpoch: 1 }, 'UNKNOWN_LEADER_EPOCH'],
    ['an older epoch', 2, { currentLeaderEpoch: 0 }, 'FENCED_LEADER_EPOCH'],
    ['an offset behind the log', 2, { fetchOffset: 9 }, 'OFFSET_OUT_OF_RANGE'],
    ['an epoch that is newer than all', 2, { lastFetchedEpoch: 7 }, 'OFFSET_OUT_OF_RANGE'],
  ])('is refused to %s', async (_what, replicaId, wish, error) => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    plane.append(['a']);
    expect(nameOf(await plane.fetchAs(replicaId, wish))).toBe(error);
    expect(plane.partition().leaderState?.follower(2)?.logEndOffset).toBe(-1);
  });

  it('is refused to an incarnation that is known to be gone', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    plane.append(['a']);
    await plane.fetchAs(2, { fetchOffset: 0 }, { replicaEpoch: 700 });
    expect(nameOf(await plane.fetchAs(2, { fetchOffset: 1 }, { replicaEpoch: 600 }))).toBe('NOT_LEADER_OR_FOLLOWER');
    expect(plane.partition().log.highWatermark).toBe(0);
  });

  it('is told where its log diverges, and that is no progress', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ ...TWO, leaderEpoch: 2 });
    plane.append(['a', 'b', 'c']);
    await plane.order([{ ...TWO, leaderEpoch: 5 }]);
    const fetched = await plane.fetchAs(2, { fetchOffset: 3, lastFetchedEpoch: 4 });
    expect(fetched.divergingEpoch).toEqual({ epoch: 2, endOffset: 3 });
    expect(plane.partition().log.highWatermark).toBe(0);
  });

  it('brings a follower back into the ISR, also while nothing is written', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ isr: [1], replicas: [1, 2] });
    const replicaState = { replicaId: 2, replicaEpoch: 102 };
    const first = plane.fetch([{ fetchOffset: 0 }], { replicaState, sessionEpoch: 0, maxWaitMs: 10 });
    await nextTurn();
    plane.clock.advance(10);
    const sessionId = (await first)?.sessionId ?? 0;
    const [change] = plane.isrChanges;
    expect(change?.proposal.newIsr).toEqual([
      { brokerId: 1, brokerEpoch: 100 },
      { brokerId: 2, brokerEpoch: 102 },
    ]);
    // Refused: it may try again by its next fetches, though those do not name the partition.
    change?.onFailed('INELIGIBLE_REPLICA');
    plane.clock.advance(2000);
    await plane.fetch([], { replicaState, sessionId, sessionEpoch: 1, maxWaitMs: 0 });
    expect(plane.isrChanges).toHaveLength(2);
  });

  it('that waits is answered when its broker is expected for a new partition, and then waits little', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ partition: 0, ...TWO });
    const replicaState = { replicaId: 2, replicaEpoch: 102 };
    await plane.fetchAs(2, { fetchOffset: 0 });
    const parked = plane.fetch([{ fetchOffset: 0 }], { replicaState, sessionEpoch: -1, maxWaitMs: 500 });
    expect(await isSettled(parked)).toBe(false);
    await plane.lead({ partition: 1, ...TWO });
    expect(await isSettled(parked)).toBe(true);
    const next = plane.fetch([{ fetchOffset: 0 }], { replicaState, sessionEpoch: -1, maxWaitMs: 500 });
    await nextTurn();
    plane.clock.advance(10);
    expect(await isSettled(next)).toBe(true);
    await plane.fetchAs(2, { partition: 1, fetchOffset: 0 });
    const patient = plane.fetch([{ fetchOffset: 0 }], { replicaState, sessionEpoch: -1, maxWaitMs: 500 });
    await nextTurn();
    plane.clock.advance(499);
    expect(await isSettled(patient)).toBe(false);
    plane.clock.advance(1);
    await patient;
  });
});

describe('a fetch session', () => {
  async function open(plane: DataPlane): Promise<number> {
    const response = await plane.fetch([{ partition: 0 }, { partition: 1 }], { sessionEpoch: 0, maxWaitMs: 0 });
    expect(parts(response)).toHaveLength(2);
    return response?.sessionId ?? 0;
  }

  async function twoPartitions(): Promise<DataPlane> {
    const plane = await DataPlane.open();
    await plane.lead({ partition: 0 }, { partition: 1 });
    return plane;
  }

  it('answers with what is new, and asks for what was not named', async () => {
    const plane = await twoPartitions();
    const sessionId = await open(plane);
    plane.append(['a'], 1);
    const response = await plane.fetch([], { sessionId, sessionEpoch: 1 });
    expect(response?.sessionId).toBe(sessionId);
    expect(parts(response).map((fetched) => [fetched.partitionIndex, offsets(fetched)])).toEqual([[1, [0]]]);
    const next = await plane.fetch([{ partition: 1, fetchOffset: 1 }], { sessionId, sessionEpoch: 2, maxWaitMs: 0 });
    expect(parts(next)).toEqual([]);
  });

  it('sends records again that were not asked beyond', async () => {
    const plane = await twoPartitions();
    const sessionId = await open(plane);
    plane.append(['a'], 1);
    for (const sessionEpoch of [1, 2, 3])
      expect(parts(await plane.fetch([], { sessionId, sessionEpoch }))).toHaveLength(1);
  });

  it('looks only at what has changed', async () => {
    const plane = await DataPlane.open();
    await plane.lead(...Array.from({ length: 100 }, (_, partition) => ({ partition })));
    const wishes = Array.from({ length: 100 }, (_, partition) => ({ partition }));
    const first = await plane.fetch(wishes, { sessionEpoch: 0, maxWaitMs: 0 });
    const sessionId = first?.sessionId ?? 0;
    let lookCount = 0;
    for (let partition = 0; partition < 100; partition++) {
      const replica = plane.partition(partition);
      const look = replica.readForConsumer.bind(replica);
      replica.readForConsumer = (...args) => {
        lookCount++;
        return look(...args);
      };
    }
    await plane.fetch([], { sessionId, sessionEpoch: 1, maxWaitMs: 0 });
    expect(lookCount).toBe(0);
    const parked = plane.fetch([], { sessionId, sessionEpoch: 2 });
    await nextTurn();
    plane.append(['a', 'b', 'c'], 42);
    expect(offsets(parts(await parked)[0])).toEqual([0, 1, 2]);
    expect(lookCount).toBe(1);
  });

  it('gives every partition its turn when there is more than fits', async () => {
    const plane = await twoPartitions();
    const sessionId = await open(plane);
    for (const partition of [0, 1]) plane.append(['x'.repeat(1000), 'y'.repeat(1000)], partition);
    const served: number[] = [];
    const next = [0, 0];
    for (let sessionEpoch = 1; sessionEpoch <= 4; sessionEpoch++) {
      const last = served.at(-1);
      const wishes =
        last === undefined ? [] : [{ partition: last, fetchOffset: next[last] ?? 0, partitionMaxBytes: 1100 }];
      const response = await plane.fetch(wishes, { sessionId, sessionEpoch, maxBytes: 1100 });
      const full = parts(response).filter(({ records }) => (records?.length ?? 0) > 0);
      expect(full).toHaveLength(1);
      const partition = full[0]?.partitionIndex ?? -1;
      served.push(partition);
      next[partition] = (next[partition] ?? 0) + offsets(full[0]).length;
    }
    expect(served).toEqual([0, 1, 0, 1]);
  });

  it('tells an error again and again, and the end of it', async () => {
    const plane = await twoPartitions();
    const sessionId = await open(plane);
    await plane.order([{ partition: 1, leader: 2, leaderEpoch: 2, replicas: [1, 2] }]);
    const wishes = [{ partition: 1, currentLeaderEpoch: 3 }];
    for (const sessionEpoch of [1, 2]) {
      const response = await plane.fetch(sessionEpoch === 1 ? wishes : [], { sessionId, sessionEpoch });
      expect(parts(response).map((fetched) => nameOf(fetched))).toEqual(['UNKNOWN_LEADER_EPOCH']);
    }
    await plane.order([{ partition: 1, leader: 2, leaderEpoch: 3, replicas: [1, 2] }]);
    const response = await plane.fetch([], { sessionId, sessionEpoch: 3, maxWaitMs: 0 });
    expect(parts(response).map((fetched) => nameOf(fetched))).toEqual(['NONE']);
  });

  it('forgets partitions, and ends with the last of them', async () => {
    const plane = await twoPartitions();
    const sessionId = await open(plane);
    const forget = (partitions: number[]) => [{ topic: '', topicId: TOPIC_ID, partitions }];
    plane.append(['a'], 0);
    const first = await plane.fetch([], { sessionId, sessionEpoch: 1, forgottenTopicsData: forget([0]), maxWaitMs: 0 });
    expect(parts(first)).toEqual([]);
    const last = await plane.fetch([], { sessionId, sessionEpoch: 2, forgottenTopicsData: forget([1]), maxWaitMs: 0 });
    expect(last).toMatchObject({ errorCode: 0, sessionId: 0 });
    expect(plane.sessions.size).toBe(0);
  });

  it.each([
    ['a session that does not exist', { sessionId: 4711, sessionEpoch: 1 }, 'FETCH_SESSION_ID_NOT_FOUND'],
    ['an epoch that was used', { sessionEpoch: 1 }, 'INVALID_FETCH_SESSION_EPOCH'],
    ['an epoch of the future', { sessionEpoch: 3 }, 'INVALID_FETCH_SESSION_EPOCH'],
  ])('is not continued by %s', async (_what, request, error) => {
    const plane = await twoPartitions();
    const sessionId = await open(plane);
    await plane.fetch([], { sessionId, sessionEpoch: 1, maxWaitMs: 0 });
    const response = await plane.fetch([], { sessionId, ...request });
    expect([errorName(response?.errorCode ?? -1), response?.sessionId]).toEqual([error, 0]);
  });

  it('is not continued by a version that names topics in another way', async () => {
    const plane = await twoPartitions();
    const sessionId = await open(plane);
    const response = await plane.fetch([], { sessionId, sessionEpoch: 1 }, 12);
    expect(errorName(response?.errorCode ?? -1)).toBe('FETCH_SESSION_TOPIC_ID_ERROR');
  });

  it('answers a request that waits with an error when a newer one comes', async () => {
    const plane = await twoPartitions();
    const sessionId = await open(plane);
    const parked = plane.fetch([], { sessionId, sessionEpoch: 1 });
    await nextTurn();
    const next = plane.fetch([], { sessionId, sessionEpoch: 2 });
    expect(errorName((await parked)?.errorCode ?? -1)).toBe('INVALID_FETCH_SESSION_EPOCH');
    plane.append(['a'], 0);
    expect(parts(await next)).toHaveLength(1);
  });

  it('lets go of its partitions when it is closed, also while a request of it waits', async () => {
    const plane = await twoPartitions();
    const sessionId = await open(plane);
    const parked = plane.fetch([], { sessionId, sessionEpoch: 1 });
    await nextTurn();
    await plane.fetch([{ partition: 0 }], { sessionId, sessionEpoch: -1, maxWaitMs: 0 });
    expect(parts(await parked)).toEqual([]);
    expect(plane.sessions.size).toBe(0);
    for (const partition of [0, 1]) expect(plane.partition(partition).watcherCount).toBe(0);
  });

  it('notices a topic that was deleted and made again', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    const first = await plane.fetch([{}], { sessionEpoch: 0, maxWaitMs: 0 });
    const sessionId = first?.sessionId ?? 0;
    await plane.announce([{ leader: -2 }]);
    await plane.stop(0, -2, true);
    await plane.lead({ topicId: OTHER_ID });
    const response = await plane.fetch([], { sessionId, sessionEpoch: 1 });
    expect(parts(response).map((fetched) => nameOf(fetched))).toEqual(['INCONSISTENT_TOPIC_ID']);
  });
});

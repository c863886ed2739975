/** A fetcher over real logs; the leader is the test. */
import { describe, expect, it } from 'vitest';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { LogConfig } from '../../../src/log/log-config.ts';
import type { LogManager } from '../../../src/log/log-manager.ts';
import { Errors, type ErrorName } from '../../../src/protocol/errors.ts';
import { Fetch } from '../../../src/protocol/messages/01-fetch.ts';
import { ListOffsets } from '../../../src/protocol/messages/02-list-offsets.ts';
import type { Api, RequestIn, ResponseOut } from '../../../src/protocol/schema.ts';
import { AwaitedFollowers } from '../../../src/replica/awaited-followers.ts';
import { type LeaderClient, ReplicaFetcher } from '../../../src/replica/fetcher.ts';
import { KAFKA_RULES, Partition } from '../../../src/replica/partition.ts';
import { ReplicaCounters } from '../../../src/replica/replica-counters.ts';
import { CrashDisk, diskError } from '../../support/crash-disk.ts';
import { nextTurn } from '../../support/data-plane.ts';
import { aLogConfig, aStoredBatch, loadManager, TOPIC_ID } from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const LEADER = 2;
type FetchRequest = RequestIn<typeof Fetch>;
type FetchedPartition = ResponseOut<typeof Fetch>['responses'][number]['partitions'][number];

interface Sent {
  readonly api: Api;
  readonly request: unknown;
  readonly answer: Deferred<unknown>;
}

/** A follower of one leader, whose answers the test writes. */
class Stage {
  readonly clock = new ManualClock();
  readonly sent: Sent[] = [];
  readonly failed: string[] = [];
  connectCount = 0;
  closedCount = 0;
  isLeaderKnown = true;
  readonly logs: LogManager;
  readonly disk: CrashDisk;
  readonly config: LogConfig;
  readonly fetcher: ReplicaFetcher;

  static async open(config: Partial<LogConfig> = {}): Promise<Stage> {
    const disk = new CrashDisk();
    return new Stage(await loadManager({ disk }), disk, aLogConfig(config));
  }

  constructor(logs: LogManager, disk: CrashDisk, config: LogConfig) {
    this.logs = logs;
    this.disk = disk;
    this.config = config;
    this.fetcher = new ReplicaFetcher({
      leaderId: LEADER,
      settings: {
        brokerId: 1,
        replicaFetchWaitMaxMs: 500,
        replicaFetchMinBytes: 1,
        replicaFetchMaxBytes: 1000,
        replicaFetchResponseMaxBytes: 10_000,
        replicaFetchBackoffMs: 1000,
        replicaSocketTimeoutMs: 30_000,
      },
      brokerEpoch: () => 101,
      clock: this.clock,
      logger: silentLogger,
      connect: () => this.#connect(),
      onFailed: ({ partition }) => this.failed.push(`t-${partition}`),
    });
  }

  #connect(): LeaderClient | null {
    this.connectCount++;
    if (!this.isLeaderKnown) return null;
    return {
      send: <A extends Api>(api: A, _version: number, request: RequestIn<A>): Promise<ResponseOut<A>> => {
        const answer = new Deferred<unknown>();
        this.sent.push({ api, request, answer });
        return answer.promise as Promise<ResponseOut<A>>;
      },
      close: () => {
        this.closedCount++;
      },
    };
  }

  /** A replica that follows the leader, with these batches in its log. */
  follow(partition: number, stored: readonly Buffer[] = [], leaderEpoch = 5): Partition {
    const log = this.logs.getOrCreate('t', partition, TOPIC_ID, this.config, { isNew: true });
    for (const batch of stored) log.appendAsFollower(batch, 0);
    const replica = new Partition('t', partition, log, {
      brokerId: 1,
      clock: this.clock,
      logger: silentLogger,
      isrStore: { propose: () => expect.fail('a follower proposes nothing') },
      replicaLagTimeMaxMs: 30_000,
      rules: KAFKA_RULES,
      awaitedFollowers: new AwaitedFollowers(this.clock),
      brokerEpoch: () => 101,
      counters: new ReplicaCounters(),
      isBrokerAlive: () => true,
    });
    this.become(replica, leaderEpoch);
    return replica;
  }

  become(replica: Partition, leaderEpoch: number): void {
    replica.becomeFollower({
      leader: LEADER,
      leaderEpoch,
      isr: [LEADER],
      partitionEpoch: 0,
      leaderRecoveryState: 0,
      controllerEpoch: 1,
      replicas: [1, LEADER],
      addingReplicas: [],
      removingReplicas: [],
    });
    this.fetcher.add(replica);
  }

  /** What the latest fetch named: partition@offset/lastFetchedEpoch. */
  async named(): Promise<string[]> {
    await nextTurn();
    const { api, request } = this.sent.at(-1) ?? expect.fail('nothing was sent');
    expect(api).toBe(Fetch);
    return (request as FetchRequest).topics.flatMap(({ partitions }) =>
      partitions.map((one) => `${one.partition}@${one.fetchOffset}/${one.lastFetchedEpoch}`),
    );
  }

  async answer(
    partitions: readonly Partial<FetchedPartition>[],
    top: { errorCode?: number; sessionId?: number } = {},
  ): Promise<void> {
    const response = {
      throttleTimeMs: 0,
      errorCode: 0,
      sessionId: 77,
      nodeEndpoints: [],
      responses: [{ topic: '', topicId: TOPIC_ID, partitions: partitions.map(fetched) }],
      ...top,
    };
    this.sent.at(-1)?.answer.resolve(response);
    await nextTurn();
  }
}

function fetched(part: Partial<FetchedPartition>): FetchedPartition {
  return {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 0,
    lastStableOffset: 0,
    logStartOffset: 0,
    divergingEpoch: { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { epoch: -1, endOffset: -1 },
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: null,
    ...part,
  };
}

function failing(error: ErrorName): Partial<FetchedPartition> {
  return { errorCode: Errors[error], highWatermark: -1, logStartOffset: -1 };
}

describe('a replica fetcher', () => {
  it('asks with its own broker epoch, appends what comes, and asks on from there', async () => {
    const stage = await Stage.open();
    const replica = stage.follow(0, [aStoredBatch(0, 4), aStoredBatch(1, 4)]);
    expect(await stage.named()).toEqual(['0@2/4']);
    expect(stage.sent[0]?.request).toMatchObject({
      replicaState: { replicaId: 1, replicaEpoch: 101 },
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 10_000,
      sessionId: 0,
      sessionEpoch: 0,
    });
    await stage.answer([{ records: aStoredBatch(2, 5, { values: ['a', 'b'] }), highWatermark: 3 }]);
    expect(replica.log).toMatchObject({ logEndOffset: 4, highWatermark: 3, latestEpoch: 5 });
    expect(await stage.named()).toEqual(['0@4/5']);
    expect(stage.sent[1]?.request).toMatchObject({ sessionId: 77, sessionEpoch: 1 });
  });

  it('names nothing when nothing is new, however many partitions there are', async () => {
    const stage = await Stage.open();
    for (let partition = 0; partition < 50; partition++) stage.follow(partition);
    expect(await stage.named()).toHaveLength(50);
    await stage.answer([{ partitionIndex: 7, highWatermark: 0 }]);
    expect(await stage.named()).toEqual([]);
    await stage.answer([]);
    expect(await stage.named()).toEqual([]);
    expect(stage.sent).toHaveLength(3);
  });

  it('cuts a diverging log and uses nothing else of the answer', async () => {
    const stage = await Stage.open();
    const replica = stage.follow(0, [aStoredBatch(0, 2), aStoredBatch(1, 2), aStoredBatch(2, 4)]);
    expect(await stage.named()).toEqual(['0@3/4']);
    await stage.answer([{ divergingEpoch: { epoch: 2, endOffset: 1 }, highWatermark: 9, logStartOffset: 1 }]);
    expect(replica.log).toMatchObject({ logEndOffset: 1, highWatermark: 0, logStartOffset: 0 });
    expect(await stage.named()).toEqual(['0@1/2']);
  });

  it('does not use an answer for a leader epoch that has ended', async () => {
    const stage = await Stage.open();
    const replica = stage.follow(0);
    await stage.named();
    stage.become(replica, 6);
    await stage.answer([{ records: aStoredBatch(0, 5), highWatermark: 1 }]);
    expect(replica.log.logEndOffset).toBe(0);
    expect(await stage.named()).toEqual(['0@0/-1']);
  });

  it('does not use an answer for a partition that it no longer follows', async () => {
    const stage = await Stage.open();
    const replica = stage.follow(0);
    stage.follow(1);
    await stage.named();
    stage.fetcher.remove(replica);
    await stage.answer([{ records: aStoredBatch(0, 5), highWatermark: 1 }]);
    expect(replica.log.logEndOffset).toBe(0);
    await stage.named();
    expect(stage.sent[1]?.request).toMatchObject({ forgottenTopicsData: [{ topicId: TOPIC_ID, partitions: [0] }] });
  });

  it('tries again soon when the leader does not know of its election yet, then less and less often', async () => {
    const stage = await Stage.open();
    stage.follow(0);
    stage.follow(1);
    await stage.named();
    const delays: number[] = [];
    for (let round = 0; round < 6; round++) {
      await stage.answer([{ partitionIndex: 0, ...failing('UNKNOWN_LEADER_EPOCH') }]);
      // The other partition is fetched all the while, and the request that is on its way is answered first.
      let waitedMs = -50;
      expect(await stage.named()).toEqual([]);
      while (!(await stage.named()).includes('0@0/-1')) {
        await stage.answer([]);
        stage.clock.advance(50);
        waitedMs += 50;
      }
      delays.push(waitedMs);
    }
    expect(delays).toEqual([50, 100, 200, 400, 800, 1000]);
  });

  it('stops asking for a partition whose leader epoch is over', async () => {
    const stage = await Stage.open();
    const replica = stage.follow(0);
    stage.follow(1);
    await stage.named();
    await stage.answer([failing('FENCED_LEADER_EPOCH')]);
    await stage.named();
    expect(stage.sent[1]?.request).toMatchObject({ forgottenTopicsData: [{ partitions: [0] }] });
    stage.clock.advance(10_000);
    await stage.answer([]);
    expect(await stage.named()).toEqual([]);
    stage.become(replica, 6);
    await stage.answer([]);
    expect(await stage.named()).toEqual(['0@0/-1']);
  });

  it('begins again where the leader starts when it was away for too long', async () => {
    const stage = await Stage.open();
    const replica = stage.follow(0, [aStoredBatch(0, 4)]);
    await stage.named();
    await stage.answer([failing('OFFSET_OUT_OF_RANGE')]);
    for (const offset of [90, 50]) {
      const { api, answer } = stage.sent.at(-1) ?? expect.fail('nothing was sent');
      expect(api).toBe(ListOffsets);
      answer.resolve({
        throttleTimeMs: 0,
        topics: [
          { name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, offset, timestamp: -1, leaderEpoch: 5 }] },
        ],
      });
      await nextTurn();
    }
    expect(replica.log).toMatchObject({ logStartOffset: 50, logEndOffset: 50, highWatermark: 50 });
    expect(await stage.named()).toEqual(['0@50/-1']);
    // The leader's log starts in the middle of a batch.
    await stage.answer([
      { records: aStoredBatch(48, 5, { values: ['a', 'b', 'c', 'd'] }), highWatermark: 90, logStartOffset: 50 },
    ]);
    expect(replica.log).toMatchObject({ logStartOffset: 50, logEndOffset: 52, highWatermark: 52 });
  });

  it('tries again later when the leader does not tell its offsets', async () => {
    const stage = await Stage.open();
    stage.follow(0, [aStoredBatch(0, 4)]);
    await stage.named();
    await stage.answer([failing('OFFSET_OUT_OF_RANGE')]);
    stage.sent.at(-1)?.answer.reject(new Error('lost'));
    await nextTurn();
    stage.sent.at(-1)?.answer.reject(new Error('lost'));
    await nextTurn();
    // The leader is told that nothing is wanted at the moment.
    expect(await stage.named()).toEqual([]);
    stage.clock.advance(50);
    await stage.answer([], { sessionId: 0 });
    expect(await stage.named()).toEqual(['0@1/4']);
  });

  it('says that it has records only when they are on the disk, if the topic flushes every message', async () => {
    const stage = await Stage.open({ flushMessages: 1 });
    const replica = stage.follow(0);
    await stage.named();
    const flush = new Deferred();
    let isFlushed = false;
    const { log } = replica;
    log.whenDurable = () => flush.promise;
    Object.defineProperty(log, 'durableEndOffset', { get: () => (isFlushed ? log.logEndOffset : 0) });
    await stage.answer([{ records: aStoredBatch(0, 5), highWatermark: 0 }]);
    expect(replica.log.logEndOffset).toBe(1);
    // The partition is left out meanwhile.
    expect(await stage.named()).toEqual([]);
    expect(stage.sent.at(-1)?.request).toMatchObject({ forgottenTopicsData: [{ partitions: [0] }] });
    await stage.answer([], { sessionId: 0 });
    isFlushed = true;
    flush.resolve();
    expect(await stage.named()).toEqual(['0@1/5']);
  });

  it('asks again for damaged records, and goes on with the others', async () => {
    const stage = await Stage.open();
    const replica = stage.follow(0);
    const other = stage.follow(1);
    await stage.named();
    const damaged = aStoredBatch(0, 5);
    damaged.writeUInt32BE(1, 17);
    await stage.answer([{ records: damaged }, { partitionIndex: 1, records: aStoredBatch(0, 5) }]);
    expect([replica.log.logEndOffset, other.log.logEndOffset]).toEqual([0, 1]);
    expect(stage.failed).toEqual([]);
    stage.clock.advance(50);
    await stage.answer([]);
    expect(await stage.named()).toContain('0@0/-1');
  });

  it('gives up a partition whose disk has failed, and goes on with the others', async () => {
    const stage = await Stage.open();
    stage.follow(0);
    await stage.named();
    stage.disk.fault = (operation) => (operation === 'append' ? diskError('EIO', 'write') : null);
    await stage.answer([{ records: aStoredBatch(0, 5) }]);
    expect(stage.failed).toEqual(['t-0']);
    expect(stage.fetcher.size).toBe(0);
  });

  it('begins a new session over a new connection when the leader was lost', async () => {
    const stage = await Stage.open();
    stage.follow(0);
    stage.follow(1);
    await stage.named();
    await stage.answer([]);
    expect(await stage.named()).toEqual([]);
    stage.sent.at(-1)?.answer.reject(new Error('connection lost'));
    await nextTurn();
    expect(stage).toMatchObject({ connectCount: 1, closedCount: 1 });
    stage.clock.advance(1000);
    expect(await stage.named()).toEqual(['0@0/-1', '1@0/-1']);
    expect(stage.connectCount).toBe(2);
    expect(stage.sent.at(-1)?.request).toMatchObject({ sessionId: 77, sessionEpoch: 0 });
  });

  it('begins a new session at once when the leader has forgotten the old one', async () => {
    const stage = await Stage.open();
    stage.follow(0);
    await stage.named();
    await stage.answer([]);
    await stage.answer([], { errorCode: Errors.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0 });
    expect(await stage.named()).toEqual(['0@0/-1']);
    expect(stage.sent.at(-1)?.request).toMatchObject({ sessionId: 0, sessionEpoch: 0 });
  });

  it('waits for the address of its leader', async () => {
    const stage = await Stage.open();
    stage.isLeaderKnown = false;
    stage.follow(0);
    await nextTurn();
    expect(stage.sent).toEqual([]);
    stage.isLeaderKnown = true;
    stage.clock.advance(1000);
    expect(await stage.named()).toEqual(['0@0/-1']);
  });

  it('ends when it is closed, whatever it waits for', async () => {
    const idle = await Stage.open();
    await idle.fetcher.close();
    const fetching = await Stage.open();
    fetching.follow(0);
    await fetching.named();
    const ended = fetching.fetcher.close();
    fetching.sent.at(-1)?.answer.reject(new Error('the client was closed'));
    await ended;
    const pausing = await Stage.open();
    pausing.isLeaderKnown = false;
    pausing.follow(0);
    await nextTurn();
    await pausing.fetcher.close();
    expect(fetching.closedCount).toBe(1);
  });
});

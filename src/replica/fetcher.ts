/**
 * Fetches from one leader broker what this broker follows there: one connection, one request in flight, all
 * partitions in one incremental fetch session (KIP-227), so that a thousand idle partitions cost one small request
 * per replica.fetch.wait.max.ms.
 *
 * Guarantees: an answer is used only by the follower state that asked, in the phase in which it asked; it is appended
 * in the turn in which it arrives; a diverging log is cut before anything else of the answer is used; with
 * flush.messages=1 an offset is advertised only when everything below it is on the disk. Kafka's ReplicaFetcherThread
 * is the reference.
 */
import { AssertionError } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import type { Logger } from '../lib/logger.ts';
import type { TopicId } from '../model/topic-partition.ts';
import { errorName, KafkaError, type ErrorName } from '../protocol/errors.ts';
import { Fetch } from '../protocol/messages/01-fetch.ts';
import { ListOffsets } from '../protocol/messages/02-list-offsets.ts';
import type { Api, RequestIn, ResponseOut } from '../protocol/schema.ts';
import { FetchSessionHandler } from './fetch-session-handler.ts';
import type { FollowerDecision, FollowerState } from './follower-state.ts';
import type { Partition } from './partition.ts';

/**
 * A connection to a leader of its own; net/broker-client fits it. Record fields of an answer stay valid until the
 * next send.
 */
export interface LeaderClient {
  send<A extends Api>(
    api: A,
    version: number,
    request: RequestIn<A>,
    options: { timeoutMs: number },
  ): Promise<ResponseOut<A>>;
  close(): void;
}

/** Opens a connection to a broker under its current address; null while that is not known. */
export type ConnectToLeader = (brokerId: number) => LeaderClient | null;

export interface FetcherSettings {
  readonly brokerId: number;
  readonly replicaFetchWaitMaxMs: number;
  readonly replicaFetchMinBytes: number;
  readonly replicaFetchMaxBytes: number;
  readonly replicaFetchResponseMaxBytes: number;
  readonly replicaFetchBackoffMs: number;
  readonly replicaSocketTimeoutMs: number;
}

export interface FetcherOptions {
  readonly leaderId: number;
  readonly settings: FetcherSettings;
  readonly brokerEpoch: () => number;
  readonly connect: ConnectToLeader;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The partition's log failed: it is not fetched any more. */
  readonly onFailed: (partition: Partition, error: unknown) => void;
}

interface Followed {
  readonly partition: Partition;
  readonly state: FollowerState;
  /** Doubles with every failure in a row. */
  retryDelayMs: number;
}

type FetchResponse = ResponseOut<typeof Fetch>;
type FetchedPartition = FetchResponse['responses'][number]['partitions'][number];

const FETCH_VERSION = 17;
const LIST_OFFSETS_VERSION = 9;
/** A leader often learns of its election a moment after its followers: the first tries come soon. */
const FIRST_RETRY_DELAY_MS = 50;
const EARLIEST_TIMESTAMP = -2;
const LATEST_TIMESTAMP = -1;

export class ReplicaFetcher {
  readonly #options: FetcherOptions;
  readonly #followed = new Map<TopicId, Map<number, Followed>>();
  /** Those whose part of the next request must be looked at again; all others stay as the session has them. */
  readonly #toPrepare = new Set<Followed>();
  readonly #session = new FetchSessionHandler();
  /** Out of the leader's range: it must be asked for its offsets before the next fetch. */
  readonly #outOfRange = new Set<Followed>();
  #client: LeaderClient | null = null;
  #wake = new Deferred();
  #pause: Deferred | null = null;
  #size = 0;
  #fetchCount = 0;
  #isClosed = false;
  readonly #ended: Promise<void>;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#ended = this.#run();
  }

  /** Partitions followed, those that are delayed or halted included. */
  get size(): number {
    return this.#size;
  }

  /** Requests sent so far. */
  get fetchCount(): number {
    return this.#fetchCount;
  }

  /** Begins to fetch for the partition's present follower state, instead of an older one. */
  add(partition: Partition): void {
    const state = partition.followerState;
    if (state === null || this.#isClosed) return;
    this.remove(partition);
    let partitions = this.#followed.get(partition.topicId);
    if (partitions === undefined) {
      partitions = new Map();
      this.#followed.set(partition.topicId, partitions);
    }
    const followed: Followed = { partition, state, retryDelayMs: FIRST_RETRY_DELAY_MS };
    partitions.set(partition.partition, followed);
    this.#size++;
    this.#guard(followed, () => this.#carryOut(followed, state.onStarted()));
    this.#prepareSoon(followed);
  }

  remove(partition: Partition): void {
    const partitions = this.#followed.get(partition.topicId);
    const followed = partitions?.get(partition.partition);
    if (partitions === undefined || followed === undefined) return;
    partitions.delete(partition.partition);
    if (partitions.size === 0) this.#followed.delete(partition.topicId);
    this.#size--;
    this.#toPrepare.delete(followed);
    this.#session.forget(partition.topicId, partition.partition);
  }

  /** Ends the loop; resolves when it has ended. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#client?.close();
    this.#client = null;
    this.#wake.resolve();
    this.#pause?.resolve();
    return this.#ended;
  }

  async #run(): Promise<void> {
    // The first partition is added in the turn in which the fetcher is made.
    await this.#wake.promise;
    while (!this.#isClosed) {
      this.#prepare();
      if (this.#session.size === 0 && !this.#session.hasForgotten) {
        this.#wake = new Deferred();
        if (this.#toPrepare.size === 0) await this.#wake.promise;
        continue;
      }
      const isAnswered = await this.#fetch();
      if (!isAnswered) await this.#backOff();
      else if (this.#outOfRange.size > 0) await this.#findLeaderOffsets([...this.#outOfRange]);
    }
  }

  async #backOff(): Promise<void> {
    if (this.#isClosed) return;
    const pause = new Deferred();
    this.#pause = pause;
    const timer = this.#options.clock.schedule(this.#options.settings.replicaFetchBackoffMs, () => pause.resolve());
    await pause.promise;
    timer.cancel();
    this.#pause = null;
  }

  /** One request and its answer; false when there was none that could be used. */
  async #fetch(): Promise<boolean> {
    this.#client ??= this.#options.connect(this.#options.leaderId);
    const client = this.#client;
    if (client === null) return false;
    try {
      const request = this.#request();
      this.#fetchCount++;
      const response = await client.send(Fetch, FETCH_VERSION, request, {
        timeoutMs: this.#options.settings.replicaSocketTimeoutMs,
      });
      if (this.#isClosed) return false;
      return this.#onResponse(response);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#session.onError();
      // The next client is made anew: the leader may have come back under another address.
      if (this.#client === client) {
        client.close();
        this.#client = null;
      }
      if (!this.#isClosed)
        this.#options.logger.warn(`[ReplicaFetcher leaderId=${this.#options.leaderId}] Fetch failed: ${String(error)}`);
      return false;
    }
  }

  #request(): RequestIn<typeof Fetch> {
    const { settings, brokerEpoch } = this.#options;
    return {
      ...this.#session.build(),
      replicaState: { replicaId: settings.brokerId, replicaEpoch: brokerEpoch() },
      maxWaitMs: settings.replicaFetchWaitMaxMs,
      minBytes: settings.replicaFetchMinBytes,
      maxBytes: settings.replicaFetchResponseMaxBytes,
    };
  }

  /** Brings the session up to date with the partitions that moved since the last request. */
  #prepare(): void {
    const { replicaFetchMaxBytes } = this.#options.settings;
    for (const followed of [...this.#toPrepare]) {
      this.#toPrepare.delete(followed);
      const { partition, state } = followed;
      const { topicId, log } = partition;
      if (!this.#isCurrent(followed) || !state.isFetching || !this.#isDurable(followed)) {
        this.#session.forget(topicId, partition.partition);
        continue;
      }
      state.onRequested();
      this.#session.want({
        topicId,
        partition: partition.partition,
        currentLeaderEpoch: state.leaderEpoch,
        fetchOffset: state.fetchOffset,
        lastFetchedEpoch: state.lastFetchedEpoch,
        logStartOffset: log.logStartOffset,
        partitionMaxBytes: replicaFetchMaxBytes,
      });
    }
  }

  /**
   * What a fetch offset says to the leader is "I have everything below": with flush.messages=1 only the disk counts.
   */
  #isDurable(followed: Followed): boolean {
    const { log } = followed.partition;
    if (log.config.flushMessages !== 1 || log.durableEndOffset >= followed.state.fetchOffset) return true;
    log.whenDurable(followed.state.fetchOffset).then(
      () => this.#prepareSoon(followed),
      (error: unknown) => this.#fail(followed, error),
    );
    return false;
  }

  #isCurrent({ partition, state }: Followed): boolean {
    const isHere = this.#followed.get(partition.topicId)?.get(partition.partition)?.state === state;
    return isHere && partition.followerState === state && !partition.isClosed;
  }

  #prepareSoon(followed: Followed): void {
    if (!this.#isCurrent(followed)) return;
    this.#toPrepare.add(followed);
    this.#wake.resolve();
  }

  #onResponse(response: FetchResponse): boolean {
    const error = errorName(response.errorCode);
    if (!this.#session.onResponse(error, response.sessionId)) {
      this.#options.logger.info(`[ReplicaFetcher leaderId=${this.#options.leaderId}] Fetch session error ${error}`);
      // Only a session that is gone may be replaced at once.
      return error === 'FETCH_SESSION_ID_NOT_FOUND' || error === 'INVALID_FETCH_SESSION_EPOCH';
    }
    for (const { topicId, partitions } of response.responses) {
      const followed = this.#followed.get(topicId);
      if (followed === undefined) continue;
      for (const fetched of partitions) {
        const one = followed.get(fetched.partitionIndex);
        if (one !== undefined && this.#isCurrent(one)) this.#guard(one, () => this.#onFetched(one, fetched));
      }
    }
    return true;
  }

  #onFetched(followed: Followed, fetched: FetchedPartition): void {
    const { partition, state } = followed;
    const { divergingEpoch } = fetched;
    const decision = state.onAnswer({ error: errorName(fetched.errorCode), divergingEpoch });
    if (decision.kind !== 'append') {
      this.#carryOut(followed, decision);
      return;
    }
    const { logEndOffset, logStartOffset } = partition.log;
    try {
      partition.appendFetched(fetched.records, fetched.highWatermark, fetched.logStartOffset);
      followed.retryDelayMs = FIRST_RETRY_DELAY_MS;
    } finally {
      // Also when it failed half way: what is in the log is in the log.
      const hasGrown = partition.log.logEndOffset !== logEndOffset;
      state.onAppended(hasGrown ? partition.log.latestEpoch : null);
      if (hasGrown || partition.log.logStartOffset !== logStartOffset) this.#prepareSoon(followed);
    }
  }

  #carryOut(followed: Followed, decision: FollowerDecision): void {
    const { partition, state } = followed;
    const name = `${partition.topic}-${partition.partition}`;
    switch (decision.kind) {
      case 'ignore':
      case 'append':
        return;
      case 'truncate':
        this.#truncate(followed, decision.offset);
        return;
      case 'restart':
        this.#options.logger.warn(
          `[Partition ${name}] Dropping the log to start again at the leader's ${decision.offset}`,
        );
        partition.log.truncateFullyAndStartAt(decision.offset);
        // Everything below the leader's start was committed once (KAFKA-9491).
        partition.log.updateHighWatermark(decision.offset);
        break;
      case 'findLeaderOffsets':
        this.#session.forget(partition.topicId, partition.partition);
        this.#outOfRange.add(followed);
        return;
      case 'delay':
        this.#delay(followed);
        return;
      case 'halt':
        this.#session.forget(partition.topicId, partition.partition);
        this.#options.logger.info(
          `[Partition ${name}] The leader is at a newer epoch than ${state.leaderEpoch}, waiting`,
        );
        return;
    }
    state.onTruncated();
    partition.onTruncated();
    this.#prepareSoon(followed);
  }

  #truncate(followed: Followed, offset: number): void {
    const { partition, state } = followed;
    const { highWatermark, logEndOffset } = partition.log;
    const text = `[Partition ${partition.topic}-${partition.partition}] Truncating from ${logEndOffset} to ${offset}`;
    // Only after an unclean election can what was committed be cut off.
    if (offset < highWatermark) this.#options.logger.warn(`${text}, below the high watermark ${highWatermark}`);
    else this.#options.logger.info(text);
    partition.log.truncateTo(offset);
    state.onTruncated();
    partition.onTruncated();
    this.#prepareSoon(followed);
  }

  #delay(followed: Followed): void {
    this.#session.forget(followed.partition.topicId, followed.partition.partition);
    const { replicaFetchBackoffMs } = this.#options.settings;
    const delayMs = Math.min(followed.retryDelayMs, replicaFetchBackoffMs);
    followed.retryDelayMs = Math.min(followed.retryDelayMs * 2, replicaFetchBackoffMs);
    this.#options.clock.schedule(delayMs, () => this.#prepareSoon(followed));
  }

  /** Kafka's fetchOffsetAndTruncate: where do the leader's logs begin and end? */
  async #findLeaderOffsets(outOfRange: readonly Followed[]): Promise<void> {
    this.#outOfRange.clear();
    const latest = await this.#leaderOffsets(outOfRange, LATEST_TIMESTAMP);
    const earliest = await this.#leaderOffsets(outOfRange, EARLIEST_TIMESTAMP);
    for (const followed of outOfRange) {
      if (this.#isClosed || !this.#isCurrent(followed)) continue;
      const { state } = followed;
      const end = latest.get(followed) ?? 'NETWORK_EXCEPTION';
      const start = earliest.get(followed) ?? 'NETWORK_EXCEPTION';
      this.#guard(followed, () => {
        if (typeof end === 'string') this.#carryOut(followed, state.onLeaderOffsetsFailed(end));
        else if (typeof start === 'string') this.#carryOut(followed, state.onLeaderOffsetsFailed(start));
        else {
          this.#carryOut(followed, state.onLeaderOffsets(start, end));
          this.#prepareSoon(followed);
        }
      });
    }
  }

  async #leaderOffsets(outOfRange: readonly Followed[], timestamp: number): Promise<Map<Followed, number | ErrorName>> {
    const offsets = new Map<Followed, number | ErrorName>();
    const client = this.#client;
    if (client === null) return offsets;
    const { brokerId, replicaSocketTimeoutMs } = this.#options.settings;
    const topics = outOfRange.map(({ partition, state }) => ({
      name: partition.topic,
      partitions: [{ partitionIndex: partition.partition, currentLeaderEpoch: state.leaderEpoch, timestamp }],
    }));
    try {
      const request = { replicaId: brokerId, topics };
      const response = await client.send(ListOffsets, LIST_OFFSETS_VERSION, request, {
        timeoutMs: replicaSocketTimeoutMs,
      });
      const answers = response.topics.flatMap(({ name, partitions }) => partitions.map((answer) => ({ name, answer })));
      for (const { name, answer } of answers) {
        const asked = outOfRange.find(
          ({ partition }) => partition.topic === name && partition.partition === answer.partitionIndex,
        );
        const error = errorName(answer.errorCode);
        if (asked !== undefined) offsets.set(asked, error === 'NONE' ? answer.offset : error);
      }
    } catch (error) {
      this.#options.logger.warn(`ListOffsets to broker ${this.#options.leaderId} failed: ${String(error)}`);
    }
    return offsets;
  }

  /** Bad bytes are asked for again; a log that failed is not fetched any more; all other partitions go on. */
  #guard(followed: Followed, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      const { topic, partition, log } = followed.partition;
      if (log.isOffline || (error instanceof KafkaError && error.error === 'KAFKA_STORAGE_ERROR')) {
        this.#fail(followed, error);
        return;
      }
      this.#options.logger.error(`[Partition ${topic}-${partition}] Cannot use what the leader sent`, error);
      this.#delay(followed);
    }
  }

  #fail(followed: Followed, error: unknown): void {
    if (!this.#isCurrent(followed)) return;
    this.remove(followed.partition);
    this.#options.onFailed(followed.partition, error);
  }
}

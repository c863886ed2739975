/**
 * Reads all partitions of some topics, or those assigned: a fetch loop for each broker that leads any of them, all
 * feeding one place (Kafka's KafkaConsumer with assigned partitions).
 *
 * Guarantees: of each partition every record from the starting offset on is handed over once and in order; a change
 * of leader, a lost broker or an offset that is gone are dealt with as Java's consumer deals with them. The next
 * fetch to a broker is sent when the records of the last one have been taken. A reader that wants records only now and
 * then says so by a Demand: what it does not take waits where it was fetched.
 */
import { Deferred } from '../lib/deferred.ts';
import { type TopicPartition, topicPartitionKey, ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import { ConnectionError } from '../net/broker-client.ts';
import { type ErrorName, Errors, errorName, isRetriable } from '../protocol/errors.ts';
import { Fetch } from '../protocol/messages/index.ts';
import type { ResponseOut } from '../protocol/schema.ts';
import { ApiError } from './api-error.ts';
import type { ClusterClient, Node } from './cluster-client.ts';
import { consumedRecords } from './consumed-records.ts';
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, lookUpOffsets } from './offset-lookup.ts';
import type { ConsumedRecord } from './consumed-record.ts';

export type PartitionStart = number | 'earliest' | 'latest';

/** Whoever does not take records all the time is asked; after a no, proceed() is waited for. */
export interface Demand {
  /** Records are wanted at all: otherwise none are fetched. */
  isOpen(): boolean;
  /** This one may be handed over. */
  accepts(record: ConsumedRecord): boolean;
  /** The partition has no offset to begin at, and no reset policy gives one: it is left alone until seek(). */
  onNoOffset(partition: TopicPartition, error: ApiError): void;
}

export interface ConsumerSettings {
  /** Topics by name, or by a filter on all names. */
  readonly topics: readonly string[] | ((name: string) => boolean);
  /** Only this partition, if one is named. */
  readonly partition: number | null;
  /** Only these, by topicPartitionKey, each from its own place on, null for none yet; for a member of a group. */
  readonly assigned?: ReadonlyMap<string, PartitionStart | null>;
  /** Where reading begins. */
  readonly start: PartitionStart;
  /** Instead of `start`, for each partition when it becomes known. */
  readonly startOf?: (topic: string, partition: number) => PartitionStart;
  /** False: topics that do not exist are waited for, and not brought into being by asking for them. */
  readonly mayCreateTopics?: boolean;
  /** Where reading goes on when an offset does not exist. */
  readonly reset: 'earliest' | 'latest' | 'none';
  /** With `earliest`: that holds below the start alone; beyond the end reading goes on from the end. */
  readonly staysNear?: boolean;
  readonly isReadCommitted: boolean;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  readonly checksCrc: boolean;
  readonly metadataMaxAgeMs: number;
}

/** Takes one record; resolves when it may have the next. */
export type RecordSink = (record: ConsumedRecord) => void | Promise<void>;

interface PartitionPosition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  leader: Node | null;
  leaderEpoch: number;
  /** The next offset to read, or the place to look it up; null while there is none. */
  offset: PartitionStart | null;
  /** An offset that does not exist, while it is not known at which end of the partition that is. */
  missed: number | null;
  /** Rises when what was fetched for the partition, or asked about it, is not to be heeded any more. */
  version: number;
  /** The sink has one of its records: another leader's have to wait. */
  isBeingTaken: boolean;
}

type FetchedPartition = ResponseOut<typeof Fetch>['responses'][number]['partitions'][number];

const RETRY_BACKOFF_MS = 100;
const MAX_RETRY_BACKOFF_MS = 1000;
const CONSUMER_READ_COMMITTED = 1;

/** Errors after which the leader is looked up again and the fetch repeated. */
const STALE_METADATA: ReadonlySet<ErrorName> = new Set([
  'FENCED_LEADER_EPOCH',
  'INCONSISTENT_TOPIC_ID',
  'UNKNOWN_TOPIC_ID',
]);

export class RecordConsumer {
  readonly #cluster: ClusterClient;
  readonly #fetching: ClusterClient;
  readonly #settings: ConsumerSettings;
  readonly #sink: RecordSink;
  readonly #demand: Demand | null;
  /** Of assigned partitions. */
  readonly #starts: Map<string, PartitionStart | null> | null;
  /** By topicPartitionKey; those that gave records last are the last. */
  readonly #positions = new Map<string, PartitionPosition>();
  readonly #loops = new Map<number, Promise<void>>();
  #isStopped = false;
  #failure: Error | null = null;
  #wakeUp: (() => void) | null = null;
  /** Loops that wait for proceed(). */
  #turns: (() => void)[] = [];
  #mustRefresh = true;
  #hasMissedPartition = false;
  readonly #placed = new Deferred();

  /**
   * @param cluster for metadata and offsets
   * @param fetching for fetches alone: records alias its buffers until the next request to the same broker
   * @param demand null for a reader that takes what comes
   */
  constructor(
    cluster: ClusterClient,
    fetching: ClusterClient,
    settings: ConsumerSettings,
    sink: RecordSink,
    demand: Demand | null = null,
  ) {
    this.#cluster = cluster;
    this.#fetching = fetching;
    this.#settings = settings;
    this.#sink = sink;
    this.#demand = demand;
    this.#starts = settings.assigned === undefined ? null : new Map(settings.assigned);
  }

  /** Reads until stop() is called. @throws what the sink throws, or an ApiError that trying again cannot mend */
  async run(): Promise<void> {
    let backoffMs = RETRY_BACKOFF_MS;
    while (!this.#isStopped) {
      this.#mustRefresh = false;
      const isComplete = await this.#refresh();
      if (this.#isStopped) break;
      backoffMs = isComplete ? RETRY_BACKOFF_MS : Math.min(backoffMs * 2, MAX_RETRY_BACKOFF_MS);
      await this.#sleep(isComplete ? this.#settings.metadataMaxAgeMs : backoffMs);
      // Answers of several partitions ask for the same: one question a moment later serves all.
      if (this.#mustRefresh && isComplete) await this.#cluster.clock.sleep(RETRY_BACKOFF_MS);
    }
    await Promise.all(this.#loops.values());
    if (this.#failure !== null) throw this.#failure;
  }

  /** Resolves when it is known of each partition where it begins, or after stop(): no later record is missed then. */
  get whenPlaced(): Promise<void> {
    return this.#placed.promise;
  }

  #checkPlaced(): void {
    const positions = [...this.#positions.values()];
    if (positions.length > 0 && positions.every(({ offset }) => typeof offset === 'number')) this.#placed.resolve();
  }

  stop(): void {
    this.#isStopped = true;
    this.#placed.resolve();
    this.#wakeUp?.();
    this.proceed();
  }

  /** The demand has changed. */
  proceed(): void {
    const turns = this.#turns;
    this.#turns = [];
    for (const resume of turns) resume();
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#turns.push(resolve));
  }

  /** Goes on reading an assigned partition from there; of what is on its way, nothing more is handed over. */
  seek(topic: string, partition: number, start: PartitionStart): void {
    const key = topicPartitionKey(topic, partition);
    this.#starts?.set(key, start);
    const position = this.#positions.get(key);
    if (position !== undefined) {
      position.offset = start;
      position.missed = null;
      position.version++;
    }
    this.proceed();
  }

  /** An assigned partition has no place to begin at. */
  isLost(topic: string, partition: number): boolean {
    return this.#starts?.get(topicPartitionKey(topic, partition)) === null;
  }

  /** Forgets what was fetched and has not been taken; it is fetched again when it is wanted. */
  dropFetched(): void {
    for (const position of this.#positions.values()) position.version++;
    this.proceed();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.stop();
  }

  /** Sleeps until the time is over, stop() is called or metadata is wanted. */
  async #sleep(delayMs: number): Promise<void> {
    if (this.#isStopped || this.#mustRefresh) return;
    await new Promise<void>((resolve) => {
      const timer = this.#cluster.clock.schedule(delayMs, resolve);
      this.#wakeUp = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wakeUp = null;
  }

  #requestRefresh(): void {
    this.#mustRefresh = true;
    this.#wakeUp?.();
  }

  /** Learns partitions and leaders and starts loops for brokers that have none; false while something has no leader. */
  async #refresh(): Promise<boolean> {
    const { topics } = this.#settings;
    const names = typeof topics === 'function' ? null : topics;
    const allowAutoTopicCreation = names !== null && this.#settings.mayCreateTopics !== false;
    const response = await this.#cluster.metadata(names, 'metadata', { allowAutoTopicCreation });
    let isComplete = true;
    for (const topic of response.topics) {
      const name = topic.name ?? '';
      if (typeof topics === 'function' && !topics(name)) continue;
      if (topic.errorCode !== Errors.NONE) {
        this.#onTopicError(name, topic.errorCode);
        isComplete = false;
        continue;
      }
      this.#checkPartition(name, topic.partitions.length);
      for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) {
        if (!this.#isWanted(name, partitionIndex)) continue;
        const position = this.#position(name, topic.topicId, partitionIndex);
        const leader = this.#cluster.nodeById(leaderId) ?? null;
        // The new leader is asked for what the old one's last answer has that was not handed over.
        if (leader?.id !== position.leader?.id) position.version++;
        position.leader = leader;
        position.leaderEpoch = leaderEpoch;
        if (position.leader === null) isComplete = false;
      }
    }
    this.#checkPlaced();
    this.#startLoops();
    this.proceed();
    return isComplete && this.#positions.size > 0;
  }

  /** The next offset to read of each partition, as far as it is known. After stop() they stay as they are. */
  positions(): { topic: string; partition: number; offset: number }[] {
    return [...this.#positions.values()].flatMap(({ topic, partition, offset }) =>
      typeof offset === 'number' ? [{ topic, partition, offset }] : [],
    );
  }

  #isWanted(topic: string, partition: number): boolean {
    if (this.#starts !== null) return this.#starts.has(topicPartitionKey(topic, partition));
    return this.#settings.partition === null || this.#settings.partition === partition;
  }

  /** A partition may be added later, so it is waited for as in Java; but here that is said. */
  #checkPartition(topic: string, count: number): void {
    const { partition } = this.#settings;
    if (partition === null || partition < count || this.#hasMissedPartition) return;
    this.#hasMissedPartition = true;
    const facts = `${topic} has ${count} partition(s), from 0 to ${count - 1}`;
    const message = `Partition ${topic}-${partition} does not exist, waiting for it: ${facts}`;
    this.#cluster.warn(message, 'org.apache.kafka.clients.consumer');
  }

  #onTopicError(topic: string, errorCode: number): void {
    const error = errorName(errorCode);
    const message = `Error while fetching metadata : {${topic}=${error}}`;
    this.#cluster.warn(message, 'org.apache.kafka.clients.NetworkClient');
    if (!isRetriable(error))
      this.#fail(ApiError.of(errorCode, error === 'INVALID_TOPIC_EXCEPTION' ? `Invalid topics: [${topic}]` : null));
  }

  #position(topic: string, topicId: string, partition: number): PartitionPosition {
    const key = topicPartitionKey(topic, partition);
    const known = this.#positions.get(key);
    if (known?.topicId === topicId) return known;
    // A topic that was deleted and made again begins anew under its new id.
    if (known !== undefined) known.version++;
    const { start, startOf } = this.#settings;
    const assigned = this.#starts?.get(key);
    const offset = assigned === undefined ? (startOf?.(topic, partition) ?? start) : assigned;
    const facts = { topic, topicId, partition, offset, missed: null };
    const position = { ...facts, leader: null, leaderEpoch: -1, version: 0, isBeingTaken: false };
    this.#positions.set(key, position);
    return position;
  }

  #startLoops(): void {
    for (const { leader } of this.#positions.values()) {
      if (leader === null || this.#loops.has(leader.id)) continue;
      const loop = this.#fetchFrom(leader.id)
        .catch((error: unknown) => this.#fail(error instanceof Error ? error : new Error(String(error))))
        .finally(() => this.#loops.delete(leader.id));
      this.#loops.set(leader.id, loop);
    }
  }

  /** Fetches what that broker leads until it leads nothing more. */
  async #fetchFrom(brokerId: number): Promise<void> {
    while (!this.#isStopped) {
      const led = [...this.#positions.values()].filter(({ leader }) => leader?.id === brokerId);
      const node = led[0]?.leader;
      if (node == null) return;
      try {
        await this.#lookUpStarts(node, led);
        const ready = led.filter(({ offset, isBeingTaken }) => typeof offset === 'number' && !isBeingTaken);
        const isUnknown = led.some(({ offset }) => typeof offset === 'string');
        const isFetching = ready.length > 0 && (this.#demand?.isOpen() ?? true);
        if (isFetching) await this.#fetchOnce(node, ready);
        if (isUnknown) await this.#pause();
        else if (!isFetching) await this.#turn();
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        if (this.#isStopped) return;
        await this.#cluster.warnUnreachable(node);
        this.#requestRefresh();
        await this.#pause();
      }
    }
  }

  #pause(): Promise<void> {
    return this.#cluster.clock.sleep(RETRY_BACKOFF_MS);
  }

  async #lookUpStarts(node: Node, led: readonly PartitionPosition[]): Promise<void> {
    const unknown = led
      .filter(({ offset }) => typeof offset === 'string')
      .map((position) => ({ ...position, position }));
    if (unknown.length === 0) return;
    const questions = unknown.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      timestampMs: offset === 'earliest' ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP,
    }));
    const answers = await lookUpOffsets(this.#cluster, node, questions, this.#settings.isReadCommitted);
    for (const { topic, partition, error, offset } of answers) {
      const asked = unknown.find((candidate) => candidate.topic === topic && candidate.partition === partition);
      if (this.#isStopped) return;
      if (asked === undefined || asked.version !== asked.position.version) continue;
      const { position } = asked;
      if (error === 'NONE') this.#begin(position, offset);
      else this.#onPartitionError(position, error);
    }
    this.#checkPlaced();
  }

  /** At what was looked up; but the start says only that an offset beyond it is beyond the end, too. */
  #begin(position: PartitionPosition, offset: number): void {
    const isBeyondEnd = position.missed !== null && position.missed > offset;
    position.offset = isBeyondEnd ? 'latest' : offset;
    position.missed = null;
  }

  async #fetchOnce(node: Node, ready: readonly PartitionPosition[]): Promise<void> {
    const { maxWaitMs, minBytes, maxBytes, maxPartitionBytes, isReadCommitted } = this.#settings;
    const versions = new Map(ready.map((position) => [position, position.version]));
    const request = {
      maxWaitMs,
      minBytes,
      maxBytes,
      isolationLevel: isReadCommitted ? CONSUMER_READ_COMMITTED : 0,
      topics: inRuns(ready).map((of) => ({
        topic: of[0]?.topic ?? '',
        topicId: of[0]?.topicId ?? ZERO_TOPIC_ID,
        partitions: of.map((position) => ({
          partition: position.partition,
          currentLeaderEpoch: position.leaderEpoch,
          fetchOffset: Number(position.offset),
          partitionMaxBytes: maxPartitionBytes,
        })),
      })),
    };
    const response = await this.#fetching.send(node, Fetch, request);
    if (this.#isStopped) return;
    if (response.errorCode !== Errors.NONE) {
      this.#onPartitionError(ready[0], errorName(response.errorCode));
      await this.#pause();
    }
    let hasError = false;
    const asked = new Map(ready.map((position) => [topicPartitionKey(position.topic, position.partition), position]));
    const names = new Map(ready.map(({ topic, topicId }) => [topicId, topic]));
    for (const { topic, topicId, partitions } of response.responses)
      for (const fetched of partitions) {
        const name = topic === '' ? (names.get(topicId) ?? '') : topic;
        const position = asked.get(topicPartitionKey(name, fetched.partitionIndex));
        if (position === undefined || versions.get(position) !== position.version) continue;
        hasError ||= fetched.errorCode !== Errors.NONE;
        await this.#takeRecords(position, fetched);
        if (this.#isStopped) return;
      }
    if (hasError) await this.#pause();
  }

  async #takeRecords(position: PartitionPosition, fetched: FetchedPartition): Promise<void> {
    const { version } = position;
    const isOver = (): boolean => this.#isStopped || position.version !== version;
    const error = errorName(fetched.errorCode);
    if (error === 'OFFSET_OUT_OF_RANGE') return this.#onOutOfRange(position);
    if (error !== 'NONE') return this.#onPartitionError(position, error);
    const from = Number(position.offset);
    if ((fetched.records?.length ?? 0) > 0) this.#moveToEnd(position);
    const records = consumedRecords(position, fetched.records ?? Buffer.alloc(0), from, {
      checksCrc: this.#settings.checksCrc,
      aborted: this.#settings.isReadCommitted ? (fetched.abortedTransactions ?? []) : null,
    });
    for (;;) {
      const next = records.next();
      if (next.done) {
        position.offset = next.value;
        return;
      }
      while (this.#demand?.accepts(next.value) === false) {
        await this.#turn();
        if (isOver()) return;
      }
      position.offset = next.value.offset + 1;
      await this.#handOver(position, next.value);
      if (isOver()) return;
    }
  }

  /** Nobody else hands over records of the partition meanwhile. */
  async #handOver(position: PartitionPosition, record: ConsumedRecord): Promise<void> {
    const { version } = position;
    position.isBeingTaken = true;
    try {
      await this.#sink(record);
    } finally {
      position.isBeingTaken = false;
    }
    // The loop of another leader may wait for it.
    if (position.version !== version) this.proceed();
  }

  /** The others come first next time: an answer has no room for all. */
  #moveToEnd(position: PartitionPosition): void {
    const key = topicPartitionKey(position.topic, position.partition);
    if (this.#positions.get(key) !== position) return;
    this.#positions.delete(key);
    this.#positions.set(key, position);
  }

  #onOutOfRange(position: PartitionPosition): void {
    const { topic, partition, offset } = position;
    const { reset, staysNear } = this.#settings;
    const message = `Fetch position ${offset} is out of range for partition ${topic}-${partition}`;
    if (reset === 'none') {
      const error = new ApiError('OffsetOutOfRangeException', `${message}, and no reset policy is configured`);
      if (this.#demand === null) throw error;
      position.offset = null;
      this.#demand.onNoOffset({ topic, partition }, error);
      return;
    }
    const policy = staysNear ? 'the nearest that exists' : reset;
    this.#cluster.warn(`${message}, resetting offset to ${policy}`, 'org.apache.kafka.clients.consumer');
    position.missed = staysNear && typeof offset === 'number' ? offset : null;
    position.offset = reset;
  }

  #onPartitionError(position: PartitionPosition | undefined, error: ErrorName): void {
    if (!isRetriable(error) && !STALE_METADATA.has(error)) throw ApiError.of(Errors[error]);
    if (position !== undefined) position.leader = null;
    this.#requestRefresh();
  }
}

/** The order of partitions counts: those of a topic stand together only as far as they are neighbours. */
function inRuns(positions: readonly PartitionPosition[]): PartitionPosition[][] {
  const runs: PartitionPosition[][] = [];
  for (const position of positions) {
    const run = runs.at(-1);
    if (run?.[0]?.topicId === position.topicId && run[0].topic === position.topic) run.push(position);
    else runs.push([position]);
  }
  return runs;
}

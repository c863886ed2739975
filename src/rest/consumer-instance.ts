/**
 * A consumer that lives here for a client of the REST Proxy, which asks for its records by HTTP (kafka-rest's
 * KafkaConsumerState with the KafkaConsumer in it).
 *
 * Guarantees: it is a member of its group from the moment it has subscribed, read or not. What has been returned to the
 * client is consumed, and nothing else: neither what was fetched for it nor what it was not there to receive. With
 * auto-commit that is committed every few seconds, when partitions are given up, and at the end. Reads are answered one
 * after the other; everything else need not wait for a read. After close() nothing is answered but 404.
 */
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import { GroupConsumer } from '../client/group-consumer.ts';
import type { GroupOffset } from '../client/group-admin.ts';
import type { OffsetQuestion } from '../client/offset-lookup.ts';
import type { PartitionStart } from '../client/record-consumer.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import type { TopicPartition } from '../model/topic-partition.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import { ConsumerLoop, type RunningConsumer } from './consumer-loop.ts';
import { ConsumerReads, type ReadAnswer } from './consumer-reads.ts';
import { consumerSettings, groupSettings } from './consumer-settings.ts';
import { ConsumerState, type PartitionPlace, type Subscription } from './consumer-state.ts';
import { decodeAs } from './embedded-format.ts';
import { GroupOffsets } from './group-offsets.ts';
import type { ReadBudget } from './read-budget.ts';
import { illegalState, instanceNotFound, restErrorOf, tooManyRequests } from './rest-errors.ts';
import type { SchemaLookup } from './schema-lookup.ts';
import { topicPattern } from './topic-pattern.ts';

export interface InstanceOptions {
  readonly groupId: string;
  readonly name: string;
  readonly config: ConsumerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Connections of its own. */
  readonly connect: (clientId: string) => ClusterClient;
  readonly schemas: SchemaLookup;
  readonly budget: ReadBudget;
}

export interface ReadRequest {
  /** Null for the instance's own. */
  readonly timeoutMs: number | null;
  /** Of keys and values. */
  readonly maxBytes: number;
  /** Aborted when the client is gone: what was meant for it is kept for the next. */
  readonly signal: AbortSignal;
}

/** How long the cluster may take for what a client asks besides records. */
const API_TIMEOUT_MS = 30_000;
/** How long the group waits for a client that has read and may commit yet; Java's waits for max.poll.interval.ms. */
const COMMIT_PATIENCE_MS = 30_000;
/** One is answered, the others wait. */
const MAX_READS = 8;
const MAX_ANSWER_CHARACTERS = 96 * 1024 * 1024;
const RETRY_BACKOFF_MS = 100;

export class ConsumerInstance {
  readonly config: ConsumerConfig;
  readonly #options: InstanceOptions;
  readonly #state = new ConsumerState();
  readonly #reads: ConsumerReads;
  /** Reads that wait or are being answered. */
  readonly #queue = new SerialQueue();
  readonly #loop: ConsumerLoop;
  /** For what needs no membership. */
  readonly #cluster: ClusterClient;
  readonly #offsets: GroupOffsets;
  /** Why there is no consumer at the moment. */
  #failure: { readonly error: unknown } | null = null;
  #lastUseMs: number;
  /** The client has to commit what was returned, and has not done so since. */
  #isCommitDue = false;
  /** Reads that were answered with records. */
  #returnCount = 0;
  /** Lets the group deal its partitions out anew. */
  #giveWay: (() => void) | null = null;
  #isResting = true;
  #isClosed = false;

  constructor(options: InstanceOptions) {
    const { clock, connect, name, groupId, config, schemas, budget } = options;
    this.#options = options;
    this.config = config;
    this.#lastUseMs = clock.monotonicMs();
    this.#cluster = connect(name);
    this.#offsets = new GroupOffsets(this.#cluster, groupId);
    this.#reads = new ConsumerReads({
      clock,
      state: this.#state,
      budget,
      onReturned: () => {
        this.#isCommitDue = !config.isCommitting;
        this.#returnCount++;
      },
      decode: (bytes) => decodeAs(config.format, bytes, schemas),
      goBack: (places) => this.#goBack(places),
    });
    this.#loop = new ConsumerLoop({
      clock,
      open: (subscription) => this.#open(subscription),
      onFailed: (error) => this.#onFailed(error),
    });
  }

  /** Somebody asks it for something. */
  touch(): void {
    this.#lastUseMs = this.#options.clock.monotonicMs();
  }

  /** How long nobody has asked it for anything. */
  get idleMs(): number {
    return this.#queue.length > 0 ? 0 : this.#options.clock.monotonicMs() - this.#lastUseMs;
  }

  /** Lets go of what was fetched, and of the connections for that, until the next read. */
  rest(): void {
    if (this.#isResting || this.#queue.length > 0) return;
    this.#isResting = true;
    this.#loop.consumer?.rest();
  }

  /** Ends reads, commits with auto-commit, and leaves the group, within a few seconds. Throws RestError 40403. */
  async close(): Promise<void> {
    this.#mustBeOpen();
    this.#isClosed = true;
    this.#reads.refuse(instanceNotFound());
    this.#giveWay?.();
    this.#goBack(this.#state.takenBack());
    await this.#loop.close();
    this.#cluster.close();
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw instanceNotFound();
  }

  /** The topics; those that fit the pattern, as far as they are known. */
  get subscription(): readonly string[] {
    const { subscription } = this.#state;
    if (subscription.kind === 'topics') return subscription.topics;
    return subscription.kind === 'pattern' ? (this.#loop.consumer?.topics ?? []) : [];
  }

  get assignment(): readonly TopicPartition[] {
    return this.#state.partitions;
  }

  /** @throws RestError 40903 */
  subscribe(topics: readonly string[]): void {
    this.#change(() => this.#state.subscribe(topics));
  }

  /** @throws RestError 40903, 422 */
  subscribeToPattern(pattern: string): void {
    topicPattern(pattern);
    this.#change(() => this.#state.subscribeToPattern(pattern));
  }

  unsubscribe(): void {
    this.#change(() => this.#state.unsubscribe());
  }

  /** @throws RestError 40903 */
  assign(partitions: readonly TopicPartition[]): void {
    this.#change(() => this.#state.assign(partitions, this.#loop.consumer?.consumed() ?? []));
  }

  /** What has been read so far is returned first, so that it is committed with the rest. */
  #change(change: () => boolean): void {
    this.#mustBeOpen();
    this.#reads.flush();
    this.#goBack(this.#state.takenBack());
    if (!change()) return;
    this.#failure = null;
    this.#giveWay?.();
    this.#loop.subscribe(this.#state.subscription);
  }

  #goBack(places: readonly PartitionPlace[]): void {
    for (const place of places) this.#loop.consumer?.seek(place, place.start);
  }

  #open(subscription: Subscription): RunningConsumer {
    const { name, connect, config, groupId } = this.#options;
    const newClient = (): ClusterClient => connect(name);
    const cluster = newClient();
    const consumer: GroupConsumer = new GroupConsumer({
      cluster,
      connect: newClient,
      connectFetching: newClient,
      settings: consumerSettings(subscription, config),
      group: groupSettings(subscription, config, groupId),
      sink: (record) => this.#reads.take(record),
      demand: {
        isOpen: () => this.#reads.isWanting,
        accepts: (record) => this.#reads.accepts(record),
        onNoOffset: (partition, error) => {
          this.#state.fail(partition, error);
          this.#reads.fail(error);
        },
      },
      listener: {
        onAssigned: (partitions) => {
          if (this.#loop.consumer !== consumer) return;
          this.#failure = null;
          this.#isCommitDue = false;
          this.#goBack(this.#state.begin(partitions));
        },
        mayBeRevoked: () => this.#whenCommitted(),
        onRevoked: () => {
          if (this.#loop.consumer !== consumer) return;
          this.#reads.flush();
          this.#goBack(this.#state.takenBack());
          this.#state.end(consumer.consumed());
        },
        consumed: (positions) => this.#state.consumed(positions),
      },
    });
    return { consumer, close: () => cluster.close() };
  }

  /**
   * What was put together so far goes to the client now, while it can still be committed. Resolves also when the client
   * comes for more, for it may commit by other ways; or takes too long.
   */
  async #whenCommitted(): Promise<void> {
    const others = this.#queue.length - (this.#reads.flush() ? 1 : 0);
    if (!this.#isCommitDue || others > 0) return;
    this.#giveWay?.();
    await new Promise<void>((resolve) => {
      const giveWay = (): void => {
        timer.cancel();
        this.#giveWay = null;
        resolve();
      };
      const timer = this.#options.clock.schedule(COMMIT_PATIENCE_MS, giveWay);
      this.#giveWay = giveWay;
    });
  }

  #onFailed(error: unknown): void {
    const { logger, groupId, name } = this.#options;
    if (restErrorOf(error) === null) logger.error(`Consumer ${name} of group ${groupId} failed`, error);
    else logger.debug(`Consumer ${name} of group ${groupId} failed: ${error}`);
    if (!this.#reads.fail(error)) this.#failure = { error };
  }

  /**
   * Waits for records, until there are enough of them or the time is over.
   * @throws RestError 40403 when the instance was closed, 40903, 42901, or what keeps records from coming
   */
  read(request: ReadRequest): Promise<ReadAnswer> {
    this.#mustBeOpen();
    if (this.#queue.length >= MAX_READS) throw tooManyRequests('Too many reads of this consumer instance at once');
    const sinceMs = this.#options.clock.monotonicMs();
    this.#giveWay?.();
    return this.#queue.run(() => this.#read(request, sinceMs));
  }

  async #read({ timeoutMs, maxBytes, signal }: ReadRequest, sinceMs: number): Promise<ReadAnswer> {
    this.#mustBeOpen();
    if (this.#state.subscription.kind === 'none')
      throw illegalState('Consumer is not subscribed to any topics or assigned any partitions');
    this.#throwFailure();
    const { minBytes, requestTimeoutMs } = this.config;
    const limits = {
      minBytes: minBytes < 0 ? Number.POSITIVE_INFINITY : minBytes,
      maxBytes,
      maxCharacters: MAX_ANSWER_CHARACTERS,
    };
    const untilMs = sinceMs + Math.min(timeoutMs ?? requestTimeoutMs, requestTimeoutMs);
    this.#isResting = false;
    try {
      const waitMs = Math.max(0, untilMs - this.#options.clock.monotonicMs());
      return await this.#reads.answer(limits, waitMs, signal, () => this.#loop.consumer?.proceed());
    } finally {
      this.touch();
    }
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure.error;
    if (this.#state.failure !== null) throw this.#state.failure;
  }

  /** Commits these, or all that is consumed. @throws RestError, ApiError */
  async commit(offsets: readonly GroupOffset[] | null): Promise<void> {
    this.#mustBeOpen();
    const returnCount = this.#returnCount;
    await this.#commit(offsets);
    // What was returned meanwhile is not in it.
    if (this.#returnCount !== returnCount) return;
    this.#isCommitDue = false;
    this.#giveWay?.();
  }

  async #commit(offsets: readonly GroupOffset[] | null): Promise<void> {
    const deadline = this.#cluster.deadline(API_TIMEOUT_MS);
    if (!this.#isMember()) return this.#offsets.commit(offsets ?? this.#consumed(), deadline);
    for (;;) {
      const failure = await this.#tryCommit(offsets, deadline);
      if (failure === null) return;
      const isLater = failure.error === 'REBALANCE_IN_PROGRESS' && this.#isMember() && !this.#isClosed;
      const { clock } = this.#options;
      if (!isLater || clock.monotonicMs() + RETRY_BACKOFF_MS >= deadline) throw failure;
      await clock.sleep(RETRY_BACKOFF_MS);
    }
  }

  #consumed(): readonly GroupOffset[] {
    const positions = this.#loop.consumer?.consumed() ?? [];
    return positions.length === 0 ? this.#state.positions : positions;
  }

  #isMember(): boolean {
    const { kind } = this.#state.subscription;
    return kind === 'topics' || kind === 'pattern';
  }

  /** Without membership there is nothing consumed either: what was read before is another's by now. */
  async #tryCommit(offsets: readonly GroupOffset[] | null, deadline: number): Promise<ApiError | null> {
    const { consumer } = this.#loop;
    if (consumer === null) return ApiError.named('REBALANCE_IN_PROGRESS');
    try {
      await consumer.commitOffsets(offsets ?? consumer.consumed(), deadline);
      return null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.error !== 'ILLEGAL_GENERATION' && error.error !== 'UNKNOWN_MEMBER_ID') return error;
      return new ApiError(
        'CommitFailedException',
        'Offset commit cannot be completed since the consumer is not part of an active group for auto partition ' +
          'assignment; it is likely that the consumer was kicked out of the group.',
      );
    }
  }

  /** The group's offsets; partitions without one are left out. @throws ApiError */
  async committed(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (GroupOffset & { readonly metadata: string })[]> {
    this.#mustBeOpen();
    return this.#offsets.committed(partitions);
  }

  /**
   * Goes on from there; of what was fetched before, nothing is returned.
   * @param times for the first record that late, or the end
   * @throws RestError 40903, ApiError
   */
  async seek(places: readonly PartitionPlace[], times: readonly OffsetQuestion[] = []): Promise<void> {
    this.#mustBeOpen();
    this.#state.mustOwn([...places, ...times]);
    for (const place of places) this.#seek(place);
    if (times.length === 0) return;
    const found = await this.#offsets.placesAt(times, this.#cluster.deadline(API_TIMEOUT_MS));
    this.#mustBeOpen();
    this.#state.mustOwn(found);
    for (const place of found) this.#seek(place);
  }

  /** None of them are all. @throws RestError 40903 */
  async seekTo(start: PartitionStart, partitions: readonly TopicPartition[]): Promise<void> {
    const sought = partitions.length === 0 ? this.#state.partitions : partitions;
    await this.seek(sought.map(({ topic, partition }) => ({ topic, partition, start })));
  }

  #seek(place: PartitionPlace): void {
    this.#state.seek(place);
    this.#loop.consumer?.seek(place, place.start);
  }
}

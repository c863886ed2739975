/**
 * The shell around the minds of one coordinator: a shard for every partition of its topic that this broker leads,
 * made when the leadership begins and gone when it ends. Kafka's CoordinatorRuntime is the reference.
 *
 * Partitions are loaded one after the other, in the order of their leaderships; those that are loaded already serve
 * meanwhile.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import { KafkaError } from '../protocol/errors.ts';
import type { CompressionType } from '../protocol/records/codecs.ts';
import type { CoordinatedPartition } from './coordinated-partition.ts';
import { CoordinatedShard, type CoordinatedState } from './coordinated-shard.ts';
import type { RecordCodec } from './record-codec.ts';
import type { Outcome, Shard, Ticket } from './shard.ts';

export interface CoordinatorRuntimeOptions<S extends Shard<R>, R> {
  readonly newShard: (partition: number) => S;
  readonly codec: RecordCodec<R>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a reply waits until what it speaks of is committed. */
  readonly commitTimeoutMs: number;
  /** At most so much of a log is in memory at once while it is loaded. */
  readonly loadSliceBytes: number;
  readonly compression: CompressionType;
}

export class CoordinatorRuntime<S extends Shard<R>, R> {
  readonly #options: CoordinatorRuntimeOptions<S, R>;
  readonly #shards = new Map<number, CoordinatedShard<S, R>>();
  readonly #loads = new SerialQueue();
  #isClosed = false;

  constructor(options: CoordinatorRuntimeOptions<S, R>) {
    this.#options = options;
  }

  /** This broker has begun to lead the partition, or leads it on at a newer epoch. */
  onElected(partition: CoordinatedPartition): void {
    if (this.#isClosed) return;
    const known = this.#shards.get(partition.partition);
    if (known?.partition === partition && known.epoch === partition.leaderEpoch) return;
    known?.close();
    this.#begin(partition);
  }

  #begin(partition: CoordinatedPartition): void {
    const { newShard, codec, clock, logger, commitTimeoutMs, loadSliceBytes, compression } = this.#options;
    const coordinated: CoordinatedShard<S, R> = new CoordinatedShard<S, R>({
      partition,
      shard: newShard(partition.partition),
      codec,
      clock,
      logger,
      commitTimeoutMs,
      loadSliceBytes,
      compression,
      onClosed: (reason) => {
        this.#shards.delete(partition.partition);
        logger.info(`Unloaded ${partition.topic}-${partition.partition}: ${reason}`);
        if (reason === 'strayed') this.#begin(partition);
      },
    });
    this.#shards.set(partition.partition, coordinated);
    this.#loads
      .run(() => this.#load(coordinated))
      .catch((error: unknown) => {
        // Only a broken invariant comes here; it must not be lost.
        clock.soon(() => {
          throw error;
        });
      });
  }

  /** See CoordinatedShard.request; rejects with NOT_COORDINATOR when the partition is not led here. */
  request<T>(partition: number, decide: (shard: S, ticket: Ticket, nowMs: number) => Outcome<R>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new KafkaError('COORDINATOR_NOT_AVAILABLE'));
    const coordinated = this.#shards.get(partition);
    if (coordinated === undefined) return Promise.reject(new KafkaError('NOT_COORDINATOR'));
    return coordinated.request(decide);
  }

  /** Lets every shard decide something that nobody waits for; those that are being loaded do so afterwards. */
  tellAll(name: string, decide: (shard: S, nowMs: number) => Outcome<R>): void {
    for (const coordinated of [...this.#shards.values()]) coordinated.tell(name, decide);
  }

  /** The same for one of them. */
  tell(partition: number, name: string, decide: (shard: S, nowMs: number) => Outcome<R>): void {
    this.#shards.get(partition)?.tell(name, decide);
  }

  /** Forgets what was replayed and loads the log anew: something else has written to it. */
  reload(partition: number): void {
    this.#shards.get(partition)?.close('strayed');
  }

  /** The partitions that this broker leads, whatever their state. */
  partitions(): number[] {
    return [...this.#shards.keys()];
  }

  /** Shards that have loaded their logs. */
  *active(): IterableIterator<S> {
    for (const { state, shard } of this.#shards.values()) if (state === 'active') yield shard;
  }

  state(partition: number): CoordinatedState {
    return this.#shards.get(partition)?.state ?? 'closed';
  }

  /** Requests that wait for an answer. */
  get ticketCount(): number {
    let count = 0;
    for (const { ticketCount } of this.#shards.values()) count += ticketCount;
    return count;
  }

  /** Nothing is coordinated here any more: whoever waits is told to look elsewhere. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const coordinated of [...this.#shards.values()]) coordinated.close();
    await this.#loads.whenIdle();
  }

  async #load(coordinated: CoordinatedShard<S, R>): Promise<void> {
    const { clock, logger } = this.#options;
    const { topic, partition } = coordinated.partition;
    const beginMs = clock.monotonicMs();
    const summary = await coordinated.load();
    if (summary === null) return;
    const durationMs = Math.round(clock.monotonicMs() - beginMs);
    logger.info(
      `Loaded ${topic}-${partition} at epoch ${coordinated.epoch} in ${durationMs} ms: ${summary.records} records, ` +
        `${summary.bytes} bytes`,
    );
  }
}

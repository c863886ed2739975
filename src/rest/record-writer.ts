/**
 * Writes single records to any topics for the clients of HTTP, with acks=all and idempotence: one producer for each
 * topic in use, all over the same connections (kafka-rest's ProduceController).
 *
 * Guarantees: records that one caller gives for one partition, without waiting in between, arrive in that order; every
 * write ends, by its delivery timeout at the latest; producers are bounded in number, and idle ones are given up.
 * How much waits to be written is for the callers to bound: they have it in memory already.
 */
import { ApiError } from '../client/api-error.ts';
import type { RecordPlace } from '../client/batch-queue.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import { type ProducerSettings, RecordProducer, type RecordToSend } from '../client/record-producer.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import { tooManyRequests } from './rest-errors.ts';

export interface RecordWriterOptions {
  /** Asked for its own connections; it is not closed here. */
  readonly cluster: ClusterClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Topics that are written to at the same time. */
  readonly maxProducers?: number;
  readonly settings?: Partial<Omit<ProducerSettings, 'topic' | 'acks' | 'isIdempotent'>>;
}

interface TopicProducer {
  readonly producer: RecordProducer;
  /** Writes that have not ended. */
  openWrites: number;
  lastUsedMs: number;
}

const DEFAULT_MAX_PRODUCERS = 500;
const IDLE_MS = 60_000;
const DEFAULTS: Omit<ProducerSettings, 'topic'> = {
  acks: -1,
  isIdempotent: true,
  compression: 'none',
  batchSizeBytes: 64 * 1024,
  lingerMs: 0,
  retries: Number.MAX_SAFE_INTEGER,
  retryBackoffMs: 100,
  requestTimeoutMs: 15_000,
  // Shorter than Java's two minutes: somebody waits for the answer.
  deliveryTimeoutMs: 30_000,
  maxBlockMs: 15_000,
  // What is too much for a topic its leader says.
  maxRequestBytes: 64 * 1024 * 1024,
  bufferBytes: 32 * 1024 * 1024,
  metadataMaxAgeMs: 300_000,
};

export class RecordWriter {
  readonly #options: RecordWriterOptions;
  /** The one that was used last is the last. */
  readonly #producers = new Map<string, TopicProducer>();
  #sweep: Timer | null = null;
  #isClosed = false;

  constructor(options: RecordWriterOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the record is replicated as the topic wants it (acks=all).
   * @throws ApiError what became of it instead, in the words of Java's producer; RestError when too many topics are
   *   written to at once
   */
  async write(topic: string, record: RecordToSend): Promise<RecordPlace> {
    const entry = this.#entry(topic);
    entry.openWrites++;
    try {
      return await new Promise<RecordPlace>((resolve, reject) => {
        const sent = entry.producer.send(record, (failure, place) => {
          if (place === null) reject(failure);
          else resolve(place);
        });
        sent.catch(reject);
      });
    } finally {
      entry.openWrites--;
      entry.lastUsedMs = this.#options.clock.monotonicMs();
    }
  }

  /** Writes that have not ended fail. */
  close(): void {
    this.#isClosed = true;
    this.#sweep?.cancel();
    const failure = new ApiError('KafkaException', 'Producer is closed forcefully.');
    for (const { producer } of this.#producers.values()) producer.abort(failure);
    this.#producers.clear();
  }

  #entry(topic: string): TopicProducer {
    if (this.#isClosed) throw new ApiError('KafkaException', 'Producer is closed.');
    let entry = this.#producers.get(topic);
    if (entry === undefined) {
      this.#makeRoom();
      entry = { producer: this.#newProducer(topic), openWrites: 0, lastUsedMs: 0 };
    } else this.#producers.delete(topic);
    this.#producers.set(topic, entry);
    this.#sweep ??= this.#options.clock.schedule(IDLE_MS, () => this.#giveUpIdle());
    return entry;
  }

  #newProducer(topic: string): RecordProducer {
    const { cluster, random, settings } = this.#options;
    return new RecordProducer(cluster, { ...DEFAULTS, ...settings, topic }, random);
  }

  /** The one that was used the longest ago goes. */
  #makeRoom(): void {
    if (this.#producers.size < (this.#options.maxProducers ?? DEFAULT_MAX_PRODUCERS)) return;
    for (const [topic, entry] of this.#producers) if (this.#giveUp(topic, entry)) return;
    throw tooManyRequests('Too many topics are written to at the same time.');
  }

  #giveUpIdle(): void {
    const usedBeforeMs = this.#options.clock.monotonicMs() - IDLE_MS;
    for (const [topic, entry] of this.#producers) if (entry.lastUsedMs <= usedBeforeMs) this.#giveUp(topic, entry);
    this.#sweep = this.#producers.size === 0 ? null : this.#options.clock.schedule(IDLE_MS, () => this.#giveUpIdle());
  }

  #giveUp(topic: string, { producer, openWrites }: TopicProducer): boolean {
    if (openWrites > 0) return false;
    producer.abort(new ApiError('KafkaException', 'Producer is closed.'));
    this.#producers.delete(topic);
    return true;
  }
}

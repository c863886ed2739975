/**
 * Writes without a pause while the cluster is tormented: an idempotent kafkajs producer with acks=all per partition, one
 * batch in flight, each batch repeated with the same sequence numbers until it is acknowledged.
 *
 * kafkajs gives up after errors it takes for final; the writer then sends the same batch again through the same
 * producer, which has taken the sequence numbers back, so that the broker can tell a repetition from a new batch.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { judgeHistory, type Sent } from './history.ts';
import { readPartition } from './wire-client.ts';

const RECORDS_PER_BATCH = 5;

/** A writer must be slow enough to leave the machine to the brokers, and never the reason that nothing happens. */
const PAUSE_MS = 2;

interface Acknowledgement {
  readonly partition: number;
  readonly atMs: number;
}

export class SteadyWriter {
  readonly sent: Sent[] = [];
  /** Errors that kafkajs did not hide, in order; for the report of a failure. */
  readonly errors: string[] = [];
  readonly #topic: string;
  readonly #cluster: TestCluster;
  readonly #acknowledgements: Acknowledgement[] = [];
  readonly #loops: Promise<void>[];
  readonly #producers: Producer[] = [];
  #isStopping = false;
  #isAbandoned = false;

  constructor(cluster: TestCluster, topic: string, partitions: readonly number[]) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#loops = partitions.map((partition) => this.#writePartition(partition));
  }

  get acknowledgedCount(): number {
    return this.sent.filter(({ outcome }) => outcome === 'ok').length;
  }

  /** Resolves when every partition has had this many more batches acknowledged than now. */
  async advance(batches: number, timeoutMs = 90_000): Promise<void> {
    const partitions = this.#loops.map((_, partition) => partition);
    const before = partitions.map((partition) => this.#countOf(partition));
    await eventually(
      () => partitions.every((partition) => this.#countOf(partition) >= (before[partition] ?? 0) + batches),
      { timeoutMs, what: `${batches} more batches in each partition` },
    ).catch((error: unknown) => {
      const counts = partitions.map(
        (partition) => `${partition}: ${this.#countOf(partition) - (before[partition] ?? 0)}`,
      );
      throw new Error(
        `writing did not resume (${counts.join(', ')}); last errors: ${this.errors.slice(-5).join('; ')}`,
        {
          cause: error,
        },
      );
    });
  }

  #countOf(partition: number): number {
    return this.#acknowledgements.filter((acknowledgement) => acknowledgement.partition === partition).length;
  }

  /**
   * How long the slowest partition took from the moment to the acknowledgement that ended its longest silence after
   * that moment, milliseconds.
   */
  resumedAfterMs(momentMs: number): number {
    let slowest = 0;
    for (const [partition] of this.#loops.entries()) {
      const times = this.#acknowledgements.filter((ack) => ack.partition === partition).map(({ atMs }) => atMs);
      const later = [momentMs, ...times.filter((atMs) => atMs > momentMs)];
      let longest = 0;
      let resumedAt = momentMs;
      for (let index = 1; index < later.length; index++) {
        const silence = (later[index] ?? 0) - (later[index - 1] ?? 0);
        if (silence > longest) [longest, resumedAt] = [silence, later[index] ?? 0];
      }
      slowest = Math.max(slowest, resumedAt - momentMs);
    }
    return slowest;
  }

  /** Finishes the batches in flight, all of them acknowledged. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#loops);
  }

  /** Ends the writing at once, whatever is in flight: for the end of a test that has failed. */
  async abandon(): Promise<void> {
    this.#isStopping = true;
    this.#isAbandoned = true;
    await Promise.all(this.#producers.map((producer) => producer.disconnect()));
    await Promise.race([Promise.all(this.#loops), sleep(2000)]);
  }

  /** Stops, reads everything back and returns what is wrong. */
  async judge(): Promise<string[]> {
    await this.stop();
    const partitions = [...this.#loops.keys()];
    const read = await Promise.all(
      partitions.map(
        async (partition) => [partition, await readPartition(this.#cluster, this.#topic, partition)] as const,
      ),
    );
    return judgeHistory(this.sent, new Map(read));
  }

  async #writePartition(partition: number): Promise<void> {
    const producer = this.#newProducer();
    this.#producers.push(producer);
    await this.#persist(() => producer.connect());
    for (let batch = 0; !this.#isStopping; batch++) {
      const entries = Array.from({ length: RECORDS_PER_BATCH }, (_, index): Sent => {
        return { value: `${partition}:${batch}:${index}`, partition, outcome: 'info', offset: -1 };
      });
      this.sent.push(...entries);
      const messages = entries.map(({ value }) => ({ value, partition }));
      const [metadata] = await this.#persist(() => producer.send({ topic: this.#topic, acks: -1, messages }));
      const baseOffset = Number(metadata?.baseOffset ?? -1);
      this.#acknowledgements.push({ partition, atMs: performance.now() });
      for (const [index, entry] of entries.entries()) {
        entry.outcome = 'ok';
        entry.offset = baseOffset < 0 ? -1 : baseOffset + index;
      }
      await sleep(PAUSE_MS);
    }
    await producer.disconnect();
  }

  async #persist<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        this.errors.push(String(error));
        if (this.#isAbandoned) throw error;
        await sleep(50);
      }
    }
  }

  #newProducer(): Producer {
    const kafka = new Kafka({
      clientId: 'steady-writer',
      brokers: this.#cluster.addresses,
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 3000,
      retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 10 },
    });
    return kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      retry: { initialRetryTime: 50, maxRetryTime: 200, retries: Number.MAX_SAFE_INTEGER },
    });
  }
}

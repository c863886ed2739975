/**
 * Writes without a pause while the cluster is tormented: for each partition one idempotent producer with acks=all and
 * several batches in flight. After any error it looks for the leader anew and sends every batch that was not
 * acknowledged again, in order and with its sequence numbers, until it is: what the Java client does, without its
 * patience.
 *
 * It is built on the raw API calls of @platformatic/kafka. Whole clients were tried: kafkajs 2 asks the one broker it
 * is connected to forever, also when that broker is frozen, and leaves rejections unhandled while all brokers are away.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, initProducerIdV4, NumericMap, produceV9 } from '@platformatic/kafka';
import { onTestFinished } from 'vitest';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { judgeHistory, type Sent } from './history.ts';
import { describeCluster, readPartition, withConnection } from './wire-client.ts';

const RECORDS_PER_BATCH = 5;
/** Kafka's brokers remember the last five batches of a producer; the Java client has as many in flight. */
const BATCHES_IN_FLIGHT = 4;
/** A writer must leave the machine to the brokers, and never be the reason that nothing happens. */
const PAUSE_MS = 3;
const PATIENCE = { connectTimeout: 1000, requestTimeout: 2000 };

interface Batch {
  readonly entries: Sent[];
  readonly firstSequence: number;
}

interface Acknowledgement {
  readonly partition: number;
  readonly atMs: number;
}

/** A writer that ends with the test at the latest. */
export function startWriter(
  cluster: TestCluster,
  topic: string,
  partitions: readonly number[],
  pauseMs?: number,
): SteadyWriter {
  const writer = new SteadyWriter(cluster, topic, partitions, pauseMs);
  onTestFinished(() => writer.abandon());
  return writer;
}

export class SteadyWriter {
  readonly sent: Sent[] = [];
  /** What the writer met on its way, in order; for the report of a failure. */
  readonly errors: string[] = [];
  readonly #topic: string;
  readonly #pauseMs: number;
  readonly #cluster: TestCluster;
  readonly #acknowledgements: Acknowledgement[] = [];
  readonly #loops: Promise<void>[];
  #isStopping = false;
  #isAbandoned = false;

  constructor(cluster: TestCluster, topic: string, partitions: readonly number[], pauseMs = PAUSE_MS) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#pauseMs = pauseMs;
    this.#loops = partitions.map((partition) => this.#writePartition(partition));
  }

  get acknowledgedCount(): number {
    return this.sent.filter(({ outcome }) => outcome === 'ok').length;
  }

  /** Resolves when every partition has had this many more batches acknowledged than now. */
  async advance(batches: number, timeoutMs = 60_000): Promise<void> {
    const before = this.#counts();
    const gained = (): number[] => this.#counts().map((count, partition) => count - (before[partition] ?? 0));
    try {
      await eventually(() => gained().every((count) => count >= batches), { timeoutMs, what: 'the advance' });
    } catch (cause) {
      const state = `batches by partition: ${gained()}; errors: ${this.#recentErrors()}`;
      throw new Error(`writing does not go on, ${state}`, { cause });
    }
  }

  #counts(): number[] {
    return [...this.#loops.keys()].map(
      (partition) => this.#acknowledgements.filter((acknowledgement) => acknowledgement.partition === partition).length,
    );
  }

  /**
   * The longest time without an acknowledgement that any partition saw after the moment, milliseconds. When a leader
   * is killed at that moment, it is the time from the kill to the first acknowledged write.
   */
  longestSilenceMs(momentMs: number): number {
    let longest = 0;
    for (const partition of this.#loops.keys()) {
      let last = momentMs;
      for (const { atMs, partition: other } of this.#acknowledgements) {
        if (other !== partition || atMs <= momentMs) continue;
        longest = Math.max(longest, atMs - last);
        last = atMs;
      }
    }
    return longest;
  }

  /** Finishes the batches in flight, all of them acknowledged; throws when that does not happen. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    let isDone = false;
    const done = Promise.all(this.#loops).then(() => {
      isDone = true;
    });
    await eventually(() => isDone, { what: 'the last acknowledgement' }).catch((cause) => {
      throw new Error(`the last batches are not acknowledged; errors: ${this.#recentErrors()}`, { cause });
    });
    await done;
  }

  #recentErrors(): string {
    return [...new Set(this.errors.slice(-20))].join('; ');
  }

  /** Ends the writing whatever is in flight: for the end of a test that may have failed. */
  async abandon(): Promise<void> {
    this.#isStopping = true;
    this.#isAbandoned = true;
    await Promise.all(this.#loops);
  }

  /** Stops, reads everything back and returns what is wrong. */
  async judge(): Promise<string[]> {
    await this.stop();
    const read = new Map<number, Awaited<ReturnType<typeof readPartition>>>();
    for (const partition of this.#loops.keys())
      read.set(partition, await readPartition(this.#cluster, this.#topic, partition));
    return judgeHistory(this.sent, read);
  }

  async #writePartition(partition: number): Promise<void> {
    const producerId = await this.#persist(partition, (connection) => newProducerId(connection));
    const pending: Batch[] = [];
    let batchCount = 0;
    const next = (): Batch => {
      const firstSequence = batchCount * RECORDS_PER_BATCH;
      const entries = Array.from({ length: RECORDS_PER_BATCH }, (_, index): Sent => {
        return { value: `${partition}:${batchCount}:${index}`, partition, outcome: 'info', offset: -1 };
      });
      batchCount++;
      this.sent.push(...entries);
      return { entries, firstSequence };
    };
    await this.#persist(partition, async (connection) => {
      const inFlight = pending.map((batch) => this.#send(connection, producerId ?? -1n, batch));
      for (;;) {
        while (!this.#isStopping && pending.length < BATCHES_IN_FLIGHT) {
          const batch = next();
          pending.push(batch);
          inFlight.push(this.#send(connection, producerId ?? -1n, batch));
        }
        const [batch] = pending;
        if (batch === undefined) return;
        const baseOffset = await inFlight.shift();
        if (typeof baseOffset !== 'number')
          throw new Error(`partition ${partition} from sequence ${batch.firstSequence}: ${reasonOf(baseOffset)}`);
        pending.shift();
        this.#acknowledge(partition, batch, baseOffset);
        await sleep(this.#pauseMs);
      }
    });
  }

  #acknowledge(partition: number, { entries }: Batch, baseOffset: number): void {
    this.#acknowledgements.push({ partition, atMs: performance.now() });
    for (const [index, entry] of entries.entries()) {
      entry.outcome = 'ok';
      entry.offset = baseOffset + index;
    }
  }

  /** Resolves to the base offset or to the error, so that no rejection is left alone when an earlier batch fails. */
  async #send(connection: Connection, producerId: bigint, batch: Batch): Promise<number | Error> {
    const [first] = batch.entries;
    if (first === undefined) throw new Error('an empty batch');
    const sequences = new NumericMap([[`${this.#topic}:${first.partition}`, batch.firstSequence]]);
    const messages = batch.entries.map(({ value, partition }) => ({
      topic: this.#topic,
      partition,
      value: Buffer.from(value),
    }));
    try {
      const options = { producerId, producerEpoch: 0, sequences };
      const response = await produceV9.api.async(connection, -1, 20_000, messages, options);
      if (typeof response === 'boolean') throw new Error('no answer');
      return Number(response.responses[0]?.partitionResponses[0]?.baseOffset ?? -1n);
    } catch (error) {
      return error as Error;
    }
  }

  /** Does the work with the leader of the partition, again and again until it succeeds or the writer is abandoned. */
  async #persist<T>(partition: number, work: (connection: Connection) => Promise<T>): Promise<T | null> {
    for (let attempt = 0; !this.#isAbandoned; attempt++) {
      const asked = this.#cluster.addresses[attempt % this.#cluster.addresses.length] ?? '';
      try {
        const view = await describeCluster(asked, [this.#topic], PATIENCE);
        const leader = view.topics[0]?.partitions[partition]?.leader ?? -1;
        const address = view.brokers.find(({ id }) => id === leader);
        if (address === undefined) throw new Error(`${asked} knows no leader of partition ${partition}`);
        return await withConnection(`${address.host}:${address.port}`, work, PATIENCE);
      } catch (error) {
        this.errors.push(reasonOf(error));
        await sleep(20);
      }
    }
    return null;
  }
}

async function newProducerId(connection: Connection): Promise<bigint> {
  const { producerId } = await initProducerIdV4.api.async(connection, null, 60_000, -1n, -1);
  return producerId;
}

function reasonOf(error: unknown): string {
  const { errors, message } = error as AggregateError;
  return errors === undefined ? message : errors.map(reasonOf).join(', ');
}

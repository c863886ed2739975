/**
 * @pure The records of one partition that wait to be sent, gathered into batches (Kafka's RecordAccumulator).
 *
 * Guarantees: records leave in the order they came; at most one batch of the partition is on its way, so a batch that
 * is sent again cannot overtake another.
 */
import type { NewRecord } from '../protocol/records/build.ts';

/** Where a record has got to. */
export interface RecordPlace {
  readonly partition: number;
  /** -1 when the broker did not say. */
  readonly offset: number;
  readonly timestampMs: number;
}

/** Told where the record is, or what became of it instead. */
export type Delivered = (failure: Error | null, place: RecordPlace | null) => void;

export interface ProducerStamp {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

export interface PendingBatch {
  readonly records: NewRecord[];
  readonly delivered: Delivered[];
  readonly createdMs: number;
  sizeBytes: number;
  attempts: number;
  /** Not before this monotonic time. */
  retryAtMs: number;
  /** Given when the batch is sent first, kept when it is sent again: what makes the broker notice a repetition. */
  stamp: ProducerStamp | null;
}

export class BatchQueue {
  readonly partition: number;
  readonly #batchSizeBytes: number;
  readonly #batches: PendingBatch[] = [];
  #inFlight: PendingBatch | null = null;
  /** The sequence number of the next batch, under the producer id it counts for. */
  nextSequence = 0;
  sequenceOfProducerId = -1;

  constructor(partition: number, batchSizeBytes: number) {
    this.partition = partition;
    this.#batchSizeBytes = batchSizeBytes;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0 && this.#inFlight === null;
  }

  add(record: NewRecord, sizeBytes: number, delivered: Delivered, nowMs: number): void {
    const last = this.#batches.at(-1);
    const fits = last !== undefined && last.attempts === 0 && last.sizeBytes + sizeBytes <= this.#batchSizeBytes;
    const batch = fits ? last : this.#begin(nowMs);
    batch.records.push(record);
    batch.delivered.push(delivered);
    batch.sizeBytes += sizeBytes;
  }

  #begin(nowMs: number): PendingBatch {
    const batch: PendingBatch = {
      records: [],
      delivered: [],
      createdMs: nowMs,
      sizeBytes: 0,
      attempts: 0,
      retryAtMs: 0,
      stamp: null,
    };
    this.#batches.push(batch);
    return batch;
  }

  /** When the first batch is due, in monotonic milliseconds; null when nothing waits or a batch is on its way. */
  dueMs(lingerMs: number, isFlushing: boolean): number | null {
    const [first, second] = this.#batches;
    if (first === undefined || this.#inFlight !== null) return null;
    const isFull = second !== undefined || first.sizeBytes >= this.#batchSizeBytes;
    const lingerUntil = isFlushing || isFull || first.attempts > 0 ? 0 : first.createdMs + lingerMs;
    return Math.max(lingerUntil, first.retryAtMs);
  }

  /** The oldest record's birth; null when nothing waits. */
  get oldestMs(): number | null {
    return this.#batches[0]?.createdMs ?? null;
  }

  take(): PendingBatch | null {
    this.#inFlight = this.#batches.shift() ?? null;
    return this.#inFlight;
  }

  /** The batch on its way has arrived, or is given up. */
  settle(): void {
    this.#inFlight = null;
  }

  putBack(batch: PendingBatch): void {
    this.#inFlight = null;
    this.#batches.unshift(batch);
  }

  /** Takes out the first batch when it is older than that and not on its way. */
  expire(createdBeforeMs: number): PendingBatch | null {
    const [first] = this.#batches;
    return first !== undefined && first.createdMs < createdBeforeMs ? (this.#batches.shift() ?? null) : null;
  }
}

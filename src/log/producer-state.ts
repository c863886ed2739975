/**
 * @pure Who wrote to the partition and how far (Kafka's ProducerStateManager and ProducerAppendInfo): what makes a
 * repeated batch answer its first offset instead of being written twice, and a batch that leaves a gap be refused.
 *
 * Invariant: the state is a function of the batches from the log's start up to `mapEndOffset`, so that every replica,
 * and the same replica after a restart, decides alike. Checking never changes it; applying never fails.
 */
import { KafkaError } from '../protocol/errors.ts';
import {
  BATCHES_TO_RETAIN,
  type BatchMetadata,
  emptyEntry,
  isNextSequence,
  NO_PRODUCER_EPOCH,
  NO_SEQUENCE,
  type ProducerEntry,
  retreatSequence,
} from './producer-entry.ts';

/** The header fields of a batch that concern its producer. */
export interface ProducerBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly maxTimestamp: number;
  readonly isTransactional: boolean;
}

export interface EndMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly isAbort: boolean;
}

/**
 * A transaction that a marker has ended; its records lie in [firstOffset, lastOffset], where the last is the marker.
 */
export interface CompletedTxn {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly isAbort: boolean;
}

export class ProducerState {
  readonly #partitionName: string;
  readonly #producers = new Map<number, ProducerEntry>();
  /** Transactions whose marker is in the log but not yet below the high watermark: still unstable. */
  #unreplicated: CompletedTxn[] = [];
  #openTxnCount = 0;
  /** All batches below are accounted for. */
  mapEndOffset = 0;

  constructor(partitionName: string) {
    this.#partitionName = partitionName;
  }

  get producers(): ReadonlyMap<number, ProducerEntry> {
    return this.#producers;
  }

  /** The earliest offset of a transaction that is open or not yet known to be replicated; -1 when there is none. */
  get firstUnstableOffset(): number {
    if (this.#openTxnCount === 0 && this.#unreplicated.length === 0) return -1;
    let first = this.#firstOpenOffset(-1);
    for (const txn of this.#unreplicated) if (first < 0 || txn.firstOffset < first) first = txn.firstOffset;
    return first;
  }

  /** The batch of the last five that this one repeats, if any: the same producer, epoch and sequences. */
  findDuplicate(batch: ProducerBatch): BatchMetadata | null {
    const entry = this.#producers.get(batch.producerId);
    if (entry === undefined || entry.producerEpoch !== batch.producerEpoch) return null;
    const same = entry.batches.find(
      ({ firstSequence, lastSequence }) => firstSequence === batch.baseSequence && lastSequence === batch.lastSequence,
    );
    return same ?? null;
  }

  /**
   * Refuses what would break the order of a producer's records. A client's batch must follow the last one, begin at 0
   * under a new epoch, or come from a producer that is not (or no longer) known; a coordinator's must only not be older
   * than the epoch.
   */
  check(batch: ProducerBatch, firstOffset: number, origin: 'client' | 'coordinator'): void {
    const entry = this.#producers.get(batch.producerId);
    if (entry === undefined) return;
    if (batch.producerEpoch < entry.producerEpoch)
      throw new KafkaError(
        'INVALID_PRODUCER_EPOCH',
        `Epoch of producer ${batch.producerId} at offset ${firstOffset} in ${this.#partitionName} is ` +
          `${batch.producerEpoch}, which is smaller than the last seen epoch ${entry.producerEpoch}`,
      );
    if (origin === 'client') this.#checkSequence(entry, batch, firstOffset);
    if (entry.currentTxnFirstOffset >= 0 && !batch.isTransactional)
      throw new KafkaError(
        'INVALID_TXN_STATE',
        `Expected transactional write from producer ${batch.producerId} at offset ${firstOffset} in ` +
          `${this.#partitionName}`,
      );
  }

  #checkSequence(entry: ProducerEntry, batch: ProducerBatch, firstOffset: number): void {
    if (entry.producerEpoch === NO_PRODUCER_EPOCH) return;
    if (batch.producerEpoch !== entry.producerEpoch) {
      if (batch.baseSequence === 0) return;
      throw new KafkaError(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `Invalid sequence number for new epoch of producer ${batch.producerId} at offset ${firstOffset} in partition ` +
          `${this.#partitionName}: ${batch.producerEpoch} (request epoch), ${batch.baseSequence} (seq. number), ` +
          `${entry.producerEpoch} (current producer epoch)`,
      );
    }
    // An entry without batches comes from an end marker: the next batch of that epoch has to be its first.
    const lastSequence = entry.batches.at(-1)?.lastSequence ?? NO_SEQUENCE;
    if (isNextSequence(lastSequence, batch.baseSequence)) return;
    throw new KafkaError(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      `Out of order sequence number for producer ${batch.producerId} at offset ${firstOffset} in partition ` +
        `${this.#partitionName}: ${batch.baseSequence} (incoming seq. number), ${lastSequence} (current end ` +
        `sequence number)`,
    );
  }

  /** Takes in a data batch that is in the log at [firstOffset, lastOffset]. */
  applyBatch(batch: ProducerBatch, firstOffset: number, lastOffset: number): void {
    const entry = this.#entryFor(batch.producerId, batch.producerEpoch);
    if (entry.batches.length === BATCHES_TO_RETAIN) entry.batches.shift();
    entry.batches.push({
      firstSequence: retreatSequence(batch.lastSequence, lastOffset - firstOffset),
      lastSequence: batch.lastSequence,
      firstOffset,
      lastOffset,
      timestampMs: batch.maxTimestamp,
    });
    entry.lastTimestampMs = batch.maxTimestamp;
    if (batch.isTransactional && entry.currentTxnFirstOffset < 0) {
      entry.currentTxnFirstOffset = firstOffset;
      this.#openTxnCount++;
    }
  }

  /** Takes in an end marker that is in the log; returns the transaction that it ends, if that had any data here. */
  applyEndMarker(marker: EndMarker, offset: number, timestampMs: number): CompletedTxn | null {
    const entry = this.#entryFor(marker.producerId, marker.producerEpoch);
    const firstOffset = entry.currentTxnFirstOffset;
    entry.coordinatorEpoch = marker.coordinatorEpoch;
    entry.lastTimestampMs = timestampMs;
    entry.currentTxnFirstOffset = -1;
    if (firstOffset < 0) return null;
    this.#openTxnCount--;
    const completed = { producerId: marker.producerId, firstOffset, lastOffset: offset, isAbort: marker.isAbort };
    this.#unreplicated.push(completed);
    return completed;
  }

  /** The first offset that would be unstable once the transaction has ended: what the transaction index records. */
  lastStableOffsetAfter(completed: CompletedTxn): number {
    const next = this.#firstOpenOffset(completed.producerId);
    return next < 0 ? completed.lastOffset + 1 : next;
  }

  onHighWatermark(highWatermark: number): void {
    if (this.#unreplicated.length > 0)
      this.#unreplicated = this.#unreplicated.filter((txn) => txn.lastOffset >= highWatermark);
  }

  /** The log now begins at the offset. Producers stay: their sequences still count. */
  onLogStartOffset(logStartOffset: number): void {
    this.onHighWatermark(logStartOffset);
    this.mapEndOffset = Math.max(this.mapEndOffset, logStartOffset);
  }

  /** Forgets producers that have been silent for so long; a producer with an open transaction stays. */
  removeExpired(nowMs: number, expirationMs: number): number {
    const before = this.#producers.size;
    for (const [producerId, entry] of this.#producers)
      if (isExpired(entry, nowMs, expirationMs)) this.#producers.delete(producerId);
    return before - this.#producers.size;
  }

  /** Replaces everything by what a snapshot at the offset holds, less the expired. */
  load(entries: readonly ProducerEntry[], offset: number, nowMs: number, expirationMs: number): void {
    this.clear(offset);
    for (const entry of entries) {
      if (isExpired(entry, nowMs, expirationMs)) continue;
      this.#producers.set(entry.producerId, entry);
      if (entry.currentTxnFirstOffset >= 0) this.#openTxnCount++;
    }
  }

  clear(mapEndOffset: number): void {
    this.#producers.clear();
    this.#unreplicated = [];
    this.#openTxnCount = 0;
    this.mapEndOffset = mapEndOffset;
  }

  #entryFor(producerId: number, producerEpoch: number): ProducerEntry {
    let entry = this.#producers.get(producerId);
    if (entry === undefined) {
      entry = emptyEntry(producerId);
      this.#producers.set(producerId, entry);
    }
    if (entry.producerEpoch !== producerEpoch) {
      entry.producerEpoch = producerEpoch;
      entry.batches = [];
    }
    return entry;
  }

  #firstOpenOffset(exceptProducerId: number): number {
    let first = -1;
    if (this.#openTxnCount === 0) return first;
    for (const entry of this.#producers.values()) {
      const offset = entry.currentTxnFirstOffset;
      if (offset >= 0 && entry.producerId !== exceptProducerId && (first < 0 || offset < first)) first = offset;
    }
    return first;
  }
}

function isExpired(entry: ProducerEntry, nowMs: number, expirationMs: number): boolean {
  return entry.currentTxnFirstOffset < 0 && nowMs - entry.lastTimestampMs >= expirationMs;
}

/**
 * @pure Which transactions the batches that compaction passes belong to (Kafka's CleanedTransactionMetadata). Records
 * of aborted transactions may go at once; a marker only when none of its transaction's batches is left, because without
 * it they would look open, or committed.
 *
 * The batches are shown in the order of the log, each once.
 */
import type { RecordBatch } from '../protocol/records/batch.ts';
import { endMarkerOf } from './producer-replay.ts';
import type { AbortedTxn } from './transaction-index.ts';

interface OngoingAbort {
  readonly txn: AbortedTxn;
  hasBatches: boolean;
}

export class CleanedTransactions {
  /** Those that begin behind what was passed, the first last. */
  readonly #coming: AbortedTxn[];
  readonly #onMarkerKept: (txn: AbortedTxn) => void;
  readonly #aborting = new Map<number, OngoingAbort>();
  readonly #committing = new Set<number>();

  /** `onMarkerKept` hears of each aborted transaction that must stay in the transaction index. */
  constructor(aborted: readonly AbortedTxn[], onMarkerKept: (txn: AbortedTxn) => void) {
    this.#coming = [...aborted].sort((one, other) => other.firstOffset - one.firstOffset);
    this.#onMarkerKept = onMarkerKept;
  }

  /** Whether nothing needs the batch any more as far as transactions go. */
  isDiscardable(batch: RecordBatch): boolean {
    this.#passUpTo(batch.lastOffset);
    return batch.isControl ? this.#isMarkerDiscardable(batch) : this.#isAborted(batch);
  }

  #isMarkerDiscardable(batch: RecordBatch): boolean {
    // The marker itself went earlier.
    if (batch.recordCount === 0) return true;
    const marker = endMarkerOf(batch);
    if (marker === null) return false;
    const { producerId, isAbort } = marker;
    if (!isAbort) return !this.#committing.delete(producerId);
    const abort = this.#aborting.get(producerId);
    this.#aborting.delete(producerId);
    if (abort?.hasBatches !== true) return true;
    this.#onMarkerKept(abort.txn);
    return false;
  }

  #isAborted(batch: RecordBatch): boolean {
    if (!batch.isTransactional) return false;
    const abort = this.#aborting.get(batch.producerId);
    if (abort === undefined) {
      this.#committing.add(batch.producerId);
      return false;
    }
    abort.hasBatches = true;
    return true;
  }

  #passUpTo(offset: number): void {
    for (let next = this.#coming.at(-1); next !== undefined && next.firstOffset <= offset; next = this.#coming.at(-1)) {
      this.#coming.pop();
      if (!this.#aborting.has(next.producerId)) this.#aborting.set(next.producerId, { txn: next, hasBatches: false });
    }
  }
}

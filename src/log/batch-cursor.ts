/**
 * Steps through the headers of the batches in a file, synchronously and without a look at their records: for the short
 * way from an index entry to the batch that is wanted. Fields are those of the batch it stands on.
 *
 * It stops where the bytes cannot be a batch (an index that lies, a file cut short), and says so by `isBroken`.
 */
import { assert } from '../lib/assert.ts';
import type { DiskFile } from '../lib/disk.ts';
import { MAGIC_V2, RECORD_BATCH_OVERHEAD, RecordBatch } from '../protocol/records/batch.ts';

/** Bytes read at once. */
const WINDOW_SIZE_BYTES = 8192;

/** One window serves all cursors: they are used one after the other, and one that finds it taken reads anew. */
const window = Buffer.allocUnsafeSlow(WINDOW_SIZE_BYTES);
let windowOwner: BatchCursor | null = null;

export class BatchCursor {
  readonly #file: DiskFile;
  readonly #end: number;
  #windowStart = 0;
  #windowLength = 0;
  #nextPosition: number;
  #header: RecordBatch | null = null;

  /** Where the batch begins in the file. */
  position = -1;
  baseOffset = -1;
  lastOffset = -1;
  isBroken = false;

  /** Begins at `position`, which must be the start of a batch, and stops at `end`. */
  constructor(file: DiskFile, position: number, end: number) {
    this.#file = file;
    this.#end = end;
    this.#nextPosition = position;
  }

  /** Where the batch behind this one begins. */
  get nextPosition(): number {
    return this.#nextPosition;
  }

  /** All fields of the batch's header, but not its records. Valid until any cursor moves. */
  get header(): RecordBatch {
    assert(this.#header !== null && windowOwner === this, 'the cursor stands on no batch');
    return this.#header;
  }

  /** Moves to the next batch; false at the end, or where the bytes are no batch. */
  next(): boolean {
    const position = this.#nextPosition;
    if (this.isBroken || position >= this.#end) return false;
    const header = this.#load(position);
    if (header === null || header.sizeBytes < RECORD_BATCH_OVERHEAD || header.magic !== MAGIC_V2) return this.#stop();
    this.#header = header;
    this.position = position;
    this.baseOffset = header.baseOffset;
    this.lastOffset = header.lastOffset;
    this.#nextPosition = position + header.sizeBytes;
    return this.#nextPosition <= this.#end || this.#stop();
  }

  /** Stands before the batch again. */
  goBack(): void {
    this.#nextPosition = this.position;
    this.#header = null;
  }

  #stop(): false {
    this.isBroken = true;
    this.#header = null;
    return false;
  }

  #load(position: number): RecordBatch | null {
    if (position + RECORD_BATCH_OVERHEAD > this.#end) return null;
    const isInside =
      windowOwner === this &&
      position >= this.#windowStart &&
      position + RECORD_BATCH_OVERHEAD <= this.#windowStart + this.#windowLength;
    if (!isInside) {
      windowOwner = this;
      this.#windowStart = position;
      const length = Math.min(WINDOW_SIZE_BYTES, this.#end - position);
      this.#windowLength = this.#file.readInto(window, 0, position, length);
      if (this.#windowLength < RECORD_BATCH_OVERHEAD) return null;
    }
    return new RecordBatch(window, position - this.#windowStart);
  }
}

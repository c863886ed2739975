/**
 * The batches of a `.log` file, read piece by piece so that a file of any size can be looked at (Kafka's FileRecords).
 * A batch is valid until the next one is asked for.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { KafkaError } from '../protocol/errors.ts';
import { batchSizeAt, LOG_OVERHEAD, RecordBatch } from '../protocol/records/batch.ts';

const WINDOW_BYTES = 4 * 1024 * 1024;
/** offset, size, crc or leader epoch, magic: what must be there to know what a batch is. */
const HEADER_UP_TO_MAGIC = 17;

export class SegmentFile {
  readonly sizeBytes: number;
  readonly #fd: number;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;

  /** @throws ENOENT and its kin */
  constructor(file: string) {
    this.#fd = openSync(file, 'r');
    this.sizeBytes = fstatSync(this.#fd).size;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /**
   * The first batch that begins at the position and ends before `end`; null when there is no whole one. @throws
   * KafkaError
   */
  batchAt(position: number, end = this.sizeBytes): RecordBatch | null {
    if (position + HEADER_UP_TO_MAGIC > end) return null;
    this.#load(position, Math.min(WINDOW_BYTES, this.sizeBytes - position));
    const start = position - this.#windowStart;
    const length = this.#window.readInt32BE(start + 8);
    const sizeBytes = LOG_OVERHEAD + length;
    if (length > 0 && position + sizeBytes > end) return null;
    if (length > 0) this.#load(position, sizeBytes);
    const at = position - this.#windowStart;
    // Also refuses lengths that no batch can have.
    return batchSizeAt(this.#window, at, this.#window.length) === null ? null : new RecordBatch(this.#window, at);
  }

  /** From the position on, each batch with where it lies in the file. @throws KafkaError for bytes that are no batch */
  *batches(from = 0, end = this.sizeBytes): Generator<{ batch: RecordBatch; position: number }, void, undefined> {
    let position = from;
    for (let batch = this.batchAt(position, end); batch !== null; batch = this.batchAt(position, end)) {
      const { sizeBytes } = batch;
      yield { batch, position };
      position += sizeBytes;
    }
  }

  #load(position: number, length: number): void {
    if (position >= this.#windowStart && position + length <= this.#windowStart + this.#window.length) return;
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.sizeBytes - position);
    const window = Buffer.allocUnsafe(wanted);
    let filled = 0;
    while (filled < wanted) {
      const count = readSync(this.#fd, window, filled, wanted - filled, position + filled);
      if (count === 0) throw new KafkaError('CORRUPT_MESSAGE', 'the file became shorter while it was read');
      filled += count;
    }
    this.#window = window;
    this.#windowStart = position;
  }
}

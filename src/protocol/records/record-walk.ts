/**
 * @pure Goes through the records of a batch where they lie, and makes batches of those that are to stay: byte for byte
 * what they were, headers and all. For compaction, which wants of a record its key and whether it has a value.
 */
import { KafkaError } from '../errors.ts';
import { Reader } from '../reader.ts';
import { Writer } from '../writer.ts';
import { LOG_OVERHEAD, NO_TIMESTAMP, RECORD_BATCH_OVERHEAD, RecordBatch } from './batch.ts';
import { sizeOfVarint } from './build.ts';
import { compress, decompress, MAX_DECOMPRESSED_BYTES } from './compression.ts';

/** The fields are those of the record it stands on. */
export class RecordWalk {
  readonly #batch: RecordBatch;
  readonly #reader: Reader;
  #left: number;
  /** All records, decompressed; the positions below are in it. */
  readonly bytes: Buffer;
  start = 0;
  end = 0;
  offset = -1;
  /** The record's own, whatever the timestamp type of the batch. */
  timestampMs = NO_TIMESTAMP;
  /** Where what follows its timestamp begins. */
  bodyStart = 0;
  /** Aliases `bytes`. */
  key: Buffer | null = null;
  hasValue = false;

  /** Throws KafkaError when the batch cannot be decompressed within the bound. */
  constructor(batch: RecordBatch, maxBytes = MAX_DECOMPRESSED_BYTES) {
    const { compression, sizeBytes } = batch;
    if (compression === null || sizeBytes < RECORD_BATCH_OVERHEAD) throw invalid(batch, 'it has no records');
    const stored = batch.buffer.subarray(batch.position + RECORD_BATCH_OVERHEAD, batch.endPosition);
    this.#batch = batch;
    this.#left = batch.recordCount;
    // A batch that compaction has emptied is not compressed, whatever it was.
    this.bytes = batch.recordCount === 0 ? stored : decompress(compression, stored, maxBytes);
    this.#reader = new Reader(this.bytes);
  }

  /** Stands before the first record again. */
  restart(): void {
    this.#reader.offset = 0;
    this.#left = this.#batch.recordCount;
  }

  /** Steps to the next record; false at the end. Throws INVALID_RECORD where the bytes are none. */
  next(): boolean {
    const reader = this.#reader;
    if (this.#left <= 0) {
      if (reader.remaining > 0 || this.#left < 0) throw invalid(this.#batch, `${reader.remaining} bytes are left over`);
      return false;
    }
    this.#left--;
    try {
      this.#read(reader);
    } catch (error) {
      if (error instanceof RangeError) throw invalid(this.#batch, error.message);
      throw error;
    }
    return true;
  }

  #read(reader: Reader): void {
    const { baseOffset, baseTimestamp } = this.#batch;
    this.start = reader.offset;
    const size = reader.varint();
    if (size < 0 || size > reader.remaining)
      throw new RangeError(`a record of ${size} bytes, ${reader.remaining} are left`);
    this.end = reader.offset + size;
    reader.int8(); // attributes: none are in use
    this.timestampMs = baseTimestamp + reader.saturatingVarlong();
    this.bodyStart = reader.offset;
    this.offset = baseOffset + reader.varint();
    const keyLength = reader.varint();
    this.key = keyLength < 0 ? null : reader.slice(keyLength);
    const valueLength = reader.varint();
    this.hasValue = valueLength >= 0;
    if (reader.offset + Math.max(valueLength, 0) > this.end)
      throw new RangeError(`a record ends at ${this.end} within its fields`);
    reader.offset = this.end;
  }
}

function invalid(batch: RecordBatch, what: string): KafkaError {
  return new KafkaError('INVALID_RECORD', `Invalid record batch at offset ${batch.baseOffset}: ${what}`);
}

/**
 * Collects the records that stay and makes a batch of them: the offsets it spans, its producer, its codec and their
 * timestamps as they were.
 */
export class KeptRecords {
  readonly #batch: RecordBatch;
  readonly #walk: RecordWalk;
  /** When the tombstones or the marker among them may go; null leaves what the batch says. */
  readonly #deleteHorizonMs: number | null;
  readonly #writer: Writer;
  #count = 0;
  #maxTimestamp = NO_TIMESTAMP;

  constructor(batch: RecordBatch, walk: RecordWalk, deleteHorizonMs: number | null) {
    this.#batch = batch;
    this.#walk = walk;
    this.#deleteHorizonMs = deleteHorizonMs;
    this.#writer = new Writer(Buffer.allocUnsafe(walk.bytes.length + 64));
  }

  /** Keeps the record that the walk stands on. */
  add(): void {
    const { bytes, start, end, bodyStart, timestampMs } = this.#walk;
    const writer = this.#writer;
    this.#count++;
    this.#maxTimestamp = Math.max(this.#maxTimestamp, timestampMs);
    if (this.#deleteHorizonMs === null) {
      writer.raw(bytes.subarray(start, end));
      return;
    }
    const delta = timestampMs - this.#deleteHorizonMs;
    writer.varint(1 + sizeOfVarint(delta) + end - bodyStart);
    writer.int8(0); // attributes: none are in use
    writer.varlong(delta);
    writer.raw(bytes.subarray(bodyStart, end));
  }

  toBatch(): Buffer {
    const original = this.#batch;
    const records = compress(original.compression ?? 'none', this.#writer.finish());
    const header = original.buffer.subarray(original.position, original.position + RECORD_BATCH_OVERHEAD);
    const bytes = Buffer.concat([header, records]);
    const batch = new RecordBatch(bytes);
    batch.batchLength = bytes.length - LOG_OVERHEAD;
    batch.recordCount = this.#count;
    if (original.timestampType === 'CreateTime') batch.maxTimestamp = this.#maxTimestamp;
    if (this.#deleteHorizonMs !== null) batch.setDeleteHorizon(this.#deleteHorizonMs);
    batch.writeCrc();
    return bytes;
  }
}

/** The header of the batch alone: offsets, sequence, epoch and time stay, the records are gone (KAFKA-5490). */
export function emptied(original: RecordBatch): Buffer {
  const start = original.position;
  const bytes = Buffer.from(original.buffer.subarray(start, start + RECORD_BATCH_OVERHEAD));
  const batch = new RecordBatch(bytes);
  batch.setEmpty();
  batch.writeCrc();
  return bytes;
}

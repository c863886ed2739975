/**
 * @pure Opens a batch: its records, decompressed and parsed. Only where Kafka's semantics need it (keys of compacted
 * topics, coordinators' topics, timestamps' offsets); data on its way from socket to disk to socket is never opened.
 */
import { KafkaError } from '../errors.ts';
import { Reader } from '../reader.ts';
import { RECORD_BATCH_OVERHEAD, type RecordBatch } from './batch.ts';
import type { RecordHeader } from './build.ts';
import { decompress, MAX_DECOMPRESSED_BYTES } from './compression.ts';

export interface OpenedRecord {
  readonly offset: number;
  readonly timestampMs: number;
  /** Aliases the batch, or what it was decompressed into. */
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

export interface OpenOptions {
  /** The most that the records may become when decompressed. */
  readonly maxBytes?: number;
}

/** The shortest record: length, attributes, two deltas, two null lengths, no headers; one byte each. */
const RECORD_MINIMUM_BYTES = 7;
/** A header's key and value are at least one byte of length each. */
const HEADER_MINIMUM_BYTES = 2;
const NO_HEADERS: readonly RecordHeader[] = [];

/**
 * All records of the batch in order. Throws INVALID_RECORD when the batch does not hold exactly the records it
 * declares, or MESSAGE_TOO_LARGE beyond `maxBytes`. The checksum is not looked at.
 */
export function openBatch(batch: RecordBatch, options: OpenOptions = {}): OpenedRecord[] {
  return [...recordsOf(batch, options)];
}

/** The same one by one, for batches of any size; what is wrong with a record is thrown when it is reached. */
export function* recordsOf(batch: RecordBatch, options: OpenOptions = {}): Generator<OpenedRecord, void, undefined> {
  const { compression, recordCount, sizeBytes } = batch;
  if (compression === null) throw invalid('unknown compression type');
  if (sizeBytes < RECORD_BATCH_OVERHEAD) throw invalid(`a batch of ${sizeBytes} bytes`);
  const stored = batch.buffer.subarray(batch.position + RECORD_BATCH_OVERHEAD, batch.endPosition);
  const reader = new Reader(decompress(compression, stored, options.maxBytes ?? MAX_DECOMPRESSED_BYTES));
  if (recordCount < 0 || recordCount * RECORD_MINIMUM_BYTES > reader.remaining) {
    throw invalid(`${recordCount} records declared in ${reader.remaining} bytes`);
  }
  const { baseOffset, baseTimestamp } = batch;
  const logAppendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : null;
  for (let i = 0; i < recordCount; i++) yield readRecord(reader, baseOffset, baseTimestamp, logAppendTime);
  if (reader.remaining > 0) throw invalid(`${reader.remaining} bytes after the last record`);
}

function readRecord(
  reader: Reader,
  baseOffset: number,
  baseTimestamp: number,
  logAppendTime: number | null,
): OpenedRecord {
  try {
    const size = reader.varint();
    if (size < 0 || size > reader.remaining)
      throw invalid(`a record of ${size} bytes where ${reader.remaining} are left`);
    const end = reader.offset + size;
    reader.int8(); // attributes: none are in use
    const timestampMs = baseTimestamp + reader.saturatingVarlong();
    const offset = baseOffset + reader.varint();
    const key = readBytes(reader);
    const value = readBytes(reader);
    const headers = readHeaders(reader);
    if (reader.offset !== end) throw invalid(`a record ends at ${reader.offset} instead of ${end}`);
    return { offset, timestampMs: logAppendTime ?? timestampMs, key, value, headers };
  } catch (error) {
    if (error instanceof RangeError) throw invalid(error.message);
    throw error;
  }
}

function readBytes(reader: Reader): Buffer | null {
  const length = reader.varint();
  return length < 0 ? null : reader.slice(length);
}

function readHeaders(reader: Reader): readonly RecordHeader[] {
  const count = reader.varint();
  if (count === 0) return NO_HEADERS;
  if (count < 0 || count * HEADER_MINIMUM_BYTES > reader.remaining) throw invalid(`${count} headers`);
  const headers: RecordHeader[] = [];
  for (let i = 0; i < count; i++) {
    const key = readBytes(reader);
    if (key === null) throw invalid('a header without a key');
    headers.push({ key: key.toString('utf8'), value: readBytes(reader) });
  }
  return headers;
}

function invalid(what: string): KafkaError {
  return new KafkaError('INVALID_RECORD', `Invalid record batch: ${what}`);
}

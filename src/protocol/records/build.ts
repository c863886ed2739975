/**
 * @pure Builds record batches (magic 2): what coordinators write into their topics, control batches, conversions of
 * older formats, and the batches that compaction leaves. Layout of a record: Kafka's class DefaultRecord.
 */
import { Writer } from '../writer.ts';
import {
  batchAttributes,
  LOG_OVERHEAD,
  MAGIC_V2,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
} from './batch.ts';
import { compress } from './compression.ts';
import type { CompressionType } from './codecs.ts';

export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

export interface NewRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly RecordHeader[];
  /** -1 for none. */
  readonly timestampMs: number;
  /** The next one after the record before it when left out; the first is the batch's base offset. */
  readonly offset?: number;
}

export interface NewBatch {
  readonly records: readonly NewRecord[];
  readonly baseOffset?: number;
  /** Inclusive. Only needed when compaction took the last record, or all. */
  readonly lastOffset?: number;
  readonly compression?: CompressionType;
  /** Makes the timestamp type LogAppendTime, with this as the time of every record. */
  readonly logAppendTimeMs?: number;
  readonly partitionLeaderEpoch?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
}

/** The bytes of the whole batch with its checksum. */
export function buildBatch(batch: NewBatch): Buffer {
  const { records, baseOffset = 0, compression = 'none' } = batch;
  const baseTimestamp = records[0]?.timestampMs ?? NO_TIMESTAMP;
  let offset = baseOffset - 1;
  let maxTimestamp = NO_TIMESTAMP;
  const writer = new Writer(Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + sizeEstimate(records)));
  writeHeader(writer, batch, baseTimestamp);
  for (const record of records) {
    offset = record.offset ?? offset + 1;
    maxTimestamp = Math.max(maxTimestamp, record.timestampMs);
    writeRecord(writer, record, record.timestampMs - baseTimestamp, offset - baseOffset);
  }
  let bytes = writer.finish();
  if (compression !== 'none') {
    const header = bytes.subarray(0, RECORD_BATCH_OVERHEAD);
    bytes = Buffer.concat([header, compress(compression, bytes.subarray(RECORD_BATCH_OVERHEAD))]);
  }
  return finishBatch(bytes, (batch.lastOffset ?? offset) - baseOffset, batch.logAppendTimeMs ?? maxTimestamp);
}

/** Everything but the two lengths, the last offset and the maximum timestamp, which are known at the end. */
function writeHeader(writer: Writer, batch: NewBatch, baseTimestamp: number): void {
  writer.int64(batch.baseOffset ?? 0);
  writer.int32(0); // batchLength
  writer.int32(batch.partitionLeaderEpoch ?? NO_PARTITION_LEADER_EPOCH);
  writer.int8(MAGIC_V2);
  writer.int32(0); // crc
  writer.int16(
    batchAttributes({
      compression: batch.compression ?? 'none',
      timestampType: batch.logAppendTimeMs === undefined ? 'CreateTime' : 'LogAppendTime',
      isTransactional: batch.isTransactional ?? false,
      isControl: batch.isControl ?? false,
    }),
  );
  writer.int32(0); // lastOffsetDelta
  writer.int64(baseTimestamp);
  writer.int64(0); // maxTimestamp
  writer.int64(batch.producerId ?? NO_PRODUCER_ID);
  writer.int16(batch.producerEpoch ?? NO_PRODUCER_EPOCH);
  writer.int32(batch.baseSequence ?? NO_SEQUENCE);
  writer.int32(batch.records.length);
}

function finishBatch(bytes: Buffer, lastOffsetDelta: number, maxTimestamp: number): Buffer {
  const view = new RecordBatch(bytes);
  view.batchLength = bytes.length - LOG_OVERHEAD;
  view.lastOffsetDelta = lastOffsetDelta;
  view.maxTimestamp = maxTimestamp;
  view.writeCrc();
  return bytes;
}

function sizeEstimate(records: readonly NewRecord[]): number {
  let size = 0;
  for (const record of records) size += 24 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  return size;
}

function writeRecord(writer: Writer, record: NewRecord, timestampDelta: number, offsetDelta: number): void {
  const { key, value, headers = [] } = record;
  let size = 1 + sizeOfVarint(timestampDelta) + sizeOfVarint(offsetDelta) + sizeOfVarint(headers.length);
  size += sizeOfBytes(key) + sizeOfBytes(value);
  for (const header of headers) {
    const keySize = Buffer.byteLength(header.key);
    size += sizeOfVarint(keySize) + keySize + sizeOfBytes(header.value);
  }
  writer.varint(size);
  writer.int8(0); // attributes: none are in use
  writer.varlong(timestampDelta);
  writer.varint(offsetDelta);
  writeBytes(writer, key);
  writeBytes(writer, value);
  writer.varint(headers.length);
  for (const header of headers) {
    writeBytes(writer, Buffer.from(header.key));
    writeBytes(writer, header.value);
  }
}

function writeBytes(writer: Writer, bytes: Buffer | null): void {
  if (bytes === null) writer.varint(-1);
  else {
    writer.varint(bytes.length);
    writer.raw(bytes);
  }
}

function sizeOfBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length;
}

/** Of the zig-zag form of any safe integer. */
export function sizeOfVarint(value: number): number {
  let rest = value < 0 ? -value - 1 : value;
  let size = 1;
  for (rest = Math.floor(rest / 64); rest > 0; rest = Math.floor(rest / 128)) size++;
  return size;
}

/**
 * @pure A record batch (magic 2) seen in place: the 61 bytes of its header are read and patched inside the buffer that
 * holds it; its records are never touched here. Layout: org.apache.kafka.common.record.DefaultRecordBatch.
 *
 *    0 baseOffset int64             8 batchLength int32, of what follows    12 partitionLeaderEpoch int32
 *   16 magic int8                  17 crc uint32                            21 attributes int16
 *   23 lastOffsetDelta int32       27 baseTimestamp int64                   35 maxTimestamp int64
 *   43 producerId int64            51 producerEpoch int16                   53 baseSequence int32
 *   57 recordCount int32           61 records
 *
 * The crc covers what follows it, so base offset and leader epoch can be written without computing it anew.
 */
import { crc32c } from '../crc32c.ts';
import { KafkaError } from '../errors.ts';
import { readInt64, writeInt64 } from '../int64.ts';
import { COMPRESSION_TYPES, type CompressionType } from './codecs.ts';

/** The header of a batch, and so the least that a batch has. */
export const RECORD_BATCH_OVERHEAD = 61;
/** baseOffset and batchLength: what must be read to know where the next batch begins, in every magic. */
export const LOG_OVERHEAD = 12;
export const MAGIC_V2 = 2;
export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_PARTITION_LEADER_EPOCH = -1;
export const NO_TIMESTAMP = -1;

const BATCH_LENGTH_AT = 8;
const PARTITION_LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const RECORD_COUNT_AT = 57;

const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME_FLAG = 0x08;
const TRANSACTIONAL_FLAG = 0x10;
const CONTROL_FLAG = 0x20;
const DELETE_HORIZON_FLAG = 0x40;
const UNUSED_ATTRIBUTES = 0xff80;

export type TimestampType = 'CreateTime' | 'LogAppendTime';

/** The sequence number that comes `delta` records after `sequence`: after 2147483647 comes 0. */
export function sequenceAfter(sequence: number, delta: number): number {
  return (sequence + delta) % 0x8000_0000;
}

/** The attributes field of a batch. */
export function batchAttributes(attributes: {
  readonly compression: CompressionType;
  readonly timestampType: TimestampType;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
}): number {
  return (
    COMPRESSION_TYPES.indexOf(attributes.compression) |
    (attributes.timestampType === 'LogAppendTime' ? LOG_APPEND_TIME_FLAG : 0) |
    (attributes.isTransactional ? TRANSACTIONAL_FLAG : 0) |
    (attributes.isControl ? CONTROL_FLAG : 0)
  );
}

/** A view, so it is valid as long as the buffer's bytes are. Numbers beyond ±(2^53 - 1) are seen saturated. */
export class RecordBatch {
  readonly buffer: Buffer;
  /** Where the batch begins in the buffer. */
  readonly position: number;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
  }

  get baseOffset(): number {
    return readInt64(this.buffer, this.position);
  }

  set baseOffset(offset: number) {
    writeInt64(this.buffer, this.position, offset);
  }

  /** The bytes after the batchLength field. */
  get batchLength(): number {
    return this.buffer.readInt32BE(this.position + BATCH_LENGTH_AT);
  }

  set batchLength(length: number) {
    this.buffer.writeInt32BE(length, this.position + BATCH_LENGTH_AT);
  }

  get sizeBytes(): number {
    return LOG_OVERHEAD + this.batchLength;
  }

  /** Where the batch ends in the buffer. */
  get endPosition(): number {
    return this.position + this.sizeBytes;
  }

  get partitionLeaderEpoch(): number {
    return this.buffer.readInt32BE(this.position + PARTITION_LEADER_EPOCH_AT);
  }

  set partitionLeaderEpoch(epoch: number) {
    this.buffer.writeInt32BE(epoch, this.position + PARTITION_LEADER_EPOCH_AT);
  }

  get magic(): number {
    return this.buffer.readInt8(this.position + MAGIC_AT);
  }

  /** The checksum that the batch claims to have. */
  get crc(): number {
    return this.buffer.readUInt32BE(this.position + CRC_AT);
  }

  get attributes(): number {
    return this.buffer.readUInt16BE(this.position + ATTRIBUTES_AT);
  }

  /** Null for a code that does not exist. */
  get compression(): CompressionType | null {
    return COMPRESSION_TYPES[this.attributes & COMPRESSION_MASK] ?? null;
  }

  get timestampType(): TimestampType {
    return (this.attributes & LOG_APPEND_TIME_FLAG) === 0 ? 'CreateTime' : 'LogAppendTime';
  }

  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL_FLAG) !== 0;
  }

  get isControl(): boolean {
    return (this.attributes & CONTROL_FLAG) !== 0;
  }

  /** Compaction found tombstones or markers here; baseTimestamp is when they may go (KIP-534). */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & DELETE_HORIZON_FLAG) !== 0;
  }

  /** Bits that no version of the format has given a meaning. */
  get hasUnknownAttributes(): boolean {
    return (this.attributes & UNUSED_ATTRIBUTES) !== 0;
  }

  get lastOffsetDelta(): number {
    return this.buffer.readInt32BE(this.position + LAST_OFFSET_DELTA_AT);
  }

  /** The caller writes the checksum. */
  set lastOffsetDelta(delta: number) {
    this.buffer.writeInt32BE(delta, this.position + LAST_OFFSET_DELTA_AT);
  }

  /** Inclusive. Compaction may have taken the record itself. */
  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta;
  }

  /** The offset of the batch that follows. */
  get nextOffset(): number {
    return this.lastOffset + 1;
  }

  get baseTimestamp(): number {
    return readInt64(this.buffer, this.position + BASE_TIMESTAMP_AT);
  }

  /**
   * Notes when the tombstones or the marker here may go. The caller writes the records' timestamps anew, which count
   * from baseTimestamp, and the checksum.
   */
  setDeleteHorizon(horizonMs: number): void {
    this.buffer.writeUInt16BE(this.attributes | DELETE_HORIZON_FLAG, this.position + ATTRIBUTES_AT);
    writeInt64(this.buffer, this.position + BASE_TIMESTAMP_AT, horizonMs);
  }

  /** Of all records; under LogAppendTime the timestamp of each. */
  get maxTimestamp(): number {
    return readInt64(this.buffer, this.position + MAX_TIMESTAMP_AT);
  }

  /** The caller writes the checksum. */
  set maxTimestamp(timestampMs: number) {
    writeInt64(this.buffer, this.position + MAX_TIMESTAMP_AT, timestampMs);
  }

  get producerId(): number {
    return readInt64(this.buffer, this.position + PRODUCER_ID_AT);
  }

  get producerEpoch(): number {
    return this.buffer.readInt16BE(this.position + PRODUCER_EPOCH_AT);
  }

  get hasProducerId(): boolean {
    return this.producerId > NO_PRODUCER_ID;
  }

  /** -1 when the producer is not idempotent. */
  get baseSequence(): number {
    return this.buffer.readInt32BE(this.position + BASE_SEQUENCE_AT);
  }

  /** Inclusive; -1 when there is no sequence. */
  get lastSequence(): number {
    const { baseSequence } = this;
    return baseSequence === NO_SEQUENCE ? NO_SEQUENCE : sequenceAfter(baseSequence, this.lastOffsetDelta);
  }

  get recordCount(): number {
    return this.buffer.readInt32BE(this.position + RECORD_COUNT_AT);
  }

  /** The caller writes the checksum. */
  set recordCount(count: number) {
    this.buffer.writeInt32BE(count, this.position + RECORD_COUNT_AT);
  }

  /** Makes a header without records of it, as compaction keeps one for its sequence. The caller writes the checksum. */
  setEmpty(): void {
    const attributes = this.attributes & ~(COMPRESSION_MASK | DELETE_HORIZON_FLAG);
    this.buffer.writeUInt16BE(attributes, this.position + ATTRIBUTES_AT);
    writeInt64(this.buffer, this.position + BASE_TIMESTAMP_AT, NO_TIMESTAMP);
    this.batchLength = RECORD_BATCH_OVERHEAD - LOG_OVERHEAD;
    this.recordCount = 0;
  }

  get isCompressed(): boolean {
    return (this.attributes & COMPRESSION_MASK) !== 0;
  }

  computeCrc(): number {
    return crc32c(this.buffer, this.position + ATTRIBUTES_AT, this.endPosition);
  }

  /** Also false when the batch is too short to have a checksum. */
  isCrcValid(): boolean {
    return this.sizeBytes >= RECORD_BATCH_OVERHEAD && this.crc === this.computeCrc();
  }

  writeCrc(): void {
    this.buffer.writeUInt32BE(this.computeCrc(), this.position + CRC_AT);
  }

  /** What a broker does under message.timestamp.type=LogAppendTime. Writes the checksum when anything changes. */
  setMaxTimestamp(timestampType: TimestampType, maxTimestamp: number): void {
    if (this.timestampType === timestampType && this.maxTimestamp === maxTimestamp) return;
    const flag = timestampType === 'LogAppendTime' ? LOG_APPEND_TIME_FLAG : 0;
    this.buffer.writeUInt16BE((this.attributes & ~LOG_APPEND_TIME_FLAG) | flag, this.position + ATTRIBUTES_AT);
    this.maxTimestamp = maxTimestamp;
    this.writeCrc();
  }

  /** The batch's bytes, aliasing the buffer. */
  toBuffer(): Buffer {
    return this.buffer.subarray(this.position, this.endPosition);
  }
}

/**
 * The batches in buffer[start, end), in order. An incomplete batch at the end is left out: reads of a log may cut the
 * last one. Throws CORRUPT_MESSAGE for a length that no batch can have or a magic that does not exist; of older
 * magics, whose entries begin alike, only the fields up to the magic may be looked at.
 */
export function* batches(buffer: Buffer, start = 0, end = buffer.length): Generator<RecordBatch, void, undefined> {
  let position = start;
  for (;;) {
    const size = batchSizeAt(buffer, position, end);
    if (size === null) return;
    yield new RecordBatch(buffer, position);
    position += size;
  }
}

/** The smallest message of magic 0: crc, magic, attributes, the lengths of key and value. */
const MESSAGE_OVERHEAD = 14;

/**
 * The bytes of the entry that begins at `position`, null when it does not end before `end`. Throws as batches()
 * does.
 */
export function batchSizeAt(buffer: Buffer, position: number, end: number): number | null {
  if (position + MAGIC_AT + 1 > end) return null;
  const length = buffer.readInt32BE(position + BATCH_LENGTH_AT);
  const magic = buffer.readInt8(position + MAGIC_AT);
  if (magic < 0 || magic > MAGIC_V2) throw new KafkaError('CORRUPT_MESSAGE', `magic ${magic} at position ${position}`);
  const minimum = magic === MAGIC_V2 ? RECORD_BATCH_OVERHEAD - LOG_OVERHEAD : MESSAGE_OVERHEAD;
  if (length < minimum) throw new KafkaError('CORRUPT_MESSAGE', `batch length ${length} at position ${position}`);
  const size = LOG_OVERHEAD + length;
  return size > end - position ? null : size;
}

/**
 * @pure Message sets of the formats before record batches (magic 0 and 1), which Produce v0-2 carries, and their
 * conversion to one record batch. Layout and rules: Kafka's classes LegacyRecord and AbstractLegacyRecordBatch.
 *
 *   offset int64 | size int32, of what follows | crc uint32, CRC-32 of what follows | magic int8 | attributes int8 |
 *   timestamp int64, magic 1 only | key: length int32, -1 null, and bytes | value: the same
 *
 * A compressed message's value is a whole message set. Inner offsets are absolute in magic 0; in magic 1 they count
 * from 0 and the wrapper has the offset of the last one, except that some versions of librdkafka leave 0 in the
 * wrapper.
 */
import { crc32 } from 'node:zlib';
import { KafkaError } from '../errors.ts';
import { readInt64 } from '../int64.ts';
import { LOG_OVERHEAD, NO_TIMESTAMP } from './batch.ts';
import { buildBatch } from './build.ts';
import { decompress, MAX_DECOMPRESSED_BYTES } from './compression.ts';
import { COMPRESSION_TYPES, type CompressionType } from './codecs.ts';

export interface LegacyMessage {
  /** Absolute. */
  readonly offset: number;
  /** -1 in magic 0. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** A message becomes an object of some hundred bytes, out of as few as 26: more are refused. */
const MESSAGES_MAX = 1_000_000;
const CRC_BYTES = 4;
const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME_FLAG = 0x08;
/** Without offset and size: crc, magic, attributes, timestamp in magic 1, two lengths. */
const MINIMUM_BYTES = [14, 22] as const;

/** One entry as it stands in the set: a message, or the wrapper of compressed ones. */
interface Entry extends LegacyMessage {
  readonly magic: 0 | 1;
  readonly compression: CompressionType;
}

/**
 * One record batch with the messages of the set, offsets from 0 on, compressed as the set was. An empty set gives an
 * empty buffer. Throws CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, UNSUPPORTED_COMPRESSION_TYPE, or
 * MESSAGE_TOO_LARGE when the messages would become more than `maxBytes`.
 */
export function convertMessageSet(messageSet: Buffer, options: { readonly maxBytes?: number } = {}): Buffer {
  const opened = openMessageSet(messageSet, options);
  if (opened.messages.length === 0) return Buffer.alloc(0);
  const records = opened.messages.map(({ key, value, timestampMs }) => ({ key, value, timestampMs }));
  return buildBatch({ records, compression: opened.compression });
}

/**
 * All messages in order, out of their wrappers, and the codec of the last wrapper. Throws as convertMessageSet()
 * does.
 */
export function openMessageSet(
  messageSet: Buffer,
  options: { readonly maxBytes?: number } = {},
): { messages: LegacyMessage[]; compression: CompressionType } {
  const messages: LegacyMessage[] = [];
  let compression: CompressionType = 'none';
  let budget = options.maxBytes ?? MAX_DECOMPRESSED_BYTES;
  for (const entry of entriesOf(messageSet)) {
    if (entry.compression === 'none') {
      messages.push(entry);
    } else {
      compression = entry.compression;
      const inner = openWrapper(entry, budget);
      budget -= inner.sizeBytes;
      for (const message of inner.messages) messages.push(message);
    }
    if (messages.length > MESSAGES_MAX) throw new KafkaError('MESSAGE_TOO_LARGE', 'Too many messages in one set');
  }
  return { messages, compression };
}

function openWrapper(wrapper: Entry, maxBytes: number): { messages: LegacyMessage[]; sizeBytes: number } {
  const { magic, compression, value } = wrapper;
  if (value === null) throw new KafkaError('INVALID_RECORD', 'A compressed message has no value');
  const bytes = decompress(compression, value, maxBytes, magic);
  const entries = [...entriesOf(bytes)];
  const last = entries.at(-1);
  if (last === undefined) throw new KafkaError('INVALID_RECORD', 'A compressed message holds no messages');
  // In magic 1, what must be added to the relative inner offsets.
  const base = magic === 0 || wrapper.offset === 0 ? 0 : wrapper.offset - last.offset;
  if (base < 0) {
    throw new KafkaError('INVALID_RECORD', `Wrapper offset ${wrapper.offset} is below that of the last inner message`);
  }
  const messages: LegacyMessage[] = [];
  for (const inner of entries) {
    if (inner.compression !== 'none') throw new KafkaError('INVALID_RECORD', 'A compressed message inside another');
    if (inner.magic !== magic) throw new KafkaError('INVALID_RECORD', `Magic ${inner.magic} inside magic ${magic}`);
    messages.push({ ...inner, offset: base + inner.offset });
  }
  return { messages, sizeBytes: bytes.length };
}

function* entriesOf(messageSet: Buffer): Generator<Entry, void, undefined> {
  for (let at = 0; at < messageSet.length; ) {
    if (messageSet.length - at < LOG_OVERHEAD + MINIMUM_BYTES[0]) throw corrupt('cut off', at);
    const size = messageSet.readInt32BE(at + 8);
    const end = at + LOG_OVERHEAD + size;
    if (size < MINIMUM_BYTES[0] || end > messageSet.length) throw corrupt(`a message of ${size} bytes`, at);
    yield readEntry(messageSet, at, end);
    at = end;
  }
}

function readEntry(bytes: Buffer, start: number, end: number): Entry {
  const body = start + LOG_OVERHEAD;
  const magic = bytes.readInt8(body + CRC_BYTES);
  if (magic !== 0 && magic !== 1) throw corrupt(`magic ${magic}`, start);
  if (end - body < MINIMUM_BYTES[magic]) throw corrupt(`a message of ${end - body} bytes`, start);
  if (bytes.readUInt32BE(body) !== crc32(bytes.subarray(body + CRC_BYTES, end))) throw corrupt('wrong checksum', start);
  const attributes = bytes.readUInt8(body + 5);
  const compression = COMPRESSION_TYPES[attributes & COMPRESSION_MASK];
  if (compression === undefined || compression === 'zstd') {
    throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', `Codec ${attributes & COMPRESSION_MASK} in magic ${magic}`);
  }
  // Only brokers may say so (Kafka: LogValidator).
  if (magic === 1 && (attributes & LOG_APPEND_TIME_FLAG) !== 0) {
    throw new KafkaError('INVALID_TIMESTAMP', 'A producer must not set the timestamp type to LogAppendTime');
  }
  const key = readBytes(bytes, magic === 0 ? body + 6 : body + 14, end, start);
  const value = readBytes(bytes, key.end, end, start);
  if (value.end !== end) throw corrupt(`${end - value.end} bytes after the value`, start);
  const timestampMs = magic === 0 ? NO_TIMESTAMP : readInt64(bytes, body + 6);
  return { offset: readInt64(bytes, start), timestampMs, key: key.bytes, value: value.bytes, magic, compression };
}

function readBytes(bytes: Buffer, at: number, end: number, start: number): { bytes: Buffer | null; end: number } {
  if (end - at < 4) throw corrupt('no room for a length', start);
  const length = bytes.readInt32BE(at);
  const from = at + 4;
  if (length < 0) return { bytes: null, end: from };
  if (length > end - from) throw corrupt(`a key or value of ${length} bytes`, start);
  return { bytes: bytes.subarray(from, from + length), end: from + length };
}

function corrupt(what: string, at: number): KafkaError {
  return new KafkaError('CORRUPT_MESSAGE', `Corrupt message set: ${what} at position ${at}`);
}

/**
 * @pure Compresses and decompresses the records of a batch, synchronously. The output of every codec is bounded before
 * it is allocated: what a hostile batch declares is checked against the bound and against what its codec can achieve.
 *
 * gzip: RFC 1952. zstd: RFC 8878. lz4: the frame format. snappy: blocks in the framing of Java's snappy library
 * (xerial), which Kafka's own clients write, or one raw block, which some others write.
 */
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { KafkaError } from '../errors.ts';
import { Reader } from '../reader.ts';
import type { CompressionType } from './codecs.ts';
import { measureLz4Frame, repairLz4HeaderChecksum } from './lz4-frame.ts';
import { lz4, snappy } from './native-codecs.ts';

/** The bound for one batch when the caller names none. */
export const MAX_DECOMPRESSED_BYTES = 64 << 20;

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** The magic, the version and the lowest compatible version, both 1. */
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);
/** Of uncompressed bytes; as the Java library. */
const XERIAL_BLOCK_BYTES = 32 << 10;
/** Three bytes of snappy are at most a copy of 64. */
const SNAPPY_RATIO_MAX = 22;
/** The largest window (2^27 bytes) that zstd's own decompressor accepts by default. */
const ZSTD_WINDOW_LOG_MAX = 27;

export function compress(type: CompressionType, bytes: Buffer): Buffer {
  switch (type) {
    case 'none':
      return bytes;
    case 'gzip':
      return gzipSync(bytes);
    case 'snappy':
      return snappyCompress(bytes);
    case 'lz4':
      return lz4().compressFrameSync(bytes);
    case 'zstd':
      return zstdCompressSync(bytes);
  }
}

/**
 * Throws INVALID_RECORD when the bytes are not what the codec writes, MESSAGE_TOO_LARGE when they would become more
 * than `maxBytes`. `messageFormat` 0 had lz4 frames with a wrong header checksum.
 */
export function decompress(
  type: CompressionType,
  bytes: Buffer,
  maxBytes: number = MAX_DECOMPRESSED_BYTES,
  messageFormat: 0 | 1 | 2 = 2,
): Buffer {
  if (type === 'none') return bytes;
  try {
    switch (type) {
      case 'gzip':
        return gunzipSync(bytes, { maxOutputLength: Math.max(1, maxBytes) });
      case 'snappy':
        return snappyDecompress(bytes, maxBytes);
      case 'lz4':
        return lz4Decompress(messageFormat === 0 ? repairLz4HeaderChecksum(bytes) : bytes, maxBytes);
      case 'zstd':
        return zstdDecompressSync(bytes, {
          maxOutputLength: Math.max(1, maxBytes),
          params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
        });
    }
  } catch (error) {
    throw refusal(type, maxBytes, error);
  }
}

function refusal(type: CompressionType, maxBytes: number, cause: unknown): KafkaError {
  if (cause instanceof KafkaError) return cause;
  if (cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')
    return tooLarge(maxBytes);
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new KafkaError('INVALID_RECORD', `Records cannot be decompressed by ${type}: ${reason}`, { cause });
}

function tooLarge(maxBytes: number): KafkaError {
  return new KafkaError('MESSAGE_TOO_LARGE', `The batch would become larger than ${maxBytes} bytes when decompressed`);
}

function lz4Decompress(bytes: Buffer, maxBytes: number): Buffer {
  const { sizeBytes, decompressedSizeBytes } = measureLz4Frame(bytes);
  if (decompressedSizeBytes > maxBytes) throw tooLarge(maxBytes);
  return lz4().decompressFrameSync(bytes.subarray(0, sizeBytes));
}

function snappyCompress(bytes: Buffer): Buffer {
  const parts: Buffer[] = [XERIAL_HEADER];
  for (let at = 0; at < bytes.length; at += XERIAL_BLOCK_BYTES) {
    const block = snappy().compressSync(bytes.subarray(at, at + XERIAL_BLOCK_BYTES));
    const size = Buffer.allocUnsafe(4);
    size.writeInt32BE(block.length);
    parts.push(size, block);
  }
  return Buffer.concat(parts);
}

function snappyDecompress(bytes: Buffer, maxBytes: number): Buffer {
  if (!startsXerialStream(bytes, 0)) return snappyBlock(bytes, maxBytes);
  const blocks: Buffer[] = [];
  let budget = maxBytes;
  for (let at = 0; at < bytes.length; ) {
    if (startsXerialStream(bytes, at)) {
      at += XERIAL_HEADER.length; // also in the middle: streams may be concatenated
      continue;
    }
    const size = bytes.readInt32BE(at);
    at += 4;
    if (size < 0 || size > bytes.length - at)
      throw new RangeError(`block of ${size} bytes at ${at} of ${bytes.length}`);
    const block = snappyBlock(bytes.subarray(at, at + size), budget);
    budget -= block.length;
    blocks.push(block);
    at += size;
  }
  return Buffer.concat(blocks);
}

function startsXerialStream(bytes: Buffer, at: number): boolean {
  return at + XERIAL_HEADER.length <= bytes.length && XERIAL_MAGIC.compare(bytes, at, at + XERIAL_MAGIC.length) === 0;
}

/** A block begins with its decompressed size, and the library allocates what it finds there. */
function snappyBlock(block: Buffer, maxBytes: number): Buffer {
  const declared = new Reader(block).uvarint();
  if (declared > block.length * SNAPPY_RATIO_MAX) throw new RangeError(`${block.length} bytes declared as ${declared}`);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const output = snappy().uncompressSync(block, { asBuffer: true });
  if (typeof output === 'string') throw new TypeError('snappy returned a string');
  return output;
}

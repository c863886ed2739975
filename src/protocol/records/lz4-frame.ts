/**
 * @pure What must be known of an LZ4 frame before it may be decompressed: how large it becomes, measured from the
 * tokens of its blocks instead of believed. Frame format: lz4_Frame_format.md of the lz4 project.
 *
 *   magic 184D2204 | FLG | BD | content size if flagged | header checksum | blocks | 0 | checksum if flagged
 */
const MAGIC = 0x184d2204;
const VERSION_MASK = 0xc0;
const VERSION_1 = 0x40;
const BLOCK_CHECKSUM_FLAG = 0x10;
const CONTENT_SIZE_FLAG = 0x08;
const CONTENT_CHECKSUM_FLAG = 0x04;
const DICTIONARY_FLAG = 0x01;
const DESCRIPTOR_AT = 4;
const STORED_BLOCK_FLAG = 0x8000_0000;
const CHECKSUM_BYTES = 4;
const SHORTEST_MATCH = 4;
/** In a token's nibble: more bytes of the length follow. */
const LENGTH_CONTINUES = 15;

export interface Lz4Frame {
  /** Where the frame ends; what comes after it is not part of it. */
  readonly sizeBytes: number;
  readonly decompressedSizeBytes: number;
}

/** Walks the frame at the start of `bytes`. Throws RangeError when it is not a whole frame. */
export function measureLz4Frame(bytes: Buffer): Lz4Frame {
  const { flags, headerSizeBytes } = readHeader(bytes);
  const checksumBytes = (flags & BLOCK_CHECKSUM_FLAG) === 0 ? 0 : CHECKSUM_BYTES;
  let at = headerSizeBytes;
  let decompressedSizeBytes = 0;
  for (;;) {
    const field = bytes.readUInt32LE(at);
    at += 4;
    if (field === 0) break;
    const size = field % STORED_BLOCK_FLAG;
    if (size + checksumBytes > bytes.length - at) throw new RangeError('lz4 block is cut off');
    decompressedSizeBytes += field >= STORED_BLOCK_FLAG ? size : measureBlock(bytes, at, at + size);
    at += size + checksumBytes;
  }
  if ((flags & CONTENT_CHECKSUM_FLAG) !== 0) at += CHECKSUM_BYTES;
  if (at > bytes.length) throw new RangeError('lz4 content checksum is cut off');
  return { sizeBytes: at, decompressedSizeBytes };
}

function readHeader(bytes: Buffer): { flags: number; headerSizeBytes: number } {
  if (bytes.readUInt32LE(0) !== MAGIC) throw new RangeError('not an lz4 frame');
  const flags = bytes.readUInt8(DESCRIPTOR_AT);
  if ((flags & VERSION_MASK) !== VERSION_1) throw new RangeError('unknown version of the lz4 frame format');
  if ((flags & DICTIONARY_FLAG) !== 0) throw new RangeError('lz4 frame with a dictionary');
  const descriptorBytes = 2 + ((flags & CONTENT_SIZE_FLAG) === 0 ? 0 : 8);
  return { flags, headerSizeBytes: DESCRIPTOR_AT + descriptorBytes + 1 };
}

/** The decompressed size of the block bytes[start, end): a sum over its tokens, nothing is copied. */
function measureBlock(bytes: Buffer, start: number, end: number): number {
  let at = start;
  let size = 0;
  while (at < end) {
    const token = bytes[at++] as number;
    let literals = token >> 4;
    if (literals === LENGTH_CONTINUES) {
      let more = 255;
      while (more === 255 && at < end) {
        more = bytes[at++] as number;
        literals += more;
      }
    }
    at += literals;
    size += literals;
    if (at > end) throw new RangeError('lz4 literals are cut off');
    if (at === end) break; // the last sequence has no match
    at += 2; // the match's distance
    let match = (token & 0xf) + SHORTEST_MATCH;
    if ((token & 0xf) === LENGTH_CONTINUES) {
      let more = 255;
      while (more === 255 && at < end) {
        more = bytes[at++] as number;
        match += more;
      }
    }
    size += match;
  }
  return size;
}

/**
 * Clients of message format 0 computed the header checksum over the wrong bytes (KAFKA-3160), so Kafka does not check
 * it there. Returns the frame with the right one.
 */
export function repairLz4HeaderChecksum(bytes: Buffer): Buffer {
  const { headerSizeBytes } = readHeader(bytes);
  const repaired = Buffer.from(bytes);
  const descriptor = bytes.subarray(DESCRIPTOR_AT, headerSizeBytes - 1);
  repaired.writeUInt8((xxh32OfShort(descriptor) >>> 8) & 0xff, headerSizeBytes - 1);
  return repaired;
}

const XXH_PRIME_1 = 0x9e3779b1;
const XXH_PRIME_2 = 0x85ebca77;
const XXH_PRIME_3 = 0xc2b2ae3d;
const XXH_PRIME_4 = 0x27d4eb2f;
const XXH_PRIME_5 = 0x165667b1;

const rotateLeft = (value: number, bits: number) => (value << bits) | (value >>> (32 - bits));

/** XXH32 with seed 0, for fewer than 16 bytes: a frame descriptor has at most 14. */
function xxh32OfShort(bytes: Buffer): number {
  let hash = (XXH_PRIME_5 + bytes.length) | 0;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotateLeft((hash + Math.imul(bytes.readInt32LE(at), XXH_PRIME_3)) | 0, 17), XXH_PRIME_4);
  }
  for (; at < bytes.length; at++) {
    hash = Math.imul(rotateLeft((hash + Math.imul(bytes.readUInt8(at), XXH_PRIME_5)) | 0, 11), XXH_PRIME_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), XXH_PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), XXH_PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

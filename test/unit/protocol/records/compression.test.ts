/** Codecs in both directions, with bounds that bombs run into. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import { compress, decompress } from '../../../../src/protocol/records/compression.ts';
import { COMPRESSION_TYPES } from '../../../../src/protocol/records/codecs.ts';
import { measureLz4Frame } from '../../../../src/protocol/records/lz4-frame.ts';

const TEXT = Buffer.from('all work and no play makes jack a dull boy. '.repeat(5000));
const NOISE = Buffer.from(Array.from({ length: 100_000 }, (_, i) => Math.imul(i, 2654435761) >>> 13));
const CODECS = COMPRESSION_TYPES.filter((type) => type !== 'none');

describe('every codec', () => {
  it('gives back what it was given', () => {
    for (const type of COMPRESSION_TYPES) {
      for (const bytes of [TEXT, NOISE, Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(1 << 20)]) {
        expect(decompress(type, compress(type, bytes)).equals(bytes), `${type} of ${bytes.length}`).toBe(true);
      }
    }
  });

  it('stops at the bound, and not before it', () => {
    for (const type of CODECS) {
      const bytes = compress(type, TEXT);
      expect(decompress(type, bytes, TEXT.length).length, type).toBe(TEXT.length);
      expect(() => decompress(type, bytes, TEXT.length - 1), type).toThrow(/larger than \d+ bytes/);
    }
  });

  it('refuses what is cut off or is something else', () => {
    for (const type of CODECS) {
      const bytes = compress(type, TEXT);
      expect(() => decompress(type, bytes.subarray(0, bytes.length - 5)), type).toThrow(/cannot be decompressed/);
      expect(() => decompress(type, Buffer.from('neither fish nor flesh')), type).toThrow(/cannot be decompressed/);
      expect(() => decompress(type, Buffer.alloc(0)), type).toThrow(/cannot be decompressed/);
    }
  });

  it('does not become a bomb', () => {
    const zeros = Buffer.alloc(100 << 20);
    for (const bomb of [gzipSync(zeros), zstdCompressSync(zeros), compressFrameSync(zeros), compressSync(zeros)]) {
      const type = CODECS.find((name) => bomb.equals(bombOf(name, zeros)));
      expect(() => decompress(type ?? 'none', bomb, 1 << 20)).toThrow(/larger than 1048576 bytes/);
    }
  });
});

function bombOf(type: string, zeros: Buffer): Buffer {
  if (type === 'gzip') return gzipSync(zeros);
  if (type === 'zstd') return zstdCompressSync(zeros);
  return type === 'lz4' ? compressFrameSync(zeros) : compressSync(zeros);
}

describe('snappy', () => {
  it('comes raw, in the framing of Java, and in several streams of it', () => {
    expect(decompress('snappy', compressSync(TEXT)).equals(TEXT)).toBe(true);
    const stream = compress('snappy', TEXT);
    expect(stream.toString('hex', 0, 16)).toBe('82534e41505059000000000100000001');
    expect(decompress('snappy', Buffer.concat([stream, stream])).length).toBe(2 * TEXT.length);
  });

  it('is not believed what it declares', () => {
    // 4 GiB, 2 GiB and 100 bytes declared in a handful.
    for (const declared of ['ffffffff0f', 'ffffffff07', '64']) {
      const block = Buffer.from(`${declared}0061`, 'hex');
      expect(() => decompress('snappy', block), declared).toThrow(/declared as|corrupt/);
    }
    const huge = Buffer.concat([compress('snappy', Buffer.alloc(0)), Buffer.from('7fffffff00', 'hex')]);
    expect(() => decompress('snappy', huge)).toThrow(/block of 2147483647 bytes/);
  });
});

describe('lz4', () => {
  it('is measured exactly before it is decompressed', () => {
    for (const bytes of [TEXT, NOISE, Buffer.alloc(0), Buffer.alloc(10 << 20), Buffer.concat([TEXT, NOISE, TEXT])]) {
      for (const options of [{}, { contentChecksum: true, blockChecksums: true }]) {
        const frame = compressFrameSync(bytes, options);
        expect(measureLz4Frame(frame)).toEqual({ sizeBytes: frame.length, decompressedSizeBytes: bytes.length });
      }
    }
  });

  it('ends with its frame, whatever follows', () => {
    const frame = compressFrameSync(TEXT);
    expect(decompress('lz4', Buffer.concat([frame, Buffer.from('more')])).equals(TEXT)).toBe(true);
  });

  it('of message format 0 may have the wrong header checksum that its clients wrote', () => {
    for (const options of [{}, { contentChecksum: true }]) {
      const frame = compressFrameSync(TEXT, options);
      const right = frame.readUInt8(6);
      frame.writeUInt8(right ^ 0x5a, 6);
      expect(() => decompress('lz4', frame)).toThrow(/cannot be decompressed/);
      expect(decompress('lz4', frame, TEXT.length, 0).equals(TEXT)).toBe(true);
    }
  });

  it('with a dictionary or of another version is refused', () => {
    const frame = compressFrameSync(TEXT);
    for (const flags of [0x61, 0x20]) {
      const other = Buffer.from(frame);
      other.writeUInt8(flags, 4);
      expect(() => decompress('lz4', other)).toThrow(/dictionary|unknown version/);
    }
  });
});

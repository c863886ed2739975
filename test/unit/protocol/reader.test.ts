/** What a frame may hold and what is refused; hostile lengths must not allocate. */
import { describe, expect, it } from 'vitest';
import { Reader } from '../../../src/protocol/reader.ts';
import { Writer } from '../../../src/protocol/writer.ts';

const over = (hex: string) => new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('numbers', () => {
  it('are big-endian and keep their sign', () => {
    expect(over('80').int8()).toBe(-128);
    expect(over('7f').int8()).toBe(127);
    expect(over('8000').int16()).toBe(-32768);
    expect(over('ffff').uint16()).toBe(65535);
    expect(over('80000000').int32()).toBe(-2147483648);
    expect(over('ffffffff').uint32()).toBe(4294967295);
    expect(over('ffffffffffffffff').int64()).toBe(-1);
    expect(over('001fffffffffffff').int64()).toBe(Number.MAX_SAFE_INTEGER);
    expect(over('ffe0000000000001').int64()).toBe(Number.MIN_SAFE_INTEGER);
    expect(over('0000000100000000').int64()).toBe(4294967296);
    expect(over('ffffffff00000000').int64()).toBe(-4294967296);
    expect(over('3ff8000000000000').float64()).toBe(1.5);
  });

  it('beyond 2^53 are refused, or saturate where the field says so', () => {
    expect(() => over('7fffffffffffffff').int64()).toThrow(RangeError);
    expect(() => over('0020000000000000').int64()).toThrow(RangeError);
    expect(() => over('8000000000000000').int64()).toThrow(RangeError);
    expect(over('7fffffffffffffff').saturatingInt64()).toBe(Number.MAX_SAFE_INTEGER);
    expect(over('8000000000000000').saturatingInt64()).toBe(Number.MIN_SAFE_INTEGER);
    expect(over('fffffffffffffffe').saturatingInt64()).toBe(-2);
  });

  it('read every boolean but zero as true', () => {
    expect([over('00').bool(), over('01').bool(), over('02').bool()]).toEqual([false, true, true]);
  });
});

describe('varints', () => {
  it('are at most 32 bits in at most 5 bytes', () => {
    expect(over('00').uvarint()).toBe(0);
    expect(over('ac02').uvarint()).toBe(300);
    expect(over('ffffffff0f').uvarint()).toBe(4294967295);
    expect(over('8000').uvarint()).toBe(0);
    expect(() => over('ffffffff1f').uvarint()).toThrow(/longer than 32 bits/);
    expect(() => over('808080808000').uvarint()).toThrow(/longer than 32 bits/);
    expect(() => over('ffff').uvarint()).toThrow(/too short/);
    expect(() => over('').uvarint()).toThrow(/too short/);
  });

  it('zig-zag', () => {
    expect(['00', '01', '02', '03', 'feffffff0f', 'ffffffff0f'].map((hex) => over(hex).varint())).toEqual([
      0, -1, 1, -2, 2147483647, -2147483648,
    ]);
  });

  it('of 64 bits take at most 10 bytes and saturate', () => {
    expect(over('01').saturatingVarlong()).toBe(-1);
    expect(over('feffffff0f').saturatingVarlong()).toBe(2147483647);
    expect(over('feffffffffffff1f').saturatingVarlong()).toBe(Number.MAX_SAFE_INTEGER);
    expect(over('feffffffffffffffff01').saturatingVarlong()).toBe(Number.MAX_SAFE_INTEGER);
    expect(over('ffffffffffffffffff01').saturatingVarlong()).toBe(Number.MIN_SAFE_INTEGER);
    expect(() => over('ffffffffffffffffff02').saturatingVarlong()).toThrow(/longer than 64 bits/);
    expect(() => over('ffffffffffffffffffff01').saturatingVarlong()).toThrow(/longer than 64 bits/);
  });
});

describe('text and bytes', () => {
  it('come with a length that is short, or compact and one more than it says', () => {
    expect(over('0002 6869').string()).toBe('hi');
    expect(over('03 6869').compactString()).toBe('hi');
    expect(over('ffff').nullableString()).toBeNull();
    expect(over('00').compactNullableString()).toBeNull();
    expect(over('00000001 ff').bytes()).toEqual(Buffer.from([255]));
    expect(over('ffffffff').nullableBytes()).toBeNull();
    expect(over('00').compactNullableBytes()).toBeNull();
  });

  it('are refused when null where null is not allowed', () => {
    for (const read of ['string', 'bytes', 'records'] as const) {
      expect(() => over('ffffffff')[read](), read).toThrow(RangeError);
    }
    expect(() => over('00').compactString()).toThrow(RangeError);
    expect(() => over('00').compactBytes()).toThrow(RangeError);
    expect(() => over('00').compactArrayLength(1, 1)).toThrow(RangeError);
    expect(() => over('ffffffff').arrayLength(1, 1)).toThrow(RangeError);
  });

  it('take invalid UTF-8 as Kafka does, with replacement characters', () => {
    expect(over('0003 61ff62').string()).toBe('a\ufffdb');
    expect(over(`0020 ${'61'.repeat(31)}c3`).string()).toBe(`${'a'.repeat(31)}\ufffd`);
  });

  it('of every length around the short-string path are the same', () => {
    for (let length = 0; length < 80; length++) {
      const text = 'xyz'.repeat(30).slice(0, length);
      for (const value of [text, `${text}é`, `😀${text}`]) {
        const writer = new Writer();
        writer.string(value);
        writer.compactString(value);
        const reader = new Reader(writer.finish());
        expect([reader.string(), reader.compactString(), reader.remaining]).toEqual([value, value, 0]);
      }
    }
  });

  it('leave the frame: bytes are copied, records alias it', () => {
    const frame = Buffer.from('0000000161000000016200', 'hex');
    const reader = new Reader(frame);
    const copied = reader.bytes();
    const aliased = reader.records();
    frame.fill(0);
    expect(copied.toString()).toBe('a');
    expect([...aliased]).toEqual([0]);
  });

  it('of a declared length beyond the frame are refused before they are allocated', () => {
    expect(() => over('7fffffff 00').bytes()).toThrow(/too short/);
    expect(() => over('ffffffff07 00').compactBytes()).toThrow(/too short/);
    expect(() => over('7fff 00').string()).toThrow(/too short/);
  });

  it('read topic ids as 22 characters', () => {
    expect(over('00000000000000000000000000000001').uuid()).toBe('AAAAAAAAAAAAAAAAAAAAAQ');
  });
});

describe('the bounds of arrays', () => {
  it('are the bytes that are left, by the smallest element', () => {
    expect(over('00000002 0000 0000').arrayLength(2, 8)).toBe(2);
    expect(() => over('00000003 0000 0000').arrayLength(2, 8)).toThrow(/cannot fit/);
    expect(() => over('7fffffff').arrayLength(1, 8)).toThrow(/cannot fit/);
    expect(() => over('ffffffff0f').compactArrayLength(1, 8)).toThrow(/cannot fit/);
  });

  it('are what the frame may become on the heap, over all its arrays', () => {
    const frame = Buffer.alloc(1 << 20);
    const reader = new Reader(frame);
    frame.writeInt32BE(100_000, 0);
    frame.writeInt32BE(100_000, 4);
    expect(reader.arrayLength(1, 100)).toBe(100_000);
    // A frame of 1 MiB may become 17 MiB, so twice 10 MB is too much.
    expect(() => reader.arrayLength(1, 100)).toThrow(/too many objects/);
  });
});

describe('tagged fields', () => {
  it('are skipped when unknown, whatever they hold', () => {
    const reader = over('02 01 03 aaaaaa 05 00 7f');
    reader.skipTags();
    expect(reader.int8()).toBe(127);
  });

  it('are refused unless their tags are strictly ascending', () => {
    expect(() => over('02 05 00 05 00').skipTags()).toThrow(/tag 5 after 5/);
    expect(() => over('02 05 00 04 00').skipTags()).toThrow(/tag 4 after 5/);
  });

  it('are refused when there are too many of them, or beyond the frame', () => {
    expect(() => over('ffffffff0f').skipTags()).toThrow(/tagged fields/);
    expect(() => over('01 00 05 aa').skipTags()).toThrow(/too short/);
    expect(() => over('01 00 ffffffff0f aa').skipTags()).toThrow(/too short/);
  });
});

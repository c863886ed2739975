/** CRC-32C: the values of its RFC, and both implementations against each other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, slicedCrc32c } from '../../../src/protocol/crc32c.ts';

describe('crc32c', () => {
  it('gives the check values of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i)))).toBe(0x46dd794e);
    expect(crc32c(Buffer.alloc(0))).toBe(0);
  });

  it('is the same by native code and by tables, over any part of a buffer', () => {
    const part = fc.tuple(fc.uint8Array({ minLength: 0, maxLength: 2000, size: 'max' }), fc.nat(), fc.nat());
    fc.assert(
      fc.property(part, ([bytes, a, b]) => {
        const buffer = Buffer.from(bytes);
        const [start, end] = [a % (buffer.length + 1), b % (buffer.length + 1)].sort((x, y) => x - y) as [
          number,
          number,
        ];
        expect(crc32c(buffer, start, end)).toBe(slicedCrc32c(buffer, start, end));
      }),
    );
  });
});

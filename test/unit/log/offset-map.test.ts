/** The map of keys that compaction fills, beside a Map. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BYTES_PER_ENTRY, OffsetMap } from '../../../src/log/offset-map.ts';

describe('the map of keys', () => {
  it('knows the last offset of each key, as a Map does', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 3 }), fc.maxSafeNat())), (entries) => {
        const map = new OffsetMap(1 << 20, 0.9, entries.length);
        const model = new Map<string, number>();
        for (const [key, offset] of entries) {
          const bounded = Math.min(offset, Number.MAX_SAFE_INTEGER - 1);
          expect(map.put(Buffer.from(key), bounded)).toBe(true);
          model.set(Buffer.from(key).toString('hex'), bounded);
        }
        expect(map.size).toBe(model.size);
        for (const [key, offset] of model) expect(map.get(Buffer.from(key, 'hex'))).toBe(offset);
        expect(map.get(Buffer.from('none of them'))).toBe(-1);
        expect(map.latestOffset).toBe(
          [...model.values()].length === 0 ? -1 : Math.min(entries.at(-1)![1], 2 ** 53 - 2),
        );
      }),
    );
  });

  it('takes no more keys than it has room for, but goes on with those that it has', () => {
    const map = new OffsetMap(10 * BYTES_PER_ENTRY, 0.5, 1000);
    expect(map.sizeBytes).toBe(10 * BYTES_PER_ENTRY);
    const put = (number: number, offset: number): boolean => map.put(Buffer.from(`key ${number}`), offset);
    expect([0, 1, 2, 3, 4].map((number) => put(number, number))).toEqual([true, true, true, true, true]);
    expect([put(5, 5), put(1, 6)]).toEqual([false, true]);
    expect([map.size, map.latestOffset, map.utilization, map.get(Buffer.from('key 1'))]).toEqual([5, 6, 1, 6]);
  });

  it('is no larger than the keys need, and takes at least one', () => {
    expect(new OffsetMap(128 << 20, 0.9, 90).sizeBytes).toBe(101 * BYTES_PER_ENTRY);
    const least = new OffsetMap(1, 0.9, 1000);
    expect([least.put(Buffer.from('a'), 1), least.put(Buffer.from('b'), 2)]).toEqual([true, false]);
  });
});

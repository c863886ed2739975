/** The two sparse indexes: Kafka's bytes, the searches, and what is left to the file. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OffsetIndex } from '../../../src/log/offset-index.ts';
import { TimeIndex } from '../../../src/log/time-index.ts';

/** Growing pairs from steps that are all above 0. */
const growing = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 5000 })), {
  maxLength: 60,
});

function sums(steps: [number, number][]): { offset: number; position: number }[] {
  let offset = 99;
  let position = 0;
  return steps.map(([offsets, bytes]) => {
    offset += offsets;
    position += bytes;
    return { offset, position };
  });
}

function offsetIndexOf(entries: { offset: number; position: number }[], persistedCount = 0): OffsetIndex {
  const index = new OffsetIndex(100);
  for (const [number, { offset, position }] of entries.entries()) {
    if (number === persistedCount) index.onPersisted();
    index.append(offset, position);
  }
  return index;
}

describe('an offset index', () => {
  it('has entries of a relative offset and a position, four bytes each, big-endian', () => {
    const index = offsetIndexOf([
      { offset: 103, position: 4200 },
      { offset: 0x7fff_ffff + 100, position: 8300 },
    ]);
    expect(index.unpersisted().toString('hex')).toBe('00000003' + '00001068' + '7fffffff' + '0000206c');
  });

  it('leads to the last entry at or below the offset', () => {
    fc.assert(
      fc.property(growing, fc.integer({ min: 90, max: 2000 }), (steps, offset) => {
        const entries = sums(steps);
        const expected = entries.findLast((entry) => entry.offset <= offset)?.position ?? 0;
        expect(offsetIndexOf(entries).positionFor(offset)).toBe(expected);
      }),
    );
  });

  it('finds the last boundary at or before a byte', () => {
    fc.assert(
      fc.property(growing, fc.integer({ min: 0, max: 90_000 }), (steps, byte) => {
        const entries = sums(steps);
        const expected = entries.findLast(({ position }) => position <= byte)?.position ?? -1;
        expect(offsetIndexOf(entries).boundaryAtOrBefore(byte)).toBe(expected);
      }),
    );
  });

  it('forgets on truncation the batches that end at or behind the offset', () => {
    fc.assert(
      fc.property(growing, fc.integer({ min: 90, max: 2000 }), (steps, offset) => {
        const entries = sums(steps);
        const index = offsetIndexOf(entries);
        index.truncateTo(offset);
        const left = entries.filter((entry) => entry.offset < offset);
        expect(index.entryCount).toBe(left.length);
        expect(index.unpersisted()).toEqual(offsetIndexOf(left).unpersisted());
        expect(index.lastPosition).toBe(left.at(-1)?.position ?? 0);
      }),
    );
  });

  it('answers from its end when the rest is left to the file, and alike when it is brought back', () => {
    fc.assert(
      fc.property(growing, fc.integer({ min: 90, max: 2000 }), fc.nat(60), (steps, offset, persisted) => {
        const entries = sums(steps);
        const whole = offsetIndexOf(entries);
        const file = Buffer.from(whole.unpersisted());
        const index = offsetIndexOf(entries, persisted);
        index.shrink();
        expect([whole.positionFor(offset), -1]).toContain(index.positionFor(offset));
        if (offset >= (entries.at(-1)?.offset ?? 0)) expect(index.positionFor(offset)).toBe(whole.positionFor(offset));
        expect(index.complete(file)).toBe(true);
        expect(index.positionFor(offset)).toBe(whole.positionFor(offset));
        expect(index.memoryBytes).toBeLessThanOrEqual(file.length);
      }),
    );
  });

  it('owns no memory when all of it is in the file', () => {
    const index = offsetIndexOf(
      sums([
        [1, 1],
        [1, 1],
      ]),
    );
    index.onPersisted();
    index.shrink();
    expect(index.memoryBytes).toBe(0);
    expect(index.positionFor(5000)).toBe(2);
  });

  it('opens a file by its last entry alone', () => {
    const entries = sums([
      [1, 100],
      [2, 100],
      [3, 100],
    ]);
    const file = Buffer.from(offsetIndexOf(entries).unpersisted());
    const index = OffsetIndex.fromFileEnd(100, file.length, file.subarray(-8), 1000)!;
    expect([index.entryCount, index.lastOffset, index.lastPosition, index.isDirty]).toEqual([3, 105, 300, false]);
    expect(index.positionFor(102)).toBe(-1);
    expect(index.complete(file)).toBe(true);
    expect(index.positionFor(102)).toBe(200);
  });

  it.each([
    ['of odd length', 20, '0000000300000064', 1000],
    ['that points behind the log', 8, '0000000300000064', 100],
    ['with a negative offset', 8, 'ffffffff00000064', 1000],
    ['of zeros, as a crash leaves one that was made large in advance', 80, '0000000000000000', 1000],
  ])('refuses a file %s', (_, sizeBytes, lastEntry, logSizeBytes) => {
    expect(OffsetIndex.fromFileEnd(100, sizeBytes, Buffer.from(lastEntry, 'hex'), logSizeBytes)).toBeNull();
  });

  it('refuses to bring back a file whose entries do not grow', () => {
    const file = Buffer.from('00000005000000640000000300000100', 'hex');
    const index = OffsetIndex.fromFileEnd(100, file.length, file.subarray(-8), 1000)!;
    expect(index.complete(file)).toBe(false);
  });

  it('is full by the size it may have', () => {
    const index = offsetIndexOf(
      sums([
        [1, 1],
        [1, 1],
      ]),
    );
    expect(index.isFull(16)).toBe(true);
    expect(index.isFull(24)).toBe(false);
  });
});

describe('a time index', () => {
  it('has entries of a timestamp, eight bytes, and a relative offset, four', () => {
    const index = new TimeIndex(100);
    index.maybeAppend(1_700_000_000_123, 107);
    expect(index.unpersisted().toString('hex')).toBe('0000018bcfe5687b' + '00000007');
  });

  it('notes a timestamp only when it is larger than the last', () => {
    const index = new TimeIndex(0);
    index.maybeAppend(-1, 0);
    for (const timestamp of [5, 5, 4, 6]) index.maybeAppend(timestamp, 10);
    expect([index.entryCount, index.lastTimestampMs, index.lastOffset]).toEqual([2, 6, 10]);
  });

  it('leads to the last entry that is not younger than the timestamp', () => {
    const index = new TimeIndex(100);
    for (const [timestamp, offset] of [
      [10, 101],
      [20, 105],
      [30, 109],
    ] as const)
      index.maybeAppend(timestamp, offset);
    expect([9, 10, 19, 20, 35].map((timestamp) => index.entryFor(timestamp)?.offset)).toEqual([
      undefined,
      101,
      101,
      105,
      109,
    ]);
  });

  it('forgets on truncation the entries at or behind the offset', () => {
    const index = new TimeIndex(100);
    for (const [timestamp, offset] of [
      [10, 101],
      [20, 105],
      [30, 109],
    ] as const)
      index.maybeAppend(timestamp, offset);
    index.truncateTo(105);
    expect([index.entryCount, index.lastTimestampMs, index.lastOffset]).toEqual([1, 10, 101]);
  });

  it('keeps the last slot for closing the segment', () => {
    const index = new TimeIndex(0);
    index.maybeAppend(1, 1);
    expect([index.isFull(24), index.isFull(36)]).toEqual([true, false]);
  });

  it('refuses to bring back a file whose entries do not grow', () => {
    const good = new TimeIndex(0);
    good.maybeAppend(5, 1);
    good.maybeAppend(7, 2);
    const file = Buffer.from(good.unpersisted());
    file.writeUInt8(9, 7);
    const index = TimeIndex.fromFileEnd(0, file.length, file.subarray(-12))!;
    expect(index.complete(file)).toBe(false);
  });
});

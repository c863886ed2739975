/** What a consumer sees of fetched bytes. */
import { expect, test } from 'vitest';
import { consumedRecords, type FetchedOptions } from '../../../src/client/consumed-records.ts';
import { buildBatch, type NewBatch } from '../../../src/protocol/records/build.ts';

const batch = (baseOffset: number, texts: string[], more: Partial<NewBatch> = {}) =>
  buildBatch({
    baseOffset,
    records: texts.map((text) => ({ key: null, value: Buffer.from(text), timestampMs: 1 })),
    ...more,
  });

/** An end marker: int16 version, int16 type (0 abort, 1 commit). */
const marker = (baseOffset: number, producerId: number, type: 0 | 1) =>
  buildBatch({
    baseOffset,
    producerId,
    isTransactional: true,
    isControl: true,
    records: [{ key: Buffer.from([0, 0, 0, type]), value: Buffer.alloc(6), timestampMs: 1 }],
  });

function read(bytes: Buffer[], from: number, options: Partial<FetchedOptions> = {}) {
  const source = { topic: 't', partition: 0 };
  const records = consumedRecords(source, Buffer.concat(bytes), from, { checksCrc: true, aborted: null, ...options });
  const seen: string[] = [];
  for (;;) {
    const { done, value } = records.next();
    if (done) return `${seen.join(' ')} next ${value}`;
    seen.push(`${value.offset}:${value.value?.toString()}`);
  }
}

test('records from the asked offset on, out of all batches', () => {
  const bytes = [batch(5, ['a', 'b', 'c']), batch(8, ['d'], { compression: 'zstd' })];
  expect(read(bytes, 6)).toBe('6:b 7:c 8:d next 9');
});

test('a batch that lies before the offset moves nothing back', () => {
  expect(read([batch(0, ['a'])], 5)).toBe(' next 5');
});

test('an incomplete batch at the end is left for the next fetch', () => {
  const cut = batch(2, ['c', 'd']).subarray(0, -3);
  expect(read([batch(0, ['a', 'b']), cut], 0)).toBe('0:a 1:b next 2');
});

test('markers are not records, but their offsets are passed', () => {
  const bytes = [batch(0, ['a'], { producerId: 7, isTransactional: true }), marker(1, 7, 1)];
  expect(read(bytes, 0)).toBe('0:a next 2');
});

test('read_committed leaves out what an aborted transaction wrote, up to its marker', () => {
  const transactional = { producerId: 7, isTransactional: true };
  const bytes = [
    batch(0, ['kept']),
    batch(1, ['gone'], transactional),
    batch(2, ['other'], { producerId: 8, isTransactional: true }),
    marker(3, 7, 0),
    batch(4, ['again'], transactional),
  ];
  expect(read(bytes, 0, { aborted: [{ producerId: 7, firstOffset: 1 }] })).toBe('0:kept 2:other 4:again next 5');
  expect(read(bytes, 0)).toBe('0:kept 1:gone 2:other 4:again next 5');
});

test('damage is found by the checksum, and passed over only when nobody wants to know', () => {
  const bytes = batch(3, ['abc']);
  const last = bytes.length - 2;
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  expect(() => read([bytes], 3)).toThrow(
    /^Record batch for partition t-0 at offset 3 is invalid, cause: Record is corrupt/,
  );
  expect(read([bytes], 3, { checksCrc: false })).toMatch(/^3:ab. next 4$/);
});

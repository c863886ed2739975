/** Opening batches: what was built comes back, what does not add up is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KafkaError } from '../../../../src/protocol/errors.ts';
import { RECORD_BATCH_OVERHEAD, RecordBatch } from '../../../../src/protocol/records/batch.ts';
import { buildBatch } from '../../../../src/protocol/records/build.ts';
import { COMPRESSION_TYPES } from '../../../../src/protocol/records/codecs.ts';
import { openBatch, recordsOf } from '../../../../src/protocol/records/open.ts';
import { GOLDEN_RECORDS } from '../../../support/golden-records.ts';

const arbitraryBytes = fc.option(
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  { nil: null },
);
const arbitraryRecord = fc.record({
  key: arbitraryBytes,
  value: arbitraryBytes,
  timestampMs: fc.integer({ min: -1, max: 2 ** 45 }),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'binary' }), value: arbitraryBytes }), { maxLength: 3 }),
});

/** An uncompressed batch that declares `count` records and holds these bytes. */
function forged(count: number, body: string): RecordBatch {
  const header = buildBatch({ records: [] }).subarray(0, RECORD_BATCH_OVERHEAD);
  const batch = new RecordBatch(Buffer.concat([header, Buffer.from(body, 'hex')]));
  batch.batchLength = batch.buffer.length - 12;
  batch.buffer.writeInt32BE(count, 57);
  return batch;
}

describe('an opened batch', () => {
  it('has the records that it was built of, with every codec', () => {
    const batchOf = fc.tuple(
      fc.array(arbitraryRecord, { maxLength: 20 }),
      fc.constantFrom(...COMPRESSION_TYPES),
      fc.nat(),
    );
    fc.assert(
      fc.property(batchOf, ([records, compression, baseOffset]) => {
        const batch = new RecordBatch(buildBatch({ records, compression, baseOffset }));
        expect(batch.isCrcValid()).toBe(true);
        expect(batch.recordCount).toBe(records.length);
        expect(openBatch(batch)).toEqual(records.map((record, i) => ({ ...record, offset: baseOffset + i })));
      }),
      { numRuns: 100 },
    );
  });

  it('of the Java client has its records, with every codec', () => {
    const golden = GOLDEN_RECORDS.filter(({ magic }) => magic === 2);
    expect(golden.map(({ compression }) => compression)).toEqual([...COMPRESSION_TYPES]);
    for (const { compression, hex } of golden) {
      const batch = new RecordBatch(Buffer.from(hex, 'hex'));
      expect([batch.compression, batch.isCrcValid()]).toEqual([compression, true]);
      expect(openBatch(batch), compression).toEqual([
        { offset: 10, timestampMs: 1000, key: Buffer.from('k'), value: Buffer.from('v'), headers: [] },
        { offset: 11, timestampMs: 2000, key: null, value: Buffer.from('w'), headers: [] },
      ]);
    }
  });

  it('keeps the offsets that compaction left', () => {
    const records = [3, 7].map((offset) => ({ key: Buffer.from('k'), value: null, timestampMs: offset, offset }));
    const batch = new RecordBatch(buildBatch({ records, baseOffset: 1, lastOffset: 9 }));
    expect(openBatch(batch).map((record) => record.offset)).toEqual([3, 7]);
    expect([batch.baseOffset, batch.lastOffset]).toEqual([1, 9]);
    const empty = new RecordBatch(buildBatch({ records: [], baseOffset: 1, lastOffset: 9 }));
    expect([empty.lastOffset, empty.recordCount, empty.maxTimestamp, openBatch(empty)]).toEqual([9, 0, -1, []]);
  });

  it('has the broker’s time in every record under LogAppendTime', () => {
    const records = [1, 2].map((timestampMs) => ({ key: null, value: null, timestampMs }));
    const batch = new RecordBatch(buildBatch({ records, logAppendTimeMs: 99 }));
    expect(openBatch(batch).map((record) => record.timestampMs)).toEqual([99, 99]);
  });

  it('is refused when it does not hold exactly what it declares', () => {
    const cases: [string, number, string, RegExp][] = [
      ['more records than bytes', 1000, '0c0000000101000c0000000101', /1000 records declared/],
      ['a negative count', -1, '', /-1 records declared/],
      ['a record that is missing', 2, '0c00000001010000000000000000', /Invalid record batch/],
      ['a byte too many', 1, '0c00000001010000', /1 bytes after the last record/],
      ['a record longer than the batch', 1, '7e000000010100', /a record of 63 bytes/],
      ['a negative length', 1, '01000000010100', /a record of -1 bytes/],
      ['a record that is longer than its fields', 1, '0e00000001010000', /ends at/],
      ['a key longer than the record', 1, '0c0000007e0100', /too short/],
      ['a header without a key', 1, '100000000101020101', /header without a key/],
      ['more headers than bytes', 1, '0e00000001017e00', /63 headers/],
      ['a negative header count', 1, '0c000000010101', /-1 headers/],
      ['an over-long varint', 1, '1affffffffffffffffffffffff', /Invalid record batch/],
    ];
    for (const [what, count, body, message] of cases) {
      expect(() => openBatch(forged(count, body)), what).toThrow(KafkaError);
      expect(() => openBatch(forged(count, body)), what).toThrow(message);
    }
  });

  it('of an unknown codec is refused', () => {
    const batch = forged(0, '');
    batch.buffer.writeUInt16BE(6, 21);
    expect(() => openBatch(batch)).toThrow(/unknown compression type/);
  });

  it('is read one record at a time when asked to', () => {
    const records = Array.from({ length: 3 }, (_, i) => ({ key: null, value: Buffer.from([i]), timestampMs: i }));
    const iterator = recordsOf(new RecordBatch(buildBatch({ records, compression: 'gzip' })));
    expect(iterator.next().value?.value).toEqual(Buffer.from([0]));
  });

  it('meets any bytes with records or a KafkaError', () => {
    const noise = fc.tuple(
      fc.uint8Array({ maxLength: 100 }),
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 0, max: 7 }),
    );
    fc.assert(
      fc.property(noise, ([body, count, codec]) => {
        const batch = forged(count, Buffer.from(body).toString('hex'));
        batch.buffer.writeUInt16BE(codec, 21);
        try {
          return openBatch(batch).length === count;
        } catch (error) {
          if (error instanceof KafkaError) return true;
          throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

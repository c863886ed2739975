/** Records gone through where they lie, and batches made of some of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordBatch } from '../../../../src/protocol/records/batch.ts';
import { buildBatch } from '../../../../src/protocol/records/build.ts';
import { COMPRESSION_TYPES } from '../../../../src/protocol/records/codecs.ts';
import { openBatch } from '../../../../src/protocol/records/open.ts';
import { emptied, KeptRecords, RecordWalk } from '../../../../src/protocol/records/record-walk.ts';

const bytes = fc.option(fc.uint8Array({ maxLength: 20 }).map((each) => Buffer.from(each)));
const record = fc.record({
  key: bytes,
  value: bytes,
  timestampMs: fc.integer({ min: -1, max: 2 ** 45 }),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: bytes }), { maxLength: 2 }),
});

const batch = fc
  .record({
    records: fc.array(record, { minLength: 1, maxLength: 12 }),
    compression: fc.constantFrom(...COMPRESSION_TYPES),
    baseOffset: fc.nat(2 ** 40),
    partitionLeaderEpoch: fc.nat(100),
    logAppendTimeMs: fc.option(fc.nat(2 ** 45), { nil: undefined }),
  })
  .map(({ logAppendTimeMs, ...rest }) =>
    buildBatch({
      ...rest,
      ...(logAppendTimeMs !== undefined && { logAppendTimeMs }),
      producerId: 3,
      producerEpoch: 1,
      baseSequence: 8,
    }),
  );

describe('a batch of the records that are kept', () => {
  it('has them as they were, with or without a delete horizon', () => {
    fc.assert(
      fc.property(batch, fc.infiniteStream(fc.boolean()), fc.option(fc.nat(2 ** 42)), (original, keeps, horizonMs) => {
        const view = new RecordBatch(original);
        const walk = new RecordWalk(view);
        const kept = new KeptRecords(view, walk, horizonMs);
        const expected = openBatch(view).filter((each) => {
          expect(walk.next()).toBe(true);
          expect([walk.offset, walk.key, walk.hasValue]).toEqual([each.offset, each.key, each.value !== null]);
          const isKept = keeps.next().value;
          if (isKept) kept.add();
          return isKept;
        });
        expect(walk.next()).toBe(false);
        const made = new RecordBatch(kept.toBatch());
        expect(made.isCrcValid()).toBe(true);
        expect(openBatch(made)).toEqual(expected);
        expect(made.hasDeleteHorizon).toBe(horizonMs !== null);
        if (horizonMs !== null) expect(made.baseTimestamp).toBe(horizonMs);
        for (const field of ['baseOffset', 'lastOffset', 'lastSequence', 'compression', 'timestampType'] as const)
          expect(made[field]).toBe(view[field]);
        const times = expected.map(({ timestampMs }) => timestampMs);
        const latest = view.timestampType === 'LogAppendTime' ? view.maxTimestamp : Math.max(-1, ...times);
        expect(made.maxTimestamp).toBe(latest);
      }),
    );
  });

  it('can be gone through again', () => {
    const view = new RecordBatch(buildBatch({ records: [{ key: null, value: null, timestampMs: 5 }] }));
    const walk = new RecordWalk(view);
    for (const _ of [1, 2]) {
      expect([walk.next(), walk.timestampMs, walk.next()]).toEqual([true, 5, false]);
      walk.restart();
    }
  });

  it('is not made of bytes that are no records', () => {
    fc.assert(
      fc.property(batch, fc.nat(), fc.nat(255), (original, at, byte) => {
        const view = new RecordBatch(original);
        const damaged = Buffer.from(original);
        damaged[61 + (at % (original.length - 61))] = byte;
        try {
          const walk = new RecordWalk(new RecordBatch(damaged));
          let count = 0;
          while (walk.next()) count++;
          expect(count).toBe(view.recordCount);
        } catch (error) {
          expect(String(error)).toMatch(/KafkaError/);
        }
      }),
    );
  });
});

describe('an emptied batch', () => {
  it('keeps its offsets, its producer and its time', () => {
    fc.assert(
      fc.property(batch, (original) => {
        const view = new RecordBatch(original);
        const made = new RecordBatch(emptied(view));
        expect([made.sizeBytes, made.recordCount, made.compression, made.isCrcValid()]).toEqual([61, 0, 'none', true]);
        expect(openBatch(made)).toEqual([]);
        for (const field of ['baseOffset', 'lastOffset', 'lastSequence', 'producerEpoch', 'maxTimestamp'] as const)
          expect(made[field]).toBe(view[field]);
      }),
    );
  });
});

/** The view of a record batch, on bytes of the Java client and on our own. */
import { describe, expect, it } from 'vitest';
import { batches, RECORD_BATCH_OVERHEAD, RecordBatch, sequenceAfter } from '../../../../src/protocol/records/batch.ts';
import { buildBatch } from '../../../../src/protocol/records/build.ts';

const record = (value: string, timestampMs = 1000) => ({ key: null, value: Buffer.from(value), timestampMs });

/** One record "v" at 1000 ms, as the Java client 3.9.1 writes it. */
const GOLDEN =
  '0000000000000000' + // baseOffset
  '00000039' + // batchLength
  'ffffffff' + // partitionLeaderEpoch
  '02' + // magic
  'ae59b08f' + // crc
  '0000' + // attributes
  '00000000' + // lastOffsetDelta
  '00000000000003e8' + // baseTimestamp
  '00000000000003e8' + // maxTimestamp
  'ffffffffffffffff' + // producerId
  'ffff' + // producerEpoch
  'ffffffff' + // baseSequence
  '00000001' + // recordCount
  '0e' + // length 7
  '00' + // attributes
  '00' + // timestampDelta
  '00' + // offsetDelta
  '01' + // key null
  '02' + // value of 1 byte
  '76' +
  '00'; // headers

describe('a batch', () => {
  it('has the bytes of the Java client', () => {
    const bytes = buildBatch({ records: [record('v')] });
    expect(bytes.toString('hex')).toBe(GOLDEN);
    expect(new RecordBatch(bytes).isCrcValid()).toBe(true);
  });

  it('tells its header', () => {
    const bytes = buildBatch({
      records: [record('a', 500), record('b', 900), record('c', 700)],
      baseOffset: 5_000_000_000,
      compression: 'zstd',
      partitionLeaderEpoch: 4,
      producerId: 9_000_000_000,
      producerEpoch: 3,
      baseSequence: 10,
      isTransactional: true,
    });
    const batch = new RecordBatch(Buffer.concat([Buffer.alloc(7), bytes]), 7);
    expect(batch).toMatchObject({
      baseOffset: 5_000_000_000,
      lastOffset: 5_000_000_002,
      nextOffset: 5_000_000_003,
      sizeBytes: bytes.length,
      endPosition: 7 + bytes.length,
      partitionLeaderEpoch: 4,
      magic: 2,
      compression: 'zstd',
      isCompressed: true,
      timestampType: 'CreateTime',
      isTransactional: true,
      isControl: false,
      hasDeleteHorizon: false,
      hasUnknownAttributes: false,
      lastOffsetDelta: 2,
      baseTimestamp: 500,
      maxTimestamp: 900,
      producerId: 9_000_000_000,
      producerEpoch: 3,
      hasProducerId: true,
      baseSequence: 10,
      lastSequence: 12,
      recordCount: 3,
    });
    expect(batch.isCrcValid()).toBe(true);
    expect(batch.toBuffer().equals(bytes)).toBe(true);
  });

  it('keeps its checksum when the broker gives it its offset and epoch', () => {
    const batch = new RecordBatch(buildBatch({ records: [record('a')] }));
    batch.baseOffset = 77;
    batch.partitionLeaderEpoch = 8;
    expect([batch.baseOffset, batch.partitionLeaderEpoch, batch.isCrcValid()]).toEqual([77, 8, true]);
  });

  it('gets a new checksum with LogAppendTime, and only if something changes', () => {
    const batch = new RecordBatch(buildBatch({ records: [record('a', 5)] }));
    batch.setMaxTimestamp('LogAppendTime', 123_456_789_012);
    expect([batch.timestampType, batch.maxTimestamp, batch.isCrcValid()]).toEqual([
      'LogAppendTime',
      123_456_789_012,
      true,
    ]);
    batch.buffer[RECORD_BATCH_OVERHEAD] = 0;
    batch.setMaxTimestamp('LogAppendTime', 123_456_789_012);
    expect(batch.isCrcValid()).toBe(false);
  });

  it('with any flipped byte after the checksum is found out', () => {
    const bytes = buildBatch({ records: [record('a')] });
    for (let at = 17; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ 0x10, at);
      expect(new RecordBatch(flipped).isCrcValid(), `byte ${at}`).toBe(false);
    }
  });

  it('of an unknown codec or with unknown attributes says so', () => {
    const bytes = buildBatch({ records: [record('a')] });
    bytes.writeUInt16BE(0x8007, 21);
    const batch = new RecordBatch(bytes);
    expect([batch.compression, batch.hasUnknownAttributes]).toEqual([null, true]);
  });
});

describe('sequence numbers', () => {
  it('begin again at 0 after 2147483647', () => {
    expect(sequenceAfter(2147483647, 0)).toBe(2147483647);
    expect(sequenceAfter(2147483647, 1)).toBe(0);
    expect(sequenceAfter(2147483640, 10)).toBe(2);
    const batch = new RecordBatch(buildBatch({ records: [record('a'), record('b')], baseSequence: 2147483647 }));
    expect(batch.lastSequence).toBe(0);
    expect(new RecordBatch(buildBatch({ records: [record('a')] })).lastSequence).toBe(-1);
  });
});

describe('the batches of a buffer', () => {
  const one = buildBatch({ records: [record('one')], baseOffset: 1 });
  const two = buildBatch({ records: [record('two')], baseOffset: 2 });

  it('come one after the other, and one that is cut off at the end does not come', () => {
    const both = Buffer.concat([one, two]);
    const offsets = (end: number) => [...batches(both, 0, end)].map((batch) => batch.baseOffset);
    expect(offsets(both.length)).toEqual([1, 2]);
    expect(offsets(both.length - 1)).toEqual([1]);
    expect(offsets(one.length + 16)).toEqual([1]);
    expect(offsets(5)).toEqual([]);
    expect([...batches(both, one.length)].map((batch) => batch.position)).toEqual([one.length]);
  });

  it('are refused when a length or a magic cannot be', () => {
    const negative = Buffer.from(one);
    negative.writeInt32BE(-1, 8);
    expect(() => [...batches(negative)]).toThrow(/batch length -1/);
    const short = Buffer.from(one);
    short.writeInt32BE(48, 8);
    expect(() => [...batches(short)]).toThrow(/batch length 48/);
    const magic = Buffer.from(one);
    magic.writeInt8(3, 16);
    expect(() => [...batches(magic)]).toThrow(/magic 3/);
  });
});

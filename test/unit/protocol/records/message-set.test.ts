/** Old message sets, of the Java client and hand-made hostile ones. */
import { crc32, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KafkaError } from '../../../../src/protocol/errors.ts';
import { batches, RecordBatch } from '../../../../src/protocol/records/batch.ts';
import { compress } from '../../../../src/protocol/records/compression.ts';
import { COMPRESSION_TYPES } from '../../../../src/protocol/records/codecs.ts';
import { convertMessageSet, openMessageSet } from '../../../../src/protocol/records/message-set.ts';
import { openBatch } from '../../../../src/protocol/records/open.ts';
import { Writer } from '../../../../src/protocol/writer.ts';
import { GOLDEN_RECORDS } from '../../../support/golden-records.ts';

interface Message {
  readonly magic: number;
  readonly offset?: number;
  readonly attributes?: number;
  readonly timestampMs?: number;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
}

/** One entry of a message set, as old clients write it. */
function entry({ magic, offset = 0, attributes = 0, timestampMs = 0, key = null, value = null }: Message): Buffer {
  const body = new Writer();
  body.int8(magic);
  body.int8(attributes);
  if (magic === 1) body.int64(timestampMs);
  body.nullableBytes(key);
  body.nullableBytes(value);
  const checked = body.finish();
  const whole = new Writer();
  whole.int64(offset);
  whole.int32(checked.length + 4);
  whole.uint32(crc32(checked));
  whole.raw(checked);
  return whole.finish();
}

const set = (...messages: Message[]) => Buffer.concat(messages.map(entry));
const text = (value: string) => Buffer.from(value);

describe('a message set', () => {
  it('of the Java client has its messages, with every codec of its time', () => {
    const golden = GOLDEN_RECORDS.filter(({ magic }) => magic < 2);
    expect(golden).toHaveLength(8);
    for (const { magic, compression, hex } of golden) {
      const opened = openMessageSet(Buffer.from(hex, 'hex'));
      expect(opened.compression).toBe(compression);
      expect(opened.messages, `${compression} in magic ${magic}`).toMatchObject([
        { offset: 10, timestampMs: magic === 0 ? -1 : 1000, key: text('k'), value: text('v') },
        { offset: 11, timestampMs: magic === 0 ? -1 : 2000, key: null, value: text('w') },
      ]);
    }
  });

  it('becomes one batch with offsets from 0 on', () => {
    const messages = [
      { magic: 1, offset: 5, timestampMs: 300, key: text('a'), value: text('1') },
      { magic: 1, offset: 9, timestampMs: 100, key: null, value: null },
    ];
    const [batch, ...rest] = [...batches(convertMessageSet(set(...messages)))];
    expect(rest).toEqual([]);
    expect(batch).toMatchObject({ magic: 2, baseOffset: 0, lastOffset: 1, maxTimestamp: 300, compression: 'none' });
    expect(openBatch(batch as RecordBatch)).toEqual([
      { offset: 0, timestampMs: 300, key: text('a'), value: text('1'), headers: [] },
      { offset: 1, timestampMs: 100, key: null, value: null, headers: [] },
    ]);
  });

  it('of magic 0 has no timestamps', () => {
    const batch = new RecordBatch(convertMessageSet(set({ magic: 0, value: text('x') })));
    expect([batch.maxTimestamp, openBatch(batch)[0]?.timestampMs]).toEqual([-1, -1]);
  });

  it('that is empty gives no batch', () => {
    expect(convertMessageSet(Buffer.alloc(0))).toHaveLength(0);
  });

  it('comes out of its wrapper with every codec of its time and is compressed again', () => {
    for (const magic of [0, 1]) {
      for (const type of ['gzip', 'snappy', 'lz4'] as const) {
        const inner = set({ magic, offset: 0, value: text('x') }, { magic, offset: 1, value: text('y') });
        const attributes = COMPRESSION_TYPES.indexOf(type);
        const wrapper = { magic, offset: 1, attributes, value: compress(type, inner) };
        const batch = new RecordBatch(convertMessageSet(set(wrapper)));
        expect(batch.compression).toBe(type);
        expect(openBatch(batch).map((record) => `${record.value}`)).toEqual(['x', 'y']);
      }
    }
  });

  it('has absolute inner offsets in magic 0 and relative ones in magic 1, unless the wrapper has none', () => {
    const offsets = (magic: number, wrapperOffset: number, innerOffsets: number[]) => {
      const inner = set(...innerOffsets.map((offset) => ({ magic, offset })));
      const wrapper = entry({ magic, offset: wrapperOffset, attributes: 1, value: gzipSync(inner) });
      return openMessageSet(wrapper).messages.map((message) => message.offset);
    };
    expect(offsets(0, 12, [10, 12])).toEqual([10, 12]);
    expect(offsets(1, 12, [0, 1, 2])).toEqual([10, 11, 12]);
    expect(offsets(1, 12, [0, 5])).toEqual([7, 12]);
    expect(offsets(1, 0, [0, 1, 2])).toEqual([0, 1, 2]);
    expect(() => offsets(1, 1, [0, 5])).toThrow(/below that of the last inner message/);
  });
});

describe('a hostile message set', () => {
  const wrapped = (inner: Buffer, attributes = 1, magic = 1) => entry({ magic, attributes, value: gzipSync(inner) });

  it('is refused for what is wrong with it', () => {
    const good = entry({ magic: 1, value: text('v') });
    const flipped = Buffer.from(good);
    flipped.writeUInt8(0x77, good.length - 1);
    const longer = Buffer.from(good);
    longer.writeInt32BE(1000, 8);
    const cases: [string, Buffer, string][] = [
      ['a checksum', flipped, 'CORRUPT_MESSAGE'],
      ['a size beyond the set', longer, 'CORRUPT_MESSAGE'],
      ['a cut', good.subarray(0, good.length - 1), 'CORRUPT_MESSAGE'],
      ['magic 2', entry({ magic: 2 }), 'CORRUPT_MESSAGE'],
      ['a wrapper without a value', entry({ magic: 1, attributes: 1 }), 'INVALID_RECORD'],
      ['a wrapper of nothing', wrapped(Buffer.alloc(0)), 'INVALID_RECORD'],
      ['a wrapper in a wrapper', wrapped(wrapped(good)), 'INVALID_RECORD'],
      ['another magic inside', wrapped(entry({ magic: 0 })), 'INVALID_RECORD'],
      ['bytes that are not compressed', entry({ magic: 1, attributes: 1, value: text('plain') }), 'INVALID_RECORD'],
      ['zstd', entry({ magic: 1, attributes: 4, value: text('x') }), 'UNSUPPORTED_COMPRESSION_TYPE'],
      ['an unknown codec', entry({ magic: 1, attributes: 7 }), 'UNSUPPORTED_COMPRESSION_TYPE'],
      ['the broker’s timestamp type', entry({ magic: 1, attributes: 8 }), 'INVALID_TIMESTAMP'],
    ];
    for (const [what, bytes, error] of cases) {
      expect(() => convertMessageSet(bytes), what).toThrow(expect.objectContaining({ error }));
    }
  });

  it('is bounded over all its wrappers', () => {
    const wrapper = wrapped(entry({ magic: 1, value: Buffer.alloc(60_000) }));
    expect(openMessageSet(Buffer.concat([wrapper, wrapper]), { maxBytes: 130_000 }).messages).toHaveLength(2);
    expect(() => openMessageSet(Buffer.concat([wrapper, wrapper]), { maxBytes: 100_000 })).toThrow(/larger than/);
  });

  it('meets any bytes with messages or a KafkaError', () => {
    const good = set({ magic: 0, key: text('k') }, { magic: 1, value: text('v') });
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, length) => {
        const bytes = Buffer.from(good);
        bytes.writeUInt8(byte, at);
        try {
          return convertMessageSet(bytes.subarray(0, length)).length >= 0;
        } catch (error) {
          if (error instanceof KafkaError) return true;
          throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});

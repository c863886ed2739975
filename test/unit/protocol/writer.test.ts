/** What is written, to the byte, and what is refused because it would be cut. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader } from '../../../src/protocol/reader.ts';
import { type RecordsSource, recordsSizeBytes, Writer } from '../../../src/protocol/writer.ts';

function hex(write: (writer: Writer) => void): string {
  const writer = new Writer();
  write(writer);
  return writer.finish().toString('hex');
}

describe('a writer', () => {
  it('writes numbers big-endian', () => {
    expect(hex((w) => w.bool(true))).toBe('01');
    expect(hex((w) => w.int8(-1))).toBe('ff');
    expect(hex((w) => w.int16(-2))).toBe('fffe');
    expect(hex((w) => w.uint16(0xfffe))).toBe('fffe');
    expect(hex((w) => w.int32(-3))).toBe('fffffffd');
    expect(hex((w) => w.uint32(0xfffffffd))).toBe('fffffffd');
    expect(hex((w) => w.int64(-1))).toBe('ffffffffffffffff');
    expect(hex((w) => w.int64(Number.MIN_SAFE_INTEGER))).toBe('ffe0000000000001');
    expect(hex((w) => w.int64(Number.MAX_SAFE_INTEGER))).toBe('001fffffffffffff');
    expect(hex((w) => w.float64(1.5))).toBe('3ff8000000000000');
    expect(hex((w) => w.uuid('AAAAAAAAAAAAAAAAAAAAAQ'))).toBe('00000000000000000000000000000001');
  });

  it('refuses numbers that do not fit their field, and what is no number', () => {
    const refused: [keyof Writer & ('int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64'), number][] = [
      ['int8', 128],
      ['int16', 40_000],
      ['uint16', -1],
      ['int32', 2 ** 31],
      ['uint32', -1],
      ['int64', 2 ** 53],
      ['int32', 1.5],
      ['int64', Number.NaN],
    ];
    for (const [method, value] of refused) expect(() => hex((w) => w[method](value)), method).toThrow(RangeError);
    expect(() => hex((w) => w.int32(undefined as unknown as number))).toThrow(RangeError);
    expect(() => hex((w) => w.uuid('short'))).toThrow(RangeError);
    expect(() => hex((w) => w.string('x'.repeat(32768)))).toThrow(RangeError);
  });

  it('writes every topic id as the bytes that its base64 means', () => {
    const ids = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes));
    fc.assert(fc.property(ids, (id) => hex((w) => w.uuid(id.toString('base64url'))) === id.toString('hex')));
    for (const bad of [
      '',
      'AAAAAAAAAAAAAAAAAAAAA',
      'AAAAAAAAAAAAAAAAAAAAA=',
      'AAAAAAAAAAAAAAAAAAAAA+',
      'AAAAAAAAAAAAAAAAAAAAAé',
    ]) {
      expect(() => hex((w) => w.uuid(bad)), bad).toThrow(/not a topic id/);
    }
  });

  it('writes varints in as few bytes as they need', () => {
    expect(hex((w) => w.uvarint(300))).toBe('ac02');
    expect(hex((w) => w.uvarint(4294967295))).toBe('ffffffff0f');
    expect(hex((w) => w.varint(-2147483648))).toBe('ffffffff0f');
    for (const value of [
      0,
      -1,
      1,
      63,
      64,
      -64,
      -65,
      2 ** 31,
      -(2 ** 40),
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
    ]) {
      const bytes = Buffer.from(
        hex((w) => w.varlong(value)),
        'hex',
      );
      expect(new Reader(bytes).saturatingVarlong()).toBe(value);
    }
  });

  it('grows without losing what was written', () => {
    const writer = new Writer(Buffer.alloc(1));
    for (let i = 0; i < 1000; i++) writer.int32(i);
    const reader = new Reader(writer.finish());
    for (let i = 0; i < 1000; i++) expect(reader.int32()).toBe(i);
  });

  it('stays in the buffer that it was given while that has room', () => {
    const buffer = Buffer.alloc(16);
    const writer = new Writer(buffer);
    writer.string('hello');
    expect(writer.finish().buffer === buffer.buffer).toBe(true);
    expect(buffer.subarray(0, 7).toString('hex')).toBe('000568656c6c6f');
  });

  it('measures a tagged field after it was written, however long', () => {
    for (const length of [0, 1, 127, 128, 300, 16_383, 16_384, 70_000]) {
      const writer = new Writer();
      writer.uvarint(1);
      const start = writer.beginTag(7);
      writer.raw(Buffer.alloc(length, 0xab));
      writer.endTag(start);
      writer.int8(5);
      const reader = new Reader(writer.finish());
      expect([reader.tagCount(), reader.tag(-1)]).toEqual([1, 7]);
      const end = reader.tagEnd();
      expect(end - reader.offset).toBe(length);
      expect(reader.slice(length).equals(Buffer.alloc(length, 0xab))).toBe(true);
      expect(reader.int8()).toBe(5);
    }
  });

  it('lets records copy themselves to their place', () => {
    const source: RecordsSource = {
      sizeBytes: 3,
      copyInto: (target, offset) => {
        target.write('xyz', offset);
      },
    };
    expect(hex((w) => w.records(source))).toBe('0000000378797a');
    expect(hex((w) => w.compactRecords(source))).toBe('0478797a');
    expect(hex((w) => w.compactRecords(Buffer.from('a')))).toBe('0261');
    expect(hex((w) => w.nullableRecords(null))).toBe('ffffffff');
    expect(hex((w) => w.compactNullableRecords(null))).toBe('00');
    expect([source, Buffer.alloc(5), null].map(recordsSizeBytes)).toEqual([3, 5, 0]);
  });

  it('patches a length once it is known, and nothing beyond what was written', () => {
    const writer = new Writer();
    writer.int32(0);
    writer.patchInt32(0, 77);
    expect(() => writer.patchInt32(1, 77)).toThrow(RangeError);
    expect(writer.finish().toString('hex')).toBe('0000004d');
  });
});

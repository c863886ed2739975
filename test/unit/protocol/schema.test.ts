/** The message DSL: shapes, layout, defaults, bounds, types. */
import { describe, expect, it } from 'vitest';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';
import { KafkaError } from '../../../src/protocol/errors.ts';
import { Reader } from '../../../src/protocol/reader.ts';
import {
  array,
  bool,
  bytes,
  type Codec,
  compile,
  defineApi,
  float64,
  int8,
  int16,
  int32,
  int64,
  type RequestIn,
  type RequestOf,
  type ResponseOf,
  records,
  string,
  struct,
  uint16,
  uint32,
  uuid,
} from '../../../src/protocol/schema.ts';
import { Writer } from '../../../src/protocol/writer.ts';

function hexOf<In>(codec: Codec<unknown, In>, value: In): string {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish().toString('hex');
}

const Example = defineApi({
  key: 1000,
  name: 'Example',
  validVersions: '0-4',
  flexibleVersions: '3+',
  request: {
    name: string(),
    since1: int32({ versions: '1+', default: -1, ignorable: true }),
    until1: int32({ versions: '0-1' }),
    list: array({ id: int16(), note: string({ versions: '2+', nullable: '2+', default: null }) }),
    leader: struct({ id: int32({ default: -1 }), epoch: int32({ default: -1 }) }, { versions: '3+', tag: 0 }),
    extra: array(string(), { versions: '3+', tag: 2 }),
    cursor: struct({ at: int32() }, { versions: '4+', nullable: '4+', default: null }),
  },
  response: { errorCode: int16() },
});

type Request = RequestOf<typeof Example>;

function roundTrip(version: number, value: RequestIn<typeof Example>): Request {
  const writer = new Writer();
  Example.requestCodec(version).write(writer, value);
  return Example.requestCodec(version).read(new Reader(writer.finish()));
}

describe('a declared message', () => {
  it('has one shape at every version, with defaults for what is not on the wire', () => {
    const value = { name: 'n', list: [{ id: 1 }] };
    for (let version = 0; version <= 4; version++) {
      expect(roundTrip(version, value)).toEqual({
        name: 'n',
        since1: -1,
        until1: 0,
        list: [{ id: 1, note: null }],
        leader: { id: -1, epoch: -1 },
        extra: [],
        cursor: null,
      });
    }
  });

  it('has its fields in the order of the declaration, also when they came by tag', () => {
    expect(Object.keys(roundTrip(4, { name: '', list: [], extra: ['x'], leader: { id: 1 } }))).toEqual(
      Object.keys(Example.request),
    );
  });

  it('is laid out as Kafka lays it out', () => {
    const request = Example.requestCodec(0);
    expect(hexOf(request, { name: 'ab', until1: 7, list: [{ id: 1 }] })).toBe('0002616200000007000000010001');
    const flexible = Example.requestCodec(4);
    const name = '036162';
    const list = '0200010000'; // one element: id, a null note, no tags
    expect(hexOf(flexible, { name: 'ab', since1: 7, list: [{ id: 1 }] })).toBe(`${name}00000007${list}ff00`);
    const cursor = '010000000300'; // present, at, no tags
    const tags = '02000900000005ffffffff000203' + '02027a'; // leader in 9 bytes, extra in 3
    const tagged = { name: 'ab', since1: 7, list: [{ id: 1 }], leader: { id: 5 }, extra: ['z'], cursor: { at: 3 } };
    expect(hexOf(flexible, tagged)).toBe(`${name}00000007${list}${cursor}${tags}`);
  });

  it('leaves out a tagged field that equals its default, deeply', () => {
    const codec = Example.requestCodec(3);
    const without = hexOf(codec, { name: '', list: [] });
    expect(hexOf(codec, { name: '', list: [], leader: {}, extra: [] })).toBe(without);
    expect(hexOf(codec, { name: '', list: [], leader: { id: -1, epoch: undefined } })).toBe(without);
  });

  it('refuses to drop a value that the version cannot carry, unless the field is ignorable', () => {
    expect(() => roundTrip(2, { name: '', list: [], until1: 3 })).toThrow(KafkaError);
    expect(() => roundTrip(2, { name: '', list: [], leader: { id: 3 } })).toThrow(/non-default leader at version 2/);
    expect(() => roundTrip(1, { name: '', list: [{ id: 1, note: 'x' }] })).toThrow(/note/);
    expect(roundTrip(2, { name: '', list: [], until1: 0, leader: { id: -1 }, extra: [] }).until1).toBe(0);
    expect(roundTrip(0, { name: '', list: [], since1: 9 }).since1).toBe(-1);
  });

  it('refuses null where the version does not allow it, in both directions', () => {
    const bad = { name: null as unknown as string, list: [] };
    expect(() => roundTrip(0, bad)).toThrow(TypeError);
    expect(() => Example.requestCodec(0).read(new Reader(Buffer.from('ffff', 'hex')))).toThrow(RangeError);
    expect(() => Example.requestCodec(3).read(new Reader(Buffer.from('00', 'hex')))).toThrow(RangeError);
  });

  it('tells null from absent where a tagged struct may be null', () => {
    const codec = compile('Tagged', { cursor: struct({ at: int32() }, { nullable: '0+', tag: 0 }) }, 0, true);
    const layouts = [
      { cursor: { at: 0 }, hex: '00' }, // the default
      { cursor: null, hex: '01000100' }, // one byte, 0
      { cursor: { at: 3 }, hex: '010006010000000300' },
    ];
    for (const { cursor, hex } of layouts) {
      expect(hexOf(codec, { cursor })).toBe(hex);
      expect(codec.read(new Reader(Buffer.from(hex, 'hex')))).toEqual({ cursor });
    }
  });

  it('skips tagged fields that it does not know and refuses known ones of a wrong size', () => {
    const body = '01ffffffff01'; // an empty name, since1, an empty list
    const read = (tags: string) => Example.requestCodec(3).read(new Reader(Buffer.from(body + tags, 'hex')));
    expect(read('01630401020304').extra).toEqual([]);
    expect(read('02020302027a6301ff').extra).toEqual(['z']);
    expect(() => read('01020402027a00')).toThrow(/tagged field ends/);
    expect(() => read('01020202027a')).toThrow(/tagged field ends/);
    expect(() => read('02020302027a020302027a')).toThrow(/tag 2 after 2/);
  });

  it('gives each message arrays and structs of its own', () => {
    const first = roundTrip(0, { name: '', list: [] });
    first.extra.push('mine');
    first.leader.id = 9;
    const second = roundTrip(0, { name: '', list: [] });
    expect([second.extra, second.leader.id]).toEqual([[], -1]);
  });
});

describe('the bounds of a message', () => {
  const { read } = compile('Amplifier', { items: array({ a: string(), b: string() }) }, 0, true);

  it('refuse a count that the frame cannot hold', () => {
    expect(() => read(new Reader(Buffer.from('ffffffff0f', 'hex')))).toThrow(/cannot fit/);
    expect(() => read(new Reader(Buffer.from('0501010001010001010001', 'hex')))).toThrow(/cannot fit/);
  });

  it('refuse a frame that would become too many objects', () => {
    const count = 1 << 20;
    const writer = new Writer();
    writer.compactArrayLength(count);
    writer.raw(Buffer.alloc(count * 3, Buffer.from([1, 1, 0])));
    expect(() => read(new Reader(writer.finish()))).toThrow(/too many objects/);
  });

  it('charge arrays in arrays as well', () => {
    const nested = compile('Nested', { outer: array(array(int8())) }, 0, true);
    const writer = new Writer();
    writer.compactArrayLength(2_000_000);
    writer.raw(Buffer.alloc(2_000_000, 1));
    expect(() => nested.read(new Reader(writer.finish()))).toThrow(/too many objects/);
  });

  it('count elements that have no byte of their own', () => {
    const empty = compile('Empty', { items: array({}) }, 0, false);
    expect(() => empty.read(new Reader(Buffer.from('7fffffff', 'hex')))).toThrow(/cannot fit/);
  });

  it('let a real message of a hundred thousand partitions through', () => {
    const state = {
      partition: int32(),
      leader: int32(),
      isr: array(int32()),
      replicas: array(int32()),
      offset: int64(),
    };
    const codec = compile('States', { states: array(state) }, 0, true);
    const states = Array.from({ length: 100_000 }, (_, i) => ({
      partition: i,
      leader: 1,
      isr: [1, 2, 3],
      replicas: [1, 2, 3],
      offset: i,
    }));
    const writer = new Writer();
    codec.write(writer, { states });
    expect(codec.read(new Reader(writer.finish())).states).toHaveLength(100_000);
  });
});

describe('every kind of field', () => {
  const fields = {
    bool: bool(),
    int8: int8(),
    int16: int16(),
    uint16: uint16(),
    int32: int32(),
    uint32: uint32(),
    int64: int64(),
    far: int64({ saturating: true }),
    float64: float64(),
    uuid: uuid(),
    string: string(),
    bytes: bytes(),
    records: records(),
    kind: array(int32()),
    struct: struct({ inner: string({ nullable: '0+' }) }),
  };
  const value = {
    bool: true,
    int8: -8,
    int16: -16,
    uint16: 65535,
    int32: -32,
    uint32: 4294967295,
    int64: -64,
    far: 1,
    float64: 0.5,
    uuid: ZERO_TOPIC_ID,
    string: 'ö',
    bytes: Buffer.from('b'),
    records: Buffer.from('r'),
    kind: [1, 2],
    struct: { inner: null },
  };

  it('comes back', () => {
    for (const flexible of [false, true]) {
      const codec = compile('All', fields, 0, flexible);
      const writer = new Writer();
      codec.write(writer, value);
      expect(codec.read(new Reader(writer.finish()))).toEqual(value);
      expect(codec.recordsSizeBytes(value)).toBe(1);
    }
  });

  it('saturates only where it was declared to', () => {
    const codec = compile('Long', { far: int64({ saturating: true }), near: int64() }, 0, false);
    const far = Buffer.from('7fffffffffffffff0000000000000001', 'hex');
    expect(codec.read(new Reader(far))).toEqual({ far: Number.MAX_SAFE_INTEGER, near: 1 });
    const near = Buffer.from('00000000000000017fffffffffffffff', 'hex');
    expect(() => codec.read(new Reader(near))).toThrow(RangeError);
  });
});

/** true when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** The fields that may be left out. */
type OptionalKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

describe('the types of a message', () => {
  it('demand what has no default, know what may be null, and have every decoded field', () => {
    // Each is only assignable when the type says so: the type checker is the test.
    const optional: Same<
      OptionalKeys<RequestIn<typeof Example>>,
      'since1' | 'until1' | 'leader' | 'extra' | 'cursor'
    > = true;
    const cursor: Same<Request['cursor'], { at: number } | null> = true;
    const note: Same<Request['list'][number]['note'], string | null> = true;
    const name: Same<Request['name'], string> = true;
    const response: Same<keyof ResponseOf<typeof Example>, 'errorCode'> = true;
    expect([optional, cursor, note, name, response]).not.toContain(false);
  });
});

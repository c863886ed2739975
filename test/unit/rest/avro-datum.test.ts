/** Avro's JSON to bytes and back: by table, by avsc as a second opinion, and with bytes that nobody wrote. */
import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Writer } from '../../../src/protocol/writer.ts';
import { parseAvroSchema } from '../../../src/registry/avro-schema.ts';
import { parseJson } from '../../../src/registry/json-text.ts';
import { readDatum } from '../../../src/rest/avro-datum-reader.ts';
import { acceptsNull, DatumError, writeDatum } from '../../../src/rest/avro-datum-writer.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const nodeOf = (schema: string) => parseAvroSchema(schema, [], { isNew: false, isNormalized: false }).root;
const encode = (schema: string, json: string): Buffer => {
  const writer = new Writer();
  writeDatum(nodeOf(schema), parseJson(json, { allowsComments: false }), writer);
  return writer.finish();
};
const decode = (schema: string, bytes: Buffer): string => readDatum(nodeOf(schema), bytes, 0);
const recordOf = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'a.R', fields });
const UNION = JSON.stringify(['null', 'long', { type: 'fixed', name: 'a.F', size: 2 }]);
const LIST = recordOf({ name: 'head', type: 'int' }, { name: 'tail', type: ['null', 'R'] });

describe('what Avro Java makes of it', () => {
  it.each([
    ['"null"', 'null', ''],
    ['"boolean"', 'true', '01'],
    ['"int"', '-64', '7f'],
    ['"int"', '2147483647', 'feffffff0f'],
    ['"long"', '9007199254740993', '82808080808080 20'],
    ['"long"', '9223372036854775807', 'feffffffffffffffff01'],
    ['"long"', '-9223372036854775808', 'ffffffffffffffffff01'],
    ['"float"', '0.1', 'cdcccc3d'],
    ['"float"', '"NaN"', '0000c07f'],
    ['"double"', '1.0', '000000000000f03f'],
    ['"double"', '1.0E21', '50efe2d6e41a4b44'],
    ['"double"', '"-Infinity"', '000000000000f0ff'],
    ['"string"', '"é\\u0000\\""', '08 c3a90022'],
    ['"bytes"', '"\\u00ff\\u0000a"', '06 ff0061'],
    ['{"type":"fixed","name":"F","size":2}', '"\\u00ff\\u0001"', 'ff01'],
    ['{"type":"enum","name":"E","symbols":["A","B"]}', '"B"', '02'],
    ['{"type":"array","items":"int"}', '[1,2]', '04 02 04 00'],
    ['{"type":"array","items":"int"}', '[]', '00'],
    ['{"type":"map","values":"int"}', '{"b":1,"__proto__":2}', '04 0262 02 125f5f70726f746f5f5f 04 00'],
    [recordOf({ name: 'u', type: JSON.parse(UNION) }), '{"u":null}', '00'],
    [recordOf({ name: 'u', type: JSON.parse(UNION) }), '{"u":{"long":1}}', '02 02'],
    [recordOf({ name: 'u', type: JSON.parse(UNION) }), '{"u":{"a.F":"ab"}}', '04 6162'],
    [LIST, '{"head":1,"tail":{"a.R":{"head":2,"tail":null}}}', '02 02 04 00'],
    ['{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}', '"\\u0001"', '02 01'],
    ['{"type":"long","logicalType":"timestamp-millis"}', '1700000000000', '80a0abfef962'],
  ])('%s: %s', (schema, json, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(encode(schema, json).toString('hex')).toBe(bytes.toString('hex'));
    expect(JSON.parse(decode(schema, bytes))).toEqual(JSON.parse(json));
    // Numbers to their last digit, and names that JSON.parse would lose.
    if (/"(long|double|map)"/.test(schema)) expect(decode(schema, bytes)).toBe(json);
  });

  it('a union that is the whole value is tagged when it comes, and not when it goes', () => {
    expect(encode(UNION, '{"long":5}')).toEqual(Buffer.from([2, 10]));
    expect(decode(UNION, Buffer.from([2, 10]))).toBe('5');
    expect([UNION, '"null"', '"int"', LIST].map((schema) => acceptsNull(nodeOf(schema)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('fields come in any order, by an alias too, and what is not of the record is passed over', () => {
    const schema = recordOf({ name: 'a', type: 'int', aliases: ['old'] }, { name: 'b', type: 'int', default: 9 });
    expect(encode(schema, '{"b":2,"more":[],"old":1}')).toEqual(Buffer.from([2, 4]));
    expect(encode('"int"', '3.0')).toEqual(Buffer.from([6]));
  });

  it.each([
    ['"int"', '"1"', 'Expected int. Got VALUE_STRING'],
    ['"int"', '1.5', 'Expected int. Got VALUE_NUMBER_FLOAT'],
    ['"int"', '2147483648', 'Numeric value (2147483648) out of range of int'],
    ['"long"', '9223372036854775808', 'Numeric value (9223372036854775808) out of range of long'],
    ['"null"', '0', 'Expected null. Got VALUE_NUMBER_INT'],
    ['"boolean"', 'null', 'Expected boolean. Got VALUE_NULL'],
    ['"double"', '"much"', 'Expected double. Got VALUE_STRING'],
    ['"string"', 'true', 'Expected string. Got VALUE_TRUE'],
    ['"bytes"', '"\u0100"', 'Expected bytes. Got a character beyond one byte'],
    ['{"type":"fixed","name":"F","size":2}', '"abc"', 'Expected fixed length 2, but got 3'],
    ['{"type":"enum","name":"E","symbols":["A"]}', '"B"', 'Unknown symbol in enum E: B'],
    ['{"type":"array","items":"int"}', '{}', 'Expected array-start. Got START_OBJECT'],
    ['{"type":"map","values":"int"}', '[]', 'Expected map-start. Got START_ARRAY'],
    [UNION, '1', 'Expected start-union. Got VALUE_NUMBER_INT'],
    [UNION, '{"long":1,"int":2}', 'Expected start-union. Got START_OBJECT'],
    [UNION, '{"F":"ab"}', 'Unknown union branch F'],
    [LIST, '[]', 'Expected record-start. Got START_ARRAY'],
    [LIST, '{"head":1}', 'Expected field name not found: tail'],
  ])('%s refuses %s', (schema, json, message) => {
    expect(() => encode(schema, json)).toThrow(new DatumError(message));
  });
});

/** A schema with JSON that goes with it. */
const arbitraryCase = fc.gen().map((gen) => {
  let names = 0;
  const number = (max: number): number => gen(fc.nat, { max });
  const whole = (): number => gen(fc.integer);
  const text = (): string => gen(fc.string, { maxLength: 5 });
  const bytes = (size: number): string =>
    Buffer.from(gen(fc.uint8Array, { minLength: size, maxLength: size })).toString('latin1');
  const type = (depth: number): [Json, () => Json] => {
    switch (number(depth > 0 ? 12 : 7)) {
      case 0:
        return ['null', () => null];
      case 1:
        return ['boolean', () => gen(fc.boolean)];
      case 2:
        return ['int', whole];
      case 3:
        return ['long', () => whole() * number(1000)];
      case 4:
        return ['float', () => Math.fround(gen(fc.float, { noNaN: true, noDefaultInfinity: true }))];
      case 5:
        return ['double', () => gen(fc.double, { noNaN: true, noDefaultInfinity: true })];
      case 6:
        return ['string', text];
      case 7:
        return ['bytes', () => bytes(number(3))];
      case 8: {
        const size = number(3) + 1;
        return [{ type: 'fixed', name: `N${names++}`, size }, () => bytes(size)];
      }
      case 9: {
        const symbols = ['A', 'B', 'C'];
        return [{ type: 'enum', name: `N${names++}`, symbols }, () => symbols[number(2)] ?? 'A'];
      }
      case 10: {
        const [items, value] = type(depth - 1);
        return [{ type: 'array', items }, () => Array.from({ length: number(3) }, value)];
      }
      case 11: {
        const [values, value] = type(depth - 1);
        const map = (): Json => Object.fromEntries(Array.from({ length: number(3) }, () => [`k${text()}`, value()]));
        return [{ type: 'map', values }, map];
      }
      default:
        return record(depth);
    }
  };
  const record = (depth: number): [Json, () => Json] => {
    const name = `N${names++}`;
    const fields = ['a', 'b'].map((field): [string, Json, () => Json] => {
      const [fieldType, value] = type(depth - 1);
      const branch = fieldType;
      if (number(2) > 0 || branch === 'null' || Array.isArray(branch)) return [field, fieldType, value];
      const tag = typeof branch === 'string' ? branch : tagOf(branch);
      return [field, ['null', fieldType], () => (number(1) === 0 ? null : { [tag]: value() })];
    });
    const schema = {
      type: 'record',
      name,
      fields: fields.map(([field, fieldType]) => ({ name: field, type: fieldType })),
    };
    return [schema, () => Object.fromEntries(fields.map(([field, , value]) => [field, value()]))];
  };
  const [schema, value] = record(3);
  return { schema: JSON.stringify(schema), json: JSON.stringify(value()) };
});

function tagOf(schema: Json): string {
  const { type, name } = schema as { type: string; name?: string };
  return name ?? type;
}

describe('avsc as a second opinion', () => {
  it('the same bytes, and JSON from them that is the same value', () => {
    fc.assert(
      fc.property(arbitraryCase, ({ schema, json }) => {
        const type = avro.Type.forSchema(JSON.parse(schema), { wrapUnions: 'always' });
        const bytes = type.toBuffer(type.fromString(json));
        expect(encode(schema, json).toString('hex')).toBe(bytes.toString('hex'));
        // Floats are written as short as they can be, which avsc does not do.
        expect(type.toBuffer(type.fromString(decode(schema, bytes))).toString('hex')).toBe(bytes.toString('hex'));
      }),
      { numRuns: 300 },
    );
  });

  it('any long comes back to the last digit', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (long) => {
        expect(decode('"long"', encode('"long"', String(long)))).toBe(String(long));
      }),
    );
  });
});

describe('bytes that nobody wrote', () => {
  const schemas = [
    ...[LIST, UNION, '"int"', '"long"', '"string"', '"bytes"', '"double"'],
    '{"type":"array","items":"null"}',
    '{"type":"map","values":{"type":"array","items":"boolean"}}',
    '{"type":"enum","name":"E","symbols":["A"]}',
  ];

  it('are JSON or a DatumError', () => {
    fc.assert(
      fc.property(fc.constantFrom(...schemas), fc.uint8Array({ maxLength: 40 }), (schema, bytes) => {
        try {
          JSON.parse(decode(schema, Buffer.from(bytes)));
        } catch (error) {
          expect(error).toBeInstanceOf(DatumError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('elements without bytes are not counted forever, nor lists followed down the stack', () => {
    const many = Buffer.from([...encode('"long"', '9007199254740993'), 0]);
    expect(() => decode('{"type":"array","items":"null"}', many)).toThrow(/more than 10000 values without content/);
    const deep = Buffer.from(Array.from({ length: 100_000 }, () => 2));
    expect(() => decode(LIST, deep)).toThrow(/nested more than 500 levels deep/);
  });

  it('records without bytes that hold each other twice are not followed to their end', () => {
    let nested: unknown = { type: 'record', name: 'R0', fields: [{ name: 'n', type: 'null' }] };
    for (let level = 1; level <= 60; level++) {
      const fields = [
        { name: 'a', type: nested },
        { name: 'b', type: `R${level - 1}` },
      ];
      nested = { type: 'record', name: `R${level}`, fields };
    }
    expect(() => decode(JSON.stringify(nested), Buffer.alloc(0))).toThrow(/more than 10000 values without content/);
  });

  it('as many values without bytes as others are no matter', () => {
    const schema = '{"type":"array","items":["null","int"]}';
    const count = 20_000;
    const bytes = Buffer.concat([encode('"long"', String(count)), Buffer.alloc(count), Buffer.from([0])]);
    expect(JSON.parse(decode(schema, bytes))).toEqual(Array.from({ length: count }, () => null));
  });

  it.each([
    ['a field', (name: string) => ({ type: 'record', name: 'R', fields: [{ name, type: 'int' }] })],
    ['a symbol', (name: string) => ({ type: 'enum', name: 'E', symbols: [name] })],
    ['a branch', (name: string) => [{ type: 'fixed', name, size: 1 }]],
  ])('the name of %s cannot make a few bytes an endless text', (_what, items) => {
    const schema = JSON.stringify({ type: 'array', items: items('x'.repeat(10_000)) });
    const count = 500_000;
    const bytes = Buffer.concat([encode('"long"', String(count)), Buffer.alloc(2 * count), Buffer.from([0])]);
    expect(() => decode(schema, bytes)).toThrow(/characters of names/);
  });

  it('blocks may come with their size', () => {
    expect(decode('{"type":"array","items":"int"}', Buffer.from([3, 4, 2, 4, 0]))).toBe('[1,2]');
  });
});

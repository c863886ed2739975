/** Keys and values as they stand in JSON, and the bytes that they are. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseAvroSchema } from '../../../src/registry/avro-schema.ts';
import { parseJson } from '../../../src/registry/json-text.ts';
import { RegistryError } from '../../../src/registry/registry-errors.ts';
import {
  avroSchemaId,
  decodeAs,
  encodeAvro,
  encodeBinary,
  encodeJson,
  encodeString,
  type FormatName,
} from '../../../src/rest/embedded-format.ts';
import type { SchemaLookup } from '../../../src/rest/schema-lookup.ts';

const { root } = parseAvroSchema('["null","long"]', [], { isNew: true, isNormalized: false });
const asked = async (): Promise<never> => {
  throw new Error('nobody asks');
};
const schemas: SchemaLookup = {
  byId: async (id) => {
    if (id !== 258) throw new RegistryError(40403, `Schema ${id} not found`);
    return { id, root };
  },
  ofSubject: asked,
  atVersion: asked,
  ofText: asked,
};
const json = (text: string) => parseJson(text, { allowsComments: false });
const decode = (format: FormatName, bytes: Buffer | null) => decodeAs(format, bytes, schemas);

it('base64 is looked at as a whole, however long it is', () => {
  const groups = fc.array(fc.constantFrom('A', 'z', '0', '+', '/', '=', '-', '\n'), { maxLength: 9 });
  const pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
  const isTaken = (text: string): boolean => {
    try {
      return encodeBinary(text) !== null;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(groups, (characters) => {
      const text = characters.join('');
      expect(isTaken(text)).toBe(pattern.test(text));
    }),
    { numRuns: 2000 },
  );
  expect(encodeBinary('A'.repeat(16_000_000))?.length).toBe(12_000_000);
});

it('binary is base64, with or without what fills it up', async () => {
  for (const [text, bytes] of [
    ['', ''],
    ['Zg==', 'f'],
    ['Zg', 'f'],
    ['Zm8=', 'fo'],
    ['Zm9v', 'foo'],
  ] as const) {
    expect(encodeBinary(text)).toEqual(Buffer.from(bytes));
    expect(await decode('binary', Buffer.from(bytes))).toBe(JSON.stringify(Buffer.from(bytes).toString('base64')));
  }
  expect(encodeBinary(null)).toBeNull();
  expect(() => encodeBinary(json('{"a":1}'))).toThrow('Bad Request: data={"a":1} is not a base64 string.');
  for (const text of ['Zg=', 'Z', 'Zm9v Zg==', 'Zm-_', 'Zg==\n'])
    expect(() => encodeBinary(text)).toThrow(`data=${JSON.stringify(text)} is not a valid base64 string.`);
});

it('json is stored as Java would write it, and comes out as JSON whatever the bytes are', async () => {
  const text = '{"b":[1,1.0,12345678901234567890,1.0E21],"1":{"__proto__":null},"a":"</script>\\u001F"}';
  expect(encodeJson(json(` ${text} `))).toEqual(Buffer.from(text));
  expect(await decode('json', Buffer.from(` ${text}\n`))).toBe(text);
  expect(encodeJson(null)).toBeNull();
  for (const bytes of ['', '{', '1 2', '/* */1', 'nul', '\u0000'])
    await expect(decode('json', Buffer.from(bytes))).rejects.toMatchObject({ status: 408, code: 40801 });
});

it('a string is its UTF-8', () => {
  expect(encodeString('ß')).toEqual(Buffer.from([0xc3, 0x9f]));
  expect(encodeString(null)).toBeNull();
  expect(() => encodeString(json('1'))).toThrow('Bad Request: data=1 is not a string.');
});

it('avro is the magic byte, the id and the datum; a null that the schema takes is no value at all', async () => {
  const bytes = encodeAvro(json('{"long":9007199254740993}'), { id: 258, root });
  expect(bytes?.toString('hex')).toBe(`000000010202${'82808080808080'}20`);
  expect(await decode('avro', bytes)).toBe('9007199254740993');
  expect(avroSchemaId(bytes ?? Buffer.alloc(0))).toBe(258);
  expect(encodeAvro(null, { id: 258, root })).toBeNull();
  expect(() => encodeAvro(json('1'), { id: 258, root })).toThrow(
    'Bad Request: Expected start-union. Got VALUE_NUMBER_INT',
  );
});

it('a record without key or value is null in every format', async () => {
  for (const format of ['binary', 'json', 'avro'] as const) expect(await decode(format, null)).toBe('null');
});

it('bytes that are no Avro of ours', async () => {
  for (const [bytes, message] of [
    [[1, 0, 0, 0, 1, 0], 'Unknown magic byte!'],
    [[0, 0, 0], 'Unknown magic byte!'],
    [[0, 0, 0, 0, 7, 0], 'Error retrieving Avro schema for id 7: Schema 7 not found'],
    [[0, 0, 0, 1, 2, 9], 'Error deserializing Avro message for id 258: branch -5 of 2'],
  ] as const)
    await expect(decode('avro', Buffer.from(bytes))).rejects.toMatchObject({ code: 40801, message });
});

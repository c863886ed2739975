/** Records of v3 as clients write them. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { JsonError } from '../../../src/registry/json-text.ts';
import { RestError } from '../../../src/rest/rest-errors.ts';
import { parseRecord } from '../../../src/rest/stream-produce-request.ts';

const read = (record: unknown) => parseRecord(JSON.stringify(record));

function refusal(record: unknown): string {
  try {
    read(record);
  } catch (error) {
    if (error instanceof RestError) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error('it was taken');
}

test('everything that a record may have', () => {
  const record = read({
    partition_id: 3,
    headers: [{ name: 'a', value: 'SGk=' }, { name: 'b', value: null }, { name: 'c' }],
    key: { type: 'BINARY', data: 'Zm9v' },
    value: { type: 'JSON', data: { a: [1] } },
    timestamp: '2021-02-05T19:14:42.5Z',
  });
  expect(record).toMatchObject({
    partition: 3,
    headers: [
      { key: 'a', value: Buffer.from('Hi') },
      { key: 'b', value: null },
      { key: 'c', value: null },
    ],
    key: { type: 'BINARY', data: 'Zm9v' },
    value: { type: 'JSON', data: new Map([['a', [expect.anything()]]]) },
    timestampMs: Date.parse('2021-02-05T19:14:42.500Z'),
  });
});

test('nothing at all is a record, too', () => {
  const nothing = { partition: null, headers: [], key: null, value: null, timestampMs: null };
  expect(read({})).toEqual(nothing);
  expect(read({ partition_id: null, headers: null, key: null, value: null, timestamp: null })).toEqual(nothing);
});

describe('schemas', () => {
  it.each([
    [{ data: 1 }, { subject: null, strategy: null, choice: { version: 'latest' } }],
    [{ schema_version: 2 }, { subject: null, strategy: null, choice: { version: 2 } }],
    [
      { schema_id: 7, subject: 's' },
      { subject: 's', strategy: null, choice: { id: 7 } },
    ],
    [
      { type: 'AVRO', schema: '"int"', subject_name_strategy: 'RECORD_NAME' },
      { subject: null, strategy: 'RECORD_NAME', choice: { type: 'AVRO', text: '"int"' } },
    ],
  ])('%j', (value, schema) => {
    expect(read({ value }).value).toMatchObject({ type: null, schema });
  });

  const problem = '400 Cannot construct instance of `ProduceRequestData`, problem: ';
  it.each([
    [
      { subject: 's', subject_name_strategy: 'TOPIC_NAME' },
      "Only one of 'subject_name_strategy' or 'subject' can be used.",
    ],
    [{ schema_id: 1, schema_version: 1 }, "Only one of 'schema_id', 'schema_version' or 'schema' can be used."],
    [{ type: 'AVRO', schema_id: 1 }, "'schema_id=1' cannot be used with 'serializer'."],
    [{ type: 'AVRO' }, "'schema_version=latest' cannot be used with 'serializer'."],
    [{ type: 'JSON', schema_id: 1 }, "'type=JSON' cannot be used with 'schema_id'."],
    [{ type: 'BINARY', subject_name_strategy: 'TOPIC_NAME' }, "'type=BINARY' cannot be used with 'subject_strategy'."],
    [{ schema: '"int"' }, "'schema' cannot be used without 'type'."],
  ])('%j cannot be meant', (value, told) => {
    expect(refusal({ value })).toBe(problem + told);
  });
});

describe('times', () => {
  it.each([
    ['2021-02-05T19:14:42Z', '2021-02-05T19:14:42.000Z'],
    ['2021-02-05T20:14:42.123456+01:00', '2021-02-05T19:14:42.123Z'],
    [1612552482, '2021-02-05T19:14:42.000Z'],
    [1612552482.25, '2021-02-05T19:14:42.250Z'],
  ])('%s', (timestamp, expected) => {
    expect(new Date(read({ timestamp }).timestampMs ?? 0).toISOString()).toBe(expected);
  });

  it.each(['yesterday', '2021-02-05', '2021-13-05T19:14:42Z', true, 1e300])('%s is none', (timestamp) => {
    expect(refusal({ timestamp })).toMatch(/^400 Cannot deserialize 'timestamp' from .*: not a time$/);
  });

  it('none before 1970', () => {
    expect(refusal({ timestamp: -1 })).toContain('Timestamp should always be non-negative or null.');
  });
});

test.each([
  [{ partition_id: -1 }, '40402 Partition not found.'],
  [{ partition_id: 2 ** 31 }, "400 Cannot deserialize 'partition_id' from 2147483648: not a whole number of 32 bits"],
  [{ partition_id: 1.5 }, "400 Cannot deserialize 'partition_id' from 1.5: not a whole number of 32 bits"],
  [{ headers: {} }, "400 Cannot deserialize 'headers' from {}: not an array"],
  [
    { headers: [{ value: '' }] },
    '400 Cannot construct instance of `ProduceRequestData`, problem: A header has no name.',
  ],
  [{ headers: [{ name: 'a', value: 'ü' }] }, '400 Bad Request: data="ü" is not a valid base64 string.'],
  [{ value: 'text' }, '400 Cannot deserialize value of type `ProduceRequestData`: it is not an object'],
  [
    { value: { type: 'XML' } },
    `400 Cannot deserialize 'type' from "XML": not one of BINARY, JSON, STRING, AVRO, JSONSCHEMA, PROTOBUF`,
  ],
  [[], '400 Cannot deserialize value of type `ProduceRequest`: it is not an object'],
  [{ __proto__2: 1 }, expect.stringMatching(/^400 Unrecognized field "__proto__2" \(class ProduceRequest\)/)],
])('%j is refused', (record, told) => {
  expect(refusal(record)).toEqual(told);
});

test('a long text is not told back as a whole', () => {
  expect(refusal({ timestamp: 'x'.repeat(100_000) }).length).toBeLessThan(300);
});

test('whatever JSON comes, it is a record or a refusal; what is no JSON is told as such', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      try {
        parseRecord(text);
      } catch (error) {
        expect(error).toBeInstanceOf(RestError);
      }
    }),
  );
  expect(() => parseRecord('{"value":')).toThrow(JsonError);
});

/** How the console consumer prints a record. */
import { expect, test } from 'vitest';
import { DEFAULT_FORMATTER_NAME, recordFormatter } from '../../../src/cli/record-formatter.ts';

const RECORD = {
  topic: 't',
  partition: 3,
  offset: 12,
  timestampMs: 1700000000000,
  timestampType: 'CreateTime' as const,
  key: Buffer.from('k1'),
  value: Buffer.from('hello'),
  headers: [] as { key: string; value: Buffer | null }[],
};
const print = (properties: Record<string, string>, record: Partial<typeof RECORD> = {}) =>
  recordFormatter(DEFAULT_FORMATTER_NAME, new Map(Object.entries(properties)))({ ...RECORD, ...record }).toString();

const ALL = {
  'print.timestamp': 'true',
  'print.partition': 'true',
  'print.offset': 'true',
  'print.headers': 'true',
  'print.key': 'true',
};

test('only the value, by default', () => {
  expect(print({})).toBe('hello\n');
});

test('every part in Kafka’s order', () => {
  expect(print(ALL)).toBe('CreateTime:1700000000000\tPartition:3\tOffset:12\tNO_HEADERS\tk1\thello\n');
});

test('headers, with a separator and null values', () => {
  const headers = [
    { key: 'a', value: Buffer.from('1') },
    { key: 'b', value: null },
  ];
  expect(print({ 'print.headers': 'true', 'headers.separator': '; ' }, { headers })).toBe('a:1; b:null\thello\n');
});

test('separators and the text for null are free', () => {
  const properties = { 'print.key': 'true', 'key.separator': ' : ', 'line.separator': '|', 'null.literal': '-' };
  const record = { ...RECORD, key: null, value: null };
  const format = recordFormatter(DEFAULT_FORMATTER_NAME, new Map(Object.entries(properties)));
  expect(format(record).toString()).toBe('- : -|');
});

test('without the value the key ends the line', () => {
  expect(print({ 'print.key': 'true', 'print.value': 'false' })).toBe('k1\n');
});

test('a record of a format without timestamps says so', () => {
  const format = recordFormatter(DEFAULT_FORMATTER_NAME, new Map([['print.timestamp', 'true']]));
  expect(format({ ...RECORD, timestampType: null }).toString()).toBe('NO_TIMESTAMP\thello\n');
});

test('numbers are read with the deserializers of Java', () => {
  const long = Buffer.alloc(8);
  long.writeBigInt64BE(-5n);
  const name = 'org.apache.kafka.common.serialization.LongDeserializer';
  expect(print({ 'value.deserializer': name }, { value: long })).toBe('-5\n');
  expect(() => print({ 'value.deserializer': name })).toThrow('Size of data received by LongDeserializer is not 8');
  expect(() => print({ 'value.deserializer': 'com.example.Mine' })).toThrow('There is no deserializer');
});

test('the formatter that prints nothing prints nothing, one that is not there is refused', () => {
  const silent = recordFormatter('org.apache.kafka.tools.consumer.NoOpMessageFormatter', new Map());
  expect(silent(RECORD)).toHaveLength(0);
  expect(() => recordFormatter('com.example.Mine', new Map())).toThrow('There is no formatter com.example.Mine here');
});

test('bytes that are no text go through as they are', () => {
  const format = recordFormatter(DEFAULT_FORMATTER_NAME, new Map());
  expect(format({ ...RECORD, value: Buffer.from([0xff, 0xfe, 0]) })).toEqual(Buffer.from([0xff, 0xfe, 0, 0x0a]));
});

/** Lines to records as the console producer reads them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineReader, LineSplitter } from '../../../src/cli/line-reader.ts';

function read(line: string, properties: Record<string, string> = {}): string {
  const { key, value, headers } = new LineReader(new Map(Object.entries(properties))).read(line);
  const text = (bytes: Buffer | null): string => (bytes === null ? 'null' : `'${bytes.toString()}'`);
  const pairs = headers.map((header) => `${header.key}=${text(header.value)}`);
  return `${text(key)} ${text(value)} [${pairs.join(' ')}]`;
}

const KEYED = { 'parse.key': 'true', 'key.separator': ':' };
const FULL = { 'parse.headers': 'true', 'parse.key': 'TRUE' };

test.each([
  ['hello', {}, "null 'hello' []"],
  ['', {}, "null '' []"],
  ['k:v:w', KEYED, "'k' 'v:w' []"],
  [':v', KEYED, "'' 'v' []"],
  ['h1:v1,h2:v2\tk\tv', FULL, "'k' 'v' [h1='v1' h2='v2']"],
  ['h1:\tk\t', FULL, "'k' '' [h1='']"],
  ['h:v,,\tk\tv', { ...FULL, 'ignore.error': 'true' }, "'k' 'v' [h='v']"],
  ['N\tN\tN', { ...FULL, 'null.marker': 'N' }, 'null null []'],
  ['h:N\tk\tv', { ...FULL, 'null.marker': 'N' }, "'k' 'v' [h=null]"],
  ['no separator', { ...KEYED, 'ignore.error': 'true' }, "null 'no separator' []"],
  ['é::→', { 'parse.key': 'true', 'key.separator': '::' }, "'é' '→' []"],
])('%j with %j', (line, properties, expected) => {
  expect(read(line, properties)).toBe(expected);
});

test.each([
  ['abc', KEYED, "No key separator found on line number 1: 'abc'"],
  ['abc', { 'parse.headers': 'true' }, "No headers delimiter found on line number 1: 'abc'"],
  ['h\tk\tv', FULL, "No header key separator found in pair 'h' on line number 1"],
  [
    'N:v\tk\tv',
    { ...FULL, 'null.marker': 'N' },
    "Header keys should not be equal to the null marker 'N' as they can't be null",
  ],
  ['x', { 'headers.delimiter': ',' }, 'headers.delimiter and headers.separator may not be equal'],
  ['x', { 'null.marker': '\t' }, 'null.marker and key.separator may not be equal'],
])('%j with %j is refused in Kafka’s words', (line, properties, message) => {
  expect(() => read(line, properties as Record<string, string>)).toThrow(
    `org.apache.kafka.common.KafkaException: ${message}`,
  );
});

test('line numbers count every line', () => {
  const reader = new LineReader(new Map(Object.entries(KEYED)));
  reader.read('a:b');
  expect(() => reader.read('c')).toThrow('on line number 2');
});

test('lines end with LF, CR LF or CR, however the text is cut', () => {
  const text = 'one\ntwo\r\nthree\rfour\n\nfive';
  const expected = ['one', 'two', 'three', 'four', '', 'five'];
  fc.assert(
    fc.property(fc.array(fc.nat({ max: text.length })), (cuts) => {
      const splitter = new LineSplitter();
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const lines = places.slice(1).flatMap((end, index) => splitter.push(text.slice(places[index], end)));
      expect([...lines, ...splitter.end()]).toEqual(expected);
    }),
  );
});

test('a text that ends with its line’s end has no line after it', () => {
  const splitter = new LineSplitter();
  expect([...splitter.push('one\r'), ...splitter.end()]).toEqual(['one']);
});

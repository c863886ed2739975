/** Concatenated JSON values, cut anywhere. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonStreamError, type JsonStreamLimits, JsonValueSplitter } from '../../../src/rest/json-stream.ts';

const LIMITS: JsonStreamLimits = { maxValueBytes: 1000, maxDepth: 20 };

function split(chunks: readonly Buffer[], limits = LIMITS): string[] {
  const splitter = new JsonValueSplitter(limits);
  const values = chunks.flatMap((chunk) => [...splitter.push(chunk)]);
  const last = splitter.end();
  return last === null ? values : [...values, last];
}

/** The bytes in pieces whose lengths are the sizes, over and over. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const text = (value: string): Buffer => Buffer.from(value);

const SPACES = fc.constantFrom('', ' ', '\n', '\r\n', '\t \n');
/** Values and what stands between them; after a bare word there has to be something. */
const STREAM = fc.array(fc.tuple(fc.json({ maxDepth: 4, stringUnit: 'grapheme' }), SPACES), { maxLength: 20 });
const SIZES = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 10 });

test('any chunking of any values gives the values, text by text', () => {
  fc.assert(
    fc.property(STREAM, SIZES, (stream, sizes) => {
      const between = (value: string, space: string) => (/^[[{"]/.test(value) ? space : space || ' ');
      const bytes = text(stream.map(([value, space]) => value + between(value, space)).join(''));
      const values = stream.map(([value]) => value);
      const wide = { maxValueBytes: 1_000_000, maxDepth: 20 };
      expect(split([bytes], wide)).toEqual(values);
      expect(split(cut(bytes, sizes), wide)).toEqual(values);
    }),
  );
});

test('any chunking of any bytes gives the same, be it an error', () => {
  const piece = fc.constantFrom('{', '}', '[', ']', '"', '\\', '1', ' ', ',', 'ü', '"\\u00e9"', '{"a":"}"}', '𝄞');
  const outcome = (chunks: readonly Buffer[]): string[] => {
    const splitter = new JsonValueSplitter({ maxValueBytes: 12, maxDepth: 3 });
    const values: string[] = [];
    try {
      for (const chunk of chunks) for (const value of splitter.push(chunk)) values.push(value);
      values.push(splitter.end() ?? 'end');
    } catch (error) {
      expect(error).toBeInstanceOf(JsonStreamError);
      values.push(String(error));
    }
    return values;
  };
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), SIZES, (pieces, sizes) => {
      const bytes = text(pieces.join(''));
      const whole = outcome([bytes]);
      const inPieces = outcome(cut(bytes, sizes));
      // Of two limits that a value is beyond, either may be met first.
      const withoutCause = (all: string[]) =>
        all.map((value) => (value.startsWith('JsonStreamError') ? 'error' : value));
      expect(withoutCause(inPieces)).toEqual(withoutCause(whole));
    }),
  );
});

test('a value is there with its last byte, before the next one begins', () => {
  const splitter = new JsonValueSplitter(LIMITS);
  expect([...splitter.push(text('{"a":1}'))]).toEqual(['{"a":1}']);
  expect([...splitter.push(text(' {"b":'))]).toEqual([]);
  expect([...splitter.push(text('2}{"c":3} 4'))]).toEqual(['{"b":2}', '{"c":3}']);
  expect([...splitter.push(text('2\n'))]).toEqual(['42']);
  expect(splitter.end()).toBeNull();
});

test('brackets and quotes within strings end nothing', () => {
  const values = ['{"a":"}{\\"]["}', '"\\\\"', '"{"', '["\\\\\\"]"]'];
  expect(split(cut(text(values.join('')), [1]))).toEqual(values);
});

test('the chunk may be changed afterwards', () => {
  const splitter = new JsonValueSplitter(LIMITS);
  const chunk = text('{"a":');
  expect([...splitter.push(chunk)]).toEqual([]);
  chunk.fill(0);
  expect([...splitter.push(text('1}'))]).toEqual(['{"a":1}']);
});

test.each([
  ['too many levels', '['.repeat(21), 'Nesting depth exceeds the maximum allowed (20)'],
  ['a value that is too long', `"${'x'.repeat(1000)}"`, 'A record is larger than 1000 bytes'],
  ['a value that has no end', `{"a":"${'x'.repeat(2000)}`, 'A record is larger than 1000 bytes'],
])('%s is an error', (_what, value, message) => {
  expect(() => split([text(value)])).toThrow(new JsonStreamError(message));
  expect(() => split(cut(text(value), [3]))).toThrow(new JsonStreamError(message));
});

test.each(['{"a":1', '"a', '{bad', '[{"a":"]}'])(
  '%s is cut off, and what is wrong with it is told by who reads it',
  (value) => {
    expect(split([text(value)])).toEqual([value]);
    expect(split(cut(text(value), [3]))).toEqual([value]);
  },
);

test('bytes that are no UTF-8 are an error, and what came before stays', () => {
  const splitter = new JsonValueSplitter(LIMITS);
  const values = splitter.push(Buffer.concat([text('{"a":1}"'), Buffer.from([0xff]), text('"')]));
  expect(values.next().value).toBe('{"a":1}');
  expect(() => values.next()).toThrow(new JsonStreamError('Invalid UTF-8'));
});

test('a long value in small chunks is read in time that grows with its length alone', () => {
  const bytes = text(`{"a":"${'x'.repeat(2_000_000)}"}`);
  const chunks = cut(bytes, [7]);
  expect(split(chunks, { maxValueBytes: 3_000_000, maxDepth: 5 })[0]).toHaveLength(bytes.length);
});

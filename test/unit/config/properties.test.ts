/** The grammar of .properties files. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MalformedProperties, parseProperties } from '../../../src/config/properties.ts';

function pairs(text: string): string[] {
  return parseProperties(text).map(({ key, value, line }) => `${line} [${key}] [${value}]`);
}

test('equals sign, colon and blank separate key and value, and only the first one does', () => {
  expect(pairs('a=1\nb:2\nc 3\nd = e = f\ng : = h\ni\nj=')).toEqual([
    '1 [a] [1]',
    '2 [b] [2]',
    '3 [c] [3]',
    '4 [d] [e = f]',
    '5 [g] [= h]',
    '6 [i] []',
    '7 [j] []',
  ]);
});

test('comments and empty lines are passed over and lines are counted through', () => {
  expect(pairs('# a=1\n\n  ! b=2\r\n\tc=3\r# d=4\ne=5 # no comment')).toEqual(['4 [c] [3]', '6 [e] [5 # no comment]']);
});

test('a backslash at the end continues the line, an escaped one does not', () => {
  expect(pairs('list=a,\\\n    b,\\\n\t c\npath=C:\\\\\nnext=1\nlast=x\\')).toEqual([
    '1 [list] [a,b,c]',
    '4 [path] [C:\\]',
    '5 [next] [1]',
    '6 [last] [x]',
  ]);
});

test('escapes of Java are understood in keys and values', () => {
  expect(pairs('a\\ b\\=c=\\u00e9\\t\\q')).toEqual(['1 [a b=c] [é\tq]']);
});

test('blanks after a value belong to it', () => {
  expect(pairs('a=1  ')).toEqual(['1 [a] [1  ]']);
});

test('an incomplete unicode escape is refused with its line', () => {
  expect(() => parseProperties('a=1\nb=\\u12')).toThrow(MalformedProperties);
});

test('whatever is escaped comes back', () => {
  const escaped = (text: string): string =>
    text.replace(/[^a-z]/gsu, (letter) => {
      return [...letter.split('')].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    });
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string(), (key, value) => {
      expect(parseProperties(`${escaped(key)}=${escaped(value)}`)).toEqual([{ key, value, line: 1 }]);
    }),
  );
});

test('no text makes the parser throw anything but its own refusal', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('\\', 'u', '0', '=', ':', ' ', '\n', '\r', '#', 'a') }), (text) => {
      try {
        parseProperties(text);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedProperties);
      }
    }),
  );
});

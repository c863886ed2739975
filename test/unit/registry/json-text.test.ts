/** JSON that is none: it is refused wherever JavaScript refuses it, and told in one parser's words. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonError, parseJson, parsePlainJson } from '../../../src/registry/json-text.ts';

const inWords = (parse: () => unknown): string => {
  try {
    parse();
    return 'fine';
  } catch (error) {
    expect(error).toBeInstanceOf(JsonError);
    return error instanceof Error ? error.message : '';
  }
};
const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test('the same texts are refused, in the same words', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    '\\u00e9',
    'a',
    '1',
    '-',
    '.',
    '0',
    ' ',
    ',',
    ':',
    'true',
    '\n',
  );
  fc.assert(
    fc.property(
      fc.array(piece).map((pieces) => pieces.join('')),
      (text) => {
        const words = inWords(() => parseJson(text, { allowsComments: false }));
        expect(inWords(() => parsePlainJson(text))).toBe(words);
        expect(words === 'fine').toBe(isJson(text));
      },
    ),
  );
});

test.each([
  ['{bad', "unexpected character 'b' at position 1, where a string should be"],
  ['{"a": ', 'the text ends where a value should be'],
  ['["a', 'the text ends within the string that begins at position 1'],
  ['["\\x"]', 'the string that begins at position 1 has a character or an escape that JSON has not'],
  ['{} x', 'dangling content after the end: x'],
])('%s', (text, words) => {
  expect(inWords(() => parsePlainJson(text))).toBe(words);
});

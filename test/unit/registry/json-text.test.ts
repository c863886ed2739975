/** JSON that is none: it is refused wherever JavaScript refuses it, and told in one parser's words. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonError, parseJson, parseJsonInSteps, parsePlainJson } from '../../../src/registry/json-text.ts';

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

/** The value, and how many values had been read at each pause. */
function inSteps(text: string): { readonly value: unknown; readonly counts: readonly number[] } {
  const counts: number[] = [];
  const steps = parseJsonInSteps(text);
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return { value: step.value, counts };
    counts.push(step.value);
  }
}

test('read in steps it is the same, whole or not', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.nat(200), (text, cut) => {
      for (const each of [text, text.slice(0, cut), `{"records":[${text}, ${text}],"more":[]} `]) {
        const whole = inWords(() => parseJson(each, { allowsComments: false }));
        expect(inWords(() => inSteps(each))).toBe(whole);
        if (whole === 'fine') expect(inSteps(each).value).toEqual(parseJson(each, { allowsComments: false }));
      }
    }),
  );
});

test('others may have their turn after each element of the lists of the outermost object', () => {
  expect(inSteps('{"a":[1,[2,3],{}],"b":4,"c":["x"]}').counts).toEqual([3, 6, 7, 10]);
});

test.each([
  [500, 'fine'],
  [501, 'fine'],
  [502, 'nested more than 500 levels deep'],
  [200_000, 'nested more than 500 levels deep'],
])('%d lists within each other, whoever reads them: %s', (depth, words) => {
  const lists = '['.repeat(depth) + ']'.repeat(depth);
  for (const parse of [parseJson, parsePlainJson, inSteps]) expect(inWords(() => parse(lists))).toBe(words);
  const objects = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  expect(inWords(() => parsePlainJson(objects))).toBe(inWords(() => parseJson(objects)));
});

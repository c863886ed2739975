/** Command lines as jopt-simple reads them, and its words for what it refuses. */
import { expect, test } from 'vitest';
import { keyValueArguments, OptionError, parseOptions } from '../../../src/cli/options.ts';

const SPECS = {
  topic: { argument: 'topic', description: '' },
  partitions: { argument: 'count', description: '' },
  codec: { argument: 'codec', argumentIsOptional: true, description: '' },
  config: { argument: 'k=v', aliases: ['settings'], description: '' },
  timeout: { argument: 'ms', default: '1000', description: '' },
  list: { description: '' },
};
const parse = (...args: string[]) => parseOptions(SPECS, args);

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof OptionError) return `${error.message}${error.hint === null ? '' : ` / ${error.hint}`}`;
    throw error;
  }
  return 'accepted';
}

test('an argument follows its option or is attached with an equals sign', () => {
  expect(parse('--topic', 'a').text('topic')).toBe('a');
  expect(parse('--topic=a=b').text('topic')).toBe('a=b');
  expect(parse('--topic', '--list').text('topic')).toBe('--list');
  expect(parse('--topic', '').text('topic')).toBe('');
});

test('options may be repeated, and asking for one of several is refused', () => {
  const options = parse('--config', 'a=1', '--settings=b=2');
  expect(options.all('config')).toEqual(['a=1', 'b=2']);
  expect(refusal(() => options.text('config'))).toBe(
    'Found multiple arguments for option config, but you asked for only one',
  );
});

test('an optional argument is taken unless it looks like an option', () => {
  expect(parse('--codec', 'zstd').text('codec')).toBe('zstd');
  expect(parse('--codec', '--list').text('codec')).toBe('');
  expect(parse('--codec').has('codec')).toBe(true);
});

test('defaults count only when the option is not given', () => {
  expect(parse().int('timeout')).toBe(1000);
  expect(parse('--timeout', '5').int('timeout')).toBe(5);
  expect(parse().has('timeout')).toBe(false);
});

test('what follows -- and what belongs to no option is kept aside', () => {
  expect(parse('a', '--list', '--', '--topic').rest).toEqual(['a', '--topic']);
});

test.each([
  [['--zookeeper', 'z:2181'], /^zookeeper is not a recognized option \/ .*use --bootstrap-server/],
  [['--topics'], /^topics is not a recognized option \/ Did you mean --topic\?$/],
  [['--nonsense'], /^nonsense is not a recognized option$/],
  [['--topic'], /^Option topic requires an argument$/],
  [['--list=yes'], /^Option list does not accept an argument$/],
])('%j is refused in the words of jopt', (args, expected) => {
  expect(refusal(() => parse(...args))).toMatch(expected);
});

test('numbers are Java’s', () => {
  expect(parse('--partitions', '+7').int('partitions')).toBe(7);
  expect(parse('--timeout', '9223372036854775807').long('timeout')).toBe(Number.MAX_SAFE_INTEGER);
  for (const text of ['x', '1.5', '2147483648', ''])
    expect(refusal(() => parse('--partitions', text).int('partitions'))).toBe(
      `Cannot parse argument '${text}' of option partitions`,
    );
});

test('properties are cut at the first equals sign', () => {
  expect([...keyValueArguments(['a=b=c', 'd', 'e='])]).toEqual([
    ['a', 'b=c'],
    ['d', ''],
    ['e', ''],
  ]);
});

/** Texts of schemas, read and written as Avro Java does it. */
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AvroSchemaError } from '../../../src/registry/avro-parser.ts';
import { AvroSchema, parseAvroSchema } from '../../../src/registry/avro-schema.ts';
import { SCHEMA_TEXTS } from '../../support/schema-texts.ts';

const TEXTS = path.join(import.meta.dirname, 'avro-texts.tsv');
const AS_NEW = { isNew: true };

function textOf(text: string, references: readonly string[] = []): string {
  try {
    return new AvroSchema(text, references, AS_NEW).text;
  } catch (error) {
    if (!(error instanceof AvroSchemaError)) throw error;
    return 'refused';
  }
}

describe('every text is read and written as Avro Java does it', () => {
  const lines = readFileSync(TEXTS, 'utf8').trimEnd().split('\n');

  it('the table has a line for each text', () => {
    expect(lines.map((line) => line.split('\t')[0])).toEqual(SCHEMA_TEXTS.map(({ name }) => name));
  });

  SCHEMA_TEXTS.forEach(({ name, text, references }, i) => {
    it(name, () => {
      const expected = (lines[i] ?? '').split('\t')[1] ?? '';
      expect(textOf(text, references)).toBe(expected);
      if (expected !== 'refused') expect(textOf(expected, references), 'what it writes it can read').toBe(expected);
    });
  });
});

describe('what has been registered is read again, even if it is not taken any more', () => {
  it.each([
    ['a default of another type', '{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"x"}]}'],
    ['a namespace that is none', '{"type":"fixed","name":"F","namespace":"a-b.1","size":1}'],
  ])('%s', (_name, text) => {
    expect(textOf(text)).toBe('refused');
    expect(new AvroSchema(text, [], { isNew: false }).text).toBe(text);
  });
});

describe('a normal form', () => {
  const normal = (text: string): string => parseAvroSchema(text, [], { isNew: true, isNormalized: true }).text;

  it('sorts properties, puts the logical type first and drops what says nothing', () => {
    expect(normal('{"type":"bytes","z":1,"scale":2,"precision":4,"a":2,"logicalType":"decimal"}')).toBe(
      '{"type":"bytes","logicalType":"decimal","precision":4,"scale":2,"a":2,"z":1}',
    );
    expect(normal('{"type":"enum","name":"E","doc":"","symbols":["A"],"aliases":["z","b"]}')).toBe(
      '{"type":"enum","name":"E","symbols":["A"],"aliases":["b","z"]}',
    );
  });

  it('is the same for all spellings of a namespace', () => {
    const spellings = [
      '{"type":"record","name":"a.R","fields":[{"name":"f","type":{"type":"fixed","name":"F","size":1}}]}',
      '{"type":"record","namespace":"a","name":"R","fields":[{"name":"f","type":' +
        '{"type":"fixed","name":"F","size":1}}]}',
    ];
    expect(new Set(spellings.map(normal)).size).toBe(1);
  });

  it('of a normal form is itself', () => {
    for (const { text, references = [] } of SCHEMA_TEXTS) {
      if (textOf(text, references) === 'refused') continue;
      const rules = { isNew: true, isNormalized: true };
      const once = parseAvroSchema(text, references, rules).text;
      expect(parseAvroSchema(once, references, rules).text).toBe(once);
    }
  });
});

describe('schemas are compared', () => {
  const comparable = (text: string, references: readonly string[] = []) =>
    new AvroSchema(text, references, AS_NEW).comparable;

  it('without regard to the order of properties', () => {
    expect(comparable('{"type":"int","a":1,"b":2}')).toBe(comparable('{"type":"int","b":2,"a":1}'));
    expect(comparable('{"type":"int","a":1}')).not.toBe(comparable('{"type":"int","a":2}'));
  });

  it('without regard to where their types are defined', () => {
    const fixed = '{"type":"fixed","name":"F","size":1}';
    const outside = '{"type":"array","items":"F"}';
    const inside = `{"type":"array","items":${fixed}}`;
    expect(comparable(outside, [fixed])).toBe(comparable(inside));
    expect(new AvroSchema(outside, [fixed], AS_NEW).resolvedText).toBe(inside);
    expect(new AvroSchema(outside, [fixed], AS_NEW).text).toBe(outside);
  });
});

describe('hostile texts', () => {
  it.each([
    ['deep arrays', '['.repeat(100_000)],
    ['deep types', '{"type":"array","items":'.repeat(100_000)],
    ['a long number', `{"type":"int","x":${'9'.repeat(100_000)}}`],
    ['a comment without an end', `/*${'*'.repeat(100_000)}`],
    ['an enum of one symbol, told often', `{"type":"enum","name":"E","symbols":[${'"A",'.repeat(100_000)}"A"]}`],
    [
      'defaults that go round in circles',
      '["null",{"type":"record","name":"R","fields":[{"name":"f","type":"R","default":{}}]},' +
        '{"type":"record","name":"S","fields":[{"name":"g","type":"R","default":{}}]}]',
    ],
    [
      'a default that could be one of many, in as many ways as there are levels',
      '{"type":"record","name":"A","fields":[{"name":"f","type":["int","A",{"type":"record","name":"B","fields":' +
        `[{"name":"f","type":["int","A","B"]}]}]},{"name":"g","type":"A","default":${'{"f":'.repeat(60)}"x"` +
        `${'}'.repeat(60)}}]}`,
    ],
    ['half a character', '"\\ud800'],
  ])('%s', (_name, text) => {
    expect(textOf(text)).toBe('refused');
  });
});

/** Which schemas go together, pair by pair with the verdict of Avro Java, and level by level. */
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { AvroSchema } from '../../../src/registry/avro-schema.ts';
import { IncomparableError, differences } from '../../../src/registry/compatibility.ts';
import {
  COMPATIBILITY_LEVELS,
  type CompatibilityLevel,
  incompatibilities,
} from '../../../src/registry/compatibility-level.ts';
import { SCHEMA_PAIRS } from '../../support/schema-pairs.ts';

const VERDICTS = path.join(import.meta.dirname, 'compatibility-verdicts.tsv');
const OLD_RULES = { isNew: false };

function schema(json: unknown): AvroSchema {
  return new AvroSchema(JSON.stringify(json), [], OLD_RULES);
}

/** In the words of the table. */
function judge(reader: AvroSchema, writer: AvroSchema): string {
  try {
    const found = differences(reader.root, writer.root);
    return found.map(({ type, path, info }) => `${type} ${path} ${info}`).join(' | ') || '-';
  } catch (error) {
    if (!(error instanceof IncomparableError)) throw error;
    return `refused: ${error.message}`;
  }
}

function history(...versions: unknown[]): { version: number; schema: AvroSchema }[] {
  return versions.map((json, i) => ({ version: i + 1, schema: schema(json) }));
}

function allowedBy(candidate: unknown, ...earlier: unknown[]): CompatibilityLevel[] {
  return COMPATIBILITY_LEVELS.filter(
    (level) => incompatibilities(level, schema(candidate), history(...earlier)).length === 0,
  );
}

describe('every pair of schemas is judged as Avro Java judges it', () => {
  const lines = readFileSync(VERDICTS, 'utf8').trimEnd().split('\n');

  it('the table has a line for each pair', () => {
    expect(lines.map((line) => line.split('\t')[0])).toEqual(SCHEMA_PAIRS.map(({ name }) => name));
    expect(lines.length).toBeGreaterThan(170);
  });

  SCHEMA_PAIRS.forEach(({ name, older, newer }, i) => {
    it(name, () => {
      const [, backward = '', forward = ''] = (lines[i] ?? '').split('\t');
      expect(judge(schema(newer), schema(older)), 'the new schema reads the old data').toBe(backward);
      expect(judge(schema(older), schema(newer)), 'the old schema reads the new data').toBe(forward);
      const isBackward = backward === '-';
      const isForward = forward === '-';
      const expected = COMPATIBILITY_LEVELS.filter((level) => {
        if (level.startsWith('BACKWARD')) return isBackward;
        if (level.startsWith('FORWARD')) return isForward;
        return level === 'NONE' || (isBackward && isForward);
      });
      expect(allowedBy(newer, older)).toEqual(expected);
    });
  });
});

const FIRST = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'int' }] };
const WITHOUT = { type: 'record', name: 'R', fields: [] };
const AS_TEXT = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'string', default: '' }] };

describe('transitive levels look further back than the latest version', () => {
  it('a field that was a number comes back as a text', () => {
    expect(allowedBy(AS_TEXT, FIRST, WITHOUT)).toEqual(['NONE', 'BACKWARD', 'FORWARD', 'FULL']);
    expect(allowedBy(AS_TEXT, FIRST)).toEqual(['NONE']);
  });

  it('a schema that the latest can read, but not the first', () => {
    expect(allowedBy(WITHOUT, FIRST, WITHOUT)).toEqual(['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FULL']);
  });

  it('every level allows the first version', () => {
    expect(allowedBy(FIRST)).toEqual([...COMPATIBILITY_LEVELS]);
  });

  it('what is told is of the newest version that does not fit', () => {
    const messages = incompatibilities('BACKWARD_TRANSITIVE', schema(AS_TEXT), history(FIRST, FIRST, WITHOUT));
    expect(messages).toContain('{oldSchemaVersion: 2}');
  });
});

describe('the words are those of the registry', () => {
  it('the new schema cannot read', () => {
    expect(incompatibilities('BACKWARD', schema(FIRST), history(WITHOUT))).toEqual([
      "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'a' at path '/fields/0' in the new " +
        "schema has no default value and is missing in the old schema', additionalInfo:'a'}",
      '{oldSchemaVersion: 1}',
      `{oldSchema: '{"type":"record","name":"R","fields":[]}'}`,
      "{validateFields: 'false', compatibility: 'BACKWARD'}",
    ]);
  });

  it('the old schema cannot read', () => {
    expect(incompatibilities('FORWARD', schema(WITHOUT), history(FIRST))[0]).toContain(
      'in the old schema has no default value and is missing in the new schema',
    );
  });

  it('two fields that fit are told as the exception that Java throws', () => {
    const twoFit = { ...FIRST, fields: [{ name: 'a', type: 'int', aliases: ['b'], default: 0 }] };
    const two = { ...FIRST, fields: ['a', 'b'].map((name) => ({ name, type: 'int' })) };
    expect(incompatibilities('BACKWARD', schema(twoFit), history(two))[0]).toBe(
      'Unexpected exception during compatibility check: Reader record field a type:INT pos:0 matches multiple ' +
        `fields in writer record schema ${schema(two).text}`,
    );
  });

  it('a long old schema is cut', () => {
    const long = { ...FIRST, doc: 'x'.repeat(20_000) };
    const told = incompatibilities('BACKWARD', schema(AS_TEXT), history(long)).find((text) =>
      text.includes('oldSchema:'),
    );
    expect(told).toMatch(/^\{oldSchema: <truncated> '\{"type".*xxx\.\.\.'\}$/);
    expect(told?.length).toBeLessThan(11_000);
  });
});

describe('hostile schemas', () => {
  it('unions of thousands of records are not compared for longer than a broker can wait', () => {
    const union = (prefix: string) =>
      schema(Array.from({ length: 5000 }, (_, i) => ({ type: 'record', name: `${prefix}${i}`, fields: [] })));
    const began = performance.now();
    expect(() => differences(union('A').root, union('B').root)).toThrow(IncomparableError);
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  it('types that use the next one twice are compared once each, and not every difference is told', () => {
    const nested = (leaf: string): unknown => {
      let type: unknown = leaf;
      for (let i = 0; i < 60; i++) {
        const name = `T${i}`;
        const fields = [
          { name: 'a', type },
          { name: 'b', type: typeof type === 'string' ? type : `T${i - 1}` },
        ];
        type = { type: 'record', name, fields };
      }
      return type;
    };
    const found = differences(schema(nested('int')).root, schema(nested('string')).root);
    expect(found.length).toBe(200);
  });
});

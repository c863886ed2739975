/**
 * avsc as a second opinion: a reader of schemas that clients in JavaScript use. What the registry takes, they have to
 * be able to read, and where the registry says that data can be read, they have to find a way.
 */
import avro from 'avsc';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AvroSchema } from '../../../src/registry/avro-schema.ts';
import { differences } from '../../../src/registry/compatibility.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];
const DEFAULTS: Record<string, Json> = {
  null: null,
  boolean: true,
  int: 1,
  long: 2,
  float: 1.5,
  double: 2.5,
  bytes: '',
};

/** Names are used once in a schema: the text would need to tell the second from the first. */
const arbitrarySchema = fc.gen().map((gen) => {
  let nameCount = 0;
  const pick = (choices: readonly Json[]): Json => gen(fc.constantFrom, ...choices) as Json;
  const type = (depth: number, isInUnion: boolean): Json => {
    const kind = gen(fc.nat, { max: depth > 0 ? 13 : 7 });
    if (kind < 8) return PRIMITIVES[kind] ?? 'null';
    const name = `N${nameCount++}`;
    if (kind === 8) return { type: 'array', items: type(depth - 1, false) };
    if (kind === 9) return { type: 'map', values: type(depth - 1, false) };
    if (kind === 10) return { type: 'fixed', name, size: gen(fc.nat, { max: 2 }) + 1 };
    if (kind === 11) {
      const symbols = gen(fc.subarray, ['A', 'B', 'C'], { minLength: 1 }) as string[];
      return { type: 'enum', name, symbols, ...(gen(fc.boolean) ? { default: symbols[0] ?? 'A' } : {}) };
    }
    if (kind === 12 && !isInUnion) {
      const branches = gen(fc.nat, { max: 2 }) + 1;
      const found = Array.from({ length: branches }, () => type(depth - 1, true));
      const kinds = found.map((branch) => (typeof branch === 'string' ? branch : JSON.stringify(branch).slice(0, 14)));
      return found.filter((_, i) => kinds.indexOf(kinds[i] ?? '') === i);
    }
    return { type: 'record', name, fields: fields(depth - 1) };
  };
  const fields = (depth: number): Json[] =>
    ['a', 'b', 'c'].flatMap((name): Json[] => {
      if (!gen(fc.boolean)) return [];
      const fieldType = type(depth, false);
      const usual = typeof fieldType === 'string' ? (DEFAULTS[fieldType] ?? null) : null;
      const canHaveDefault = typeof fieldType === 'string' && fieldType in DEFAULTS;
      const aliases = gen(fc.nat, { max: 9 }) === 0 ? { aliases: [`${name}2`] } : {};
      return [
        { name, type: fieldType, ...(canHaveDefault && pick([true, false]) ? { default: usual } : {}), ...aliases },
      ];
    });
  return type(3, false);
});

/** Most pairs of two random schemas have nothing in common: one is changed in one place instead. */
function changed(schema: Json, at: number, by: Json): Json {
  let count = 0;
  const walk = (json: Json): Json => {
    if (typeof json === 'string' && PRIMITIVES.includes(json)) return count++ === at ? by : json;
    if (Array.isArray(json)) return json.map(walk);
    if (json === null || typeof json !== 'object') return json;
    const copy: Json = { ...json };
    for (const key of ['type', 'items', 'values', 'fields'] as const)
      if (key in json && !['fixed', 'enum'].includes(String(json['type']))) copy[key] = walk(json[key] ?? null);
    return copy;
  };
  return walk(schema);
}

function avscType(text: string): avro.Type {
  return avro.Type.forSchema(JSON.parse(text), { wrapUnions: 'always' });
}

function avscReads(reader: string, writer: string): boolean {
  const [readerType, writerType] = [avscType(reader), avscType(writer)];
  try {
    readerType.createResolver(writerType);
    return true;
  } catch {
    return false;
  }
}

function reads(reader: string, writer: string): boolean {
  const parse = (text: string) => new AvroSchema(text, [], { isNew: false });
  return differences(parse(reader).root, parse(writer).root).length === 0;
}

const arbitraryPair = fc
  .tuple(arbitrarySchema, fc.nat({ max: 5 }), fc.constantFrom(...PRIMITIVES), arbitrarySchema, fc.boolean())
  .map(([older, at, by, other, isOther]) => [
    JSON.stringify(older),
    JSON.stringify(isOther ? other : changed(older, at, by)),
  ]);

function isSchema(text: string): boolean {
  try {
    return new AvroSchema(text, [], { isNew: true }).text !== '';
  } catch {
    return false;
  }
}

it('what we take for a schema avsc reads, in our words as in those it was written in', () => {
  fc.assert(
    fc.property(arbitrarySchema, (json) => {
      const text = JSON.stringify(json);
      fc.pre(isSchema(text));
      const written = new AvroSchema(text, [], { isNew: true }).text;
      expect(avscType(written).schema()).toEqual(avscType(text).schema());
    }),
    { numRuns: 1000 },
  );
});

it('avsc comes to the same verdict on two schemas', () => {
  let agreed = 0;
  fc.assert(
    fc.property(arbitraryPair, ([older = '', newer = '']) => {
      fc.pre(isSchema(older) && isSchema(newer));
      expect(reads(newer, older), `${newer} reads ${older}`).toBe(avscReads(newer, older));
      if (reads(newer, older)) agreed++;
    }),
    { numRuns: 3000 },
  );
  expect(agreed, 'pairs that go together').toBeGreaterThan(100);
});

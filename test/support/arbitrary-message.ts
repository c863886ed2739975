/**
 * Random values of any declared message at one version, made from the declaration. What the version does not carry has
 * its default, so a value is also what decoding its encoding must give.
 */
import fc from 'fast-check';
import type { Field, Fields } from '../../src/protocol/schema.ts';
import { inRange } from '../../src/protocol/versions.ts';

export function arbitraryMessage(fields: Fields, version: number): fc.Arbitrary<Record<string, unknown>> {
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, field] of Object.entries(fields)) {
    const isOnWire = inRange(field.options.versions, version);
    model[name] = isOnWire ? arbitraryField(field, version) : fc.constant(defaultOf(field));
  }
  return fc.record(model, { noNullPrototype: true });
}

/** The value that a decoder gives a field that was not on the wire. */
export function defaultOf(field: Field): unknown {
  if (field.options.default !== undefined) return field.options.default;
  if (field.kind === 'struct') {
    return Object.fromEntries(Object.entries(field.fields ?? {}).map(([name, inner]) => [name, defaultOf(inner)]));
  }
  return field.zero;
}

function arbitraryField(field: Field, version: number): fc.Arbitrary<unknown> {
  const value = arbitraryValue(field, version);
  const isNullable = field.options.nullable !== undefined && inRange(field.options.nullable, version);
  return isNullable ? fc.option(value, { nil: null, freq: 3 }) : value;
}

function arbitraryValue(field: Field, version: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'bool':
      return fc.boolean();
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff });
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff });
    case 'int32':
      return fc.integer();
    case 'uint32':
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case 'int64':
      return fc.maxSafeInteger();
    case 'float64':
      return fc.double({ noNaN: true });
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id).toString('base64url'));
    case 'string':
      return fc.oneof(
        fc.string({ maxLength: 20 }),
        fc.string({ unit: 'binary', maxLength: 200, size: 'max' }),
        fc.constantFrom('a'.repeat(125), 'a'.repeat(126), 'a'.repeat(127), 'é'.repeat(63), 'é'.repeat(64)),
      );
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    case 'array':
      return fc.array(arbitraryField(field.element as Field, version), { maxLength: 4 });
    case 'struct':
      return arbitraryMessage(field.fields ?? {}, version);
  }
}

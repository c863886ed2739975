/**
 * @pure Writes the JavaScript of one codec: a message declaration at one version becomes a read, a write and a
 * recordsSizeBytes function without a single version check. schema.ts turns the text into functions.
 *
 * Every array is checked before it is made: its elements must fit the bytes that are left (by their smallest
 * encoding), and their estimated heap is taken from the frame's budget (see Reader), so a small frame cannot become a
 * large object.
 */
import { KafkaError } from './errors.ts';
import type { Field, Fields } from './schema.ts';
import { inRange } from './versions.ts';
import { recordsSizeBytes } from './writer.ts';

/** What the generated text may call besides Reader and Writer. */
export const CODEC_ENVIRONMENT = {
  emptyBuffer: Buffer.alloc(0),
  recordsSizeBytes,
  refuseNull(field: string, version: number): never {
    throw new TypeError(`${field} must not be null in version ${version}`);
  },
  refuseDrop(field: string, version: number): never {
    const message = `Attempted to write a non-default ${field} at version ${version}`;
    throw new KafkaError('UNSUPPORTED_VERSION', message);
  },
};

interface Context {
  readonly version: number;
  readonly flexible: boolean;
  /** Function declarations, leaves first. */
  readonly functions: string[];
}

export function codecSource(name: string, fields: Fields, version: number, flexible: boolean): string {
  const context: Context = { version, flexible, functions: [] };
  const read = readStruct(context, name, fields);
  const write = writeStruct(context, name, fields);
  const size = sizeOfStruct(context, name, fields) ?? '() => 0';
  return [
    "'use strict';",
    'const { emptyBuffer, recordsSizeBytes, refuseNull, refuseDrop } = environment;',
    ...context.functions,
    `return { read: ${read}, write: ${write}, recordsSizeBytes: ${size} };`,
  ].join('\n');
}

// What a declaration means at one version.

const isOnWire = (context: Context, field: Field) => inRange(field.options.versions, context.version);

const isTagged = (context: Context, field: Field) =>
  context.flexible &&
  field.options.tag !== undefined &&
  inRange(field.options.tagged ?? field.options.versions, context.version);

const isNullable = (context: Context, field: Field) =>
  field.options.nullable !== undefined && inRange(field.options.nullable, context.version);

/** Mirrors the type IsOptional of schema.ts: may an encoder's caller leave the field out? */
const isOptional = ({ options }: Field) =>
  options.default !== undefined || options.tag !== undefined || /^\d+(-\d+)?$/.test(options.versions ?? '');

/** The default as text; mutable values are made afresh each time the text runs. */
function defaultText(field: Field): string {
  const value = field.options.default === undefined ? field.zero : field.options.default;
  if (value === null) return 'null';
  if (field.kind === 'array') return '[]';
  if (field.kind === 'bytes') return 'emptyBuffer';
  if (field.kind === 'struct') {
    return `{ ${Object.entries(field.fields ?? {}).map(([name, inner]) => `${name}: ${defaultText(inner)}`)} }`;
  }
  return JSON.stringify(value);
}

// Bounds.

/** The fewest bytes the field takes on the wire. */
function minimumSizeBytes(context: Context, field: Field): number {
  const { flexible } = context;
  switch (field.kind) {
    case 'bool':
    case 'int8':
      return 1;
    case 'int16':
    case 'uint16':
      return 2;
    case 'int32':
    case 'uint32':
      return 4;
    case 'int64':
    case 'float64':
      return 8;
    case 'uuid':
      return 16;
    case 'string':
      return flexible ? 1 : 2;
    case 'bytes':
    case 'records':
    case 'array':
      return flexible ? 1 : 4;
    case 'struct': {
      if (isNullable(context, field)) return 1;
      const inner = Object.values(field.fields ?? {}).filter((f) => isOnWire(context, f) && !isTagged(context, f));
      return inner.reduce((sum, f) => sum + minimumSizeBytes(context, f), flexible ? 1 : 0);
    }
  }
}

/** A generous estimate of what the decoded field holds on the heap, without what arrays in it charge themselves. */
function heapBytes(field: Field): number {
  switch (field.kind) {
    case 'int64':
    case 'float64':
      return 20;
    case 'string':
    case 'array':
      return 32;
    case 'uuid':
      return 48;
    case 'bytes':
    case 'records':
      return 160;
    case 'struct':
      return Object.values(field.fields ?? {}).reduce((sum, inner) => sum + heapBytes(inner), 24);
    default:
      return 8;
  }
}

// Reading. A nullable struct begins with an int8: -1 for null, else 1; as a tagged field with a varint: 0 for null.

/** `compact`, `nullable` and a noun as the name of a Reader's or Writer's method. */
function method(context: Context, nullable: boolean, noun: string): string {
  const name = `${context.flexible ? 'Compact' : ''}${nullable ? 'Nullable' : ''}${noun}`;
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function readStruct(context: Context, path: string, fields: Fields): string {
  const lines: string[] = [];
  const tagged: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (!isOnWire(context, field)) {
      lines.push(`const ${name}_ = ${defaultText(field)};`);
    } else if (isTagged(context, field)) {
      lines.push(`let ${name}_ = ${defaultText(field)};`);
      tagged.push(`case ${field.options.tag}: ${name}_ = ${readText(context, `${path}_${name}`, field, true)}; break;`);
    } else {
      lines.push(`const ${name}_ = ${readText(context, `${path}_${name}`, field)};`);
    }
  }
  if (context.flexible && tagged.length === 0) lines.push('r.skipTags();');
  if (context.flexible && tagged.length > 0) {
    lines.push(
      'for (let n = r.tagCount(), tag = -1; n > 0; n--) {',
      'tag = r.tag(tag); const end = r.tagEnd();',
      `switch (tag) { ${tagged.join('\n')} default: r.offset = end; }`,
      'r.expectTagEnd(end); }',
    );
  }
  const shape = Object.keys(fields).map((name) => `${name}: ${name}_`);
  context.functions.push(`function read_${path}(r) {\n${lines.join('\n')}\nreturn { ${shape.join(', ')} };\n}`);
  return `read_${path}`;
}

function readText(context: Context, path: string, field: Field, tagged = false): string {
  const nullable = isNullable(context, field);
  switch (field.kind) {
    case 'string':
      return `r.${method(context, nullable, 'String')}()`;
    case 'bytes':
      return `r.${method(context, nullable, 'Bytes')}()`;
    case 'records':
      return `r.${method(context, nullable, 'Records')}()`;
    case 'int64':
      return field.options.saturating ? 'r.saturatingInt64()' : 'r.int64()';
    case 'struct': {
      const read = readStruct(context, path, field.fields ?? {});
      if (!nullable) return `${read}(r)`;
      return tagged ? `(r.uvarint() === 0 ? null : ${read}(r))` : `(r.int8() < 0 ? null : ${read}(r))`;
    }
    case 'array':
      return `${readArray(context, path, field, nullable)}(r)`;
    default:
      return `r.${field.kind}()`;
  }
}

function readArray(context: Context, path: string, field: Field, nullable: boolean): string {
  const element = field.element as Field;
  const item = readText(context, `${path}_element`, element);
  // An element without a byte of its own (a struct that is empty in this version) still counts as one.
  const bounds = `${Math.max(1, minimumSizeBytes(context, element))}, ${8 + heapBytes(element)}`;
  context.functions.push(
    [
      `function read_${path}(r) {`,
      `const n = r.${method(context, nullable, 'ArrayLength')}(${bounds});`,
      nullable ? 'if (n < 0) return null;' : '',
      `const items = new Array(n); for (let i = 0; i < n; i++) items[i] = ${item};`,
      'return items;\n}',
    ].join('\n'),
  );
  return `read_${path}`;
}

// Writing.

function writeStruct(context: Context, path: string, fields: Fields): string {
  const { version } = context;
  const lines: string[] = [];
  const tagged: { tag: number; isPresent: string; write: string }[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const inner = `${path}_${name}`;
    const isSet = () => `x.${name} !== undefined && !(${isDefaultText(context, inner, field, `x.${name}`)})`;
    if (!isOnWire(context, field)) {
      if (!field.options.ignorable) lines.push(`if (${isSet()}) refuseDrop('${name}', ${version});`);
    } else if (isTagged(context, field)) {
      tagged.push({
        tag: field.options.tag ?? 0,
        isPresent: isSet(),
        write: writeText(context, inner, field, `x.${name}`, true),
      });
    } else {
      const value = isOptional(field) ? `(x.${name} === undefined ? ${defaultText(field)} : x.${name})` : `x.${name}`;
      lines.push(writeText(context, inner, field, value));
    }
  }
  if (context.flexible) {
    tagged.sort((a, b) => a.tag - b.tag);
    for (const { tag, isPresent } of tagged) lines.push(`const has${tag} = ${isPresent};`);
    lines.push(`w.uvarint(${tagged.map(({ tag }) => `(has${tag} ? 1 : 0)`).join(' + ') || '0'});`);
    for (const { tag, write } of tagged) {
      lines.push(`if (has${tag}) { const start = w.beginTag(${tag}); ${write} w.endTag(start); }`);
    }
  }
  context.functions.push(`function write_${path}(w, x) {\n${lines.join('\n')}\n}`);
  return `write_${path}`;
}

function writeText(context: Context, path: string, field: Field, value: string, tagged = false): string {
  const nullable = isNullable(context, field);
  const checked = nullable ? value : `${value} ?? refuseNull('${path}', ${context.version})`;
  switch (field.kind) {
    case 'string':
      return `w.${method(context, nullable, 'String')}(${checked});`;
    case 'bytes':
      return `w.${method(context, nullable, 'Bytes')}(${checked});`;
    case 'records':
      return `w.${method(context, nullable, 'Records')}(${checked});`;
    case 'struct': {
      const write = writeStruct(context, path, field.fields ?? {});
      if (!nullable) return `${write}(w, ${checked});`;
      const none = tagged ? 'w.uvarint(0)' : 'w.int8(-1)';
      return `{ const v = ${value}; if (v === null) ${none}; else { w.int8(1); ${write}(w, v); } }`;
    }
    case 'array':
      return `${writeArray(context, path, field, nullable)}(w, ${checked});`;
    default:
      return `w.${field.kind}(${value});`;
  }
}

function writeArray(context: Context, path: string, field: Field, nullable: boolean): string {
  const length = `w.${context.flexible ? 'compactArrayLength' : 'arrayLength'}`;
  context.functions.push(
    [
      `function write_${path}(w, items) {`,
      nullable ? `if (items === null) { ${length}(-1); return; }` : '',
      `${length}(items.length);`,
      `for (let i = 0; i < items.length; i++) { const item = items[i];`,
      `${writeText(context, `${path}_element`, field.element as Field, 'item')} }\n}`,
    ].join('\n'),
  );
  return `write_${path}`;
}

/** Text that is true when `value` (never undefined) is the field's default. */
function isDefaultText(context: Context, path: string, field: Field, value: string): string {
  const byDefault = defaultText(field);
  if (byDefault === 'null') return `${value} === null`;
  if (field.kind === 'array' || field.kind === 'bytes') return `${value} !== null && ${value}.length === 0`;
  if (field.kind !== 'struct') return `${value} === ${byDefault}`;
  const tests = Object.entries(field.fields ?? {}).map(([name, inner]) => {
    const test = isDefaultText(context, `${path}_${name}`, inner, `x.${name}`);
    return `(x.${name} === undefined || (${test}))`;
  });
  context.functions.push(`function isDefault_${path}(x) { return ${tests.join(' && ') || 'true'}; }`);
  return `${value} !== null && isDefault_${path}(${value})`;
}

// Sizes of records, so that a large response is allocated once.

function sizeOfStruct(context: Context, path: string, fields: Fields): string | null {
  const terms: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const term = isOnWire(context, field) ? sizeText(context, `${path}_${name}`, field, `x.${name}`) : null;
    if (term !== null) terms.push(`(x.${name} == null ? 0 : ${term})`);
  }
  if (terms.length === 0) return null;
  context.functions.push(`function size_${path}(x) { return ${terms.join(' + ')}; }`);
  return `size_${path}`;
}

function sizeText(context: Context, path: string, field: Field, value: string): string | null {
  if (field.kind === 'records') return `recordsSizeBytes(${value})`;
  if (field.kind === 'struct') {
    const size = sizeOfStruct(context, path, field.fields ?? {});
    return size === null ? null : `${size}(${value})`;
  }
  if (field.kind !== 'array') return null;
  const item = sizeText(context, `${path}_element`, field.element as Field, 'items[i]');
  if (item === null) return null;
  context.functions.push(
    `function size_${path}(items) { let sum = 0; for (let i = 0; i < items.length; i++) sum += ${item}; return sum; }`,
  );
  return `size_${path}(${value})`;
}

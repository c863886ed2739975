/**
 * @pure Reads Avro schemas with the rules of Avro Java (org.apache.avro.Schema.Parser, 1.11), which decide what a
 * Schema Registry takes. What avsc would refuse beyond them is told in avro-schema.ts.
 *
 * Guarantees: throws AvroSchemaError and nothing else, whatever the text; a name stands for what was defined before it,
 * in this text or in one read before by the same parser.
 */
import {
  type AvroField,
  type AvroName,
  type AvroNode,
  type AvroProperties,
  branchName,
  type FixedNode,
  fullName,
  type NamedNode,
  PRIMITIVES,
  type Primitive,
  type RecordNode,
} from './avro-node.ts';
import { isValidDefault } from './avro-default.ts';
import {
  isJsonArray,
  isJsonObject,
  javaDouble,
  JsonError,
  JsonNumber,
  type JsonObject,
  type JsonValue,
  parseJson,
  writeJson,
} from './json-text.ts';

export class AvroSchemaError extends Error {
  override readonly name = 'AvroSchemaError';
}

export interface ParseRules {
  /** What is registered anew is looked at more closely than what already is: names and defaults have to be right. */
  readonly isNew: boolean;
}

const SCHEMA_RESERVED: ReadonlySet<string> = new Set([
  'doc',
  'fields',
  'items',
  'name',
  'namespace',
  'size',
  'symbols',
  'values',
  'type',
  'aliases',
]);
const ENUM_RESERVED: ReadonlySet<string> = new Set([...SCHEMA_RESERVED, 'default']);
const FIELD_RESERVED: ReadonlySet<string> = new Set(['default', 'doc', 'name', 'order', 'type', 'aliases']);
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NO_PROPERTIES: AvroProperties = new Map();
/** So that a message stays readable. */
const MAX_EXCERPT = 300;
const FIXED_SIZE_BITS = 32;

export class AvroParser {
  readonly #rules: ParseRules;
  readonly #named = new Map<string, NamedNode>();

  constructor(rules: ParseRules) {
    this.#rules = rules;
  }

  /** The full names of all that was defined so far. */
  definedNames(): string[] {
    return [...this.#named.keys()];
  }

  parse(text: string): AvroNode {
    try {
      return this.#node(parseJson(text), '');
    } catch (error) {
      if (error instanceof JsonError) throw new AvroSchemaError(error.message);
      throw error;
    }
  }

  #node(json: JsonValue, space: string): AvroNode {
    if (typeof json === 'string') return this.#byName(json, space);
    if (isJsonArray(json)) return this.#union(json, space);
    if (!isJsonObject(json)) throw new AvroSchemaError(`Schema not yet supported: ${excerpt(json)}`);
    const type = requiredText(json, 'type', 'No type');
    if (isPrimitive(type)) return { type, properties: properties(json, SCHEMA_RESERVED) };
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(json, space, type === 'error');
      case 'enum':
        return this.#enum(json, space);
      case 'fixed':
        return this.#fixed(json, space);
      case 'array':
        return {
          type,
          items: this.#node(required(json, 'items', 'Array has no items type'), space),
          properties: properties(json, SCHEMA_RESERVED),
        };
      case 'map':
        return {
          type,
          values: this.#node(required(json, 'values', 'Map has no values type'), space),
          properties: properties(json, SCHEMA_RESERVED),
        };
      default:
        return this.#byName(type, space);
    }
  }

  /** In the namespace around it, or in none. */
  #byName(written: string, space: string): AvroNode {
    if (isPrimitive(written)) return { type: written, properties: NO_PROPERTIES };
    const name = nameOf(written, space);
    const found = this.#named.get(fullName(name)) ?? this.#named.get(written);
    if (found === undefined) throw new AvroSchemaError(`Undefined name: "${written}"`);
    return found;
  }

  #union(json: readonly JsonValue[], space: string): AvroNode {
    const seen = new Set<string>();
    const branches = json.map((branch) => {
      const node = this.#node(branch, space);
      if (node.type === 'union') throw new AvroSchemaError(`Nested union: ${excerpt(json)}`);
      const name = branchName(node);
      if (seen.has(name)) throw new AvroSchemaError(`Duplicate in union:${name}`);
      seen.add(name);
      return node;
    });
    return { type: 'union', branches };
  }

  #record(json: JsonObject, space: string, isError: boolean): RecordNode {
    const fields: AvroField[] = [];
    const common = this.#common(json, space, SCHEMA_RESERVED);
    const node: RecordNode = { type: 'record', ...common, isError, fields };
    this.#define(node);
    const written = json.get('fields');
    if (!isJsonArray(written)) throw new AvroSchemaError(`Record has no fields: ${excerpt(json)}`);
    const seen = new Set<string>();
    for (const fieldJson of written) {
      if (!isJsonObject(fieldJson)) throw new AvroSchemaError(`No field name: ${excerpt(fieldJson)}`);
      const field = this.#field(fieldJson, common.name.space);
      if (seen.has(field.name))
        throw new AvroSchemaError(`Duplicate field ${field.name} in record ${fullName(common.name)}`);
      seen.add(field.name);
      fields.push(field);
    }
    return node;
  }

  #field(json: JsonObject, space: string): AvroField {
    const name = requiredText(json, 'name', 'No field name');
    this.#checkName(name);
    const type = this.#node(required(json, 'type', 'No field type'), space);
    return {
      name,
      type,
      doc: optionalText(json, 'doc'),
      defaultValue: this.#defaultOf(json, name, type),
      order: orderOf(json),
      aliases: aliasesOf(json),
      properties: properties(json, FIELD_RESERVED),
    };
  }

  #defaultOf(json: JsonObject, name: string, type: AvroNode): JsonValue | undefined {
    let value = json.get('default');
    if (value === undefined) return undefined;
    if (typeof value === 'string' && (type.type === 'float' || type.type === 'double')) value = numberIn(value);
    if (this.#rules.isNew && !isValidDefault(type, value))
      throw new AvroSchemaError(`Invalid default for field ${name}: ${excerpt(value)} not a ${branchName(type)}`);
    return value;
  }

  #enum(json: JsonObject, space: string): NamedNode {
    const common = this.#common(json, space, ENUM_RESERVED);
    const written = json.get('symbols');
    if (!isJsonArray(written)) throw new AvroSchemaError(`Enum has no symbols: ${excerpt(json)}`);
    const symbols = new Set<string>();
    for (const symbol of written) {
      if (typeof symbol !== 'string')
        throw new AvroSchemaError(`Enum has a symbol that is no string: ${excerpt(symbol)}`);
      this.#checkName(symbol);
      if (symbols.has(symbol)) throw new AvroSchemaError(`Duplicate enum symbol: ${symbol}`);
      symbols.add(symbol);
    }
    const defaultSymbol = optionalText(json, 'default');
    if (defaultSymbol !== null && !symbols.has(defaultSymbol))
      throw new AvroSchemaError(
        `The Enum Default: ${defaultSymbol} is not in the enum symbol set: ` +
          `[${[...symbols].join(', ').slice(0, MAX_EXCERPT)}]`,
      );
    return this.#define({ type: 'enum', ...common, symbols: [...symbols], defaultSymbol });
  }

  #fixed(json: JsonObject, space: string): FixedNode {
    const common = this.#common(json, space, SCHEMA_RESERVED);
    const size = json.get('size');
    if (!(size instanceof JsonNumber) || !size.fitsInBits(FIXED_SIZE_BITS) || Number(size.text) < 0)
      throw new AvroSchemaError(`Invalid or no size: ${excerpt(json)}`);
    return this.#define({ type: 'fixed', ...common, size: Number(size.text) });
  }

  #common(
    json: JsonObject,
    space: string,
    reserved: ReadonlySet<string>,
  ): { name: AvroName; doc: string | null; aliases: AvroName[]; properties: AvroProperties } {
    const written = requiredText(json, 'name', 'No name in schema');
    const name = nameOf(written, optionalText(json, 'namespace') ?? space);
    this.#checkName(name.name);
    if (this.#rules.isNew && name.space !== '') for (const part of name.space.split('.')) this.#checkName(part);
    if (isPrimitive(fullName(name)))
      throw new AvroSchemaError(`Schemas may not be named after primitives: ${fullName(name)}`);
    const aliases = aliasesOf(json).map((alias) => nameOf(alias, name.space));
    return { name, doc: optionalText(json, 'doc'), aliases, properties: properties(json, reserved) };
  }

  #define<N extends NamedNode>(node: N): N {
    const name = fullName(node.name);
    if (this.#named.has(name)) throw new AvroSchemaError(`Can't redefine: ${name}`);
    this.#named.set(name, node);
    return node;
  }

  #checkName(name: string): void {
    if (name === '') throw new AvroSchemaError('Empty name');
    if (!NAME.test(name)) throw new AvroSchemaError(`Illegal character in: ${name.slice(0, MAX_EXCERPT)}`);
  }
}

/** A name with a dot holds its namespace; any other has that around it. */
function nameOf(written: string, space: string): AvroName {
  const dot = written.lastIndexOf('.');
  return dot < 0 ? { name: written, space } : { name: written.slice(dot + 1), space: written.slice(0, dot) };
}

function isPrimitive(type: string): type is Primitive {
  return (PRIMITIVES as readonly string[]).includes(type);
}

function properties(json: JsonObject, reserved: ReadonlySet<string>): AvroProperties {
  const found = new Map<string, JsonValue>();
  for (const [name, value] of json) if (!reserved.has(name)) found.set(name, value);
  return found;
}

function orderOf(json: JsonObject): AvroField['order'] {
  const written = json.get('order');
  if (written === undefined) return 'ascending';
  const order = typeof written === 'string' ? written.toLowerCase() : '';
  if (order !== 'ascending' && order !== 'descending' && order !== 'ignore')
    throw new AvroSchemaError(`No order of fields: ${excerpt(written)}`);
  return order;
}

function aliasesOf(json: JsonObject): string[] {
  const written = json.get('aliases');
  if (written === undefined) return [];
  if (!isJsonArray(written)) throw new AvroSchemaError(`aliases not an array: ${excerpt(json)}`);
  const aliases = new Set<string>();
  for (const alias of written) {
    if (typeof alias !== 'string') throw new AvroSchemaError(`alias not a string: ${excerpt(alias)}`);
    aliases.add(alias);
  }
  return [...aliases];
}

function numberIn(text: string): JsonNumber {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value) && text.trim() !== 'NaN') throw new AvroSchemaError(`For input string: ${excerpt(text)}`);
  return new JsonNumber(javaDouble(value), false);
}

function required(json: JsonObject, key: string, error: string): JsonValue {
  const value = json.get(key);
  if (value === undefined) throw new AvroSchemaError(`${error}: ${excerpt(json)}`);
  return value;
}

function requiredText(json: JsonObject, key: string, error: string): string {
  const text = optionalText(json, key);
  if (text === null) throw new AvroSchemaError(`${error}: ${excerpt(json)}`);
  return text;
}

function optionalText(json: JsonObject, key: string): string | null {
  const value = json.get(key);
  return typeof value === 'string' ? value : null;
}

function excerpt(json: JsonValue): string {
  const text = writeJson(json);
  return text.length <= MAX_EXCERPT ? text : `${text.slice(0, MAX_EXCERPT)}…`;
}

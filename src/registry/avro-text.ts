/**
 * @pure Schemas as texts: as Java's Schema.toString() writes them, which is what a Schema Registry stores and compares,
 * and in the normal form of Confluent's registry, which makes one of texts that differ in what means nothing.
 */
import {
  type AvroField,
  type AvroName,
  type AvroNode,
  type AvroProperties,
  fullName,
  type NamedNode,
  PRIMITIVES,
} from './avro-node.ts';
import { JsonNumber, type JsonObject, type JsonValue, writeJson } from './json-text.ts';

export interface TextOptions {
  /** Full names that are written as names, for they are defined elsewhere. */
  readonly knownNames: Iterable<string>;
  /** Properties and aliases by name, so that their order makes no difference. */
  readonly isSorted?: boolean;
}

/** Java's Schema.toString(). */
export function avroText(node: AvroNode, { knownNames, isSorted = false }: TextOptions): string {
  return writeJson(new TextWriter(new Set(knownNames), isSorted).node(node, ''));
}

/** Confluent's normal form as JSON, to be parsed and written again: its order of members does not count yet. */
export function normalText(node: AvroNode, knownNames: Iterable<string>): string {
  return writeJson(new NormalWriter(new Set(knownNames)).node(node));
}

const TYPE_NAMES: ReadonlySet<string> = new Set([...PRIMITIVES, 'record', 'enum', 'array', 'map', 'union', 'fixed']);

class TextWriter {
  readonly #known: Set<string>;
  readonly #isSorted: boolean;

  constructor(known: Set<string>, isSorted: boolean) {
    this.#known = known;
    this.#isSorted = isSorted;
  }

  node(node: AvroNode, space: string): JsonValue {
    switch (node.type) {
      case 'union':
        return node.branches.map((branch) => this.node(branch, space));
      case 'array':
        return this.#object(
          [
            ['type', 'array'],
            ['items', this.node(node.items, space)],
          ],
          node.properties,
        );
      case 'map':
        return this.#object(
          [
            ['type', 'map'],
            ['values', this.node(node.values, space)],
          ],
          node.properties,
        );
      case 'record':
      case 'enum':
      case 'fixed':
        return this.#named(node, space);
      default:
        return node.properties.size === 0 ? node.type : this.#object([['type', node.type]], node.properties);
    }
  }

  #named(node: NamedNode, space: string): JsonValue {
    const full = fullName(node.name);
    if (this.#known.has(full)) return qualified(node.name, space);
    this.#known.add(full);
    const members: [string, JsonValue][] = [['type', node.type === 'record' && node.isError ? 'error' : node.type]];
    members.push(['name', node.name.name]);
    if (node.name.space !== space) members.push(['namespace', node.name.space]);
    if (node.doc !== null) members.push(['doc', node.doc]);
    if (node.type === 'record')
      members.push(['fields', node.fields.map((field) => this.#field(field, node.name.space))]);
    if (node.type === 'fixed') members.push(['size', new JsonNumber(String(node.size), true)]);
    if (node.type === 'enum') {
      members.push(['symbols', node.symbols]);
      if (node.defaultSymbol !== null) members.push(['default', node.defaultSymbol]);
    }
    return this.#object(
      members,
      node.properties,
      node.aliases.map((alias) => qualified(alias, node.name.space)),
    );
  }

  #field(field: AvroField, space: string): JsonValue {
    const members: [string, JsonValue][] = [
      ['name', field.name],
      ['type', this.node(field.type, space)],
    ];
    if (field.doc !== null) members.push(['doc', field.doc]);
    if (field.defaultValue !== undefined) members.push(['default', field.defaultValue]);
    if (field.order !== 'ascending') members.push(['order', field.order]);
    if (field.aliases.length > 0) members.push(['aliases', this.#inOrder(field.aliases)]);
    return this.#object(members, field.properties);
  }

  #object(
    members: readonly (readonly [string, JsonValue])[],
    properties: AvroProperties,
    aliases: readonly string[] = [],
  ): JsonObject {
    const written = new Map<string, JsonValue>(members);
    const names = this.#inOrder([...properties.keys()]);
    for (const name of names) written.set(name, properties.get(name) ?? null);
    if (aliases.length > 0) written.set('aliases', this.#inOrder(aliases));
    return written;
  }

  #inOrder(names: readonly string[]): readonly string[] {
    return this.#isSorted ? names.toSorted() : names;
  }
}

/** Without its namespace where that says the same, and is not taken for a type of Avro's own. */
function qualified(name: AvroName, space: string): string {
  return name.space === space && !(space !== '' && TYPE_NAMES.has(name.name)) ? name.name : fullName(name);
}

class NormalWriter {
  readonly #known: Set<string>;

  constructor(known: Set<string>) {
    this.#known = known;
  }

  node(node: AvroNode): JsonValue {
    switch (node.type) {
      case 'union':
        return node.branches.map((branch) => this.node(branch));
      case 'array':
        return withProperties(
          [
            ['type', 'array'],
            ['items', this.node(node.items)],
          ],
          node.properties,
        );
      case 'map':
        return withProperties(
          [
            ['type', 'map'],
            ['values', this.node(node.values)],
          ],
          node.properties,
        );
      case 'record':
      case 'enum':
      case 'fixed':
        return this.#named(node);
      default:
        return node.properties.size === 0 ? node.type : withProperties([['type', node.type]], node.properties);
    }
  }

  #named(node: NamedNode): JsonValue {
    const full = fullName(node.name);
    if (this.#known.has(full)) return full;
    this.#known.add(full);
    const members: [string, JsonValue][] = [
      ['name', full],
      ['type', node.type],
    ];
    if (node.type === 'record') members.push(['fields', node.fields.map((field) => this.#field(field))]);
    if (node.type === 'fixed') members.push(['size', new JsonNumber(String(node.size), true)]);
    if (node.type === 'enum') members.push(['symbols', node.symbols]);
    if (node.doc !== null && node.doc !== '') members.push(['doc', node.doc]);
    if (node.aliases.length > 0) members.push(['aliases', node.aliases.map(fullName).toSorted()]);
    if (node.type === 'enum' && node.defaultSymbol !== null) members.push(['default', node.defaultSymbol]);
    return withProperties(members, node.properties);
  }

  #field(field: AvroField): JsonValue {
    const members: [string, JsonValue][] = [
      ['name', field.name],
      ['type', this.node(field.type)],
      ['order', field.order],
    ];
    if (field.doc !== null) members.push(['doc', field.doc]);
    if (field.aliases.length > 0) members.push(['aliases', field.aliases.toSorted()]);
    if (field.defaultValue !== undefined) members.push(['default', field.defaultValue]);
    return withProperties(members, field.properties);
  }
}

/** Those that Avro Java knows. */
const LOGICAL_TYPES: ReadonlySet<string> = new Set([
  'decimal',
  'uuid',
  'date',
  'time-millis',
  'time-micros',
  'timestamp-millis',
  'timestamp-micros',
  'local-timestamp-millis',
  'local-timestamp-micros',
]);

/** The properties by name; what makes up the logical type comes first. */
function withProperties(members: readonly (readonly [string, JsonValue])[], properties: AvroProperties): JsonObject {
  const written = new Map<string, JsonValue>(members);
  const logicalType = properties.get('logicalType');
  const logical: string[] = [];
  if (typeof logicalType === 'string' && LOGICAL_TYPES.has(logicalType)) logical.push('logicalType');
  if (logicalType === 'decimal') logical.push('precision', 'scale');
  for (const name of [...logical, ...[...properties.keys()].toSorted()]) {
    const value = properties.get(name);
    if (value !== undefined) written.set(name, value);
  }
  return written;
}

/**
 * @pure An Avro schema as a graph of nodes. A named type is one node wherever it is used, so a recursive schema is a
 * cycle. What Java's Schema keeps is kept here: documentation, aliases, defaults, order, and every other property.
 */
import type { JsonValue } from './json-text.ts';

export const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;
export type Primitive = (typeof PRIMITIVES)[number];

/** What Avro gives no meaning, and logicalType with what belongs to it. */
export type AvroProperties = ReadonlyMap<string, JsonValue>;

export interface PrimitiveNode {
  readonly type: Primitive;
  readonly properties: AvroProperties;
}

export interface ArrayNode {
  readonly type: 'array';
  readonly items: AvroNode;
  readonly properties: AvroProperties;
}

export interface MapNode {
  readonly type: 'map';
  readonly values: AvroNode;
  readonly properties: AvroProperties;
}

export interface UnionNode {
  readonly type: 'union';
  readonly branches: readonly AvroNode[];
}

/** The space is empty for a name without one. */
export interface AvroName {
  readonly name: string;
  readonly space: string;
}

interface Named {
  readonly name: AvroName;
  readonly doc: string | null;
  readonly aliases: readonly AvroName[];
  readonly properties: AvroProperties;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroNode;
  readonly doc: string | null;
  /** Undefined when there is none; null is a default. */
  readonly defaultValue: JsonValue | undefined;
  readonly order: 'ascending' | 'descending' | 'ignore';
  readonly aliases: readonly string[];
  readonly properties: AvroProperties;
}

export interface RecordNode extends Named {
  readonly type: 'record';
  readonly isError: boolean;
  readonly fields: readonly AvroField[];
}

export interface EnumNode extends Named {
  readonly type: 'enum';
  readonly symbols: readonly string[];
  readonly defaultSymbol: string | null;
}

export interface FixedNode extends Named {
  readonly type: 'fixed';
  readonly size: number;
}

export type NamedNode = RecordNode | EnumNode | FixedNode;
export type AvroNode = PrimitiveNode | ArrayNode | MapNode | UnionNode | NamedNode;

export function isNamed(node: AvroNode): node is NamedNode {
  return node.type === 'record' || node.type === 'enum' || node.type === 'fixed';
}

export function fullName({ name, space }: AvroName): string {
  return space === '' ? name : `${space}.${name}`;
}

/** By what a branch of a union is told from the others. */
export function branchName(node: AvroNode): string {
  return isNamed(node) ? fullName(node.name) : node.type;
}

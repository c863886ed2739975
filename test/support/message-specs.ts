/**
 * Kafka's own declarations of messages and stored records, the JSON inside its jars, and both theirs and ours as lines
 * of text that can be compared: one line for each field at one version.
 */
import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../src/protocol/internal/consumer-protocol.ts';
import { GROUP_RECORD_KINDS } from '../../src/protocol/internal/group-record.ts';
import type { Field, Fields } from '../../src/protocol/schema.ts';
import type { StoredRecord } from '../../src/protocol/stored-record.ts';
import { inRange, type Versions } from '../../src/protocol/versions.ts';
import { defaultOf } from './arbitrary-message.ts';
import { KAFKA_FOUR_VERSION, KAFKA_VERSION, kafkaLibDirectory } from './kafka-jars.ts';
import { unzip } from './zip.ts';

interface SpecField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly taggedVersions?: string;
  readonly tag?: number;
  /** null is how Kafka writes "none" by accident: its generator takes it for no default. */
  readonly default?: string | number | boolean | null;
  readonly ignorable?: boolean;
  readonly fields?: readonly SpecField[];
}
export interface Spec {
  readonly apiKey?: number;
  readonly name: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly SpecField[];
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly SpecField[] }[];
}

/** What is compared with Kafka 4: 3.9 has a preview of it (v0) or nothing. */
const OF_KAFKA_FOUR = ['ConsumerGroupHeartbeat', 'ConsumerGroupDescribe', 'ConsumerGroupRegularExpression'];

/** The Kafka whose declaration of this message or record is ours. */
export function kafkaVersionOf(name: string): string {
  return OF_KAFKA_FOUR.some((prefix) => name.startsWith(prefix)) ? KAFKA_FOUR_VERSION : KAFKA_VERSION;
}

/** What __consumer_offsets holds and what consumers tell each other. */
export const STORED_RECORDS: readonly StoredRecord[] = [
  ...Object.values(GROUP_RECORD_KINDS).flatMap(({ key, value }): StoredRecord[] => [key, value]),
  ConsumerProtocolSubscription,
  ConsumerProtocolAssignment,
];

/** The declarations in the jars of one Kafka, by name. */
export async function kafkaSpecs(version: string): Promise<ReadonlyMap<string, Spec>> {
  const lib = await kafkaLibDirectory(version);
  const jars = readdirSync(lib).filter((name) => /^kafka-(clients|group-coordinator)-\d.*\.jar$/.test(name));
  const specs = new Map<string, Spec>();
  for (const jar of jars) {
    const files = unzip(readFileSync(path.join(lib, jar)), (name) => /^common\/message\/.*\.json$/.test(name));
    for (const text of files.values()) {
      const spec = JSON.parse(text.toString('utf8').replace(/^\s*\/\/.*$/gm, '')) as Spec;
      specs.set(spec.name, spec);
    }
  }
  return specs;
}

const lowerCamel = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);
const isIn = (versions: string | undefined, version: number) =>
  versions !== undefined && versions !== 'none' && inRange(versions as Versions, version);

/** Kafka's default in our terms. */
function specDefault({ type, default: value, nullableVersions }: SpecField): unknown {
  if (value === 'null') return null;
  if (type.startsWith('[]')) return [];
  if (type === 'bool') return String(value ?? false) === 'true';
  if (type === 'string') return value ?? '';
  if (type === 'uuid') return 'AAAAAAAAAAAAAAAAAAAAAA';
  if (type === 'records') return null;
  if (type === 'bytes') return '';
  if (/^(u?int\d+|float64)$/.test(type)) return Number(value ?? 0);
  // A struct: its default is told by its fields.
  return nullableVersions === undefined ? 'a struct' : (value ?? 'a struct');
}

/** One line for each field at one version, in wire order, structs and elements of arrays indented below theirs. */
export function linesOfSpec(spec: Spec, version: number, fields = spec.fields, indent = ''): string[] {
  return fields.flatMap((field) => {
    const name = indent + lowerCamel(field.name);
    const byDefault = JSON.stringify(specDefault(field));
    if (!isIn(field.versions, version))
      return [`${name} absent ${byDefault} ${field.ignorable ? 'ignorable' : 'kept'}`];
    const element = field.type.replace(/^\[\]/, '');
    const structFields = field.fields ?? spec.commonStructs?.find((struct) => struct.name === element)?.fields;
    const type = structFields === undefined ? field.type : field.type.replace(element, 'struct');
    const isNullable = isIn(field.nullableVersions, version) ? 'nullable' : 'never null';
    const isTagged = isIn(field.taggedVersions, version) && isIn(spec.flexibleVersions, version);
    const line = `${name} ${type} ${isNullable} ${isTagged ? `tag ${field.tag}` : 'untagged'} ${byDefault}`;
    return [line, ...linesOfSpec(spec, version, structFields ?? [], `${indent}  `)];
  });
}

function ourDefault(field: Field): unknown {
  const value = defaultOf(field);
  if (Buffer.isBuffer(value)) return value.toString();
  return field.kind === 'struct' && value !== null ? 'a struct' : value;
}

export function linesOfOurs(fields: Fields, version: number, isFlexible: boolean, indent = ''): string[] {
  return Object.entries(fields).flatMap(([key, field]) => {
    const name = indent + key;
    const { options } = field;
    const byDefault = JSON.stringify(ourDefault(field));
    if (!inRange(options.versions, version)) {
      return [`${name} absent ${byDefault} ${options.ignorable ? 'ignorable' : 'kept'}`];
    }
    const type = field.element === null ? field.kind : `[]${field.element.kind}`;
    const isNullable = options.nullable !== undefined && inRange(options.nullable, version) ? 'nullable' : 'never null';
    const isTagged = isFlexible && options.tag !== undefined && inRange(options.tagged ?? options.versions, version);
    const line = `${name} ${type} ${isNullable} ${isTagged ? `tag ${options.tag}` : 'untagged'} ${byDefault}`;
    const inner = field.fields ?? field.element?.fields ?? {};
    return [line, ...linesOfOurs(inner, version, isFlexible, `${indent}  `)];
  });
}

/**
 * @pure The records of `_schemas`, in the format of Confluent's registry: key and value are JSON (SchemaKey,
 * SchemaValue, ConfigKey and their like), so that a registry of theirs reads what ours wrote, and the reverse.
 *
 * Guarantees: the same key always has the same bytes, as compaction needs; members of a value that have no meaning
 * here are kept. NOOP records, which theirs write to learn how far they have read and whose values they ignore, carry
 * the highest id that was ever given out where the schema that had it is deleted for good.
 */
import { COMPATIBILITY_LEVELS, type CompatibilityLevel } from './compatibility-level.ts';

export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

export interface StoredSchema {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
  /** AVRO; others come from registries of others. */
  readonly schemaType: string;
  readonly references: readonly SchemaReference[];
  readonly schema: string;
  readonly deleted: boolean;
  /** metadata, ruleSet and whatever else was in the value. */
  readonly extras: ReadonlyMap<string, unknown>;
}

export const MODES = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT', 'FORWARD'] as const;
export type Mode = (typeof MODES)[number];

export interface RegistryConfig {
  readonly compatibilityLevel: CompatibilityLevel | null;
  readonly normalize: boolean | null;
  /** Schemas are compared with those alone that have the same value of this property of their metadata. */
  readonly compatibilityGroup: string | null;
  readonly extras: ReadonlyMap<string, unknown>;
}

/** A value of null is a tombstone. Subjects of null stand for the registry as a whole. */
export type RegistryRecord =
  | {
      readonly kind: 'SCHEMA';
      readonly subject: string;
      readonly version: number;
      readonly value: StoredSchema | null;
    }
  | { readonly kind: 'CONFIG'; readonly subject: string | null; readonly value: RegistryConfig | null }
  | { readonly kind: 'MODE'; readonly subject: string | null; readonly value: Mode | null }
  | { readonly kind: 'DELETE_SUBJECT'; readonly subject: string; readonly upToVersion: number }
  | { readonly kind: 'CLEAR_SUBJECT'; readonly subject: string | null }
  | { readonly kind: 'NOOP'; readonly lastId: number };

type Json = { readonly [name: string]: unknown };

export const registryCodec = { encode: encodeRegistryRecord, decode: decodeRegistryRecord };

export function encodeRegistryRecord(record: RegistryRecord): { key: Buffer; value: Buffer | null } {
  const value = valueJsonOf(record);
  return { key: bytes(keyOf(record)), value: value === null ? null : bytes(value) };
}

/** Null for everything that is not understood: it may be of a newer registry, or not of a registry at all. */
export function decodeRegistryRecord(key: Buffer, value: Buffer | null): RegistryRecord | null {
  const keyJson = parse(key);
  if (keyJson === null) return null;
  const valueJson = value === null ? null : parse(value);
  // An unreadable value is not a deletion.
  if (value !== null && valueJson === null) return null;
  const subject = textOrNull(keyJson['subject']);
  switch (keyJson['keytype']) {
    case 'SCHEMA':
      return decodeSchema(subject, keyJson['version'], valueJson);
    case 'CONFIG':
      return { kind: 'CONFIG', subject, value: valueJson === null ? null : decodeConfig(valueJson) };
    case 'MODE':
      return decodeMode(subject, valueJson);
    case 'DELETE_SUBJECT': {
      const upToVersion = valueJson?.['version'];
      return subject === null || !isPositive(upToVersion) ? null : { kind: 'DELETE_SUBJECT', subject, upToVersion };
    }
    case 'CLEAR_SUBJECT':
      return { kind: 'CLEAR_SUBJECT', subject };
    case 'NOOP': {
      const lastId = valueJson?.['lastId'];
      return { kind: 'NOOP', lastId: isPositive(lastId) ? lastId : 0 };
    }
    default:
      return null;
  }
}

function keyOf(record: RegistryRecord): Json {
  const { kind } = record;
  if (kind === 'NOOP') return { keytype: kind, magic: 0 };
  if (kind === 'SCHEMA') return { keytype: kind, subject: record.subject, version: record.version, magic: 1 };
  return { keytype: kind, subject: record.subject, magic: 0 };
}

function valueJsonOf(record: RegistryRecord): Json | null {
  switch (record.kind) {
    case 'SCHEMA':
      return record.value === null ? null : schemaValue(record.value);
    case 'CONFIG':
      return record.value === null ? null : configValue(record.subject, record.value);
    case 'MODE':
      return record.value === null ? null : { subject: record.subject, mode: record.value };
    case 'DELETE_SUBJECT':
      return { subject: record.subject, version: record.upToVersion };
    case 'CLEAR_SUBJECT':
      return { subject: record.subject };
    case 'NOOP':
      return { lastId: record.lastId };
  }
}

function schemaValue({ subject, version, id, schemaType, references, schema, deleted, extras }: StoredSchema): Json {
  return {
    subject,
    version,
    id,
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
    ...Object.fromEntries(extras),
    schema,
    deleted,
  };
}

function configValue(subject: string | null, config: RegistryConfig): Json {
  const { compatibilityLevel, compatibilityGroup, normalize, extras } = config;
  return {
    subject,
    ...Object.fromEntries(extras),
    ...(normalize === null ? {} : { normalize }),
    ...(compatibilityLevel === null ? {} : { compatibilityLevel }),
    ...(compatibilityGroup === null ? {} : { compatibilityGroup }),
  };
}

function decodeSchema(subject: string | null, version: unknown, json: Json | null): RegistryRecord | null {
  if (subject === null || !isPositive(version)) return null;
  if (json === null) return { kind: 'SCHEMA', subject, version, value: null };
  const { id, schema, schemaType = 'AVRO', references = [], deleted = false, ...others } = json;
  if (!isPositive(id) || typeof schema !== 'string' || typeof schemaType !== 'string') return null;
  const known = isArray(references) ? references.flatMap((reference) => decodeReference(reference) ?? []) : [];
  const extras = new Map(Object.entries(others).filter(([name]) => name !== 'subject' && name !== 'version'));
  const value: StoredSchema = {
    subject,
    version,
    id,
    schemaType,
    references: known,
    schema,
    deleted: deleted === true,
    extras,
  };
  return { kind: 'SCHEMA', subject, version, value };
}

/** Null when it is no reference. */
export function decodeReference(json: unknown): SchemaReference | null {
  if (typeof json !== 'object' || json === null) return null;
  const { name, subject, version } = json as Json;
  if (typeof name !== 'string' || typeof subject !== 'string' || !Number.isSafeInteger(version)) return null;
  return { name, subject, version: Number(version) };
}

function decodeConfig(json: Json): RegistryConfig {
  const { subject: _, compatibilityLevel, compatibilityGroup, normalize, ...others } = json;
  return {
    compatibilityLevel: COMPATIBILITY_LEVELS.find((level) => level === compatibilityLevel) ?? null,
    normalize: typeof normalize === 'boolean' ? normalize : null,
    compatibilityGroup: textOrNull(compatibilityGroup),
    extras: new Map(Object.entries(others)),
  };
}

function decodeMode(subject: string | null, json: Json | null): RegistryRecord | null {
  if (json === null) return { kind: 'MODE', subject, value: null };
  const mode = MODES.find((known) => known === json['mode']);
  return mode === undefined ? null : { kind: 'MODE', subject, value: mode };
}

function bytes(json: Json): Buffer {
  return Buffer.from(JSON.stringify(json));
}

function parse(text: Buffer): Json | null {
  try {
    const json: unknown = JSON.parse(text.toString('utf8'));
    return typeof json === 'object' && json !== null && !isArray(json) ? (json as Json) : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function isPositive(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

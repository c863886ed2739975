/**
 * @pure What requests to the Schema Registry hold, looked at once: bodies of JSON from anybody, and queries. Throws
 * RegistryError for what cannot be meant.
 */
import { type CompatibilityLevel, compatibilityLevel } from '../registry/compatibility-level.ts';
import {
  invalidCompatibility,
  invalidMode,
  invalidSchema,
  notPermitted,
  RegistryError,
  unprocessable,
} from '../registry/registry-errors.ts';
import { decodeReference, MODES, type Mode, type SchemaReference } from '../registry/registry-record.ts';
import type { ConfigChange, Registration } from '../registry/subject-changes.ts';
import type { Deleted } from '../registry/subject-store.ts';

type Json = ReadonlyMap<string, unknown>;
/** As fastify gives it: a name that comes twice has a list. */
export type Query = { readonly [name: string]: string | readonly string[] | undefined };

export interface Page {
  readonly offset: number;
  readonly limit: number;
}

const BAD_REQUEST = 400;
/** Members of configurations that say how schemas are treated, and that this registry does not keep. */
const UNKNOWN_SETTINGS = [
  'alias',
  'compatibilityPolicy',
  'defaultMetadata',
  'overrideMetadata',
  'defaultRuleSet',
  'overrideRuleSet',
];
const SETTINGS = ['compatibility', 'normalize', 'compatibilityGroup'];

export function flag(query: Query, name: string): boolean {
  return text(query, name)?.toLowerCase() === 'true';
}

/** The first one. */
export function text(query: Query, name: string): string | undefined {
  return texts(query, name)[0];
}

export function texts(query: Query, name: string): readonly string[] {
  const value = query[name];
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

/** `deletedOnly` goes before `deleted`. */
export function deletedOf(query: Query): Deleted {
  if (flag(query, 'deletedOnly')) return 'only';
  return flag(query, 'deleted') ? 'with' : 'without';
}

/** A limit below 1, or beyond the greatest, is the greatest. */
export function pageOf(query: Query, maxLimit: number): Page {
  const offset = wholeNumber(query, 'offset') ?? 0;
  const limit = wholeNumber(query, 'limit') ?? maxLimit;
  return { offset: Math.max(offset, 0), limit: limit < 1 || limit > maxLimit ? maxLimit : limit };
}

export function paged<T>(found: readonly T[], { offset, limit }: Page): T[] {
  return found.slice(offset, offset + limit);
}

function wholeNumber(query: Query, name: string): number | undefined {
  const written = text(query, name);
  if (written === undefined || written === '') return undefined;
  if (!/^-?\d{1,9}$/.test(written))
    throw new RegistryError(BAD_REQUEST, `${name} is not a number: ${written.slice(0, 50)}`);
  return Number(written);
}

/** Of POST /subjects/{subject}/versions, of lookups and of compatibility tests. */
export function registrationOf(body: unknown): Registration {
  const json = membersOf(body);
  const schema = json.get('schema') ?? '';
  const schemaType = json.get('schemaType') ?? 'AVRO';
  if (typeof schema !== 'string') throw unprocessable('schema is not a string');
  if (typeof schemaType !== 'string') throw unprocessable('schemaType is not a string');
  return {
    schema,
    schemaType: schemaType === '' ? 'AVRO' : schemaType.toUpperCase(),
    references: referencesOf(json.get('references') ?? []),
    version: positive(json, 'version'),
    id: positive(json, 'id'),
    extras: extrasOf(json),
  };
}

/**
 * Of PUT /config. Members that are not known are left alone, as Confluent's registry does it; but a request that has no
 * others is meant to set something and would not.
 */
export function configChangeOf(body: unknown): ConfigChange {
  const json = membersOf(body);
  for (const name of UNKNOWN_SETTINGS)
    if ((json.get(name) ?? null) !== null) throw notPermitted(`${name} is not supported`);
  if (!SETTINGS.some((name) => json.has(name)))
    throw unprocessable(`There is nothing to set: the body has none of ${SETTINGS.join(', ')}`);
  const normalize = json.get('normalize') ?? null;
  if (normalize !== null && typeof normalize !== 'boolean') throw unprocessable('normalize is not a boolean');
  const group = json.get('compatibilityGroup') ?? null;
  if (group !== null && typeof group !== 'string') throw unprocessable('compatibilityGroup is not a string');
  return {
    compatibilityLevel: levelOf(json.get('compatibility') ?? null),
    normalize,
    ...(json.has('compatibilityGroup') ? { compatibilityGroup: group } : {}),
  };
}

/** Of PUT /mode. */
export function modeOf(body: unknown): Mode {
  const written = membersOf(body).get('mode');
  const mode = typeof written === 'string' ? MODES.find((known) => known === written.toUpperCase()) : undefined;
  if (mode === undefined) throw invalidMode();
  return mode;
}

function levelOf(written: unknown): CompatibilityLevel | null {
  if (written === null) return null;
  const level = typeof written === 'string' ? compatibilityLevel(written) : null;
  if (level === null) throw invalidCompatibility();
  return level;
}

function membersOf(body: unknown): Json {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw unprocessable('The request needs a body that is a JSON object');
  return new Map(Object.entries(body));
}

function referencesOf(written: unknown): SchemaReference[] {
  if (!Array.isArray(written)) throw unprocessable('references is not a list');
  return written.map((json: unknown) => {
    const reference = decodeReference(json);
    if (reference === null) throw invalidSchema(`Invalid reference: ${JSON.stringify(json)?.slice(0, 200)}`);
    return reference;
  });
}

/** Null, 0 and -1 say that there is none. */
function positive(json: Json, name: string): number | null {
  const value = json.get(name) ?? null;
  if (value === null) return null;
  if (!Number.isSafeInteger(value)) throw unprocessable(`${name} is not a whole number`);
  return Number(value) > 0 ? Number(value) : null;
}

function extrasOf(json: Json): ReadonlyMap<string, unknown> {
  const extras = new Map<string, unknown>();
  for (const name of ['metadata', 'ruleSet']) {
    const value = json.get(name) ?? null;
    if (value === null) continue;
    if (typeof value !== 'object' || Array.isArray(value)) throw unprocessable(`${name} is not an object`);
    extras.set(name, value);
  }
  return extras;
}

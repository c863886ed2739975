/**
 * @pure What the registry knows: the subjects with their versions, the schemas by id, configurations and modes. It
 * changes by the records of `_schemas` alone, read back or just decided, and gives one state for one log.
 *
 * Guarantees: an id belongs to one content as long as anything has it, and `lastId` never falls. Deletions are soft
 * (a mark) until a tombstone takes the version away. Kafka-side model: Confluent's InMemoryCache and
 * KafkaStoreMessageHandler.
 */
import { createHash } from 'node:crypto';
import type { Mode, RegistryConfig, RegistryRecord, StoredSchema } from './registry-record.ts';

export type Deleted = 'without' | 'with' | 'only';

export class SubjectStore {
  readonly #subjects = new Map<string, Map<number, StoredSchema>>();
  /** Every place where the schema of an id is registered. */
  readonly #places = new Map<number, Set<StoredSchema>>();
  readonly #idByContent = new Map<string, number>();
  /** Who refers to a version of a subject. */
  readonly #referrers = new Map<string, Set<StoredSchema>>();
  readonly #configs = new Map<string | null, RegistryConfig>();
  readonly #modes = new Map<string | null, Mode>();
  #lastId = 0;

  /** The highest id that was ever given out. */
  get lastId(): number {
    return this.#lastId;
  }

  apply(record: RegistryRecord): void {
    switch (record.kind) {
      case 'SCHEMA':
        this.#put(record.subject, record.version, record.value);
        return;
      case 'DELETE_SUBJECT':
        for (const schema of this.versions(record.subject, 'without'))
          if (schema.version <= record.upToVersion)
            this.#put(record.subject, schema.version, { ...schema, deleted: true });
        return;
      case 'CONFIG':
        setOrDelete(this.#configs, record.subject, record.value);
        return;
      case 'MODE':
        setOrDelete(this.#modes, record.subject, record.value);
        return;
      case 'NOOP':
        this.#lastId = Math.max(this.#lastId, record.lastId);
        return;
      case 'CLEAR_SUBJECT':
        // It tells caches to forget what tombstones before it have deleted; here that is done.
        return;
    }
  }

  /** In order of their names. */
  subjects(deleted: Deleted, prefix = ''): string[] {
    const found: string[] = [];
    for (const subject of this.#subjects.keys())
      if (subject.startsWith(prefix) && this.isKnown(subject, deleted)) found.push(subject);
    return found.sort();
  }

  /** `only`: known by its deleted versions alone. */
  isKnown(subject: string, deleted: Deleted): boolean {
    const versions = this.#subjects.get(subject);
    if (versions === undefined) return false;
    if (deleted === 'with') return true;
    const isAlive = [...versions.values()].some((schema) => !schema.deleted);
    return deleted === 'without' ? isAlive : !isAlive;
  }

  /** In the order of their versions. */
  versions(subject: string, deleted: Deleted): StoredSchema[] {
    const versions = [...(this.#subjects.get(subject)?.values() ?? [])];
    const found = versions.filter((schema) => deleted === 'with' || schema.deleted === (deleted === 'only'));
    return found.sort((one, other) => one.version - other.version);
  }

  version(subject: string, version: number): StoredSchema | null {
    return this.#subjects.get(subject)?.get(version) ?? null;
  }

  latest(subject: string): StoredSchema | null {
    return this.versions(subject, 'without').at(-1) ?? null;
  }

  /** Empty when nothing has the id. */
  placesOf(id: number): StoredSchema[] {
    return [...(this.#places.get(id) ?? [])].sort(
      (one, other) => compare(one.subject, other.subject) || one.version - other.version,
    );
  }

  /** The id under which the same content is registered, wherever that is. */
  idOf(content: SchemaContent): number | null {
    return this.#idByContent.get(contentKey(content)) ?? null;
  }

  /** Those that refer to a version of a subject. */
  referrers(subject: string, version: number, deleted: 'without' | 'with'): StoredSchema[] {
    const found = [...(this.#referrers.get(placeKey(subject, version)) ?? [])];
    return deleted === 'with' ? found : found.filter((schema) => !schema.deleted);
  }

  /** Null stands for the registry as a whole, here as for modes. */
  config(subject: string | null): RegistryConfig | null {
    return this.#configs.get(subject) ?? null;
  }

  mode(subject: string | null): Mode | null {
    return this.#modes.get(subject) ?? null;
  }

  #put(subject: string, version: number, given: StoredSchema | null): void {
    let versions = this.#subjects.get(subject);
    const former = versions?.get(version);
    if (former !== undefined) this.#forget(former);
    if (given === null) {
      versions?.delete(version);
      if (versions?.size === 0) this.#subjects.delete(subject);
      return;
    }
    if (versions === undefined) {
      versions = new Map();
      this.#subjects.set(subject, versions);
    }
    const schema = this.#shared(given);
    versions.set(version, schema);
    this.#remember(schema);
  }

  /** One text for all places of an id: a schema may be registered under many subjects. */
  #shared(schema: StoredSchema): StoredSchema {
    const [known] = this.#places.get(schema.id) ?? [];
    return known?.schema === schema.schema ? { ...schema, schema: known.schema } : schema;
  }

  #remember(schema: StoredSchema): void {
    this.#lastId = Math.max(this.#lastId, schema.id);
    addTo(this.#places, schema.id, schema);
    this.#idByContent.set(contentKey(schema), schema.id);
    for (const { subject, version } of schema.references) addTo(this.#referrers, placeKey(subject, version), schema);
  }

  #forget(schema: StoredSchema): void {
    removeFrom(this.#places, schema.id, schema);
    const content = contentKey(schema);
    if (!this.#places.has(schema.id) && this.#idByContent.get(content) === schema.id) this.#idByContent.delete(content);
    for (const { subject, version } of schema.references)
      removeFrom(this.#referrers, placeKey(subject, version), schema);
  }
}

/** What an id stands for. */
export type SchemaContent = Pick<StoredSchema, 'schemaType' | 'schema' | 'references' | 'extras'>;

/** Members of a value that belong to the content, besides the schema. */
const CONTENT_EXTRAS = ['metadata', 'ruleSet'];

function contentKey({ schemaType, schema, references, extras }: SchemaContent): string {
  const told = references.map(({ name, subject, version }) => [name, subject, version]);
  const more = CONTENT_EXTRAS.map((name) => extras.get(name) ?? null);
  return createHash('sha256')
    .update(JSON.stringify([schemaType, schema, told, more]))
    .digest('base64');
}

function placeKey(subject: string, version: number): string {
  return `${version} ${subject}`;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function setOrDelete<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

function addTo<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const found = map.get(key);
  if (found === undefined) map.set(key, new Set([value]));
  else found.add(value);
}

function removeFrom<K, V>(map: Map<K, Set<V>>, key: K, value: V): void {
  const found = map.get(key);
  found?.delete(value);
  if (found?.size === 0) map.delete(key);
}

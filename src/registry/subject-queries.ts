/** @pure What the registry answers without changing anything; throws RegistryError. */
import type { CompatibilityLevel } from './compatibility-level.ts';
import { incompatibilities } from './compatibility-level.ts';
import {
  compatibilityNotConfigured,
  modeNotConfigured,
  RegistryError,
  schemaNotFound,
  subjectNotFound,
  versionNotFound,
} from './registry-errors.ts';
import type { Mode, RegistryConfig, StoredSchema } from './registry-record.ts';
import type { ReadSchema, SchemaReader, SchemaRequest } from './schema-reader.ts';
import { LATEST_VERSION } from './subject-name.ts';
import type { Deleted, SubjectStore } from './subject-store.ts';

/** `latest` takes the version that is the newest without deleted ones. */
export type TextFormat = 'default' | 'resolved';

export interface LookupOptions {
  readonly isNormalized: boolean;
  readonly withDeleted: boolean;
}

export interface CompatibilityVerdict {
  readonly isCompatible: boolean;
  readonly messages: readonly string[];
}

export interface ConfigInScope {
  readonly compatibilityLevel: CompatibilityLevel;
  readonly normalize: boolean;
  readonly compatibilityGroup: string | null;
}

const DEFAULT_MODE: Mode = 'READWRITE';

export class SubjectQueries {
  readonly #store: SubjectStore;
  readonly #reader: SchemaReader;
  readonly #defaultLevel: CompatibilityLevel;

  /** @param defaultLevel of compatibility, where neither the subject nor the registry as a whole has one */
  constructor(store: SubjectStore, reader: SchemaReader, defaultLevel: CompatibilityLevel) {
    this.#store = store;
    this.#reader = reader;
    this.#defaultLevel = defaultLevel;
  }

  subjects(prefix: string, deleted: Deleted): string[] {
    return this.#store.subjects(deleted, prefix);
  }

  versions(subject: string, deleted: Deleted): StoredSchema[] {
    if (!this.#store.isKnown(subject, deleted === 'without' ? 'without' : 'with')) throw subjectNotFound(subject);
    return this.#store.versions(subject, deleted);
  }

  version(subject: string, version: number, withDeleted: boolean): StoredSchema {
    const found = version === LATEST_VERSION ? this.#store.latest(subject) : this.#store.version(subject, version);
    if (found !== null && (withDeleted || !found.deleted)) return found;
    if (!this.#store.isKnown(subject, withDeleted ? 'with' : 'without')) throw subjectNotFound(subject);
    throw versionNotFound(version);
  }

  /** The ids of those that refer to it. */
  referencedBy(subject: string, version: number, withDeleted: boolean): number[] {
    const referred = this.version(subject, version, true);
    const found = this.#store.referrers(subject, referred.version, withDeleted ? 'with' : 'without');
    return [...new Set(found.map(({ id }) => id))].sort((one, other) => one - other);
  }

  /** The newest version whose metadata have all of these properties. */
  latestWithMetadata(subject: string, wanted: ReadonlyMap<string, string>, withDeleted: boolean): StoredSchema {
    const versions = this.versions(subject, withDeleted ? 'with' : 'without');
    const found = versions.findLast((schema) => {
      const told = propertiesOf(schema.extras.get('metadata'));
      return [...wanted].every(([name, value]) => told.get(name) === value);
    });
    if (found === undefined) throw schemaNotFound();
    return found;
  }

  /** One of the places that have the id; those that are deleted count. */
  byId(id: number): StoredSchema {
    const [found] = this.#store.placesOf(id);
    if (found === undefined) throw schemaNotFound(id);
    return found;
  }

  placesOf(id: number, subject: string | null, withDeleted: boolean): StoredSchema[] {
    const places = this.#store.placesOf(id);
    if (places.length === 0) throw schemaNotFound();
    return places.filter((place) => (subject === null || place.subject === subject) && (withDeleted || !place.deleted));
  }

  /** Of all subjects that begin so. */
  schemas(prefix: string, withDeleted: boolean, latestOnly: boolean): StoredSchema[] {
    const deleted = withDeleted ? 'with' : 'without';
    return this.#store.subjects(deleted, prefix).flatMap((subject) => {
      const versions = this.#store.versions(subject, deleted);
      return latestOnly ? versions.slice(-1) : versions;
    });
  }

  lastId(): number {
    return this.#store.lastId;
  }

  text(stored: StoredSchema, format: TextFormat): string {
    return format === 'resolved' ? (this.#reader.parsed(stored)?.resolvedText ?? stored.schema) : stored.schema;
  }

  /** The version under which the subject has the schema. */
  lookUp(subject: string, request: SchemaRequest, { isNormalized, withDeleted }: LookupOptions): StoredSchema {
    const normalizes = isNormalized || this.configInScope(subject).normalize;
    const read = this.#reader.read(request, { isNew: false, isNormalized: normalizes });
    const versions = this.#store.versions(subject, withDeleted ? 'with' : 'without');
    const found = this.same(read, versions);
    if (found !== null) return found;
    if (!this.#store.isKnown(subject, withDeleted ? 'with' : 'without')) throw subjectNotFound(subject);
    throw schemaNotFound();
  }

  /** The newest version that is the same schema; one that refers to nothing may spell out what others refer to. */
  same({ schema, content }: ReadSchema, versions: readonly StoredSchema[]): StoredSchema | null {
    const id = this.#store.idOf(content);
    const byContent = id === null ? undefined : versions.findLast((version) => version.id === id);
    if (byContent !== undefined) return byContent;
    const found = versions.findLast((version) => {
      const isLikeIt = content.references.length === 0 || sameReferences(content, version);
      return isLikeIt && sameExtras(content, version) && this.#reader.parsed(version)?.comparable === schema.comparable;
    });
    return found ?? null;
  }

  /** With all versions of the subject, as far as its level says, or with one alone. */
  testCompatibility(
    subject: string,
    version: number | null,
    request: SchemaRequest,
    options: { readonly isNormalized: boolean; readonly isVerbose: boolean },
  ): CompatibilityVerdict {
    const versions =
      version === null ? this.#store.versions(subject, 'without') : this.#versionToTest(subject, version);
    const { normalize } = this.configInScope(subject);
    try {
      const read = this.#reader.read(request, { isNew: true, isNormalized: options.isNormalized || normalize });
      const messages = this.incompatibilities(subject, read, versions);
      return { isCompatible: messages.length === 0, messages };
    } catch (error) {
      if (!(error instanceof RegistryError) || !options.isVerbose) throw error;
      return { isCompatible: false, messages: [error.message] };
    }
  }

  /** What stands against the schema as the next of these versions, at the subject's level. */
  incompatibilities(subject: string, { schema, content }: ReadSchema, versions: readonly StoredSchema[]): string[] {
    const { compatibilityLevel, compatibilityGroup } = this.configInScope(subject);
    if (compatibilityLevel === 'NONE') return [];
    const isTransitive = compatibilityLevel.endsWith('_TRANSITIVE');
    const ofGroup = sameGroup(content, versions, compatibilityGroup);
    const compared = isTransitive ? ofGroup : ofGroup.slice(-1);
    const earlier = compared.flatMap((version) => {
      const parsed = this.#reader.parsed(version);
      return parsed === null ? [] : [{ version: version.version, schema: parsed }];
    });
    if (earlier.length < compared.length) return ['Incompatible because of different schema type'];
    return incompatibilities(compatibilityLevel, schema, earlier);
  }

  /** Null stands for the registry as a whole, which always has one. */
  config(subject: string | null, defaultToGlobal: boolean): RegistryConfig {
    const own = this.#store.config(subject);
    if (subject === null || defaultToGlobal) {
      const inScope = this.configInScope(subject);
      const normalize = inScope.normalize ? true : (own?.normalize ?? null);
      return { ...inScope, normalize, extras: own?.extras ?? new Map() };
    }
    if (own === null) throw compatibilityNotConfigured(subject);
    return own;
  }

  configInScope(subject: string | null): ConfigInScope {
    const own = this.#store.config(subject);
    const global = this.#store.config(null);
    return {
      compatibilityLevel: own?.compatibilityLevel ?? global?.compatibilityLevel ?? this.#defaultLevel,
      normalize: own?.normalize ?? global?.normalize ?? false,
      compatibilityGroup: own?.compatibilityGroup ?? global?.compatibilityGroup ?? null,
    };
  }

  mode(subject: string | null, defaultToGlobal: boolean): Mode {
    if (subject === null || defaultToGlobal) return this.modeInScope(subject);
    const own = this.#store.mode(subject);
    if (own === null) throw modeNotConfigured(subject);
    return own;
  }

  /** READONLY_OVERRIDE of the registry as a whole goes before what subjects have. */
  modeInScope(subject: string | null): Mode {
    const global = this.#store.mode(null);
    if (global === 'READONLY_OVERRIDE') return global;
    return this.#store.mode(subject) ?? global ?? DEFAULT_MODE;
  }

  #versionToTest(subject: string, version: number): StoredSchema[] {
    const found = version === LATEST_VERSION ? this.#store.latest(subject) : this.#store.version(subject, version);
    if (found !== null && !found.deleted) return [found];
    if (version === LATEST_VERSION) return [];
    throw versionNotFound(version);
  }
}

function sameReferences(content: SchemaRequest, stored: StoredSchema): boolean {
  return JSON.stringify(content.references) === JSON.stringify(stored.references);
}

/** What is not told is not compared: clients that know nothing of metadata find schemas that have some. */
function sameExtras(content: SchemaRequest, stored: StoredSchema): boolean {
  return [...content.extras].every(
    ([name, value]) => JSON.stringify(stored.extras.get(name)) === JSON.stringify(value),
  );
}

/** Those that have the same value of the property, or that have none as the schema has none. */
function sameGroup(
  { extras }: SchemaRequest,
  versions: readonly StoredSchema[],
  property: string | null,
): readonly StoredSchema[] {
  if (property === null) return versions;
  const value = propertiesOf(extras.get('metadata')).get(property) ?? null;
  return versions.filter((version) => (propertiesOf(version.extras.get('metadata')).get(property) ?? null) === value);
}

function propertiesOf(metadata: unknown): ReadonlyMap<string, unknown> {
  if (typeof metadata !== 'object' || metadata === null || !('properties' in metadata)) return new Map();
  const { properties } = metadata;
  return new Map(typeof properties === 'object' && properties !== null ? Object.entries(properties) : []);
}

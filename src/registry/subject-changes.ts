/**
 * @pure What the registry decides: registrations, deletions, configurations and modes, each as the records that make
 * it so and the answer to be given when they are committed. Confluent's KafkaSchemaRegistry is the reference.
 *
 * Guarantees: nothing is changed here, replaying the records does; a RegistryError is thrown before any is made; an id
 * is given out once, also when the schema that had it was deleted for good.
 */
import {
  incompatibleSchema,
  invalidMode,
  invalidSchema,
  notPermitted,
  referenceExists,
  schemaTooLarge,
  subjectNotFound,
  subjectNotSoftDeleted,
  subjectSoftDeleted,
  versionNotSoftDeleted,
  versionSoftDeleted,
} from './registry-errors.ts';
import {
  encodeRegistryRecord,
  type Mode,
  type RegistryConfig,
  type RegistryRecord,
  type StoredSchema,
} from './registry-record.ts';
import type { ReadSchema, SchemaReader, SchemaRequest } from './schema-reader.ts';
import { LATEST_VERSION } from './subject-name.ts';
import type { SubjectQueries } from './subject-queries.ts';
import type { SubjectStore } from './subject-store.ts';

export interface Decision<T> {
  readonly records: readonly RegistryRecord[];
  readonly answer: T;
}

export interface Registration extends SchemaRequest {
  /** Null lets the registry take the next one. */
  readonly version: number | null;
  /** Null as a rule; in IMPORT mode the id that the schema has elsewhere. */
  readonly id: number | null;
}

export interface RegistrationOptions {
  readonly isNormalized: boolean;
  /** Whatever stands against it. */
  readonly isForced: boolean;
}

export interface ConfigChange extends Pick<RegistryConfig, 'compatibilityLevel' | 'normalize'> {
  /** Null takes it away; undefined leaves it. */
  readonly compatibilityGroup?: string | null;
}

const MAX_ID = 2 ** 31 - 1;

export class SubjectChanges {
  readonly #store: SubjectStore;
  readonly #reader: SchemaReader;
  readonly #queries: SubjectQueries;
  readonly #maxSchemaBytes: number;

  constructor(store: SubjectStore, reader: SchemaReader, queries: SubjectQueries, maxSchemaBytes: number) {
    this.#store = store;
    this.#reader = reader;
    this.#queries = queries;
    this.#maxSchemaBytes = maxSchemaBytes;
  }

  /** The answer is the schema's id. */
  register(subject: string, request: Registration, options: RegistrationOptions): Decision<number> {
    this.#checkRegistrationMode(subject, request.id);
    const isImport = this.#queries.modeInScope(subject) === 'IMPORT';
    const isNormalized = options.isNormalized || this.#queries.configInScope(subject).normalize;
    const { id: givenId, version: givenVersion, ...asked } = request;
    const read = this.#reader.read(asked, { isNew: givenId === null, isNormalized });
    const versions = this.#store.versions(subject, 'without');
    const known = givenVersion === null ? this.#queries.same(read, versions) : null;
    if (known !== null && (givenId === null || givenId === known.id)) return { records: [], answer: known.id };
    if (!isImport && !options.isForced) {
      const messages = this.#queries.incompatibilities(subject, read, versions);
      if (messages.length > 0) throw incompatibleSchema(subject, messages);
    }
    const version = this.#nextVersion(subject, givenVersion, isImport);
    const id = givenId ?? this.#store.idOf(read.content) ?? this.#store.lastId + 1;
    if (givenId !== null) this.#checkOverwriting(givenId, read);
    if (id > MAX_ID) throw notPermitted('All ids have been given out');
    const value: StoredSchema = { subject, version, id, ...read.content, deleted: false };
    const record: RegistryRecord = { kind: 'SCHEMA', subject, version, value };
    if ((encodeRegistryRecord(record).value?.length ?? 0) > this.#maxSchemaBytes) throw schemaTooLarge();
    return { records: [...this.#supersededBy(value), record], answer: id };
  }

  /** The answer are the versions that were deleted. */
  deleteSubject(subject: string, isPermanent: boolean): Decision<number[]> {
    if (!this.#store.isKnown(subject, 'with')) throw subjectNotFound(subject);
    if (!isPermanent && !this.#store.isKnown(subject, 'without')) throw subjectSoftDeleted(subject);
    this.#checkWritable(subject);
    const versions = this.#store.versions(subject, isPermanent ? 'with' : 'without');
    for (const { version, deleted } of versions) {
      const referrers = this.#store.referrers(subject, version, isPermanent ? 'with' : 'without');
      if (referrers.some((referrer) => referrer.subject !== subject)) throw referenceExists(subject, version);
      if (isPermanent && !deleted) throw subjectNotSoftDeleted(subject);
    }
    const answer = versions.map(({ version }) => version);
    if (!isPermanent)
      return { records: [{ kind: 'DELETE_SUBJECT', subject, upToVersion: answer.at(-1) ?? 0 }], answer };
    // The newest first: versions of one subject may refer to older ones.
    return { records: [...this.#tombstones(versions.toReversed()), ...this.#settingsOf(subject)], answer };
  }

  /** The answer is the version that was deleted. */
  deleteVersion(subject: string, version: number, isPermanent: boolean): Decision<number> {
    if (!isPermanent && version !== LATEST_VERSION && this.#store.version(subject, version)?.deleted)
      throw versionSoftDeleted(subject, version);
    const found = this.#queries.version(subject, version, true);
    this.#checkWritable(subject);
    if (this.#store.referrers(subject, found.version, isPermanent ? 'with' : 'without').length > 0)
      throw referenceExists(subject, found.version);
    if (isPermanent && !found.deleted) throw versionNotSoftDeleted(subject, found.version);
    if (!isPermanent) {
      const value = { ...found, deleted: true };
      return { records: [{ kind: 'SCHEMA', subject, version: found.version, value }], answer: found.version };
    }
    const isLast = this.#store.versions(subject, 'with').length === 1;
    const records = [...this.#tombstones([found]), ...(isLast ? this.#settingsOf(subject) : [])];
    return { records, answer: found.version };
  }

  /** A level of null stays as it is. Where nothing is set in the end, there is none. The answer is the whole of it. */
  setConfig(subject: string | null, change: ConfigChange): Decision<RegistryConfig> {
    this.#checkWritable(subject);
    const former = this.#store.config(subject);
    const value: RegistryConfig = {
      compatibilityLevel: change.compatibilityLevel ?? former?.compatibilityLevel ?? null,
      normalize: change.normalize ?? former?.normalize ?? null,
      compatibilityGroup:
        change.compatibilityGroup === undefined ? (former?.compatibilityGroup ?? null) : change.compatibilityGroup,
      extras: former?.extras ?? new Map(),
    };
    const set: RegistryRecord = { kind: 'CONFIG', subject, value: isEmpty(value) ? null : value };
    return { records: former === null && set.value === null ? [] : [set], answer: value };
  }

  /** The answer is what it was. */
  deleteConfig(subject: string | null): Decision<RegistryConfig> {
    const former = this.#store.config(subject);
    if (former === null && subject !== null) throw subjectNotFound(subject);
    this.#checkWritable(subject);
    const records: RegistryRecord[] = former === null ? [] : [{ kind: 'CONFIG', subject, value: null }];
    return { records, answer: former ?? this.#queries.config(null, false) };
  }

  /** `isForced`: also to IMPORT where there are schemas. */
  setMode(subject: string | null, mode: Mode, isForced: boolean): Decision<Mode> {
    if (mode === 'FORWARD') throw invalidMode('Forward mode is not supported');
    const set: RegistryRecord = { kind: 'MODE', subject, value: mode };
    if (mode !== 'IMPORT' || isForced || this.#queries.modeInScope(subject) === 'IMPORT')
      return { records: [set], answer: mode };
    const subjects = subject === null ? this.#store.subjects('with') : [subject];
    const versions = subjects.flatMap((name) => this.#store.versions(name, 'with'));
    if (versions.some(({ deleted }) => !deleted)) throw notPermitted('Cannot import since found existing subjects');
    for (const { subject: name, version } of versions)
      if (this.#store.referrers(name, version, 'with').length > 0) throw referenceExists(name, version);
    return { records: [...this.#tombstones(versions), { kind: 'CLEAR_SUBJECT', subject }, set], answer: mode };
  }

  /** The answer is what it was. */
  deleteMode(subject: string | null): Decision<Mode> {
    const former = this.#store.mode(subject);
    if (former === null && subject !== null) throw subjectNotFound(subject);
    const records: RegistryRecord[] = former === null ? [] : [{ kind: 'MODE', subject, value: null }];
    return { records, answer: former ?? this.#queries.modeInScope(null) };
  }

  #checkRegistrationMode(subject: string, id: number | null): void {
    this.#checkWritable(subject);
    const mode = this.#queries.modeInScope(subject);
    if (id !== null && mode !== 'IMPORT') throw notPermitted(`Subject ${subject} is not in import mode`);
    if (id === null && mode !== 'READWRITE') throw notPermitted(`Subject ${subject} is not in read-write mode`);
    if (id !== null && (id < 1 || id > MAX_ID)) throw invalidSchema(`${id} is no id of a schema`);
  }

  #checkWritable(subject: string | null): void {
    const mode = this.#queries.modeInScope(subject);
    if (mode !== 'READONLY' && mode !== 'READONLY_OVERRIDE') return;
    throw notPermitted(
      subject === null ? 'The registry is in read-only mode' : `Subject ${subject} is in read-only mode`,
    );
  }

  #nextVersion(subject: string, given: number | null, isImport: boolean): number {
    const next = (this.#store.versions(subject, 'with').at(-1)?.version ?? 0) + 1;
    if (given === null) return next;
    if (given !== next && !isImport) throw invalidSchema('Version is not one more than previous version');
    return given;
  }

  #checkOverwriting(id: number, { content }: ReadSchema): void {
    const [existing] = this.#store.placesOf(id);
    if (existing === undefined || this.#store.idOf(content) === id) return;
    if (existing.schema === content.schema && existing.schemaType === content.schemaType) return;
    throw notPermitted(`Overwrite new schema with id ${id} is not permitted.`);
  }

  /** Deleted versions of the subject with the same id give way, unless somebody refers to them. */
  #supersededBy({ subject, version, id }: StoredSchema): RegistryRecord[] {
    const deleted = this.#store
      .versions(subject, 'only')
      .filter((former) => former.id === id && former.version < version);
    const unused = deleted.filter((former) => this.#store.referrers(subject, former.version, 'with').length === 0);
    return unused.map((former) => tombstone(former));
  }

  /** The highest id is written down where its schema goes: the next one must not get it again. */
  #tombstones(versions: readonly StoredSchema[]): RegistryRecord[] {
    const { lastId } = this.#store;
    const records = versions.map(tombstone);
    return versions.some(({ id }) => id === lastId) ? [{ kind: 'NOOP', lastId }, ...records] : records;
  }

  #settingsOf(subject: string): RegistryRecord[] {
    const records: RegistryRecord[] = [];
    if (this.#store.mode(subject) !== null) records.push({ kind: 'MODE', subject, value: null });
    if (this.#store.config(subject) !== null) records.push({ kind: 'CONFIG', subject, value: null });
    return records;
  }
}

function tombstone({ subject, version }: StoredSchema): RegistryRecord {
  return { kind: 'SCHEMA', subject, version, value: null };
}

function isEmpty({ compatibilityLevel, normalize, compatibilityGroup, extras }: RegistryConfig): boolean {
  return compatibilityLevel === null && normalize === null && compatibilityGroup === null && extras.size === 0;
}

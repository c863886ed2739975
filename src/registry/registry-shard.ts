/**
 * @pure The registry as the mind of a coordinated partition, `_schemas`-0: what it knows is replayed from the log, what
 * it decides is answered when the log has it.
 */
import type { Outcome, Shard, Ticket } from '../coordinator/shard.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { CompatibilityLevel } from './compatibility-level.ts';
import { RegistryError, storeError } from './registry-errors.ts';
import type { RegistryRecord } from './registry-record.ts';
import { SchemaReader } from './schema-reader.ts';
import { type Decision, SubjectChanges } from './subject-changes.ts';
import { SubjectQueries } from './subject-queries.ts';
import { SubjectStore } from './subject-store.ts';

/** What a ticket is answered with. */
export type RegistryReply<T> = { readonly answer: T } | { readonly refusal: RegistryError };

export interface RegistryShardOptions {
  /** Of one schema as it is stored. */
  readonly maxSchemaBytes: number;
  readonly defaultLevel: CompatibilityLevel;
  /** The end of the partition's log. */
  readonly logEndOffset: () => number;
}

export class RegistryShard implements Shard<RegistryRecord> {
  readonly #store = new SubjectStore();
  readonly #queries: SubjectQueries;
  readonly #changes: SubjectChanges;

  readonly #logEndOffset: () => number;
  /** All before it is known; null while the log is loaded. */
  #knownEndOffset: number | null = null;

  constructor({ maxSchemaBytes, defaultLevel, logEndOffset }: RegistryShardOptions) {
    this.#logEndOffset = logEndOffset;
    const reader = new SchemaReader(this.#store);
    this.#queries = new SubjectQueries(this.#store, reader, defaultLevel);
    this.#changes = new SubjectChanges(this.#store, reader, this.#queries, maxSchemaBytes);
  }

  replay(record: RegistryRecord): void {
    this.#store.apply(record);
    if (this.#knownEndOffset !== null) this.#knownEndOffset++;
  }

  /** Somebody else has written to the log: a client that restores a backup, say. What is known here is not all. */
  get isBehind(): boolean {
    return this.#knownEndOffset !== null && this.#knownEndOffset !== this.#logEndOffset();
  }

  onLoaded(): Outcome<RegistryRecord> {
    this.#knownEndOffset = this.#logEndOffset();
    return {};
  }

  onTimer(): Outcome<RegistryRecord> {
    return {};
  }

  /** Answered when all is committed that the answer speaks of. */
  read<T>(ticket: Ticket, question: (queries: SubjectQueries) => T): Outcome<RegistryRecord> {
    return this.#answer(ticket, () => ({ records: [], answer: question(this.#queries) }));
  }

  change<T>(ticket: Ticket, decide: (changes: SubjectChanges) => Decision<T>): Outcome<RegistryRecord> {
    return this.#answer(ticket, () => decide(this.#changes));
  }

  #answer<T>(ticket: Ticket, decide: () => Decision<T>): Outcome<RegistryRecord> {
    const reply = (response: RegistryReply<T>) => ({ replies: [{ ticket, response }] });
    try {
      const { records, answer } = decide();
      const onRefused = (error: ErrorName) => reply({ refusal: refusalOf(error) });
      return { ...reply({ answer }), records, ...(records.length > 0 ? { onRefused } : {}) };
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      return reply({ refusal: error });
    }
  }
}

function refusalOf(error: ErrorName): RegistryError {
  return storeError(`Operation failed while writing to the Kafka store: ${error}`);
}

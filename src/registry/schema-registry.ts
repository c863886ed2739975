/**
 * The registry of one broker: the leader of `_schemas`-0 answers from what it has replayed and writes; every other
 * broker knows only that it is not the one.
 *
 * Guarantees: an answer speaks of committed records alone, those that others have written to the topic included; a
 * question that comes while the log is being loaded waits
 * for it, for a bounded time; after close nothing is answered any more.
 */
import type { CoordinatedLog, CoordinatedPartition } from '../coordinator/coordinated-partition.ts';
import { CoordinatorRuntime } from '../coordinator/runtime.ts';
import type { Outcome, Ticket } from '../coordinator/shard.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { type ErrorName, KafkaError } from '../protocol/errors.ts';
import type { CompatibilityLevel } from './compatibility-level.ts';
import { leaderUnknown, storeError, timedOut } from './registry-errors.ts';
import { type RegistryRecord, registryCodec } from './registry-record.ts';
import { type RegistryReply, RegistryShard } from './registry-shard.ts';
import type { Decision, SubjectChanges } from './subject-changes.ts';
import type { SubjectQueries } from './subject-queries.ts';

export interface SchemaRegistryOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of one schema as it is stored: what the topic takes in a batch, less some. */
  readonly maxSchemaBytes: number;
  /** Of compatibility, until somebody sets one; BACKWARD when left out. */
  readonly defaultLevel?: CompatibilityLevel;
  /** How long an answer may take, waiting for the log to be loaded included. */
  readonly timeoutMs: number;
}

type Decide = (shard: RegistryShard, ticket: Ticket) => Outcome<RegistryRecord>;

const PARTITION = 0;
const LOAD_SLICE_BYTES = 256 * 1024;
const LOAD_POLL_MS = 50;

export class SchemaRegistry {
  readonly #options: SchemaRegistryOptions;
  readonly #runtime: CoordinatorRuntime<RegistryShard, RegistryRecord>;
  #log: CoordinatedLog | null = null;

  constructor(options: SchemaRegistryOptions) {
    const { clock, logger, maxSchemaBytes, defaultLevel = 'BACKWARD', timeoutMs } = options;
    const logEndOffset = (): number => this.#log?.logEndOffset ?? 0;
    this.#options = options;
    this.#runtime = new CoordinatorRuntime<RegistryShard, RegistryRecord>({
      newShard: () => new RegistryShard({ maxSchemaBytes, defaultLevel, logEndOffset }),
      codec: registryCodec,
      clock,
      logger,
      commitTimeoutMs: timeoutMs,
      loadSliceBytes: LOAD_SLICE_BYTES,
      compression: 'none',
    });
  }

  /** This broker leads `_schemas`-0 at a new epoch. That it does no more, the registry finds itself. */
  onElected(partition: CoordinatedPartition): void {
    this.#log = partition.log;
    this.#runtime.onElected(partition);
  }

  /** Whether it is this broker that answers. */
  get isLeader(): boolean {
    return this.#runtime.partitions().includes(PARTITION);
  }

  /** Rejects with a RegistryError. */
  read<T>(question: (queries: SubjectQueries) => T): Promise<T> {
    return this.#ask((shard, ticket) => shard.read(ticket, question));
  }

  /** Rejects with a RegistryError; what it says of a change that timed out may yet come true. */
  change<T>(decide: (changes: SubjectChanges) => Decision<T>): Promise<T> {
    return this.#ask((shard, ticket) => shard.change(ticket, decide));
  }

  close(): Promise<void> {
    return this.#runtime.close();
  }

  async #ask<T>(decide: Decide): Promise<T> {
    const { clock, timeoutMs } = this.#options;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      // In the same turn as the question: nothing comes between.
      for (const shard of this.#runtime.active()) if (shard.isBehind) this.#runtime.reload(PARTITION);
      try {
        const reply = await this.#runtime.request<RegistryReply<T>>(PARTITION, decide);
        if ('refusal' in reply) throw reply.refusal;
        return reply.answer;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        const isLoading = error.error === 'COORDINATOR_LOAD_IN_PROGRESS';
        if (!isLoading || clock.monotonicMs() >= deadlineMs) throw refusalOf(error.error);
      }
      await clock.sleep(LOAD_POLL_MS);
    }
  }
}

function refusalOf(error: ErrorName): Error {
  switch (error) {
    case 'NOT_COORDINATOR':
      return leaderUnknown();
    case 'COORDINATOR_LOAD_IN_PROGRESS':
    case 'COORDINATOR_NOT_AVAILABLE':
      return timedOut('Operation timed out');
    default:
      return storeError(`Error from the backend Kafka store: ${error}`);
  }
}

/**
 * One directory of log.dirs: the disk that its partitions share and fail with. The first error of the disk takes the
 * whole directory out of service in the same tick (KAFKA-10778): nothing is written or read there until the broker is
 * started anew, because after a failed sync nobody knows what the files hold.
 */
import { AssertionError } from '../lib/assert.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { KafkaError } from '../protocol/errors.ts';
import { SyncSlots } from './durability.ts';
import type { LogCounters } from './log-counters.ts';
import type { PartitionLog } from './partition-log.ts';
import { DamagedLogError, type SegmentContext } from './segment.ts';

/** Syncs under way at the same time: more would only fill the thread pool that cold reads need too. */
const SYNC_SLOTS = 2;

export interface LogServices extends SegmentContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: LogCounters;
  /** producer.id.expiration.ms */
  readonly producerIdExpirationMs: number;
}

/** Told in the same tick. */
export interface LogDirectoryListener {
  onDirectoryFailed(directory: LogDirectory, error: KafkaError): void;
  /** One log of the directory was found damaged; the others go on. */
  onLogFailed(log: PartitionLog, error: KafkaError): void;
}

/** Errors of the disk have the name of the system call; ours have not. */
export function isDiskError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

export class LogDirectory {
  readonly path: string;
  readonly services: LogServices;
  readonly syncSlots = new SyncSlots(SYNC_SLOTS);
  readonly #listener: LogDirectoryListener;
  readonly #timers = new Set<Timer>();
  #failure: KafkaError | null = null;

  constructor(path: string, services: LogServices, listener: LogDirectoryListener) {
    this.path = path;
    this.services = services;
    this.#listener = listener;
  }

  get isOffline(): boolean {
    return this.#failure !== null;
  }

  /** Why the directory is out of service; null while it is in service. */
  get failure(): KafkaError | null {
    return this.#failure;
  }

  assertOnline(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /** Runs what touches the disk. Any error of it but an answer to a client takes the directory out of service. */
  guard<T>(what: string, operation: () => T): T {
    this.assertOnline();
    try {
      return operation();
    } catch (error) {
      throw this.#judge(what, error);
    }
  }

  async whenGuarded<T>(what: string, operation: () => Promise<T>): Promise<T> {
    this.assertOnline();
    try {
      return await operation();
    } catch (error) {
      throw this.#judge(what, error);
    }
  }

  #judge(what: string, error: unknown): unknown {
    const isOurs = error instanceof KafkaError || error instanceof AssertionError || error instanceof DamagedLogError;
    return isOurs ? error : this.fail(what, error);
  }

  /** Takes the directory out of service at once; returns the error that everybody gets from now on. */
  fail(what: string, error: unknown): KafkaError {
    if (this.#failure !== null) return this.#failure;
    const reason = error instanceof Error ? error.message : String(error);
    this.#failure = new KafkaError('KAFKA_STORAGE_ERROR', `${what} in dir ${this.path}: ${reason}`, { cause: error });
    // What the disk says is all there is to know of its errors; where we were when it said so helps nobody.
    if (isDiskError(error)) this.services.logger.error(`Stopping serving logs in dir ${this.path}: ${what}: ${reason}`);
    else this.services.logger.error(`Stopping serving logs in dir ${this.path}: ${what}`, error);
    this.#cancelTimers();
    this.#listener.onDirectoryFailed(this, this.#failure);
    return this.#failure;
  }

  onLogFailed(log: PartitionLog, error: KafkaError): void {
    this.services.logger.error(`Stopping serving the log of ${log.name} in dir ${this.path}`, error);
    this.#listener.onLogFailed(log, error);
  }

  /** Does something to the disk later, unless the directory is closed or fails before. */
  later(delayMs: number, what: string, job: () => void | Promise<void>): void {
    const timer = this.services.clock.schedule(delayMs, () => {
      this.#timers.delete(timer);
      void this.whenGuarded(what, async () => job()).catch((error: unknown) =>
        this.services.logger.warn(`${what} in dir ${this.path}`, error),
      );
    });
    this.#timers.add(timer);
  }

  close(): void {
    this.#cancelTimers();
  }

  #cancelTimers(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}

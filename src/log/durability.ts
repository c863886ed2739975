/**
 * Group commit of one log: however many wait, at most one sync runs, and all that came meanwhile share the next one.
 * The waiters of a round share one promise.
 *
 * Invariant: what lies below `durableEndOffset` was synced after it was written, and was not truncated since. It is
 * Kafka's recovery point: a bad byte below it is damage, never a torn tail.
 */
import { Deferred } from '../lib/deferred.ts';

/** Limits how many syncs of one disk are under way: more would only fill the thread pool that cold reads need too. */
export class SyncSlots {
  readonly #limit: number;
  #running = 0;
  readonly #waiting: (() => Promise<void>)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs the job as soon as there is a slot. The job must not reject. */
  run(job: () => Promise<void>): void {
    if (this.#running >= this.#limit) {
      this.#waiting.push(job);
      return;
    }
    this.#running++;
    void job().finally(() => {
      this.#running--;
      const next = this.#waiting.shift();
      if (next !== undefined) this.run(next);
    });
  }
}

export interface Syncable {
  readonly logEndOffset: number;
  /** Makes everything durable that is in the log now. */
  sync(): Promise<void>;
  /** The sync failed: take the disk out of service. Returns the error for those who wait. */
  onSyncFailed(error: unknown): Error;
}

interface Round {
  readonly done: Deferred;
  endOffset: number;
}

export class Durability {
  readonly #log: Syncable;
  readonly #slots: SyncSlots;
  #durableEndOffset: number;
  #running: Round | null = null;
  #next: Round | null = null;
  /** The lowest truncation since the running sync began. */
  #truncatedTo = Number.POSITIVE_INFINITY;
  #failure: Error | null = null;

  constructor(log: Syncable, slots: SyncSlots, durableEndOffset: number) {
    this.#log = log;
    this.#slots = slots;
    this.#durableEndOffset = durableEndOffset;
  }

  get durableEndOffset(): number {
    return this.#durableEndOffset;
  }

  /**
   * Resolves when everything that is now in the log below the offset is durable. A truncation meanwhile makes the
   * question void: it resolves all the same, so whoever waited asks again what it wanted the offset for.
   */
  whenDurable(offset: number): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (Math.min(offset, this.#log.logEndOffset) <= this.#durableEndOffset) return Promise.resolve();
    if (this.#running !== null && offset <= Math.min(this.#running.endOffset, this.#truncatedTo))
      return this.#running.done.promise;
    const next = this.#next ?? this.#request();
    return next.done.promise;
  }

  #request(): Round {
    const round = { done: new Deferred(), endOffset: -1 };
    this.#next = round;
    if (this.#running === null) this.#slots.run(() => this.#runRound());
    return round;
  }

  onTruncated(endOffset: number): void {
    this.#durableEndOffset = Math.min(this.#durableEndOffset, endOffset);
    this.#truncatedTo = Math.min(this.#truncatedTo, endOffset);
  }

  /** Resolves when no sync is under way or asked for. */
  async whenIdle(): Promise<void> {
    for (let round = this.#running ?? this.#next; round !== null; round = this.#running ?? this.#next)
      await round.done.promise;
  }

  /** The disk is out of service: nobody may go on waiting. */
  fail(error: Error): void {
    this.#failure = error;
    const rounds = [this.#running, this.#next];
    this.#running = null;
    this.#next = null;
    for (const round of rounds) round?.done.reject(error);
  }

  async #runRound(): Promise<void> {
    // What else is appended in this turn comes along.
    await null;
    const round = this.#next;
    if (round === null) return;
    this.#next = null;
    this.#running = round;
    round.endOffset = this.#log.logEndOffset;
    this.#truncatedTo = Number.POSITIVE_INFINITY;
    try {
      await this.#log.sync();
    } catch (error) {
      this.fail(this.#log.onSyncFailed(error));
      return;
    }
    if (this.#failure !== null) return;
    this.#durableEndOffset = Math.max(this.#durableEndOffset, Math.min(round.endOffset, this.#truncatedTo));
    this.#running = null;
    round.done.resolve();
    if (this.#next !== null) this.#slots.run(() => this.#runRound());
  }
}

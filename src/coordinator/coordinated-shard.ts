/**
 * One partition of a coordinator's topic while this broker leads it: loads the shard from the log, then carries out
 * what it decides. In one turn: decide, append, replay, timers, and the replies are queued until the log is committed.
 *
 * Guarantees: nothing is decided before the log's end was replayed, nor after the leadership ended; the epoch is
 * checked in the turn of the append; every ticket is answered exactly once, at the latest when the leadership ends;
 * a timer of a shard that is gone does not fire. After `close` nothing of it acts any more; the next leadership makes
 * a new one. A newer epoch of the same, uninterrupted leadership is taken over as it is: nobody else wrote the log.
 * Kafka's CoordinatorContext (class CoordinatorRuntime) is the reference.
 */
import { AssertionError } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import type { Logger } from '../lib/logger.ts';
import { type ErrorName, KafkaError } from '../protocol/errors.ts';
import type { CompressionType } from '../protocol/records/codecs.ts';
import type { PartitionChange, PartitionWatcher } from '../replica/waiting.ts';
import type { CoordinatedPartition } from './coordinated-partition.ts';
import { coordinatorError } from './coordinator-errors.ts';
import { type LoadSummary, loadRecords } from './loading.ts';
import { PendingReplies } from './pending-replies.ts';
import { encodeBatch, type RecordCodec } from './record-codec.ts';
import type { Outcome, Reply, Shard, Ticket } from './shard.ts';
import { ShardTimers } from './shard-timers.ts';

export interface CoordinatedShardOptions<S extends Shard<R>, R> {
  readonly partition: CoordinatedPartition;
  readonly shard: S;
  readonly codec: RecordCodec<R>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly commitTimeoutMs: number;
  readonly loadSliceBytes: number;
  readonly compression: CompressionType;
  /** Called once. */
  readonly onClosed: (reason: ClosingReason) => void;
}

export type CoordinatedState = 'loading' | 'active' | 'closed';
/** The leadership is over; the log cannot be loaded, which the next leadership tries again; or a fault of ours. */
export type ClosingReason = 'ended' | 'unreadable' | 'strayed';

/** More than clients of one partition have waiting requests; each is a connection of its own. */
const MAX_TICKETS = 50_000;
const RETRY_MS = 500;
/** What is decided instead of something refused may be refused, too; but not for ever. */
const MAX_REFUSALS = 5;
const ACKS_ALL = -1;
const ANY_EPOCH = -1;
/** Names of timers that are the runtime's; a shard's own never begin so. */
const OWN_TIMER_PREFIX = '\0';

export class CoordinatedShard<S extends Shard<R>, R> implements PartitionWatcher {
  readonly partition: CoordinatedPartition;
  readonly shard: S;
  readonly #options: CoordinatedShardOptions<S, R>;
  readonly #tickets = new Map<Ticket, Deferred<unknown>>();
  readonly #timers: ShardTimers;
  readonly #pending: PendingReplies;
  /** What nobody asked for and is still to be decided: refused by the log before, or come while loading. */
  readonly #ownDecisions = new Map<string, (nowMs: number) => Outcome<R>>();
  #state: CoordinatedState = 'loading';
  #epoch: number;
  #lastTicket: Ticket = 0;
  #isRefusing = false;
  /** Everything the shard knows lies below. */
  #endOffset = 0;

  constructor(options: CoordinatedShardOptions<S, R>) {
    const { partition, shard, clock, commitTimeoutMs } = options;
    this.#options = options;
    this.partition = partition;
    this.shard = shard;
    this.#epoch = partition.leaderEpoch;
    this.#timers = new ShardTimers(clock, (key) => this.#onTimer(key));
    this.#pending = new PendingReplies({
      partition,
      clock,
      timeoutMs: commitTimeoutMs,
      onSettled: (replies, error) => this.#settle(replies, error),
    });
    partition.watch(this);
  }

  get state(): CoordinatedState {
    return this.#state;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get ticketCount(): number {
    return this.#tickets.size;
  }

  /** Replays the log; from then on requests are taken. Null when it ended early. Never rejects. */
  async load(): Promise<LoadSummary | null> {
    const { partition, codec, clock, logger, loadSliceBytes } = this.#options;
    try {
      if (!this.#isCurrent()) return null;
      const summary = await loadRecords({
        log: partition.log,
        codec,
        replay: (record) => this.shard.replay(record),
        isCurrent: () => this.#isCurrent(),
        clock,
        logger,
        sliceBytes: loadSliceBytes,
      });
      if (summary !== null) this.#activate();
      return summary;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      logger.error(`Failed to load ${this.#name} at epoch ${this.#epoch}`, error);
      this.close('unreadable');
      return null;
    }
  }

  /**
   * Lets the shard decide for one request, in this turn. Rejects with a KafkaError in the words for clients when this
   * is not the coordinator, or not yet, or when what was decided is not committed in time.
   */
  request<T>(decide: (shard: S, ticket: Ticket, nowMs: number) => Outcome<R>): Promise<T> {
    const refusal = this.#refusal();
    if (refusal !== 'NONE') return Promise.reject(new KafkaError(refusal));
    const ticket = ++this.#lastTicket;
    const waiting = new Deferred<unknown>();
    this.#tickets.set(ticket, waiting);
    this.#decide((nowMs) => decide(this.shard, ticket, nowMs), ticket);
    // The shard answers in the words of the API that was asked.
    return waiting.promise as Promise<T>;
  }

  /**
   * Lets the shard decide something that nobody waits for: now, when it is loaded, or again when the log refuses. It
   * takes the place of what is still to be decided under the same name.
   */
  tell(name: string, decide: (shard: S, nowMs: number) => Outcome<R>): void {
    if (this.#state === 'closed') return;
    const key = OWN_TIMER_PREFIX + name;
    this.#timers.set(key, null);
    this.#ownDecisions.set(key, (nowMs) => decide(this.shard, nowMs));
    if (this.#state === 'active') this.#onTimer(key);
  }

  onPartitionChange(change: PartitionChange): void {
    if (change !== 'leadership') return;
    if (this.partition.check(ANY_EPOCH, true) !== 'NONE') this.close();
    else this.#epoch = this.partition.leaderEpoch;
  }

  /** This broker coordinates it no longer: whoever waits is told to look elsewhere. */
  close(reason: ClosingReason = 'ended'): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.partition.unwatch(this);
    this.#timers.cancelAll();
    this.#pending.close();
    this.#ownDecisions.clear();
    const waiting = [...this.#tickets.values()];
    this.#tickets.clear();
    for (const { reject } of waiting) reject(new KafkaError('NOT_COORDINATOR'));
    this.#options.onClosed(reason);
  }

  get #name(): string {
    return `${this.partition.topic}-${this.partition.partition}`;
  }

  #isCurrent(): boolean {
    return this.#state === 'loading' && this.partition.check(this.#epoch, true) === 'NONE';
  }

  #refusal(): ErrorName {
    if (this.#state === 'loading') return 'COORDINATOR_LOAD_IN_PROGRESS';
    if (this.#state !== 'active' || this.partition.check(this.#epoch, true) !== 'NONE') return 'NOT_COORDINATOR';
    // Clients come again soon, and do not ask everybody who the coordinator is.
    return this.#tickets.size >= MAX_TICKETS ? 'COORDINATOR_LOAD_IN_PROGRESS' : 'NONE';
  }

  #activate(): void {
    this.#state = 'active';
    this.#endOffset = this.partition.log.logEndOffset;
    const told = [...this.#ownDecisions];
    this.#ownDecisions.clear();
    this.tell('loaded', (shard, nowMs) => shard.onLoaded(nowMs));
    for (const [key, decide] of told) {
      this.#ownDecisions.set(key, decide);
      this.#onTimer(key);
    }
  }

  #onTimer(key: string): void {
    const own = this.#ownDecisions.get(key);
    this.#ownDecisions.delete(key);
    const decide = own ?? ((nowMs: number) => this.shard.onTimer(key, nowMs));
    if (this.#state !== 'active' || this.partition.check(this.#epoch, true) !== 'NONE') return;
    const isDone = this.#decide(decide, null);
    // The log may take it later, unless the shard has thought of something else meanwhile or the leadership is lost.
    if (isDone || this.#state !== 'active' || this.#timers.has(key)) return;
    if (own !== undefined) this.#ownDecisions.set(key, own);
    this.#timers.set(key, RETRY_MS);
  }

  /** False when the log refused what was decided, and nothing was decided instead. */
  #decide(decide: (nowMs: number) => Outcome<R>, ticket: Ticket | null): boolean {
    const { clock, logger } = this.#options;
    let outcome: Outcome<R>;
    try {
      outcome = decide(clock.nowMs());
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      const isFault = !(error instanceof KafkaError);
      if (isFault) logger.error(`handler fault: the shard of ${this.#name} failed to decide`, error);
      if (ticket !== null) this.#fail(ticket, isFault ? new KafkaError('UNKNOWN_SERVER_ERROR') : error);
      return true;
    }
    return this.#carryOut(outcome, ticket);
  }

  #carryOut(outcome: Outcome<R>, ticket: Ticket | null, refusals = 0): boolean {
    const { records = [], timers = [], replies = [], immediateReplies = [], onRefused } = outcome;
    if (records.length > 0) {
      const refusal = this.#append(records);
      if (this.#state !== 'active') return false; // Everybody has been answered.
      if (refusal !== null) {
        if (onRefused !== undefined && refusals < MAX_REFUSALS)
          return this.#carryOut(onRefused(refusal.error), ticket, refusals + 1);
        const tickets = new Set([...replies, ...immediateReplies].map((reply) => reply.ticket));
        if (ticket !== null) tickets.add(ticket);
        for (const refused of tickets) this.#fail(refused, refusal);
        return false;
      }
    }
    for (const { key, delayMs } of timers) this.#timers.set(key, delayMs);
    for (const reply of immediateReplies) this.#answer(reply);
    if (replies.length > 0) this.#pending.add(replies, this.#endOffset);
    return true;
  }

  /** Appends and replays; null when all is in the log, or why nothing is, in the words for clients. */
  #append(records: readonly R[]): KafkaError | null {
    const { partition, codec, compression, clock, logger } = this.#options;
    const nowMs = clock.nowMs();
    try {
      const fenced = partition.check(this.#epoch, true);
      if (fenced !== 'NONE') throw new KafkaError(fenced);
      const bytes = encodeBatch(codec, records, compression, nowMs);
      this.#endOffset = partition.append(bytes, ACKS_ALL, 'coordinator', nowMs).lastOffset + 1;
      this.#isRefusing = false;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      // Clients try again and again: one line is enough.
      if (!this.#isRefusing) logger.warn(`${this.#name} refused ${records.length} records`, error);
      this.#isRefusing = true;
      return new KafkaError(error instanceof KafkaError ? coordinatorError(error.error) : 'UNKNOWN_SERVER_ERROR');
    }
    this.#replay(records);
    return null;
  }

  /** The log holds them: a shard that cannot follow is not what the log says, and must not decide any more. */
  #replay(records: readonly R[]): void {
    try {
      for (const record of records) this.shard.replay(record);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#options.logger.error(`handler fault: the shard of ${this.#name} cannot replay its own records`, error);
      this.close('strayed');
    }
  }

  #settle(replies: readonly Reply[], error: ErrorName): void {
    if (error === 'NONE') {
      for (const reply of replies) this.#answer(reply);
      return;
    }
    const isOver = this.partition.check(this.#epoch, true) !== 'NONE';
    const told = isOver ? 'NOT_COORDINATOR' : coordinatorError(error);
    for (const { ticket } of replies) this.#fail(ticket, new KafkaError(told));
  }

  #answer({ ticket, response }: Reply): void {
    const waiting = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    waiting?.resolve(response);
  }

  #fail(ticket: Ticket, error: KafkaError): void {
    const waiting = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    waiting?.reject(error);
  }
}

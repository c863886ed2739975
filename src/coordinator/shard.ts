/**
 * @pure The shape of a coordinator's mind: one partition of an internal topic as a state machine that decides, and
 * changes its durable state only by replaying records of that partition's log. The runtime is the shell around it:
 * it appends, replays, keeps the timers, and answers when what was decided is committed.
 *
 * Modelled on Kafka's CoordinatorShard, CoordinatorResult and CoordinatorRuntime. Appending is synchronous here, so
 * between a decision, its append and its replay nothing else can happen, and no snapshots of older states are needed.
 */
import type { ErrorName } from '../protocol/errors.ts';

/** Stands for one waiting request; given out by the runtime and answered at most once. */
export type Ticket = number;

export interface Reply {
  readonly ticket: Ticket;
  /** In the words of the API that was asked. */
  readonly response: unknown;
}

/** Sets a named timer (again), or with null cancels it. Names are the shard's own. */
export interface TimerChange {
  readonly key: string;
  readonly delayMs: number | null;
}

/** What a shard decided. */
export interface Outcome<R> {
  /** Appended as one batch, all or nothing; then replayed in this order, before timers and replies. */
  readonly records?: readonly R[];
  readonly timers?: readonly TimerChange[];
  /** Sent when everything is committed that the shard has appended so far, the records above included. */
  readonly replies?: readonly Reply[];
  /** Sent at once: they speak of nothing that is, or has to be, in the log. */
  readonly immediateReplies?: readonly Reply[];
  /**
   * What to do instead when the log refuses the records (too large, too few replicas); nothing of this outcome is
   * carried out then. The error is in the words for clients (see coordinator-errors.ts). When left out, all of its
   * tickets, and that of the request, are answered with the error; what no request asked for (onTimer, onLoaded) is
   * asked for again 500 ms later.
   */
  readonly onRefused?: (error: ErrorName) => Outcome<R>;
}

export interface Shard<R> {
  /** Applies a record of the log, one just decided or one read back: the same function, so that both give one state. */
  replay(record: R): void;
  /** All of the log was replayed: timers begin, deadlines count from now. */
  onLoaded(nowMs: number): Outcome<R>;
  onTimer(key: string, nowMs: number): Outcome<R>;
}

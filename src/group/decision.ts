/**
 * @pure Collects what one request or timer leads to, and makes an Outcome of it: records, timers, replies. The rules
 * of groups write into one Decision while they pass it along.
 *
 * Guarantees that soft state stays right when the log refuses the records: timers and immediate replies belong to
 * what already happened in memory, so they are carried out in either case; what the records stood for is left to the
 * handlers given to whenRefused, which also answer the tickets that would have waited.
 */
import type { Outcome, Reply, Ticket, TimerChange } from '../coordinator/shard.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { GroupRecord } from '../protocol/internal/group-record.ts';

/** Puts right in memory what refused records would have done, and answers who waited for them. */
export type RefusalHandler = (error: ErrorName, decision: Decision) => void;

const NOTHING: Outcome<GroupRecord> = Object.freeze({});

export class Decision {
  readonly #records: GroupRecord[] = [];
  readonly #timers = new Map<string, number | null>();
  readonly #replies: Reply[] = [];
  readonly #immediateReplies: Reply[] = [];
  readonly #refusalHandlers: RefusalHandler[] = [];

  get hasRecords(): boolean {
    return this.#records.length > 0;
  }

  /** Whoever adds records says by whenRefused what happens without them. */
  record(...records: readonly GroupRecord[]): void {
    this.#records.push(...records);
  }

  setTimer(key: string, delayMs: number): void {
    this.#timers.set(key, Math.max(0, delayMs));
  }

  cancelTimer(key: string): void {
    this.#timers.set(key, null);
  }

  /** Answers when all that the shard has decided so far is committed. */
  reply(ticket: Ticket, response: unknown): void {
    this.#replies.push({ ticket, response });
  }

  /** Answers at once. */
  replyNow(ticket: Ticket, response: unknown): void {
    this.#immediateReplies.push({ ticket, response });
  }

  whenRefused(handler: RefusalHandler): void {
    this.#refusalHandlers.push(handler);
  }

  outcome(): Outcome<GroupRecord> {
    const outcome = {
      ...(this.#records.length > 0 && { records: this.#records }),
      ...(this.#timers.size > 0 && { timers: this.#timerChanges() }),
      ...(this.#replies.length > 0 && { replies: this.#replies }),
      ...(this.#immediateReplies.length > 0 && { immediateReplies: this.#immediateReplies }),
      ...(this.#records.length > 0 && { onRefused: (error: ErrorName) => this.#refused(error) }),
    };
    return Object.keys(outcome).length === 0 ? NOTHING : outcome;
  }

  #refused(error: ErrorName): Outcome<GroupRecord> {
    const instead = new Decision();
    for (const [key, delayMs] of this.#timers) instead.#timers.set(key, delayMs);
    instead.#immediateReplies.push(...this.#immediateReplies);
    for (const handler of this.#refusalHandlers) handler(error, instead);
    return instead.outcome();
  }

  #timerChanges(): TimerChange[] {
    return Array.from(this.#timers, ([key, delayMs]) => ({ key, delayMs }));
  }
}

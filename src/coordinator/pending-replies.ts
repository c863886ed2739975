/**
 * Replies that wait until what they speak of is committed: in the order in which they were decided, each at most for
 * the same time, so that one timer serves all of them.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { OffsetWaiter } from '../replica/waiting.ts';
import type { CoordinatedPartition } from './coordinated-partition.ts';
import type { Reply } from './shard.ts';

/** All of the ISR: Kafka's acks=all. */
const ACKS_ALL = -1;
/** Below this many settled replies tidying is not worth it. */
const TIDY_THRESHOLD = 64;

export interface PendingRepliesOptions {
  readonly partition: CoordinatedPartition;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Carries the replies out, or with an error answers their tickets with that. */
  readonly onSettled: (replies: readonly Reply[], error: ErrorName) => void;
}

class PendingReply implements OffsetWaiter {
  isDone = false;
  readonly replies: readonly Reply[];
  readonly deadlineMs: number;
  readonly #onSettled: PendingRepliesOptions['onSettled'];

  constructor(replies: readonly Reply[], deadlineMs: number, onSettled: PendingRepliesOptions['onSettled']) {
    this.replies = replies;
    this.deadlineMs = deadlineMs;
    this.#onSettled = onSettled;
  }

  onSettled(outcome: ErrorName): void {
    if (this.isDone) return;
    this.isDone = true;
    this.#onSettled(this.replies, outcome);
  }
}

export class PendingReplies {
  readonly #options: PendingRepliesOptions;
  #waiting: PendingReply[] = [];
  #sizeAfterTidy = 0;
  #timer: Timer | null = null;

  constructor(options: PendingRepliesOptions) {
    this.#options = options;
  }

  /** Replies when everything below the offset (exclusive) is committed; at once if it is. */
  add(replies: readonly Reply[], requiredOffset: number): void {
    const { partition, clock, timeoutMs, onSettled } = this.#options;
    if (requiredOffset <= partition.log.highWatermark) {
      onSettled(replies, 'NONE');
      return;
    }
    const pending = new PendingReply(replies, clock.monotonicMs() + timeoutMs, onSettled);
    partition.whenAcknowledged(ACKS_ALL, requiredOffset, pending);
    if (pending.isDone) return;
    this.#dropSettled();
    this.#waiting.push(pending);
    this.#timer ??= clock.schedule(timeoutMs, () => this.#expire());
  }

  /** Nobody is answered any more: the shard is gone, and whoever waits has been told so. */
  close(): void {
    for (const pending of this.#waiting) pending.isDone = true;
    this.#waiting = [];
    this.#timer?.cancel();
    this.#timer = null;
  }

  #dropSettled(): void {
    if (this.#waiting.length <= 2 * this.#sizeAfterTidy + TIDY_THRESHOLD) return;
    this.#waiting = this.#waiting.filter(({ isDone }) => !isDone);
    this.#sizeAfterTidy = this.#waiting.length;
  }

  #expire(): void {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#timer = null;
    const isOver = ({ isDone, deadlineMs }: PendingReply): boolean => isDone || deadlineMs <= nowMs;
    const over = this.#waiting.filter(isOver);
    this.#waiting = this.#waiting.filter((pending) => !isOver(pending));
    for (const pending of over) pending.onSettled('REQUEST_TIMED_OUT');
    const next = this.#waiting[0];
    if (next !== undefined && this.#timer === null)
      this.#timer = clock.schedule(next.deadlineMs - nowMs, () => this.#expire());
  }
}

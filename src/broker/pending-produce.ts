/**
 * A produce request whose appends are done and whose acknowledgement is awaited: one promise and one timer for the
 * whole request, whatever its partitions (Kafka's DelayedProduce).
 */
import type { Clock, Timer } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { OffsetWaiter } from '../replica/waiting.ts';

export class PendingProduce {
  readonly #whenDone = new Deferred();
  readonly #waiting = new Set<PendingAppend>();
  #timer: Timer | null = null;
  #isSealed = false;

  /** One append of the request; the outcome is told once, REQUEST_TIMED_OUT if nobody else tells one in time. */
  expect(onOutcome: (outcome: ErrorName) => void): OffsetWaiter {
    const append = new PendingAppend((outcome, settled) => {
      this.#waiting.delete(settled);
      onOutcome(outcome);
      this.#maybeFinish();
    });
    this.#waiting.add(append);
    return append;
  }

  /** True when every append expected so far has its outcome. */
  get isDone(): boolean {
    return this.#waiting.size === 0;
  }

  /** Resolves when all outcomes are there, at the latest after the timeout. */
  whenDone(clock: Clock, timeoutMs: number): Promise<void> {
    this.#isSealed = true;
    this.#timer = clock.schedule(Math.max(0, timeoutMs), () => {
      for (const append of [...this.#waiting]) append.onSettled('REQUEST_TIMED_OUT');
    });
    this.#maybeFinish();
    return this.#whenDone.promise;
  }

  #maybeFinish(): void {
    if (!this.#isSealed || this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#whenDone.resolve();
  }
}

class PendingAppend implements OffsetWaiter {
  readonly #onSettled: (outcome: ErrorName, settled: PendingAppend) => void;
  isDone = false;

  constructor(onSettled: (outcome: ErrorName, settled: PendingAppend) => void) {
    this.#onSettled = onSettled;
  }

  onSettled(outcome: ErrorName): void {
    if (this.isDone) return;
    this.isDone = true;
    this.#onSettled(outcome, this);
  }
}

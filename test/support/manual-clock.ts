/**
 * A clock that stands still until the test moves it. Timers run in the order in which they are due; `soon` is the real
 * end of the event-loop turn, since that is an order and no duration.
 */
import type { Clock, Timer } from '../../src/lib/clock.ts';

interface Waiting {
  readonly dueMs: number;
  readonly number: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;
  #waiting: Waiting[] = [];
  #count = 0;

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs;
  }

  /** Timers that have not run. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const timer: Waiting = { dueMs: this.#monotonicMs + Math.max(0, delayMs), number: this.#count++, callback };
    this.#waiting.push(timer);
    return {
      cancel: () => {
        this.#waiting = this.#waiting.filter((other) => other !== timer);
      },
    };
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, resolve));
  }

  /** Moves both clocks on, running what becomes due on the way, each at its own time. */
  advance(durationMs: number): void {
    const endMs = this.#monotonicMs + durationMs;
    for (;;) {
      const next = this.#waiting
        .filter(({ dueMs }) => dueMs <= endMs)
        .sort((one, other) => one.dueMs - other.dueMs || one.number - other.number)[0];
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((other) => other !== next);
      this.#moveTo(Math.max(next.dueMs, this.#monotonicMs));
      next.callback();
    }
    this.#moveTo(endMs);
  }

  /** The process stands still: what becomes due meanwhile runs, late, at the end of it. */
  stall(durationMs: number): void {
    this.#moveTo(this.#monotonicMs + durationMs);
    this.advance(0);
  }

  #moveTo(monotonicMs: number): void {
    this.#nowMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}

/**
 * Time that moves only from one event to the next, and a seeded source of chance. Events of the same moment run in an
 * order that the seed decides, so that different seeds see different interleavings, and the same seed always the same
 * one.
 */
import type { Clock, Timer } from '../../src/lib/clock.ts';

/** Mulberry32: small, fast, good enough to shuffle with. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 to 1, 1 excluded. */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A whole number from 0 to bound - 1. */
  int(bound: number): number {
    return Math.floor(this.fraction() * bound);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.int(items.length)];
  }
}

interface Event {
  readonly dueMs: number;
  readonly tieBreak: number;
  readonly callback: () => void;
  isCancelled: boolean;
}

export class SimulatedClock implements Clock {
  readonly #random: SeededRandom;
  #events: Event[] = [];
  #nowMs = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  nowMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const event: Event = { dueMs, tieBreak: this.#random.fraction(), callback, isCancelled: false };
    this.#events.push(event);
    let at = this.#events.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(this.#at(at), this.#at(parent))) break;
      this.#swap(at, parent);
      at = parent;
    }
    return {
      cancel: () => {
        event.isCancelled = true;
      },
    };
  }

  soon(callback: () => void): void {
    this.schedule(0, callback);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, resolve));
  }

  /** Runs the next event, if it is due before the end; then lets everything that awaited it run. */
  async step(endMs: number): Promise<boolean> {
    const next = this.#events[0];
    if (next === undefined || next.dueMs > endMs) {
      this.#nowMs = endMs;
      return false;
    }
    this.#removeFirst();
    if (next.isCancelled) return true;
    this.#nowMs = next.dueMs;
    next.callback();
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  }

  #removeFirst(): void {
    const last = this.#events.pop();
    if (last === undefined || this.#events.length === 0) return;
    this.#events[0] = last;
    let at = 0;
    for (;;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.#events.length && isBefore(this.#at(child), this.#at(least))) least = child;
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #at(index: number): Event {
    const event = this.#events[index];
    if (event === undefined) throw new RangeError(`no event ${index}`);
    return event;
  }

  #swap(one: number, other: number): void {
    const kept = this.#at(one);
    this.#events[one] = this.#at(other);
    this.#events[other] = kept;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.dueMs < other.dueMs || (one.dueMs === other.dueMs && one.tieBreak < other.tieBreak);
}

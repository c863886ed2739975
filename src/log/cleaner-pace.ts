/**
 * Lets compaction work beside everything else: a slice of a few milliseconds, then whoever waits for the event loop,
 * and never more bytes per second than it is allowed.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import { Throttle } from './throttle.ts';

const SLICE_MS = 2;

export class CleanerPace {
  readonly #clock: Clock;
  #throttle: Throttle;
  #bytesPerSecond: number;
  #sliceStartMs = 0;
  #isStopped = false;
  #wake: (() => void) | null = null;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#throttle = new Throttle(bytesPerSecond);
  }

  /** From now on. What was used before is paid for: a pause that the old rate asked for, however long, ends. */
  setBytesPerSecond(bytesPerSecond: number): void {
    if (bytesPerSecond === this.#bytesPerSecond) return;
    this.#bytesPerSecond = bytesPerSecond;
    this.#throttle = new Throttle(bytesPerSecond);
    this.endPause();
  }

  endPause(): void {
    this.#wake?.();
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Ends a pause at once; there will be no other. */
  stop(): void {
    this.#isStopped = true;
    this.endPause();
  }

  get isSliceOver(): boolean {
    return this.#clock.monotonicMs() - this.#sliceStartMs >= SLICE_MS;
  }

  /** Lets the others work. */
  async whenOthersWorked(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    this.#sliceStartMs = this.#clock.monotonicMs();
  }

  /** So many bytes were read or written. */
  async whenAffordable(bytes: number): Promise<void> {
    const pauseMs = this.#throttle.onUsed(bytes, this.#clock.monotonicMs());
    if (pauseMs > 0) await this.pause(pauseMs);
  }

  /** One at a time. */
  async pause(durationMs: number): Promise<void> {
    if (this.#isStopped) return;
    let timer: Timer | null = null;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = this.#clock.schedule(durationMs, resolve);
    });
    (timer as Timer | null)?.cancel();
    this.#wake = null;
    this.#sliceStartMs = this.#clock.monotonicMs();
  }
}

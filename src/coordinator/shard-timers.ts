/** The timers of one shard by name: setting one again replaces it, and a cancelled one never fires. */
import type { Clock, Timer } from '../lib/clock.ts';

export class ShardTimers {
  readonly #clock: Clock;
  readonly #onDue: (key: string) => void;
  readonly #timers = new Map<string, Timer>();

  constructor(clock: Clock, onDue: (key: string) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#timers.size;
  }

  has(key: string): boolean {
    return this.#timers.has(key);
  }

  /** With null the timer is cancelled. */
  set(key: string, delayMs: number | null): void {
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    if (delayMs === null) return;
    const timer = this.#clock.schedule(delayMs, () => {
      this.#timers.delete(key);
      this.#onDue(key);
    });
    this.#timers.set(key, timer);
  }

  cancelAll(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }
}

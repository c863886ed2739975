/** Does something again and again until it is stopped: the next time a pause after it has ended, never two at once. */
import type { Clock, Timer } from '../lib/clock.ts';

export class RepeatingTask {
  readonly #clock: Clock;
  /** Resolves with the pause before the next time, milliseconds. */
  readonly #task: () => Promise<number>;
  readonly #onFailed: (error: unknown) => void;
  #timer: Timer | null = null;
  #isStopped = false;

  /** The first time is after `delayMs`. A task that fails is not done again. */
  constructor(clock: Clock, delayMs: number, task: () => Promise<number>, onFailed: (error: unknown) => void) {
    this.#clock = clock;
    this.#task = task;
    this.#onFailed = onFailed;
    this.#schedule(delayMs);
  }

  /** It may be under way still; whatever comes of that is dropped. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#task().then(
        (pauseMs) => this.#schedule(pauseMs),
        (error: unknown) => {
          if (!this.#isStopped) this.#onFailed(error);
        },
      );
    });
  }
}

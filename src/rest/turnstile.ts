/**
 * Lets in so many at once, and so many more wait for their turn; whoever comes then is sent away. For work that
 * takes much memory while it lasts.
 */
import { tooManyRequests } from './rest-errors.ts';

export interface TurnstileLimits {
  readonly atOnce: number;
  readonly waiting: number;
  /** What somebody is told who is sent away. */
  readonly refusal: string;
}

export class Turnstile {
  readonly #limits: TurnstileLimits;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(limits: TurnstileLimits) {
    this.#limits = limits;
  }

  /**
   * Resolves in the order of coming, with what is to be called when the work is over: once or more often.
   * @throws RestError 42901
   */
  async enter(): Promise<() => void> {
    if (this.#inside < this.#limits.atOnce) this.#inside++;
    else {
      if (this.#waiting.length >= this.#limits.waiting) throw tooManyRequests(this.#limits.refusal);
      // The place of the one who leaves is passed on, and never free in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      const next = this.#waiting.shift();
      if (next === undefined) this.#inside--;
      else next();
    };
  }
}

/** How idle the event loop was lately, 0 to 1: what Kafka calls the idle share of its threads. */
import { performance } from 'node:perf_hooks';

/** Asked more often, the answer stays that of the last window. */
const WINDOW_MS = 5000;

export class IdleShare {
  readonly #nowMs: () => number;
  #last = performance.eventLoopUtilization();
  #lastMs: number;
  #share = 1;

  /** @param nowMs monotonic */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#lastMs = nowMs();
  }

  share(): number {
    const nowMs = this.#nowMs();
    if (nowMs - this.#lastMs < WINDOW_MS) return this.#share;
    const now = performance.eventLoopUtilization();
    this.#share = 1 - performance.eventLoopUtilization(now, this.#last).utilization;
    this.#last = now;
    this.#lastMs = nowMs;
    return this.#share;
  }
}

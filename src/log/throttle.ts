/**
 * @pure Keeps work that costs bytes of the disk below a rate (Kafka's Throttler): whoever has used some hears how long
 * to pause. What is owed for less than a tick is carried on, so that small pieces do not each cost a timer.
 */
const TICK_MS = 10;
/** Time that nothing was used in is not saved up for longer. */
const BURST_MS = 300;

export class Throttle {
  readonly #bytesPerSecond: number;
  /** When everything that was used so far would have been used at the rate. */
  #paidUntilMs = Number.NEGATIVE_INFINITY;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Returns the milliseconds to pause before more is used; 0 mostly. */
  onUsed(bytes: number, monotonicMs: number): number {
    const sinceMs = Math.max(this.#paidUntilMs, monotonicMs - BURST_MS);
    this.#paidUntilMs = sinceMs + (1000 * bytes) / this.#bytesPerSecond;
    const owedMs = this.#paidUntilMs - monotonicMs;
    return owedMs >= TICK_MS ? owedMs : 0;
  }
}

/**
 * @pure Which brokers did not answer a moment ago, for all connections that a command has to them: whoever may choose
 * asks others first, and a warning of a broker is not repeated before its time is over.
 *
 * Guarantees: the time doubles with each failure in a row, from 50 ms to a second (Kafka's reconnect.backoff.ms and
 * reconnect.backoff.max.ms).
 */
const MIN_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 1000;
/** A broker that is being started is there by then. */
const ADVICE_AFTER_MS = 3000;

interface Failure {
  readonly untilMs: number;
  readonly backoffMs: number;
}

export class UnreachableBrokers {
  /** By host:port. */
  readonly #failures = new Map<string, Failure>();
  #firstFailureMs: number | null = null;
  #wasAdvised = false;
  /** Once the brokers themselves are known, Kafka's clients ask no bootstrap server any more, nor warn of one. */
  areBrokersKnown = false;

  /** @param nowMs monotonic */
  has(address: string, nowMs: number): boolean {
    const failure = this.#failures.get(address);
    return failure !== undefined && failure.untilMs > nowMs;
  }

  /** Nobody who failed has answered since. */
  get isEmpty(): boolean {
    return this.#failures.size === 0;
  }

  /** Whether this is to be said, too. */
  add(address: string, nowMs: number, isBootstrap: boolean): boolean {
    if (this.has(address, nowMs)) return false;
    const backoffMs = Math.min((this.#failures.get(address)?.backoffMs ?? MIN_BACKOFF_MS / 2) * 2, MAX_BACKOFF_MS);
    this.#firstFailureMs ??= nowMs;
    this.#failures.set(address, { untilMs: nowMs + backoffMs, backoffMs });
    return !(isBootstrap && this.areBrokersKnown);
  }

  /** True once, when no broker at all has been heard of for a while: the address may be wrong. */
  isTimeForAdvice(nowMs: number): boolean {
    if (this.areBrokersKnown || this.#wasAdvised || this.#firstFailureMs === null) return false;
    this.#wasAdvised = nowMs - this.#firstFailureMs >= ADVICE_AFTER_MS;
    return this.#wasAdvised;
  }

  /** It answers again. */
  delete(address: string): void {
    this.#failures.delete(address);
  }
}

/**
 * Time as a guest: whoever needs it takes a Clock. The only file that may ask the machine for the time or set a timer.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump: only for timestamps that others read. */
  nowMs(): number;
  /** Monotonic clock, milliseconds since some fixed point. For every duration and deadline. */
  monotonicMs(): number;
  /** Runs the callback once after the delay. Any delay up to Number.MAX_SAFE_INTEGER is honoured. */
  schedule(delayMs: number, callback: () => void): Timer;
  /** Runs the callback at the end of this event-loop turn (setImmediate). */
  soon(callback: () => void): void;
  sleep(delayMs: number): Promise<void>;
}

export interface Timer {
  cancel(): void;
}

/** A longer setTimeout would fire at once: Node keeps the delay in 31 bits. */
const MAX_TIMEOUT_MS = 0x7fff_ffff;

export class SystemClock implements Clock {
  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  schedule(delayMs: number, callback: () => void): Timer {
    let handle: NodeJS.Timeout;
    const arm = (remainingMs: number): void => {
      const stepMs = Math.min(Math.max(remainingMs, 0), MAX_TIMEOUT_MS);
      handle = setTimeout(() => (remainingMs > stepMs ? arm(remainingMs - stepMs) : callback()), stepMs);
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle) };
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.schedule(delayMs, resolve));
  }
}

/**
 * Rejects with the error made by `onTimeout` when the promise has not settled after the delay; the work itself goes on.
 */
export function withTimeout<T>(clock: Clock, delayMs: number, work: Promise<T>, onTimeout: () => Error): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.schedule(delayMs, () => reject(onTimeout()));
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** Waiting for what must come true, without guessing how long it takes on a busy machine. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  /** When to give up, milliseconds. Long on purpose: only a failure waits for it. */
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
  readonly what?: string;
}

/** Calls `check` again and again until it neither throws nor returns false; then returns what it returned. */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = 60_000, intervalMs = 50 } = options;
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== false) return value;
      last = 'it was still false';
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline)
      throw new Error(`${options.what ?? 'it'} did not come true within ${timeoutMs} ms`, { cause: last });
    await sleep(intervalMs);
  }
}

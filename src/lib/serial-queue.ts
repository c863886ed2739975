/**
 * Runs asynchronous jobs one at a time, in the order they were given. A failed job does not stop the ones behind it.
 */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #length = 0;

  /** Jobs that wait or run. */
  get length(): number {
    return this.#length;
  }

  run<T>(job: () => T | Promise<T>): Promise<T> {
    this.#length++;
    const result = this.#tail.then(job);
    const done = (): void => {
      this.#length--;
    };
    this.#tail = result.then(done, done);
    return result;
  }

  /** Resolves when all jobs given so far have ended. */
  whenIdle(): Promise<void> {
    return this.run(() => undefined);
  }
}

/**
 * Who wants to hear of changes, by path; independent of connections and sessions. A handler learns only that something
 * may have changed. What a handler throws is logged: it must not keep others from hearing, nor end the process.
 */
import type { Logger } from '../lib/logger.ts';

export class WatchHandlers {
  readonly #logger: Logger;
  readonly #handlers = new Map<string, Set<() => void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Returns the function that ends it. */
  add(path: string, onChange: () => void): () => void {
    // A wrapper of its own for each call: the same function may be registered twice and ends once.
    const handler = (): void => onChange();
    const handlers = this.#handlers.get(path) ?? new Set();
    this.#handlers.set(path, handlers.add(handler));
    return () => {
      handlers.delete(handler);
      if (handlers.size === 0 && this.#handlers.get(path) === handlers) this.#handlers.delete(path);
    };
  }

  has(path: string): boolean {
    return this.#handlers.has(path);
  }

  fire(path: string): void {
    for (const handler of [...(this.#handlers.get(path) ?? [])]) {
      try {
        handler();
      } catch (error) {
        this.#logger.error(`The handler of a watch on ${path} failed`, error);
      }
    }
  }

  fireAll(): void {
    for (const path of [...this.#handlers.keys()]) this.fire(path);
  }
}

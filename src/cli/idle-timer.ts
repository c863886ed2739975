/** --timeout-ms: calls back when that long nothing restarted it. Checks now and then rather than at every message. */
import type { Terminal } from './command.ts';

export class IdleTimer {
  readonly #terminal: Terminal;
  readonly #timeoutMs: number;
  readonly #onIdle: () => void;
  #lastMs: number;
  #cancel: (() => void) | null = null;

  constructor(terminal: Terminal, timeoutMs: number, onIdle: () => void) {
    this.#terminal = terminal;
    this.#timeoutMs = timeoutMs;
    this.#onIdle = onIdle;
    this.#lastMs = terminal.clock.monotonicMs();
    if (timeoutMs >= 0) this.#schedule(timeoutMs);
  }

  #schedule(delayMs: number): void {
    const timer = this.#terminal.clock.schedule(delayMs, () => {
      const leftMs = this.#lastMs + this.#timeoutMs - this.#terminal.clock.monotonicMs();
      if (leftMs > 0) this.#schedule(leftMs);
      else this.#onIdle();
    });
    this.#cancel = () => timer.cancel();
  }

  restart(): void {
    this.#lastMs = this.#terminal.clock.monotonicMs();
  }

  cancel(): void {
    this.#cancel?.();
  }
}

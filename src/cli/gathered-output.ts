/** Gathers what is printed within a turn of the event loop into few writes, and waits for a reader that is slow. */
import type { Terminal } from './command.ts';

/** So much is gathered before it is written. */
const CHUNK_BYTES = 64 * 1024;

export class GatheredOutput {
  readonly #terminal: Terminal;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;
  #isScheduled = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  add(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#sizeBytes += bytes.length;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#terminal.clock.soon(() => this.flush());
  }

  /** A promise when there is so much that the reader of the output must catch up first. */
  mayWait(): Promise<void> | undefined {
    if (this.#sizeBytes < CHUNK_BYTES) return undefined;
    this.flush();
    return this.#terminal.drained();
  }

  flush(): void {
    this.#isScheduled = false;
    if (this.#chunks.length === 0) return;
    this.#terminal.out(Buffer.concat(this.#chunks));
    this.#chunks = [];
    this.#sizeBytes = 0;
  }
}

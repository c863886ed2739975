/** The terminal of a command under test: keeps what it prints, feeds it what it reads, interrupts it when told. */
import { Readable } from 'node:stream';
import type { Terminal } from '../../src/cli/command.ts';
import { type Clock, SystemClock } from '../../src/lib/clock.ts';

export class TestTerminal implements Terminal {
  readonly clock: Clock;
  readonly stdin: NodeJS.ReadableStream;
  readonly isTerminal: { stdin: boolean; stdout: boolean; stderr: boolean };
  readonly columns = 100;
  stdout = '';
  stderr = '';
  readonly #interrupted = new Set<() => void>();

  constructor(
    options: { stdin?: string | NodeJS.ReadableStream; clock?: Clock; isPerson?: boolean; lines?: boolean } = {},
  ) {
    const { stdin = '', clock = new SystemClock(), isPerson = false } = options;
    this.clock = clock;
    this.stdin = typeof stdin === 'string' ? Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]) : stdin;
    this.isTerminal = { stdin: isPerson, stdout: isPerson, stderr: isPerson };
  }

  out(text: string | Buffer): void {
    this.stdout += text.toString();
  }

  error(text: string): void {
    this.stderr += text;
  }

  async drained(): Promise<void> {}

  onInterrupt(callback: () => void): () => void {
    this.#interrupted.add(callback);
    return () => this.#interrupted.delete(callback);
  }

  interrupt(): void {
    for (const callback of this.#interrupted) callback();
  }

  /** stderr without the times in front of log lines. */
  get log(): string {
    return this.stderr.replace(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] /gm, '');
  }
}

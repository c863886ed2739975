/**
 * Tells a person how a start is coming along: on a terminal one line that turns and changes, elsewhere a plain line
 * for each step that is done.
 */
import type { Timer } from '../lib/clock.ts';
import type { Terminal } from './command.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 80;
const CLEAR_LINE = '\r\u001b[K';

export class Progress {
  readonly #terminal: Terminal;
  readonly #isLive: boolean;
  readonly #startedMs: number;
  #text = '';
  #frame = 0;
  #timer: Timer | null = null;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#isLive = terminal.isTerminal.stdout;
    this.#startedMs = terminal.clock.monotonicMs();
  }

  /** What is being waited for. */
  working(text: string): void {
    this.#text = text;
    if (!this.#isLive) return;
    this.#draw();
    this.#timer ??= this.#terminal.clock.schedule(FRAME_MS, () => this.#turn());
  }

  /** A step that is done, or anything else to be kept on the screen. */
  say(line: string): void {
    this.#terminal.out(`${this.#isLive ? CLEAR_LINE : ''}${line}\n`);
    if (this.#isLive && this.#timer !== null) this.#draw();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isLive) this.#terminal.out(CLEAR_LINE);
  }

  /** Seconds since the start, with one digit. */
  get seconds(): string {
    return ((this.#terminal.clock.monotonicMs() - this.#startedMs) / 1000).toFixed(1);
  }

  #turn(): void {
    this.#frame = (this.#frame + 1) % FRAMES.length;
    this.#draw();
    this.#timer = this.#terminal.clock.schedule(FRAME_MS, () => this.#turn());
  }

  #draw(): void {
    this.#terminal.out(`${CLEAR_LINE}${FRAMES[this.#frame]} ${this.#text}`);
  }
}

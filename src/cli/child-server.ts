/**
 * A server that runs as a child of this process with its output in a log file: started, watched, stopped.
 *
 * Guarantees: it is in a process group of its own, so that Ctrl-C in a terminal reaches only the parent, which then
 * stops its children in the right order; its end is told once, whether it was asked for or not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';

export interface ChildServerOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly logFile: string;
  readonly clock: Clock;
  /** Takes each line of its output. */
  readonly onLine?: (line: string) => void;
}

export class ChildServer {
  readonly name: string;
  readonly logFile: string;
  /** Resolves with the exit code or signal when the process has ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  #isRunning = true;
  #isStopping = false;

  constructor(options: ChildServerOptions) {
    const { name, command, args, directory, logFile, clock, onLine } = options;
    this.name = name;
    this.logFile = logFile;
    this.#clock = clock;
    const log = createWriteStream(logFile, { flags: 'w' });
    const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    let rest = '';
    const take = (chunk: Buffer): void => {
      log.write(chunk);
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine?.(line);
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    const ended = new Deferred<string>();
    this.ended = ended.promise;
    child.once('error', (error) => this.#onEnd(ended, error.message));
    // 'close' comes when the output has been read to its end, too.
    child.once('close', (code, signal) => log.end(() => this.#onEnd(ended, signal ?? `exit code ${code}`)));
  }

  #onEnd(ended: Deferred<string>, how: string): void {
    this.#isRunning = false;
    ended.resolve(how);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Whether stop() was called: its end is no surprise then. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** SIGTERM, and SIGKILL when that did not help in time. Resolves when it has ended. */
  async stop(patienceMs: number): Promise<void> {
    this.#isStopping = true;
    if (!this.#isRunning) return;
    this.#child.kill('SIGTERM');
    const timer = this.#clock.schedule(patienceMs, () => this.kill());
    await this.ended;
    timer.cancel();
  }

  kill(): void {
    this.#isStopping = true;
    if (this.#isRunning) this.#child.kill('SIGKILL');
  }

  /** The last lines of its log, for a report of its death. */
  lastLines(count: number): string[] {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-count);
  }
}

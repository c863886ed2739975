/**
 * A server that runs as a child of this process with its output in a log file: started, watched, stopped.
 *
 * Guarantees: the log of earlier runs is kept, and one that has grown large becomes `<log>.1` at the next start; the
 * server is in a process group of its own, so that Ctrl-C in a terminal reaches only the parent, which then
 * stops its children in the right order; its end is told once, whether it was asked for or not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, renameSync, statSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';

export interface ChildServerOptions {
  /** For people, such as `broker 2`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly logFile: string;
  readonly clock: Clock;
  /** Takes each line of its output. */
  readonly onLine?: (line: string) => void;
  /** Told once when the log cannot be written any more; the server goes on. */
  readonly onLogFailure?: (error: Error) => void;
}

const LARGE_LOG_BYTES = 10 * 1024 * 1024;
/** Lines kept for a report of its death. */
const KEPT_LINES = 200;

export class ChildServer {
  readonly name: string;
  readonly logFile: string;
  /** Resolves with the exit code or signal when the process has ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #lastLines: string[] = [];
  #isRunning = true;
  #isStopping = false;

  constructor(options: ChildServerOptions) {
    const { name, command, args, directory, logFile, clock, onLine, onLogFailure } = options;
    this.name = name;
    this.logFile = logFile;
    this.#clock = clock;
    rotateLarge(logFile);
    const log = createWriteStream(logFile, { flags: 'a' });
    log.on('error', (error) => onLogFailure?.(error));
    const child = spawn(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    let rest = '';
    const take = (chunk: Buffer): void => {
      if (!log.destroyed) log.write(chunk);
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        this.#keep(line);
        onLine?.(line);
      }
    };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    const ended = new Deferred<string>();
    this.ended = ended.promise;
    child.once('error', (error) => this.#onEnd(ended, error.message));
    // 'close' comes when the output has been read to its end, too.
    child.once('close', (code, signal) => {
      if (rest !== '') this.#keep(rest);
      log.end(() => this.#onEnd(ended, signal ?? `exit code ${code}`));
    });
  }

  #keep(line: string): void {
    if (this.#lastLines.push(line) > 2 * KEPT_LINES) this.#lastLines.splice(0, KEPT_LINES);
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

  /** The end of what it said in this run. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }
}

function rotateLarge(logFile: string): void {
  if (existsSync(logFile) && statSync(logFile).size > LARGE_LOG_BYTES) renameSync(logFile, `${logFile}.1`);
}

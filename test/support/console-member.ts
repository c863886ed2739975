/** kafka-console-consumer as a member of a group that runs until it is told to stop. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { startProcess } from './child-process.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../bin/kafka-console-consumer.sh');

export class ConsoleMember {
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  #stdout = '';
  stderr = '';

  constructor(bootstrap: string, group: string, args: readonly string[]) {
    const all = ['--bootstrap-server', bootstrap, '--group', group, '--from-beginning', ...args];
    this.#process = startProcess(SCRIPT, all, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process.stdout?.on('data', (bytes: Buffer) => {
      this.#stdout += bytes.toString();
    });
    this.#process.stderr?.on('data', (bytes: Buffer) => {
      this.stderr += bytes.toString();
    });
    this.#closed = once(this.#process, 'close');
  }

  /** Whole lines printed so far. */
  get lines(): string[] {
    return this.#stdout.split('\n').slice(0, -1);
  }

  /** Sends the signal of Ctrl-C unless told otherwise; resolves with the exit code when it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    this.#process.kill(signal);
    const [exitCode] = (await this.#closed) as [number | null];
    return exitCode;
  }
}

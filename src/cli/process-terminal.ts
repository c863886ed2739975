/** The Terminal of a real process. */
import { writeSync } from 'node:fs';
import { SystemClock } from '../lib/clock.ts';
import type { Terminal } from './command.ts';

const DEFAULT_COLUMNS = 80;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function processTerminal(): Terminal {
  const interrupted = new Set<() => void>();
  let isReaderGone = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (isReaderGone) return;
    isReaderGone = true;
    // A reader that goes away (`… | head`) ends the command as Ctrl-C would, or quietly at once.
    if (interrupted.size === 0) process.exit(0);
    for (const callback of interrupted) callback();
  });
  return {
    clock: new SystemClock(),
    stdin: process.stdin,
    isTerminal: {
      stdin: process.stdin.isTTY === true,
      stdout: process.stdout.isTTY === true,
      stderr: process.stderr.isTTY === true && process.env['NO_COLOR'] === undefined,
    },
    columns: process.stderr.columns ?? process.stdout.columns ?? DEFAULT_COLUMNS,
    out: (text) => {
      process.stdout.write(text);
    },
    error: (text) => writeAll(process.stderr.fd, text),
    drained: () => new Promise((resolve) => process.stdout.write('', () => resolve())),
    onInterrupt: (callback) => {
      interrupted.add(callback);
      for (const signal of STOP_SIGNALS) process.on(signal, callback);
      return () => {
        interrupted.delete(callback);
        for (const signal of STOP_SIGNALS) process.off(signal, callback);
      };
    },
  };
}

/** stderr is written at once, so that nothing is lost when the process ends right after. */
function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
    }
  }
}

/** The Terminal of a real process. */
import { writeSync } from 'node:fs';
import { SystemClock } from '../lib/clock.ts';
import type { Terminal } from './command.ts';

const DEFAULT_COLUMNS = 80;

export function processTerminal(): Terminal {
  // A reader that goes away (`… | head`) ends the command quietly, as it ends any other Unix tool.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
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
      process.on('SIGINT', callback);
      process.on('SIGTERM', callback);
      return () => {
        process.off('SIGINT', callback);
        process.off('SIGTERM', callback);
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

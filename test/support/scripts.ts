/** The scripts of bin/, run as a person would type them. */
import * as path from 'node:path';
import { type Outcome, type RunOptions, run } from './child-process.ts';
import { linesOf } from './java-tools.ts';

const BIN = path.resolve(import.meta.dirname, '../../bin');

/** Runs `bin/<name>` to its end, whatever its exit code. */
export function script(name: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return run(path.join(BIN, name), args, { timeoutMs: 60_000, ...options });
}

/** The lines of the standard output of a script that has to succeed. */
export async function scriptLines(name: string, args: readonly string[], options: RunOptions = {}): Promise<string[]> {
  const { exitCode, stdout, stderr } = await script(name, args, options);
  if (exitCode !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${exitCode}\n${stdout}\n${stderr}`);
  return linesOf(stdout);
}

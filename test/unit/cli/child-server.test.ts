/** A server as a child process: its log from run to run, and what is known of its end. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChildServer } from '../../../src/cli/child-server.ts';
import { SystemClock } from '../../../src/lib/clock.ts';

let directory: string;
let logFile: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'barnabas-child-'));
  logFile = join(directory, 'server.log');
});
afterEach(() => rmSync(directory, { recursive: true }));

function start(script: string, onLogFailure?: (error: Error) => void): ChildServer {
  return new ChildServer({
    name: 'server',
    command: 'sh',
    args: ['-c', script],
    directory,
    logFile,
    clock: new SystemClock(),
    ...(onLogFailure && { onLogFailure }),
  });
}

test('the log of an earlier run is kept, the last lines are those of this run', async () => {
  await start('echo first').ended;
  const second = start('echo second; printf unfinished >&2; exit 3');
  expect(await second.ended).toBe('exit code 3');
  expect(readFileSync(logFile, 'utf8')).toBe('first\nsecond\nunfinished');
  expect(second.lastLines).toEqual(['second', 'unfinished']);
});

test('a log that has grown large is put aside at the next start, one generation of it', async () => {
  const large = Buffer.alloc(10 * 1024 * 1024 + 1, 'x');
  writeFileSync(logFile, large);
  writeFileSync(`${logFile}.1`, 'older');
  await start('echo new').ended;
  expect(readFileSync(logFile, 'utf8')).toBe('new\n');
  expect(statSync(`${logFile}.1`).size).toBe(large.length);
  await start('echo newer').ended;
  expect(readFileSync(logFile, 'utf8')).toBe('new\nnewer\n');
});

test('only so many lines are remembered', async () => {
  const server = start('seq 1 5000');
  await server.ended;
  expect(server.lastLines.length).toBeLessThanOrEqual(400);
  expect(server.lastLines.at(-1)).toBe('5000');
});

test('a log that cannot be written is told, and the server is watched to its end all the same', async () => {
  logFile = join(directory, 'missing', 'server.log');
  const failures: string[] = [];
  const server = start('echo a; echo b; exit 4', ({ message }) => failures.push(message));
  expect(await server.ended).toBe('exit code 4');
  expect(failures).toEqual([expect.stringContaining('no such file or directory')]);
  expect(server.lastLines).toEqual(['a', 'b']);
  expect(existsSync(logFile)).toBe(false);
});

/**
 * Processes that tests start. None outlives its test: whatever still runs when the test process ends is killed, and a
 * command that does not end in time is killed and reported with what it printed.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';

const running = new Set<ChildProcess>();
function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}
process.on('exit', killAll);
// A signal ends the process without an 'exit'; 'disconnect' means that the test runner itself is gone.
process.once('disconnect', killAll);
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  process.once(signal, () => {
    killAll();
    process.exit(1);
  });

/** Starts a process that is killed at the latest when this one ends. */
export function startProcess(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, args, options);
  running.add(child);
  const forget = (): void => {
    running.delete(child);
  };
  child.once('exit', forget).once('error', forget);
  return child;
}

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly timeoutMs?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end and returns what it said, whatever its exit code. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const startedAt = performance.now();
  const child = startProcess(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes));
  child.stderr?.on('data', (bytes: Buffer) => stderr.push(bytes));
  // A command may end without reading all of its input.
  child.stdin?.on('error', (error) => stderr.push(Buffer.from(`(stdin: ${error.message})`)));
  child.stdin?.end(options.input ?? '');
  const timeoutMs = options.timeoutMs ?? 60_000;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const [exitCode] = (await once(child, 'close').finally(() => clearTimeout(timer))) as [number | null];
  const outcome = {
    exitCode,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
    durationMs: performance.now() - startedAt,
  };
  if (isLate) throw new Error(`no end after ${timeoutMs} ms: ${describe(command, args, outcome)}`);
  return outcome;
}

/** Runs a command that has to succeed. */
export async function runOk(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const outcome = await run(command, args, options);
  if (outcome.exitCode !== 0) throw new Error(describe(command, args, outcome));
  return outcome;
}

function describe(command: string, args: readonly string[], { exitCode, stdout, stderr }: Outcome): string {
  return `${command} ${args.join(' ')}\nexit code ${exitCode}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`;
}

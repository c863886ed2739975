/**
 * The processes of this machine, for commands that stop servers by what they run (as Kafka's stop scripts do by
 * `ps`).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { CommandError } from './command.ts';

export interface RunningProcess {
  readonly pid: number;
  readonly command: readonly string[];
}

export function runningProcesses(): RunningProcess[] {
  return existsSync('/proc/self/cmdline') ? fromProc() : fromPs();
}

function fromProc(): RunningProcess[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8')
          .split('\0')
          .filter((word) => word !== '');
        return command.length === 0 ? [] : [{ pid: Number(name), command }];
      } catch (error) {
        // It ended while the list was read, or belongs to somebody else.
        if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
        throw error;
      }
    });
}

function fromPs(): RunningProcess[] {
  const lines = execFileSync('ps', ['-axww', '-o', 'pid=,command='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const [pid = '', ...command] = line.trim().split(/\s+/);
    return /^\d+$/.test(pid) && command.length > 0 ? [{ pid: Number(pid), command }] : [];
  });
}

/** The signal that the stop scripts send: $SIGNAL, TERM when it is not set. @throws CommandError */
export function stopSignal(environment: Readonly<Record<string, string | undefined>>): NodeJS.Signals {
  const name = (environment['SIGNAL'] ?? 'TERM').toUpperCase();
  const signal = (name.startsWith('SIG') ? name : `SIG${name}`) as NodeJS.Signals;
  if (!(signal in constants.signals)) throw new CommandError(`SIGNAL in the environment names no signal: ${name}`);
  return signal;
}

/** False when the process is gone already. @throws CommandError when it belongs to somebody else */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return false;
    if (code === 'EPERM') throw new CommandError(`Process ${pid} belongs to another user and was not stopped.`);
    throw error;
  }
}

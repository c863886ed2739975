/**
 * kafka-server-stop: asks every broker that runs from this directory to stop (Kafka's kafka-server-stop.sh). --node-
 * id stops the one with that broker.id alone. The broker moves its leaderships away first, so it takes a moment to
 * end.
 */
import path from 'node:path';
import { readFileSync } from 'node:fs';
import { loadBrokerConfig } from '../config/load.ts';
import { CommandError, defineCommand } from './command.ts';
import { type RunningProcess, runningProcesses, signalProcess, stopSignal } from './processes.ts';

const MAIN = path.resolve(import.meta.dirname, '../main.ts');

export const main = defineCommand({
  script: 'kafka-server-stop.sh',
  summary:
    'This tool stops the brokers that were started from this directory. It sends SIGTERM, or the signal that ' +
    'SIGNAL in the environment names, and does not wait. Exit code 1 when there is none.',
  runsBare: true,
  options: {
    'node-id': { argument: 'id', description: 'Only the broker with this broker.id.' },
    'process-role': { argument: 'role', description: 'Accepted for compatibility: every server here is a broker.' },
  },
  examples: [['Stop the second broker', 'kafka-server-stop.sh --node-id=2']],
  run: async (options, terminal) => {
    const wanted = options.int('node-id');
    const role = options.text('process-role');
    const servers = role === undefined || role === 'broker' ? brokers() : [];
    const chosen = wanted === undefined ? servers : servers.filter((server) => brokerIdOf(server) === wanted);
    if (chosen.length === 0) {
      const which = wanted === undefined ? '' : ` with node.id ${wanted}`;
      terminal.out(`No kafka server to stop${which}\n`);
      return 1;
    }
    const signal = stopSignal(process.env);
    for (const { pid } of chosen) signalProcess(pid, signal);
    return 0;
  },
});

/** Processes that run this very main.ts. */
function brokers(): RunningProcess[] {
  return runningProcesses().filter(({ command }) => command.includes(MAIN));
}

/** The broker.id that the process was started with; null when its configuration cannot be read any more. */
function brokerIdOf({ pid, command }: RunningProcess): number | null {
  const args = command.slice(command.indexOf(MAIN) + 1);
  const [file = '', ...rest] = args;
  const loaded = loadBrokerConfig({ arguments: [inDirectoryOf(pid, file), ...rest], environment: environmentOf(pid) });
  return loaded.kind === 'loaded' ? loaded.config.brokerId : null;
}

function inDirectoryOf(pid: number, file: string): string {
  return path.isAbsolute(file) ? file : path.join(`/proc/${pid}/cwd`, file);
}

function environmentOf(pid: number): Record<string, string> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return Object.fromEntries(
      entries.filter((entry) => entry.includes('=')).map((entry) => entry.split(/=([\s\S]*)/).slice(0, 2)),
    ) as Record<string, string>;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return {};
    throw new CommandError(`The environment of process ${pid} cannot be read (${code})`);
  }
}

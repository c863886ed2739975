/**
 * Runs one command: `node src/cli/run.ts <command> [arguments]`. Started by bin/launch.sh.
 *
 * Guarantees: the compile cache is on before anything is loaded, and only the named command is loaded, so that
 * `--help` and short answers are quick. Exit codes: 0 done, 1 the command failed, 70 a fault of our own.
 */
import { enableCompileCache } from 'node:module';
import path from 'node:path';
import type { CommandMain } from './command.ts';

enableCompileCache(path.join(import.meta.dirname, '..', '..', '.cache', 'node'));

const EXIT_FAULT = 70;

const COMMANDS: ReadonlyMap<string, () => Promise<{ main: CommandMain }>> = new Map([
  ['broker-api-versions', () => import('./broker-api-versions.ts')],
  ['configs', () => import('./configs.ts')],
  ['consumer-groups', () => import('./consumer-groups.ts')],
  ['console-consumer', () => import('./console-consumer.ts')],
  ['console-producer', () => import('./console-producer.ts')],
  ['delete-records', () => import('./delete-records.ts')],
  ['dump-log', () => import('./dump-log.ts')],
  ['get-offsets', () => import('./get-offsets.ts')],
  ['leader-election', () => import('./leader-election.ts')],
  ['log-dirs', () => import('./log-dirs.ts')],
  ['server-stop', () => import('./server-stop.ts')],
  ['topics', () => import('./topics.ts')],
  ['zookeeper-server-start', () => import('./zookeeper-server-start.ts')],
  ['zookeeper-server-stop', () => import('./zookeeper-server-stop.ts')],
]);

const [name = '', ...args] = process.argv.slice(2);
const load = COMMANDS.get(name);
if (load === undefined) {
  console.error(`${name} is not a command. Commands: ${[...COMMANDS.keys()].join(', ')}`);
  process.exit(1);
}
try {
  const [{ main }, { processTerminal }] = await Promise.all([load(), import('./process-terminal.ts')]);
  const terminal = processTerminal();
  const exitCode = await main(args, terminal);
  await terminal.drained();
  process.exit(exitCode);
} catch (error) {
  console.error(error);
  process.exit(EXIT_FAULT);
}

/**
 * zookeeper-server-start: runs one ZooKeeper server in the foreground with a configuration file of its own (Kafka's
 * script of that name). ZooKeeper itself is found on the machine, or installed where that needs no password.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { type CommandMain, defineCommand, UsageError } from './command.ts';
import { unreadable } from './named-file.ts';
import { requireZooKeeper, thisMachine } from './zookeeper-installation.ts';
import { readZooKeeperConfig, zooKeeperCommand } from './zookeeper-server.ts';

export const main: CommandMain = defineCommand({
  script: 'zookeeper-server-start.sh',
  summary:
    'This tool runs one ZooKeeper server with the given configuration: in the foreground until Ctrl-C, or with ' +
    '-daemon in the background, its output in data/logs/zookeeper.out (or in the directory LOG_DIR).',
  synopsis: '[-daemon] zookeeper.properties',
  options: {},
  examples: [['Run a server on port 2181', 'zookeeper-server-start.sh config/zookeeper.properties']],
  run: async (options, terminal) => {
    const [configFile] = options.rest;
    if (configFile === undefined)
      throw new UsageError('A configuration is missing, such as config/zookeeper.properties');
    const { dataDirectory } = readZooKeeperConfig(configFile);
    if (dataDirectory !== null) makeDirectory(dataDirectory);
    const installation = await requireZooKeeper(thisMachine(), (line) => terminal.error(`${line}\n`));
    const { command, args } = zooKeeperCommand(installation, configFile, { logLevel: 'info' });
    const child = spawn(command, args, { stdio: 'inherit' });
    // From a terminal the child gets Ctrl-C itself; a signal to this process alone is passed on.
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    process.on('SIGINT', () => child.kill('SIGTERM'));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(signal === 'SIGTERM' || code === 143 ? 0 : (code ?? 1)));
    });
  },
});

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw unreadable(error, directory) ?? error;
  }
}

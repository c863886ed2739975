/**
 * zookeeper-server-start: runs one ZooKeeper server in the foreground with a configuration file of its own (Kafka's
 * script of that name). ZooKeeper itself is found on the machine, or installed where that needs no password.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { CommandError, type CommandMain, defineCommand } from './command.ts';
import { requireZooKeeper, thisMachine } from './zookeeper-installation.ts';
import { readZooKeeperConfig, zooKeeperCommand } from './zookeeper-server.ts';

const USAGE = 'USAGE: zookeeper-server-start.sh [-daemon] zookeeper.properties';

export const main: CommandMain = defineCommand({
  script: 'zookeeper-server-start.sh',
  summary: USAGE,
  options: {},
  examples: [['Run a server on port 2181', 'zookeeper-server-start.sh config/zookeeper.properties']],
  run: async (options, terminal) => {
    const [configFile] = options.rest;
    if (configFile === undefined) throw new CommandError(USAGE);
    const { dataDirectory } = readConfig(configFile);
    if (dataDirectory !== null) mkdirSync(dataDirectory, { recursive: true });
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

function readConfig(configFile: string): ReturnType<typeof readZooKeeperConfig> {
  try {
    return readZooKeeperConfig(configFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CommandError(`${configFile} (No such file or directory)`);
  }
}

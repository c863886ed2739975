/**
 * One ZooKeeper server as a process: its configuration as text, and the command that runs it. A plain java command
 * and no script around it, so that whoever starts it can signal it. No JMX, no admin web server, a small heap.
 */
import path from 'node:path';
import { parseProperties } from '../config/properties.ts';
import { readNamedFile } from './named-file.ts';
import type { RunningProcess } from './processes.ts';
import type { ZooKeeperInstallation } from './zookeeper-installation.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const MAIN_CLASS = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';

export interface EnsembleMember {
  readonly id: number;
  readonly host: string;
  readonly quorumPort: number;
  readonly electionPort: number;
}

export interface ZooKeeperServerConfig {
  readonly dataDirectory: string;
  readonly clientPort: number;
  /** Default 127.0.0.1. */
  readonly clientHost?: string;
  readonly tickTimeMs?: number;
  /** All members, this server included; empty for a server that stands alone. Its own id is in dataDirectory/myid. */
  readonly ensemble?: readonly EnsembleMember[];
}

/** The text of a zoo.cfg. */
export function zooKeeperProperties({
  dataDirectory,
  clientPort,
  clientHost = '127.0.0.1',
  tickTimeMs = 1000,
  ensemble = [],
}: ZooKeeperServerConfig): string {
  const lines = [
    `dataDir=${dataDirectory}`,
    `clientPort=${clientPort}`,
    `clientPortAddress=${clientHost}`,
    // The session timeouts a client may ask for lie between 2 and 20 ticks.
    `tickTime=${tickTimeMs}`,
    'initLimit=20',
    'syncLimit=10',
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=srvr,ruok,mntr',
    'autopurge.snapRetainCount=3',
    'autopurge.purgeInterval=24',
    ...ensemble.map((member) => `server.${member.id}=${member.host}:${member.quorumPort}:${member.electionPort}`),
  ];
  return `${lines.join('\n')}\n`;
}

export interface ZooKeeperProcessOptions {
  /** Default 256. */
  readonly heapMegabytes?: number;
  /** False leaves writing to the disk to the operating system: what a killed process wrote stays, for tests. */
  readonly forceSync?: boolean;
  /** What is printed on stderr, where the installation has a logger of its own. Default warn. */
  readonly logLevel?: 'error' | 'warn' | 'info';
}

/** The command that runs a server in the foreground. */
export function zooKeeperCommand(
  { java, classPath }: ZooKeeperInstallation,
  configFile: string,
  { heapMegabytes = 256, forceSync = true, logLevel = 'warn' }: ZooKeeperProcessOptions = {},
): { command: string; args: string[] } {
  const args = [
    `-Xmx${heapMegabytes}m`,
    '-Xms32m',
    // Threads and compiled code for a server that does little: a third of the time to start, half of the memory.
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Djava.awt.headless=true',
    '-Dzookeeper.jmx.log4j.disable=true',
    `-Dzookeeper.forceSync=${forceSync ? 'yes' : 'no'}`,
    `-Dorg.slf4j.simpleLogger.defaultLogLevel=${logLevel}`,
    '-Dorg.slf4j.simpleLogger.showDateTime=true',
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=[yyyy-MM-dd HH:mm:ss,SSS]',
    '-cp',
    classPath,
    MAIN_CLASS,
    configFile,
  ];
  return { command: java, args };
}

/**
 * The process of the server that runs with this configuration file, null if none does. ZooKeeper takes no lock on its
 * data: a second server at another port would write to the same files, and ruin them.
 */
export function zooKeeperWith(configFile: string, processes: readonly RunningProcess[]): RunningProcess | null {
  const isOurs = ({ command }: RunningProcess): boolean =>
    isZooKeeper(command) && path.resolve(ROOT, command.at(-1) ?? '') === configFile;
  return processes.find(isOurs) ?? null;
}

/** Whether that is the command of a ZooKeeper server, whoever started it. */
export function isZooKeeper(command: readonly string[]): boolean {
  return command[0]?.endsWith('java') === true && command.includes(MAIN_CLASS);
}

/** What a configuration file says of the client port (2181 if nothing) and the data directory. @throws CommandError */
export function readZooKeeperConfig(configFile: string): { clientPort: number; dataDirectory: string | null } {
  const properties = new Map(parseProperties(readNamedFile(configFile)).map(({ key, value }) => [key, value]));
  const port = Number(properties.get('clientPort') ?? 2181);
  return { clientPort: Number.isInteger(port) ? port : 2181, dataDirectory: properties.get('dataDir') ?? null };
}

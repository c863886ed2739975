/** ZooKeeper for a test cluster: one server or an ensemble of three, each a real process that can be killed. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import * as path from 'node:path';
import { startProcess } from './child-process.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';

export interface EnsembleServer {
  readonly id: number;
  readonly port: number;
  readonly isRunning: boolean;
  start(): Promise<void>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** What the server says to a four-letter word. */
  ask(word: string): Promise<string>;
}

export interface Ensemble {
  readonly servers: readonly EnsembleServer[];
  readonly connectString: string;
  close(): Promise<void>;
}

export async function startEnsemble(directory: string, size: 1 | 3, tickTimeMs: number): Promise<Ensemble> {
  const ids = Array.from({ length: size }, (_, index) => index + 1);
  const ports = await Promise.all(ids.map(freePort));
  const members = await Promise.all(
    ids.map(async (id) => `server.${id}=127.0.0.1:${await freePort()}:${await freePort()}`),
  );
  const servers = ids.map((id, index) => {
    const home = path.join(directory, `zookeeper-${id}`);
    mkdirSync(path.join(home, 'data'), { recursive: true });
    const lines = [
      `dataDir=${home}/data`,
      `clientPort=${ports[index]}`,
      'clientPortAddress=127.0.0.1',
      'admin.enableServer=false',
      'maxClientCnxns=0',
      '4lw.commands.whitelist=*',
      `tickTime=${tickTimeMs}`,
      'initLimit=20',
      'syncLimit=10',
      ...(size === 1 ? [] : members),
    ];
    writeFileSync(path.join(home, 'zoo.cfg'), `${lines.join('\n')}\n`);
    writeFileSync(path.join(home, 'data/myid'), `${id}\n`);
    return new Server(id, ports[index] ?? 0, home);
  });
  await Promise.all(servers.map((server) => server.start()));
  return {
    servers,
    connectString: ports.map((port) => `127.0.0.1:${port}`).join(','),
    close: async () => {
      await Promise.all(servers.map((server) => server.kill()));
    },
  };
}

class Server implements EnsembleServer {
  readonly id: number;
  readonly port: number;
  readonly #home: string;
  #process: ChildProcess | null = null;
  #output = '';

  constructor(id: number, port: number, home: string) {
    this.id = id;
    this.port = port;
    this.#home = home;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  async start(): Promise<void> {
    const args = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', zooKeeperClassPath()];
    const child = startProcess(
      'java',
      [...args, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', path.join(this.#home, 'zoo.cfg')],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#process = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (bytes: Buffer) => {
        this.#output = (this.#output + bytes.toString()).slice(-8192);
      });
    child.once('exit', () => {
      if (this.#process === child) this.#process = null;
    });
    await eventually(() => this.#isServing(), { what: `ZooKeeper ${this.id}\n${this.#output}` });
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    child.kill(signal);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    this.#process = null;
  }

  ask(word: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.end(word));
      const answer: Buffer[] = [];
      socket.on('data', (bytes) => answer.push(bytes));
      socket.on('error', reject);
      socket.on('close', () => resolve(Buffer.concat(answer).toString()));
    });
  }

  async #isServing(): Promise<boolean> {
    if (this.#process === null) throw new Error(`ZooKeeper ${this.id} ended: ${this.#output}`);
    return /^Mode: /m.test(await this.ask('srvr'));
  }
}

/** ZooKeeper's jars: ZOOKEEPER_HOME, or where Debian puts them. */
export function zooKeeperClassPath(): string {
  const home = process.env['ZOOKEEPER_HOME'];
  if (home !== undefined) return `${home}/lib/*:${home}/*:${home}/conf`;
  const debian = '/usr/share/java';
  if (existsSync(debian) && readdirSync(debian).includes('zookeeper.jar')) return `${debian}/zookeeper.jar`;
  throw new Error('ZooKeeper is missing: apt-get install zookeeper, or set ZOOKEEPER_HOME');
}

/** ZooKeeper for a test cluster: one server or an ensemble of three, each a real process that can be killed. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import * as path from 'node:path';
import { requireZooKeeper, thisMachine, type ZooKeeperInstallation } from '../../src/cli/zookeeper-installation.ts';
import { zooKeeperCommand, zooKeeperProperties } from '../../src/cli/zookeeper-server.ts';
import { startProcess } from './child-process.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';

export interface EnsembleServer {
  readonly id: number;
  readonly port: number;
  readonly pid: number | undefined;
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
  const ensemble = await Promise.all(
    ids.map(async (id) => ({ id, host: '127.0.0.1', quorumPort: await freePort(), electionPort: await freePort() })),
  );
  const installation = await requireZooKeeper(thisMachine(), (line) => console.error(line));
  const servers = ids.map((id, index) => {
    const home = path.join(directory, `zookeeper-${id}`);
    const dataDirectory = path.join(home, 'data');
    const clientPort = ports[index] ?? 0;
    mkdirSync(dataDirectory, { recursive: true });
    const configFile = path.join(home, 'zoo.cfg');
    const config = { dataDirectory, clientPort, tickTimeMs, ensemble: size === 1 ? [] : ensemble };
    writeFileSync(configFile, zooKeeperProperties(config));
    writeFileSync(path.join(dataDirectory, 'myid'), `${id}\n`);
    return new Server(id, clientPort, configFile, installation);
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
  readonly #configFile: string;
  readonly #installation: ZooKeeperInstallation;
  #process: ChildProcess | null = null;
  #output = '';

  constructor(id: number, port: number, configFile: string, installation: ZooKeeperInstallation) {
    this.id = id;
    this.port = port;
    this.#configFile = configFile;
    this.#installation = installation;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get isRunning(): boolean {
    return this.#process !== null;
  }

  async start(): Promise<void> {
    const options = { heapMegabytes: 128, forceSync: false, logLevel: 'error' } as const;
    const { command, args } = zooKeeperCommand(this.#installation, this.#configFile, options);
    const child = startProcess(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
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
      // A server that is just starting, or stopped by a signal, accepts and says nothing.
      socket.setTimeout(1000, () => socket.destroy(new Error(`no answer to ${word}`)));
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

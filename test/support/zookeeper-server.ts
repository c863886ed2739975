/** Real ZooKeeper servers in a directory of their own, for one test file; all gone after `close`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { type EnsembleServer, startEnsemble } from './ensemble.ts';

export interface TestZooKeeper {
  readonly connectString: string;
  readonly servers: readonly TestZooKeeperServer[];
  close(): Promise<void>;
}

export interface TestZooKeeperServer {
  readonly port: number;
  readonly pid: number | undefined;
  readonly isRunning: boolean;
  /** Sends the signal; waits for the end of the process unless it is SIGSTOP or SIGCONT. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
  /** Starts it again with its data; resolves when it serves. */
  restart(): Promise<void>;
  /** Whether this one leads the ensemble, follows or stands alone. */
  mode(): Promise<'leader' | 'follower' | 'standalone' | null>;
}

/** Ticks of 200 ms allow sessions from 400 ms on. */
export async function startZooKeeper({
  servers: size = 1,
  tickTimeMs = 200,
}: {
  servers?: 1 | 3;
  tickTimeMs?: number;
} = {}): Promise<TestZooKeeper> {
  const directory = await mkdtemp(path.join(tmpdir(), 'barnabas-zookeeper-'));
  const ensemble = await startEnsemble(directory, size, tickTimeMs);
  return {
    connectString: ensemble.connectString,
    servers: ensemble.servers.map(asTestServer),
    close: async () => {
      await ensemble.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function asTestServer(server: EnsembleServer): TestZooKeeperServer {
  return {
    port: server.port,
    get pid() {
      return server.pid;
    },
    get isRunning() {
      return server.isRunning;
    },
    kill: (signal = 'SIGKILL') => server.kill(signal),
    stop: () => server.kill('SIGTERM'),
    restart: () => server.start(),
    mode: async () => {
      const [, mode] = /^Mode: (\w+)/m.exec(await server.ask('srvr')) ?? [];
      return mode === 'leader' || mode === 'follower' || mode === 'standalone' ? mode : null;
    },
  };
}

/** Clients of ZooKeeper for tests, closed when the test ends, and what to wait for. */
import { onTestFinished } from 'vitest';
import { SystemClock } from '../../src/lib/clock.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import { ZooKeeper } from '../../src/zk/zookeeper.ts';

export interface TestClientOptions {
  readonly sessionTimeoutMs?: number;
  readonly connectionTimeoutMs?: number;
  readonly maxInFlightRequests?: number;
  readonly maxWaitingRequests?: number;
  readonly logger?: Logger;
}

export function newZooKeeper(connectString: string, options: TestClientOptions = {}): ZooKeeper {
  const zk = new ZooKeeper({
    connectString,
    sessionTimeoutMs: 4000,
    connectionTimeoutMs: 30_000,
    clock: new SystemClock(),
    logger: silentLogger,
    ...options,
  });
  onTestFinished(() => zk.close());
  return zk;
}

/** A connected client. */
export async function connectZooKeeper(connectString: string, options: TestClientOptions = {}): Promise<ZooKeeper> {
  const zk = newZooKeeper(connectString, options);
  await zk.connect();
  return zk;
}

/** Empty clusters in ZooKeeper, one per test, and what it takes to be a broker or a controller in one. */
import { onTestFinished } from 'vitest';
import { SystemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { LeaderRecoveryState } from '../../src/model/leader-and-isr.ts';
import { ensurePersistentPaths } from '../../src/zk/bootstrap.ts';
import { electController } from '../../src/zk/election.ts';
import { FencedWriter } from '../../src/zk/fenced-writer.ts';
import type { BrokerRegistration } from '../../src/zk/znodes.ts';
import type { ZooKeeper } from '../../src/zk/zookeeper.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { connectZooKeeper, type TestClientOptions } from './zookeeper-client.ts';
import type { TestZooKeeper } from './zookeeper-server.ts';

export const context = { clock: new SystemClock(), logger: silentLogger };

export interface EmptyCluster {
  readonly zk: ZooKeeper;
  /** Another client of the same cluster. */
  another(options?: TestClientOptions): Promise<ZooKeeper>;
  /** One whose link can be made to fail. */
  throughProxy(options?: TestClientOptions): Promise<{ proxy: TcpProxy; zk: ZooKeeper }>;
}

let clusterCount = 0;

/** A chroot with the persistent paths, and clients in it. */
export async function newCluster(server: TestZooKeeper): Promise<EmptyCluster> {
  const chroot = `/cluster-${++clusterCount}`;
  const another = (options?: TestClientOptions) => connectZooKeeper(server.connectString + chroot, options);
  const zk = await another();
  await ensurePersistentPaths(zk);
  const throughProxy = async (options?: TestClientOptions) => {
    const proxy = await TcpProxy.start(server.servers[0]?.port ?? 0);
    onTestFinished(() => proxy.close());
    return { proxy, zk: await connectZooKeeper(proxy.address + chroot, options) };
  };
  return { zk, another, throughProxy };
}

export async function electedWriter(zk: ZooKeeper, brokerId: number): Promise<FencedWriter> {
  const result = await electController(zk, brokerId, 1);
  if (!result.elected) throw new Error(`broker ${result.controllerId} was there before`);
  return new FencedWriter(zk, result.controllerEpoch, result.epochZkVersion);
}

export function registration(port: number): BrokerRegistration {
  const endpoint = { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: 'localhost', port } as const;
  return { endpoints: [endpoint], rack: null };
}

export const replicas = (...ids: number[]) => ({ replicas: ids, addingReplicas: [], removingReplicas: [] });

export const leaderAndIsr = (leader: number, leaderEpoch: number, partitionEpoch: number) => ({
  leader,
  leaderEpoch,
  isr: [1, 2, 3],
  partitionEpoch,
  leaderRecoveryState: LeaderRecoveryState.RECOVERED,
});

/** ZooKeeper in memory behaves as the real one, as far as what stands on it can tell. */
import { MemoryZooKeeper } from '../../support/memory-zookeeper.ts';
import { describeZooKeeperContract } from '../../support/zookeeper-contract.ts';

describeZooKeeperContract(async () => {
  const server = new MemoryZooKeeper();
  return [server.client(), server.client()];
});

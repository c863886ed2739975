/** Blocks of producer ids, so that no id is ever given out twice in the life of the cluster (KIP-360, KIP-730). */
import { isZooKeeperError, ZooKeeperError, type ZooKeeperOperations } from './operations.ts';
import { ProducerIdBlockZnode } from './znodes.ts';

export const PRODUCER_ID_BLOCK_LENGTH = 1000;

/**
 * Takes the next block by compare-and-set. A lost reply may waste a block, never give it out twice
 * (Kafka's ZkProducerIdManager.getNewProducerIdBlock).
 */
export async function claimProducerIdBlock(
  zk: ZooKeeperOperations,
  brokerId: number,
): Promise<{ firstProducerId: number; length: number }> {
  for (;;) {
    const content = await zk.get(ProducerIdBlockZnode.path);
    const last = content === null ? null : ProducerIdBlockZnode.decode(content.data);
    const firstProducerId = last === null ? 0 : last.lastProducerId + 1;
    const lastProducerId = firstProducerId + PRODUCER_ID_BLOCK_LENGTH - 1;
    if (!Number.isSafeInteger(lastProducerId))
      throw new ZooKeeperError(
        'DATA_INCONSISTENCY',
        ProducerIdBlockZnode.path,
        `No producer ids are left: the latest block ends at ${last?.lastProducerId}`,
      );
    const data = ProducerIdBlockZnode.encode({ brokerId, firstProducerId, lastProducerId });
    try {
      if (content === null) await zk.create(ProducerIdBlockZnode.path, data);
      else await zk.set(ProducerIdBlockZnode.path, data, content.stat.version);
      return { firstProducerId, length: PRODUCER_ID_BLOCK_LENGTH };
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_VERSION', 'NODE_EXISTS', 'NO_NODE')) throw error;
    }
  }
}

/** The state of partitions: leader, epochs, ISR. Only read here; the controller writes it through a FencedWriter. */
import type { TopicPartition } from '../model/topic-partition.ts';
import { topicPartitionKey } from '../model/topic-partition.ts';
import type { ZooKeeperOperations } from './operations.ts';
import type { PartitionState } from './znodes.ts';
import { TopicPartitionStateZnode } from './znodes.ts';

/** The states by `topicPartitionKey`; a partition that has none yet is left out. The reads are pipelined. */
export async function readPartitionStates(
  zk: ZooKeeperOperations,
  partitions: readonly TopicPartition[],
): Promise<Map<string, PartitionState>> {
  const contents = await Promise.all(
    partitions.map(({ topic, partition }) => zk.get(TopicPartitionStateZnode.path(topic, partition))),
  );
  const result = new Map<string, PartitionState>();
  for (const [index, { topic, partition }] of partitions.entries()) {
    const content = contents[index];
    if (!content) continue;
    const state = TopicPartitionStateZnode.decode(topic, partition, content.data, content.stat.version);
    result.set(topicPartitionKey(topic, partition), state);
  }
  return result;
}

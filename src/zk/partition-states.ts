/** The state of partitions: leader, epochs, ISR. Only read here; the controller writes it through a FencedWriter. */
import type { TopicPartition } from '../model/topic-partition.ts';
import { topicPartitionKey } from '../model/topic-partition.ts';
import type { ZooKeeperOperations } from './operations.ts';
import type { PartitionState } from './znodes.ts';
import { TopicPartitionStateZnode } from './znodes.ts';

export interface WrittenPartitionState {
  readonly state: PartitionState;
  /** The transaction that wrote it; whatever has a larger czxid was created later. */
  readonly mzxid: number;
}

/** The states by `topicPartitionKey`; a partition that has none yet is left out. The reads are pipelined. */
export async function readPartitionStates(
  zk: ZooKeeperOperations,
  partitions: readonly TopicPartition[],
): Promise<Map<string, PartitionState>> {
  const written = await readWrittenPartitionStates(zk, partitions);
  return new Map([...written].map(([key, { state }]) => [key, state]));
}

/** The same, and when each was written. */
export async function readWrittenPartitionStates(
  zk: ZooKeeperOperations,
  partitions: readonly TopicPartition[],
): Promise<Map<string, WrittenPartitionState>> {
  const contents = await Promise.all(
    partitions.map(({ topic, partition }) => zk.get(TopicPartitionStateZnode.path(topic, partition))),
  );
  const result = new Map<string, WrittenPartitionState>();
  for (const [index, { topic, partition }] of partitions.entries()) {
    const content = contents[index];
    if (!content) continue;
    const { version, mzxid } = content.stat;
    const state = TopicPartitionStateZnode.decode(topic, partition, content.data, version);
    result.set(topicPartitionKey(topic, partition), { state, mzxid });
  }
  return result;
}

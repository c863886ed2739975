/**
 * Reads the cluster from ZooKeeper for the controller: much at a time, but never so much that other things wait long.
 * A znode whose bytes make no sense is logged and left out: one broken topic must not keep a cluster without a
 * controller.
 */
import type { Logger } from '../lib/logger.ts';
import type { BrokerInfo } from '../model/broker.ts';
import type { TopicPartition } from '../model/topic-partition.ts';
import { readBroker, readBrokerIds } from '../zk/brokers.ts';
import type { ZooKeeperOperations } from '../zk/operations.ts';
import { readWrittenPartitionStates, type WrittenPartitionState } from '../zk/partition-states.ts';
import { readTopicAssignments } from '../zk/topics.ts';
import { ZnodeFormatError } from '../zk/znode-json.ts';
import type { TopicAssignment } from '../zk/znodes.ts';

const READS_AT_ONCE = 500;

export class ClusterReader {
  readonly #zk: ZooKeeperOperations;
  readonly #logger: Logger;
  #hasPassedOver = false;

  constructor(zk: ZooKeeperOperations, logger: Logger) {
    this.#zk = zk;
    this.#logger = logger;
  }

  /** Whether anything that was read made no sense. */
  get hasPassedOver(): boolean {
    return this.#hasPassedOver;
  }

  /** By ascending id. Arms the watches on the list and on each of them. */
  async brokers(): Promise<BrokerInfo[]> {
    const ids = await readBrokerIds(this.#zk);
    const brokers = await this.#readAll(ids, async (chunk) => {
      const found = await Promise.all(chunk.map((brokerId) => readBroker(this.#zk, brokerId)));
      return found.filter((broker) => broker !== null);
    });
    return brokers;
  }

  /** Those that exist. Arms the watches on them. */
  topics(names: readonly string[]): Promise<TopicAssignment[]> {
    return this.#readAll(names, async (chunk) => [...(await readTopicAssignments(this.#zk, chunk)).values()]);
  }

  /** By `topicPartitionKey`; partitions that have no state yet are left out. */
  async partitionStates(partitions: readonly TopicPartition[]): Promise<Map<string, WrittenPartitionState>> {
    const read = async (chunk: readonly TopicPartition[]) => [...(await readWrittenPartitionStates(this.#zk, chunk))];
    return new Map(await this.#readAll(partitions, read));
  }

  async #readAll<T, R>(items: readonly T[], read: (chunk: readonly T[]) => Promise<R[]>): Promise<R[]> {
    const result: R[] = [];
    for (let start = 0; start < items.length; start += READS_AT_ONCE) {
      const chunk = items.slice(start, start + READS_AT_ONCE);
      const found = await this.#readChunk(chunk, read);
      for (const item of found) result.push(item);
    }
    return result;
  }

  async #readChunk<T, R>(chunk: readonly T[], read: (chunk: readonly T[]) => Promise<R[]>): Promise<R[]> {
    try {
      return await read(chunk);
    } catch (error) {
      if (!(error instanceof ZnodeFormatError)) throw error;
      if (chunk.length > 1) return (await Promise.all(chunk.map((item) => this.#readChunk([item], read)))).flat();
      this.#hasPassedOver = true;
      this.#logger.error('A znode is passed over because its content makes no sense', error);
      return [];
    }
  }
}

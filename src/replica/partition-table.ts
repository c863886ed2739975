/** The partitions of this broker by topic and number: a map with guards, nothing more. */
import type { ErrorName } from '../protocol/errors.ts';
import type { Partition } from './partition.ts';

/** Stands for a replica whose disk has failed. */
export const OFFLINE = 'OFFLINE';
export type HostedPartition = Partition | typeof OFFLINE;

export class PartitionTable {
  readonly #topics = new Map<string, Map<number, HostedPartition>>();
  readonly #isInMetadata: (topic: string, partition: number) => boolean;

  constructor(isInMetadata: (topic: string, partition: number) => boolean) {
    this.#isInMetadata = isInMetadata;
  }

  get(topic: string, partition: number): HostedPartition | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  /** The partition, or why it is not here: a topic that exists elsewhere makes clients refresh their metadata. */
  find(topic: string, partition: number): Partition | ErrorName {
    const hosted = this.#topics.get(topic)?.get(partition);
    if (hosted === OFFLINE) return 'KAFKA_STORAGE_ERROR';
    if (hosted !== undefined) return hosted;
    return this.#isInMetadata(topic, partition) ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION';
  }

  put(topic: string, partition: number, hosted: HostedPartition): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#topics.set(topic, partitions);
    }
    partitions.set(partition, hosted);
  }

  remove(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic);
    if (partitions === undefined || !partitions.delete(partition)) return;
    if (partitions.size === 0) this.#topics.delete(topic);
  }

  hasTopic(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** The replicas whose disk works. */
  *online(): IterableIterator<Partition> {
    for (const partitions of this.#topics.values())
      for (const hosted of partitions.values()) if (hosted !== OFFLINE) yield hosted;
  }

  *ofTopic(topic: string): IterableIterator<Partition> {
    for (const hosted of this.#topics.get(topic)?.values() ?? []) if (hosted !== OFFLINE) yield hosted;
  }

  get offlineCount(): number {
    let count = 0;
    for (const partitions of this.#topics.values())
      for (const hosted of partitions.values()) if (hosted === OFFLINE) count++;
    return count;
  }
}

/**
 * @pure Which member of a group has each partition, or has yet to give it up. Guarantees that one member's change
 * never takes a partition from another that has got it since. (Kafka keeps the epoch of the owner instead, and its
 * replay throws when records of a compacted log come in an order that epochs do not explain: KAFKA-19862.)
 */
import type { TopicId } from '../model/topic-partition.ts';
import type { Assignment } from './assignment.ts';

export class PartitionOwners {
  readonly #byTopic = new Map<TopicId, Map<number, string>>();

  of(topicId: TopicId, partition: number): string | undefined {
    return this.#byTopic.get(topicId)?.get(partition);
  }

  add(memberId: string, assignment: Assignment): void {
    for (const [topicId, partitions] of assignment) {
      let owners = this.#byTopic.get(topicId);
      if (owners === undefined) {
        owners = new Map();
        this.#byTopic.set(topicId, owners);
      }
      for (const partition of partitions) owners.set(partition, memberId);
    }
  }

  remove(memberId: string, assignment: Assignment): void {
    for (const [topicId, partitions] of assignment) {
      const owners = this.#byTopic.get(topicId);
      if (owners === undefined) continue;
      for (const partition of partitions) if (owners.get(partition) === memberId) owners.delete(partition);
      if (owners.size === 0) this.#byTopic.delete(topicId);
    }
  }
}

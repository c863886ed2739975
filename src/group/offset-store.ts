/**
 * @pure Committed offsets by group, topic and partition. Guarantees that what is empty is gone, so that the groups,
 * topics and partitions that are listed are those that have offsets. Kafka: OffsetMetadataManager.Offsets.
 */
import type { CommittedOffset } from './group.ts';

export type OffsetsByTopic = ReadonlyMap<string, ReadonlyMap<number, CommittedOffset>>;

const NONE: OffsetsByTopic = new Map();

export interface StoredOffset {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: CommittedOffset;
}

export class OffsetStore {
  readonly #groups = new Map<string, Map<string, Map<number, CommittedOffset>>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.get(topic)?.get(partition);
  }

  hasGroup(groupId: string): boolean {
    return this.#groups.has(groupId);
  }

  of(groupId: string): OffsetsByTopic {
    return this.#groups.get(groupId) ?? NONE;
  }

  countOf(groupId: string): number {
    let count = 0;
    for (const partitions of this.of(groupId).values()) count += partitions.size;
    return count;
  }

  put(groupId: string, topic: string, partition: number, offset: CommittedOffset): void {
    const topics = entry(this.#groups, groupId);
    const partitions = entry(topics, topic);
    if (!partitions.has(partition)) this.#size++;
    partitions.set(partition, offset);
  }

  remove(groupId: string, topic: string, partition: number): void {
    const topics = this.#groups.get(groupId);
    const partitions = topics?.get(topic);
    if (topics === undefined || partitions === undefined || !partitions.delete(partition)) return;
    this.#size--;
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.#groups.delete(groupId);
  }

  *ofGroup(groupId: string): Iterable<StoredOffset> {
    for (const [topic, partitions] of this.of(groupId))
      for (const [partition, offset] of partitions) yield { groupId, topic, partition, offset };
  }

  *all(): Iterable<StoredOffset> {
    for (const groupId of this.#groups.keys()) yield* this.ofGroup(groupId);
  }
}

function entry<K, A, B>(map: Map<K, Map<A, B>>, key: K): Map<A, B> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map<A, B>();
  map.set(key, made);
  return made;
}

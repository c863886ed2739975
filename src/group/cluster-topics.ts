/** @pure The topics of one metadata image, as the rules of groups see them. */
import { type TopicId, ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import type { TopicsView } from './group-settings.ts';

/** By number. */
type KnownPartitions = ReadonlyMap<number, unknown>;

/** Of partitions that do not change any more. */
const counts = new WeakMap<KnownPartitions, number>();

/** What of a metadata image matters here; metadata/metadata-image.ts fits. */
export interface TopicsImage {
  readonly topics: ReadonlyMap<string, { readonly topicId: TopicId; readonly partitions: KnownPartitions }>;
  readonly topicNameById: ReadonlyMap<TopicId, string>;
}

export class ClusterTopics implements TopicsView {
  readonly #image: TopicsImage;

  constructor(image: TopicsImage) {
    this.#image = image;
  }

  topicId(topic: string): TopicId | undefined {
    return this.#image.topics.get(topic)?.topicId;
  }

  topicName(topicId: TopicId): string | undefined {
    return this.#image.topicNameById.get(topicId);
  }

  /** As far as it is known: a partition that never had a leader is not in the image, while those behind it may be. */
  partitionCount(topic: string): number {
    const partitions = this.#image.topics.get(topic)?.partitions;
    if (partitions === undefined) return 0;
    let count = counts.get(partitions);
    if (count === undefined) {
      count = 0;
      for (const partition of partitions.keys()) count = Math.max(count, partition + 1);
      counts.set(partitions, count);
    }
    return count;
  }

  /** Some of its partitions never had a leader, so there may be more than are counted. */
  hasGaps(topic: string): boolean {
    return (this.#image.topics.get(topic)?.partitions.size ?? 0) < this.partitionCount(topic);
  }

  topicNames(): Iterable<string> {
    return this.#image.topics.keys();
  }
}

/**
 * The topics of the former image that are gone: deleted, or deleted and made again under the same name. One that had no
 * id and has got one, in a cluster as old as that, is the same topic.
 */
export function deletedTopics(former: TopicsView, now: TopicsView, changed: Iterable<string>): string[] {
  return [...changed].filter((topic) => {
    const formerId = former.topicId(topic);
    const id = now.topicId(topic);
    return formerId !== undefined && formerId !== id && (formerId !== ZERO_TOPIC_ID || id === undefined);
  });
}

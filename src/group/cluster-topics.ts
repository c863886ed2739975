/** @pure The topics of one metadata image, as the rules of groups see them. */
import { type TopicId, ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import type { TopicsView } from './group-settings.ts';

/** What of a metadata image matters here; metadata/metadata-image.ts fits. */
export interface TopicsImage {
  readonly topics: ReadonlyMap<string, { readonly topicId: TopicId; readonly partitions: { readonly size: number } }>;
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

  partitionCount(topic: string): number {
    return this.#image.topics.get(topic)?.partitions.size ?? 0;
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

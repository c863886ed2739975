/** The topics of a cluster as a test sets them; a topic that is made again has another id. */
import type { TopicsView } from '../../src/group/group-settings.ts';
import type { TopicId } from '../../src/model/topic-partition.ts';

const UUID_BYTES = 16;

export class ManualTopics implements TopicsView {
  readonly #topics = new Map<string, { readonly topicId: TopicId; readonly partitions: number }>();
  readonly #names = new Map<TopicId, string>();
  #made = 0;

  set(topic: string, partitions: number): void {
    const topicId = this.topicId(topic) ?? this.#newId(topic);
    this.#topics.set(topic, { topicId, partitions });
    this.#names.set(topicId, topic);
  }

  delete(topic: string): void {
    const topicId = this.topicId(topic);
    if (topicId !== undefined) this.#names.delete(topicId);
    this.#topics.delete(topic);
  }

  topicId(topic: string): TopicId | undefined {
    return this.#topics.get(topic)?.topicId;
  }

  topicName(topicId: TopicId): string | undefined {
    return this.#names.get(topicId);
  }

  partitionCount(topic: string): number {
    return this.#topics.get(topic)?.partitions ?? 0;
  }

  topicNames(): Iterable<string> {
    return this.#topics.keys();
  }

  #newId(topic: string): TopicId {
    const id = Buffer.alloc(UUID_BYTES);
    id.write(topic);
    id.writeUInt8(++this.#made, UUID_BYTES - 1);
    return id.toString('base64url');
  }
}

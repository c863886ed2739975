/**
 * @pure The nouns of a partition. Topic names are compared as they are, so keys must live in a Map, never in an object.
 */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `topic-partition`, Kafka's directory name. Unambiguous: what follows the last dash is the partition. */
export function topicPartitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** A topic id as Kafka prints it: 16 bytes in URL-safe base64 without padding, 22 characters. */
export type TopicId = string;
export const ZERO_TOPIC_ID: TopicId = 'AAAAAAAAAAAAAAAAAAAAAA';

/**
 * @pure `partition.metadata` beside a log: which incarnation of the topic it belongs to (PartitionMetadataFile, version
 * 0).
 */
import type { TopicId } from '../model/topic-partition.ts';

export const PARTITION_METADATA = 'partition.metadata';
const FORMAT = /^version: 0\ntopic_id: ([A-Za-z0-9_-]{22})\s*$/;

export function encodePartitionMetadata(topicId: TopicId): string {
  return `version: 0\ntopic_id: ${topicId}`;
}

/** Null for anything that is not such a file. */
export function decodePartitionMetadata(text: string): TopicId | null {
  return FORMAT.exec(text)?.[1] ?? null;
}

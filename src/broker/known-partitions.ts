/**
 * @pure Parts the partitions that a request about a group's offsets names into those that exist and those that do not,
 * and puts the answers together again.
 */
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import { Errors } from '../protocol/errors.ts';

interface NamedTopic<P> {
  readonly name: string;
  readonly partitions: readonly P[];
}
export interface PartitionAnswer {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

export interface PartedTopics<P> {
  readonly known: { name: string; partitions: P[] }[];
  /** The answers for the others: UNKNOWN_TOPIC_OR_PARTITION. */
  readonly unknown: NamedTopic<PartitionAnswer>[];
}

export function partTopics<P extends { readonly partitionIndex: number }>(
  topics: readonly NamedTopic<P>[],
  metadata: Pick<MetadataCache, 'contains'>,
): PartedTopics<P> {
  const known: { name: string; partitions: P[] }[] = [];
  const unknown: NamedTopic<PartitionAnswer>[] = [];
  for (const { name, partitions } of topics) {
    const exists = ({ partitionIndex }: P): boolean => metadata.contains(name, partitionIndex);
    const existing = partitions.filter(exists);
    if (existing.length > 0) known.push({ name, partitions: existing });
    const missing = partitions.filter((partition) => !exists(partition));
    if (missing.length === 0) continue;
    const errorCode = Errors.UNKNOWN_TOPIC_OR_PARTITION;
    unknown.push({ name, partitions: missing.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) });
  }
  return { known, unknown };
}

/** One entry for each topic, whichever answer it came with. */
export function joinTopics(
  ...answers: readonly (readonly NamedTopic<PartitionAnswer>[])[]
): NamedTopic<PartitionAnswer>[] {
  const byName = new Map<string, PartitionAnswer[]>();
  for (const { name, partitions } of answers.flat()) {
    const joined = byName.get(name);
    if (joined === undefined) byName.set(name, [...partitions]);
    else joined.push(...partitions);
  }
  return [...byName].map(([name, partitions]) => ({ name, partitions }));
}

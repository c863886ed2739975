/**
 * @pure Which partitions a member of a group has, or is to have, by topic id. An assignment is a value: nobody changes
 * one that somebody else holds. A topic without partitions is not in it.
 */
import type { TopicId } from '../model/topic-partition.ts';

export type Assignment = ReadonlyMap<TopicId, ReadonlySet<number>>;
/** One that is being made. */
export type DraftAssignment = Map<TopicId, Set<number>>;

/** As requests, responses and records list it. */
export interface TopicPartitions {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

export const NO_PARTITIONS: ReadonlySet<number> = new Set();
export const EMPTY_ASSIGNMENT: Assignment = new Map();

export function addPartition(draft: DraftAssignment, topicId: TopicId, partition: number): void {
  const partitions = draft.get(topicId);
  if (partitions === undefined) draft.set(topicId, new Set([partition]));
  else partitions.add(partition);
}

export function hasPartition(assignment: Assignment, topicId: TopicId, partition: number): boolean {
  return assignment.get(topicId)?.has(partition) ?? false;
}

export function sameAssignment(one: Assignment, other: Assignment): boolean {
  if (one === other) return true;
  if (one.size !== other.size) return false;
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const partition of partitions) if (!others.has(partition)) return false;
  }
  return true;
}

export function union(one: Assignment, other: Assignment): Assignment {
  const draft: DraftAssignment = new Map();
  for (const assignment of [one, other])
    for (const [topicId, partitions] of assignment)
      for (const partition of partitions) addPartition(draft, topicId, partition);
  return draft;
}

/** Whether all that is listed is in the assignment. Kafka: GroupMetadataManager.isSubset. */
export function isWithin(listed: readonly TopicPartitions[], assignment: Assignment): boolean {
  return listed.every(({ topicId, partitions }) =>
    partitions.every((partition) => hasPartition(assignment, topicId, partition)),
  );
}

/** Whether anything that is listed is in the assignment. */
export function intersects(listed: readonly TopicPartitions[], assignment: Assignment): boolean {
  return listed.some(({ topicId, partitions }) =>
    partitions.some((partition) => hasPartition(assignment, topicId, partition)),
  );
}

export function assignmentFrom(listed: readonly TopicPartitions[]): Assignment {
  const draft: DraftAssignment = new Map();
  for (const { topicId, partitions } of listed)
    for (const partition of partitions) addPartition(draft, topicId, partition);
  return draft;
}

/** Sorted, so that the same assignment is always written in the same way. */
export function listAssignment(assignment: Assignment): { topicId: TopicId; partitions: number[] }[] {
  return [...assignment]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([topicId, partitions]) => ({ topicId, partitions: [...partitions].sort((one, other) => one - other) }));
}

/** The offsets of a group as its members read and write them. */
import { type TopicPartition, topicPartitionKey } from '../model/topic-partition.ts';
import { type ErrorName, Errors, errorName, isRetriable } from '../protocol/errors.ts';
import { OffsetCommit, OffsetFetch } from '../protocol/messages/index.ts';
import { ApiError } from './api-error.ts';
import type { ClusterClient } from './cluster-client.ts';
import type { Coordinators } from './coordinators.ts';
import type { GroupOffset } from './group-admin.ts';

export interface CommittingMember {
  readonly groupId: string;
  readonly memberId: string;
  /** Or the member epoch of the new protocol. */
  readonly generationId: number;
  readonly groupInstanceId: string | null;
}

const FIRST_VERSION = { requireStable: 7, manyGroups: 8, groupInstanceId: 7 } as const;
const RETRY_BACKOFF_MS = 100;
const OF_COORDINATOR: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
]);

/** The error is for a new look at the coordinator, not for the caller. */
export function isOfCoordinator(error: ErrorName): boolean {
  return OF_COORDINATOR.has(error);
}

/** By topicPartitionKey; partitions without an offset are left out. @throws ApiError */
export async function fetchMemberOffsets(
  cluster: ClusterClient,
  coordinators: Coordinators,
  groupId: string,
  partitions: readonly TopicPartition[],
  requireStable: boolean,
): Promise<Map<string, number>> {
  const known = await memberOffsets(cluster, coordinators, groupId, partitions, requireStable);
  return new Map(known.map(({ topic, partition, offset }) => [topicPartitionKey(topic, partition), offset]));
}

/** Without those that have no offset; with what was noted beside them. @throws ApiError */
export async function memberOffsets(
  cluster: ClusterClient,
  coordinators: Coordinators,
  groupId: string,
  partitions: readonly TopicPartition[],
  requireStable: boolean,
): Promise<(GroupOffset & { readonly metadata: string })[]> {
  for (;;) {
    const fetched = await fetchOnce(cluster, coordinators, groupId, partitions, requireStable);
    const errors = fetched.map(({ errorCode }) => errorName(errorCode)).filter((error) => error !== 'NONE');
    const lasting = errors.find((error) => !isRetriable(error));
    if (lasting !== undefined) throw ApiError.named(lasting);
    if (errors.length === 0) return fetched.flatMap(({ errorCode: _, ...known }) => (known.offset >= 0 ? [known] : []));
    // UNSTABLE_OFFSET_COMMIT: a transaction that commits offsets is not over yet.
    await cluster.clock.sleep(RETRY_BACKOFF_MS);
  }
}

function fetchOnce(
  cluster: ClusterClient,
  coordinators: Coordinators,
  groupId: string,
  partitions: readonly TopicPartition[],
  requireStable: boolean,
): Promise<(GroupOffset & { readonly metadata: string; readonly errorCode: number })[]> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, of]) => ({
    name,
    partitionIndexes: of.map(({ partition }) => partition),
  }));
  const stable = (version: number) => (version >= FIRST_VERSION.requireStable ? { requireStable } : {});
  return coordinators.askOne(groupId, 'offsetFetch', async (node) => {
    const response = await cluster.send(node, OffsetFetch, (version) =>
      version >= FIRST_VERSION.manyGroups
        ? { groups: [{ groupId, topics }], ...stable(version) }
        : { groupId, topics, ...stable(version) },
    );
    const answer = response.groups[0] ?? response;
    if (answer.errorCode !== Errors.NONE) return ApiError.of(answer.errorCode);
    return answer.topics.flatMap(({ name, partitions: of }) =>
      of.map(({ partitionIndex, committedOffset, metadata, errorCode }) => ({
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
        metadata: metadata ?? '',
        errorCode,
      })),
    );
  });
}

/** The first thing that went wrong, or null. */
export async function commitMemberOffsets(
  cluster: ClusterClient,
  coordinators: Coordinators,
  member: CommittingMember,
  offsets: readonly GroupOffset[],
  deadline: number,
): Promise<ApiError | null> {
  const { groupId, memberId, generationId, groupInstanceId } = member;
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, of]) => ({
    name,
    partitions: of.map(({ partition, offset, metadata = '' }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedMetadata: metadata,
    })),
  }));
  try {
    const failure = await coordinators.askOne<ErrorName>(
      groupId,
      'offsetCommit',
      async (node) => {
        const request = (version: number) => ({
          groupId,
          generationIdOrMemberEpoch: generationId,
          memberId,
          ...(groupInstanceId !== null && version >= FIRST_VERSION.groupInstanceId && { groupInstanceId }),
          topics,
        });
        const answer = await cluster.send(node, OffsetCommit, request, cluster.timeLeft(deadline));
        const errors = answer.topics.flatMap(({ partitions }) =>
          partitions.map(({ errorCode }) => errorName(errorCode)),
        );
        const error = errors.find((found) => found !== 'NONE') ?? 'NONE';
        return isOfCoordinator(error) ? ApiError.named(error) : error;
      },
      deadline,
    );
    return failure === 'NONE' ? null : ApiError.named(failure);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

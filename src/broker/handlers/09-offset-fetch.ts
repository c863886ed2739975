/**
 * OffsetFetch v0-9: how far groups have read.
 *
 * Behaviour: -1 for a partition without a committed offset; all of a group's offsets when no topics are named. Offsets
 * that are not replicated yet are waited for, so none that is answered can be lost. Each group is answered once and for
 * itself, NOT_COORDINATOR when it lives on another broker.
 * Versions: v0 reads from ZooKeeper. Up to v7 there is one group; its error stands at every partition in v1, which has
 * no other place for it. v2 allows topics null, v8 brings many groups (KIP-709).
 */
import { Errors } from '../../protocol/errors.ts';
import { OffsetFetch } from '../../protocol/messages/09-offset-fetch.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import { handler, type RequestContext } from '../handler.ts';
import { memberContext } from '../member-context.ts';

type OffsetFetchRequest = RequestOf<typeof OffsetFetch>;
type OffsetFetchResponse = ResponseOf<typeof OffsetFetch>;
type FetchedTopic = NonNullable<OffsetFetchResponse['topics']>[number];
type FetchedPartition = NonNullable<FetchedTopic['partitions']>[number];
type FetchedGroup = NonNullable<OffsetFetchResponse['groups']>[number];

const FIRST_VERSION = { coordinator: 1, groupError: 2, groups: 8 } as const;
const NO_OFFSET = -1;
const NO_EPOCH = -1;

export const offsetFetch = handler(OffsetFetch, { versions: '0-9', onError }, async (context, request) => {
  const { broker, version } = context;
  if (version < FIRST_VERSION.coordinator) return fetchFromZooKeeper(context, request);
  const ask = (group: OffsetFetchRequest['groups'][number]): Promise<FetchedGroup> =>
    broker.groups.fetchOffsets(memberContext(context), group, request.requireStable);
  if (version >= FIRST_VERSION.groups) {
    const groups = [...new Map(request.groups.map((group) => [group.groupId, group])).values()];
    return { topics: [], groups: await Promise.all(groups.map(ask)) };
  }
  const { groupId, topics } = request;
  const group = await ask({ groupId, memberId: null, memberEpoch: NO_EPOCH, topics });
  const errorCode = group.errorCode ?? Errors.NONE;
  const isErrorLost = version < FIRST_VERSION.groupError && errorCode !== Errors.NONE;
  return {
    topics: isErrorLost ? failedTopics(request, errorCode) : group.topics,
    errorCode,
    groups: [],
  };
});

async function fetchFromZooKeeper(
  { broker }: RequestContext,
  request: OffsetFetchRequest,
): Promise<OffsetFetchResponse> {
  const fetchPartition = async (topic: string, partitionIndex: number): Promise<FetchedPartition> => {
    const unknown = { partitionIndex, committedOffset: NO_OFFSET, metadata: '', errorCode: Errors.NONE };
    if (!broker.metadata.contains(topic, partitionIndex))
      return { ...unknown, errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION };
    const found = await broker.zooKeeperOffsets.read(request.groupId, topic, partitionIndex);
    if (typeof found === 'string') return { ...unknown, errorCode: Errors[found] };
    return found === null
      ? { ...unknown, errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION }
      : { ...unknown, committedOffset: found };
  };
  const topics = (request.topics ?? []).map(async ({ name, partitionIndexes }) => ({
    name,
    partitions: await Promise.all(partitionIndexes.map((index) => fetchPartition(name, index))),
  }));
  return { topics: await Promise.all(topics), groups: [] };
}

function failedTopics({ topics }: OffsetFetchRequest, errorCode: number): FetchedTopic[] {
  return (topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: NO_OFFSET,
      metadata: '',
      errorCode,
    })),
  }));
}

function onError(
  request: OffsetFetchRequest,
  error: keyof typeof Errors,
  _message: string | null,
  version: number,
): OffsetFetchResponse {
  const errorCode = Errors[error];
  if (version >= FIRST_VERSION.groups)
    return { topics: [], groups: request.groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })) };
  return {
    topics: version < FIRST_VERSION.groupError ? failedTopics(request, errorCode) : [],
    errorCode,
    groups: [],
  };
}

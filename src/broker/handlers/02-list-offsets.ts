/**
 * ListOffsets v1-9: the offset of the first record not older than a timestamp, or of a place in the log: -1 its end,
 * -2 its start, -3 the record with the largest timestamp (v7), -4 the start of what is local (v8: nothing is
 * elsewhere here, so the start), -5 the end of what is tiered (v9: nothing is, so none).
 *
 * Behaviour: the leader answers; a debugger (replicaId -2) any replica. Clients see what is committed, replicas the
 * whole log. A partition named twice is INVALID_REQUEST. Right after an election, while the high watermark is behind
 * the start of the epoch, the end is OFFSET_NOT_AVAILABLE (KIP-207), which clients before v5 are told as
 * LEADER_NOT_AVAILABLE.
 * Versions: isolationLevel from v2, the leader epochs from v4. Not here: v0 and its lists of segment offsets.
 */
import { type ErrorName, Errors, KafkaError } from '../../protocol/errors.ts';
import { ListOffsets } from '../../protocol/messages/02-list-offsets.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import type { Partition } from '../../replica/partition.ts';
import type { TimestampOffset } from '../../replica/replica-log.ts';
import { earliestOffset, latestOffset, type OffsetAsker, visibleOffset } from '../../replica/visible-offsets.ts';
import { handler, type RequestContext } from '../handler.ts';

type ListOffsetsRequest = RequestOf<typeof ListOffsets>;
type AskedPartition = ListOffsetsRequest['topics'][number]['partitions'][number];
type PartitionAnswer = ResponseOf<typeof ListOffsets>['topics'][number]['partitions'][number];

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const EARLIEST_LOCAL = -4;
const LATEST_TIERED = -5;
const FIRST_VERSION_OF_PLACE: ReadonlyMap<number, number> = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
]);
const FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE = 5;
const CONSUMER = -1;
const DEBUGGING_REPLICA = -2;
const READ_COMMITTED = 1;

export const listOffsets = handler(ListOffsets, { versions: '1-9' }, (context, request) => {
  const duplicates = duplicatesIn(request);
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((asked) =>
        duplicates.has(`${name}-${asked.partitionIndex}`)
          ? failed(asked, 'INVALID_REQUEST')
          : listOffset(context, request, name, asked),
      ),
    })),
  };
});

function listOffset(
  { broker, version }: RequestContext,
  { replicaId, isolationLevel }: ListOffsetsRequest,
  topic: string,
  asked: AskedPartition,
): PartitionAnswer {
  const { timestamp, partitionIndex, currentLeaderEpoch } = asked;
  if (timestamp < 0 && version < (FIRST_VERSION_OF_PLACE.get(timestamp) ?? Number.POSITIVE_INFINITY))
    return failed(asked, 'UNSUPPORTED_VERSION');
  const partition = broker.replicas.find(topic, partitionIndex);
  if (typeof partition === 'string') return failed(asked, partition);
  const error = partition.check(currentLeaderEpoch, replicaId !== DEBUGGING_REPLICA);
  if (error !== 'NONE') return failed(asked, error);
  try {
    const found = find(partition, timestamp, {
      isClient: replicaId === CONSUMER,
      isReadCommitted: isolationLevel === READ_COMMITTED,
    });
    if (found === 'OFFSET_NOT_AVAILABLE' && version < FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE)
      return failed(asked, 'LEADER_NOT_AVAILABLE');
    if (typeof found === 'string') return failed(asked, found);
    if (found === null) return failed(asked, 'NONE');
    const { timestampMs, offset, leaderEpoch } = found;
    return {
      partitionIndex,
      errorCode: Errors.NONE,
      timestamp: timestampMs,
      offset,
      ...(version >= 4 && { leaderEpoch }),
    };
  } catch (problem) {
    if (problem instanceof KafkaError) return failed(asked, problem.error);
    throw problem;
  }
}

/** Null when there is no such offset. */
function find(partition: Partition, timestamp: number, asker: OffsetAsker): TimestampOffset | ErrorName | null {
  const { log } = partition;
  switch (timestamp) {
    case LATEST:
      return latestOffset(partition, asker);
    case EARLIEST:
    case EARLIEST_LOCAL:
      return earliestOffset(partition);
    case LATEST_TIERED:
      return null;
    case MAX_TIMESTAMP:
      return visibleOffset(partition, asker, log.offsetOfMaxTimestamp());
    default:
      return visibleOffset(partition, asker, log.offsetForTimestamp(timestamp));
  }
}

function failed({ partitionIndex }: AskedPartition, error: ErrorName): PartitionAnswer {
  return { partitionIndex, errorCode: Errors[error] };
}

function duplicatesIn({ topics }: ListOffsetsRequest): ReadonlySet<string> {
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  for (const { name, partitions } of topics)
    for (const { partitionIndex } of partitions) {
      const key = `${name}-${partitionIndex}`;
      if (seen.has(key)) duplicates.add(key);
      seen.add(key);
    }
  return duplicates;
}

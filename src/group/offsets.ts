/**
 * @pure What groups have committed: OffsetCommit, OffsetFetch, OffsetDelete. Kafka: OffsetMetadataManager.
 *
 * Guarantees: an offset changes only by a record, a request's partitions all at once; a commit of somebody who is no
 * member of the current generation changes nothing; what is fetched is committed.
 */
import type { Ticket } from '../coordinator/shard.ts';
import { Errors, type ErrorName } from '../protocol/errors.ts';
import type { GroupRecord } from '../protocol/internal/group-record.ts';
import type { OffsetCommit } from '../protocol/messages/08-offset-commit.ts';
import type { OffsetFetch } from '../protocol/messages/09-offset-fetch.ts';
import type { OffsetDelete } from '../protocol/messages/47-offset-delete.ts';
import type { RequestOf, ResponseOf } from '../protocol/schema.ts';
import type { Decision } from './decision.ts';
import type { CommittedOffset, Group } from './group.ts';
import type { ClassicGroupSettings, MemberContext } from './group-settings.ts';
import { type OffsetsByTopic, OffsetStore } from './offset-store.ts';

type CommitRequest = RequestOf<typeof OffsetCommit>;
type CommitAnswer = ResponseOf<typeof OffsetCommit>;
type PartitionCommit = CommitRequest['topics'][number]['partitions'][number];
export type OffsetFetchGroup = RequestOf<typeof OffsetFetch>['groups'][number];
export type OffsetFetchAnswer = NonNullable<ResponseOf<typeof OffsetFetch>['groups']>[number];
type FetchedTopic = OffsetFetchAnswer['topics'][number];
type FetchedPartition = FetchedTopic['partitions'][number];

const NO_TIMESTAMP = -1;
const NO_RETENTION_TIME = -1;
/** From this version of OffsetCommit on, a group that does not exist has an error of its own (KIP-848). */
const KNOWS_GROUP_ID_NOT_FOUND_SINCE = 9;
/** Strings of stored records have 16-bit lengths. */
const MAX_STORED_STRING_BYTES = 32_767;
const NO_OFFSET = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: Errors.NONE };

export class Offsets {
  readonly store = new OffsetStore();
  readonly #settings: ClassicGroupSettings;

  constructor(settings: ClassicGroupSettings) {
    this.#settings = settings;
  }

  replay(groupId: string, topic: string, partition: number, offset: CommittedOffset | null): void {
    if (offset === null) this.store.remove(groupId, topic, partition);
    else this.store.put(groupId, topic, partition, offset);
  }

  /** May this be committed? null: yes. Who commits without a generation needs no group to be there. */
  commitError(group: Group | undefined, context: MemberContext, request: CommitRequest): ErrorName | null {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch } = request;
    const { version } = context;
    if (group !== undefined)
      return group.offsetCommitError({ memberId, groupInstanceId, generationIdOrMemberEpoch, version });
    if (generationIdOrMemberEpoch < 0) return null;
    return version >= KNOWS_GROUP_ID_NOT_FOUND_SINCE ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION';
  }

  /** Takes what the request may commit; every partition has its own answer. */
  commit(request: CommitRequest, ticket: Ticket, decision: Decision, nowMs: number): void {
    const expireTimestamp = expiryOf(request.retentionTimeMs, nowMs);
    const records: GroupRecord[] = [];
    const topics = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => {
        const metadata = partition.committedMetadata ?? '';
        const error = this.#partitionError(name, metadata);
        if (error === 'NONE')
          records.push(offsetRecord(request.groupId, name, partition, { metadata, expireTimestamp, nowMs }));
        return { partitionIndex: partition.partitionIndex, errorCode: Errors[error] };
      }),
    }));
    decision.reply(ticket, { topics });
    if (records.length === 0) return;
    decision.record(...records);
    decision.whenRefused((error, instead) => instead.replyNow(ticket, commitRefused(request, error)));
  }

  /** The group's offsets of the topics that are asked for, or of all. A group that is not there has none. */
  fetch(group: Group | undefined, request: OffsetFetchGroup): OffsetFetchAnswer {
    const { groupId, topics } = request;
    const error = group?.offsetFetchError(request.memberId, request.memberEpoch) ?? null;
    if (error !== null && error !== 'GROUP_ID_NOT_FOUND') return { groupId, topics: [], errorCode: Errors[error] };
    const offsets: OffsetsByTopic = error === null ? this.store.of(groupId) : new Map();
    if (topics === null || topics === undefined) return { groupId, topics: Array.from(offsets, fetchedTopic) };
    return {
      groupId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) =>
          fetchedPartition(partitionIndex, offsets.get(name)?.get(partitionIndex)),
        ),
      })),
    };
  }

  delete(group: Group, request: RequestOf<typeof OffsetDelete>, ticket: Ticket, decision: Decision): void {
    const topics = request.topics.map(({ name, partitions }) => {
      const error: ErrorName = group.isSubscribedTo(name) ? 'GROUP_SUBSCRIBED_TO_TOPIC' : 'NONE';
      return {
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          if (error === 'NONE' && this.store.get(group.groupId, name, partitionIndex) !== undefined)
            decision.record(offsetTombstone(group.groupId, name, partitionIndex));
          return { partitionIndex, errorCode: Errors[error] };
        }),
      };
    });
    decision.reply(ticket, { errorCode: Errors.NONE, topics });
    decision.whenRefused((error, instead) => instead.replyNow(ticket, { errorCode: Errors[error], topics: [] }));
  }

  #partitionError(topic: string, metadata: string): ErrorName {
    if (metadata.length > this.#settings.offsetMetadataMaxBytes) return 'OFFSET_METADATA_TOO_LARGE';
    if (!isStorable(metadata)) return 'OFFSET_METADATA_TOO_LARGE';
    return isStorable(topic) ? 'NONE' : 'UNKNOWN_TOPIC_OR_PARTITION';
  }
}

/** Fits a string of a stored record. */
export function isStorable(text: string): boolean {
  return text.length * 3 <= MAX_STORED_STRING_BYTES || Buffer.byteLength(text) <= MAX_STORED_STRING_BYTES;
}

export function offsetTombstone(group: string, topic: string, partition: number): GroupRecord {
  return { kind: 'offsetCommit', key: { group, topic, partition }, value: null };
}

/** Every partition of the request has the same error. */
export function commitRefused(request: CommitRequest, error: ErrorName): CommitAnswer {
  const errorCode = Errors[error];
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  };
}

interface OffsetRest {
  readonly metadata: string;
  readonly expireTimestamp: number;
  readonly nowMs: number;
}

function offsetRecord(group: string, topic: string, partition: PartitionCommit, rest: OffsetRest): GroupRecord {
  return {
    kind: 'offsetCommit',
    key: { group, topic, partition: partition.partitionIndex },
    value: {
      offset: partition.committedOffset,
      leaderEpoch: rest.expireTimestamp === NO_TIMESTAMP ? partition.committedLeaderEpoch : -1,
      metadata: rest.metadata,
      commitTimestamp: partition.commitTimestamp === NO_TIMESTAMP ? rest.nowMs : partition.commitTimestamp,
      expireTimestamp: rest.expireTimestamp,
    },
  };
}

/** OffsetCommit v2 to v4 could say how long an offset is kept. */
function expiryOf(retentionTimeMs: number, nowMs: number): number {
  if (retentionTimeMs === NO_RETENTION_TIME) return NO_TIMESTAMP;
  return Math.min(Math.max(nowMs + retentionTimeMs, 0), Number.MAX_SAFE_INTEGER);
}

function fetchedTopic([name, partitions]: readonly [string, ReadonlyMap<number, CommittedOffset>]): FetchedTopic {
  return { name, partitions: Array.from(partitions, ([index, offset]) => fetchedPartition(index, offset)) };
}

function fetchedPartition(partitionIndex: number, committed: CommittedOffset | undefined): FetchedPartition {
  if (committed === undefined) return { partitionIndex, ...NO_OFFSET };
  const { offset, leaderEpoch, metadata } = committed;
  return {
    partitionIndex,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: Errors.NONE,
  };
}

/**
 * @pure Everything in __consumer_offsets as one typed union, and its bytes. Kafka: GroupCoordinatorRecordSerde,
 * GroupCoordinatorRecordHelpers.
 *
 * Guarantees: what is written can be read by Kafka 3.9 (and by the coordinator before KIP-848, as far as it knows the
 * kind); a decoded record has every field and aliases none of the bytes it was read from, so that a group never pins
 * a receive buffer. A value of null is a tombstone.
 */
import type { Decoded, Encodable, Fields } from '../schema.ts';
import { type StoredRecord, storedVersion } from '../stored-record.ts';
import {
  ConsumerGroupCurrentMemberAssignmentKey,
  ConsumerGroupCurrentMemberAssignmentValue,
  ConsumerGroupMemberMetadataKey,
  ConsumerGroupMemberMetadataValue,
  ConsumerGroupMetadataKey,
  ConsumerGroupMetadataValue,
  ConsumerGroupPartitionMetadataKey,
  ConsumerGroupPartitionMetadataValue,
  ConsumerGroupRegularExpressionKey,
  ConsumerGroupRegularExpressionValue,
  ConsumerGroupTargetAssignmentMemberKey,
  ConsumerGroupTargetAssignmentMemberValue,
  ConsumerGroupTargetAssignmentMetadataKey,
  ConsumerGroupTargetAssignmentMetadataValue,
} from './consumer-group-records.ts';
import { GroupMetadataKey, GroupMetadataValue } from './group-metadata-record.ts';
import { OffsetCommitKey, OffsetCommitValue } from './offset-commit-record.ts';

export const GROUP_RECORD_KINDS = {
  offsetCommit: { key: OffsetCommitKey, value: OffsetCommitValue },
  groupMetadata: { key: GroupMetadataKey, value: GroupMetadataValue },
  consumerGroupMetadata: { key: ConsumerGroupMetadataKey, value: ConsumerGroupMetadataValue },
  consumerGroupPartitionMetadata: {
    key: ConsumerGroupPartitionMetadataKey,
    value: ConsumerGroupPartitionMetadataValue,
  },
  consumerGroupMemberMetadata: { key: ConsumerGroupMemberMetadataKey, value: ConsumerGroupMemberMetadataValue },
  consumerGroupTargetAssignmentMetadata: {
    key: ConsumerGroupTargetAssignmentMetadataKey,
    value: ConsumerGroupTargetAssignmentMetadataValue,
  },
  consumerGroupTargetAssignmentMember: {
    key: ConsumerGroupTargetAssignmentMemberKey,
    value: ConsumerGroupTargetAssignmentMemberValue,
  },
  consumerGroupCurrentMemberAssignment: {
    key: ConsumerGroupCurrentMemberAssignmentKey,
    value: ConsumerGroupCurrentMemberAssignmentValue,
  },
  consumerGroupRegularExpression: {
    key: ConsumerGroupRegularExpressionKey,
    value: ConsumerGroupRegularExpressionValue,
  },
} as const;

type Kinds = typeof GROUP_RECORD_KINDS;
export type GroupRecordKind = keyof Kinds;

/** Records are written once and shared between a group and the log: nobody changes one. */
type Unchanging<T> = T extends Buffer | null
  ? T
  : T extends readonly (infer E)[]
    ? readonly Unchanging<E>[]
    : T extends object
      ? { readonly [K in keyof T]: Unchanging<T[K]> }
      : T;
type ContentOf<R> = R extends StoredRecord<infer F> ? Unchanging<Decoded<F>> : never;

export type GroupRecordKey<K extends GroupRecordKind> = ContentOf<Kinds[K]['key']>;
/** The fields of one kind of record, all of them, by the names of Kafka's JSON. */
export type GroupRecordValue<K extends GroupRecordKind> = ContentOf<Kinds[K]['value']>;

/** One record of __consumer_offsets. */
export type GroupRecord = {
  [K in GroupRecordKind]: {
    readonly kind: K;
    readonly key: GroupRecordKey<K>;
    readonly value: GroupRecordValue<K> | null;
  };
}[GroupRecordKind];
export type GroupRecordOf<K extends GroupRecordKind> = Extract<GroupRecord, { readonly kind: K }>;

/** What Kafka 3.9 and 4.0 write; v4 of both is read, for a newer broker that has been here (KIP-915). */
const GROUP_METADATA_VERSION = 3;
const OFFSET_COMMIT_VERSION = 3;
/** The only version that can hold an expireTimestamp; it has no leaderEpoch. */
const EXPIRING_OFFSET_COMMIT_VERSION = 1;

export function encodeGroupRecord(record: GroupRecord): { key: Buffer; value: Buffer | null } {
  const stored: { key: StoredRecord<Fields>; value: StoredRecord<Fields> } = GROUP_RECORD_KINDS[record.kind];
  const { key, value } = record as { key: Encodable<Fields>; value: Encodable<Fields> | null };
  return {
    key: stored.key.encode(key),
    value: value === null ? null : stored.value.encode(value, valueVersion(record)),
  };
}

/** undefined: the only one there is. */
function valueVersion(record: GroupRecord): number | undefined {
  if (record.kind === 'groupMetadata') return GROUP_METADATA_VERSION;
  if (record.kind !== 'offsetCommit') return undefined;
  const expires = record.value !== null && record.value.expireTimestamp !== -1;
  return expires ? EXPIRING_OFFSET_COMMIT_VERSION : OFFSET_COMMIT_VERSION;
}

const KIND_BY_KEY_VERSION = new Map<number, GroupRecordKind>(
  (Object.keys(GROUP_RECORD_KINDS) as GroupRecordKind[]).flatMap((kind) => {
    const { lowestVersion, highestVersion } = GROUP_RECORD_KINDS[kind].key;
    const versions = Array.from({ length: highestVersion - lowestVersion + 1 }, (_, i) => lowestVersion + i);
    return versions.map((version) => [version, kind] as const);
  }),
);

/**
 * null for a record of a kind that is not known here (one of a newer broker's): it is passed over.
 * @throws RangeError for bytes that are damaged, or of a version that only a newer broker can read.
 */
export function decodeGroupRecord(key: Buffer | null, value: Buffer | null): GroupRecord | null {
  if (key === null) throw new RangeError('a record of __consumer_offsets has no key');
  const kind = KIND_BY_KEY_VERSION.get(storedVersion(key));
  if (kind === undefined) return null;
  const stored: { key: StoredRecord<Fields>; value: StoredRecord<Fields> } = GROUP_RECORD_KINDS[kind];
  return {
    kind,
    key: stored.key.decode(key).value,
    value: value === null ? null : stored.value.decode(value).value,
  } as unknown as GroupRecord;
}

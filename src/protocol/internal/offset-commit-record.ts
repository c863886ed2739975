/**
 * @pure How far a group has read in one partition, as __consumer_offsets stores it. Kafka: OffsetCommitKey,
 * OffsetCommitValue.
 *
 * Key v0 and v1 are the same. Value v1 alone carries expireTimestamp, v3 adds leaderEpoch (KIP-320), v4 is flexible.
 * An offset or timestamp beyond 2^53 - 1 saturates: one strange commit must not keep the other groups from loading.
 */
import { int32, int64, string } from '../schema.ts';
import { defineStoredRecord } from '../stored-record.ts';

export const OffsetCommitKey = defineStoredRecord({
  name: 'OffsetCommitKey',
  validVersions: '0-1',
  fields: {
    group: string(),
    topic: string(),
    partition: int32(),
  },
});

export const OffsetCommitValue = defineStoredRecord({
  name: 'OffsetCommitValue',
  validVersions: '0-4',
  flexibleVersions: '4+',
  fields: {
    offset: int64({ saturating: true }),
    leaderEpoch: int32({ versions: '3+', default: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64({ saturating: true }),
    expireTimestamp: int64({ versions: '1', default: -1, ignorable: true, saturating: true }),
  },
});

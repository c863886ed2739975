/**
 * @pure OffsetCommit stores how far a group has read.
 *
 * v1 adds the generation, memberId and (in v1 only) commitTimestamp. v2 to v4 carry retentionTimeMs. v3 adds
 * throttleTimeMs. v6 adds leader epochs (KIP-320), v7 groupInstanceId (KIP-345). v8 is flexible. v9 may come from a
 * member of the consumer protocol, whose epoch stands for the generation (KIP-848).
 *
 * An offset that no log can have (beyond 2^53 - 1) saturates: it stays one that no log can have.
 */
import { array, defineApi, errorCode, int32, int64, string } from '../schema.ts';

export const OffsetCommit = defineApi({
  key: 8,
  name: 'OffsetCommit',
  validVersions: '0-9',
  flexibleVersions: '8+',
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ versions: '1+', default: -1, ignorable: true }),
    memberId: string({ versions: '1+', default: '', ignorable: true }),
    groupInstanceId: string({ versions: '7+', nullable: '7+', default: null }),
    retentionTimeMs: int64({ versions: '2-4', default: -1, ignorable: true, saturating: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64({ saturating: true }),
        committedLeaderEpoch: int32({ versions: '6+', default: -1, ignorable: true }),
        commitTimestamp: int64({ versions: '1', default: -1, saturating: true }),
        committedMetadata: string({ nullable: '0+' }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ versions: '3+', default: 0, ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
      }),
    }),
  },
});

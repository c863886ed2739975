/**
 * @pure OffsetFetch asks how far groups have read.
 *
 * v0 read the offsets from ZooKeeper. v2 allows topics null (all topics of the group) and adds the errorCode of the
 * group. v3 adds throttleTimeMs, v5 leader epochs (KIP-320). v6 is flexible. v7 adds requireStable (KIP-447). v8 asks
 * for many groups at once, in `groups` (KIP-709). v9 adds the member and its epoch (KIP-848).
 */
import { array, bool, defineApi, errorCode, int32, int64, string } from '../schema.ts';

export const OffsetFetch = defineApi({
  key: 9,
  name: 'OffsetFetch',
  validVersions: '0-9',
  flexibleVersions: '6+',
  request: {
    groupId: string({ versions: '0-7' }),
    topics: array(
      {
        name: string({ versions: '0-7' }),
        partitionIndexes: array(int32(), { versions: '0-7' }),
      },
      { versions: '0-7', nullable: '2-7' },
    ),
    groups: array(
      {
        groupId: string({ versions: '8+' }),
        memberId: string({ versions: '9+', nullable: '9+', default: null, ignorable: true }),
        memberEpoch: int32({ versions: '9+', default: -1, ignorable: true }),
        topics: array(
          {
            name: string({ versions: '8+' }),
            partitionIndexes: array(int32(), { versions: '8+' }),
          },
          { versions: '8+', nullable: '8+' },
        ),
      },
      { versions: '8+', default: [] },
    ),
    requireStable: bool({ versions: '7+', default: false }),
  },
  response: {
    throttleTimeMs: int32({ versions: '3+', default: 0, ignorable: true }),
    topics: array(
      {
        name: string({ versions: '0-7' }),
        partitions: array(
          {
            partitionIndex: int32({ versions: '0-7' }),
            committedOffset: int64({ versions: '0-7' }),
            committedLeaderEpoch: int32({ versions: '5-7', default: -1, ignorable: true }),
            metadata: string({ versions: '0-7', nullable: '0-7' }),
            errorCode: errorCode({ versions: '0-7' }),
          },
          { versions: '0-7' },
        ),
      },
      { versions: '0-7' },
    ),
    errorCode: errorCode({ versions: '2-7', default: 0, ignorable: true }),
    groups: array(
      {
        groupId: string({ versions: '8+' }),
        topics: array(
          {
            name: string({ versions: '8+' }),
            partitions: array(
              {
                partitionIndex: int32({ versions: '8+' }),
                committedOffset: int64({ versions: '8+' }),
                committedLeaderEpoch: int32({ versions: '8+', default: -1, ignorable: true }),
                metadata: string({ versions: '8+', nullable: '8+' }),
                errorCode: errorCode({ versions: '8+' }),
              },
              { versions: '8+' },
            ),
          },
          { versions: '8+' },
        ),
        errorCode: errorCode({ versions: '8+', default: 0 }),
      },
      { versions: '8+', default: [] },
    ),
  },
});

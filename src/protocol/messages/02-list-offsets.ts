/**
 * @pure ListOffsets finds offsets by timestamp. Timestamps below zero name places: -1 the end, -2 the start, -3 the
 * record with the largest timestamp (v7, KIP-734), -4 the local log's start (v8, KIP-405), -5 the last tiered offset
 * (v9, KIP-1005).
 *
 * v0 answers with a list of offsets, v1 with one offset and its timestamp. v2 adds isolationLevel and
 * throttleTimeMs. v4 adds the leader epochs (KIP-320). v5: OFFSET_NOT_AVAILABLE may come back. v6 is flexible.
 */
import { array, defineApi, errorCode, int32, int64, int8, string } from '../schema.ts';

export const ListOffsets = defineApi({
  key: 2,
  name: 'ListOffsets',
  validVersions: '0-9',
  flexibleVersions: '6+',
  request: {
    replicaId: int32(),
    isolationLevel: int8({ versions: '2+', default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ versions: '4+', default: -1, ignorable: true }),
        timestamp: int64({ saturating: true }),
        maxNumOffsets: int32({ versions: '0', default: 1 }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ versions: '2+', default: 0, ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
        oldStyleOffsets: array(int64(), { versions: '0' }),
        timestamp: int64({ versions: '1+', default: -1 }),
        offset: int64({ versions: '1+', default: -1 }),
        leaderEpoch: int32({ versions: '4+', default: -1 }),
      }),
    }),
  },
});

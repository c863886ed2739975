/**
 * @pure OffsetForLeaderEpoch: where a leader epoch ended (KIP-101), for consumers and followers that check for
 * truncation.
 *
 * v1 adds the epoch that the end offset belongs to (KIP-279), v2 currentLeaderEpoch and throttleTimeMs (KIP-320). v3
 * adds replicaId; its default -2 is a debugger's that may see beyond the high watermark. v4 is flexible.
 */
import { array, defineApi, errorCode, int32, int64, string } from '../schema.ts';

export const OffsetForLeaderEpoch = defineApi({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  validVersions: '0-4',
  flexibleVersions: '4+',
  request: {
    replicaId: int32({ versions: '3+', default: -2, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ versions: '2+', default: -1, ignorable: true }),
        leaderEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ versions: '2+', default: 0, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: errorCode(),
        partition: int32(),
        leaderEpoch: int32({ versions: '1+', default: -1, ignorable: true }),
        endOffset: int64({ default: -1 }),
      }),
    }),
  },
});

/**
 * @pure DeleteRecords moves the start of partitions up (KIP-107); offset -1 means the high watermark. An offset
 * that no log can have saturates, and is out of range like any other.
 *
 * v1 is v0 again. v2 is flexible.
 */
import { array, defineApi, errorCode, int32, int64, string } from '../schema.ts';

export const DeleteRecords = defineApi({
  key: 21,
  name: 'DeleteRecords',
  validVersions: '0-2',
  flexibleVersions: '2+',
  request: {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        offset: int64({ saturating: true }),
      }),
    }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        lowWatermark: int64(),
        errorCode: errorCode(),
      }),
    }),
  },
});

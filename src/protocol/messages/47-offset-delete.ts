/** @pure OffsetDelete removes committed offsets of a group for topics that it does not read any more (KIP-496). */
import { array, defineApi, errorCode, int32, string } from '../schema.ts';

export const OffsetDelete = defineApi({
  key: 47,
  name: 'OffsetDelete',
  validVersions: '0',
  request: {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32() }),
    }),
  },
  response: {
    errorCode: errorCode(),
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: errorCode(),
      }),
    }),
  },
});

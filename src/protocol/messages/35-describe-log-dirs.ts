/**
 * @pure DescribeLogDirs: the replicas in a broker's log directories and their sizes (KIP-113).
 *
 * v2 is flexible. v3 adds the errorCode for all. v4 adds totalBytes and usableBytes (KIP-827).
 */
import { array, bool, defineApi, errorCode, int32, int64, string } from '../schema.ts';

export const DescribeLogDirs = defineApi({
  key: 35,
  name: 'DescribeLogDirs',
  validVersions: '0-4',
  flexibleVersions: '2+',
  request: {
    topics: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      { nullable: '0+' },
    ),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: errorCode({ versions: '3+', ignorable: true }),
    results: array({
      errorCode: errorCode(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64({ versions: '4+', default: -1, ignorable: true }),
      usableBytes: int64({ versions: '4+', default: -1, ignorable: true }),
    }),
  },
});

/**
 * @pure ElectLeaders: preferred (0) or unclean (1) elections (KIP-183, KIP-460).
 *
 * v0 knows preferred elections only. v1 adds electionType and the errorCode for all. v2 is flexible.
 */
import { array, defineApi, errorCode, int32, int8, string } from '../schema.ts';

export const ElectLeaders = defineApi({
  key: 43,
  name: 'ElectLeaders',
  validVersions: '0-2',
  flexibleVersions: '2+',
  request: {
    electionType: int8({ versions: '1+' }),
    topicPartitions: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      { nullable: '0+' },
    ),
    timeoutMs: int32({ default: 60000 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: errorCode({ versions: '1+' }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: errorCode(),
        errorMessage: string({ nullable: '0+' }),
      }),
    }),
  },
});

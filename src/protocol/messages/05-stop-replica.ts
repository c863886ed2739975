/**
 * @pure StopReplica: the controller tells a broker to stop, and maybe delete, replicas.
 *
 * v1 adds brokerEpoch (KIP-380) and groups partitions by topic. v2 is flexible. v3 carries leaderEpoch and
 * deletePartition for each partition (KIP-570). v4 adds isKRaftController (KIP-866).
 */
import { array, bool, defineApi, errorCode, int32, int64, string } from '../schema.ts';

export const StopReplica = defineApi({
  key: 5,
  name: 'StopReplica',
  validVersions: '0-4',
  flexibleVersions: '2+',
  request: {
    controllerId: int32(),
    isKRaftController: bool({ versions: '4+', default: false }),
    controllerEpoch: int32(),
    brokerEpoch: int64({ versions: '1+', default: -1, ignorable: true }),
    deletePartitions: bool({ versions: '0-2' }),
    ungroupedPartitions: array(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { versions: '0' },
    ),
    topics: array(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      { versions: '1-2' },
    ),
    topicStates: array(
      {
        topicName: string(),
        partitionStates: array({
          partitionIndex: int32(),
          leaderEpoch: int32({ default: -1 }),
          deletePartition: bool(),
        }),
      },
      { versions: '3+' },
    ),
  },
  response: {
    errorCode: errorCode(),
    partitionErrors: array({
      topicName: string(),
      partitionIndex: int32(),
      errorCode: errorCode(),
    }),
  },
});

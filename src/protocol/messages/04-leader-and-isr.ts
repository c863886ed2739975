/**
 * @pure LeaderAndIsr: the controller tells a broker which replicas it leads and follows.
 *
 * v1 adds isNew. v2 adds brokerEpoch (KIP-380) and groups partitions by topic. v3 adds addingReplicas and
 * removingReplicas (KIP-455). v4 is flexible. v5 adds topic ids and the type of the request (0 unknown, 1
 * incremental, 2 full; KIP-516). v6 adds leaderRecoveryState (KIP-704). v7 adds isKRaftController (KIP-866).
 */
import { array, bool, defineApi, errorCode, int32, int64, int8, string, uuid } from '../schema.ts';

const leaderAndIsrPartitionState = {
  topicName: string({ versions: '0-1', ignorable: true }),
  partitionIndex: int32(),
  controllerEpoch: int32(),
  leader: int32(),
  leaderEpoch: int32(),
  isr: array(int32()),
  partitionEpoch: int32(),
  replicas: array(int32()),
  addingReplicas: array(int32(), { versions: '3+', default: [], ignorable: true }),
  removingReplicas: array(int32(), { versions: '3+', default: [], ignorable: true }),
  isNew: bool({ versions: '1+', default: false, ignorable: true }),
  leaderRecoveryState: int8({ versions: '6+', default: 0 }),
};

const leaderAndIsrPartitionError = {
  topicName: string({ versions: '0-4', ignorable: true }),
  partitionIndex: int32(),
  errorCode: errorCode(),
};

export const LeaderAndIsr = defineApi({
  key: 4,
  name: 'LeaderAndIsr',
  validVersions: '0-7',
  flexibleVersions: '4+',
  request: {
    controllerId: int32(),
    isKRaftController: bool({ versions: '7+', default: false }),
    controllerEpoch: int32(),
    brokerEpoch: int64({ versions: '2+', default: -1, ignorable: true }),
    type: int8({ versions: '5+' }),
    ungroupedPartitionStates: array(leaderAndIsrPartitionState, { versions: '0-1' }),
    topicStates: array(
      {
        topicName: string(),
        topicId: uuid({ versions: '5+', ignorable: true }),
        partitionStates: array(leaderAndIsrPartitionState),
      },
      { versions: '2+' },
    ),
    liveLeaders: array({
      brokerId: int32(),
      hostName: string(),
      port: int32(),
    }),
  },
  response: {
    errorCode: errorCode(),
    partitionErrors: array(leaderAndIsrPartitionError, { versions: '0-4' }),
    topics: array(
      {
        topicId: uuid(),
        partitionErrors: array(leaderAndIsrPartitionError),
      },
      { versions: '5+' },
    ),
  },
});

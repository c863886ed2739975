/**
 * @pure UpdateMetadata: the controller tells a broker what Metadata shall answer.
 *
 * v1 allows several endpoints of a broker. v2 adds rack, v3 the listener name, v4 offlineReplicas. v5 adds
 * brokerEpoch (KIP-380) and groups partitions by topic. v6 is flexible. v7 adds topicId (KIP-516). v8 adds
 * isKRaftController and type (KIP-866).
 */
import { array, bool, defineApi, errorCode, int16, int32, int64, int8, string, uuid } from '../schema.ts';

const updateMetadataPartitionState = {
  topicName: string({ versions: '0-4', ignorable: true }),
  partitionIndex: int32(),
  controllerEpoch: int32(),
  leader: int32(),
  leaderEpoch: int32(),
  isr: array(int32()),
  zkVersion: int32(),
  replicas: array(int32()),
  offlineReplicas: array(int32(), { versions: '4+', default: [], ignorable: true }),
};

export const UpdateMetadata = defineApi({
  key: 6,
  name: 'UpdateMetadata',
  validVersions: '0-8',
  flexibleVersions: '6+',
  request: {
    controllerId: int32(),
    isKRaftController: bool({ versions: '8+', default: false }),
    type: int8({ versions: '8+', default: 0, tag: 0 }),
    controllerEpoch: int32(),
    brokerEpoch: int64({ versions: '5+', default: -1, ignorable: true }),
    ungroupedPartitionStates: array(updateMetadataPartitionState, { versions: '0-4' }),
    topicStates: array(
      {
        topicName: string(),
        topicId: uuid({ versions: '7+', ignorable: true }),
        partitionStates: array(updateMetadataPartitionState),
      },
      { versions: '5+' },
    ),
    liveBrokers: array({
      id: int32(),
      v0Host: string({ versions: '0', ignorable: true }),
      v0Port: int32({ versions: '0', ignorable: true }),
      endpoints: array(
        {
          port: int32(),
          host: string(),
          listener: string({ versions: '3+', ignorable: true }),
          securityProtocol: int16(),
        },
        { versions: '1+', ignorable: true },
      ),
      rack: string({ versions: '2+', nullable: '0+', ignorable: true }),
    }),
  },
  response: {
    errorCode: errorCode(),
  },
});

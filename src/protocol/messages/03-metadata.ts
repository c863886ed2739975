/**
 * @pure Metadata tells clients which brokers there are and who leads which partition.
 *
 * topics null asks for all topics (in v0, which has no null, an empty list does; later an empty list asks for none).
 * v1 adds rack, controllerId and isInternal, v2 clusterId, v3 throttleTimeMs, v4 allowAutoTopicCreation, v5
 * offlineReplicas, v7 leaderEpoch, v8 authorized operations (KIP-430). v9 is flexible. v10 adds topicId (KIP-516).
 * v11 drops the cluster's authorized operations (KIP-700). v12 allows asking by topic id, with a null name.
 */
import { ZERO_TOPIC_ID } from '../../model/topic-partition.ts';
import { array, bool, defineApi, errorCode, int32, string, uuid } from '../schema.ts';

export const Metadata = defineApi({
  key: 3,
  name: 'Metadata',
  validVersions: '0-12',
  flexibleVersions: '9+',
  request: {
    topics: array(
      {
        topicId: uuid({ versions: '10+', default: ZERO_TOPIC_ID, ignorable: true }),
        name: string({ nullable: '10+' }),
      },
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool({ versions: '4+', default: true }),
    includeClusterAuthorizedOperations: bool({ versions: '8-10' }),
    includeTopicAuthorizedOperations: bool({ versions: '8+', default: false }),
  },
  response: {
    throttleTimeMs: int32({ versions: '3+', default: 0, ignorable: true }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ versions: '1+', nullable: '1+', default: null, ignorable: true }),
    }),
    clusterId: string({ versions: '2+', nullable: '2+', default: null, ignorable: true }),
    controllerId: int32({ versions: '1+', default: -1, ignorable: true }),
    topics: array({
      errorCode: errorCode(),
      name: string({ nullable: '12+' }),
      topicId: uuid({ versions: '10+', ignorable: true }),
      isInternal: bool({ versions: '1+', default: false, ignorable: true }),
      partitions: array({
        errorCode: errorCode(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ versions: '7+', default: -1, ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), { versions: '5+', ignorable: true }),
      }),
      topicAuthorizedOperations: int32({ versions: '8+', default: -2147483648 }),
    }),
    clusterAuthorizedOperations: int32({ versions: '8-10', default: -2147483648 }),
  },
});

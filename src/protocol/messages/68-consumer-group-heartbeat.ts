/**
 * @pure ConsumerGroupHeartbeat: the one request by which a member of the consumer protocol joins, stays, gets and
 * gives up partitions and leaves (KIP-848). What has not changed since the last heartbeat is null, or -1 for
 * rebalanceTimeoutMs. memberEpoch 0 joins, -1 leaves, -2 is a static member that will be back.
 *
 * v1 adds subscribedTopicRegex and leaves it to the consumer to make its memberId (KIP-1082); it is Kafka 4.0's.
 */
import { array, defineApi, errorCode, int32, string, struct, uuid } from '../schema.ts';

export const ConsumerGroupHeartbeat = defineApi({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  validVersions: '0-1',
  flexibleVersions: '0+',
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: string({ nullable: '0+', default: null }),
    rackId: string({ nullable: '0+', default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    subscribedTopicNames: array(string(), { nullable: '0+', default: null }),
    subscribedTopicRegex: string({ versions: '1+', nullable: '1+', default: null }),
    serverAssignor: string({ nullable: '0+', default: null }),
    topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }, { nullable: '0+', default: null }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: errorCode(),
    errorMessage: string({ nullable: '0+', default: null }),
    memberId: string({ nullable: '0+', default: null }),
    memberEpoch: int32({ default: 0 }),
    heartbeatIntervalMs: int32({ default: 0 }),
    assignment: struct(
      { topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }) },
      { nullable: '0+', default: null },
    ),
  },
});

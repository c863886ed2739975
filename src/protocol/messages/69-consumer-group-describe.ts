/**
 * @pure ConsumerGroupDescribe: epochs, members and assignments of groups of the consumer protocol (KIP-848).
 *
 * v1 adds memberType: 0 for a member of the classic protocol, 1 for one of the consumer protocol (KIP-1099); it is
 * Kafka 4.0's.
 */
import { array, bool, defineApi, errorCode, int32, int8, string, struct, uuid } from '../schema.ts';

const assignment = struct({
  topicPartitions: array({
    topicId: uuid(),
    topicName: string(),
    partitions: array(int32()),
  }),
});

export const ConsumerGroupDescribe = defineApi({
  key: 69,
  name: 'ConsumerGroupDescribe',
  validVersions: '0-1',
  flexibleVersions: '0+',
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    groups: array({
      errorCode: errorCode(),
      errorMessage: string({ nullable: '0+', default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string({ nullable: '0+', default: null }),
        rackId: string({ nullable: '0+', default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string({ nullable: '0+', default: null }),
        assignment,
        targetAssignment: assignment,
        memberType: int8({ versions: '1+', default: -1, ignorable: true }),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
});

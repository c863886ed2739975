/**
 * @pure A group of the consumer protocol (KIP-848) as __consumer_offsets stores it, in the layouts of Kafka 4.0: the
 * group, what its topics look like, its members, their target and their current assignments, and its regular
 * expressions. The version of a key tells which of them it is. Kafka: ConsumerGroup…Key, ConsumerGroup…Value.
 */
import { array, bytes, int32, int64, int8, string, struct, uuid } from '../schema.ts';
import { defineStoredRecord } from '../stored-record.ts';

const groupKey = { groupId: string() };
const memberKey = { groupId: string(), memberId: string() };
const topicPartitions = array({ topicId: uuid(), partitions: array(int32()) });

export const ConsumerGroupMetadataKey = defineStoredRecord({
  name: 'ConsumerGroupMetadataKey',
  validVersions: '3',
  fields: groupKey,
});
export const ConsumerGroupMetadataValue = defineStoredRecord({
  name: 'ConsumerGroupMetadataValue',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: { epoch: int32() },
});

export const ConsumerGroupPartitionMetadataKey = defineStoredRecord({
  name: 'ConsumerGroupPartitionMetadataKey',
  validVersions: '4',
  fields: groupKey,
});
export const ConsumerGroupPartitionMetadataValue = defineStoredRecord({
  name: 'ConsumerGroupPartitionMetadataValue',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      /** Empty when no rack is known; Kafka 4.0 does not read it. */
      partitionMetadata: array({ partition: int32(), racks: array(string()) }),
    }),
  },
});

export const ConsumerGroupMemberMetadataKey = defineStoredRecord({
  name: 'ConsumerGroupMemberMetadataKey',
  validVersions: '5',
  fields: memberKey,
});
export const ConsumerGroupMemberMetadataValue = defineStoredRecord({
  name: 'ConsumerGroupMemberMetadataValue',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: {
    instanceId: string({ nullable: '0+' }),
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string({ nullable: '0+' }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: string({ nullable: '0+' }),
    /**
     * Of a member that speaks the classic protocol in a group of the consumer protocol; null of any other, and that is
     * said: what Kafka reads where the tag is absent is a classic member without protocols.
     */
    classicMemberMetadata: struct(
      {
        sessionTimeoutMs: int32(),
        supportedProtocols: array({ name: string(), metadata: bytes() }),
      },
      { nullable: '0+', tag: 0 },
    ),
  },
});

export const ConsumerGroupTargetAssignmentMetadataKey = defineStoredRecord({
  name: 'ConsumerGroupTargetAssignmentMetadataKey',
  validVersions: '6',
  fields: groupKey,
});
export const ConsumerGroupTargetAssignmentMetadataValue = defineStoredRecord({
  name: 'ConsumerGroupTargetAssignmentMetadataValue',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: { assignmentEpoch: int32() },
});

export const ConsumerGroupTargetAssignmentMemberKey = defineStoredRecord({
  name: 'ConsumerGroupTargetAssignmentMemberKey',
  validVersions: '7',
  fields: memberKey,
});
export const ConsumerGroupTargetAssignmentMemberValue = defineStoredRecord({
  name: 'ConsumerGroupTargetAssignmentMemberValue',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: { topicPartitions },
});

export const ConsumerGroupCurrentMemberAssignmentKey = defineStoredRecord({
  name: 'ConsumerGroupCurrentMemberAssignmentKey',
  validVersions: '8',
  fields: memberKey,
});
export const ConsumerGroupCurrentMemberAssignmentValue = defineStoredRecord({
  name: 'ConsumerGroupCurrentMemberAssignmentValue',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    /** Kafka's MemberState by its number. */
    state: int8(),
    assignedPartitions: topicPartitions,
    partitionsPendingRevocation: topicPartitions,
  },
});

export const ConsumerGroupRegularExpressionKey = defineStoredRecord({
  name: 'ConsumerGroupRegularExpressionKey',
  validVersions: '16',
  fields: { groupId: string(), regularExpression: string() },
});
export const ConsumerGroupRegularExpressionValue = defineStoredRecord({
  name: 'ConsumerGroupRegularExpressionValue',
  validVersions: '0',
  flexibleVersions: '0+',
  fields: {
    topics: array(string()),
    /** Of the metadata image that the topics were found in. */
    version: int64({ saturating: true }),
    timestamp: int64({ saturating: true }),
  },
});

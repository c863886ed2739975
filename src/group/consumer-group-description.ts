/**
 * @pure A consumer group as ConsumerGroupDescribe shows it. Kafka: ConsumerGroup.asDescribedGroup,
 * ConsumerGroupMember.asConsumerGroupDescribeMember.
 */
import { Errors } from '../protocol/errors.ts';
import type { ConsumerGroupDescribe } from '../protocol/messages/69-consumer-group-describe.ts';
import type { ResponseOf } from '../protocol/schema.ts';
import { type Assignment, EMPTY_ASSIGNMENT, listAssignment } from './assignment.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerGroupMember, isClassic } from './consumer-group-member.ts';
import type { TopicsView } from './group-settings.ts';
import type { ServerAssignors } from './server-assignors.ts';
import { preferredAssignor } from './target-assignment.ts';

export type DescribedConsumerGroup = ResponseOf<typeof ConsumerGroupDescribe>['groups'][number];
type DescribedMember = DescribedConsumerGroup['members'][number];
type DescribedAssignment = DescribedMember['assignment'];

const CLASSIC_MEMBER = 0;
const CONSUMER_MEMBER = 1;

export function describedConsumerGroup(
  group: ConsumerGroup,
  assignors: ServerAssignors,
  topics: TopicsView,
): DescribedConsumerGroup {
  return {
    errorCode: Errors.NONE,
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(group.members.values(), assignors) ?? assignors.defaultName,
    members: Array.from(group.members.values(), (member) =>
      describedMember(member, group.target(member.memberId) ?? EMPTY_ASSIGNMENT, topics),
    ),
  };
}

export function noConsumerGroup(groupId: string, message: string): DescribedConsumerGroup {
  return {
    errorCode: Errors.GROUP_ID_NOT_FOUND,
    errorMessage: message,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  };
}

function describedMember(member: ConsumerGroupMember, target: Assignment, topics: TopicsView): DescribedMember {
  const { memberId, memberEpoch, metadata, assigned } = member;
  return {
    memberId,
    instanceId: metadata.instanceId,
    rackId: metadata.rackId,
    memberEpoch,
    clientId: metadata.clientId,
    clientHost: metadata.clientHost,
    subscribedTopicNames: metadata.subscribedTopicNames,
    subscribedTopicRegex: metadata.subscribedTopicRegex,
    assignment: named(assigned, topics),
    targetAssignment: named(target, topics),
    memberType: isClassic(member) ? CLASSIC_MEMBER : CONSUMER_MEMBER,
  };
}

/** Topics that are gone have no name any more, and are left out. */
function named(assignment: Assignment, topics: TopicsView): DescribedAssignment {
  const topicPartitions = [];
  for (const { topicId, partitions } of listAssignment(assignment)) {
    const topicName = topics.topicName(topicId);
    if (topicName !== undefined) topicPartitions.push({ topicId, topicName, partitions });
  }
  return { topicPartitions };
}

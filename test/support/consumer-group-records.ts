/** Records and answers of consumer groups as the scenarios print them: short, and with names for topics. */
import { errorName } from '../../src/protocol/errors.ts';
import { ConsumerProtocolAssignment } from '../../src/protocol/internal/consumer-protocol.ts';
import type { GroupRecord } from '../../src/protocol/internal/group-record.ts';

type Listed = readonly { readonly topicId: string; readonly partitions: readonly number[] }[];
/** What a topic id is called; ids of topics that are gone keep their name. */
export type TopicNames = (topicId: string) => string;

const STATES: ReadonlyMap<number, string> = new Map([
  [0, 'stable'],
  [1, 'unrevoked'],
  [2, 'unreleased'],
]);
const NOTHING = 'nothing';

export function printAssignment(listed: Listed, nameOf: TopicNames): string {
  const topics = listed.map(({ topicId, partitions }) => `${nameOf(topicId)}:${partitions}`);
  return topics.sort().join(' ') || NOTHING;
}

/** What a SyncGroup answers with. */
export function printClassicAssignment(bytes: Buffer): string {
  if (bytes.length === 0) return NOTHING;
  const { assignedPartitions } = ConsumerProtocolAssignment.decode(bytes).value;
  return assignedPartitions.map(({ topic, partitions }) => `${topic}:${partitions}`).join(' ') || NOTHING;
}

export function printGroupRecord(record: GroupRecord, nameOf: TopicNames): string {
  switch (record.kind) {
    case 'offsetCommit':
      return `offset ${record.key.topic}-${record.key.partition} = ${record.value?.offset ?? 'gone'}`;
    case 'groupMetadata':
      return printClassicGroup(record);
    case 'consumerGroupMetadata':
      return `group epoch ${record.value?.epoch ?? 'gone'}`;
    case 'consumerGroupPartitionMetadata': {
      const topics = record.value?.topics.map(({ topicName, numPartitions }) => `${topicName}:${numPartitions}`);
      return `topics ${topics === undefined ? 'gone' : topics.join(' ') || NOTHING}`;
    }
    case 'consumerGroupMemberMetadata':
      return printMember(record);
    case 'consumerGroupTargetAssignmentMetadata':
      return `target epoch ${record.value?.assignmentEpoch ?? 'gone'}`;
    case 'consumerGroupTargetAssignmentMember': {
      const target = record.value === null ? 'gone' : printAssignment(record.value.topicPartitions, nameOf);
      return `target of ${record.key.memberId}: ${target}`;
    }
    case 'consumerGroupCurrentMemberAssignment':
      return printCurrentAssignment(record, nameOf);
    case 'consumerGroupRegularExpression':
      return `regex ${record.key.regularExpression} = ${record.value?.topics.join(' ') ?? 'gone'}`;
  }
}

function printClassicGroup({ value }: Extract<GroupRecord, { kind: 'groupMetadata' }>): string {
  if (value === null) return 'classic group gone';
  const members = value.members.map(
    ({ memberId, assignment }) => `${memberId} has ${printClassicAssignment(assignment)}`,
  );
  const { generation, protocol, leader } = value;
  return `classic group generation ${generation} ${protocol} leader ${leader} (${members.join(', ')})`;
}

function printMember({ key, value }: Extract<GroupRecord, { kind: 'consumerGroupMemberMetadata' }>): string {
  if (value === null) return `member ${key.memberId} gone`;
  const words = [`member ${key.memberId} reads ${value.subscribedTopicNames.join(' ') || NOTHING}`];
  if (value.subscribedTopicRegex) words.push(`regex ${value.subscribedTopicRegex}`);
  if (value.instanceId !== null) words.push(`instance ${value.instanceId}`);
  if (value.serverAssignor !== null) words.push(`wants ${value.serverAssignor}`);
  if (value.classicMemberMetadata !== null)
    words.push(`offers ${value.classicMemberMetadata.supportedProtocols.map(({ name }) => name)}`);
  return words.join(', ');
}

function printCurrentAssignment(
  { key, value }: Extract<GroupRecord, { kind: 'consumerGroupCurrentMemberAssignment' }>,
  nameOf: TopicNames,
): string {
  if (value === null) return `assignment of ${key.memberId}: gone`;
  const { memberEpoch, previousMemberEpoch, state, assignedPartitions, partitionsPendingRevocation } = value;
  const words = [
    `assignment of ${key.memberId}: epoch ${memberEpoch} (${previousMemberEpoch}) ${STATES.get(state) ?? state}`,
    `has ${printAssignment(assignedPartitions, nameOf)}`,
  ];
  if (partitionsPendingRevocation.length > 0)
    words.push(`gives up ${printAssignment(partitionsPendingRevocation, nameOf)}`);
  return words.join(', ');
}

interface HeartbeatAnswer {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly memberId?: string | null;
  readonly memberEpoch?: number;
  readonly assignment?: { readonly topicPartitions: Listed } | null;
}

export function printHeartbeat(answer: HeartbeatAnswer, nameOf: TopicNames): string {
  const { errorCode, errorMessage, memberId, memberEpoch, assignment } = answer;
  if (errorCode !== 0) return `${errorName(errorCode)} ${errorMessage ?? ''}`.trim();
  const given = assignment ? `, has ${printAssignment(assignment.topicPartitions, nameOf)}` : '';
  return `${memberId} epoch ${memberEpoch}${given}`;
}

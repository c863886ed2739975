/**
 * @pure What each member of a group is to have: asks the assignor that most members want, and writes down what differs
 * from before. Kafka: TargetAssignmentBuilder, ConsumerGroup.computePreferredServerAssignor.
 */
import type { TopicId } from '../model/topic-partition.ts';
import type { GroupRecord } from '../protocol/internal/group-record.ts';
import { type Assignment, EMPTY_ASSIGNMENT, sameAssignment } from './assignment.ts';
import { type AssignableMember, byMemberId } from './assignor.ts';
import { type ConsumerGroupMember, regexOf, targetAssignmentRecord } from './consumer-group-member.ts';
import type { ServerAssignors } from './server-assignors.ts';
import type { SubscriptionMetadata } from './subscription-metadata.ts';

export interface TargetTask {
  readonly groupId: string;
  readonly groupEpoch: number;
  readonly members: Iterable<ConsumerGroupMember>;
  readonly subscriptionMetadata: SubscriptionMetadata;
  readonly resolvedRegexes: ReadonlyMap<string, ReadonlySet<string>>;
  readonly assignors: ServerAssignors;
  /** The target until now; undefined for a member that had none. */
  target(memberId: string): Assignment | undefined;
}

export interface NewTarget {
  readonly records: readonly GroupRecord[];
  target(memberId: string): Assignment;
}

export function newTarget(task: TargetTask): NewTarget {
  const { groupId, groupEpoch, subscriptionMetadata } = task;
  const members = byMemberId(task.members);
  const targets = task.assignors.named(preferredAssignor(members, task.assignors)).assign({
    members: members.map((member) => assignable(member, task)),
    partitionCounts: new Map(
      [...subscriptionMetadata.values()].map(({ topicId, partitionCount }) => [topicId, partitionCount]),
    ),
  });
  const target = (memberId: string): Assignment => targets.get(memberId) ?? EMPTY_ASSIGNMENT;
  const records: GroupRecord[] = [];
  for (const { memberId } of members) {
    const before = task.target(memberId);
    if (before === undefined || !sameAssignment(before, target(memberId)))
      records.push(targetAssignmentRecord(groupId, memberId, target(memberId)));
  }
  records.push(targetEpochRecord(groupId, groupEpoch));
  return { records, target };
}

export function targetEpochRecord(groupId: string, assignmentEpoch: number): GroupRecord {
  return { kind: 'consumerGroupTargetAssignmentMetadata', key: { groupId }, value: { assignmentEpoch } };
}

/** The assignor that most members ask for, of equals the one that is configured first; null when nobody asks. */
export function preferredAssignor(members: Iterable<ConsumerGroupMember>, assignors: ServerAssignors): string | null {
  const votes = new Map<string, number>();
  for (const { metadata } of members)
    if (metadata.serverAssignor !== null)
      votes.set(metadata.serverAssignor, (votes.get(metadata.serverAssignor) ?? 0) + 1);
  let preferred: string | null = null;
  for (const name of assignors.names) {
    const count = votes.get(name) ?? 0;
    if (count > (preferred === null ? 0 : (votes.get(preferred) ?? 0))) preferred = name;
  }
  return preferred;
}

function assignable(member: ConsumerGroupMember, task: TargetTask): AssignableMember {
  const { memberId, metadata } = member;
  const topicIds = new Set<TopicId>();
  const regex = regexOf(member);
  const matched = regex === null ? undefined : task.resolvedRegexes.get(regex);
  for (const names of [metadata.subscribedTopicNames, matched ?? []])
    for (const name of names) {
      const topic = task.subscriptionMetadata.get(name);
      if (topic !== undefined) topicIds.add(topic.topicId);
    }
  return { memberId, instanceId: metadata.instanceId, topicIds, assignment: task.target(memberId) ?? EMPTY_ASSIGNMENT };
}

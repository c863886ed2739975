/**
 * @pure Who may be a member of a consumer group, whichever protocol it speaks: room, and the places of static members.
 * Kafka: the throwIf… methods of GroupMetadataManager, replaceMember.
 */
import { KafkaError } from '../protocol/errors.ts';
import { EMPTY_ASSIGNMENT } from './assignment.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import {
  type ConsumerGroupMember,
  currentAssignmentRecord,
  memberTombstones,
  metadataRecord,
  targetAssignmentRecord,
} from './consumer-group-member.ts';
import type { ConsumerGroupSettings } from './consumer-group-settings.ts';
import { cancelMemberTimers, resumeTimers } from './consumer-group-timers.ts';
import type { Decision } from './decision.ts';

/** Whoever takes the place of a static member needs no room of its own. (In Kafka it does.) */
export function throwIfFull(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
  { groupConsumerMaxSize }: ConsumerGroupSettings,
): void {
  if (group.members.size < groupConsumerMaxSize || group.members.has(memberId)) return;
  if (instanceId !== null && group.staticMember(instanceId) !== undefined) return;
  throw new KafkaError(
    'GROUP_MAX_SIZE_REACHED',
    `The consumer group has reached its maximum capacity of ${groupConsumerMaxSize} members.`,
  );
}

/** The static member of the instance, which must be the one that asks. */
export function throwIfFenced(group: ConsumerGroup, memberId: string, instanceId: string): ConsumerGroupMember {
  const member = group.staticMember(instanceId);
  if (member === undefined) throw new KafkaError('UNKNOWN_MEMBER_ID', `Instance id ${instanceId} is unknown.`);
  if (member.memberId === memberId) return member;
  throw new KafkaError(
    'FENCED_INSTANCE_ID',
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
  );
}

/** A new member gets all that the one before it had and was to have, and begins in epoch 0. */
export function replaceStaticMember(
  group: ConsumerGroup,
  former: ConsumerGroupMember,
  memberId: string,
  settings: ConsumerGroupSettings,
  decision: Decision,
): ConsumerGroupMember {
  const { groupId } = group;
  const member: ConsumerGroupMember = { ...former, memberId, memberEpoch: 0, previousMemberEpoch: 0 };
  const isOther = memberId !== former.memberId;
  if (isOther) decision.record(...memberTombstones(groupId, former.memberId));
  decision.record(
    metadataRecord(groupId, member),
    targetAssignmentRecord(groupId, memberId, group.target(former.memberId) ?? EMPTY_ASSIGNMENT),
    currentAssignmentRecord(groupId, member),
  );
  if (isOther) cancelMemberTimers(groupId, former.memberId, decision);
  decision.whenRefused((_, instead) => resumeTimers(group, former, settings, instead));
  return member;
}

/**
 * @pure One member of a group of the consumer protocol, as the records of it say: what it asked for (its metadata), and
 * what it has (its current assignment). A value: a change is another member. Kafka: ConsumerGroupMember, MemberState.
 *
 * A member with classicMemberMetadata speaks the classic protocol; the group serves it all the same (migration).
 */
import { assert } from '../lib/assert.ts';
import type { GroupRecord, GroupRecordValue } from '../protocol/internal/group-record.ts';
import { type Assignment, assignmentFrom, EMPTY_ASSIGNMENT, listAssignment, sameAssignment } from './assignment.ts';

/**
 * `unrevokedPartitions`: it is asked to give partitions up, and stays in its epoch until it has.
 * `unreleasedPartitions`: it is in the newest epoch, and waits for partitions that others still have. `unknown`: a
 * newer broker's.
 */
export type MemberState = 'stable' | 'unrevokedPartitions' | 'unreleasedPartitions' | 'unknown';

export type MemberMetadata = GroupRecordValue<'consumerGroupMemberMetadata'>;
export type ClassicMemberMetadata = NonNullable<MemberMetadata['classicMemberMetadata']>;

export interface ConsumerGroupMember {
  readonly memberId: string;
  readonly metadata: MemberMetadata;
  /** 0: has joined, and never had an assignment; LEFT_STATIC_EPOCH: is away and will be back. */
  readonly memberEpoch: number;
  /** Accepted too, as long as the answer with the next one may be lost. */
  readonly previousMemberEpoch: number;
  readonly state: MemberState;
  readonly assigned: Assignment;
  /** What it has besides, and must give up. */
  readonly pendingRevocation: Assignment;
}

/** The memberEpoch of requests that leave for good, and of those that leave for a restart. */
export const LEAVE_EPOCH = -1;
export const LEFT_STATIC_EPOCH = -2;

const STATE_CODES: Readonly<Record<MemberState, number>> = {
  stable: 0,
  unrevokedPartitions: 1,
  unreleasedPartitions: 2,
  unknown: 127,
};

const NO_METADATA: MemberMetadata = {
  instanceId: null,
  rackId: null,
  clientId: '',
  clientHost: '',
  subscribedTopicNames: [],
  subscribedTopicRegex: '',
  rebalanceTimeoutMs: -1,
  serverAssignor: null,
  classicMemberMetadata: null,
};

export function newMember(memberId: string): ConsumerGroupMember {
  return {
    memberId,
    metadata: NO_METADATA,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: 'stable',
    assigned: EMPTY_ASSIGNMENT,
    pendingRevocation: EMPTY_ASSIGNMENT,
  };
}

/** null without one: clients send the empty string to take it back. */
export function regexOf({ metadata }: ConsumerGroupMember): string | null {
  return metadata.subscribedTopicRegex === '' ? null : metadata.subscribedTopicRegex;
}

/** Asked of members that are known to speak the classic protocol. */
export function classicMetadataOf({ metadata }: ConsumerGroupMember): ClassicMemberMetadata {
  assert(metadata.classicMemberMetadata !== null, 'the member speaks the classic protocol');
  return metadata.classicMemberMetadata;
}

export function isClassic({ metadata }: ConsumerGroupMember): boolean {
  return metadata.classicMemberMetadata !== null;
}

export function isReconciledTo(member: ConsumerGroupMember, assignmentEpoch: number): boolean {
  return member.state === 'stable' && member.memberEpoch === assignmentEpoch;
}

/** Each name once, in an order of its own: what a member subscribes to is a set. */
export function normalizedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

export function sameNames(one: readonly string[], other: readonly string[]): boolean {
  const [names, others] = [new Set(one), new Set(other)];
  return names.size === others.size && one.every((name) => others.has(name));
}

export function sameMetadata(one: MemberMetadata, other: MemberMetadata): boolean {
  return (
    one === other ||
    (one.instanceId === other.instanceId &&
      one.rackId === other.rackId &&
      one.clientId === other.clientId &&
      one.clientHost === other.clientHost &&
      one.subscribedTopicRegex === other.subscribedTopicRegex &&
      one.rebalanceTimeoutMs === other.rebalanceTimeoutMs &&
      one.serverAssignor === other.serverAssignor &&
      sameNames(one.subscribedTopicNames, other.subscribedTopicNames) &&
      sameClassicMetadata(one.classicMemberMetadata, other.classicMemberMetadata))
  );
}

function sameClassicMetadata(one: ClassicMemberMetadata | null, other: ClassicMemberMetadata | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.sessionTimeoutMs === other.sessionTimeoutMs &&
    one.supportedProtocols.length === other.supportedProtocols.length &&
    one.supportedProtocols.every(({ name, metadata }, index) => {
      const theirs = other.supportedProtocols[index];
      return theirs !== undefined && theirs.name === name && theirs.metadata.equals(metadata);
    })
  );
}

export function sameCurrentAssignment(one: ConsumerGroupMember, other: ConsumerGroupMember): boolean {
  return (
    one.memberEpoch === other.memberEpoch &&
    one.previousMemberEpoch === other.previousMemberEpoch &&
    one.state === other.state &&
    sameAssignment(one.assigned, other.assigned) &&
    sameAssignment(one.pendingRevocation, other.pendingRevocation)
  );
}

export function withCurrentAssignment(
  member: ConsumerGroupMember,
  value: GroupRecordValue<'consumerGroupCurrentMemberAssignment'>,
): ConsumerGroupMember {
  const states = Object.keys(STATE_CODES) as MemberState[];
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: states.find((state) => STATE_CODES[state] === value.state) ?? 'unknown',
    assigned: assignmentFrom(value.assignedPartitions),
    pendingRevocation: assignmentFrom(value.partitionsPendingRevocation),
  };
}

export function metadataRecord(groupId: string, { memberId, metadata }: ConsumerGroupMember): GroupRecord {
  return { kind: 'consumerGroupMemberMetadata', key: { groupId, memberId }, value: metadata };
}

export function currentAssignmentRecord(groupId: string, member: ConsumerGroupMember): GroupRecord {
  const { memberId, memberEpoch, previousMemberEpoch, state, assigned, pendingRevocation } = member;
  return {
    kind: 'consumerGroupCurrentMemberAssignment',
    key: { groupId, memberId },
    value: {
      memberEpoch,
      previousMemberEpoch,
      state: STATE_CODES[state],
      assignedPartitions: listAssignment(assigned),
      partitionsPendingRevocation: listAssignment(pendingRevocation),
    },
  };
}

export function targetAssignmentRecord(groupId: string, memberId: string, target: Assignment): GroupRecord {
  return {
    kind: 'consumerGroupTargetAssignmentMember',
    key: { groupId, memberId },
    value: { topicPartitions: listAssignment(target) },
  };
}

/** All that is stored of a member, taken back. The order is Kafka's, whose replay insists on it. */
export function memberTombstones(groupId: string, memberId: string): readonly GroupRecord[] {
  const key = { groupId, memberId };
  return [
    { kind: 'consumerGroupCurrentMemberAssignment', key, value: null },
    { kind: 'consumerGroupTargetAssignmentMember', key, value: null },
    { kind: 'consumerGroupMemberMetadata', key, value: null },
  ];
}

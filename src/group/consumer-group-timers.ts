/**
 * @pure The timers of the members of consumer groups. Each of them, when it fires, ends the membership; setting one
 * again is what being alive means.
 */
import type { ConsumerGroup } from './consumer-group.ts';
import { type ConsumerGroupMember, isClassic } from './consumer-group-member.ts';
import type { ConsumerGroupSettings } from './consumer-group-settings.ts';
import type { Decision } from './decision.ts';
import { timerKey } from './timer-key.ts';

/** Nothing was heard of the member. */
export const SESSION_TIMER = 'consumer-session';
/** It was asked to give up partitions, and did not in its rebalance timeout. */
export const REVOCATION_TIMER = 'consumer-revocation';
/** A member of the classic protocol was told to join again, and did not. */
export const REJOIN_TIMER = 'consumer-rejoin';
/** A member of the classic protocol joined, and did not ask for its assignment. */
export const ASSIGNMENT_TIMER = 'consumer-assignment';

const ALL = [SESSION_TIMER, REVOCATION_TIMER, REJOIN_TIMER, ASSIGNMENT_TIMER] as const;

export function cancelMemberTimers(groupId: string, memberId: string, decision: Decision): void {
  for (const kind of ALL) decision.cancelTimer(timerKey(kind, groupId, memberId));
}

/** The session of a member begins anew: it was heard of, or a new coordinator hopes to hear of it. */
export function keepSession(
  groupId: string,
  member: ConsumerGroupMember,
  settings: ConsumerGroupSettings,
  decision: Decision,
): void {
  const timeoutMs = member.metadata.classicMemberMetadata?.sessionTimeoutMs ?? settings.groupConsumerSessionTimeoutMs;
  decision.setTimer(timerKey(SESSION_TIMER, groupId, member.memberId), timeoutMs);
}

/** Members of the classic protocol are timed by their JoinGroup and SyncGroup instead. */
export function timeRevocation(groupId: string, member: ConsumerGroupMember, decision: Decision): void {
  if (isClassic(member)) return;
  const key = timerKey(REVOCATION_TIMER, groupId, member.memberId);
  if (member.state === 'unrevokedPartitions') decision.setTimer(key, member.metadata.rebalanceTimeoutMs);
  else decision.cancelTimer(key);
}

/** Those of a member that stays: a new coordinator does not know since when they run, or its removal was refused. */
export function resumeTimers(
  { groupId, awaitedJoins }: ConsumerGroup,
  member: ConsumerGroupMember,
  settings: ConsumerGroupSettings,
  decision: Decision,
): void {
  const { memberId, metadata } = member;
  keepSession(groupId, member, settings, decision);
  if (member.state === 'unrevokedPartitions') timeRevocation(groupId, member, decision);
  if (awaitedJoins.has(memberId))
    decision.setTimer(timerKey(REJOIN_TIMER, groupId, memberId), metadata.rebalanceTimeoutMs);
}

/** May the timer that has fired end the membership? Timers of a past the member has left behind may not. */
export function endsMembership(kind: string, member: ConsumerGroupMember): boolean {
  switch (kind) {
    case SESSION_TIMER:
      return true;
    case REVOCATION_TIMER:
      // A static member that is away has nothing to revoke; its session ends if it stays away.
      return !isClassic(member) && member.state === 'unrevokedPartitions' && member.memberEpoch >= 0;
    case REJOIN_TIMER:
    case ASSIGNMENT_TIMER:
      return isClassic(member);
    default:
      return false;
  }
}

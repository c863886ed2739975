/**
 * @pure Who may join a classic group, and what joining means in each of its states. Kafka: the parts of
 * GroupMetadataManager from classicGroupJoinToClassicGroup to updateStaticMemberThenRebalanceOrCompleteJoin.
 *
 * Guarantees: a JoinGroup that is not answered at once waits in exactly one member, and a second one of that member
 * answers the first. A group is not stored before there is something to lose: until then, a group that nobody joined
 * and nobody was invited to does not exist. (Kafka's newer coordinator stores it empty.)
 */
import type { Ticket } from '../coordinator/shard.ts';
import type { Logger } from '../lib/logger.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { JoinGroup } from '../protocol/messages/11-join-group.ts';
import type { RequestOf } from '../protocol/schema.ts';
import type { ClassicGroup, MemberTimeouts } from './classic-group.ts';
import { ClassicGroupMember, type ClassicProtocol } from './classic-group-member.ts';
import { type ClassicRebalance, HEARTBEAT_TIMER, NEW_MEMBER_JOIN_TIMEOUT_MS } from './classic-rebalance.ts';
import { joined, joinRefused, UNKNOWN_MEMBER } from './classic-responses.ts';
import type { Decision } from './decision.ts';
import type { ClassicGroupSettings, MemberContext } from './group-settings.ts';
import { timerKey } from './timer-key.ts';

/** From this version of JoinGroup on, a new member is told its id first (KIP-394). */
const NEEDS_MEMBER_ID_SINCE = 4;
/** From this version on, a static leader can be told that there is nothing to assign (KIP-814). */
const SKIPS_ASSIGNMENT_SINCE = 9;
/** Of a client id, as the beginning of member ids: the rest is of no use, and ids are stored with 16-bit lengths. */
const MAX_ID_PREFIX = 255;

/** One JoinGroup on its way through the rules. */
export interface Joining {
  readonly group: ClassicGroup;
  readonly context: MemberContext;
  readonly request: RequestOf<typeof JoinGroup>;
  /** The request's, each name once. */
  readonly protocols: readonly ClassicProtocol[];
  readonly ticket: Ticket;
  readonly decision: Decision;
  readonly nowMs: number;
}

export interface ClassicJoiningOptions {
  readonly settings: ClassicGroupSettings;
  readonly rebalance: ClassicRebalance;
  readonly newMemberId: (prefix: string) => string;
  /** An id of any group has to make room for a new one. */
  readonly onPendingDisplaced: (groupId: string, memberId: string, decision: Decision, nowMs: number) => void;
  readonly logger: Logger;
}

export class ClassicJoining {
  readonly #settings: ClassicGroupSettings;
  readonly #rebalance: ClassicRebalance;
  readonly #newMemberId: ClassicJoiningOptions['newMemberId'];
  readonly #onPendingDisplaced: ClassicJoiningOptions['onPendingDisplaced'];
  readonly #logger: Logger;

  constructor(options: ClassicJoiningOptions) {
    this.#settings = options.settings;
    this.#rebalance = options.rebalance;
    this.#newMemberId = options.newMemberId;
    this.#onPendingDisplaced = options.onPendingDisplaced;
    this.#logger = options.logger;
  }

  join(joining: Joining): void {
    const { group, request, protocols, decision, nowMs } = joining;
    const { memberId } = request;
    if (group.state === 'Dead') this.#refuse(joining, 'COORDINATOR_NOT_AVAILABLE', memberId);
    else if (!this.#hasRoomFor(group, memberId)) {
      this.#rebalance.remove(group, memberId, decision);
      this.#refuse(joining, 'GROUP_MAX_SIZE_REACHED', UNKNOWN_MEMBER);
      this.#rebalance.completeIfAllJoined(group, decision, nowMs);
    } else if (!group.supports(request.protocolType, protocols))
      this.#refuse(joining, 'INCONSISTENT_GROUP_PROTOCOL', memberId);
    else if (!group.hasRoomFor(protocols, memberId)) this.#refuse(joining, 'COORDINATOR_NOT_AVAILABLE', memberId);
    else if (memberId === UNKNOWN_MEMBER) this.#joinNew(joining);
    else if (request.groupInstanceId === null && group.isPending(memberId)) this.#add(joining, memberId);
    else this.#joinAgain(joining);
  }

  /**
   * group.max.size (KIP-389). While a rebalance waits, those count who wait: the group may be larger because the limit
   * was lowered, and the last ones to join again are then left out. Otherwise members count.
   */
  #hasRoomFor(group: ClassicGroup, memberId: string): boolean {
    const { groupMaxSize } = this.#settings;
    const member = group.member(memberId);
    switch (group.state) {
      case 'PreparingRebalance':
        return (member !== undefined && member.joinTicket !== null) || group.awaitingJoinCount < groupMaxSize;
      case 'CompletingRebalance':
      case 'Stable':
        return member !== undefined || group.size < groupMaxSize;
      default:
        return true;
    }
  }

  #joinNew(joining: Joining): void {
    const { group, context, request } = joining;
    const { groupInstanceId } = request;
    const memberId = this.#newMemberId(idPrefix(groupInstanceId ?? context.clientId));
    if (groupInstanceId === null) {
      if (context.version >= NEEDS_MEMBER_ID_SINCE) this.#invite(joining, memberId);
      else this.#add(joining, memberId);
      return;
    }
    const heldBy = group.member(group.staticMemberId(groupInstanceId) ?? UNKNOWN_MEMBER);
    const instead = heldBy === undefined ? 'Adding' : `Replacing member ${heldBy.memberId} with`;
    this.#logger.info(
      `Static member with groupInstanceId=${groupInstanceId} and unknown member id joins group ${group.groupId} in ` +
        `${group.state} state. ${instead} ${memberId}.`,
    );
    if (heldBy === undefined) this.#add(joining, memberId);
    else this.#replace(joining, heldBy, memberId);
  }

  /** Tells the new member its id: the JoinGroup that waits later can be known again when the client repeats it. */
  #invite(joining: Joining, memberId: string): void {
    const { group, request, decision, nowMs } = joining;
    this.#logger.info(
      `Dynamic member with unknown member id joins group ${group.groupId} in ${group.state} state. ` +
        `Created a new member id ${memberId} and requesting the member to rejoin with this id.`,
    );
    const displaced = group.addPending(memberId);
    decision.setTimer(timerKey(HEARTBEAT_TIMER, group.groupId, memberId), request.sessionTimeoutMs);
    this.#refuse(joining, 'MEMBER_ID_REQUIRED', memberId);
    if (displaced !== null) this.#onPendingDisplaced(displaced.groupId, displaced.memberId, decision, nowMs);
  }

  #add(joining: Joining, memberId: string): void {
    const { group, context, request, protocols, ticket, decision, nowMs } = joining;
    const member = new ClassicGroupMember({
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: context.clientId,
      clientHost: context.clientHost,
      ...timeoutsOf(joining),
      protocols,
    });
    member.isNew = true;
    group.isNewMemberAdded = true;
    group.add(member, request.protocolType);
    group.awaitJoin(member, ticket);
    this.#rebalance.keepAlive(group, member, decision, NEW_MEMBER_JOIN_TIMEOUT_MS);
    const instance = request.groupInstanceId === null ? '' : ` with group instance id ${request.groupInstanceId}`;
    this.#rebalance.afterChange(group, `Adding new member ${memberId}${instance}; ${why(joining)}`, decision, nowMs);
  }

  #joinAgain(joining: Joining): void {
    const { group, request, protocols, ticket, decision } = joining;
    const { memberId, groupInstanceId } = request;
    const error = group.memberError(memberId, groupInstanceId);
    const member = group.member(memberId);
    if (error !== null || member === undefined) {
      this.#refuse(joining, error ?? 'UNKNOWN_MEMBER_ID', memberId);
      return;
    }
    // Its answer of this generation was lost, when nothing has changed. But the leader watches the topics: that it
    // joins a stable group again means that there is something to assign.
    const hasChanged = !member.matches(protocols);
    const leadsAgain = group.state === 'Stable' && group.isLeader(memberId);
    if (group.state === 'PreparingRebalance')
      this.#update(joining, member, `Member ${memberId} is joining group during ${group.state}`);
    else if (leadsAgain) this.#update(joining, member, `Leader ${memberId} re-joining group during ${group.state}`);
    else if (hasChanged) this.#update(joining, member, `Updating metadata for member ${memberId}`);
    else decision.replyNow(ticket, joined(group, memberId));
  }

  #update(joining: Joining, member: ClassicGroupMember, reason: string): void {
    const { group, protocols, decision, nowMs } = joining;
    group.update(member, protocols, timeoutsOf(joining));
    this.#await(joining, member);
    this.#rebalance.afterChange(group, `${reason}; ${why(joining)}`, decision, nowMs);
  }

  #await({ group, ticket, decision }: Joining, member: ClassicGroupMember): void {
    const superseded = group.awaitJoin(member, ticket);
    // Nobody reads it any more; Kafka leaves it without an answer.
    if (superseded !== null) decision.replyNow(superseded, joinRefused('REBALANCE_IN_PROGRESS', member.memberId));
  }

  /** A static member is back without its id: it gets a new one, and whoever uses the old one is fenced from now on. */
  #replace(joining: Joining, old: ClassicGroupMember, memberId: string): void {
    const { group, request, protocols, decision, nowMs } = joining;
    this.#fence(group, old, decision);
    const { groupInstanceId, clientId, clientHost, assignment } = old;
    const member = new ClassicGroupMember({
      memberId,
      groupInstanceId,
      clientId,
      clientHost,
      ...timeoutsOf(joining),
      protocols,
      assignment,
    });
    const oldLeader = group.leaderId;
    group.replaceStaticMember(old, member);
    this.#rebalance.keepAlive(group, member, decision);
    const reason = `static member ${memberId} with instance id ${groupInstanceId}; ${why(joining)}`;
    if (group.state === 'Stable' && group.selectProtocol() === group.protocolName) {
      this.#takeOver(joining, old, member, oldLeader);
      return;
    }
    this.#await(joining, member);
    if (group.state === 'Stable')
      this.#rebalance.prepare(group, `Group's selectedProtocol will change because of ${reason}`, decision, nowMs);
    else if (group.state === 'CompletingRebalance')
      // The leader may be assigning to the old id just now.
      this.#rebalance.prepare(group, `Updating metadata for ${reason}`, decision, nowMs);
    else this.#rebalance.completeIfAllJoined(group, decision, nowMs);
    this.#logger.debug(`${request.groupId}: ${reason}`);
  }

  /** In a stable group, when nothing changes but an id: no rebalance, the assignment is the old member's (KIP-345). */
  #takeOver(joining: Joining, old: ClassicGroupMember, member: ClassicGroupMember, oldLeader: string | null): void {
    const { group, context, ticket, decision, nowMs } = joining;
    this.#logger.info(
      `Static member ${member.memberId} which joins during Stable stage and doesn't affect the selected protocol ` +
        'will not trigger a rebalance.',
    );
    const canSkip = context.version >= SKIPS_ASSIGNMENT_SINCE;
    // An older client that is told it leads would assign, to a group that waits for nobody's assignment. It is told
    // the leader's old id, and so believes that it follows.
    const answer = canSkip
      ? joined(group, member.memberId, group.isLeader(member.memberId))
      : { ...joined(group, member.memberId), leader: oldLeader ?? '', members: [] };
    decision.record(group.toRecord(nowMs));
    decision.reply(ticket, answer);
    decision.whenRefused((error, instead) => {
      this.#logger.warn(
        `Failed to persist metadata for group ${group.groupId} static member ${member.memberId}: ${error}. ` +
          `Reverting to old member id ${old.memberId}.`,
      );
      group.replaceStaticMember(member, old);
      instead.cancelTimer(timerKey(HEARTBEAT_TIMER, group.groupId, member.memberId));
      this.#rebalance.keepAlive(group, old, instead);
      instead.replyNow(ticket, joinRefused(error, UNKNOWN_MEMBER));
    });
  }

  #fence(group: ClassicGroup, member: ClassicGroupMember, decision: Decision): void {
    this.#rebalance.refuseWaiting(group, member, 'FENCED_INSTANCE_ID', member.memberId, decision);
    decision.cancelTimer(timerKey(HEARTBEAT_TIMER, group.groupId, member.memberId));
  }

  #refuse({ ticket, decision }: Joining, error: ErrorName, memberId: string): void {
    decision.replyNow(ticket, joinRefused(error, memberId));
  }
}

/** Not with half a character at its end: a client must be able to send the id back as it is. */
function idPrefix(name: string): string {
  return name.slice(0, MAX_ID_PREFIX).toWellFormed();
}

/** JoinGroup v0 has no rebalance timeout: the session's stands for it. */
function timeoutsOf({ request: { sessionTimeoutMs, rebalanceTimeoutMs } }: Joining): MemberTimeouts {
  return { sessionTimeoutMs, rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs };
}

/** For the log (KIP-800). */
function why({ request: { reason } }: Joining): string {
  return `client reason: ${reason === null || reason === '' ? 'not provided' : reason.slice(0, 255)}`;
}

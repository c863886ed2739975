/**
 * @pure What the members of a classic group ask between joining and leaving: SyncGroup, Heartbeat, LeaveGroup. Kafka:
 * classicGroupSyncToClassicGroup, classicGroupHeartbeatToClassicGroup, classicGroupLeaveToClassicGroup.
 *
 * Guarantees: an assignment is given to nobody before it is committed, and then to each member only its own part.
 */
import type { Ticket } from '../coordinator/shard.ts';
import type { Logger } from '../lib/logger.ts';
import { Errors, type ErrorName } from '../protocol/errors.ts';
import type { Heartbeat } from '../protocol/messages/12-heartbeat.ts';
import type { LeaveGroup } from '../protocol/messages/13-leave-group.ts';
import type { SyncGroup } from '../protocol/messages/14-sync-group.ts';
import type { RequestOf } from '../protocol/schema.ts';
import type { ClassicGroup } from './classic-group.ts';
import { type ClassicGroupMember, NO_BYTES } from './classic-group-member.ts';
import { type ClassicRebalance, SYNC_TIMER } from './classic-rebalance.ts';
import { synced, syncRefused } from './classic-responses.ts';
import type { Decision } from './decision.ts';
import { timerKey } from './timer-key.ts';

type SyncRequest = RequestOf<typeof SyncGroup>;
type LeaveRequest = RequestOf<typeof LeaveGroup>;
type LeavingMember = LeaveRequest['members'][number];

export class ClassicMembership {
  readonly #rebalance: ClassicRebalance;
  readonly #logger: Logger;

  constructor(rebalance: ClassicRebalance, logger: Logger) {
    this.#rebalance = rebalance;
    this.#logger = logger;
  }

  sync(group: ClassicGroup, request: SyncRequest, ticket: Ticket, decision: Decision, nowMs: number): void {
    const error = syncError(group, request);
    const member = group.member(request.memberId);
    if (error !== null || member === undefined) {
      decision.replyNow(ticket, syncRefused(error ?? 'UNKNOWN_MEMBER_ID'));
      return;
    }
    if (group.synced(member.memberId)) decision.cancelTimer(timerKey(SYNC_TIMER, group.groupId));
    if (group.state === 'Stable') {
      decision.reply(ticket, synced(group, member.assignment));
      return;
    }
    // A second one of the same member: nobody reads the answer of the first any more.
    if (member.syncTicket !== null) decision.replyNow(member.syncTicket, syncRefused('REBALANCE_IN_PROGRESS'));
    member.syncTicket = ticket;
    if (group.isLeader(member.memberId)) this.#assign(group, request, decision, nowMs);
  }

  heartbeat(group: ClassicGroup, request: RequestOf<typeof Heartbeat>, ticket: Ticket, decision: Decision): void {
    const error = memberError(group, request);
    const member = group.member(request.memberId);
    if (error === null && member !== undefined) this.#rebalance.keepAlive(group, member, decision);
    const isRebalancing = error === null && group.state === 'PreparingRebalance';
    decision.replyNow(ticket, { errorCode: Errors[isRebalancing ? 'REBALANCE_IN_PROGRESS' : (error ?? 'NONE')] });
  }

  /**
   * Members are in `members` in every version. Without a group nobody can be a member of it: every one is told so.
   */
  leave(group: ClassicGroup | null, request: LeaveRequest, ticket: Ticket, decision: Decision, nowMs: number): void {
    const gone: string[] = [];
    const members = request.members.map((who) => {
      const error = group === null ? 'UNKNOWN_MEMBER_ID' : this.#leaveOne(group, who, gone, decision);
      return { memberId: who.memberId, groupInstanceId: who.groupInstanceId, errorCode: Errors[error] };
    });
    if (group !== null) {
      const reason = `explicit \`LeaveGroup\` request for (${gone.join(', ')}) members.`;
      // An id that was never used is nobody's: only those who were members are missed.
      if (gone.length > 0) this.#rebalance.afterChange(group, reason, decision, nowMs);
      else this.#rebalance.completeIfAllJoined(group, decision, nowMs);
    }
    const answer = { errorCode: Errors.NONE, members };
    if (!decision.hasRecords) {
      decision.replyNow(ticket, answer);
      return;
    }
    decision.reply(ticket, answer);
    decision.whenRefused((error, instead) => instead.replyNow(ticket, { errorCode: Errors[error], members: [] }));
  }

  /** The leader's assignment: stored first, then given to all who wait, and to those who ask later. */
  #assign(group: ClassicGroup, request: SyncRequest, decision: Decision, nowMs: number): void {
    this.#logger.info(
      `Assignment received from leader ${request.memberId} for group ${group.groupId} for generation ` +
        `${group.generation}. The group has ${group.size} members, ${group.staticMemberCount} of which are static.`,
    );
    const given = new Map(request.assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    const assignments = new Map(
      Array.from(group.members, ({ memberId }) => [memberId, given.get(memberId) ?? NO_BYTES]),
    );
    const left = [...assignments.keys()].filter((memberId) => !given.has(memberId));
    if (left.length > 0)
      this.#logger.warn(
        `Setting empty assignments for members ${left} of ${group.groupId} for generation ${group.generation}.`,
      );
    decision.record(group.toRecord(nowMs, assignments));
    const waiting = new Map<ClassicGroupMember, Ticket>();
    for (const member of group.members) {
      if (member.syncTicket === null) continue;
      waiting.set(member, member.syncTicket);
      decision.reply(member.syncTicket, synced(group, assignments.get(member.memberId) ?? NO_BYTES));
      member.syncTicket = null;
      // Sessions that ended while they waited were not ended by a timer.
      this.#rebalance.keepAlive(group, member, decision);
    }
    decision.whenRefused((error, instead) => {
      for (const [member, ticket] of waiting) member.syncTicket = ticket;
      this.#rebalance.refuseSyncs(group, error, instead);
      const reason = `Error ${error} when storing group assignment during SyncGroup (member: ${request.memberId}).`;
      this.#rebalance.afterChange(group, reason, instead, nowMs);
    });
  }

  #leaveOne(group: ClassicGroup, who: LeavingMember, gone: string[], decision: Decision): ErrorName {
    const { groupInstanceId } = who;
    // An administrator names a static member by its instance alone.
    const isByInstance = who.memberId === '' && groupInstanceId !== null;
    const memberId = isByInstance ? (group.staticMemberId(groupInstanceId) ?? '') : who.memberId;
    const isPending = group.isPending(memberId);
    const error = isPending ? null : group.memberError(memberId, groupInstanceId);
    if (error !== null) return error;
    this.#logger.info(
      `[Group ${group.groupId}] ${isPending ? 'Pending member' : 'Member'} ${memberId} has left group through ` +
        `explicit \`LeaveGroup\` request; client reason: ${who.reason?.slice(0, 255) ?? 'not provided'}`,
    );
    this.#rebalance.remove(group, memberId, decision);
    if (!isPending) gone.push(memberId);
    return 'NONE';
  }
}

interface MemberRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
}

/** May the member speak for the current generation? null: yes. */
function memberError(group: ClassicGroup, request: MemberRequest): ErrorName | null {
  if (group.state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
  const error = group.memberError(request.memberId, request.groupInstanceId);
  if (error !== null) return error;
  return request.generationId === group.generation ? null : 'ILLEGAL_GENERATION';
}

function syncError(group: ClassicGroup, request: SyncRequest): ErrorName | null {
  const error = memberError(group, request);
  if (error !== null) return error;
  const isOtherType = request.protocolType !== null && request.protocolType !== group.protocolType;
  const isOtherName = request.protocolName !== null && request.protocolName !== group.protocolName;
  if (isOtherType || isOtherName) return 'INCONSISTENT_GROUP_PROTOCOL';
  return group.state === 'PreparingRebalance' ? 'REBALANCE_IN_PROGRESS' : null;
}

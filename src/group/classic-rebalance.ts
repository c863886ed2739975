/**
 * @pure How a classic group gets from one generation to the next: who is waited for, how long, and who is left behind.
 * Kafka: the parts of GroupMetadataManager from prepareRebalance to expirePendingSync.
 *
 * Guarantees: a rebalance ends. Either everybody joined, or the longest rebalance timeout passed and whoever did not
 * join is out (static members stay, KIP-345); and then everybody synced, or is out after the same time. Timers that
 * fire late, for a member or generation that is gone, do nothing.
 */
import type { Logger } from '../lib/logger.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import { type ClassicGroupMember, NO_BYTES } from './classic-group-member.ts';
import { joined, joinRefused, syncRefused, UNKNOWN_MEMBER } from './classic-responses.ts';
import type { Decision } from './decision.ts';
import type { ClassicGroupSettings } from './group-settings.ts';
import { timerKey } from './timer-key.ts';

/** A new member that waits to join cannot send heartbeats; after this long it is taken for gone (KAFKA-7610). */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60 * 1000;

export const JOIN_TIMER = 'classic-join';
export const SYNC_TIMER = 'classic-sync';
export const HEARTBEAT_TIMER = 'classic-heartbeat';

export class ClassicRebalance {
  readonly #settings: ClassicGroupSettings;
  readonly #logger: Logger;

  constructor(settings: ClassicGroupSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  /** Something about the members changed: begins a rebalance, or ends the one that waited for just this. */
  afterChange(group: ClassicGroup, reason: string, decision: Decision, nowMs: number): void {
    if (group.canRebalance) this.prepare(group, reason, decision, nowMs);
    else this.completeIfAllJoined(group, decision, nowMs);
  }

  /** Everybody has to join again. */
  prepare(group: ClassicGroup, reason: string, decision: Decision, nowMs: number): void {
    if (group.state === 'CompletingRebalance') this.refuseSyncs(group, 'REBALANCE_IN_PROGRESS', decision);
    group.clearPendingSync();
    decision.cancelTimer(timerKey(SYNC_TIMER, group.groupId));
    const isFirst = group.isEmpty;
    group.transitionTo('PreparingRebalance', nowMs);
    this.#logger.info(
      `Preparing to rebalance group ${group.groupId} in state ${group.state} with old generation ` +
        `${group.generation} (reason: ${reason}).`,
    );
    if (isFirst) this.#delayFirst(group, decision);
    else if (group.hasAllMembersJoined) this.#complete(group, decision, nowMs);
    else decision.setTimer(timerKey(JOIN_TIMER, group.groupId), group.rebalanceTimeoutMs);
  }

  /** The first rebalance always waits its delay, or every member of a starting application would cause one. */
  completeIfAllJoined(group: ClassicGroup, decision: Decision, nowMs: number): void {
    const mayComplete = group.state === 'PreparingRebalance' && group.initialDelay === null;
    if (mayComplete && group.hasAllMembersJoined) this.#complete(group, decision, nowMs);
  }

  /** The initial delay or the rebalance timeout is over. */
  onJoinTimer(group: ClassicGroup, decision: Decision, nowMs: number): void {
    if (group.state !== 'PreparingRebalance') return;
    const delay = group.initialDelay;
    if (delay !== null && group.isNewMemberAdded && delay.remainingMs > 0) {
      group.isNewMemberAdded = false;
      const delayMs = Math.min(this.#settings.groupInitialRebalanceDelayMs, delay.remainingMs);
      group.initialDelay = { delayMs, remainingMs: Math.max(delay.remainingMs - delay.delayMs, 0) };
      decision.setTimer(timerKey(JOIN_TIMER, group.groupId), delayMs);
      return;
    }
    this.#complete(group, decision, nowMs);
  }

  /** Members that were told of this generation never asked for their assignment. */
  onSyncTimer(group: ClassicGroup, decision: Decision, nowMs: number): void {
    if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return;
    const missing = [...group.pendingSync];
    if (missing.length === 0) return;
    for (const memberId of missing) this.remove(group, memberId, decision);
    this.#logger.debug(`Group ${group.groupId} removed members who haven't sent their sync requests: ${missing}`);
    this.prepare(group, `Removing ${missing} on pending sync request expiration`, decision, nowMs);
  }

  /** A session is over. */
  onHeartbeatTimer(group: ClassicGroup, memberId: string, decision: Decision, nowMs: number): void {
    if (group.isPending(memberId)) {
      this.#logger.info(
        `Pending member ${memberId} in group ${group.groupId} has been removed after session timeout expiration.`,
      );
      this.removePending(group, memberId, decision, nowMs);
      return;
    }
    const member = group.member(memberId);
    if (member === undefined || member.hasSatisfiedHeartbeat) return;
    this.#logger.info(`Member ${memberId} in group ${group.groupId} has failed, removing it from the group.`);
    this.remove(group, memberId, decision);
    if (group.canRebalance)
      this.prepare(group, `removing member ${memberId} on heartbeat expiration.`, decision, nowMs);
    else if (group.hasAllMembersJoined) this.#complete(group, decision, nowMs);
  }

  /** An id that was given out will not be used. */
  removePending(group: ClassicGroup, memberId: string, decision: Decision, nowMs: number): void {
    this.remove(group, memberId, decision);
    if (group.state === 'PreparingRebalance' && group.hasAllMembersJoined) this.#complete(group, decision, nowMs);
  }

  /** Takes a member out, and tells its waiting requests; what that means for the group is the caller's next step. */
  remove(group: ClassicGroup, memberId: string, decision: Decision): void {
    const member = group.member(memberId);
    if (member !== undefined) this.refuseWaiting(group, member, 'UNKNOWN_MEMBER_ID', UNKNOWN_MEMBER, decision);
    group.remove(memberId);
    decision.cancelTimer(timerKey(HEARTBEAT_TIMER, group.groupId, memberId));
  }

  /** Answers the requests of a member that wait; `memberId` is what a JoinGroup's answer calls it. */
  refuseWaiting(
    group: ClassicGroup,
    member: ClassicGroupMember,
    error: ErrorName,
    memberId: string,
    decision: Decision,
  ): void {
    const joinTicket = group.takeJoinTicket(member);
    if (joinTicket !== null) decision.replyNow(joinTicket, joinRefused(error, memberId));
    if (member.syncTicket !== null) decision.replyNow(member.syncTicket, syncRefused(error));
    member.syncTicket = null;
  }

  /** The member has been heard of. */
  keepAlive(group: ClassicGroup, member: ClassicGroupMember, decision: Decision, timeoutMs?: number): void {
    const key = timerKey(HEARTBEAT_TIMER, group.groupId, member.memberId);
    decision.setTimer(key, timeoutMs ?? member.sessionTimeoutMs);
  }

  /** The assignment that members wait for will not come. */
  refuseSyncs(group: ClassicGroup, error: ErrorName, decision: Decision): void {
    for (const member of group.members) {
      member.assignment = NO_BYTES;
      if (member.syncTicket === null) continue;
      decision.replyNow(member.syncTicket, syncRefused(error));
      member.syncTicket = null;
      this.keepAlive(group, member, decision);
    }
  }

  #delayFirst(group: ClassicGroup, decision: Decision): void {
    const delayMs = this.#settings.groupInitialRebalanceDelayMs;
    group.isNewMemberAdded = false;
    group.initialDelay = { delayMs, remainingMs: Math.max(group.rebalanceTimeoutMs - delayMs, 0) };
    decision.setTimer(timerKey(JOIN_TIMER, group.groupId), delayMs);
  }

  #complete(group: ClassicGroup, decision: Decision, nowMs: number): void {
    group.initialDelay = null;
    decision.cancelTimer(timerKey(JOIN_TIMER, group.groupId));
    this.#removeNotJoined(group, decision);
    if (group.size === 0) this.#becomeEmpty(group, decision, nowMs);
    else if (group.electJoinedLeader()) this.#beginGeneration(group, decision, nowMs);
    else {
      // Static members only, none of them here. Their sessions will end, or one will come.
      this.#logger.warn(`Group ${group.groupId} could not complete rebalance because no members rejoined.`);
      decision.setTimer(timerKey(JOIN_TIMER, group.groupId), group.rebalanceTimeoutMs);
    }
  }

  #removeNotJoined(group: ClassicGroup, decision: Decision): void {
    const missing = [...group.members].filter(({ isStatic, joinTicket }) => !isStatic && joinTicket === null);
    for (const { memberId } of missing) this.remove(group, memberId, decision);
    if (missing.length === 0) return;
    const names = missing.map(({ memberId }) => memberId).join(', ');
    this.#logger.info(`Group ${group.groupId} removed dynamic members who haven't joined: ${names}`);
  }

  /**
   * When it cannot be stored, the group is empty all the same. A coordinator that reads the log then finds the members
   * of the last generation, and they time out.
   */
  #becomeEmpty(group: ClassicGroup, decision: Decision, nowMs: number): void {
    this.#logger.info(`Group ${group.groupId} with generation ${group.generation + 1} is now empty.`);
    const record = group.toEmptyRecord(nowMs);
    decision.record(record);
    decision.whenRefused((error) => {
      this.#logger.warn(`Failed to write empty metadata for group ${group.groupId}: ${error}`);
      if (record.kind === 'groupMetadata' && record.value !== null) group.restore(record.value);
    });
  }

  #beginGeneration(group: ClassicGroup, decision: Decision, nowMs: number): void {
    group.beginGeneration(nowMs);
    this.#logger.info(`Stabilized group ${group.groupId} generation ${group.generation} with ${group.size} members.`);
    for (const member of group.members) {
      const ticket = group.takeJoinTicket(member);
      if (ticket !== null) decision.replyNow(ticket, joined(group, member.memberId));
      this.keepAlive(group, member, decision);
      member.isNew = false;
    }
    decision.setTimer(timerKey(SYNC_TIMER, group.groupId), group.rebalanceTimeoutMs);
  }
}

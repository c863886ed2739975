/**
 * @pure Groups that change their protocol while they have members (group.consumer.migration.policy). A classic group
 * becomes one of the consumer protocol when the first member of that protocol joins it, and a classic one again when
 * the last such member has left. An empty group of either kind just makes room for the other. Kafka:
 * GroupMetadataManager.convertToConsumerGroup, convertToClassicGroup, ConsumerGroup.fromClassicGroup,
 * ClassicGroup.fromConsumerGroup.
 *
 * Guarantees: the change is one batch of records, the other kind's tombstones among them, so that a group is never of
 * two kinds; members keep the partitions they have, and their ids.
 */
import { KafkaError } from '../protocol/errors.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../protocol/internal/consumer-protocol.ts';
import {
  addPartition,
  type Assignment,
  assignmentFrom,
  type DraftAssignment,
  EMPTY_ASSIGNMENT,
  union,
} from './assignment.ts';
import { ClassicGroup } from './classic-group.ts';
import { ClassicGroupMember, NO_BYTES } from './classic-group-member.ts';
import { type ClassicRebalance, HEARTBEAT_TIMER, JOIN_TIMER, SYNC_TIMER } from './classic-rebalance.ts';
import { ConsumerGroup, type ConsumerGroupRecord, groupTombstones } from './consumer-group.ts';
import {
  classicMetadataOf,
  type ConsumerGroupMember,
  currentAssignmentRecord,
  isClassic,
  isReconciledTo,
  metadataRecord,
  newMember,
  normalizedNames,
  targetAssignmentRecord,
} from './consumer-group-member.ts';
import type { ConsumerGroupEnvironment } from './consumer-group-settings.ts';
import { cancelMemberTimers, keepSession, resumeTimers } from './consumer-group-timers.ts';
import { type ConsumerGroupUpdate, groupEpochRecord } from './consumer-group-update.ts';
import {
  byTopicId,
  readAssignment,
  readSubscription,
  type Subscription,
  writeAssignment,
} from './consumer-protocol-bytes.ts';
import type { Decision } from './decision.ts';
import type { Group } from './group.ts';
import { targetEpochRecord } from './target-assignment.ts';
import { timerKey } from './timer-key.ts';

/** Fires at once, when the group that was converted is a classic one: its members have to share anew. */
export const DOWNGRADED_TIMER = 'consumer-downgraded';

/** A member that comes in the place of another static one while the group changes its kind. */
export interface Replacement {
  readonly joining: ConsumerGroupMember;
  readonly replaced: ConsumerGroupMember;
}

export class GroupMigration {
  readonly #environment: ConsumerGroupEnvironment;
  readonly #update: ConsumerGroupUpdate;
  readonly #rebalance: ClassicRebalance;

  constructor(environment: ConsumerGroupEnvironment, update: ConsumerGroupUpdate, rebalance: ClassicRebalance) {
    this.#environment = environment;
    this.#update = update;
    this.#rebalance = rebalance;
  }

  existing(found: Group | undefined, groupId: string): ConsumerGroup {
    if (found instanceof ConsumerGroup) return found;
    if (found === undefined) throw notFound(`Consumer group ${groupId} not found.`);
    throw notFound(`Group ${groupId} is not a consumer group.`);
  }

  /** The group for a new member: as it is, or as the decision's records will make it. To be completed then. */
  consumerGroup(found: Group | undefined, groupId: string, decision: Decision): ConsumerGroup {
    if (found === undefined) return new ConsumerGroup(groupId);
    if (!(found instanceof ClassicGroup)) return this.existing(found, groupId);
    if (!found.isEmpty) return this.#upgrade(found, decision);
    decision.record(...found.tombstones());
    return new ConsumerGroup(groupId);
  }

  /**
   * When nothing can go wrong any more with the request that caused an upgrade: requests that wait for a generation of
   * the classic group are told to try again, and its timers end.
   */
  completeUpgrade(classic: ClassicGroup, group: ConsumerGroup, decision: Decision, nowMs: number): void {
    const { groupId } = classic;
    for (const member of classic.members) {
      this.#rebalance.refuseWaiting(classic, member, 'REBALANCE_IN_PROGRESS', member.memberId, decision);
      decision.cancelTimer(timerKey(HEARTBEAT_TIMER, groupId, member.memberId));
    }
    for (const kind of [JOIN_TIMER, SYNC_TIMER]) decision.cancelTimer(timerKey(kind, groupId));
    for (const member of group.members.values()) keepSession(groupId, member, this.#environment.settings, decision);
    decision.whenRefused((_, instead) => {
      for (const member of classic.members) {
        cancelMemberTimers(groupId, member.memberId, instead);
        this.#rebalance.keepAlive(classic, member, instead);
      }
      if (classic.state === 'PreparingRebalance')
        instead.setTimer(timerKey(JOIN_TIMER, groupId), classic.rebalanceTimeoutMs);
      else if (!classic.isEmpty)
        this.#rebalance.afterChange(classic, 'its upgrade could not be stored.', instead, nowMs);
    });
  }

  /** Takes members out; if only members of the classic protocol are left, the group becomes a classic one. */
  remove(group: ConsumerGroup, gone: readonly ConsumerGroupMember[], decision: Decision, nowMs: number): void {
    if (gone.length === 0) return;
    const left = [...group.members.values()].filter((member) => !gone.includes(member));
    if (this.canDowngrade(group, left)) this.#downgrade(group, left, null, true, decision, nowMs);
    else this.#update.remove(group, gone, decision);
  }

  /** Could the group go on as a classic one of these members? */
  canDowngrade(group: ConsumerGroup, left: readonly ConsumerGroupMember[]): boolean {
    const { settings, logger } = this.#environment;
    const policy = settings.groupConsumerMigrationPolicy;
    if (left.length === 0 || !left.every(isClassic)) return false;
    const cannot = `Cannot downgrade consumer group ${group.groupId} to classic group because`;
    if (policy !== 'downgrade' && policy !== 'bidirectional') {
      logger.info(`${cannot} the online downgrade is disabled.`);
      return false;
    }
    if (left.length > settings.groupMaxSize) {
      logger.info(`${cannot} its group size is greater than classic group max size.`);
      return false;
    }
    if (commonProtocols(left).size > 0) return true;
    logger.info(`${cannot} its members have no protocol in common.`);
    return false;
  }

  /** A static member of the classic protocol comes for the last one of the consumer protocol. */
  downgradeByReplacement(
    group: ConsumerGroup,
    replacement: Replacement,
    hasChanged: boolean,
    decision: Decision,
    nowMs: number,
  ): void {
    const { joining, replaced } = replacement;
    const others = [...group.members.values()].filter(({ memberId }) => memberId !== replaced.memberId);
    this.#downgrade(group, [...others, joining], replacement, hasChanged, decision, nowMs);
  }

  #upgrade(classic: ClassicGroup, decision: Decision): ConsumerGroup {
    this.#throwIfNotUpgradable(classic);
    const { groupId, generation } = classic;
    const members = this.#upgradedMembers(classic);
    const group = new ConsumerGroup(groupId);
    const records = [
      ...members.map((member) => metadataRecord(groupId, member)),
      groupEpochRecord(groupId, generation),
      ...members.map((member) => targetAssignmentRecord(groupId, member.memberId, member.assigned)),
      targetEpochRecord(groupId, generation),
      ...members.map((member) => currentAssignmentRecord(groupId, member)),
    ] as ConsumerGroupRecord[];
    for (const record of records) group.replay(record);
    decision.record(...classic.tombstones(), ...records);
    this.#environment.logger.info(`[GroupId ${groupId}] Converted the classic group to a consumer group.`);
    return group;
  }

  #throwIfNotUpgradable(classic: ClassicGroup): void {
    const { groupConsumerMigrationPolicy: policy, groupConsumerMaxSize } = this.#environment.settings;
    const cannot = `Cannot upgrade classic group ${classic.groupId} to consumer group because`;
    if (policy !== 'upgrade' && policy !== 'bidirectional') throw notFound(`${cannot} online upgrade is disabled.`);
    if (classic.protocolType !== CONSUMER_PROTOCOL_TYPE)
      throw notFound(`${cannot} the group does not use the consumer embedded protocol.`);
    if (classic.size > groupConsumerMaxSize)
      throw notFound(`${cannot} the group size exceeds the consumer group maximum size.`);
  }

  /** They have what they had in the last generation, and are asked to join again, since a member has come. */
  #upgradedMembers(classic: ClassicGroup): ConsumerGroupMember[] {
    const had = Array.from(classic.members, (member) => ({ member, ...this.#lastWords(classic, member) }));
    const taken: DraftAssignment = new Map();
    const given = new Map<ClassicGroupMember, Assignment>();
    // What was assigned goes before what a member says that it has still, from the time before it joined.
    for (const { member, assigned } of had) given.set(member, takeUntaken(assigned, taken));
    for (const { member, owned } of had)
      if (member.assignment.length === 0) given.set(member, takeUntaken(owned, taken));
    return had.map(({ member, subscription }) => ({
      ...newMember(member.memberId),
      memberEpoch: classic.generation,
      previousMemberEpoch: classic.generation,
      assigned: given.get(member) ?? EMPTY_ASSIGNMENT,
      metadata: {
        instanceId: member.groupInstanceId,
        rackId: subscription.rackId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        subscribedTopicNames: normalizedNames(subscription.topics),
        subscribedTopicRegex: '',
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        serverAssignor: null,
        classicMemberMetadata: { sessionTimeoutMs: member.sessionTimeoutMs, supportedProtocols: member.protocols },
      },
    }));
  }

  /** What a member said when it joined, and what it was assigned since. */
  #lastWords(
    classic: ClassicGroup,
    member: ClassicGroupMember,
  ): { subscription: Subscription; owned: Assignment; assigned: Assignment } {
    const topics = this.#environment.topics();
    const metadata = member.metadata(classic.protocolName) ?? member.protocols[0]?.metadata ?? NO_BYTES;
    const subscription = readSubscription(metadata);
    const assigned = readAssignment(member.assignment, topics);
    const cannot = `Cannot upgrade classic group ${classic.groupId} to consumer group because`;
    if (subscription === null || assigned === null)
      throw notFound(`${cannot} the embedded consumer protocol is malformed.`);
    if (assigned.hasUserData)
      throw notFound(
        `${cannot} an unsupported custom assignor is in use. Please refer to the documentation or switch to a ` +
          'default assignor before re-attempting the upgrade.',
      );
    const owned = assignmentFrom(byTopicId(subscription.ownedPartitions, topics));
    return { subscription, owned, assigned: assigned.assignment };
  }

  #downgrade(
    group: ConsumerGroup,
    members: readonly ConsumerGroupMember[],
    replacement: Replacement | null,
    hasChanged: boolean,
    decision: Decision,
    nowMs: number,
  ): void {
    const { groupId } = group;
    const { settings, logger } = this.#environment;
    // Of the one who was replaced, the decision has the tombstones already.
    const former = [...group.members.keys()].map((memberId) =>
      memberId === replacement?.replaced.memberId ? replacement.joining.memberId : memberId,
    );
    decision.record(...groupTombstones(groupId, former, [...group.resolvedRegexes.keys()]));
    const isSettled = members.every((member) => isReconciledTo(member, group.assignmentEpoch));
    const sharesAnew = hasChanged || !isSettled;
    decision.record(this.#classicRecord(group, members, sharesAnew, nowMs));
    for (const memberId of group.members.keys()) cancelMemberTimers(groupId, memberId, decision);
    for (const member of members)
      decision.setTimer(
        timerKey(HEARTBEAT_TIMER, groupId, member.memberId),
        classicMetadataOf(member).sessionTimeoutMs,
      );
    if (sharesAnew) decision.setTimer(timerKey(DOWNGRADED_TIMER, groupId), 0);
    decision.whenRefused((_, instead) => {
      for (const member of group.members.values()) resumeTimers(group, member, settings, instead);
    });
    logger.info(`[GroupId ${groupId}] Converted the consumer group to a classic group.`);
  }

  /**
   * Without a leader if its members have to share anew: whoever reads the record knows by that. Members are said to
   * have what they have. (In Kafka it is what they were to have, and another member of the consumer protocol that
   * comes before they join again gets what they still read.)
   */
  #classicRecord(
    group: ConsumerGroup,
    members: readonly ConsumerGroupMember[],
    sharesAnew: boolean,
    nowMs: number,
  ): ReturnType<ClassicGroup['toRecord']> {
    const classic = new ClassicGroup(group.groupId);
    for (const member of members) classic.add(classicMember(member), CONSUMER_PROTOCOL_TYPE);
    classic.generation = group.groupEpoch;
    classic.protocolName = classic.selectProtocol();
    const topics = this.#environment.topics();
    const assignments = new Map<string, Buffer>();
    for (const { memberId, assigned, pendingRevocation } of members) {
      const metadata = classic.member(memberId)?.metadata(classic.protocolName) ?? NO_BYTES;
      assignments.set(memberId, writeAssignment(union(assigned, pendingRevocation), metadata, topics));
    }
    const record = classic.toRecord(nowMs, assignments);
    if (!sharesAnew || record.kind !== 'groupMetadata' || record.value === null) return record;
    return { ...record, value: { ...record.value, leader: null } };
  }
}

function classicMember(member: ConsumerGroupMember): ClassicGroupMember {
  const { sessionTimeoutMs, supportedProtocols } = classicMetadataOf(member);
  return new ClassicGroupMember({
    memberId: member.memberId,
    groupInstanceId: member.metadata.instanceId,
    clientId: member.metadata.clientId,
    clientHost: member.metadata.clientHost,
    rebalanceTimeoutMs: member.metadata.rebalanceTimeoutMs,
    sessionTimeoutMs,
    protocols: supportedProtocols,
  });
}

/** The names of protocols that all of these members of the classic protocol offer. */
function commonProtocols(members: readonly ConsumerGroupMember[]): ReadonlySet<string> {
  const [first, ...others] = members.map(
    (member) => new Set(classicMetadataOf(member).supportedProtocols.map(({ name }) => name)),
  );
  return new Set([...(first ?? [])].filter((name) => others.every((names) => names.has(name))));
}

/** What no member before had: clients' own assignors may give a partition to two. */
function takeUntaken(assignment: Assignment, taken: DraftAssignment): Assignment {
  const mine: DraftAssignment = new Map();
  for (const [topicId, partitions] of assignment)
    for (const partition of partitions) {
      if (taken.get(topicId)?.has(partition)) continue;
      addPartition(taken, topicId, partition);
      addPartition(mine, topicId, partition);
    }
  return mine;
}

function notFound(message: string): KafkaError {
  return new KafkaError('GROUP_ID_NOT_FOUND', message);
}

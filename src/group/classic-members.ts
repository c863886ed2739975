/**
 * @pure The classic protocol for members of a consumer group, while clients are being moved from the one to the other:
 * JoinGroup is a heartbeat with metadata, the generation is the member's epoch, SyncGroup tells what the member has.
 * Nobody waits: a member that is to give partitions up, or may get more, is told to join again. Kafka:
 * GroupMetadataManager.classicGroupJoinToConsumerGroup, classicGroupSyncToConsumerGroup and so on.
 *
 * Guarantees as for heartbeats: one answer for each request, and a request that is refused leaves no trace.
 */
import type { Outcome, Ticket } from '../coordinator/shard.ts';
import { assert } from '../lib/assert.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../protocol/internal/consumer-protocol.ts';
import type { GroupRecord } from '../protocol/internal/group-record.ts';
import type { JoinGroup } from '../protocol/messages/11-join-group.ts';
import type { Heartbeat } from '../protocol/messages/12-heartbeat.ts';
import type { LeaveGroup } from '../protocol/messages/13-leave-group.ts';
import type { SyncGroup } from '../protocol/messages/14-sync-group.ts';
import type { RequestOf } from '../protocol/schema.ts';
import { hasPartition } from './assignment.ts';
import type { ClassicProtocol } from './classic-group-member.ts';
import {
  type JoinGroupAnswer,
  joinRefused,
  type SyncGroupAnswer,
  syncRefused,
  UNKNOWN_MEMBER,
} from './classic-responses.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { replaceStaticMember, throwIfFenced, throwIfFull } from './consumer-group-admission.ts';
import {
  classicMetadataOf,
  type ConsumerGroupMember,
  isClassic,
  type MemberMetadata,
  newMember,
  normalizedNames,
} from './consumer-group-member.ts';
import type { ConsumerGroupEnvironment } from './consumer-group-settings.ts';
import { ASSIGNMENT_TIMER, keepSession, REJOIN_TIMER } from './consumer-group-timers.ts';
import type { ConsumerGroupUpdate } from './consumer-group-update.ts';
import { byTopicId, readSubscription, type Subscription, writeAssignment } from './consumer-protocol-bytes.ts';
import { Decision } from './decision.ts';
import type { GroupMigration } from './group-migration.ts';
import type { MemberContext } from './group-settings.ts';
import { timerKey } from './timer-key.ts';

type JoinRequest = RequestOf<typeof JoinGroup>;
type SyncRequest = RequestOf<typeof SyncGroup>;
type LeavingMember = RequestOf<typeof LeaveGroup>['members'][number];

/** From this version of JoinGroup on, a new member is told its id first (KIP-394). */
const NEEDS_MEMBER_ID_SINCE = 4;
/** Of a client id, as the beginning of a member id: not with half a character at its end. */
const MAX_ID_PREFIX = 255;

/** One JoinGroup on its way through the rules. */
interface Joining {
  readonly context: MemberContext;
  readonly request: JoinRequest;
  /** The request's, each name once. */
  readonly protocols: readonly ClassicProtocol[];
  readonly memberId: string;
  readonly ticket: Ticket;
  readonly decision: Decision;
  readonly nowMs: number;
}

export class ClassicMembers {
  readonly #environment: ConsumerGroupEnvironment;
  readonly #update: ConsumerGroupUpdate;
  readonly #migration: GroupMigration;

  constructor(environment: ConsumerGroupEnvironment, update: ConsumerGroupUpdate, migration: GroupMigration) {
    this.#environment = environment;
    this.#update = update;
    this.#migration = migration;
  }

  /** The group has members; an empty one makes room for a classic group instead. */
  join(
    group: ConsumerGroup,
    context: MemberContext,
    request: JoinRequest,
    protocols: readonly ClassicProtocol[],
    ticket: Ticket,
    nowMs: number,
  ): Outcome<GroupRecord> {
    const prefix = (request.groupInstanceId ?? context.clientId).slice(0, MAX_ID_PREFIX).toWellFormed();
    const memberId = request.memberId || this.#environment.newMemberId(prefix);
    return decide(
      (decision) => this.#join(group, { context, request, protocols, memberId, ticket, decision, nowMs }),
      (error, decision) => decision.replyNow(ticket, joinRefused(error, request.memberId)),
    );
  }

  sync(group: ConsumerGroup, request: SyncRequest, ticket: Ticket): Outcome<GroupRecord> {
    return decide(
      (decision) => {
        const member = classicMember(group, request);
        throwIfOtherGeneration(member, request.generationId);
        throwIfOtherProtocol(member, request);
        // One that is giving partitions up has joined already, and is told to join again when it has done so.
        if (group.groupEpoch > member.memberEpoch && member.state !== 'unrevokedPartitions') {
          this.#askToRejoin(group, member, decision);
          decision.replyNow(ticket, syncRefused('REBALANCE_IN_PROGRESS'));
          return;
        }
        decision.cancelTimer(timerKey(ASSIGNMENT_TIMER, group.groupId, member.memberId));
        keepSession(group.groupId, member, this.#environment.settings, decision);
        const metadata = firstProtocol(member).metadata;
        decision.reply(ticket, {
          errorCode: Errors.NONE,
          protocolType: request.protocolType,
          protocolName: request.protocolName,
          assignment: writeAssignment(member.assigned, metadata, this.#environment.topics()),
        } satisfies SyncGroupAnswer);
      },
      (error, decision) => decision.replyNow(ticket, syncRefused(error)),
    );
  }

  heartbeat(group: ConsumerGroup, request: RequestOf<typeof Heartbeat>, ticket: Ticket): Outcome<GroupRecord> {
    return decide(
      (decision) => {
        const member = classicMember(group, request);
        throwIfOtherGeneration(member, request.generationId);
        keepSession(group.groupId, member, this.#environment.settings, decision);
        const mayGetOn =
          member.state === 'unrevokedPartitions' ||
          (member.state === 'unreleasedPartitions' && !isWaiting(group, member));
        const isBehind = member.memberEpoch < group.groupEpoch;
        if (isBehind || mayGetOn) this.#askToRejoin(group, member, decision);
        decision.reply(ticket, { errorCode: Errors[isBehind || mayGetOn ? 'REBALANCE_IN_PROGRESS' : 'NONE'] });
      },
      (error, decision) => decision.replyNow(ticket, { errorCode: Errors[error] }),
    );
  }

  /** Requests of all versions come as those that name several members. */
  leave(
    group: ConsumerGroup,
    request: RequestOf<typeof LeaveGroup>,
    ticket: Ticket,
    nowMs: number,
  ): Outcome<GroupRecord> {
    return decide(
      (decision) => {
        const gone = new Set<ConsumerGroupMember>();
        const members = request.members.map((who) => {
          const { memberId, groupInstanceId } = who;
          return { memberId, groupInstanceId, errorCode: Errors[this.#leaveOne(group, who, gone)] };
        });
        this.#migration.remove(group, [...gone], decision, nowMs);
        decision.reply(ticket, { errorCode: Errors.NONE, members });
      },
      (error, decision) => decision.replyNow(ticket, { errorCode: Errors[error], members: [] }),
    );
  }

  #join(group: ConsumerGroup, joining: Joining): void {
    const { context, request, protocols, memberId, ticket, decision } = joining;
    const { groupInstanceId } = request;
    if (this.#environment.settings.groupConsumerMigrationPolicy === 'disabled')
      throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', 'the group migration is disabled');
    throwIfFull(group, memberId, groupInstanceId, this.#environment.settings);
    if (!isSupported(group, request.protocolType, protocols))
      throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', `Member ${memberId}'s protocols are not supported.`);
    const isNew = request.memberId === UNKNOWN_MEMBER;
    if (isNew && groupInstanceId === null && context.version >= NEEDS_MEMBER_ID_SINCE) {
      decision.replyNow(ticket, joinRefused('MEMBER_ID_REQUIRED', memberId));
      return;
    }
    const subscription = readSubscription(protocols[0]?.metadata ?? Buffer.alloc(0));
    if (subscription === null)
      throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', 'Malformed embedded consumer protocol in subscription.');
    this.#subscribe(group, joining, subscription);
  }

  #subscribe(group: ConsumerGroup, joining: Joining, subscription: Subscription): void {
    const { protocols, memberId, ticket, decision, nowMs } = joining;
    const { member, replaces } = this.#subscriber(group, joining);
    const downgrades = replaces !== null && !isClassic(replaces) && this.#wouldBeClassic(group, replaces, joining);
    const after = { ...member, metadata: joinedMetadata(member.metadata, joining, subscription) };
    const owned = byTopicId(subscription.ownedPartitions, this.#environment.topics());
    const progress = this.#update.change(group, { before: member, after, replaces, owned }, decision, nowMs);
    const needsRebalance = progress.groupEpoch > group.assignmentEpoch;
    const joined = downgrades && needsRebalance ? after : this.#update.reconcile(progress);
    if (downgrades && replaces !== null) {
      const replacement = { joining: joined, replaced: replaces };
      this.#migration.downgradeByReplacement(group, replacement, needsRebalance, decision, nowMs);
    } else {
      keepSession(group.groupId, joined, this.#environment.settings, decision);
      this.#forgetRejoin(group, memberId, decision);
      const timeoutMs = joined.metadata.rebalanceTimeoutMs;
      decision.setTimer(timerKey(ASSIGNMENT_TIMER, group.groupId, memberId), timeoutMs);
    }
    decision.reply(ticket, {
      errorCode: Errors.NONE,
      generationId: downgrades ? group.groupEpoch : joined.memberEpoch,
      protocolType: CONSUMER_PROTOCOL_TYPE,
      protocolName: protocols[0]?.name ?? '',
      leader: '',
      memberId,
      members: [],
    } satisfies JoinGroupAnswer);
  }

  #subscriber(
    group: ConsumerGroup,
    { request, memberId, decision }: Joining,
  ): { member: ConsumerGroupMember; replaces: ConsumerGroupMember | null } {
    const { groupInstanceId } = request;
    const isNew = request.memberId === UNKNOWN_MEMBER;
    if (groupInstanceId === null) return { member: group.members.get(memberId) ?? newMember(memberId), replaces: null };
    if (!isNew) return { member: throwIfFenced(group, memberId, groupInstanceId), replaces: null };
    const known = group.staticMember(groupInstanceId);
    if (known === undefined) return { member: newMember(memberId), replaces: null };
    const { settings } = this.#environment;
    return { member: replaceStaticMember(group, known, memberId, settings, decision), replaces: known };
  }

  #wouldBeClassic(group: ConsumerGroup, replaced: ConsumerGroupMember, joining: Joining): boolean {
    const others = [...group.members.values()].filter((member) => member !== replaced);
    const metadata = { ...replaced.metadata, classicMemberMetadata: classicMetadata(joining) };
    return this.#migration.canDowngrade(group, [...others, { ...replaced, metadata }]);
  }

  #leaveOne(group: ConsumerGroup, who: LeavingMember, gone: Set<ConsumerGroupMember>): keyof typeof Errors {
    const { memberId, groupInstanceId } = who;
    const known = groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId);
    if (known === undefined) return 'UNKNOWN_MEMBER_ID';
    // An administrator names a static member by its instance alone.
    if (memberId !== UNKNOWN_MEMBER && memberId !== known.memberId) return 'FENCED_INSTANCE_ID';
    this.#environment.logger.info(
      `[GroupId ${group.groupId}] ${groupInstanceId === null ? 'Dynamic' : 'Static'} member ${known.memberId} has ` +
        `left group through explicit \`LeaveGroup\` request; client reason: ${who.reason ?? 'not provided'}`,
    );
    gone.add(known);
    return 'NONE';
  }

  /** The time that the member has to join again begins with the first time it is asked. */
  #askToRejoin(group: ConsumerGroup, { memberId, metadata }: ConsumerGroupMember, decision: Decision): void {
    if (group.awaitedJoins.has(memberId)) return;
    group.awaitedJoins.add(memberId);
    decision.setTimer(timerKey(REJOIN_TIMER, group.groupId, memberId), metadata.rebalanceTimeoutMs);
  }

  #forgetRejoin(group: ConsumerGroup, memberId: string, decision: Decision): void {
    group.awaitedJoins.delete(memberId);
    decision.cancelTimer(timerKey(REJOIN_TIMER, group.groupId, memberId));
  }
}

/** What a request of a member leads to; whatever is thrown as an answer drops all that was decided before. */
function decide(
  act: (decision: Decision) => void,
  refuse: (error: KafkaError['error'], decision: Decision) => void,
): Outcome<GroupRecord> {
  const decision = new Decision();
  try {
    act(decision);
    decision.whenRefused((error, instead) => refuse(error, instead));
    return decision.outcome();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const refusal = new Decision();
    refuse(error.error, refusal);
    return refusal.outcome();
  }
}

/** The member that a request is of. */
function classicMember(
  group: ConsumerGroup,
  { memberId, groupInstanceId }: { readonly memberId: string; readonly groupInstanceId: string | null },
): ConsumerGroupMember {
  const member =
    groupInstanceId === null ? group.members.get(memberId) : throwIfFenced(group, memberId, groupInstanceId);
  if (member === undefined || !isClassic(member))
    throw new KafkaError('UNKNOWN_MEMBER_ID', `Member ${memberId} does not use the classic protocol.`);
  return member;
}

function throwIfOtherGeneration(member: ConsumerGroupMember, generationId: number): void {
  if (member.memberEpoch !== generationId)
    throw new KafkaError('ILLEGAL_GENERATION', `The member epoch of ${member.memberId} is ${member.memberEpoch}.`);
}

function throwIfOtherProtocol(member: ConsumerGroupMember, { protocolType, protocolName }: SyncRequest): void {
  const isOtherType = protocolType !== null && protocolType !== CONSUMER_PROTOCOL_TYPE;
  const isOtherName = protocolName !== null && protocolName !== firstProtocol(member).name;
  if (isOtherType || isOtherName)
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', `${member.memberId} joined with another protocol.`);
}

/** The one it was told; it does not matter which, since the broker assigns. */
function firstProtocol(member: ConsumerGroupMember): ClassicProtocol {
  const [first] = classicMetadataOf(member).supportedProtocols;
  assert(first !== undefined, 'nobody joins without a protocol');
  return first;
}

/** One of the protocols must be offered by all members of the classic protocol, should the group be classic again. */
function isSupported(group: ConsumerGroup, protocolType: string, protocols: readonly ClassicProtocol[]): boolean {
  if (protocolType !== CONSUMER_PROTOCOL_TYPE) return false;
  const others = [...group.members.values()].filter(isClassic).map((member) => classicMetadataOf(member));
  return protocols.some(({ name }) =>
    others.every(({ supportedProtocols }) => supportedProtocols.some((supported) => supported.name === name)),
  );
}

/** Is something of what it is to have still another's? */
function isWaiting(group: ConsumerGroup, member: ConsumerGroupMember): boolean {
  for (const [topicId, partitions] of group.target(member.memberId) ?? [])
    for (const partition of partitions)
      if (!hasPartition(member.assigned, topicId, partition) && group.isOwned(topicId, partition)) return true;
  return false;
}

function joinedMetadata(before: MemberMetadata, joining: Joining, subscription: Subscription): MemberMetadata {
  const { context, request } = joining;
  return {
    instanceId: request.groupInstanceId ?? before.instanceId,
    rackId: subscription.rackId ?? before.rackId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    subscribedTopicNames: normalizedNames(subscription.topics),
    // The classic protocol knows none.
    subscribedTopicRegex: '',
    // Before JoinGroup v1 the session timeout stands for it.
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: before.serverAssignor,
    classicMemberMetadata: classicMetadata(joining),
  };
}

function classicMetadata({ request, protocols }: Joining): NonNullable<MemberMetadata['classicMemberMetadata']> {
  const supportedProtocols = protocols.map(({ name, metadata }) => ({ name, metadata }));
  return { sessionTimeoutMs: request.sessionTimeoutMs, supportedProtocols };
}

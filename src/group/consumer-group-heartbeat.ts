/**
 * @pure ConsumerGroupHeartbeat: the one request of the consumer protocol by which members join, stay, give partitions
 * up, get others, and leave. Kafka: GroupCoordinatorService.throwIfConsumerGroupHeartbeatRequestIsInvalid and
 * GroupMetadataManager.consumerGroupHeartbeat.
 *
 * Guarantees: one answer for each request, which tells of nothing that is not committed; a request that is refused
 * leaves no trace.
 */
import type { Outcome, Ticket } from '../coordinator/shard.ts';
import { type ErrorName, Errors, KafkaError } from '../protocol/errors.ts';
import type { GroupRecord } from '../protocol/internal/group-record.ts';
import type { ConsumerGroupHeartbeat } from '../protocol/messages/68-consumer-group-heartbeat.ts';
import type { RequestOf, ResponseOf } from '../protocol/schema.ts';
import { isWithin, listAssignment, sameAssignment, type TopicPartitions } from './assignment.ts';
import { ClassicGroup } from './classic-group.ts';
import type { ConsumerGroup } from './consumer-group.ts';
import { replaceStaticMember, throwIfFenced, throwIfFull } from './consumer-group-admission.ts';
import {
  type ConsumerGroupMember,
  currentAssignmentRecord,
  isClassic,
  LEAVE_EPOCH,
  LEFT_STATIC_EPOCH,
  type MemberMetadata,
  newMember,
  normalizedNames,
} from './consumer-group-member.ts';
import type { ConsumerGroupEnvironment } from './consumer-group-settings.ts';
import { cancelMemberTimers, keepSession } from './consumer-group-timers.ts';
import type { ConsumerGroupUpdate } from './consumer-group-update.ts';
import { Decision } from './decision.ts';
import type { Group } from './group.ts';
import type { GroupMigration } from './group-migration.ts';
import type { MemberContext } from './group-settings.ts';
import { isStorable } from './offsets.ts';

type HeartbeatRequest = RequestOf<typeof ConsumerGroupHeartbeat>;
export type HeartbeatAnswer = ResponseOf<typeof ConsumerGroupHeartbeat>;

/** From this version on, the consumer makes its member id (KIP-1082). */
const MEMBER_ID_REQUIRED_SINCE = 1;
const JOIN_EPOCH = 0;
/** Of a client id, as the beginning of a member id: not with half a character at its end. */
const MAX_ID_PREFIX = 255;

/** One heartbeat on its way through the rules. */
interface Heard {
  readonly context: MemberContext;
  readonly request: HeartbeatRequest;
  readonly ticket: Ticket;
  readonly decision: Decision;
  readonly nowMs: number;
}

interface Subscriber {
  readonly member: ConsumerGroupMember;
  readonly replaces: ConsumerGroupMember | null;
}

export class ConsumerGroupHeartbeats {
  readonly #environment: ConsumerGroupEnvironment;
  readonly #update: ConsumerGroupUpdate;
  readonly #migration: GroupMigration;

  constructor(environment: ConsumerGroupEnvironment, update: ConsumerGroupUpdate, migration: GroupMigration) {
    this.#environment = environment;
    this.#update = update;
    this.#migration = migration;
  }

  /** `found` is the group, whatever its type is; undefined when there is none. */
  heartbeat(
    found: Group | undefined,
    context: MemberContext,
    request: HeartbeatRequest,
    ticket: Ticket,
    nowMs: number,
  ): Outcome<GroupRecord> {
    const decision = new Decision();
    try {
      this.#throwIfInvalid(request, context.version);
      const heard: Heard = { context, request, ticket, decision, nowMs };
      if (request.memberEpoch < JOIN_EPOCH) this.#leave(this.#migration.existing(found, request.groupId), heard);
      else this.#stay(found, heard);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      // What was decided until then is dropped with the decision.
      const refusal = new Decision();
      refusal.replyNow(ticket, refused(error.error, error.message));
      return refusal.outcome();
    }
    decision.whenRefused((error, instead) => instead.replyNow(ticket, refused(error)));
    return decision.outcome();
  }

  #stay(found: Group | undefined, heard: Heard): void {
    const { request, context, ticket, decision, nowMs } = heard;
    const isJoining = request.memberEpoch === JOIN_EPOCH;
    const group = isJoining
      ? this.#migration.consumerGroup(found, request.groupId, decision)
      : this.#migration.existing(found, request.groupId);
    throwIfFull(group, request.memberId, request.instanceId, this.#environment.settings);
    const prefix = context.clientId.slice(0, MAX_ID_PREFIX).toWellFormed();
    const memberId = request.memberId || this.#environment.newMemberId(prefix);
    const { member, replaces } = this.#subscriber(group, memberId, request, decision);
    const after = { ...member, metadata: requestedMetadata(member.metadata, request, context) };
    const owned = request.topicPartitions;
    const reconciled = this.#update.apply(group, { before: member, after, replaces, owned }, decision, nowMs);
    if (found instanceof ClassicGroup) this.#migration.completeUpgrade(found, group, decision, nowMs);
    if (replaces !== null && replaces.memberId !== memberId)
      cancelMemberTimers(group.groupId, replaces.memberId, decision);
    keepSession(group.groupId, reconciled, this.#environment.settings, decision);
    // A full request is how a client asks to be told everything again.
    const isFull =
      request.rebalanceTimeoutMs !== -1 &&
      (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
      owned !== null;
    // Neither epoch nor assignment of the answer before may have arrived.
    const isLost = request.memberEpoch !== member.memberEpoch;
    const isTold = isFull || isLost || !sameAssignment(member.assigned, reconciled.assigned);
    decision.reply(ticket, {
      errorCode: Errors.NONE,
      memberId,
      memberEpoch: reconciled.memberEpoch,
      heartbeatIntervalMs: this.#environment.settings.groupConsumerHeartbeatIntervalMs,
      assignment: isTold ? { topicPartitions: listAssignment(reconciled.assigned) } : null,
    } satisfies HeartbeatAnswer);
  }

  /** The member that the request is of, or the one that it makes. */
  #subscriber(group: ConsumerGroup, memberId: string, request: HeartbeatRequest, decision: Decision): Subscriber {
    const { instanceId, memberEpoch, topicPartitions } = request;
    const isJoining = memberEpoch === JOIN_EPOCH;
    if (instanceId === null) {
      const member = group.members.get(memberId);
      if (member === undefined && !isJoining) throw unknownMember(group, memberId);
      if (member !== undefined) throwIfEpochIsInvalid(member, memberEpoch, topicPartitions);
      return { member: member ?? newMember(memberId), replaces: null };
    }
    const known = group.staticMember(instanceId);
    if (!isJoining) {
      const member = throwIfFenced(group, memberId, instanceId);
      throwIfEpochIsInvalid(member, memberEpoch, topicPartitions);
      return { member, replaces: null };
    }
    if (known === undefined) return { member: group.members.get(memberId) ?? newMember(memberId), replaces: null };
    if (!isClassic(known) && known.memberEpoch !== LEFT_STATIC_EPOCH)
      throw new KafkaError(
        'UNRELEASED_INSTANCE_ID',
        `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is ` +
          `owned by ${known.memberId} member.`,
      );
    this.#environment.logger.info(
      `[GroupId ${group.groupId}] Static member with instance id ${instanceId} re-joins the consumer group using the ` +
        `consumer protocol. Created a new member ${memberId} to replace the existing member ${known.memberId}.`,
    );
    return {
      member: replaceStaticMember(group, known, memberId, this.#environment.settings, decision),
      replaces: known,
    };
  }

  #leave(group: ConsumerGroup, { request, ticket, decision, nowMs }: Heard): void {
    const { memberId, memberEpoch, instanceId } = request;
    const member = instanceId === null ? group.members.get(memberId) : throwIfFenced(group, memberId, instanceId);
    if (member === undefined) throw unknownMember(group, memberId);
    const isTemporary = instanceId !== null && memberEpoch === LEFT_STATIC_EPOCH;
    this.#environment.logger.info(
      `[GroupId ${group.groupId}] ${instanceId === null ? 'Member' : `Static member with instance id ${instanceId}`} ` +
        `${memberId} ${isTemporary ? 'temporarily ' : ''}left the consumer group.`,
    );
    // What it was to give up it has not any more; the rest is kept for whoever comes in its place.
    if (isTemporary)
      decision.record(
        currentAssignmentRecord(group.groupId, {
          ...member,
          memberEpoch: LEFT_STATIC_EPOCH,
          pendingRevocation: new Map(),
        }),
      );
    else this.#migration.remove(group, [member], decision, nowMs);
    decision.reply(ticket, { errorCode: Errors.NONE, memberId, memberEpoch } satisfies HeartbeatAnswer);
  }

  #throwIfInvalid(request: HeartbeatRequest, version: number): void {
    const { groupId, memberId, memberEpoch, instanceId, rackId, serverAssignor } = request;
    if (memberId === '' && (version >= MEMBER_ID_REQUIRED_SINCE || memberEpoch > 0 || memberEpoch === LEAVE_EPOCH))
      throw invalid("MemberId can't be empty.");
    if (groupId === '') throw invalid("GroupId can't be empty.");
    if (instanceId === '') throw invalid("InstanceId can't be empty.");
    if (rackId === '') throw invalid("RackId can't be empty.");
    if (!isStorable(groupId)) throw invalid('GroupId is too long.');
    if (!isStorable(memberId)) throw invalid('MemberId is too long.');
    if (memberEpoch === JOIN_EPOCH) throwIfNotFull(request);
    else if (memberEpoch === LEFT_STATIC_EPOCH && instanceId === null) throw invalid("InstanceId can't be null.");
    else if (memberEpoch < LEFT_STATIC_EPOCH) throw invalid('MemberEpoch is invalid.');
    const { assignors } = this.#environment;
    if (serverAssignor !== null && !assignors.has(serverAssignor))
      throw new KafkaError(
        'UNSUPPORTED_ASSIGNOR',
        `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${assignors.names.join(', ')}.`,
      );
  }
}

function throwIfNotFull(request: HeartbeatRequest): void {
  if (request.rebalanceTimeoutMs === -1) throw invalid('RebalanceTimeoutMs must be provided in first request.');
  if (request.topicPartitions === null || request.topicPartitions.length > 0)
    throw invalid('TopicPartitions must be empty when (re-)joining.');
  // Neither a name nor an expression is fine: a member that reads nothing is one all the same.
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null)
    throw invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.');
}

/** What the request leaves out has not changed. */
function requestedMetadata(before: MemberMetadata, request: HeartbeatRequest, context: MemberContext): MemberMetadata {
  const { instanceId, rackId, rebalanceTimeoutMs, serverAssignor, subscribedTopicNames, subscribedTopicRegex } =
    request;
  return {
    instanceId: instanceId ?? before.instanceId,
    rackId: rackId ?? before.rackId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    subscribedTopicNames:
      subscribedTopicNames === null ? before.subscribedTopicNames : normalizedNames(subscribedTopicNames),
    subscribedTopicRegex: subscribedTopicRegex ?? before.subscribedTopicRegex,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : rebalanceTimeoutMs,
    serverAssignor: serverAssignor ?? before.serverAssignor,
    classicMemberMetadata: null,
  };
}

/**
 * Who joins anew may always, having given up all it had (Kafka since 4.2). The previous epoch is accepted of a member
 * that has nothing but what it was given: the answer with the new one may have been lost.
 */
function throwIfEpochIsInvalid(
  member: ConsumerGroupMember,
  epoch: number,
  owned: readonly TopicPartitions[] | null,
): void {
  if (epoch === JOIN_EPOCH || epoch === member.memberEpoch) return;
  const isLost = epoch === member.previousMemberEpoch && owned !== null && isWithin(owned, member.assigned);
  if (epoch < member.memberEpoch && isLost) return;
  throw new KafkaError(
    'FENCED_MEMBER_EPOCH',
    `The consumer group member has a ${epoch < member.memberEpoch ? 'smaller' : 'greater'} member epoch (${epoch}) ` +
      `than the one known by the group coordinator (${member.memberEpoch}). The member must abandon all its ` +
      'partitions and rejoin.',
  );
}

function unknownMember({ groupId }: ConsumerGroup, memberId: string): KafkaError {
  return new KafkaError('UNKNOWN_MEMBER_ID', `Member ${memberId} is not a member of group ${groupId}.`);
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_REQUEST', message);
}

export function refused(error: ErrorName, message: string | null = null): HeartbeatAnswer {
  return { errorCode: Errors[error], errorMessage: message };
}

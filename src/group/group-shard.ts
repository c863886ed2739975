/**
 * @pure The groups of one partition of __consumer_offsets: finds the group that a request is about and lets its rules
 * decide. Kafka: GroupCoordinatorShard, GroupMetadataManager.
 *
 * Guarantees: every ticket is answered once, or waits in a group or in the queue of deletions; groups and offsets
 * change only by records, so that whoever replays the log has the same (waiting requests, given out ids and the
 * generation of a rebalance under way are not in it). Errors that a client can cause are answers, never exceptions.
 */
import type { Outcome, Shard, Ticket } from '../coordinator/shard.ts';
import type { Logger } from '../lib/logger.ts';
import { Errors, type ErrorName } from '../protocol/errors.ts';
import type { GroupRecord, GroupRecordOf } from '../protocol/internal/group-record.ts';
import type { OffsetCommit } from '../protocol/messages/08-offset-commit.ts';
import type { JoinGroup } from '../protocol/messages/11-join-group.ts';
import type { Heartbeat } from '../protocol/messages/12-heartbeat.ts';
import type { LeaveGroup } from '../protocol/messages/13-leave-group.ts';
import type { SyncGroup } from '../protocol/messages/14-sync-group.ts';
import type { DescribeGroups } from '../protocol/messages/15-describe-groups.ts';
import type { ListGroups } from '../protocol/messages/16-list-groups.ts';
import type { OffsetDelete } from '../protocol/messages/47-offset-delete.ts';
import type { ConsumerGroupHeartbeat } from '../protocol/messages/68-consumer-group-heartbeat.ts';
import type { RequestOf, ResponseOf } from '../protocol/schema.ts';
import { ClassicGroup } from './classic-group.ts';
import { type ClassicProtocol, NO_BYTES } from './classic-group-member.ts';
import { ClassicJoining } from './classic-joining.ts';
import { ClassicMembership } from './classic-membership.ts';
import { ClassicRebalance, HEARTBEAT_TIMER, JOIN_TIMER, SYNC_TIMER } from './classic-rebalance.ts';
import { joinRefused, syncRefused, UNKNOWN_MEMBER } from './classic-responses.ts';
import { ConsumerGroup, type ConsumerGroupRecord } from './consumer-group.ts';
import type { ConsumerGroupSettings } from './consumer-group-settings.ts';
import { ConsumerGroups } from './consumer-groups.ts';
import { Decision } from './decision.ts';
import type { Group } from './group.ts';
import type { ClassicGroupSettings, MemberContext, TopicsView } from './group-settings.ts';
import type { StoredOffset } from './offset-store.ts';
import { commitRefused, isStorable, type OffsetFetchGroup, Offsets } from './offsets.ts';
import { MemberBytes } from './member-bytes.ts';
import { PendingMembers } from './pending-members.ts';
import { ServerAssignors } from './server-assignors.ts';
import { parseTimerKey } from './timer-key.ts';
import { TopicRegexes } from './topic-regexes.ts';
import { TOMBSTONES_TIMER, TombstoneQueue } from './tombstone-queue.ts';

export type DescribedGroup = ResponseOf<typeof DescribeGroups>['groups'][number];
export type ListedGroup = ResponseOf<typeof ListGroups>['groups'][number];

export interface GroupShardOptions {
  readonly settings: ClassicGroupSettings & ConsumerGroupSettings;
  readonly topics: () => TopicsView;
  /** The prefix, a dash and something that nobody else has. */
  readonly newMemberId: (prefix: string) => string;
  /** What is compiled can be of use to other shards, too. */
  readonly regexes?: TopicRegexes;
  readonly logger: Logger;
}

export interface GroupFilter {
  /** Names of states in any case; empty: all. */
  readonly statesFilter: readonly string[];
  /** Names of types in any case; empty: all. */
  readonly typesFilter: readonly string[];
}

const MS_PER_MINUTE = 60_000;

export class GroupShard implements Shard<GroupRecord> {
  readonly #settings: ClassicGroupSettings;
  readonly #logger: Logger;
  readonly #groups = new Map<string, Group>();
  readonly #pendingMembers = new PendingMembers();
  readonly #memberBytes = new MemberBytes();
  readonly #offsets: Offsets;
  readonly #tombstones: TombstoneQueue;
  readonly #rebalance: ClassicRebalance;
  readonly #joining: ClassicJoining;
  readonly #membership: ClassicMembership;
  readonly #consumers: ConsumerGroups;

  constructor(options: GroupShardOptions) {
    const { settings, newMemberId, logger, regexes = new TopicRegexes() } = options;
    this.#settings = settings;
    this.#logger = logger;
    this.#offsets = new Offsets(settings);
    this.#tombstones = new TombstoneQueue(this.#offsets.store, (groupId) => this.#groups.get(groupId));
    this.#rebalance = new ClassicRebalance(settings, logger);
    this.#membership = new ClassicMembership(this.#rebalance, logger);
    const assignors = new ServerAssignors(settings.groupConsumerAssignors);
    this.#consumers = new ConsumerGroups({ ...options, assignors, regexes }, this.#rebalance);
    this.#joining = new ClassicJoining({
      settings,
      rebalance: this.#rebalance,
      newMemberId,
      onPendingDisplaced: (groupId, memberId, decision, nowMs) =>
        this.#onClassic(groupId, (group) => this.#rebalance.removePending(group, memberId, decision, nowMs)),
      logger,
    });
  }

  replay(record: GroupRecord): void {
    if (record.kind === 'offsetCommit') this.#replayOffset(record);
    else if (record.kind === 'groupMetadata') this.#replayGroup(record);
    else this.#replayConsumerGroup(record);
  }

  onLoaded(nowMs: number): Outcome<GroupRecord> {
    const decision = new Decision();
    const { groupMaxSize } = this.#settings;
    for (const group of this.#groups.values()) {
      this.#consumers.onLoaded(group, decision, nowMs);
      if (!(group instanceof ClassicGroup)) continue;
      for (const member of group.members) this.#rebalance.keepAlive(group, member, decision);
      const reason =
        `Freshly-loaded group ${group.groupId} (size ${group.size}) is over capacity ${groupMaxSize}. ` +
        'Rebalancing in order to give a chance for consumers to commit offsets';
      if (group.size > groupMaxSize) this.#rebalance.prepare(group, reason, decision, nowMs);
    }
    return decision.outcome();
  }

  onTimer(key: string, nowMs: number): Outcome<GroupRecord> {
    const { kind, groupId, memberId } = parseTimerKey(key);
    const decision = new Decision();
    if (kind === TOMBSTONES_TIMER) this.#tombstones.drain(decision);
    this.#consumers.onTimer(kind, this.#groups.get(groupId), memberId, decision, nowMs);
    this.#onClassic(groupId, (group) => {
      if (kind === JOIN_TIMER) this.#rebalance.onJoinTimer(group, decision, nowMs);
      if (kind === SYNC_TIMER) this.#rebalance.onSyncTimer(group, decision, nowMs);
      if (kind === HEARTBEAT_TIMER) this.#rebalance.onHeartbeatTimer(group, memberId, decision, nowMs);
    });
    return decision.outcome();
  }

  /** A JoinGroup waits until the group's members are complete. */
  joinGroup(
    context: MemberContext,
    request: RequestOf<typeof JoinGroup>,
    ticket: Ticket,
    nowMs: number,
  ): Outcome<GroupRecord> {
    const decision = new Decision();
    const { groupId, memberId } = request;
    const error = this.#joinError(request);
    if (error !== null) {
      decision.replyNow(ticket, joinRefused(error, memberId));
      return decision.outcome();
    }
    const protocols = distinctProtocols(request.protocols);
    const found = this.#groups.get(groupId);
    if (found instanceof ConsumerGroup && !found.isEmpty)
      return this.#consumers.classicMembers.join(found, context, request, protocols, ticket, nowMs);
    // An empty group of the consumer protocol makes room for a classic one.
    if (found instanceof ConsumerGroup) decision.record(...found.tombstones());
    const group = found instanceof ClassicGroup ? found : this.#newClassicGroup(groupId);
    this.#joining.join({ group, context, request, protocols, ticket, decision, nowMs });
    this.#forgetIfUnused(group);
    return decision.outcome();
  }

  /** A SyncGroup waits until the leader's assignment is committed. */
  syncGroup(
    _context: MemberContext,
    request: RequestOf<typeof SyncGroup>,
    ticket: Ticket,
    nowMs: number,
  ): Outcome<GroupRecord> {
    const decision = new Decision();
    const group = this.#groups.get(request.groupId);
    if (request.groupId === '') decision.replyNow(ticket, syncRefused('INVALID_GROUP_ID'));
    else if (group instanceof ClassicGroup) this.#membership.sync(group, request, ticket, decision, nowMs);
    else if (group instanceof ConsumerGroup) return this.#consumers.classicMembers.sync(group, request, ticket);
    else decision.replyNow(ticket, syncRefused('UNKNOWN_MEMBER_ID'));
    return decision.outcome();
  }

  heartbeat(
    _context: MemberContext,
    request: RequestOf<typeof Heartbeat>,
    ticket: Ticket,
    _nowMs: number,
  ): Outcome<GroupRecord> {
    const decision = new Decision();
    const group = this.#groups.get(request.groupId);
    if (request.groupId === '') decision.replyNow(ticket, { errorCode: Errors.INVALID_GROUP_ID });
    else if (group instanceof ClassicGroup) this.#membership.heartbeat(group, request, ticket, decision);
    else if (group instanceof ConsumerGroup) return this.#consumers.classicMembers.heartbeat(group, request, ticket);
    else decision.replyNow(ticket, { errorCode: Errors.UNKNOWN_MEMBER_ID });
    return decision.outcome();
  }

  leaveGroup(
    _context: MemberContext,
    request: RequestOf<typeof LeaveGroup>,
    ticket: Ticket,
    nowMs: number,
  ): Outcome<GroupRecord> {
    const decision = new Decision();
    const found = this.#groups.get(request.groupId);
    if (found instanceof ConsumerGroup) return this.#consumers.classicMembers.leave(found, request, ticket, nowMs);
    const group = found instanceof ClassicGroup ? found : null;
    if (request.groupId === '') decision.replyNow(ticket, { errorCode: Errors.INVALID_GROUP_ID });
    else this.#membership.leave(group, request, ticket, decision, nowMs);
    if (group !== null) this.#forgetIfUnused(group);
    return decision.outcome();
  }

  consumerGroupHeartbeat(
    context: MemberContext,
    request: RequestOf<typeof ConsumerGroupHeartbeat>,
    ticket: Ticket,
    nowMs: number,
  ): Outcome<GroupRecord> {
    return this.#consumers.heartbeat(this.#groups.get(request.groupId), context, request, ticket, nowMs);
  }

  /** Replies with an element of ConsumerGroupDescribe's groups. */
  consumerGroupDescribe(
    _context: MemberContext,
    groupId: string,
    ticket: Ticket,
    _nowMs: number,
  ): Outcome<GroupRecord> {
    const decision = new Decision();
    decision.reply(ticket, this.#consumers.described(this.#groups.get(groupId), groupId));
    return decision.outcome();
  }

  commitOffsets(
    context: MemberContext,
    request: RequestOf<typeof OffsetCommit>,
    ticket: Ticket,
    nowMs: number,
  ): Outcome<GroupRecord> {
    const decision = new Decision();
    const group = this.#groups.get(request.groupId);
    const error = isStorable(request.groupId) ? this.#offsets.commitError(group, context, request) : 'INVALID_GROUP_ID';
    if (error !== null) {
      decision.replyNow(ticket, commitRefused(request, error));
      return decision.outcome();
    }
    if (group instanceof ClassicGroup) {
      // A member that commits is alive.
      const member = group.member(request.memberId);
      if (member !== undefined) this.#rebalance.keepAlive(group, member, decision);
    }
    this.#offsets.commit(request, ticket, decision, nowMs);
    return decision.outcome();
  }

  /**
   * Waits until what was committed before is safe, so `requireStable` asks for nothing more: it speaks of transactions,
   * and no transaction has offsets here.
   */
  fetchOffsets(
    _context: MemberContext,
    request: OffsetFetchGroup,
    _requireStable: boolean,
    ticket: Ticket,
    _nowMs: number,
  ): Outcome<GroupRecord> {
    const decision = new Decision();
    decision.reply(ticket, this.#offsets.fetch(this.#groups.get(request.groupId), request));
    return decision.outcome();
  }

  deleteOffsets(
    _context: MemberContext,
    request: RequestOf<typeof OffsetDelete>,
    ticket: Ticket,
    _nowMs: number,
  ): Outcome<GroupRecord> {
    const decision = new Decision();
    const group = this.#groups.get(request.groupId);
    const error = request.groupId === '' ? 'INVALID_GROUP_ID' : group?.offsetDeleteError();
    if (group === undefined || error !== null)
      decision.replyNow(ticket, { errorCode: Errors[error ?? 'GROUP_ID_NOT_FOUND'], topics: [] });
    else this.#offsets.delete(group, request, ticket, decision);
    return decision.outcome();
  }

  /** Replies with an element of DescribeGroups' groups; a group that is not there is Dead. */
  describeGroup(_context: MemberContext, groupId: string, ticket: Ticket, _nowMs: number): Outcome<GroupRecord> {
    const decision = new Decision();
    const group = this.#groups.get(groupId);
    decision.reply(ticket, group instanceof ClassicGroup ? described(group) : describedDead(groupId));
    return decision.outcome();
  }

  /** Replies with an element of DeleteGroups' results. */
  deleteGroup(groupId: string, ticket: Ticket, _nowMs: number): Outcome<GroupRecord> {
    const decision = new Decision();
    this.#tombstones.addDeletion(groupId, ticket);
    this.#tombstones.drain(decision);
    return decision.outcome();
  }

  /** Replies with an array of ListGroups' groups. */
  listGroups(filter: GroupFilter, ticket: Ticket, _nowMs: number): Outcome<GroupRecord> {
    const states = new Set(filter.statesFilter.map((state) => state.trim().toLowerCase()));
    const types = new Set(filter.typesFilter.map((type) => type.trim().toLowerCase()));
    const listed: ListedGroup[] = [];
    for (const group of this.#groups.values()) {
      if (states.size > 0 && !states.has(group.state.toLowerCase())) continue;
      if (types.size > 0 && !types.has(group.type.toLowerCase())) continue;
      const { groupId, state, type, protocolTypeName } = group;
      listed.push({ groupId, protocolType: protocolTypeName, groupState: state, groupType: type });
    }
    const decision = new Decision();
    decision.reply(ticket, listed);
    return decision.outcome();
  }

  /** The members of classic groups watch the topics themselves, and join again when something has changed. */
  onTopicsChanged(topics: Iterable<string>, _nowMs: number): Outcome<GroupRecord> {
    const changed = [...topics];
    for (const group of this.#groups.values()) if (group instanceof ConsumerGroup) group.onTopicsChanged(changed);
    return new Decision().outcome();
  }

  /** Nobody needs the offsets of topics that are gone; a new topic of the name begins at its own. */
  onTopicsDeleted(topics: Iterable<string>, _nowMs: number): Outcome<GroupRecord> {
    const gone = new Set(topics);
    for (const stored of this.#offsets.store.all()) if (gone.has(stored.topic)) this.#tombstones.addTopicGone(stored);
    const decision = new Decision();
    this.#tombstones.drain(decision);
    return decision.outcome();
  }

  /** Offsets that were kept long enough, and groups that have neither members nor offsets any more (KIP-211). */
  expireOffsets(nowMs: number): Outcome<GroupRecord> {
    const retentionMs = this.#settings.offsetsRetentionMinutes * MS_PER_MINUTE;
    for (const group of this.#groups.values()) {
      let hasExpiredAll = true;
      for (const stored of this.#offsets.store.ofGroup(group.groupId)) {
        if (isExpired(group, stored, retentionMs, nowMs)) this.#tombstones.addExpired(stored);
        else hasExpiredAll = false;
      }
      if (hasExpiredAll && group.isUnused) this.#tombstones.addUnusedGroup(group.groupId);
    }
    const decision = new Decision();
    this.#tombstones.drain(decision);
    return decision.outcome();
  }

  /** How many groups there are, by type and state, like `Classic Stable`. */
  groupCounts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { type, state } of this.#groups.values())
      counts.set(`${type} ${state}`, (counts.get(`${type} ${state}`) ?? 0) + 1);
    return counts;
  }

  *committedOffsets(): Iterable<{ groupId: string; topic: string; partition: number; offset: number }> {
    for (const { groupId, topic, partition, offset } of this.#offsets.store.all())
      yield { groupId, topic, partition, offset: offset.offset };
  }

  /** What Kafka checks before it looks for the group, and what could not be stored. null: nothing is wrong. */
  #joinError(request: RequestOf<typeof JoinGroup>): ErrorName | null {
    const { groupId, memberId, groupInstanceId, sessionTimeoutMs, protocolType, protocols } = request;
    const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = this.#settings;
    if (groupId === '' || !isStorable(groupId)) return 'INVALID_GROUP_ID';
    if (sessionTimeoutMs < groupMinSessionTimeoutMs || sessionTimeoutMs > groupMaxSessionTimeoutMs)
      return 'INVALID_SESSION_TIMEOUT';
    const names = [memberId, groupInstanceId ?? '', protocolType, ...protocols.map(({ name }) => name)];
    if (!names.every(isStorable)) return 'INVALID_REQUEST';
    const found = this.#groups.get(groupId);
    const isNobodys = found === undefined || (found instanceof ConsumerGroup && found.isEmpty);
    return memberId !== UNKNOWN_MEMBER && isNobodys ? 'UNKNOWN_MEMBER_ID' : null;
  }

  #newClassicGroup(groupId: string): ClassicGroup {
    const group = new ClassicGroup(groupId, this.#pendingMembers, this.#memberBytes);
    group.isStored = this.#offsets.store.hasGroup(groupId);
    this.#groups.set(groupId, group);
    return group;
  }

  /** Offsets always have a group: without one nobody would see them, and they would never expire. */
  #dropGroup(groupId: string): void {
    if (this.#offsets.store.hasGroup(groupId)) this.#newClassicGroup(groupId);
    else this.#groups.delete(groupId);
  }

  #forgetIfUnused(group: ClassicGroup): void {
    if (!group.isStored && group.isUnused) this.#groups.delete(group.groupId);
  }

  #onClassic(groupId: string, act: (group: ClassicGroup) => void): void {
    const group = this.#groups.get(groupId);
    if (!(group instanceof ClassicGroup)) return;
    act(group);
    this.#forgetIfUnused(group);
  }

  #replayOffset({ key, value }: GroupRecordOf<'offsetCommit'>): void {
    this.#offsets.replay(key.group, key.topic, key.partition, value);
    if (value === null) return;
    // Who only commits makes a group by it.
    const group = this.#groups.get(key.group) ?? this.#newClassicGroup(key.group);
    if (group instanceof ClassicGroup) group.isStored = true;
  }

  #replayConsumerGroup(record: ConsumerGroupRecord): void {
    const { groupId } = record.key;
    const group = this.#consumers.replay(this.#groups.get(groupId), record);
    if (group === null) this.#dropGroup(groupId);
    else this.#groups.set(groupId, group);
  }

  #replayGroup({ key, value }: GroupRecordOf<'groupMetadata'>): void {
    const known = this.#groups.get(key.group);
    if (value !== null) {
      const group = known instanceof ClassicGroup ? known : this.#newClassicGroup(key.group);
      group.restore(value);
      return;
    }
    if (!(known instanceof ClassicGroup)) return;
    known.die();
    this.#dropGroup(key.group);
    this.#logger.debug(`Group ${key.group} is deleted.`);
  }
}

/** A name that comes twice counts once, or the group would take one member for two who offer it. */
function distinctProtocols(protocols: readonly ClassicProtocol[]): readonly ClassicProtocol[] {
  const byName = new Map<string, ClassicProtocol>();
  for (const protocol of protocols) if (!byName.has(protocol.name)) byName.set(protocol.name, protocol);
  return [...byName.values()];
}

/** An offset that was committed with a time of its own expires then; others by the group's rule. */
function isExpired(group: Group, { topic, offset }: StoredOffset, retentionMs: number, nowMs: number): boolean {
  const startMs = group.retentionStartMs(offset);
  if (startMs === null || group.isSubscribedTo(topic)) return false;
  return offset.expireTimestamp === -1 ? nowMs - startMs >= retentionMs : nowMs >= offset.expireTimestamp;
}

/** What members said and got is of interest once they agree on it. */
function described(group: ClassicGroup): DescribedGroup {
  const { groupId, state, protocolTypeName, protocolName } = group;
  const isStable = state === 'Stable';
  return {
    errorCode: Errors.NONE,
    groupId,
    groupState: state,
    protocolType: protocolTypeName,
    protocolData: isStable ? (protocolName ?? '') : '',
    members: Array.from(group.members, (member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: (isStable ? member.metadata(protocolName) : null) ?? NO_BYTES,
      memberAssignment: member.assignment,
    })),
  };
}

function describedDead(groupId: string): DescribedGroup {
  return { errorCode: Errors.NONE, groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] };
}

/**
 * @pure One group of the classic protocol: its members, who waits, the generation, and what of it is stored. The
 * rules of who may do what when are in classic-joining.ts, classic-rebalance.ts and classic-membership.ts; this keeps
 * the sums right. Kafka: ClassicGroup.
 *
 * Guarantees: the generation never decreases while the coordinator lives; a member waits in at most one JoinGroup and
 * one SyncGroup; what restore() makes of a record is the same group whether it was live before or read back, apart
 * from what is not stored (waiting requests, ids given out, protocols that were not selected).
 */
import type { Ticket } from '../coordinator/shard.ts';
import { assert } from '../lib/assert.ts';
import type { ErrorName } from '../protocol/errors.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../protocol/internal/consumer-protocol.ts';
import type { GroupRecord, GroupRecordValue } from '../protocol/internal/group-record.ts';
import { ClassicGroupMember, type ClassicProtocol } from './classic-group-member.ts';
import { type ClassicGroupState, mayFollow } from './classic-group-state.ts';
import type { CommittedOffset, Committer, Group } from './group.ts';
import { MemberBytes } from './member-bytes.ts';
import { PendingMembers } from './pending-members.ts';
import { subscribedTopics } from './subscribed-topics.ts';

export type StoredGroup = GroupRecordValue<'groupMetadata'>;

/** The first rebalance of a group waits for more members, again and again as long as some come. */
export interface InitialDelay {
  readonly delayMs: number;
  readonly remainingMs: number;
}

export class ClassicGroup implements Group {
  readonly type = 'Classic';
  readonly groupId: string;
  generation = 0;
  protocolName: string | null = null;
  /** Since when the state is what it is; -1 when the record was of a version that does not say. */
  stateTimestampMs = -1;
  /** Somebody joined since the initial delay began. */
  isNewMemberAdded = false;
  initialDelay: InitialDelay | null = null;
  /** Comes from a group of the consumer protocol without one who could assign: its members have to join anew. */
  isLeaderless = false;
  /** Something in the log speaks of it. What is not stored is forgotten when nobody is in it. */
  isStored = false;
  #state: ClassicGroupState = 'Empty';
  #previousState: ClassicGroupState = 'Empty';
  #protocolType: string | null = null;
  #leaderId: string | null = null;
  #subscribedTopics: ReadonlySet<string> | null = null;
  #awaitingJoin = 0;
  readonly #members = new Map<string, ClassicGroupMember>();
  /** groupInstanceId to memberId. */
  readonly #staticMembers = new Map<string, string>();
  readonly #pendingMembers: PendingMembers;
  readonly #memberBytes: MemberBytes;
  /** Were told of this generation and have not asked for their assignment yet. */
  readonly #pendingSync = new Set<string>();
  /** How many members offer each protocol. */
  readonly #supporters = new Map<string, number>();

  constructor(groupId: string, pendingMembers = new PendingMembers(), memberBytes = new MemberBytes()) {
    this.groupId = groupId;
    this.#pendingMembers = pendingMembers;
    this.#memberBytes = memberBytes;
  }

  get state(): ClassicGroupState {
    return this.#state;
  }

  get previousState(): ClassicGroupState {
    return this.#previousState;
  }

  get isEmpty(): boolean {
    return this.#state === 'Empty';
  }

  get isUnused(): boolean {
    return this.isEmpty && this.pendingMemberCount === 0;
  }

  /** null for a group that nobody ever joined. */
  get protocolType(): string | null {
    return this.#protocolType;
  }

  get protocolTypeName(): string {
    return this.#protocolType ?? '';
  }

  /** The member that assigns; null without members. */
  get leaderId(): string | null {
    return this.#leaderId;
  }

  get size(): number {
    return this.#members.size;
  }

  get staticMemberCount(): number {
    return this.#staticMembers.size;
  }

  get members(): Iterable<ClassicGroupMember> {
    return this.#members.values();
  }

  get pendingMemberCount(): number {
    return this.#pendingMembers.countOf(this.groupId);
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoin;
  }

  /** Everybody who is in the group or was invited waits for the new generation. */
  get hasAllMembersJoined(): boolean {
    return this.#members.size === this.#awaitingJoin && this.pendingMemberCount === 0;
  }

  get canRebalance(): boolean {
    return mayFollow(this.#state, 'PreparingRebalance');
  }

  /** The longest of the members'. */
  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const { rebalanceTimeoutMs } of this.#members.values()) longest = Math.max(longest, rebalanceTimeoutMs);
    return longest;
  }

  get pendingSync(): ReadonlySet<string> {
    return this.#pendingSync;
  }

  member(memberId: string): ClassicGroupMember | undefined {
    return this.#members.get(memberId);
  }

  has(memberId: string): boolean {
    return this.#members.has(memberId);
  }

  isLeader(memberId: string): boolean {
    return this.#leaderId === memberId;
  }

  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#staticMembers.get(groupInstanceId);
  }

  isPending(memberId: string): boolean {
    return this.#pendingMembers.has(this.groupId, memberId);
  }

  /** A member id was given out; the answer is one of any group that has to make room for it. */
  addPending(memberId: string): { groupId: string; memberId: string } | null {
    assert(!this.has(memberId), 'a member is not pending');
    return this.#pendingMembers.add(this.groupId, memberId);
  }

  pendingMembers(): string[] {
    return this.#pendingMembers.of(this.groupId);
  }

  /** Does the member hold the place it claims? null: yes. */
  memberError(memberId: string, groupInstanceId: string | null): ErrorName | null {
    if (groupInstanceId !== null) {
      const current = this.#staticMembers.get(groupInstanceId);
      if (current === undefined) return 'UNKNOWN_MEMBER_ID';
      if (current !== memberId) return 'FENCED_INSTANCE_ID';
    }
    return this.has(memberId) ? null : 'UNKNOWN_MEMBER_ID';
  }

  /** Is there memory for a member that says this (again)? */
  hasRoomFor(protocols: readonly ClassicProtocol[], memberId: string): boolean {
    return this.#memberBytes.hasRoomFor(protocols, this.member(memberId)?.protocols ?? []);
  }

  /** Could a member with these join? It must offer one protocol that everybody else offers. */
  supports(protocolType: string, protocols: readonly ClassicProtocol[]): boolean {
    if (this.#state === 'Empty') return protocolType !== '' && protocols.length > 0;
    if (protocolType !== this.#protocolType) return false;
    return protocols.some(({ name }) => (this.#supporters.get(name) ?? 0) === this.#members.size);
  }

  add(member: ClassicGroupMember, protocolType: string): void {
    assert(!this.has(member.memberId), 'a member is added once');
    if (this.#members.size === 0) this.#protocolType = protocolType;
    this.#enter(member);
    this.#leaderId ??= member.memberId;
    this.#pendingMembers.remove(this.groupId, member.memberId);
  }

  /** A member, or one that was to become one. Its waiting requests are the caller's to answer before. */
  remove(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member !== undefined) this.#drop(member);
    if (this.isLeader(memberId)) this.#leaderId = this.#members.keys().next().value ?? null;
    this.#pendingMembers.remove(this.groupId, memberId);
    this.#pendingSync.delete(memberId);
  }

  /** The new one takes the old one's place, with all that comes with it. */
  replaceStaticMember(old: ClassicGroupMember, by: ClassicGroupMember): void {
    assert(old.joinTicket === null && old.syncTicket === null, 'whoever waits is answered first');
    this.#drop(old);
    this.#pendingSync.delete(old.memberId);
    this.#enter(by);
    if (this.isLeader(old.memberId)) this.#leaderId = by.memberId;
  }

  update(member: ClassicGroupMember, protocols: readonly ClassicProtocol[], timeouts: MemberTimeouts): void {
    this.#count(member, -1);
    member.protocols = protocols;
    this.#count(member, 1);
    member.rebalanceTimeoutMs = timeouts.rebalanceTimeoutMs;
    member.sessionTimeoutMs = timeouts.sessionTimeoutMs;
  }

  /** The answer is the ticket of a JoinGroup that waited before. */
  awaitJoin(member: ClassicGroupMember, ticket: Ticket): Ticket | null {
    const superseded = this.takeJoinTicket(member);
    member.joinTicket = ticket;
    this.#awaitingJoin++;
    return superseded;
  }

  takeJoinTicket(member: ClassicGroupMember): Ticket | null {
    const ticket = member.joinTicket;
    if (ticket === null) return null;
    member.joinTicket = null;
    this.#awaitingJoin--;
    return ticket;
  }

  /** A static member leads on while it is away; when it misses a rebalance another has to. False: nobody is here. */
  electJoinedLeader(): boolean {
    const leader = this.#leaderId === null ? undefined : this.member(this.#leaderId);
    if (leader === undefined || leader.joinTicket !== null) return leader !== undefined;
    const joined = [...this.#members.values()].find(({ joinTicket }) => joinTicket !== null);
    if (joined === undefined) return false;
    this.#leaderId = joined.memberId;
    return true;
  }

  transitionTo(state: ClassicGroupState, nowMs: number): void {
    assert(mayFollow(this.#state, state), () => `a group does not go from ${this.#state} to ${state}`);
    this.#become(state);
    this.stateTimestampMs = nowMs;
  }

  /** Everybody who is here begins a new generation. An empty group's next generation is a record's matter. */
  beginGeneration(nowMs: number): void {
    this.generation++;
    this.protocolName = this.selectProtocol();
    this.#subscribedTopics = this.#readSubscriptions();
    this.transitionTo('CompletingRebalance', nowMs);
    this.#pendingSync.clear();
    for (const memberId of this.#members.keys()) this.#pendingSync.add(memberId);
  }

  /** The last of those who had to has asked for its assignment. */
  synced(memberId: string): boolean {
    return this.#pendingSync.delete(memberId) && this.#pendingSync.size === 0;
  }

  clearPendingSync(): void {
    this.#pendingSync.clear();
  }

  /** The protocol that most members like best among those that all offer; of equals the one voted for first. */
  selectProtocol(): string {
    const candidates = new Set<string>();
    for (const [name, supporters] of this.#supporters) if (supporters === this.size) candidates.add(name);
    const votes = new Map<string, number>();
    for (const member of this.#members.values()) {
      const vote = member.vote(candidates);
      assert(vote !== undefined, 'nobody joins without a protocol in common');
      votes.set(vote, (votes.get(vote) ?? 0) + 1);
    }
    let selected = '';
    for (const [name, count] of votes) if (count > (votes.get(selected) ?? 0)) selected = name;
    return selected;
  }

  /** The group with its members as a record; assignments are those of the members unless others are given. */
  toRecord(nowMs: number, assignments?: ReadonlyMap<string, Buffer>): GroupRecord {
    const protocol = this.protocolName ?? '';
    const members = Array.from(this.#members.values(), (member) =>
      member.toRecord(protocol, assignments?.get(member.memberId) ?? member.assignment),
    );
    return this.#record({
      protocolType: this.protocolTypeName,
      generation: this.generation,
      protocol: this.protocolName,
      leader: this.#leaderId,
      currentStateTimestamp: nowMs,
      members,
    });
  }

  /** The next generation, that nobody is in. */
  toEmptyRecord(nowMs: number): GroupRecord {
    return this.#record({
      protocolType: this.protocolTypeName,
      generation: this.generation + 1,
      protocol: null,
      leader: null,
      currentStateTimestamp: nowMs,
      members: [],
    });
  }

  /** Becomes what the record says; what it does not speak of stays. */
  restore(stored: StoredGroup): void {
    const before = new Map(this.#members);
    const protocolName = stored.protocol ?? '';
    for (const member of before.values()) this.#drop(member);
    for (const storedMember of stored.members) {
      const known = before.get(storedMember.memberId);
      const isSame = known?.isSameAs(storedMember, protocolName) ?? false;
      const member = known && isSame ? known : ClassicGroupMember.fromRecord(storedMember, protocolName);
      member.assignment = storedMember.assignment;
      if (!this.has(member.memberId)) this.#enter(member);
    }
    for (const memberId of this.#pendingSync) if (!this.has(memberId)) this.#pendingSync.delete(memberId);
    this.#protocolType = stored.protocolType === '' ? null : stored.protocolType;
    this.generation = stored.generation;
    this.protocolName = stored.protocol;
    this.isLeaderless = stored.leader === null && this.#members.size > 0;
    this.#leaderId = stored.leader ?? this.#members.keys().next().value ?? null;
    this.stateTimestampMs = stored.currentStateTimestamp;
    this.#subscribedTopics = this.#readSubscriptions();
    this.isStored = true;
    this.#become(this.#members.size === 0 ? 'Empty' : 'Stable');
  }

  offsetCommitError(committer: Committer): ErrorName | null {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: generation } = committer;
    if (this.#state === 'Dead') return 'COORDINATOR_NOT_AVAILABLE';
    if (generation < 0 && this.#state === 'Empty') return null;
    // Who names neither a member nor a generation is no member, and only members may commit while there are some.
    if (generation < 0 && memberId === '' && groupInstanceId === null) return 'UNKNOWN_MEMBER_ID';
    const error = this.memberError(memberId, groupInstanceId);
    if (error !== null) return error;
    if (generation !== this.generation) return 'ILLEGAL_GENERATION';
    return this.#state === 'CompletingRebalance' ? 'REBALANCE_IN_PROGRESS' : null;
  }

  offsetFetchError(): ErrorName | null {
    return this.#state === 'Dead' ? 'GROUP_ID_NOT_FOUND' : null;
  }

  offsetDeleteError(): ErrorName | null {
    if (this.#state === 'Dead') return 'GROUP_ID_NOT_FOUND';
    return this.#state === 'Empty' || this.#isConsumerGroup ? null : 'NON_EMPTY_GROUP';
  }

  deleteError(): ErrorName | null {
    if (this.#state === 'Dead') return 'GROUP_ID_NOT_FOUND';
    return this.#state === 'Empty' ? null : 'NON_EMPTY_GROUP';
  }

  /** When it cannot be known what a consumer group reads, it may be anything. */
  isSubscribedTo(topic: string): boolean {
    return this.#subscribedTopics?.has(topic) ?? this.#isConsumerGroup;
  }

  retentionStartMs(offset: CommittedOffset): number | null {
    if (this.#protocolType === null) return offset.commitTimestamp;
    if (this.#state === 'Empty') return this.stateTimestampMs === -1 ? offset.commitTimestamp : this.stateTimestampMs;
    const isKnown = this.#state === 'Stable' && this.#isConsumerGroup && this.#subscribedTopics !== null;
    return isKnown ? offset.commitTimestamp : null;
  }

  /** Its tombstone was read. */
  die(): void {
    for (const member of [...this.members]) this.remove(member.memberId);
    for (const memberId of this.pendingMembers()) this.remove(memberId);
    this.#become('Dead');
  }

  tombstones(): readonly GroupRecord[] {
    return [{ kind: 'groupMetadata', key: { group: this.groupId }, value: null }];
  }

  get #isConsumerGroup(): boolean {
    return this.#protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  #record(value: StoredGroup): GroupRecord {
    return { kind: 'groupMetadata', key: { group: this.groupId }, value };
  }

  #become(state: ClassicGroupState): void {
    this.#previousState = this.#state;
    this.#state = state;
  }

  #enter(member: ClassicGroupMember): void {
    this.#members.set(member.memberId, member);
    if (member.groupInstanceId !== null) this.#staticMembers.set(member.groupInstanceId, member.memberId);
    if (member.joinTicket !== null) this.#awaitingJoin++;
    this.#count(member, 1);
  }

  #drop(member: ClassicGroupMember): void {
    this.#members.delete(member.memberId);
    if (member.groupInstanceId !== null) this.#staticMembers.delete(member.groupInstanceId);
    if (member.joinTicket !== null) this.#awaitingJoin--;
    this.#count(member, -1);
  }

  #count(member: ClassicGroupMember, by: 1 | -1): void {
    if (by === 1) this.#memberBytes.add(member.protocols);
    else this.#memberBytes.remove(member.protocols);
    for (const { name } of member.protocols) {
      const supporters = (this.#supporters.get(name) ?? 0) + by;
      if (supporters > 0) this.#supporters.set(name, supporters);
      else this.#supporters.delete(name);
    }
  }

  #readSubscriptions(): ReadonlySet<string> | null {
    if (!this.#isConsumerGroup) return null;
    return subscribedTopics([...this.#members.values()].map((member) => member.metadata(this.protocolName)));
  }
}

export interface MemberTimeouts {
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
}

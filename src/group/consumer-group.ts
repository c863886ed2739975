/**
 * @pure One group of the consumer protocol (KIP-848): its epoch, its members, what each is to have and has. Only
 * replay() changes what is stored, so a group that was read back is the group that was live; what is not stored are
 * hints about when to look at the topics again. What is decided about it is in consumer-group-heartbeat.ts and
 * classic-members.ts. Kafka: ConsumerGroup, ModernGroup.
 *
 * Guarantees: replay() takes any records in any order that compaction of the log may leave, and never throws; of two
 * records that give one partition to two members the later one counts.
 */
import type { TopicId } from '../model/topic-partition.ts';
import type { ErrorName } from '../protocol/errors.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../protocol/internal/consumer-protocol.ts';
import type { GroupRecord } from '../protocol/internal/group-record.ts';
import { type Assignment, assignmentFrom, EMPTY_ASSIGNMENT } from './assignment.ts';
import {
  type ConsumerGroupMember,
  isClassic,
  isReconciledTo,
  newMember,
  regexOf,
  withCurrentAssignment,
} from './consumer-group-member.ts';
import type { CommittedOffset, Committer, Group } from './group.ts';
import { PartitionOwners } from './partition-owners.ts';
import { type SubscriptionMetadata, subscriptionMetadataFrom } from './subscription-metadata.ts';

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable';
/** The records of one consumer group; their keys have a groupId. */
export type ConsumerGroupRecord = Exclude<GroupRecord, { readonly kind: 'offsetCommit' | 'groupMetadata' }>;

/** Of OffsetCommit, the first that can name a member epoch. */
const MEMBER_EPOCH_VERSION = 9;
const NO_ASSIGNMENT_EPOCH = -1;

export class ConsumerGroup implements Group {
  readonly type = 'Consumer';
  readonly protocolTypeName = CONSUMER_PROTOCOL_TYPE;
  readonly groupId: string;
  /** The topics may not be what subscriptionMetadata says. Not stored: a loaded group looks for itself. */
  isMetadataStale = true;
  /** Topics may have appeared that a regular expression matches. Not stored either. */
  areRegexesStale = true;
  /** When all regular expressions were last found to be due here. */
  regexesResolvedAtMs = Number.NEGATIVE_INFINITY;
  /** Those of them that there was no time for yet. */
  readonly dueRegexes = new Set<string>();
  /** Members of the classic protocol that were told to rejoin, and are timed out if they do not. Not stored. */
  readonly awaitedJoins = new Set<string>();
  #groupEpoch = 0;
  #assignmentEpoch = 0;
  #subscriptionMetadata: SubscriptionMetadata = new Map();
  readonly #members = new Map<string, ConsumerGroupMember>();
  /** groupInstanceId to memberId. */
  readonly #staticMembers = new Map<string, string>();
  readonly #targets = new Map<string, Assignment>();
  readonly #resolvedRegexes = new Map<string, ReadonlySet<string>>();
  readonly #owners = new PartitionOwners();
  /** Until a member or a regular expression changes. */
  #subscribedTopics: ReadonlySet<string> | null = null;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get groupEpoch(): number {
    return this.#groupEpoch;
  }

  /** Of the target: it was computed for this group epoch. */
  get assignmentEpoch(): number {
    return this.#assignmentEpoch;
  }

  get state(): ConsumerGroupState {
    if (this.#members.size === 0) return 'Empty';
    if (this.#groupEpoch > this.#assignmentEpoch) return 'Assigning';
    for (const member of this.#members.values())
      if (!isReconciledTo(member, this.#assignmentEpoch)) return 'Reconciling';
    return 'Stable';
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get isUnused(): boolean {
    return this.isEmpty;
  }

  get members(): ReadonlyMap<string, ConsumerGroupMember> {
    return this.#members;
  }

  get subscriptionMetadata(): SubscriptionMetadata {
    return this.#subscriptionMetadata;
  }

  /** By regular expression, the topics that it matched when it was last resolved. */
  get resolvedRegexes(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#resolvedRegexes;
  }

  staticMember(instanceId: string): ConsumerGroupMember | undefined {
    const memberId = this.#staticMembers.get(instanceId);
    return memberId === undefined ? undefined : this.#members.get(memberId);
  }

  /** undefined for a member whose target was never computed. */
  target(memberId: string): Assignment | undefined {
    return this.#targets.get(memberId);
  }

  isOwned(topicId: TopicId, partition: number): boolean {
    return this.#owners.of(topicId, partition) !== undefined;
  }

  isSubscribedTo(topic: string): boolean {
    this.#subscribedTopics ??= subscribedTopics(this.#members.values(), this.#resolvedRegexes);
    return this.#subscribedTopics.has(topic);
  }

  /** What was found out about the topics did not become records: to be found out again. */
  forgetTopics(): void {
    this.isMetadataStale = true;
    this.areRegexesStale = true;
    this.regexesResolvedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Some topics are not what they were, or are new, or gone. */
  onTopicsChanged(topics: Iterable<string>): void {
    if (this.#resolvedRegexes.size > 0) this.areRegexesStale = true;
    for (const topic of topics) if (this.isSubscribedTo(topic)) this.isMetadataStale = true;
  }

  offsetCommitError(committer: Committer): ErrorName | null {
    const { memberId, generationIdOrMemberEpoch: epoch, version } = committer;
    // An administrator, or a consumer that assigns to itself: only while there are no members.
    if (epoch < 0 && this.isEmpty) return null;
    const member = this.#members.get(memberId);
    if (member === undefined) return 'UNKNOWN_MEMBER_ID';
    if (!isClassic(member) && version < MEMBER_EPOCH_VERSION) return 'UNSUPPORTED_VERSION';
    return epochError(member, epoch);
  }

  offsetFetchError(memberId: string | null, memberEpoch: number): ErrorName | null {
    if (memberId === null && memberEpoch < 0) return null;
    const member = memberId === null ? undefined : this.#members.get(memberId);
    return member === undefined ? 'UNKNOWN_MEMBER_ID' : epochError(member, memberEpoch);
  }

  offsetDeleteError(): ErrorName | null {
    return null;
  }

  deleteError(): ErrorName | null {
    return this.isEmpty ? null : 'NON_EMPTY_GROUP';
  }

  retentionStartMs(offset: CommittedOffset): number | null {
    return offset.commitTimestamp;
  }

  /** The order is Kafka's, whose replay insists on it. */
  tombstones(): readonly GroupRecord[] {
    return groupTombstones(this.groupId, [...this.#members.keys()], [...this.#resolvedRegexes.keys()]);
  }

  /** Whether the group is still there afterwards. */
  replay(record: ConsumerGroupRecord): boolean {
    switch (record.kind) {
      case 'consumerGroupMetadata':
        if (record.value === null) return false;
        this.#groupEpoch = record.value.epoch;
        break;
      case 'consumerGroupPartitionMetadata':
        this.#subscriptionMetadata = record.value === null ? new Map() : subscriptionMetadataFrom(record.value);
        break;
      case 'consumerGroupTargetAssignmentMetadata':
        this.#assignmentEpoch = record.value?.assignmentEpoch ?? NO_ASSIGNMENT_EPOCH;
        break;
      case 'consumerGroupTargetAssignmentMember':
        if (record.value === null) this.#targets.delete(record.key.memberId);
        else this.#targets.set(record.key.memberId, assignmentFrom(record.value.topicPartitions));
        break;
      case 'consumerGroupMemberMetadata':
      case 'consumerGroupCurrentMemberAssignment':
        this.#replayMember(record);
        break;
      case 'consumerGroupRegularExpression':
        if (record.value === null) this.#resolvedRegexes.delete(record.key.regularExpression);
        else this.#resolvedRegexes.set(record.key.regularExpression, new Set(record.value.topics));
        this.#subscribedTopics = null;
        break;
    }
    return true;
  }

  #replayMember(
    record: Extract<
      ConsumerGroupRecord,
      { kind: 'consumerGroupMemberMetadata' | 'consumerGroupCurrentMemberAssignment' }
    >,
  ): void {
    const { memberId } = record.key;
    const before = this.#members.get(memberId);
    if (record.kind === 'consumerGroupMemberMetadata') {
      if (record.value === null) this.#remove(memberId);
      else this.#put({ ...(before ?? newMember(memberId)), metadata: record.value });
    } else if (record.value !== null) this.#put(withCurrentAssignment(before ?? newMember(memberId), record.value));
    // Without an assignment it is a member no more; the tombstone of its metadata follows in the same batch.
    else if (before !== undefined)
      this.#put({ ...before, assigned: EMPTY_ASSIGNMENT, pendingRevocation: EMPTY_ASSIGNMENT });
  }

  #put(member: ConsumerGroupMember): void {
    const before = this.#members.get(member.memberId);
    if (before !== undefined) this.#forget(before);
    this.#members.set(member.memberId, member);
    if (member.metadata.instanceId !== null) this.#staticMembers.set(member.metadata.instanceId, member.memberId);
    this.#owners.add(member.memberId, member.assigned);
    this.#owners.add(member.memberId, member.pendingRevocation);
    if (before?.metadata !== member.metadata) this.#subscribedTopics = null;
  }

  #remove(memberId: string): void {
    const member = this.#members.get(memberId);
    if (member === undefined) return;
    this.#members.delete(memberId);
    this.#forget(member);
    this.awaitedJoins.delete(memberId);
    this.#subscribedTopics = null;
  }

  /** What is looked up by other keys; not what another member has taken over already. */
  #forget({ memberId, metadata, assigned, pendingRevocation }: ConsumerGroupMember): void {
    const { instanceId } = metadata;
    if (instanceId !== null && this.#staticMembers.get(instanceId) === memberId) this.#staticMembers.delete(instanceId);
    this.#owners.remove(memberId, assigned);
    this.#owners.remove(memberId, pendingRevocation);
  }
}

/** What members read, by name and by the regular expressions that are resolved. */
export function subscribedTopics(
  members: Iterable<ConsumerGroupMember>,
  resolvedRegexes: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlySet<string> {
  const topics = new Set<string>();
  const regexes = new Set<string>();
  for (const member of members) {
    for (const topic of member.metadata.subscribedTopicNames) topics.add(topic);
    const regex = regexOf(member);
    if (regex !== null) regexes.add(regex);
  }
  for (const regex of regexes) for (const topic of resolvedRegexes.get(regex) ?? []) topics.add(topic);
  return topics;
}

/** Takes back all that is stored of a group; the order is Kafka's, whose replay insists on it. */
export function groupTombstones(
  groupId: string,
  memberIds: readonly string[],
  regexes: readonly string[],
): readonly GroupRecord[] {
  const key = { groupId };
  return [
    ...memberIds.map(
      (memberId) =>
        ({ kind: 'consumerGroupCurrentMemberAssignment', key: { groupId, memberId }, value: null }) as const,
    ),
    ...memberIds.map(
      (memberId) => ({ kind: 'consumerGroupTargetAssignmentMember', key: { groupId, memberId }, value: null }) as const,
    ),
    { kind: 'consumerGroupTargetAssignmentMetadata', key, value: null },
    ...memberIds.map(
      (memberId) => ({ kind: 'consumerGroupMemberMetadata', key: { groupId, memberId }, value: null }) as const,
    ),
    ...regexes.map(
      (regularExpression) =>
        ({ kind: 'consumerGroupRegularExpression', key: { groupId, regularExpression }, value: null }) as const,
    ),
    { kind: 'consumerGroupPartitionMetadata', key, value: null },
    { kind: 'consumerGroupMetadata', key, value: null },
  ];
}

function epochError(member: ConsumerGroupMember, epoch: number): ErrorName | null {
  if (epoch === member.memberEpoch) return null;
  return isClassic(member) ? 'ILLEGAL_GENERATION' : 'STALE_MEMBER_EPOCH';
}

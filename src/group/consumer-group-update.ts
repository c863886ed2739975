/**
 * @pure What follows when a member of a consumer group changes, or only speaks up, all in one decision: its metadata
 * is stored, regular expressions are resolved, the group's epoch is raised if what is read has changed, a new target
 * is computed for a new epoch, and the member takes its next step towards the target. Kafka: the body of
 * GroupMetadataManager.consumerGroupHeartbeat.
 *
 * Guarantees: a heartbeat that brings nothing new leads to no records and looks at no other member. Regular
 * expressions are resolved in the heartbeat that brings them (in Kafka by another thread, for the next one).
 */
import { KafkaError } from '../protocol/errors.ts';
import type { GroupRecord } from '../protocol/internal/group-record.ts';
import { type Assignment, EMPTY_ASSIGNMENT, type TopicPartitions } from './assignment.ts';
import { type ConsumerGroup, subscribedTopics } from './consumer-group.ts';
import {
  type ConsumerGroupMember,
  currentAssignmentRecord,
  isReconciledTo,
  memberTombstones,
  metadataRecord,
  regexOf,
  sameCurrentAssignment,
  sameMetadata,
  sameNames,
} from './consumer-group-member.ts';
import type { ConsumerGroupEnvironment } from './consumer-group-settings.ts';
import { cancelMemberTimers, resumeTimers, timeRevocation } from './consumer-group-timers.ts';
import { nextAssignment } from './current-assignment.ts';
import type { Decision } from './decision.ts';
import {
  sameSubscriptionMetadata,
  type SubscriptionMetadata,
  subscriptionMetadata,
  subscriptionMetadataRecord,
} from './subscription-metadata.ts';
import { newTarget } from './target-assignment.ts';

/** New topics come in swarms: groups that read by regular expression look at them together. */
const REGEX_REFRESH_INTERVAL_MS = 10_000;
/** Kafka stores the version of its metadata image, for which there is none here; older than any, it is harmless. */
const NO_IMAGE_VERSION = 0;

type ResolvedRegexes = ReadonlyMap<string, ReadonlySet<string>>;

export interface MemberChange {
  /** As the group has it; a fresh one when it is new. */
  readonly before: ConsumerGroupMember;
  /** With the metadata of the request. */
  readonly after: ConsumerGroupMember;
  /** The static member in whose place `after` comes; that it does is in the decision already. */
  readonly replaces: ConsumerGroupMember | null;
  readonly owned: readonly TopicPartitions[] | null;
}

/** The group as it will be, as far as the decision has come. */
interface Progress {
  readonly group: ConsumerGroup;
  readonly change: MemberChange;
  readonly members: () => readonly ConsumerGroupMember[];
  readonly decision: Decision;
  readonly nowMs: number;
  resolvedRegexes: ResolvedRegexes;
  metadata: SubscriptionMetadata;
  groupEpoch: number;
  isNewEpochNeeded: boolean;
}

export class ConsumerGroupUpdate {
  readonly #environment: ConsumerGroupEnvironment;

  constructor(environment: ConsumerGroupEnvironment) {
    this.#environment = environment;
  }

  /** The member after its step. */
  apply(group: ConsumerGroup, change: MemberChange, decision: Decision, nowMs: number): ConsumerGroupMember {
    const progress = this.change(group, change, decision, nowMs);
    return this.reconcile(progress);
  }

  /** All but the member's own step: what it asks for is stored, and the group has the epoch that this needs. */
  change(group: ConsumerGroup, change: MemberChange, decision: Decision, nowMs: number): Progress {
    const { before, after, replaces } = change;
    if (!sameMetadata(before.metadata, after.metadata)) decision.record(metadataRecord(group.groupId, after));
    const namesChanged = !sameNames(before.metadata.subscribedTopicNames, after.metadata.subscribedTopicNames);
    const progress: Progress = {
      group,
      change,
      members: lazily(() => membersAfter(group, after, replaces)),
      decision,
      nowMs,
      resolvedRegexes: group.resolvedRegexes,
      metadata: group.subscriptionMetadata,
      groupEpoch: group.groupEpoch,
      isNewEpochNeeded: group.groupEpoch === 0 || namesChanged,
    };
    this.#resolveRegexes(progress);
    if (progress.isNewEpochNeeded || group.isMetadataStale) this.#lookAtTopics(progress);
    return progress;
  }

  /** A new target if the group's epoch has none yet, and then the member's step. */
  reconcile(progress: Progress): ConsumerGroupMember {
    const { group, change, decision } = progress;
    const { after, owned } = change;
    const target = this.#target(progress);
    const targetEpoch = Math.max(progress.groupEpoch, group.assignmentEpoch);
    if (isReconciledTo(after, targetEpoch)) return after;
    const isOwned = group.isOwned.bind(group);
    const member = nextAssignment(after, { targetEpoch, target, isOwned, owned });
    if (member === null) {
      group.forgetTopics();
      throw new KafkaError(
        'FENCED_MEMBER_EPOCH',
        'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
      );
    }
    if (!sameCurrentAssignment(after, member)) {
      decision.record(currentAssignmentRecord(group.groupId, member));
      timeRevocation(group.groupId, member, decision);
    }
    return member;
  }

  /** Members are out, whether they want it or not. The rest gets a new target with its next heartbeat. */
  remove(group: ConsumerGroup, gone: readonly ConsumerGroupMember[], decision: Decision): void {
    const { groupId } = group;
    for (const { memberId } of gone) {
      decision.record(...memberTombstones(groupId, memberId));
      cancelMemberTimers(groupId, memberId, decision);
    }
    const left = [...group.members.values()].filter((member) => !gone.includes(member));
    const resolved = withoutUnused(groupId, left, group.resolvedRegexes, decision);
    const metadata = subscriptionMetadata(subscribedTopics(left, resolved), this.#environment.topics());
    if (!sameSubscriptionMetadata(metadata, group.subscriptionMetadata))
      decision.record(subscriptionMetadataRecord(groupId, metadata));
    decision.record(groupEpochRecord(groupId, group.groupEpoch + 1));
    decision.whenRefused((_, instead) => {
      for (const member of gone) resumeTimers(group, member, this.#environment.settings, instead);
    });
  }

  #resolveRegexes(progress: Progress): void {
    const { group, change, members, decision, nowMs } = progress;
    const [former, regex] = [regexOf(change.before), regexOf(change.after)];
    const isDue = this.#isRefreshDue(group, nowMs) && (regex !== null || group.resolvedRegexes.size > 0);
    if (former === regex && !isDue && group.dueRegexes.size === 0) return;
    if (former !== regex) {
      this.#checkRegex(regex);
      progress.isNewEpochNeeded = true;
    }
    const resolved = new Map(withoutUnused(group.groupId, members(), group.resolvedRegexes, decision));
    const used = new Set(members().map(regexOf));
    // The member's own first: it is the only one that may be refused.
    const isNew = regex !== null && former !== regex && !resolved.has(regex);
    if (isNew) {
      const topics = this.#matches(regex);
      if (topics === null) throw tooSlow(regex);
      this.#noteResolved(progress, resolved, regex, topics);
    }
    if (isDue) {
      group.areRegexesStale = false;
      group.regexesResolvedAtMs = nowMs;
    }
    for (const each of used) if (each !== null && (isDue || !resolved.has(each))) group.dueRegexes.add(each);
    if (isNew) group.dueRegexes.delete(regex);
    this.#resolveDue(progress, resolved, used);
    progress.resolvedRegexes = resolved;
    decision.whenRefused(() => group.forgetTopics());
  }

  /** As many as there is time for; the others with the next heartbeats. */
  #resolveDue(progress: Progress, resolved: Map<string, ReadonlySet<string>>, used: ReadonlySet<string | null>): void {
    const { dueRegexes } = progress.group;
    const isTimeOver = this.#environment.regexes.patience();
    for (const regex of dueRegexes) {
      dueRegexes.delete(regex);
      const topics = used.has(regex) ? this.#matches(regex) : null;
      // What it matched before is better than nothing.
      if (topics !== null) this.#noteResolved(progress, resolved, regex, topics);
      if (isTimeOver()) return;
    }
  }

  #noteResolved(
    progress: Progress,
    resolved: Map<string, ReadonlySet<string>>,
    regex: string,
    topics: ReadonlySet<string>,
  ): void {
    const known = resolved.get(regex);
    if (known !== undefined && sameNames([...known], [...topics])) return;
    resolved.set(regex, topics);
    progress.decision.record(regexRecord(progress.group.groupId, regex, topics, progress.nowMs));
    progress.isNewEpochNeeded = true;
  }

  #matches(regex: string): ReadonlySet<string> | null {
    return this.#environment.regexes.resolve(regex, this.#environment.topics().topicNames());
  }

  #isRefreshDue({ areRegexesStale, regexesResolvedAtMs }: ConsumerGroup, nowMs: number): boolean {
    const longestMs = this.#environment.settings.groupConsumerRegexRefreshIntervalMs;
    const sinceMs = nowMs - regexesResolvedAtMs;
    // Before it was resolved: the clock was set back.
    return sinceMs < 0 || sinceMs >= (areRegexesStale ? REGEX_REFRESH_INTERVAL_MS : longestMs);
  }

  #checkRegex(regex: string | null): void {
    const problem = regex === null ? null : this.#environment.regexes.problem(regex);
    if (problem === null) return;
    const message = `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${problem}.`;
    throw new KafkaError('INVALID_REGULAR_EXPRESSION', message);
  }

  #lookAtTopics(progress: Progress): void {
    const { group, members, decision, resolvedRegexes } = progress;
    const { groupId } = group;
    const topics = subscribedTopics(members(), resolvedRegexes);
    progress.metadata = subscriptionMetadata(topics, this.#environment.topics());
    if (!sameSubscriptionMetadata(progress.metadata, group.subscriptionMetadata)) {
      decision.record(subscriptionMetadataRecord(groupId, progress.metadata));
      progress.isNewEpochNeeded = true;
    }
    if (progress.isNewEpochNeeded) {
      progress.groupEpoch += 1;
      decision.record(groupEpochRecord(groupId, progress.groupEpoch));
      this.#environment.logger.info(`[GroupId ${groupId}] Bumped group epoch to ${progress.groupEpoch}.`);
    }
    group.isMetadataStale = false;
    decision.whenRefused(() => {
      group.isMetadataStale = true;
    });
  }

  /** What the member is to have. */
  #target({ group, change, members, decision, resolvedRegexes, metadata, groupEpoch }: Progress): Assignment {
    const { after, replaces } = change;
    const formerId = (memberId: string) =>
      replaces !== null && memberId === after.memberId ? replaces.memberId : memberId;
    const before = (memberId: string) => group.target(formerId(memberId));
    if (groupEpoch <= group.assignmentEpoch) return before(after.memberId) ?? EMPTY_ASSIGNMENT;
    const next = newTarget({
      groupId: group.groupId,
      groupEpoch,
      members: members(),
      subscriptionMetadata: metadata,
      resolvedRegexes,
      assignors: this.#environment.assignors,
      target: before,
    });
    decision.record(...next.records);
    return next.target(after.memberId);
  }
}

function tooSlow(regex: string): KafkaError {
  const message = `SubscribedTopicRegex \`${regex.slice(0, 255)}\` takes too long to match all topics.`;
  return new KafkaError('INVALID_REGULAR_EXPRESSION', message);
}

export function groupEpochRecord(groupId: string, epoch: number): GroupRecord {
  return { kind: 'consumerGroupMetadata', key: { groupId }, value: { epoch } };
}

function regexRecord(groupId: string, regex: string, topics: ReadonlySet<string>, nowMs: number): GroupRecord {
  return {
    kind: 'consumerGroupRegularExpression',
    key: { groupId, regularExpression: regex },
    value: { topics: [...topics].sort(), version: NO_IMAGE_VERSION, timestamp: nowMs },
  };
}

/** Takes back the regular expressions that none of the members uses any more. */
function withoutUnused(
  groupId: string,
  members: readonly ConsumerGroupMember[],
  resolved: ResolvedRegexes,
  decision: Decision,
): ResolvedRegexes {
  if (resolved.size === 0) return resolved;
  const used = new Set(members.map(regexOf));
  const left = new Map<string, ReadonlySet<string>>();
  for (const [regex, topics] of resolved)
    if (used.has(regex)) left.set(regex, topics);
    else
      decision.record({
        kind: 'consumerGroupRegularExpression',
        key: { groupId, regularExpression: regex },
        value: null,
      });
  return left;
}

function membersAfter(
  group: ConsumerGroup,
  after: ConsumerGroupMember,
  replaces: ConsumerGroupMember | null,
): readonly ConsumerGroupMember[] {
  const others = [...group.members.values()].filter(
    ({ memberId }) => memberId !== after.memberId && memberId !== replaces?.memberId,
  );
  return [...others, after];
}

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * @pure The leader's side of fetch sessions (KIP-227): what a fetcher wants of each partition, so that its next
 * request need name only what changed, and which of its partitions must be looked at again.
 *
 * Guarantees: at most `maxSessions` sessions, evicted by Kafka's rules; a partition that is not dirty was looked at
 * since it last changed, and all there was to tell of it has been told. So a request costs as much as there is news,
 * not as much as there are partitions. Kafka's FetchSession.scala is the reference.
 */
import { type TopicId, ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { FetchPulse } from '../replica/leader-state.ts';
import type { PartitionFetch } from '../replica/partition-read.ts';
import type { PartitionChange, PartitionWatcher } from '../replica/waiting.ts';

/** Not part of a session, or the number that a session is asked to be made under. */
export const NO_SESSION = 0;
const INITIAL_EPOCH = 0;
/** The fetcher wants no session, or no longer. */
const FINAL_EPOCH = -1;
const MAX_EPOCH = 0x7fff_ffff;
/** A session is safe from others for so long after it was made, and stale when unused for so long. */
const EVICTION_MS = 120_000;
const FIRST_VERSION_WITH_TOPIC_IDS = 13;

export interface WantedPartition extends PartitionFetch {
  readonly partition: number;
}

export interface WantedTopic {
  /** v12 and older; else empty. */
  readonly topic: string;
  /** v13 and newer; else ZERO_TOPIC_ID. */
  readonly topicId: TopicId;
  readonly partitions: readonly WantedPartition[];
}

/** What of a Fetch request opens, continues or ends a session. */
export interface SessionRequest {
  readonly version: number;
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: readonly WantedTopic[];
  readonly forgottenTopicsData: readonly { topic: string; topicId: TopicId; partitions: readonly number[] }[];
}

/** One partition that a fetcher wants, with the latest that it asked and was told of it. */
export class FetchPartition implements PartitionFetch, PartitionWatcher {
  readonly session: FetchSession;
  readonly topicId: TopicId;
  readonly partition: number;
  /** Null while the topic id is not known here. */
  topic: string | null;
  fetchOffset = -1;
  logStartOffset = -1;
  partitionMaxBytes = 0;
  currentLeaderEpoch = -1;
  lastFetchedEpoch = -1;
  sentHighWatermark = -1;
  sentLogStartOffset = -1;
  /** What it watches, and how to stop that; set by whoever reads for it. */
  watched: object | null = null;
  release: (() => void) | null = null;

  constructor(session: FetchSession, topic: string | null, topicId: TopicId, partition: number) {
    this.session = session;
    this.topic = topic;
    this.topicId = topicId;
    this.partition = partition;
  }

  want(wanted: WantedPartition): void {
    this.fetchOffset = wanted.fetchOffset;
    this.logStartOffset = wanted.logStartOffset;
    this.partitionMaxBytes = wanted.partitionMaxBytes;
    this.currentLeaderEpoch = wanted.currentLeaderEpoch;
    this.lastFetchedEpoch = wanted.lastFetchedEpoch;
    // A follower that names the partition again may have dropped what it was told, being in another leader epoch by
    // then.
    if (this.session.isFollower) this.sentHighWatermark = -1;
    this.session.dirty.add(this);
  }

  onPartitionChange(change: PartitionChange): void {
    const { session } = this;
    // A consumer sees what is committed only. A follower is told a new high watermark when there is other news.
    if (change === 'lowWatermark') return;
    if ((change === 'appended' || change === 'isr') && !session.isFollower) return;
    session.dirty.add(this);
    if (change === 'leadership' || isNews(change, session.isFollower)) session.wake?.();
  }

  /** The follower has records that were deleted here, and was not told yet. */
  mustHearOfLogStart(leaderLogStartOffset: number): boolean {
    const isBehind = this.logStartOffset !== -1 && this.logStartOffset < leaderLogStartOffset;
    return isBehind && this.session.isFollower && this.sentLogStartOffset !== leaderLogStartOffset;
  }

  /** Kafka's maybeUpdateResponseData: must an incremental response mention it? Remembers what is told. */
  noteAnswer(answer: {
    error: ErrorName;
    highWatermark: number;
    logStartOffset: number;
    hasContent: boolean;
  }): boolean {
    const isError = answer.error !== 'NONE';
    const isNew = answer.highWatermark !== this.sentHighWatermark || answer.logStartOffset !== this.sentLogStartOffset;
    // After an error the partition is told anew even if nothing else changed.
    this.sentHighWatermark = isError ? -1 : answer.highWatermark;
    this.sentLogStartOffset = answer.logStartOffset;
    return answer.hasContent || isNew || isError;
  }

  stopWatching(): void {
    this.release?.();
    this.release = null;
    this.watched = null;
  }
}

/** A change that a fetch is answered for at once. */
function isNews(change: PartitionChange, isFollower: boolean): boolean {
  return isFollower ? change === 'appended' || change === 'logStart' : change === 'highWatermark';
}

/** The partitions of one fetcher: of a session, or of a single request (then its id stays NO_SESSION). */
export class FetchSession {
  readonly isFollower: boolean;
  readonly usesTopicIds: boolean;
  readonly partitions = new Map<string, FetchPartition>();
  /** Those to be looked at, in the order of their turn: what was served last comes last. */
  readonly dirty = new Set<FetchPartition>();
  readonly pulse: FetchPulse = { lastFetchMs: Number.NEGATIVE_INFINITY };
  id = NO_SESSION;
  epoch = INITIAL_EPOCH;
  createdMs = 0;
  lastUsedMs = 0;
  isClosed = false;
  /** Set while a request of it waits: there is news. */
  wake: (() => void) | null = null;
  /** Set while a request of it waits: it shall answer now. */
  finish: (() => void) | null = null;

  constructor(isFollower: boolean, usesTopicIds: boolean) {
    this.isFollower = isFollower;
    this.usesTopicIds = usesTopicIds;
  }

  update(request: Pick<SessionRequest, 'topics' | 'forgottenTopicsData'>): void {
    for (const { topic, topicId, partitions } of request.topics)
      for (const wanted of partitions) this.#get(topic, topicId, wanted.partition).want(wanted);
    for (const { topic, topicId, partitions } of request.forgottenTopicsData)
      for (const partition of partitions) this.#remove(this.#key(topic, topicId, partition));
  }

  close(): void {
    this.isClosed = true;
    for (const partition of this.partitions.values()) partition.stopWatching();
    this.finish?.();
  }

  #get(topic: string, topicId: TopicId, partition: number): FetchPartition {
    const key = this.#key(topic, topicId, partition);
    const found = this.partitions.get(key);
    if (found !== undefined) return found;
    const name = this.usesTopicIds ? null : topic;
    const created = new FetchPartition(this, name, this.usesTopicIds ? topicId : ZERO_TOPIC_ID, partition);
    this.partitions.set(key, created);
    return created;
  }

  #remove(key: string): void {
    const partition = this.partitions.get(key);
    if (partition === undefined) return;
    partition.stopWatching();
    this.dirty.delete(partition);
    this.partitions.delete(key);
  }

  #key(topic: string, topicId: TopicId, partition: number): string {
    return `${this.usesTopicIds ? topicId : topic}:${partition}`;
  }
}

export interface FetchContext {
  readonly session: FetchSession;
  /** FULL: all partitions are named, a session may be made. SESSIONLESS: named too, no session. */
  readonly kind: 'FULL' | 'SESSIONLESS' | 'INCREMENTAL';
  /** The session must still be at this epoch when the request is answered. */
  readonly expectedEpoch: number;
}

export class FetchSessionCache {
  readonly #maxSessions: number;
  /** A number from 0 to bound - 1. */
  readonly #randomInt: (bound: number) => number;
  /** The longest unused first. */
  readonly #sessions = new Map<number, FetchSession>();
  #evictionCount = 0;

  constructor(maxSessions: number, randomInt: (bound: number) => number) {
    this.#maxSessions = maxSessions;
    this.#randomInt = randomInt;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get partitionCount(): number {
    let count = 0;
    for (const session of this.#sessions.values()) count += session.partitions.size;
    return count;
  }

  get evictionCount(): number {
    return this.#evictionCount;
  }

  /** Kafka's FetchManager.newContext: which partitions does the request speak of? */
  open(request: SessionRequest, isFollower: boolean, nowMs: number): FetchContext | ErrorName {
    const { sessionId, sessionEpoch } = request;
    const usesTopicIds = request.version >= FIRST_VERSION_WITH_TOPIC_IDS;
    if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
      // A full request ends the session it names.
      const old = this.#sessions.get(sessionId);
      if (old !== undefined) this.#remove(old);
      return fresh(request, isFollower, usesTopicIds, sessionEpoch === FINAL_EPOCH ? 'SESSIONLESS' : 'FULL');
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return 'FETCH_SESSION_ID_NOT_FOUND';
    if (session.epoch !== sessionEpoch) return 'INVALID_FETCH_SESSION_EPOCH';
    if (session.usesTopicIds !== usesTopicIds) return 'FETCH_SESSION_TOPIC_ID_ERROR';
    session.epoch = nextEpoch(session.epoch);
    // A request that still waits is of an older epoch now: it shall say so and go.
    session.finish?.();
    session.update(request);
    if (session.partitions.size === 0) {
      this.#remove(session);
      return fresh(request, isFollower, usesTopicIds, 'SESSIONLESS');
    }
    this.#touch(session, nowMs);
    return { session, kind: 'INCREMENTAL', expectedEpoch: session.epoch };
  }

  /** Makes a session of what a full request asked, if there is room. Returns its id, or NO_SESSION. */
  keep(session: FetchSession, nowMs: number): number {
    if (this.#sessions.size >= this.#maxSessions && !this.#evictFor(session, nowMs)) return NO_SESSION;
    do session.id = 1 + this.#randomInt(MAX_EPOCH);
    while (this.#sessions.has(session.id));
    session.epoch = INITIAL_EPOCH + 1;
    session.createdMs = nowMs;
    session.lastUsedMs = nowMs;
    this.#sessions.set(session.id, session);
    return session.id;
  }

  #touch(session: FetchSession, nowMs: number): void {
    session.lastUsedMs = nowMs;
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  /**
   * Makes room: a stale session goes first. Else the least valuable of those that are not young (for a follower: of
   * all that are not a young follower's), if it is less valuable than the new one. Followers are worth more than
   * consumers, then more partitions than fewer.
   */
  #evictFor(session: FetchSession, nowMs: number): boolean {
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return false;
    if (nowMs - oldest.lastUsedMs > EVICTION_MS) {
      this.#evict(oldest);
      return true;
    }
    let least: FetchSession | null = null;
    for (const candidate of this.#sessions.values()) {
      const isYoung = nowMs - candidate.createdMs <= EVICTION_MS;
      const isEvictable = !isYoung || (session.isFollower && !candidate.isFollower);
      if (isEvictable && (least === null || compareValue(candidate, least) < 0)) least = candidate;
    }
    if (least === null || compareValue(session, least) < 0) return false;
    this.#evict(least);
    return true;
  }

  #evict(session: FetchSession): void {
    this.#evictionCount++;
    this.#remove(session);
  }

  #remove(session: FetchSession): void {
    this.#sessions.delete(session.id);
    session.close();
  }
}

function fresh(
  request: SessionRequest,
  isFollower: boolean,
  usesTopicIds: boolean,
  kind: 'FULL' | 'SESSIONLESS',
): FetchContext {
  const session = new FetchSession(isFollower, usesTopicIds);
  session.update({ topics: request.topics, forgottenTopicsData: [] });
  return { session, kind, expectedEpoch: session.epoch };
}

function compareValue(one: FetchSession, other: FetchSession): number {
  if (one.isFollower !== other.isFollower) return one.isFollower ? 1 : -1;
  return one.partitions.size - other.partitions.size || one.id - other.id;
}

function nextEpoch(epoch: number): number {
  return epoch === MAX_EPOCH ? 1 : epoch + 1;
}

/**
 * @pure The follower's side of an incremental fetch session (KIP-227): of all the partitions it wants, a request
 * names only those that changed since the last one. One handler per connection to a leader; Kafka's
 * FetchSessionHandler is the reference.
 *
 * Guarantees: whatever happens to a request, the next one is such that the leader ends up knowing all that is wanted.
 */
import type { TopicId } from '../model/topic-partition.ts';
import type { ErrorName } from '../protocol/errors.ts';

export interface FetchWant {
  readonly topicId: TopicId;
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly partitionMaxBytes: number;
}

/** These fields of a Fetch request (v13+). */
export interface FetchSessionRequest {
  sessionId: number;
  sessionEpoch: number;
  topics: { topicId: TopicId; partitions: FetchWant[] }[];
  forgottenTopicsData: { topicId: TopicId; partitions: number[] }[];
}

const NO_SESSION = 0;
const INITIAL_EPOCH = 0;
const MAX_EPOCH = 0x7fff_ffff;

export class FetchSessionHandler {
  #sessionId = NO_SESSION;
  #epoch = INITIAL_EPOCH;
  readonly #wanted = new Map<TopicId, Map<number, FetchWant>>();
  readonly #changed = new Map<TopicId, Map<number, FetchWant>>();
  /** Known to the leader's session, wanted no more. */
  readonly #forgotten = new Map<TopicId, Set<number>>();
  #wantedCount = 0;

  /** Partitions that the next request asks for, named or not. */
  get size(): number {
    return this.#wantedCount;
  }

  /** True when a request would tell the leader something new about what to leave out. */
  get hasForgotten(): boolean {
    return this.#sessionId !== NO_SESSION && this.#forgotten.size > 0;
  }

  /** Adds the partition, or replaces what is wanted of it. */
  want(want: FetchWant): void {
    const partitions = inner(this.#wanted, want.topicId);
    if (!partitions.has(want.partition)) this.#wantedCount++;
    partitions.set(want.partition, want);
    inner(this.#changed, want.topicId).set(want.partition, want);
    removeFrom(this.#forgotten, want.topicId, want.partition);
  }

  forget(topicId: TopicId, partition: number): void {
    if (!removeFrom(this.#wanted, topicId, partition)) return;
    this.#wantedCount--;
    removeFrom(this.#changed, topicId, partition);
    let partitions = this.#forgotten.get(topicId);
    if (partitions === undefined) {
      partitions = new Set();
      this.#forgotten.set(topicId, partitions);
    }
    partitions.add(partition);
  }

  /** The next request. Call onResponse or onError before building another one. */
  build(): FetchSessionRequest {
    const isFull = this.#epoch === INITIAL_EPOCH;
    const named = isFull ? this.#wanted : this.#changed;
    const request: FetchSessionRequest = {
      sessionId: this.#sessionId,
      sessionEpoch: this.#epoch,
      topics: [...named].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions.values()] })),
      forgottenTopicsData: isFull
        ? []
        : [...this.#forgotten].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] })),
    };
    this.#changed.clear();
    this.#forgotten.clear();
    return request;
  }

  /** The answer's top level. Returns true when its partitions may be used. */
  onResponse(error: ErrorName, sessionId: number): boolean {
    if (error !== 'NONE') {
      // The leader does not know the session: a full request opens a new one. Else the old one is closed by it as well.
      if (error === 'FETCH_SESSION_ID_NOT_FOUND') this.#sessionId = NO_SESSION;
      this.#epoch = INITIAL_EPOCH;
      return false;
    }
    this.#sessionId = sessionId;
    if (sessionId === NO_SESSION) this.#epoch = INITIAL_EPOCH;
    else this.#epoch = this.#epoch === MAX_EPOCH ? 1 : this.#epoch + 1;
    return true;
  }

  /** The request got no answer: nobody knows whether the leader has seen it. */
  onError(): void {
    this.#epoch = INITIAL_EPOCH;
  }
}

function inner<T>(outer: Map<TopicId, Map<number, T>>, topicId: TopicId): Map<number, T> {
  const found = outer.get(topicId);
  if (found !== undefined) return found;
  const created = new Map<number, T>();
  outer.set(topicId, created);
  return created;
}

function removeFrom(
  outer: Map<TopicId, { delete(key: number): boolean; size: number }>,
  topicId: TopicId,
  partition: number,
): boolean {
  const found = outer.get(topicId);
  if (found === undefined || !found.delete(partition)) return false;
  if (found.size === 0) outer.delete(topicId);
  return true;
}

/**
 * Looks at the dirty partitions of a fetch session and notes what a fetch would be answered now. Nothing is read from
 * disk yet: the records of an answer are slices that are read when the response is encoded.
 *
 * Guarantees: partitions are taken in the session's order within the limits of the request, the first batch whatever
 * its size; a partition leaves the dirty ones only when it is watched, there is nothing more to send, and the next
 * fetch says nothing new.
 */
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import { ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import type { ErrorName } from '../protocol/errors.ts';
import { KafkaError } from '../protocol/errors.ts';
import type { Partition } from '../replica/partition.ts';
import type { PartitionRead } from '../replica/partition-read.ts';
import type { Partitions } from '../replica/partitions.ts';
import type { FetchPartition, FetchSession } from './fetch-session.ts';

/** What of a Fetch request holds for all its partitions. */
export interface FetchTerms {
  /** The follower's broker id; -1 for a consumer. */
  readonly replicaId: number;
  readonly brokerEpoch: number;
  readonly isReadCommitted: boolean;
  /** Consumers before v11 do not know that they could read from a follower (KIP-392). */
  readonly mustLead: boolean;
  readonly minBytes: number;
  readonly maxBytes: number;
  /** The version does not know zstd (below v10). */
  readonly refusesZstd: boolean;
}

export interface FetchAnswer {
  readonly error: ErrorName;
  /** Null with an error. */
  readonly read: PartitionRead | null;
}

export class FetchLook {
  readonly session: FetchSession;
  readonly terms: FetchTerms;
  /** The latest answer for each partition looked at, in the session's order. */
  readonly answers = new Map<FetchPartition, FetchAnswer>();
  readonly #replicas: Pick<Partitions, 'find'>;
  readonly #metadata: Pick<MetadataCache, 'topicName' | 'contains'>;
  #bytes = 0;
  #isUrgent = false;

  constructor(
    broker: { replicas: Pick<Partitions, 'find'>; metadata: Pick<MetadataCache, 'topicName' | 'contains'> },
    session: FetchSession,
    terms: FetchTerms,
  ) {
    this.#replicas = broker.replicas;
    this.#metadata = broker.metadata;
    this.session = session;
    this.terms = terms;
  }

  /** There is enough to answer at once: bytes, an error, a divergence, or deleted records that a follower still has. */
  get isEnough(): boolean {
    return this.#isUrgent || this.#bytes >= this.terms.minBytes;
  }

  /** `isFirst` notes a follower's progress; later looks at the same request must not (they would count as fetches). */
  look(isFirst: boolean, nowMs: number): void {
    const { session, terms } = this;
    let leftBytes = terms.maxBytes;
    this.#bytes = 0;
    this.#isUrgent = false;
    for (const target of session.dirty) {
      const answer = this.#read(target, leftBytes, isFirst);
      this.answers.set(target, answer);
      const sizeBytes = answer.read?.records?.sizeBytes ?? 0;
      this.#bytes += sizeBytes;
      leftBytes = Math.max(0, leftBytes - sizeBytes);
      if (answer.read === null || answer.read.divergingEpoch !== null) this.#isUrgent = true;
      else if (target.mustHearOfLogStart(answer.read.logStartOffset)) this.#isUrgent = true;
      else if (!answer.read.hasData && !answer.read.isAwaited) session.dirty.delete(target);
    }
    // The partitions that were not looked at are as they were: the follower still waits at their ends.
    if (isFirst) session.pulse.lastFetchMs = nowMs;
  }

  #read(target: FetchPartition, leftBytes: number, isFirst: boolean): FetchAnswer {
    const partition = this.#find(target);
    if (typeof partition === 'string') {
      target.stopWatching();
      return { error: partition, read: null };
    }
    this.#watch(target, partition);
    const { terms, session } = this;
    if (terms.refusesZstd && partition.log.config.compressionType === 'zstd')
      return { error: 'UNSUPPORTED_COMPRESSION_TYPE', read: null };
    // Once something is sent, limits hold.
    const limits = { maxBytes: leftBytes, minOneBatch: this.#bytes === 0 };
    try {
      const read = session.isFollower
        ? partition.readForFollower(target, { ...terms, pulse: session.pulse }, limits, isFirst)
        : partition.readForConsumer(target, terms.mustLead, terms.isReadCommitted, limits);
      return typeof read === 'string' ? { error: read, read: null } : { error: 'NONE', read };
    } catch (error) {
      partition.counters.failedFetchRequests++;
      if (error instanceof KafkaError) return { error: error.error, read: null };
      throw error;
    }
  }

  #find(target: FetchPartition): Partition | ErrorName {
    target.topic ??= this.#metadata.topicName(target.topicId) ?? null;
    if (target.topic === null) return 'UNKNOWN_TOPIC_ID';
    const found = this.#replicas.find(target.topic, target.partition);
    if (typeof found === 'string') return found;
    const isSameTopic = target.topicId === ZERO_TOPIC_ID || found.topicId === target.topicId;
    return isSameTopic ? found : 'INCONSISTENT_TOPIC_ID';
  }

  #watch(target: FetchPartition, partition: Partition): void {
    if (target.watched === partition || this.session.isClosed) return;
    target.stopWatching();
    const { session } = this;
    const { replicaId } = this.terms;
    partition.watch(target);
    target.watched = partition;
    target.release = () => {
      partition.unwatch(target);
      if (session.isFollower) partition.detachFollower(replicaId, session.pulse);
    };
  }
}

/**
 * @pure What a consumer instance knows of its partitions: what it has subscribed to or assigned to itself, what is its
 * own at the moment, and which records have been taken from the cluster and not returned to the client yet (the part of
 * Kafka's SubscriptionState that a client of the REST Proxy can see).
 *
 * Guarantees: a record counts as consumed when it was returned, never before; a record that was taken and not returned
 * is asked for again. Topics, a pattern and assigned partitions exclude each other, in Java's words.
 */
import type { ApiError } from '../client/api-error.ts';
import type { GroupOffset } from '../client/group-admin.ts';
import type { PartitionStart } from '../client/record-consumer.ts';
import { type TopicPartition, topicPartitionKey } from '../model/topic-partition.ts';
import { illegalState } from './rest-errors.ts';

export type Subscription =
  | { readonly kind: 'none' }
  | { readonly kind: 'topics'; readonly topics: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: string }
  | { readonly kind: 'assigned'; readonly partitions: readonly TopicPartition[] };

/** A place to go back to, or on from. */
export interface PartitionPlace extends TopicPartition {
  readonly start: PartitionStart;
}

/** Where records come from, one after the other. */
export interface RecordPlace extends TopicPartition {
  readonly offset: number;
}

interface Taken extends TopicPartition {
  /** The first record that was taken and not returned. */
  first: number;
  /** The record that is being made ready for the answer. */
  inHand: number | null;
}

const NOTHING: Subscription = { kind: 'none' };

export class ConsumerState {
  #subscription: Subscription = NOTHING;
  #partitions = new Map<string, TopicPartition>();
  readonly #taken = new Map<string, Taken>();
  readonly #failures = new Map<string, ApiError>();
  /** Of partitions that the instance assigned to itself: where they were, for when reading begins again. */
  readonly #places = new Map<string, PartitionPlace>();

  get subscription(): Subscription {
    return this.#subscription;
  }

  /** The partitions that are its own now. */
  get partitions(): readonly TopicPartition[] {
    return [...this.#partitions.values()];
  }

  /** How far partitions that it assigned to itself were consumed when they were read last. */
  get positions(): readonly GroupOffset[] {
    return [...this.#places.values()].flatMap(({ topic, partition, start }) =>
      typeof start === 'number' ? [{ topic, partition, offset: start }] : [],
    );
  }

  /** Returns whether anything has changed. No topics at all end the subscription. @throws RestError 40903 */
  subscribe(topics: readonly string[]): boolean {
    if (topics.length === 0) return this.unsubscribe();
    const wanted = [...new Set(topics)].sort();
    return this.#choose({ kind: 'topics', topics: wanted });
  }

  /** Returns whether anything has changed. @throws RestError 40903 */
  subscribeToPattern(pattern: string): boolean {
    return this.#choose({ kind: 'pattern', pattern });
  }

  /** Of assigned partitions, too. Returns whether anything has changed. */
  unsubscribe(): boolean {
    const hasChanged = this.#subscription.kind !== 'none';
    this.#subscription = NOTHING;
    this.#leave();
    this.#places.clear();
    return hasChanged;
  }

  /**
   * Partitions that were assigned before go on where they are.
   * @param positions how far those are consumed
   * @throws RestError 40903
   */
  assign(partitions: readonly TopicPartition[], positions: readonly GroupOffset[]): boolean {
    if (partitions.length === 0) return this.unsubscribe();
    const wanted = new Map(partitions.map((partition) => [keyOf(partition), partition]));
    if (this.#subscription.kind === 'assigned') this.#keepPlaces(positions);
    const inOrder = [...wanted.keys()].sort().flatMap((key) => wanted.get(key) ?? []);
    if (!this.#choose({ kind: 'assigned', partitions: inOrder })) return false;
    for (const key of this.#places.keys()) if (!wanted.has(key)) this.#places.delete(key);
    this.#partitions = wanted;
    return true;
  }

  #choose(wanted: Subscription): boolean {
    const present = this.#subscription;
    if (present.kind !== 'none' && present.kind !== wanted.kind)
      throw illegalState('Subscription to topics, partitions and pattern are mutually exclusive');
    if (JSON.stringify(present) === JSON.stringify(wanted)) return false;
    this.#subscription = wanted;
    this.#leave();
    return true;
  }

  #leave(): void {
    this.#partitions = new Map();
    this.#taken.clear();
    this.#failures.clear();
  }

  #keepPlaces(positions: readonly GroupOffset[]): void {
    for (const { topic, partition, offset } of positions) {
      const key = topicPartitionKey(topic, partition);
      if (this.#partitions.has(key)) this.#places.set(key, { topic, partition, start: offset });
    }
  }

  /** Reading begins, with these partitions. Returns the places at which to begin instead of the group's offsets. */
  begin(partitions: readonly TopicPartition[]): readonly PartitionPlace[] {
    this.#taken.clear();
    this.#failures.clear();
    if (this.#subscription.kind === 'assigned') return [...this.#places.values()];
    this.#partitions = new Map(partitions.map((partition) => [keyOf(partition), partition]));
    return [];
  }

  /** Reading has ended; partitions shared with a group are its own no longer. */
  end(positions: readonly GroupOffset[]): void {
    if (this.#subscription.kind === 'assigned') this.#keepPlaces(positions);
    else {
      this.#partitions.clear();
      this.#failures.clear();
    }
  }

  /** @throws RestError 40903 */
  mustOwn(partitions: Iterable<TopicPartition>): void {
    for (const partition of partitions)
      if (!this.#partitions.has(keyOf(partition)))
        throw illegalState(`No current assignment for partition ${partition.topic}-${partition.partition}`);
  }

  /** From now on the partition is read from there, whatever was taken of it. */
  seek(place: PartitionPlace): void {
    const key = keyOf(place);
    this.#taken.delete(key);
    this.#failures.delete(key);
    if (this.#subscription.kind === 'assigned') this.#places.set(key, place);
  }

  /** The partition cannot be read before seek(). */
  fail(partition: TopicPartition, error: ApiError): void {
    this.#failures.set(keyOf(partition), error);
  }

  /** Why some partition cannot be read; null when all can be. */
  get failure(): ApiError | null {
    const [first] = this.#failures.values();
    return first ?? null;
  }

  /** The record is handed over, and will be made ready for an answer. */
  take({ topic, partition, offset }: RecordPlace): void {
    const key = topicPartitionKey(topic, partition);
    const taken = this.#taken.get(key);
    if (taken === undefined) this.#taken.set(key, { topic, partition, first: offset, inHand: offset });
    else taken.inHand = offset;
  }

  /** The record is ready; false when it is not wanted any more, because its partition was left or sought elsewhere. */
  isReady(record: RecordPlace): boolean {
    const taken = this.#taken.get(keyOf(record));
    if (taken?.inHand !== record.offset) return false;
    taken.inHand = null;
    return true;
  }

  /** The record cannot be put into this answer. Returns where to go back to; null when it is not wanted any more. */
  putBack(record: RecordPlace): PartitionPlace | null {
    const key = keyOf(record);
    const taken = this.#taken.get(key);
    if (taken?.inHand !== record.offset) return null;
    taken.inHand = null;
    if (taken.first === record.offset) this.#taken.delete(key);
    return { topic: record.topic, partition: record.partition, start: record.offset };
  }

  /** All that is ready goes to the client. */
  returned(): void {
    for (const [key, taken] of this.#taken)
      if (taken.inHand === null) this.#taken.delete(key);
      else taken.first = taken.inHand;
  }

  /** Nothing goes to the client. Returns where to go back to. */
  takenBack(): readonly PartitionPlace[] {
    const places = [...this.#taken.values()].map(({ topic, partition, first: start }) => ({ topic, partition, start }));
    this.#taken.clear();
    return places;
  }

  /** How far the partitions are consumed. @param positions how far they are taken */
  consumed(positions: readonly GroupOffset[]): readonly GroupOffset[] {
    return positions.map((position) => {
      const first = this.#taken.get(keyOf(position))?.first;
      return first === undefined ? position : { ...position, offset: first };
    });
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return topicPartitionKey(topic, partition);
}

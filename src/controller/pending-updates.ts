/**
 * @pure What one broker has not been told yet. It is kept as "this partition changed", never as a request: the
 * request is made from the controller's knowledge at the moment of sending, so any number of changes while a broker
 * is slow become one, and what is kept is bounded by the number of partitions.
 *
 * Order, as Kafka's: a change of the list of brokers (as UpdateMetadata without partitions, since brokers must know
 * each other before they follow each other), LeaderAndIsr, UpdateMetadata, StopReplica; then again from the start.
 * After any failure, and at the beginning, the broker is owed everything: a FULL LeaderAndIsr and UpdateMetadata.
 * That takes the place of Kafka's "repeat the same request for ever" and cannot lose or reorder a change.
 */
import { topicPartitionKey } from '../model/topic-partition.ts';
import {
  type BrokerRequestContext,
  isHosted,
  leaderAndIsrRequest,
  type RemovedPartition,
  type ReplicaStop,
  REQUEST_TYPE,
  stopReplicaRequest,
  updateMetadataRequest,
} from './broker-requests.ts';
import type { ControlledPartition, ControllerState } from './controller-state.ts';

export type BrokerRequest =
  | { readonly kind: 'UpdateMetadata'; readonly request: ReturnType<typeof updateMetadataRequest> }
  | { readonly kind: 'LeaderAndIsr'; readonly request: ReturnType<typeof leaderAndIsrRequest> }
  | {
      readonly kind: 'StopReplica';
      readonly request: ReturnType<typeof stopReplicaRequest>;
      readonly stops: readonly ReplicaStop[];
    };

interface PartitionRef {
  readonly topic: string;
  readonly partition: number;
}

/** More than this in one incremental request would hold up the event loop; the rest goes with the next one. */
const MAX_PARTITIONS_PER_REQUEST = 2000;

const PHASES = ['brokers', 'leaderAndIsr', 'metadata', 'stops'] as const;

export class PendingUpdates {
  #owesBrokers = true;
  #owesAllLeaderAndIsr = true;
  #owesAllMetadata = true;
  readonly #leaderAndIsr = new Map<string, PartitionRef>();
  readonly #newPartitions = new Set<string>();
  readonly #metadata = new Map<string, PartitionRef>();
  readonly #removed = new Map<string, RemovedPartition>();
  readonly #stops = new Map<string, ReplicaStop>();
  #inFlight: { newPartitions: readonly string[]; stops: readonly ReplicaStop[] } | null = null;
  #phase = 0;

  get isEmpty(): boolean {
    return (
      !this.#owesBrokers &&
      !this.#owesAllLeaderAndIsr &&
      !this.#owesAllMetadata &&
      this.#leaderAndIsr.size + this.#metadata.size + this.#removed.size + this.#stops.size === 0
    );
  }

  /** The broker list changed. */
  addBrokers(): void {
    this.#owesBrokers = true;
  }

  /** The broker is a replica of the partition, whose state changed. */
  addLeaderAndIsr({ key, topic, partition }: ControlledPartition, isNew: boolean): void {
    this.#stops.delete(key);
    if (isNew) this.#newPartitions.add(key);
    if (!this.#owesAllLeaderAndIsr) this.#leaderAndIsr.set(key, { topic, partition });
  }

  /** Everything the broker hosts, so that it answers how each replica is. */
  addAllLeaderAndIsr(): void {
    this.#owesAllLeaderAndIsr = true;
    this.#leaderAndIsr.clear();
  }

  addMetadata({ key, topic, partition }: ControlledPartition): void {
    if (this.#owesAllMetadata) return;
    this.#removed.delete(key);
    this.#metadata.set(key, { topic, partition });
  }

  /**
   * The partition is not known any more.
   * @param wasAnnounced whether the broker was owed, since its last change, that the partition is on its way out
   */
  addRemoved(removed: RemovedPartition, wasAnnounced: boolean): void {
    const key = topicPartitionKey(removed.topic, removed.partition);
    this.#leaderAndIsr.delete(key);
    this.#newPartitions.delete(key);
    const isStillOwed = this.#metadata.delete(key);
    if (this.#owesAllMetadata || (wasAnnounced && !isStillOwed)) return;
    this.#removed.set(key, removed);
    // Somebody creates and deletes topics while this broker is slow: to tell it everything is less than to tell it
    // all that.
    if (this.#removed.size > MAX_PARTITIONS_PER_REQUEST * 2) this.#oweAllMetadata();
  }

  addStop(stop: ReplicaStop): void {
    const key = topicPartitionKey(stop.topic, stop.partition);
    this.#leaderAndIsr.delete(key);
    this.#newPartitions.delete(key);
    const pending = this.#stops.get(key);
    // A deletion that is owed is not softened by a mere stop.
    if (pending?.deletePartition === true && !stop.deletePartition) return;
    this.#stops.set(key, stop);
  }

  /** The next request, or null. Until `confirm` or `fail` there is no other. */
  take(context: BrokerRequestContext): BrokerRequest | null {
    for (let tried = 0; tried < PHASES.length; tried++) {
      const phase = PHASES[this.#phase];
      this.#phase = (this.#phase + 1) % PHASES.length;
      const request =
        phase === 'brokers'
          ? this.#takeBrokers(context)
          : phase === 'leaderAndIsr'
            ? this.#takeLeaderAndIsr(context)
            : phase === 'metadata'
              ? this.#takeMetadata(context)
              : this.#takeStops(context);
      if (request !== null) return request;
    }
    // The next thing that happens is told in the order of the phases.
    this.#phase = 0;
    return null;
  }

  /** The broker took the request. */
  confirm(): void {
    this.#inFlight = null;
  }

  /** Nobody knows whether the broker took the request: it is owed everything, and what it was to stop. */
  fail(): void {
    for (const key of this.#inFlight?.newPartitions ?? []) this.#newPartitions.add(key);
    for (const stop of this.#inFlight?.stops ?? []) {
      const key = topicPartitionKey(stop.topic, stop.partition);
      if (!this.#stops.has(key) && !this.#leaderAndIsr.has(key)) this.#stops.set(key, stop);
    }
    this.#inFlight = null;
    this.#owesBrokers = true;
    this.addAllLeaderAndIsr();
    this.#oweAllMetadata();
    this.#phase = 0;
  }

  #oweAllMetadata(): void {
    this.#owesAllMetadata = true;
    this.#metadata.clear();
    this.#removed.clear();
  }

  #takeBrokers(context: BrokerRequestContext): BrokerRequest | null {
    if (!this.#owesBrokers) return null;
    this.#owesBrokers = false;
    return { kind: 'UpdateMetadata', request: updateMetadataRequest(context, REQUEST_TYPE.INCREMENTAL, []) };
  }

  #takeLeaderAndIsr(context: BrokerRequestContext): BrokerRequest | null {
    const isFull = this.#owesAllLeaderAndIsr;
    if (!isFull && this.#leaderAndIsr.size === 0) return null;
    this.#owesAllLeaderAndIsr = false;
    const hosted = isFull
      ? [...context.state.partitionsOn(context.brokerId)]
      : takeSome(this.#leaderAndIsr, context.state);
    const type = isFull ? REQUEST_TYPE.FULL : REQUEST_TYPE.INCREMENTAL;
    const newPartitions = hosted.filter(({ key }) => this.#newPartitions.delete(key)).map(({ key }) => key);
    const isNew = new Set(newPartitions);
    this.#inFlight = { newPartitions, stops: [] };
    // An incremental request about nothing (its partitions are gone) need not be sent.
    if (!isFull && !hosted.some((partition) => isHosted(context, partition, type))) return null;
    const request = leaderAndIsrRequest(context, type, hosted, ({ key }) => isNew.has(key));
    return { kind: 'LeaderAndIsr', request };
  }

  #takeMetadata(context: BrokerRequestContext): BrokerRequest | null {
    if (this.#owesAllMetadata) {
      this.#owesAllMetadata = false;
      const request = updateMetadataRequest(context, REQUEST_TYPE.FULL, context.state.partitions());
      return { kind: 'UpdateMetadata', request };
    }
    if (this.#metadata.size + this.#removed.size === 0) return null;
    const removed = [...this.#removed.values()];
    this.#removed.clear();
    const partitions = takeSome(this.#metadata, context.state);
    const request = updateMetadataRequest(context, REQUEST_TYPE.INCREMENTAL, partitions, removed);
    return { kind: 'UpdateMetadata', request };
  }

  #takeStops(context: BrokerRequestContext): BrokerRequest | null {
    if (this.#stops.size === 0) return null;
    const stops = [...this.#stops.values()].slice(0, MAX_PARTITIONS_PER_REQUEST);
    for (const { topic, partition } of stops) this.#stops.delete(topicPartitionKey(topic, partition));
    this.#inFlight = { newPartitions: [], stops };
    return { kind: 'StopReplica', request: stopReplicaRequest(context, stops), stops };
  }
}

function takeSome(from: Map<string, PartitionRef>, state: ControllerState): ControlledPartition[] {
  const taken: ControlledPartition[] = [];
  let count = 0;
  for (const [key, { topic, partition }] of from) {
    if (count++ === MAX_PARTITIONS_PER_REQUEST) break;
    from.delete(key);
    const known = state.partition(topic, partition);
    if (known !== undefined) taken.push(known);
  }
  return taken;
}

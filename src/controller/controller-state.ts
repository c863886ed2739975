/**
 * @pure What the active controller knows of the cluster: brokers, topics, partition states, deletions (Kafka's
 * ControllerContext). It holds what is in ZooKeeper and nothing that is only planned: a state is put here after its
 * write succeeded or after it was read.
 *
 * There is no recorded "partition state machine": whether a partition is new, online or offline follows from its
 * state and from who is alive, so the two can never disagree.
 */
import type { BrokerInfo } from '../model/broker.ts';
import type { TopicId, TopicPartition } from '../model/topic-partition.ts';
import { topicPartitionKey } from '../model/topic-partition.ts';
import type { PartitionState, ReplicaAssignment, TopicAssignment } from '../zk/znodes.ts';
import { TopicDeletions } from './deletion.ts';
import type { Liveness } from './election.ts';

export interface ControlledPartition extends TopicPartition {
  readonly key: string;
  readonly topicId: TopicId;
  readonly assignment: ReplicaAssignment;
  /** Null until the partition had its first leader. */
  readonly state: PartitionState | null;
}

export interface ControlledTopic {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partitions: ReadonlyMap<number, ControlledPartition>;
}

interface MutableTopic extends ControlledTopic {
  readonly partitions: Map<number, ControlledPartition>;
}

export class ControllerState {
  readonly controllerEpoch: number;
  readonly deletions = new TopicDeletions();
  /** False once something in ZooKeeper made no sense and was passed over: absence here proves nothing then. */
  isComplete = true;
  readonly #brokers = new Map<number, BrokerInfo>();
  readonly #shuttingDown = new Set<number>();
  readonly #topics = new Map<string, MutableTopic>();
  readonly #topicNameById = new Map<TopicId, string>();
  /** broker → keys of its replicas whose log directory failed. */
  readonly #offlineReplicas = new Map<number, Set<string>>();

  constructor(controllerEpoch: number) {
    this.controllerEpoch = controllerEpoch;
  }

  // ---- brokers

  /** All that are registered, shutting down or not. */
  get brokers(): ReadonlyMap<number, BrokerInfo> {
    return this.#brokers;
  }

  /** A new incarnation starts with nothing held against it. */
  addBroker(broker: BrokerInfo): void {
    this.removeBroker(broker.brokerId);
    this.#brokers.set(broker.brokerId, broker);
  }

  /** Other endpoints or another rack; the incarnation is the same. */
  updateBroker(broker: BrokerInfo): void {
    this.#brokers.set(broker.brokerId, broker);
  }

  removeBroker(brokerId: number): void {
    this.#brokers.delete(brokerId);
    this.#shuttingDown.delete(brokerId);
    this.#offlineReplicas.delete(brokerId);
  }

  markShuttingDown(brokerId: number): void {
    this.#shuttingDown.add(brokerId);
  }

  isShuttingDown(brokerId: number): boolean {
    return this.#shuttingDown.has(brokerId);
  }

  /** Registered and not shutting down. */
  isLive(brokerId: number): boolean {
    return this.#brokers.has(brokerId) && !this.#shuttingDown.has(brokerId);
  }

  // ---- replicas

  /** Returns whether that is news. */
  setReplicaOffline(brokerId: number, key: string, isOffline: boolean): boolean {
    const offline = this.#offlineReplicas.get(brokerId) ?? new Set();
    if (offline.has(key) === isOffline) return false;
    if (isOffline) offline.add(key);
    else offline.delete(key);
    this.#offlineReplicas.set(brokerId, offline);
    return true;
  }

  isReplicaOffline(brokerId: number, key: string): boolean {
    return this.#offlineReplicas.get(brokerId)?.has(key) ?? false;
  }

  livenessOf(partition: Pick<ControlledPartition, 'key'>): Liveness {
    return {
      isRegistered: (id) => this.#brokers.has(id) && !this.isReplicaOffline(id, partition.key),
      isOnline: (id) => this.isLive(id) && !this.isReplicaOffline(id, partition.key),
    };
  }

  // ---- topics

  get topics(): ReadonlyMap<string, ControlledTopic> {
    return this.#topics;
  }

  topic(name: string): ControlledTopic | undefined {
    return this.#topics.get(name);
  }

  topicName(topicId: TopicId): string | undefined {
    return this.#topicNameById.get(topicId);
  }

  /**
   * A topic as it was read or created. Partitions that are known keep what is known of them; only new ones are added.
   */
  putTopic(read: TopicAssignment & { readonly topicId: TopicId }): ControlledPartition[] {
    const { topic, topicId } = read;
    const known = this.#topics.get(topic);
    const entry: MutableTopic = known ?? { topic, topicId, partitions: new Map() };
    if (known === undefined) {
      this.#topics.set(topic, entry);
      this.#topicNameById.set(topicId, topic);
    }
    const added: ControlledPartition[] = [];
    for (const [partition, assignment] of read.assignment) {
      if (entry.partitions.has(partition)) continue;
      const key = topicPartitionKey(topic, partition);
      const created = { topic, topicId: entry.topicId, partition, key, assignment, state: null };
      entry.partitions.set(partition, created);
      added.push(created);
    }
    return added;
  }

  removeTopic(name: string): ControlledTopic | undefined {
    const topic = this.#topics.get(name);
    if (topic === undefined) return undefined;
    this.#topics.delete(name);
    this.#topicNameById.delete(topic.topicId);
    for (const offline of this.#offlineReplicas.values())
      for (const { key } of topic.partitions.values()) offline.delete(key);
    return topic;
  }

  isBeingReassigned(name: string): boolean {
    for (const { assignment } of this.#topics.get(name)?.partitions.values() ?? [])
      if (assignment.addingReplicas.length > 0 || assignment.removingReplicas.length > 0) return true;
    return false;
  }

  // ---- partitions

  partition(topic: string, partition: number): ControlledPartition | undefined {
    return this.#topics.get(topic)?.partitions.get(partition);
  }

  *partitions(): Generator<ControlledPartition> {
    for (const topic of this.#topics.values()) yield* topic.partitions.values();
  }

  *partitionsOn(brokerId: number): Generator<ControlledPartition> {
    for (const partition of this.partitions()) if (partition.assignment.replicas.includes(brokerId)) yield partition;
  }

  /** What is in ZooKeeper now. Returns the new value, or undefined if the partition is gone. */
  putPartitionState(topic: string, partition: number, state: PartitionState): ControlledPartition | undefined {
    const partitions = this.#topics.get(topic)?.partitions;
    const known = partitions?.get(partition);
    if (partitions === undefined || known === undefined) return undefined;
    const updated = { ...known, state };
    partitions.set(partition, updated);
    return updated;
  }
}

/**
 * @pure Topics that are to be deleted, and how far each has come (Kafka's TopicDeletionManager, by what is left to do
 * instead of by state transitions).
 *
 * A topic is deleted when every broker that holds a replica has confirmed that it deleted it. A replica on a broker
 * that is not there, or whose log directory failed, keeps the topic waiting: were the topic forgotten before, the
 * replica would come back with records of a topic that does not exist. The topic is hidden from clients from the
 * first moment on.
 *
 * Each replica is wanted (not asked yet), asked (a StopReplica is on its way), deleted, or failed. Whatever
 * interrupts the asking makes it wanted again: the broker answers the same request twice alike.
 */
import type { ControllerState } from './controller-state.ts';

/** A StopReplica with deletion that one broker is owed. */
export interface ReplicaDeletion {
  readonly brokerId: number;
  readonly topic: string;
  readonly partition: number;
}

export type ReplicaDeletionStatus = 'wanted' | 'asked' | 'deleted' | 'failed';

const replicaKey = (partition: number, brokerId: number): string => `${partition}:${brokerId}`;

export class TopicDeletions {
  /** topic → `partition:broker` → how far it is; a replica that is missing here is wanted. */
  readonly #topics = new Map<string, Map<string, ReplicaDeletionStatus>>();

  get topics(): Iterable<string> {
    return this.#topics.keys();
  }

  get size(): number {
    return this.#topics.size;
  }

  /** Whether the topic is on its way out: it gets no leaders, no partitions, no ISR changes any more. */
  isQueued(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** Returns false when it was queued already. */
  queue(topic: string): boolean {
    if (this.#topics.has(topic)) return false;
    this.#topics.set(topic, new Map());
    return true;
  }

  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  status(topic: string, partition: number, brokerId: number): ReplicaDeletionStatus {
    return this.#topics.get(topic)?.get(replicaKey(partition, brokerId)) ?? 'wanted';
  }

  /**
   * The replicas that can be asked now, marked as asked. A topic that is being reassigned waits for the end of that.
   */
  ask(state: ControllerState): ReplicaDeletion[] {
    const asked: ReplicaDeletion[] = [];
    for (const [topic, statuses] of this.#topics) {
      if (state.isBeingReassigned(topic)) continue;
      for (const { partition, key, assignment } of state.topic(topic)?.partitions.values() ?? [])
        for (const brokerId of assignment.replicas) {
          if (!state.brokers.has(brokerId) || state.isReplicaOffline(brokerId, key)) continue;
          if (this.status(topic, partition, brokerId) !== 'wanted') continue;
          statuses.set(replicaKey(partition, brokerId), 'asked');
          asked.push({ brokerId, topic, partition });
        }
    }
    return asked;
  }

  onDeleted({ topic, partition, brokerId }: ReplicaDeletion): void {
    this.#topics.get(topic)?.set(replicaKey(partition, brokerId), 'deleted');
  }

  /** The broker refused. It is asked again when it comes back or after `retryFailed`. */
  onFailed({ topic, partition, brokerId }: ReplicaDeletion): void {
    this.#topics.get(topic)?.set(replicaKey(partition, brokerId), 'failed');
  }

  /**
   * The broker went away or came anew: nothing that was asked of it will be answered. What it deleted stays deleted.
   */
  onBrokerGone(brokerId: number): void {
    this.#makeWanted((key) => key.endsWith(`:${brokerId}`));
  }

  /** Asks again where a broker refused. Returns whether there is anything to ask. */
  retryFailed(): boolean {
    return this.#makeWanted((_key, status) => status === 'failed');
  }

  #makeWanted(matches: (key: string, status: ReplicaDeletionStatus) => boolean): boolean {
    let isAny = false;
    for (const statuses of this.#topics.values())
      for (const [key, status] of statuses) {
        if (status === 'deleted' || !matches(key, status)) continue;
        statuses.delete(key);
        isAny = true;
      }
    return isAny;
  }

  /** Topics without a replica left: their znodes can go. */
  completed(state: ControllerState): string[] {
    return [...this.#topics.keys()].filter((topic) => {
      for (const { partition, assignment } of state.topic(topic)?.partitions.values() ?? [])
        for (const brokerId of assignment.replicas)
          if (this.status(topic, partition, brokerId) !== 'deleted') return false;
      return true;
    });
  }
}

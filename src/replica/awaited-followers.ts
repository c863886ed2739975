/**
 * Followers that are expected to ask for partitions this broker has just begun to lead. Their one connection may be
 * occupied by a fetch that waits for news of other partitions, up to replica.fetch.wait.max.ms; without this, every
 * acks=all write after an election, and the first one to a new topic, would wait that long (as it does in Kafka).
 *
 * Guarantees: it only shortens waits, by answering a waiting fetch early; nothing is decided by it.
 */
import type { Clock } from '../lib/clock.ts';

/** A follower that has not come by then is down or has other sorrows: it is waited for no longer. */
const PATIENCE_MS = 5000;

interface Follower {
  /** What it is expected to ask for. */
  readonly partitions: Set<object>;
  untilMs: number;
}

export class AwaitedFollowers {
  readonly #clock: Clock;
  readonly #followers = new Map<number, Follower>();
  readonly #waiting = new Map<number, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The leadership of the partition begins: fetches of its followers that wait are told to answer. */
  expect(partition: object, replicaIds: Iterable<number>): void {
    const untilMs = this.#clock.monotonicMs() + PATIENCE_MS;
    for (const replicaId of replicaIds) {
      const follower = this.#followers.get(replicaId);
      if (follower === undefined) this.#followers.set(replicaId, { partitions: new Set([partition]), untilMs });
      else {
        follower.partitions.add(partition);
        follower.untilMs = untilMs;
      }
      for (const wake of [...(this.#waiting.get(replicaId) ?? [])]) wake();
    }
  }

  /** It came for the partition, or the leadership has ended. */
  forget(partition: object, replicaId: number): void {
    const follower = this.#followers.get(replicaId);
    if (follower === undefined) return;
    follower.partitions.delete(partition);
    if (follower.partitions.size === 0) this.#followers.delete(replicaId);
  }

  isAwaited(replicaId: number): boolean {
    const follower = this.#followers.get(replicaId);
    if (follower === undefined) return false;
    if (follower.untilMs > this.#clock.monotonicMs()) return true;
    this.#followers.delete(replicaId);
    return false;
  }

  /** Calls back when the follower is expected for something new, until the returned function is called. */
  onExpected(replicaId: number, wake: () => void): () => void {
    let waiting = this.#waiting.get(replicaId);
    if (waiting === undefined) {
      waiting = new Set();
      this.#waiting.set(replicaId, waiting);
    }
    waiting.add(wake);
    return () => {
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting.get(replicaId) === waiting) this.#waiting.delete(replicaId);
    };
  }
}

/**
 * The fetchers of this broker: num.replica.fetchers loops for each broker it follows, made with the first partition
 * and ended with the last. A partition is fetched by at most one of them. Kafka's ReplicaFetcherManager is the
 * reference.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { NO_LEADER } from '../model/leader-and-isr.ts';
import { type ConnectToLeader, type FetcherSettings, ReplicaFetcher } from './fetcher.ts';
import type { Partition } from './partition.ts';

export interface FetchersOptions {
  readonly settings: FetcherSettings & { readonly numReplicaFetchers: number };
  readonly brokerEpoch: () => number;
  readonly connect: ConnectToLeader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFailed: (partition: Partition, error: unknown) => void;
}

export class Fetchers {
  readonly #options: FetchersOptions;
  /** By `leader id`-`loop`. */
  readonly #fetchers = new Map<string, ReplicaFetcher>();
  readonly #fetcherOf = new Map<Partition, ReplicaFetcher>();
  readonly #failed = new Set<Partition>();
  readonly #closing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: FetchersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#fetchers.size;
  }

  /** Partitions that are not fetched for because their log failed. */
  get failedCount(): number {
    return this.#failed.size;
  }

  /** Requests that each loop has sent so far. */
  get fetchCounts(): number[] {
    return [...this.#fetchers.values()].map(({ fetchCount }) => fetchCount);
  }

  /** Fetches for the partition from the leader that its follower state names, and from nobody when there is none. */
  follow(partition: Partition): void {
    this.unfollow(partition);
    const { followerState } = partition;
    if (this.#isClosed || followerState === null || followerState.leaderId === NO_LEADER) return;
    const fetcher = this.#fetcher(followerState.leaderId, partition);
    this.#fetcherOf.set(partition, fetcher);
    fetcher.add(partition);
  }

  unfollow(partition: Partition): void {
    this.#failed.delete(partition);
    const fetcher = this.#fetcherOf.get(partition);
    if (fetcher === undefined) return;
    this.#fetcherOf.delete(partition);
    fetcher.remove(partition);
  }

  /** num.replica.fetchers has changed: deals the partitions out anew. */
  resize(): void {
    for (const [partition, fetcher] of [...this.#fetcherOf]) {
      const { followerState } = partition;
      if (followerState === null || this.#fetcher(followerState.leaderId, partition) === fetcher) continue;
      partition.followAnew();
      this.follow(partition);
    }
    this.closeIdle();
  }

  /** Ends the loops that have nothing to fetch any more; to be called when a batch of changes is done. */
  closeIdle(): void {
    for (const [key, fetcher] of this.#fetchers) {
      if (fetcher.size > 0) continue;
      this.#fetchers.delete(key);
      this.#end(fetcher);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const fetcher of this.#fetchers.values()) this.#end(fetcher);
    this.#fetchers.clear();
    this.#fetcherOf.clear();
    await Promise.all(this.#closing);
  }

  #fetcher(leaderId: number, partition: Partition): ReplicaFetcher {
    const { settings, brokerEpoch, connect, clock, logger } = this.#options;
    const onFailed = (failed: Partition, error: unknown): void => {
      this.#failed.add(failed);
      this.#options.onFailed(failed, error);
    };
    const key = `${leaderId}-${loopOf(partition, settings.numReplicaFetchers)}`;
    const found = this.#fetchers.get(key);
    if (found !== undefined) return found;
    const created = new ReplicaFetcher({ leaderId, settings, brokerEpoch, connect, clock, logger, onFailed });
    this.#fetchers.set(key, created);
    return created;
  }

  #end(fetcher: ReplicaFetcher): void {
    const ended = fetcher.close();
    this.#closing.add(ended);
    ended
      .finally(() => this.#closing.delete(ended))
      .catch((error: unknown) => this.#options.logger.error('A replica fetcher failed', error));
  }
}

function loopOf({ topic, partition }: Partition, loops: number): number {
  let hash = partition;
  for (let index = 0; index < topic.length; index++) hash = (hash * 31 + topic.charCodeAt(index)) | 0;
  return Math.abs(hash % loops);
}

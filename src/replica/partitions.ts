/**
 * The replicas of this broker, as the desk sees them: finds them, takes the controller's orders for them, looks after
 * their followers, and fetches for those that follow. All that is left of Kafka's ReplicaManager; the rules are in
 * the rooms' other files.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { TopicPartition } from '../model/topic-partition.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { LeaderAndIsr } from '../protocol/messages/04-leader-and-isr.ts';
import type { StopReplica } from '../protocol/messages/05-stop-replica.ts';
import type { UpdateMetadata } from '../protocol/messages/06-update-metadata.ts';
import type { RequestOf, ResponseOf } from '../protocol/schema.ts';
import { AwaitedFollowers } from './awaited-followers.ts';
import type { ConnectToLeader, FetcherSettings } from './fetcher.ts';
import { Fetchers } from './fetchers.ts';
import type { IsrStore } from './isr-store.ts';
import { KAFKA_RULES, type Partition, type PartitionContext, type ReplicationRules } from './partition.ts';
import { PartitionTable } from './partition-table.ts';
import { ReplicaCounters } from './replica-counters.ts';
import { type LeadershipChange, type ReplicaLogs, StateChanges } from './state-changes.ts';

export interface ReplicaSettings extends Omit<FetcherSettings, 'brokerId'> {
  readonly replicaLagTimeMaxMs: number;
  readonly numReplicaFetchers: number;
}

export interface PartitionsOptions {
  readonly brokerId: number;
  readonly settings: ReplicaSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metadata: MetadataCache;
  readonly logs: ReplicaLogs;
  readonly isrStore: IsrStore;
  /** czxid of this broker's registration; -1 while it is not registered. */
  readonly brokerEpoch: () => number;
  readonly connect: ConnectToLeader;
  /** Loads the settings of topics whose logs are about to be made. Resolves with those whose settings make no sense. */
  readonly loadTopicConfigs: (topics: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly rules?: ReplicationRules;
}

/** A timer that is later than this says that the whole process stood still. */
const MAX_LATENESS_MS = 1000;

export class Partitions {
  readonly #options: PartitionsOptions;
  readonly #table: PartitionTable;
  readonly #fetchers: Fetchers;
  readonly #changes: StateChanges;
  readonly counters = new ReplicaCounters();
  /** Who is expected to fetch what this broker has just begun to lead. */
  readonly awaitedFollowers: AwaitedFollowers;
  readonly #leadershipListeners = new Set<(change: LeadershipChange) => void>();
  #lagTimer: Timer | null = null;
  #stopListening: (() => void) | null = null;
  #isClosed = false;

  constructor(options: PartitionsOptions) {
    this.#options = options;
    const { brokerId, settings, clock, metadata, isrStore, brokerEpoch, connect, logs, loadTopicConfigs } = options;
    const logger = options.logger.named('state.change.logger');
    this.awaitedFollowers = new AwaitedFollowers(clock);
    const context: PartitionContext = {
      brokerId,
      clock,
      logger: options.logger.named('kafka.cluster.Partition'),
      isrStore,
      replicaLagTimeMaxMs: settings.replicaLagTimeMaxMs,
      rules: options.rules ?? KAFKA_RULES,
      awaitedFollowers: this.awaitedFollowers,
      counters: this.counters,
      brokerEpoch,
      isBrokerAlive: (id) => metadata.isAlive(id),
    };
    this.#table = new PartitionTable((topic, partition) => metadata.contains(topic, partition));
    this.#fetchers = new Fetchers({
      settings: { ...settings, brokerId },
      brokerEpoch,
      connect,
      clock,
      logger: options.logger.named('kafka.server.ReplicaFetcherThread'),
      onFailed: (partition, error) => this.#onReplicaFailed(partition, error),
    });
    this.#changes = new StateChanges({
      context,
      table: this.#table,
      fetchers: this.#fetchers,
      logs,
      logger,
      loadTopicConfigs,
      onLeadershipChange: (change) => {
        for (const listener of this.#leadershipListeners) listener(change);
      },
    });
  }

  /** Begins to look after the followers: from time to time (Kafka's isr-expiration), and when a broker has died. */
  start(): void {
    let known: ReadonlyMap<number, unknown> = this.#options.metadata.image.brokers;
    this.#stopListening = this.#options.metadata.onChange(({ image }) => {
      const hasLost = [...known.keys()].some((brokerId) => !image.brokers.has(brokerId));
      known = image.brokers;
      // A high watermark that waited for a follower of that broker need not wait any longer.
      if (hasLost) for (const partition of this.#table.online()) partition.onBrokerLost();
    });
    this.#scheduleLagCheck();
  }

  #scheduleLagCheck(mayBeLate = true): void {
    const { clock, settings } = this.#options;
    const periodMs = settings.replicaLagTimeMaxMs / 2;
    const dueMs = clock.monotonicMs() + periodMs;
    this.#lagTimer = clock.schedule(periodMs, () => {
      // When this process stood still, the fetches of that time still lie in its sockets: they are heard first.
      const isLate = mayBeLate && clock.monotonicMs() - dueMs > MAX_LATENESS_MS;
      if (!isLate) this.checkLag();
      this.#scheduleLagCheck(!isLate);
    });
  }

  /**
   * Stops fetching and lets whoever waits go. The logs are closed by their manager, which also writes the
   * checkpoints.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#lagTimer?.cancel();
    this.#stopListening?.();
    await this.#changes.close();
    await this.#fetchers.close();
    for (const partition of [...this.#table.online()]) partition.close('NOT_LEADER_OR_FOLLOWER');
  }

  /** The replica, or the error that a client gets instead. */
  find(topic: string, partition: number): Partition | ErrorName {
    return this.#table.find(topic, partition);
  }

  /** The replica if it leads at this epoch (-1: whichever), or the error that a client gets instead. */
  leader(topic: string, partition: number, currentLeaderEpoch: number): Partition | ErrorName {
    const found = this.#table.find(topic, partition);
    if (typeof found === 'string') return found;
    const error = found.check(currentLeaderEpoch, true);
    return error === 'NONE' ? found : error;
  }

  /** The replicas whose disk works. */
  online(): IterableIterator<Partition> {
    return this.#table.online();
  }

  /** Loops that fetch from a leader, and replicas whose fetching was given up. */
  get fetchers(): Pick<Fetchers, 'size' | 'failedCount' | 'fetchCounts'> {
    return this.#fetchers;
  }

  get offlineCount(): number {
    return this.#table.offlineCount;
  }

  /** Calls the listener, in the turn of the change, with those that became leader or follower of a new epoch. */
  onLeadershipChange(listener: (change: LeadershipChange) => void): () => void {
    this.#leadershipListeners.add(listener);
    return () => this.#leadershipListeners.delete(listener);
  }

  applyLeaderAndIsr(request: RequestOf<typeof LeaderAndIsr>): Promise<ResponseOf<typeof LeaderAndIsr>> {
    return this.#changes.applyLeaderAndIsr(request);
  }

  applyStopReplica(request: RequestOf<typeof StopReplica>): Promise<ResponseOf<typeof StopReplica>> {
    return this.#changes.applyStopReplica(request);
  }

  /**
   * Takes over the controller's view of the cluster, unless the controller or the incarnation it speaks to is of the
   * past.
   */
  applyUpdateMetadata(request: RequestOf<typeof UpdateMetadata>): {
    error: ErrorName;
    deletedPartitions: readonly TopicPartition[];
  } {
    const error = this.#changes.admit(request.controllerEpoch, request.brokerEpoch);
    if (error !== 'NONE') {
      this.#options.logger.warn(`Ignoring UpdateMetadata from controller ${request.controllerId}: ${error}`);
      return { error, deletedPartitions: [] };
    }
    return { error, deletedPartitions: this.#options.metadata.applyUpdateMetadata(request) };
  }

  /** A log directory failed: its logs are offline by now. */
  onLogDirectoryFailed(): void {
    for (const partition of [...this.#table.online()])
      if (partition.log.isOffline) this.#changes.markOffline(partition.topic, partition.partition);
  }

  /** A setting such as min.insync.replicas may let the high watermark move. */
  onTopicConfigChanged(topic: string): void {
    for (const partition of this.#table.ofTopic(topic)) partition.onConfigChanged();
  }

  /** num.replica.fetchers has changed. */
  onFetcherCountChanged(): void {
    this.#fetchers.resize();
  }

  checkLag(): void {
    for (const partition of this.#table.online()) partition.checkLag();
  }

  #onReplicaFailed(partition: Partition, error: unknown): void {
    const { topic, partition: number } = partition;
    this.#options.logger.error(`Stopped fetching for ${topic}-${number}`, error);
    if (partition.log.isOffline) this.#changes.markOffline(topic, number);
  }
}

/**
 * One broker's time as the controller, from its election to its resignation: the state, the fenced writer and the
 * channels that belong to one controller epoch, and the steps that change them.
 *
 * Guarantees: nothing is done after `end()`. It is synchronous, and every step that waited for ZooKeeper asks again
 * (`settled`) before it goes on, so a controller that was deposed while it waited stops at that very place. What is
 * written is fenced by the epoch all the same; what is in `state` was written or read, never only planned.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import { topicConfigFrom } from '../config/topic-config.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { type LeaderAndIsr, NO_LEADER } from '../model/leader-and-isr.ts';
import { readTopicConfig } from '../zk/configs.ts';
import { ControllerMovedError, FencedWriter, type StateUpdateResult } from '../zk/fenced-writer.ts';
import type { ZooKeeperOperations } from '../zk/operations.ts';
import { ZnodeFormatError } from '../zk/znode-json.ts';
import { BrokerChannels, type ChannelListener, type ConnectToBroker } from './broker-channels.ts';
import { ClusterReader } from './cluster-reader.ts';
import type { ControllerCounters } from './controller-counters.ts';
import { type ControlledPartition, ControllerState } from './controller-state.ts';
import { planRepairs, type StateChange, topicsInNeedOfUncleanElection } from './state-changes.ts';

/** What of a broker's configuration the controller goes by, besides the defaults of topics. */
export interface TenureOptions {
  readonly brokerId: number;
  readonly clusterId: string;
  readonly controllerEpoch: number;
  readonly epochZkVersion: number;
  readonly config: BrokerConfig;
  readonly zk: ZooKeeperOperations;
  readonly connect: ConnectToBroker;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly counters: ControllerCounters;
  readonly listener: ChannelListener;
  /** Puts an event on the controller's queue; one of the same name that waits already will do. */
  readonly post: (name: string, job: () => Promise<void>) => void;
}

/** Thrown at the first place where a step finds out that the tenure ended while it waited. */
export class TenureOverError extends Error {
  override readonly name = 'TenureOverError';
  constructor() {
    super('This broker is not the controller any more');
  }
}

/** Between two slices of a long plan other things of this process get their turn. */
const PARTITIONS_PER_STEP = 1000;
/** A state that changes under our hands more often than this is not ours. */
const MAX_ATTEMPTS = 10;

export class Tenure {
  readonly brokerId: number;
  readonly clusterId: string;
  readonly config: BrokerConfig;
  readonly zk: ZooKeeperOperations;
  readonly writer: FencedWriter;
  readonly state: ControllerState;
  readonly channels: BrokerChannels;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly #counters: ControllerCounters;
  readonly #post: TenureOptions['post'];
  readonly #unwatch = new Map<string, () => void>();
  readonly #timers = new Set<Timer>();
  #isOver = false;

  constructor(options: TenureOptions) {
    const { controllerEpoch, config, zk } = options;
    this.brokerId = options.brokerId;
    this.clusterId = options.clusterId;
    this.config = config;
    this.zk = zk;
    this.clock = options.clock;
    this.random = options.random;
    this.logger = options.logger;
    this.#counters = options.counters;
    this.#post = options.post;
    this.writer = new FencedWriter(zk, controllerEpoch, options.epochZkVersion);
    this.state = new ControllerState(controllerEpoch);
    this.channels = new BrokerChannels({
      controllerId: options.brokerId,
      interBrokerListenerName: config.interBrokerListenerName,
      requestTimeoutMs: config.controllerSocketTimeoutMs,
      state: this.state,
      connect: options.connect,
      listener: options.listener,
      clock: options.clock,
      logger: options.logger,
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The last thing that happens in this tenure; synchronous. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const unwatch of this.#unwatch.values()) unwatch();
    this.#unwatch.clear();
    for (const timer of this.#timers) timer.cancel();
    this.channels.close();
  }

  /** Waits for ZooKeeper, and then makes sure that this is still the controller: else nothing else matters. */
  async settled<T>(work: Promise<T>): Promise<T> {
    const [outcome] = await Promise.allSettled([work]);
    if (this.#isOver) throw new TenureOverError();
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  /** Runs the job when its turn comes, if this is still the controller then. */
  post(name: string, job: (tenure: Tenure) => Promise<void>): void {
    if (this.#isOver) return;
    // An event of an earlier tenure that waits still will do nothing, so it must not stand for this one.
    const nameInTenure = `${name} in epoch ${this.state.controllerEpoch}`;
    this.#post(nameInTenure, () => (this.#isOver ? Promise.resolve() : job(this)));
  }

  /** The same after a delay. */
  postLater(delayMs: number, name: string, job: (tenure: Tenure) => Promise<void>): void {
    if (this.#isOver) return;
    const timer = this.clock.schedule(delayMs, () => {
      this.#timers.delete(timer);
      this.post(name, job);
    });
    this.#timers.add(timer);
  }

  /** A watch that lasts until the end or `unwatch` of the same path. */
  watch(path: string, onChange: () => void): void {
    if (!this.#isOver && !this.#unwatch.has(path)) this.#unwatch.set(path, this.zk.watch(path, onChange));
  }

  watchChildren(path: string, onChange: () => void): void {
    if (!this.#isOver && !this.#unwatch.has(path)) this.#unwatch.set(path, this.zk.watchChildren(path, onChange));
  }

  isWatched(path: string): boolean {
    return this.#unwatch.has(path);
  }

  unwatch(path: string): void {
    this.#unwatch.get(path)?.();
    this.#unwatch.delete(path);
  }

  /**
   * Brings the partitions, or all of them, in order with who is there: see `repairLeaderAndIsr`.
   * @param mayBeUnclean false while brokers count as away that are known to be back: nothing is given up for them
   */
  async repair(
    partitions: Iterable<ControlledPartition> = this.state.partitions(),
    mayBeUnclean = true,
  ): Promise<void> {
    let slice: ControlledPartition[] = [];
    for (const partition of [...partitions]) {
      if (slice.push(partition) < PARTITIONS_PER_STEP) continue;
      await this.#repairSlice(slice, mayBeUnclean);
      slice = [];
    }
    if (slice.length > 0) await this.#repairSlice(slice, mayBeUnclean);
  }

  async #repairSlice(slice: readonly ControlledPartition[], mayBeUnclean: boolean): Promise<void> {
    const uncleanConfigs = new Map<string, boolean>();
    let remaining = this.#current(slice);
    for (let attempt = 0; remaining.length > 0; attempt++) {
      if (attempt === MAX_ATTEMPTS) throw new Error(`The states of ${remaining.length} partitions keep changing`);
      const inNeed = mayBeUnclean ? topicsInNeedOfUncleanElection(this.state, remaining) : [];
      const asked = [...inNeed].filter((topic) => !uncleanConfigs.has(topic));
      await this.settled(
        Promise.all(asked.map(async (topic) => uncleanConfigs.set(topic, await this.#isUncleanAllowed(topic)))),
      );
      const unclean = new Set([...uncleanConfigs].filter(([, isAllowed]) => isAllowed).map(([topic]) => topic));
      const stale = await this.writeStates(planRepairs(this.state, remaining, unclean));
      remaining = this.#current(stale);
    }
  }

  async #isUncleanAllowed(topic: string): Promise<boolean> {
    try {
      const overrides = await readTopicConfig(this.zk, topic);
      return topicConfigFrom(this.config, overrides).uncleanLeaderElectionEnable;
    } catch (error) {
      if (!(error instanceof ZnodeFormatError)) throw error;
      // One broken topic must not keep all others from getting their leaders.
      this.logger.error(`No unclean election for topic ${topic}, whose configuration makes no sense`, error);
      return false;
    }
  }

  /** The partitions as they are known now; those that are gone are left out. */
  #current(partitions: readonly ControlledPartition[]): ControlledPartition[] {
    return partitions
      .map(({ topic, partition }) => this.state.partition(topic, partition))
      .filter((partition) => partition !== undefined);
  }

  /**
   * Writes states, and tells the brokers what was written. Partitions whose znode had changed are read again and
   * returned: plan anew for them.
   */
  async writeStates(changes: readonly StateChange[]): Promise<ControlledPartition[]> {
    const isTold = (change: StateChange, leaderAndIsr: LeaderAndIsr): void => {
      const partition = this.#applyState(change.partition, leaderAndIsr);
      if (partition !== undefined) this.channels.announce(partition, change.isNew);
    };
    const startMs = this.clock.monotonicMs();
    const creations = changes.filter(({ isNew }) => isNew);
    const updates = changes.filter(({ isNew }) => !isNew);
    const [created, updated] = await this.settled(
      Promise.all([
        creations.length === 0 ? new Map() : this.writer.createPartitionStates(creations.map(toWrite)),
        updates.length === 0 ? new Map() : this.writer.updatePartitionStates(updates.map(toWrite)),
      ]),
    );
    if (changes.some(isElection)) this.#counters.electionMs.record(this.clock.monotonicMs() - startMs);
    const stale: ControlledPartition[] = [];
    for (const change of changes) {
      const { key } = change.partition;
      const result: unknown = (change.isNew ? created : updated).get(key);
      if (typeof result === 'number' && isUnclean(change)) this.#counters.uncleanLeaderElections++;
      if (typeof result === 'number') isTold(change, { ...change.next, partitionEpoch: result });
      else if (result === 'NO_NODE') this.logger.warn(`The znode of ${key} is gone; it gets no state`);
      else stale.push(change.partition);
    }
    return this.#readAgain(stale);
  }

  /** One state at a leader's wish (AlterPartition): only metadata is told. */
  async writeIsr(
    partition: ControlledPartition,
    leaderAndIsr: LeaderAndIsr,
    result: StateUpdateResult | undefined,
  ): Promise<LeaderAndIsr | null> {
    if (typeof result === 'number') {
      const written = { ...leaderAndIsr, partitionEpoch: result };
      const updated = this.#applyState(partition, written);
      if (updated !== undefined) this.channels.announceMetadata(updated);
      return written;
    }
    await this.#readAgain([partition]);
    return null;
  }

  #applyState(partition: ControlledPartition, leaderAndIsr: LeaderAndIsr): ControlledPartition | undefined {
    const { leader, leaderEpoch, isr, partitionEpoch } = leaderAndIsr;
    this.logger.debug(
      `Changed partition ${partition.key} to leader ${leader}, leader epoch ${leaderEpoch}, isr [${isr.join(',')}], ` +
        `partition epoch ${partitionEpoch}`,
    );
    const state = { ...leaderAndIsr, controllerEpoch: this.state.controllerEpoch };
    return this.state.putPartitionState(partition.topic, partition.partition, state);
  }

  /**
   * Somebody else wrote these states. A later controller's mark means that this one is deposed, even if it was not
   * told. Returns those that could be read.
   */
  async #readAgain(partitions: readonly ControlledPartition[]): Promise<ControlledPartition[]> {
    if (partitions.length === 0) return [];
    const reader = new ClusterReader(this.zk, this.logger);
    const states = await this.settled(reader.partitionStates(partitions));
    if (reader.hasPassedOver) this.state.isComplete = false;
    const found: ControlledPartition[] = [];
    for (const { topic, partition, key } of partitions) {
      const read = states.get(key)?.state;
      if (read === undefined) continue;
      if (read.controllerEpoch > this.state.controllerEpoch) throw new ControllerMovedError(this.state.controllerEpoch);
      const updated = this.state.putPartitionState(topic, partition, read);
      if (updated === undefined) continue;
      found.push(updated);
      this.channels.announce(updated);
    }
    return found;
  }
}

function isElection({ partition: { state }, next }: StateChange): boolean {
  return next.leader !== NO_LEADER && next.leader !== state?.leader;
}

function isUnclean(change: StateChange): boolean {
  const { state } = change.partition;
  return isElection(change) && state !== null && !state.isr.includes(change.next.leader);
}

function toWrite({ partition: { topic, partition }, next }: StateChange) {
  return { topic, partition, leaderAndIsr: next };
}

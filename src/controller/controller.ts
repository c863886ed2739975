/**
 * The controller of the cluster, as every broker carries it: it contends for the office, and while it holds it, decides
 * (Kafka's KafkaController). What it does in office is in the files around this one; here is only who is in office.
 *
 * Guarantees: one event at a time; a lost session ends the tenure before anything else learns of the loss; a write
 * that was refused because of a later controller ends it at once; whoever asks something of a broker that is not the
 * controller, or stops being it while it works on the answer, gets NOT_CONTROLLER.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import { type Clock, type Timer, withTimeout } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { NO_LEADER } from '../model/leader-and-isr.ts';
import type { TopicId, TopicPartition } from '../model/topic-partition.ts';
import { KafkaError } from '../protocol/errors.ts';
import { electController, NO_CONTROLLER, readControllerId } from '../zk/election.ts';
import { ControllerMovedError } from '../zk/fenced-writer.ts';
import { isZooKeeperError, type ZooKeeperOperations } from '../zk/operations.ts';
import { claimProducerIdBlock } from '../zk/producer-id-blocks.ts';
import { ControllerZnode } from '../zk/znodes.ts';
import type { ConnectToBroker } from './broker-channels.ts';
import { noteReplicaErrors } from './broker-changes.ts';
import { ControllerCounters } from './controller-counters.ts';
import { EventQueue } from './event-queue.ts';
import { takeOffice } from './failover.ts';
import { alterPartition, type IsrOutcome, type IsrProposals, requireCurrentIncarnation } from './isr-requests.ts';
import { controlledShutdown, type ElectionOutcome, electLeaders } from './leadership.ts';
import type { ElectionType } from './state-changes.ts';
import { Tenure, TenureOverError } from './tenure.ts';
import { noteStoppedReplicas, progressDeletions } from './topic-changes.ts';
import type { NewPartitions, NewTopic } from './topic-creation.ts';
import {
  type CreationOutcome,
  createPartitions,
  createTopics,
  deleteTopics,
  type TopicOutcome,
} from './topic-requests.ts';

export interface ControllerOptions {
  readonly brokerId: number;
  /** Of the cluster whose logs this broker has. */
  readonly clusterId: string;
  readonly config: BrokerConfig;
  readonly zk: ZooKeeperOperations;
  readonly connect: ConnectToBroker;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /**
   * Runs in each session before the broker contends: it must be registered, or it would have no epoch. Is called also
   * where it is registered already, and must keep that registration then.
   */
  readonly registerBroker: () => Promise<unknown>;
}

const RETRY_DELAY_MS = 1000;
const VACATE_TIMEOUT_MS = 2000;
const HAND_OVER_TIMEOUT_MS = 1000;

export class Controller {
  readonly #options: ControllerOptions;
  readonly counters = new ControllerCounters();
  readonly #events: EventQueue;
  readonly #timers = new Set<Timer>();
  readonly #unsubscribe: (() => void)[] = [];
  #tenure: Tenure | null = null;
  #activeControllerId = NO_CONTROLLER;
  /** Counts lost sessions: what was won in an earlier one is not ours any more. */
  #session = 0;
  #isRegistered = false;
  #restUntilMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#events = new EventQueue(options.clock, this.counters.eventQueueMs);
  }

  /** Begins to contend. */
  start(): void {
    const { zk } = this.#options;
    this.#unsubscribe.push(
      zk.onSessionLost(() => this.#onSessionLost()),
      zk.onSessionEstablished(() => this.#postElection()),
      zk.watch(ControllerZnode.path, () => this.#postElection()),
    );
    this.#postElection();
  }

  /** Leaves office and contends no more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const timer of this.#timers) timer.cancel();
    const tenure = this.#resign();
    if (tenure === null) return;
    const giveUp = () => new Error(`/controller was not removed within ${VACATE_TIMEOUT_MS} ms`);
    const { clock, logger } = this.#options;
    await withTimeout(clock, VACATE_TIMEOUT_MS, this.#vacate(tenure), giveUp).catch((error: unknown) =>
      logger.warn('Leaving the controllership to the end of the session', error),
    );
  }

  get isActive(): boolean {
    return this.#tenure !== null;
  }

  /** The controller's broker id as ZooKeeper last said, -1 if there is none. */
  activeControllerId(): number {
    return this.#activeControllerId;
  }

  /** Of this broker's tenure; -1 while it is not the controller. */
  get controllerEpoch(): number {
    return this.#tenure?.state.controllerEpoch ?? -1;
  }

  // ---- requests; each throws KafkaError NOT_CONTROLLER when this broker is not the controller

  createTopics(topics: readonly NewTopic[], validateOnly: boolean): Promise<CreationOutcome[]> {
    return this.#request((tenure) => createTopics(tenure, topics, validateOnly));
  }

  createPartitions(requests: readonly NewPartitions[], validateOnly: boolean): Promise<CreationOutcome[]> {
    return this.#request((tenure) => createPartitions(tenure, requests, validateOnly));
  }

  deleteTopics(names: readonly string[]): Promise<TopicOutcome[]> {
    return this.#request((tenure) => deleteTopics(tenure, names));
  }

  /** @param partitions null for all there are */
  electLeaders(partitions: readonly TopicPartition[] | null, electionType: ElectionType): Promise<ElectionOutcome[]> {
    return this.#request((tenure) => electLeaders(tenure, partitions ?? [...tenure.state.partitions()], electionType));
  }

  alterPartition(proposals: IsrProposals): Promise<IsrOutcome[]> {
    return this.#request((tenure) => alterPartition(tenure, proposals));
  }

  /**
   * Resolves when the brokers have been told of their new leaderships, so that the one that leaves is not missed; not
   * much later, though, when one of them cannot be told.
   * @returns the partitions that the broker still leads
   */
  async controlledShutdown(brokerId: number, brokerEpoch: number): Promise<TopicPartition[]> {
    const [tenure, remaining] = await this.#request(
      async (tenure) => [tenure, await controlledShutdown(tenure, brokerId, brokerEpoch)] as const,
    );
    await tenure.channels.whenTold(HAND_OVER_TIMEOUT_MS);
    return remaining;
  }

  allocateProducerIds(brokerId: number, brokerEpoch: number): Promise<{ firstProducerId: number; length: number }> {
    return this.#request((tenure) => {
      requireCurrentIncarnation(tenure, { brokerId, brokerEpoch }, 'BROKER_ID_NOT_REGISTERED');
      return tenure.settled(claimProducerIdBlock(tenure.zk, brokerId));
    });
  }

  /** The name of a topic as the controller knows it; null when there is none, or this is not the controller. */
  topicName(topicId: TopicId): string | null {
    return this.#tenure?.state.topicName(topicId) ?? null;
  }

  isTopicQueuedForDeletion(topic: string): boolean {
    return this.#tenure?.state.deletions.isQueued(topic) ?? false;
  }

  /**
   * unclean.leader.election.enable may have changed, for one topic or by default: partitions without a leader get
   * another look.
   */
  onUncleanLeaderElectionEnabled(topic?: string): void {
    if (topic === undefined) this.#tenure?.post('repair', (tenure) => tenure.repair());
    else
      this.#tenure?.post(`repair ${topic}`, (tenure) =>
        tenure.repair(tenure.state.topic(topic)?.partitions.values() ?? []),
      );
  }

  /** Numbers for Kafka's metrics of the same names; all 0 while this broker is not the controller. */
  metrics(): ControllerMetrics {
    return countMetrics(this.#tenure, this.#events.length);
  }

  /** Resolves when nothing waits; for tests. */
  whenIdle(): Promise<void> {
    return this.#events.whenIdle();
  }

  // ---- the office

  #onSessionLost(): void {
    this.#session++;
    this.#isRegistered = false;
    this.#activeControllerId = NO_CONTROLLER;
    this.#resign();
  }

  #postElection(): void {
    this.#post('election', () => this.#contend());
  }

  /** Looks who is the controller: leaves office if it is somebody else, and tries to take it if it is nobody. */
  async #contend(): Promise<void> {
    const { zk, brokerId, clock, logger } = this.#options;
    if (!(await this.#register())) return;
    const controllerId = await readControllerId(zk);
    if (this.#isStopped) return;
    this.#activeControllerId = controllerId;
    if (this.#tenure !== null) {
      if (controllerId === brokerId) return;
      logger.info(`The controller is ${controllerId} now; resigning`);
      this.#resign();
    }
    const restMs = this.#restUntilMs - clock.monotonicMs();
    if (restMs > 0) return this.#later(restMs, () => this.#postElection());
    const session = this.#session;
    const result = await electController(zk, brokerId, clock.nowMs());
    if (this.#isStopped || session !== this.#session) return;
    this.#activeControllerId = result.elected ? brokerId : result.controllerId;
    if (!result.elected) return logger.debug(`Broker ${result.controllerId} has been elected as the controller`);
    logger.info(`${brokerId} successfully elected as the controller with epoch ${result.controllerEpoch}`);
    await this.#serve(this.#newTenure(result.controllerEpoch, result.epochZkVersion));
  }

  /** A broker without a registration in this session has no epoch, so it must not be controller. False: not now. */
  async #register(): Promise<boolean> {
    if (this.#isRegistered) return true;
    const session = this.#session;
    await this.#options.registerBroker();
    if (session !== this.#session) return false;
    this.#isRegistered = true;
    return true;
  }

  #newTenure(controllerEpoch: number, epochZkVersion: number): Tenure {
    const tenure: Tenure = new Tenure({
      ...this.#options,
      counters: this.counters,
      controllerEpoch,
      epochZkVersion,
      post: (name, job) => this.#post(name, job),
      listener: {
        onLeaderAndIsrResponse: (brokerId, response) => {
          if (noteReplicaErrors(tenure, brokerId, response)) tenure.post('replicas', repairAndDelete);
        },
        onStopReplicaResponse: (brokerId, stops, response) => {
          if (noteStoppedReplicas(tenure, brokerId, stops, response)) tenure.post('deletions', progressDeletions);
        },
        onStaleControllerEpoch: () => this.#postElection(),
      },
    });
    this.#tenure = tenure;
    return tenure;
  }

  async #serve(tenure: Tenure): Promise<void> {
    try {
      await takeOffice(tenure);
    } catch (error) {
      if (tenure.isOver || error instanceof ControllerMovedError) throw error;
      this.#options.logger.error('Error while becoming controller; another broker may try', error);
      if (this.#tenure === tenure) this.#resign();
      // The others go first: what this broker could not do, it will hardly be able to do at once.
      this.#restUntilMs = this.#options.clock.monotonicMs() + RETRY_DELAY_MS;
      await this.#vacate(tenure);
    }
  }

  /** Synchronous. Returns the tenure that ended. */
  #resign(): Tenure | null {
    const tenure = this.#tenure;
    this.#tenure = null;
    tenure?.end();
    if (tenure !== null) this.#options.logger.info(`Resigned as controller of epoch ${tenure.state.controllerEpoch}`);
    return tenure;
  }

  /** Removes /controller, so that an election begins at once and not only when the session ends. */
  async #vacate(tenure: Tenure): Promise<void> {
    try {
      await tenure.writer.resign();
    } catch (error) {
      if (!(error instanceof ControllerMovedError))
        this.#options.logger.warn('Could not remove /controller; it goes with the session', error);
    }
  }

  // ---- events and requests

  #post(name: string, job: () => Promise<void>): void {
    if (!this.#isStopped) this.#events.put(name, () => this.#run(name, job));
  }

  /** An event that failed is tried again: what it has to do follows from what it reads. */
  async #run(name: string, job: () => Promise<void>): Promise<void> {
    if (this.#isStopped) return;
    try {
      await job();
    } catch (error) {
      if (this.#isEndOfTenure(error) || this.#isStopped) return;
      this.#options.logger.error(`Error processing event '${name}'`, error);
      this.#later(RETRY_DELAY_MS, () => this.#post(name, job));
    }
  }

  #later(delayMs: number, action: () => void): void {
    const timer = this.#options.clock.schedule(delayMs, () => {
      this.#timers.delete(timer);
      action();
    });
    this.#timers.add(timer);
  }

  async #request<T>(job: (tenure: Tenure) => Promise<T>): Promise<T> {
    if (this.#tenure === null) throw new KafkaError('NOT_CONTROLLER');
    return this.#events.request(async () => {
      const tenure = this.#tenure;
      if (tenure === null) throw new KafkaError('NOT_CONTROLLER');
      try {
        return await job(tenure);
      } catch (error) {
        throw this.#isEndOfTenure(error) ? new KafkaError('NOT_CONTROLLER') : error;
      }
    });
  }

  /**
   * Whether the error says that this broker is not the controller any more; if it did not know that yet, it does now.
   */
  #isEndOfTenure(error: unknown): boolean {
    if (error instanceof ControllerMovedError) {
      this.#options.logger.info(`Controller moved to another broker: ${error.message}`);
      this.#resign();
      this.#postElection();
      return true;
    }
    return error instanceof TenureOverError || isZooKeeperError(error, 'SESSION_EXPIRED', 'CLOSED');
  }
}

async function repairAndDelete(tenure: Tenure): Promise<void> {
  await tenure.repair();
  await progressDeletions(tenure);
}

export interface ControllerMetrics {
  readonly activeControllerCount: number;
  readonly activeBrokerCount: number;
  readonly globalTopicCount: number;
  readonly globalPartitionCount: number;
  readonly offlinePartitionsCount: number;
  readonly preferredReplicaImbalanceCount: number;
  readonly topicsToDeleteCount: number;
  readonly replicasToDeleteCount: number;
  /** Topics to delete of which a replica is on a broker that is away. */
  readonly topicsIneligibleToDeleteCount: number;
  readonly eventQueueSize: number;
}

function countMetrics(tenure: Tenure | null, eventQueueSize: number): ControllerMetrics {
  let globalPartitionCount = 0;
  let offlinePartitionsCount = 0;
  let preferredReplicaImbalanceCount = 0;
  let replicasToDeleteCount = 0;
  const ineligible = new Set<string>();
  for (const { topic, assignment, state } of tenure?.state.partitions() ?? []) {
    globalPartitionCount++;
    if (tenure?.state.deletions.isQueued(topic)) {
      replicasToDeleteCount += assignment.replicas.length;
      if (!assignment.replicas.every((id) => tenure.state.brokers.has(id))) ineligible.add(topic);
      continue;
    }
    if (state === null) continue;
    if (state.leader === NO_LEADER || !tenure?.state.brokers.has(state.leader)) offlinePartitionsCount++;
    if (state.leader !== assignment.replicas[0]) preferredReplicaImbalanceCount++;
  }
  return {
    activeControllerCount: tenure === null ? 0 : 1,
    activeBrokerCount: tenure?.state.brokers.size ?? 0,
    globalTopicCount: tenure?.state.topics.size ?? 0,
    globalPartitionCount,
    offlinePartitionsCount,
    preferredReplicaImbalanceCount,
    topicsToDeleteCount: tenure?.state.deletions.size ?? 0,
    replicasToDeleteCount,
    topicsIneligibleToDeleteCount: ineligible.size,
    eventQueueSize,
  };
}

/**
 * What the controller orders: LeaderAndIsr and StopReplica, one request at a time. Kafka's ReplicaManager is the
 * reference (becomeLeaderOrFollower, stopReplicas), with one difference: an equal leader epoch with a newer partition
 * epoch is taken as a refresh of ISR and replicas, so that a lost answer of the controller heals (controller.md §9).
 *
 * Guarantees: an order of a deposed controller, for a former incarnation of this broker, or for an older leader epoch
 * changes nothing; after every wait (for topic configs, for the log to be made) what it rested on is checked again.
 */
import type { Logger } from '../lib/logger.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import { EPOCH_DURING_DELETE, LeaderRecoveryState } from '../model/leader-and-isr.ts';
import { type TopicId, ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import { Errors, KafkaError, type ErrorName } from '../protocol/errors.ts';
import type { LeaderAndIsr } from '../protocol/messages/04-leader-and-isr.ts';
import type { StopReplica } from '../protocol/messages/05-stop-replica.ts';
import type { RequestOf, ResponseOf } from '../protocol/schema.ts';
import type { Fetchers } from './fetchers.ts';
import { Partition, type PartitionContext } from './partition.ts';
import type { PartitionState } from './partition-state.ts';
import { OFFLINE, type PartitionTable } from './partition-table.ts';
import type { ReplicaLog } from './replica-log.ts';

type LeaderAndIsrRequest = RequestOf<typeof LeaderAndIsr>;
type LeaderAndIsrPartition = LeaderAndIsrRequest['topicStates'][number]['partitionStates'][number];
type StopReplicaRequest = RequestOf<typeof StopReplica>;

/** The logs of this broker; the room log's manager fits it, with topic configs from wherever compose.ts takes them. */
export interface ReplicaLogs {
  /** Logs that were found on the disks, whether or not the controller has said anything of them yet. */
  get(topic: string, partition: number): ReplicaLog | undefined;
  /**
   * Makes the log with the topic's present settings, or finds it; its high watermark is the checkpointed one. Throws
   * KAFKA_STORAGE_ERROR when it may lie on a failed disk (not if `isNew`: the partition never had one).
   */
  getOrCreate(topic: string, partition: number, topicId: TopicId, isNew: boolean): ReplicaLog;
  /** Renames the log away now, removes its files later. */
  delete(topic: string, partition: number): void;
  /** Every log that is there, for finding strays. */
  all(): Iterable<{ readonly topic: string; readonly partition: number; readonly topicId: TopicId }>;
  /** Puts a log aside that no longer belongs to this broker: out of the way, but kept. */
  setAside(topic: string, partition: number): void;
}

/** What happened to leaderships, in the order in which it happened; for coordinators and metrics. */
export interface LeadershipChange {
  readonly becameLeader: readonly Partition[];
  readonly becameFollower: readonly Partition[];
}

export interface StateChangesOptions {
  readonly context: PartitionContext;
  readonly table: PartitionTable;
  readonly fetchers: Fetchers;
  readonly logs: ReplicaLogs;
  readonly logger: Logger;
  /** Loads the settings of topics whose logs are to be made. Resolves with those whose settings make no sense. */
  readonly loadTopicConfigs: (topics: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly onLeadershipChange: (change: LeadershipChange) => void;
}

/** The Type field of LeaderAndIsr (KIP-866). */
const FULL = 2;
const NO_EPOCH = -1;

export class StateChanges {
  readonly #options: StateChangesOptions;
  readonly #queue = new SerialQueue();
  #controllerEpoch = -1;
  #isClosed = false;

  constructor(options: StateChangesOptions) {
    this.#options = options;
  }

  /** The highest controller epoch seen in any order. */
  get controllerEpoch(): number {
    return this.#controllerEpoch;
  }

  /**
   * Checks an order's controller and broker epoch, and remembers the controller's. UpdateMetadata is checked by it
   * too.
   */
  admit(controllerEpoch: number, brokerEpoch: number): ErrorName {
    const ownEpoch = this.#options.context.brokerEpoch();
    // Which incarnation an order is meant for cannot be told before this one is registered (KIP-380).
    if (ownEpoch === NO_EPOCH) return 'STALE_BROKER_EPOCH';
    // A larger broker epoch is right: the controller saw our registration before we did.
    if (brokerEpoch !== NO_EPOCH && brokerEpoch < ownEpoch) return 'STALE_BROKER_EPOCH';
    if (controllerEpoch < this.#controllerEpoch) return 'STALE_CONTROLLER_EPOCH';
    this.#controllerEpoch = controllerEpoch;
    return 'NONE';
  }

  applyLeaderAndIsr(request: LeaderAndIsrRequest): Promise<ResponseOf<typeof LeaderAndIsr>> {
    return this.#queue.run(() => this.#applyLeaderAndIsr(request));
  }

  applyStopReplica(request: StopReplicaRequest): Promise<ResponseOf<typeof StopReplica>> {
    return this.#queue.run(() => this.#applyStopReplica(request));
  }

  /** No more orders are carried out; resolves when the one under way has ended. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#queue.whenIdle();
  }

  async #applyLeaderAndIsr(request: LeaderAndIsrRequest): Promise<ResponseOf<typeof LeaderAndIsr>> {
    const refusal = this.#admitOrder('LeaderAndIsr', request);
    if (refusal !== 'NONE') return { errorCode: Errors[refusal], topics: [], partitionErrors: [] };
    const { logs, fetchers, onLeadershipChange } = this.#options;
    if (request.type === FULL) this.#putStraysAside(request);
    const newTopics = request.topicStates.filter(({ topicName, partitionStates }) =>
      partitionStates.some(({ partitionIndex }) => logs.get(topicName, partitionIndex) === undefined),
    );
    let withoutConfig: ReadonlySet<string> = new Set();
    if (newTopics.length > 0) {
      withoutConfig = await this.#options.loadTopicConfigs(newTopics.map(({ topicName }) => topicName));
      // While we waited a newer controller may have spoken (UpdateMetadata is not queued), or our session ended.
      const late = this.#admitOrder('LeaderAndIsr', request);
      if (late !== 'NONE') return { errorCode: Errors[late], topics: [], partitionErrors: [] };
    }
    const change = { becameLeader: [] as Partition[], becameFollower: [] as Partition[] };
    const topics = request.topicStates.map(({ topicName, topicId, partitionStates }) => ({
      topicId,
      partitionErrors: partitionStates.map((state) => ({
        partitionIndex: state.partitionIndex,
        // Not OFFLINE: when the configuration was corrected, the next order may make the log.
        errorCode:
          withoutConfig.has(topicName) && logs.get(topicName, state.partitionIndex) === undefined
            ? Errors.KAFKA_STORAGE_ERROR
            : Errors[this.#applyPartition(topicName, topicId, state, change)],
      })),
    }));
    fetchers.closeIdle();
    if (change.becameLeader.length + change.becameFollower.length > 0) onLeadershipChange(change);
    return { errorCode: Errors.NONE, topics, partitionErrors: [] };
  }

  #admitOrder(
    name: string,
    request: { controllerId: number; controllerEpoch: number; brokerEpoch: number },
  ): ErrorName {
    // When closed, the controller is to try again: with the next incarnation of this broker.
    const refusal = this.#isClosed ? 'STALE_BROKER_EPOCH' : this.admit(request.controllerEpoch, request.brokerEpoch);
    if (refusal !== 'NONE')
      this.#options.logger.warn(
        `Ignoring ${name} from controller ${request.controllerId} with epoch ${request.controllerEpoch} and broker ` +
          `epoch ${request.brokerEpoch}: ${refusal}`,
      );
    return refusal;
  }

  #applyPartition(
    topic: string,
    topicId: TopicId,
    wire: LeaderAndIsrPartition,
    change: { becameLeader: Partition[]; becameFollower: Partition[] },
  ): ErrorName {
    const { context, table, logs, logger } = this.#options;
    const { brokerId } = context;
    const hosted = table.get(topic, wire.partitionIndex);
    const name = `${topic}-${wire.partitionIndex}`;
    if (hosted === OFFLINE) return 'KAFKA_STORAGE_ERROR';
    // No controller says so, but everybody can send this.
    if (wire.leaderEpoch < 0 || wire.partitionEpoch < 0) return 'INVALID_REQUEST';
    const knownId = hosted?.topicId ?? logs.get(topic, wire.partitionIndex)?.topicId ?? ZERO_TOPIC_ID;
    if (knownId !== ZERO_TOPIC_ID && topicId !== ZERO_TOPIC_ID && knownId !== topicId) {
      logger.error(`Topic id ${knownId} of the log of ${name} does not match the topic id ${topicId} of LeaderAndIsr`);
      return 'INCONSISTENT_TOPIC_ID';
    }
    const state = partitionState(wire);
    const refusal = hosted === undefined ? 'NONE' : refuseOld(hosted, state);
    if (refusal !== 'NONE') {
      logger.info(`Ignoring LeaderAndIsr for ${name} at leader epoch ${state.leaderEpoch}: ${refusal}`);
      return refusal;
    }
    if (!state.replicas.includes(brokerId)) {
      logger.warn(
        `Ignoring LeaderAndIsr for ${name}: this broker is not among its replicas ${state.replicas.join(',')}`,
      );
      return 'UNKNOWN_TOPIC_OR_PARTITION';
    }
    try {
      const partition = hosted ?? this.#create(topic, topicId, wire);
      if (state.leader === brokerId) this.#makeLeader(partition, state, change.becameLeader);
      else this.#makeFollower(partition, state, change.becameFollower);
      return 'NONE';
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      logger.error(`Cannot take the role of LeaderAndIsr for ${name}`, error);
      if (error.error === 'KAFKA_STORAGE_ERROR') this.markOffline(topic, wire.partitionIndex);
      return error.error;
    }
  }

  #create(topic: string, topicId: TopicId, { partitionIndex, isNew }: LeaderAndIsrPartition): Partition {
    const { context, table, logs } = this.#options;
    const log = logs.getOrCreate(topic, partitionIndex, topicId, isNew);
    const created = new Partition(topic, partitionIndex, log, context);
    table.put(topic, partitionIndex, created);
    return created;
  }

  #makeLeader(partition: Partition, state: PartitionState, becameLeader: Partition[]): void {
    const isNewEpoch = partition.leaderEpoch !== state.leaderEpoch;
    this.#options.fetchers.unfollow(partition);
    partition.becomeLeader(state);
    if (!isNewEpoch) return;
    becameLeader.push(partition);
    const { logEndOffset, highWatermark } = partition.log;
    this.#options.logger.info(
      `Leader ${partition.topic}-${partition.partition} starts at leader epoch ${state.leaderEpoch} from offset ` +
        `${logEndOffset} with partition epoch ${state.partitionEpoch}, high watermark ${highWatermark}, ISR ` +
        state.isr.join(','),
    );
  }

  #makeFollower(partition: Partition, state: PartitionState, becameFollower: Partition[]): void {
    if (!partition.becomeFollower(state)) return;
    becameFollower.push(partition);
    const { logEndOffset, highWatermark } = partition.log;
    this.#options.logger.info(
      `Follower ${partition.topic}-${partition.partition} starts at leader epoch ${state.leaderEpoch} from offset ` +
        `${logEndOffset} with partition epoch ${state.partitionEpoch} and high watermark ${highWatermark}, leader ` +
        `${state.leader}`,
    );
    this.#options.fetchers.follow(partition);
  }

  /** The disk of the replica failed. */
  markOffline(topic: string, partition: number): void {
    const { table, fetchers } = this.#options;
    const hosted = table.get(topic, partition);
    table.put(topic, partition, OFFLINE);
    if (hosted === undefined || hosted === OFFLINE) return;
    fetchers.unfollow(hosted);
    hosted.close('KAFKA_STORAGE_ERROR');
  }

  /**
   * A FULL request names everything this broker hosts (KIP-866): what it does not name, or names under another topic
   * id, was deleted while the broker could not hear of it. Such logs are put aside, not deleted, as Kafka does.
   */
  #putStraysAside(request: LeaderAndIsrRequest): void {
    const { logs, logger, context } = this.#options;
    const mine = new Map<string, Map<number, TopicId>>();
    for (const { topicName, topicId, partitionStates } of request.topicStates) {
      const assigned = partitionStates.filter(({ replicas }) => replicas.includes(context.brokerId));
      mine.set(topicName, new Map(assigned.map(({ partitionIndex }) => [partitionIndex, topicId])));
    }
    for (const { topic, partition, topicId } of [...logs.all()]) {
      const namedId = mine.get(topic)?.get(partition);
      if (namedId === topicId || (namedId !== undefined && topicId === ZERO_TOPIC_ID)) continue;
      logger.warn(
        `Found stray partition ${topic}-${partition}: the controller does not know it under topic id ${topicId}`,
      );
      this.#forget(topic, partition, 'UNKNOWN_TOPIC_OR_PARTITION');
      logs.setAside(topic, partition);
    }
  }

  #applyStopReplica(request: StopReplicaRequest): ResponseOf<typeof StopReplica> {
    const refusal = this.#admitOrder('StopReplica', request);
    if (refusal !== 'NONE') return { errorCode: Errors[refusal], partitionErrors: [] };
    const partitionErrors = request.topicStates.flatMap(({ topicName, partitionStates }) =>
      partitionStates.map(({ partitionIndex, leaderEpoch, deletePartition }) => ({
        topicName,
        partitionIndex,
        errorCode: Errors[this.#stop(topicName, partitionIndex, leaderEpoch, deletePartition)],
      })),
    );
    this.#options.fetchers.closeIdle();
    return { errorCode: Errors.NONE, partitionErrors };
  }

  #stop(topic: string, partition: number, leaderEpoch: number, deletePartition: boolean): ErrorName {
    const { table, fetchers, logs, logger } = this.#options;
    const hosted = table.get(topic, partition);
    if (hosted === OFFLINE) return 'KAFKA_STORAGE_ERROR';
    if (hosted !== undefined) {
      // A topic's deletion does not raise the leader epoch: its StopReplica carries one that skips the check (KIP-570).
      const isChecked = leaderEpoch !== EPOCH_DURING_DELETE && leaderEpoch !== NO_EPOCH;
      if (isChecked && leaderEpoch < hosted.leaderEpoch) return 'FENCED_LEADER_EPOCH';
      fetchers.unfollow(hosted);
    }
    if (!deletePartition) return 'NONE';
    this.#forget(topic, partition, 'UNKNOWN_TOPIC_OR_PARTITION');
    try {
      // Also when this room does not know it: the topic may have been deleted while the broker was down.
      if (logs.get(topic, partition) !== undefined) logs.delete(topic, partition);
      return 'NONE';
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      logger.error(`Cannot delete the log of ${topic}-${partition}`, error);
      return error.error;
    }
  }

  #forget(topic: string, partition: number, reason: ErrorName): void {
    const { table, fetchers } = this.#options;
    const hosted = table.get(topic, partition);
    if (hosted === undefined || hosted === OFFLINE) return;
    fetchers.unfollow(hosted);
    table.remove(topic, partition);
    hosted.close(reason);
    if (!table.hasTopic(topic)) this.#options.context.counters.topics.forget(topic);
  }
}

/** Is the order older than, or the same as, what this broker knows? Kafka calls both STALE_CONTROLLER_EPOCH. */
function refuseOld(partition: Partition, state: PartitionState): ErrorName {
  if (state.leaderEpoch > partition.leaderEpoch) return 'NONE';
  if (state.leaderEpoch < partition.leaderEpoch) return 'STALE_CONTROLLER_EPOCH';
  // A leader epoch has one leader: an order that says otherwise is not of this cluster's history.
  if (state.leader !== partition.leaderId) return 'STALE_CONTROLLER_EPOCH';
  return state.partitionEpoch > partition.partitionEpoch ? 'NONE' : 'STALE_CONTROLLER_EPOCH';
}

function partitionState(wire: LeaderAndIsrPartition): PartitionState {
  return {
    leader: wire.leader,
    leaderEpoch: wire.leaderEpoch,
    isr: wire.isr,
    partitionEpoch: wire.partitionEpoch,
    leaderRecoveryState:
      wire.leaderRecoveryState === LeaderRecoveryState.RECOVERING
        ? LeaderRecoveryState.RECOVERING
        : LeaderRecoveryState.RECOVERED,
    controllerEpoch: wire.controllerEpoch,
    replicas: wire.replicas,
    addingReplicas: wire.addingReplicas,
    removingReplicas: wire.removingReplicas,
  };
}

/**
 * @pure The controller's requests to one broker, made from what the controller knows at the moment of sending. They are
 * idempotent by (controllerEpoch, leaderEpoch, partitionEpoch), so a newer one may stand for all before it.
 *
 * Versions: LeaderAndIsr 7, UpdateMetadata 8, StopReplica 4. A FULL request (KIP-866) says that what it does not
 * mention does not exist.
 */
import { endpointOf, SECURITY_PROTOCOL_IDS } from '../model/broker.ts';
import { LEADER_DURING_DELETE } from '../model/leader-and-isr.ts';
import type { TopicId, TopicPartition } from '../model/topic-partition.ts';
import type { LeaderAndIsr } from '../protocol/messages/04-leader-and-isr.ts';
import type { StopReplica } from '../protocol/messages/05-stop-replica.ts';
import type { UpdateMetadata } from '../protocol/messages/06-update-metadata.ts';
import type { RequestIn } from '../protocol/schema.ts';
import type { ControlledPartition, ControllerState } from './controller-state.ts';

export const LEADER_AND_ISR_VERSION = 7;
export const UPDATE_METADATA_VERSION = 8;
export const STOP_REPLICA_VERSION = 4;

export const REQUEST_TYPE = { INCREMENTAL: 1, FULL: 2 } as const;
export type RequestType = (typeof REQUEST_TYPE)[keyof typeof REQUEST_TYPE];

type LeaderAndIsrRequest = RequestIn<typeof LeaderAndIsr>;
type UpdateMetadataRequest = RequestIn<typeof UpdateMetadata>;
type StopReplicaRequest = RequestIn<typeof StopReplica>;

/** A replica that a broker shall stop. `leaderEpoch` guards against a request that comes late (KIP-570). */
export interface ReplicaStop extends TopicPartition {
  readonly leaderEpoch: number;
  readonly deletePartition: boolean;
}

/** A partition that is no longer known here and that a broker must forget. */
export interface RemovedPartition extends TopicPartition {
  readonly topicId: TopicId;
}

export interface BrokerRequestContext {
  readonly controllerId: number;
  readonly interBrokerListenerName: string;
  readonly state: ControllerState;
  /** The receiver. */
  readonly brokerId: number;
}

function envelope({ controllerId, state, brokerId }: BrokerRequestContext) {
  const brokerEpoch = state.brokers.get(brokerId)?.brokerEpoch ?? -1;
  return { controllerId, controllerEpoch: state.controllerEpoch, brokerEpoch };
}

/** Who could not read everything must not say that nothing else exists. */
function declaredType({ state }: BrokerRequestContext, type: RequestType): RequestType {
  return state.isComplete ? type : REQUEST_TYPE.INCREMENTAL;
}

/**
 * Whether the receiver hosts the partition as far as the request is concerned. An incremental request leaves topics
 * on their way out alone. A full one must name every replica that may still be on the receiver's disk, since what it
 * does not name is put aside there; but not one that it deleted already, which would come into being again.
 */
export function isHosted(
  { state, brokerId }: BrokerRequestContext,
  { topic, partition, assignment, state: partitionState }: ControlledPartition,
  type: RequestType,
): boolean {
  if (partitionState === null || !assignment.replicas.includes(brokerId)) return false;
  if (!state.deletions.isQueued(topic)) return true;
  return type === REQUEST_TYPE.FULL && state.deletions.status(topic, partition, brokerId) !== 'deleted';
}

/** @param isNew whether the receiver may make a log for the partition even though a log directory is offline */
export function leaderAndIsrRequest(
  context: BrokerRequestContext,
  type: RequestType,
  partitions: Iterable<ControlledPartition>,
  isNew: (partition: ControlledPartition) => boolean,
): LeaderAndIsrRequest {
  const topics = new Map<string, LeaderAndIsrTopic>();
  const leaders = new Set<number>();
  for (const partition of partitions) {
    if (partition.state === null || !isHosted(context, partition, type)) continue;
    const { topic, topicId } = partition;
    const entry = topics.get(topic) ?? { topicName: topic, topicId, partitionStates: [] };
    topics.set(topic, entry);
    leaders.add(partition.state.leader);
    entry.partitionStates.push({
      partitionIndex: partition.partition,
      ...partition.state,
      ...partition.assignment,
      isNew: isNew(partition),
    });
  }
  return {
    ...envelope(context),
    type: declaredType(context, type),
    ungroupedPartitionStates: [],
    topicStates: [...topics.values()],
    liveLeaders: liveLeaders(context, leaders),
  };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
type LeaderAndIsrTopic = Writable<LeaderAndIsrRequest['topicStates'][number]>;
type UpdateMetadataTopic = Writable<UpdateMetadataRequest['topicStates'][number]>;
type StopReplicaTopic = Writable<StopReplicaRequest['topicStates'][number]>;

function liveLeaders({ state, interBrokerListenerName }: BrokerRequestContext, leaders: ReadonlySet<number>) {
  const result: { brokerId: number; hostName: string; port: number }[] = [];
  for (const brokerId of leaders) {
    const broker = state.brokers.get(brokerId);
    const endpoint = broker === undefined ? undefined : endpointOf(broker, interBrokerListenerName);
    if (endpoint !== undefined) result.push({ brokerId, hostName: endpoint.host, port: endpoint.port });
  }
  return result;
}

/** Always with all brokers that are registered. `removed` come first: a topic may be back under the same name. */
export function updateMetadataRequest(
  context: BrokerRequestContext,
  type: RequestType,
  partitions: Iterable<ControlledPartition>,
  removed: Iterable<RemovedPartition> = [],
): UpdateMetadataRequest {
  return {
    ...envelope(context),
    type: declaredType(context, type),
    ungroupedPartitionStates: [],
    topicStates: [...removedStates(context, removed), ...metadataStates(context, type, partitions)],
    liveBrokers: [...context.state.brokers.values()].map(({ brokerId, endpoints, rack }) => ({
      id: brokerId,
      endpoints: endpoints.map(({ host, port, listenerName, securityProtocol }) => ({
        host,
        port,
        listener: listenerName,
        securityProtocol: SECURITY_PROTOCOL_IDS[securityProtocol],
      })),
      rack,
    })),
  };
}

function metadataStates(
  { state }: BrokerRequestContext,
  type: RequestType,
  partitions: Iterable<ControlledPartition>,
): UpdateMetadataTopic[] {
  const topics = new Map<string, UpdateMetadataTopic>();
  for (const partition of partitions) {
    if (partition.state === null) continue;
    const { topic, topicId, assignment } = partition;
    const isGoing = state.deletions.isQueued(topic);
    if (isGoing && type === REQUEST_TYPE.FULL) continue;
    const { leader, leaderEpoch, isr, partitionEpoch, controllerEpoch } = partition.state;
    const { isOnline } = state.livenessOf(partition);
    const entry = topics.get(topic) ?? { topicName: topic, topicId, partitionStates: [] };
    topics.set(topic, entry);
    entry.partitionStates.push({
      partitionIndex: partition.partition,
      controllerEpoch,
      leader: isGoing ? LEADER_DURING_DELETE : leader,
      leaderEpoch,
      isr,
      zkVersion: partitionEpoch,
      replicas: assignment.replicas,
      offlineReplicas: assignment.replicas.filter((id) => !isOnline(id)),
    });
  }
  return [...topics.values()];
}

function removedStates({ state }: BrokerRequestContext, removed: Iterable<RemovedPartition>): UpdateMetadataTopic[] {
  const topics = new Map<TopicId, UpdateMetadataTopic>();
  for (const { topic, topicId, partition } of removed) {
    const entry = topics.get(topicId) ?? { topicName: topic, topicId, partitionStates: [] };
    topics.set(topicId, entry);
    entry.partitionStates.push({
      partitionIndex: partition,
      controllerEpoch: state.controllerEpoch,
      leader: LEADER_DURING_DELETE,
      leaderEpoch: 0,
      isr: [],
      zkVersion: 0,
      replicas: [],
    });
  }
  return [...topics.values()];
}

export function stopReplicaRequest(context: BrokerRequestContext, stops: Iterable<ReplicaStop>): StopReplicaRequest {
  const topics = new Map<string, StopReplicaTopic>();
  for (const { topic, partition, leaderEpoch, deletePartition } of stops) {
    const entry = topics.get(topic) ?? { topicName: topic, partitionStates: [] };
    topics.set(topic, entry);
    entry.partitionStates.push({ partitionIndex: partition, leaderEpoch, deletePartition });
  }
  return {
    ...envelope(context),
    deletePartitions: false,
    ungroupedPartitions: [],
    topics: [],
    topicStates: [...topics.values()],
  };
}

/**
 * Brokers come, go, come anew, and lose log directories. What the rest of the cluster has to do about it follows from
 * who is there (`Tenure.repair`), so every handler reads who is there, notes it and repairs.
 */
import { errorName } from '../protocol/errors.ts';
import type { LeaderAndIsr } from '../protocol/messages/04-leader-and-isr.ts';
import type { ResponseOut } from '../protocol/schema.ts';
import { readLogDirEvents } from '../zk/log-dir-events.ts';
import { BrokerIdZnode } from '../zk/znodes.ts';
import { ClusterReader } from './cluster-reader.ts';
import type { ControllerState } from './controller-state.ts';
import type { BrokerInfo } from '../model/broker.ts';
import type { Tenure } from './tenure.ts';
import { progressDeletions } from './topic-changes.ts';

export function watchBroker(tenure: Tenure, brokerId: number): void {
  tenure.watch(BrokerIdZnode.path(brokerId), () => tenure.post('brokers', onBrokersChanged));
}

export interface BrokerDifference {
  readonly added: readonly BrokerInfo[];
  /** Present before and now, as another incarnation: it failed and started, even if nobody saw it away (KIP-380). */
  readonly bounced: readonly BrokerInfo[];
  readonly gone: readonly number[];
  /** The same incarnation with other endpoints or another rack. */
  readonly updated: readonly BrokerInfo[];
}

export function compareBrokers(state: ControllerState, present: readonly BrokerInfo[]): BrokerDifference {
  const added: BrokerInfo[] = [];
  const bounced: BrokerInfo[] = [];
  const updated: BrokerInfo[] = [];
  for (const broker of present) {
    const known = state.brokers.get(broker.brokerId);
    if (known === undefined) added.push(broker);
    else if (known.brokerEpoch !== broker.brokerEpoch) bounced.push(broker);
    else if (JSON.stringify(known) !== JSON.stringify(broker)) updated.push(broker);
  }
  const ids = new Set(present.map(({ brokerId }) => brokerId));
  return { added, bounced, updated, gone: [...state.brokers.keys()].filter((id) => !ids.has(id)) };
}

/** The list of brokers, or one of them, may have changed. */
export async function onBrokersChanged(tenure: Tenure): Promise<void> {
  const { state, logger } = tenure;
  const reader = new ClusterReader(tenure.zk, logger);
  const present = await readWatchedBrokers(tenure, reader);
  const { added, bounced, gone, updated } = compareBrokers(state, present);
  if (added.length + bounced.length + gone.length + updated.length > 0) {
    const ids = (brokers: readonly BrokerInfo[]) => brokers.map(({ brokerId }) => brokerId).join(',');
    logger.info(
      `Newly added brokers: ${ids(added)}, deleted brokers: ${gone.join(',')}, bounced brokers: ${ids(bounced)}, ` +
        `updated brokers: ${ids(updated)}, all live brokers: ${ids(present)}`,
    );
    for (const broker of updated) state.updateBroker(broker);
    for (const broker of added) arrive(tenure, broker);
    for (const brokerId of gone) leave(tenure, brokerId);
    for (const { brokerId } of bounced) leave(tenure, brokerId);
    tenure.channels.announceBrokers();
  }
  try {
    // Also when nothing changed: an earlier event may have failed half way.
    await tenure.repair(undefined, bounced.length === 0);
    if (bounced.length > 0) {
      for (const broker of bounced) arrive(tenure, broker);
      tenure.channels.announceBrokers();
      await tenure.repair();
    }
  } finally {
    announcePresence(tenure, new Set([...gone, ...[...added, ...bounced].map(({ brokerId }) => brokerId)]));
  }
  await progressDeletions(tenure);
}

/** Everybody learns of every partition which of its replicas are away, also where its state did not change. */
function announcePresence({ state, channels }: Tenure, brokerIds: ReadonlySet<number>): void {
  if (brokerIds.size === 0) return;
  for (const partition of state.partitions())
    if (partition.assignment.replicas.some((id) => brokerIds.has(id))) channels.announceMetadata(partition);
}

/** A broker that was not watched yet is read once more after it is, so that no change of it is missed. */
async function readWatchedBrokers(tenure: Tenure, reader: ClusterReader): Promise<BrokerInfo[]> {
  const present = await tenure.settled(reader.brokers());
  const unwatched = present.filter(({ brokerId }) => !tenure.isWatched(BrokerIdZnode.path(brokerId)));
  if (unwatched.length === 0) return present;
  for (const { brokerId } of unwatched) watchBroker(tenure, brokerId);
  return tenure.settled(reader.brokers());
}

function arrive(tenure: Tenure, broker: BrokerInfo): void {
  tenure.state.addBroker(broker);
  tenure.channels.addBroker(broker);
}

function leave(tenure: Tenure, brokerId: number): void {
  tenure.state.removeBroker(brokerId);
  tenure.state.deletions.onBrokerGone(brokerId);
  tenure.channels.removeBroker(brokerId);
}

/** A log directory of a broker failed: the answers to a LeaderAndIsr say which replicas were in it. */
export async function onLogDirEvents(tenure: Tenure): Promise<void> {
  const { brokerIds, paths } = await tenure.settled(readLogDirEvents(tenure.zk));
  if (brokerIds.length > 0) tenure.logger.info(`Handling log directory failure for brokers ${brokerIds.join(',')}`);
  for (const brokerId of brokerIds) tenure.channels.inquire(brokerId);
  await tenure.settled(tenure.writer.deleteNotifications(paths));
}

/**
 * Takes note of replicas that are offline or back. Returns whether the cluster has to be repaired. A broker that has a
 * partition of an earlier topic in the place of ours is told everything it hosts, upon which it puts that aside.
 */
export function noteReplicaErrors(
  tenure: Tenure,
  brokerId: number,
  response: ResponseOut<typeof LeaderAndIsr>,
): boolean {
  const { state, channels, logger } = tenure;
  let isRepairNeeded = false;
  for (const { topicId, partitionErrors } of response.topics) {
    const topic = state.topicName(topicId);
    if (topic === undefined) continue;
    for (const { partitionIndex, errorCode } of partitionErrors) {
      const partition = state.partition(topic, partitionIndex);
      const error = errorName(errorCode);
      // An epoch that is not larger than the broker's own only means that it knew already.
      if (error !== 'NONE' && error !== 'STALE_CONTROLLER_EPOCH')
        logger.warn(`Broker ${brokerId} answered ${error} for partition ${topic}-${partitionIndex}`);
      if (error === 'INCONSISTENT_TOPIC_ID') channels.inquireLater(brokerId);
      if (partition === undefined || (error !== 'NONE' && error !== 'KAFKA_STORAGE_ERROR')) continue;
      if (!state.setReplicaOffline(brokerId, partition.key, error === 'KAFKA_STORAGE_ERROR')) continue;
      channels.announceMetadata(partition);
      isRepairNeeded = true;
    }
  }
  return isRepairNeeded;
}

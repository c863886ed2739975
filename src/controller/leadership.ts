/**
 * Changes of leadership that somebody asked for: ElectLeaders, the periodic return to preferred leaders, controlled
 * shutdown, and the legacy trigger in ZooKeeper.
 */
import type { TopicPartition } from '../model/topic-partition.ts';
import { KafkaError } from '../protocol/errors.ts';
import { PreferredReplicaElectionZnode } from '../zk/znodes.ts';
import type { ControlledPartition } from './controller-state.ts';
import {
  ELECTION_TYPE,
  type ElectionRefusal,
  type ElectionType,
  planElection,
  planRebalance,
  type StateChange,
} from './state-changes.ts';
import type { Tenure } from './tenure.ts';

export type ElectionOutcome = TopicPartition & (ElectionRefusal | { readonly error: 'NONE'; readonly leader: number });

/** By the number that stands for it in ElectLeaders. */
export const ELECTION_TYPES: readonly (ElectionType | undefined)[] = [ELECTION_TYPE.PREFERRED, ELECTION_TYPE.UNCLEAN];

const MAX_ATTEMPTS = 10;

/** One outcome for each partition, in the order given. */
export async function electLeaders(
  tenure: Tenure,
  partitions: readonly TopicPartition[],
  electionType: ElectionType,
): Promise<ElectionOutcome[]> {
  const outcomes = new Map<string, ElectionOutcome>();
  const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;
  let remaining = partitions;
  for (let attempt = 0; remaining.length > 0; attempt++) {
    if (attempt === MAX_ATTEMPTS) throw new KafkaError('REQUEST_TIMED_OUT', 'The states keep changing.');
    const changes: StateChange[] = [];
    for (const { topic, partition } of remaining) {
      const planned = planElection(tenure.state, tenure.state.partition(topic, partition), electionType);
      if ('error' in planned) outcomes.set(keyOf({ topic, partition }), { topic, partition, ...planned });
      else changes.push(planned);
    }
    remaining = await tenure.writeStates(changes);
    const isStale = new Set(remaining.map(keyOf));
    for (const {
      partition: { topic, partition },
      next,
    } of changes) {
      const key = keyOf({ topic, partition });
      if (isStale.has(key)) continue;
      // A znode that is gone was not written, whatever was planned.
      const isWritten = (tenure.state.partition(topic, partition)?.state?.leaderEpoch ?? -1) >= next.leaderEpoch;
      if (isWritten) outcomes.set(key, { topic, partition, error: 'NONE', leader: next.leader });
      else outcomes.set(key, { topic, partition, error: 'UNKNOWN_TOPIC_OR_PARTITION', message: null });
    }
  }
  return partitions.map((partition) => outcomes.get(keyOf(partition))).filter((outcome) => outcome !== undefined);
}

export function scheduleRebalance(tenure: Tenure, delayMs: number): void {
  tenure.postLater(delayMs, 'rebalance', rebalance);
}

/** Gives leaderships back where too many are away from home, and looks again later. */
export async function rebalance(tenure: Tenure): Promise<void> {
  scheduleRebalance(tenure, tenure.config.leaderImbalanceCheckIntervalSeconds * 1000);
  const changes = planRebalance(tenure.state, tenure.config.leaderImbalancePerBrokerPercentage);
  if (changes.length === 0) return;
  tenure.logger.info(`Electing the preferred leaders of ${changes.length} partitions`);
  // What changed under our hands is for the next look.
  await tenure.writeStates(changes);
}

/** /admin/preferred_replica_election, written by Kafka's tools before the ElectLeaders API. */
export async function onPreferredElectionZnode(tenure: Tenure): Promise<void> {
  const { path } = PreferredReplicaElectionZnode;
  const content = await tenure.settled(tenure.zk.get(path));
  if (content === null) return;
  let partitions: TopicPartition[] = [];
  try {
    partitions = PreferredReplicaElectionZnode.decode(content.data);
  } catch (error) {
    tenure.logger.error(`Removing ${path}, whose content makes no sense`, error);
  }
  const outcomes = await electLeaders(tenure, partitions, ELECTION_TYPE.PREFERRED);
  for (const { topic, partition, error } of outcomes)
    if (error !== 'NONE' && error !== 'ELECTION_NOT_NEEDED')
      tenure.logger.warn(`Preferred leader election for ${topic}-${partition} failed: ${error}`);
  await tenure.settled(tenure.writer.deleteNotifications([path]));
}

/**
 * Moves away all leaderships that can be moved, takes the broker out of the ISRs it follows in, and stops its
 * followers.
 * @returns the partitions that it still leads and somebody else could lead one day
 * @throws KafkaError STALE_BROKER_EPOCH, BROKER_NOT_AVAILABLE
 */
export async function controlledShutdown(
  tenure: Tenure,
  brokerId: number,
  brokerEpoch: number,
): Promise<TopicPartition[]> {
  const { state, channels, logger } = tenure;
  const broker = state.brokers.get(brokerId);
  if (broker === undefined) throw new KafkaError('BROKER_NOT_AVAILABLE', `Broker id ${brokerId} does not exist.`);
  if (brokerEpoch !== -1 && brokerEpoch < broker.brokerEpoch)
    throw new KafkaError(
      'STALE_BROKER_EPOCH',
      `Received controlled shutdown request from an old broker epoch ${brokerEpoch} for broker ${brokerId}. ` +
        `Current broker epoch is ${broker.brokerEpoch}.`,
    );
  logger.info(`Shutting down broker ${brokerId}`);
  state.markShuttingDown(brokerId);
  const concerned = [...state.partitionsOn(brokerId)].filter(
    ({ topic, assignment, state: partitionState }) =>
      assignment.replicas.length > 1 && partitionState !== null && !state.deletions.isQueued(topic),
  );
  const followed = concerned.filter((partition) => partition.state?.leader !== brokerId);
  await tenure.repair(concerned);
  for (const { topic, partition } of followed) {
    const leaderEpoch = state.partition(topic, partition)?.state?.leaderEpoch ?? -1;
    channels.stopReplica(brokerId, { topic, partition, leaderEpoch, deletePartition: false });
  }
  return stillLed(tenure, concerned, brokerId);
}

function stillLed(tenure: Tenure, partitions: readonly ControlledPartition[], brokerId: number): TopicPartition[] {
  return partitions
    .filter(({ topic, partition }) => tenure.state.partition(topic, partition)?.state?.leader === brokerId)
    .map(({ topic, partition }) => ({ topic, partition }));
}

/**
 * What a broker does when it was elected (Kafka's onControllerFailover), in this order: watches first and then reads,
 * so that no change falls between the two; the brokers are told who there is before what they lead; then whatever is
 * out of order is repaired, and what an earlier controller left unfinished goes on.
 */
import { isZooKeeperError } from '../zk/operations.ts';
import { readLogDirEventPaths } from '../zk/log-dir-events.ts';
import { readDeleteTopics, readTopicNames } from '../zk/topics.ts';
import {
  BrokerIdsZnode,
  ClusterIdZnode,
  DeleteTopicsZnode,
  FeatureZnode,
  LogDirEventNotificationZnode,
  PreferredReplicaElectionZnode,
  TopicsZnode,
} from '../zk/znodes.ts';
import { onBrokersChanged, onLogDirEvents, watchBroker } from './broker-changes.ts';
import { ClusterReader } from './cluster-reader.ts';
import { onPreferredElectionZnode, scheduleRebalance } from './leadership.ts';
import { planUnseenFailures, type UnseenFailure } from './state-changes.ts';
import type { Tenure } from './tenure.ts';
import { onDeleteTopicsChanged, onTopicsChanged, putTopics, watchTopic } from './topic-changes.ts';

/** The first look for leaders that are not the preferred ones comes soon, the others at the configured interval. */
const FIRST_REBALANCE_DELAY_MS = 5000;

export async function takeOffice(tenure: Tenure): Promise<void> {
  const { zk, state, channels, logger } = tenure;
  await requireOwnCluster(tenure);
  await tenure.settled(ensureFeatureZnode(tenure));
  tenure.watchChildren(BrokerIdsZnode.path, () => tenure.post('brokers', onBrokersChanged));
  tenure.watchChildren(TopicsZnode.path, () => tenure.post('topics', onTopicsChanged));
  tenure.watchChildren(DeleteTopicsZnode.path, () => tenure.post('delete topics', onDeleteTopicsChanged));
  tenure.watchChildren(LogDirEventNotificationZnode.path, () => tenure.post('log dir events', onLogDirEvents));
  tenure.watch(PreferredReplicaElectionZnode.path, () => tenure.post('preferred election', onPreferredElectionZnode));

  // Every broker is asked about all of its replicas below, so what was reported before is known then.
  const oldEvents = await tenure.settled(readLogDirEventPaths(zk));
  await tenure.settled(tenure.writer.deleteNotifications(oldEvents));

  const failures = await readCluster(tenure);
  // Before anybody is told anything. A state that cannot be written was just written, and so is not meant any more.
  await tenure.writeStates(planUnseenFailures(state, failures));
  for (const broker of state.brokers.values()) channels.addBroker(broker);
  logger.info(
    `Controller ${tenure.brokerId} with epoch ${state.controllerEpoch} knows ${state.brokers.size} brokers ` +
      `and ${state.topics.size} topics`,
  );
  await tenure.repair();
  await onDeleteTopicsChanged(tenure);
  await onPreferredElectionZnode(tenure);
  if (tenure.config.autoLeaderRebalanceEnable) scheduleRebalance(tenure, FIRST_REBALANCE_DELAY_MS);
}

/**
 * Brokers put aside whatever a controller does not know. So a tree that was emptied, or is that of another cluster,
 * must not make anybody controller while there are brokers that hold the logs of this one.
 */
async function requireOwnCluster({ zk, clusterId }: Tenure): Promise<void> {
  const content = await zk.get(ClusterIdZnode.path);
  const found = content === null ? null : ClusterIdZnode.decode(content.data);
  if (found !== clusterId)
    throw new Error(`ZooKeeper holds cluster ${found ?? 'none'}, but this broker belongs to cluster ${clusterId}`);
}

/** Returns where brokers came back that had failed while nobody was in office. */
async function readCluster(tenure: Tenure): Promise<UnseenFailure[]> {
  const { zk, state } = tenure;
  const reader = new ClusterReader(zk, tenure.logger);
  // The list arms the watch; the brokers in it are watched before they are read.
  for (const broker of await tenure.settled(reader.brokers())) watchBroker(tenure, broker.brokerId);
  for (const broker of await tenure.settled(reader.brokers())) state.addBroker(broker);

  const names = await tenure.settled(readTopicNames(zk));
  for (const name of names) watchTopic(tenure, name);
  const partitions = await putTopics(tenure, await tenure.settled(reader.topics(names)));
  const states = await tenure.settled(reader.partitionStates(partitions));
  const failures: UnseenFailure[] = [];
  for (const { topic, partition, key } of partitions) {
    const read = states.get(key);
    if (read === undefined) continue;
    const known = state.putPartitionState(topic, partition, read.state);
    // Whoever is in the ISR was registered when that was written, or the state was written when it came back.
    const brokerIds = new Set(read.state.isr.filter((id) => (state.brokers.get(id)?.brokerEpoch ?? -1) > read.mzxid));
    if (known !== undefined && brokerIds.size > 0) failures.push({ partition: known, brokerIds });
  }
  state.isComplete = !reader.hasPassedOver;
  // Known before the first request goes out, so that nobody is told of a topic that is on its way out.
  if (tenure.config.deleteTopicEnable)
    for (const topic of await tenure.settled(readDeleteTopics(zk)))
      if (state.topic(topic) !== undefined) state.deletions.queue(topic);
  return failures;
}

/** Kafka's tools want to see that feature versioning is on (KIP-584); there are no features. */
async function ensureFeatureZnode({ zk }: Tenure): Promise<void> {
  if ((await zk.exists(FeatureZnode.path)) !== null) return;
  try {
    await zk.create(FeatureZnode.path, FeatureZnode.encode(new Map()));
  } catch (error) {
    if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error;
  }
}

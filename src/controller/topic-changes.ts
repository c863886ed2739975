/**
 * Topics come, grow and go: what the controller does when it reads so in ZooKeeper, and how a deletion goes on.
 * Topics that it creates or deletes by request take the same way.
 */
import { EPOCH_DURING_DELETE } from '../model/leader-and-isr.ts';
import { errorName } from '../protocol/errors.ts';
import type { StopReplica } from '../protocol/messages/05-stop-replica.ts';
import type { ResponseOut } from '../protocol/schema.ts';
import { readDeleteTopics, readTopicNames } from '../zk/topics.ts';
import { type TopicAssignment, TopicZnode } from '../zk/znodes.ts';
import type { ReplicaStop } from './broker-requests.ts';
import { ClusterReader } from './cluster-reader.ts';
import type { ControlledPartition } from './controller-state.ts';
import type { Tenure } from './tenure.ts';
import { newTopicId } from './topic-creation.ts';

const DELETION_RETRY_MS = 5000;

export function watchTopic(tenure: Tenure, topic: string): void {
  tenure.watch(TopicZnode.path(topic), () => tenure.post(`topic ${topic}`, () => onTopicChanged(tenure, topic)));
}

/** Takes in topics as they were read and returns the partitions that are new. A topic without an id gets one. */
export async function putTopics(tenure: Tenure, read: readonly TopicAssignment[]): Promise<ControlledPartition[]> {
  const added: ControlledPartition[] = [];
  for (const topic of read) {
    const topicId = topic.topicId ?? newTopicId(tenure.random);
    const identified = { ...topic, topicId };
    if (topic.topicId === null) await tenure.settled(tenure.writer.updateTopicAssignment(identified));
    for (const partition of tenure.state.putTopic(identified)) added.push(partition);
  }
  return added;
}

/** The list of topics may have changed. */
export async function onTopicsChanged(tenure: Tenure): Promise<void> {
  const { state } = tenure;
  const names = await tenure.settled(readTopicNames(tenure.zk));
  const present = new Set(names);
  for (const name of [...state.topics.keys()]) if (!present.has(name)) forgetTopic(tenure, name);
  const created = names.filter((name) => state.topic(name) === undefined);
  if (created.length === 0) return;
  tenure.logger.info(`New topics: ${created.join(', ')}`);
  for (const name of created) watchTopic(tenure, name);
  const reader = new ClusterReader(tenure.zk, tenure.logger);
  const read = await tenure.settled(reader.topics(created));
  if (reader.hasPassedOver) state.isComplete = false;
  await tenure.repair(await putTopics(tenure, read));
}

/** Somebody changed a topic's assignment: only partitions that are new count. */
export async function onTopicChanged(tenure: Tenure, name: string): Promise<void> {
  const { state, logger } = tenure;
  // It could not be read before, or came so early that the list of topics is still to be looked at.
  if (state.topic(name) === undefined) return onTopicsChanged(tenure);
  const reader = new ClusterReader(tenure.zk, logger);
  const [read] = await tenure.settled(reader.topics([name]));
  const known = state.topic(name);
  if (read === undefined || known === undefined) return;
  if (read.topicId !== null && read.topicId !== known.topicId) {
    // Deleted and created anew behind our back between two looks.
    forgetTopic(tenure, name);
    return onTopicsChanged(tenure);
  }
  const added = [...read.assignment.keys()].filter((partition) => !known.partitions.has(partition));
  if (added.length === 0) return;
  if (state.deletions.isQueued(name)) {
    logger.warn(`Skipping adding partitions ${added.join(',')} for topic ${name} since it is currently being deleted`);
    const assignment = new Map([...known.partitions].map(([partition, known]) => [partition, known.assignment]));
    const { topicId } = known;
    return tenure.settled(tenure.writer.updateTopicAssignment({ topic: name, topicId, assignment }));
  }
  logger.info(`New partitions to be added: ${added.map((partition) => `${name}-${partition}`).join(', ')}`);
  await tenure.repair(await putTopics(tenure, [read]));
}

function forgetTopic(tenure: Tenure, name: string): void {
  const wasAnnounced = tenure.state.deletions.isQueued(name);
  tenure.state.deletions.forget(name);
  tenure.unwatch(TopicZnode.path(name));
  const topic = tenure.state.removeTopic(name);
  if (topic !== undefined) tenure.channels.removeTopic(topic, wasAnnounced);
}

/** The list of topics that are to be deleted may have changed. */
export async function onDeleteTopicsChanged(tenure: Tenure): Promise<void> {
  const { state, config, logger } = tenure;
  for (const topic of await tenure.settled(readDeleteTopics(tenure.zk))) {
    if (state.topic(topic) !== undefined && config.deleteTopicEnable) {
      queueDeletion(tenure, topic);
      continue;
    }
    const reason = config.deleteTopicEnable ? 'it does not exist' : 'delete topic is disabled';
    logger.info(`Removing the request to delete topic ${topic} since ${reason}`);
    await tenure.settled(tenure.writer.deleteMarker(topic));
  }
  await progressDeletions(tenure);
}

/** From now on the topic is hidden. */
export function queueDeletion(tenure: Tenure, name: string): void {
  if (!tenure.state.deletions.queue(name)) return;
  tenure.logger.info(`Starting topic deletion for topic ${name}`);
  for (const partition of tenure.state.topic(name)?.partitions.values() ?? [])
    tenure.channels.announceMetadata(partition);
}

/** Asks brokers to delete the replicas that they can delete now, and removes topics of which none is left. */
export async function progressDeletions(tenure: Tenure): Promise<void> {
  const { state, channels, writer, logger } = tenure;
  for (const { brokerId, topic, partition } of state.deletions.ask(state))
    channels.stopReplica(brokerId, { topic, partition, leaderEpoch: EPOCH_DURING_DELETE, deletePartition: true });
  for (const topic of state.deletions.completed(state)) {
    // What happens to the znode now is our own doing.
    tenure.unwatch(TopicZnode.path(topic));
    await tenure.settled(writer.deleteTopic(topic));
    forgetTopic(tenure, topic);
    logger.info(`Deletion of topic ${topic} successfully completed`);
  }
}

/** A broker answered a StopReplica. Returns whether that moved a deletion on. */
export function noteStoppedReplicas(
  tenure: Tenure,
  brokerId: number,
  stops: readonly ReplicaStop[],
  response: ResponseOut<typeof StopReplica>,
): boolean {
  const { state, logger } = tenure;
  const errors = new Map(
    response.partitionErrors.map((entry) => [`${entry.topicName}-${entry.partitionIndex}`, errorName(entry.errorCode)]),
  );
  let isProgress = false;
  for (const { topic, partition, deletePartition } of stops) {
    const error = errors.get(`${topic}-${partition}`) ?? 'NONE';
    if (error !== 'NONE') logger.warn(`Broker ${brokerId} answered ${error} to StopReplica for ${topic}-${partition}`);
    if (!deletePartition || !state.deletions.isQueued(topic)) continue;
    if (error === 'NONE') state.deletions.onDeleted({ topic, partition, brokerId });
    else state.deletions.onFailed({ topic, partition, brokerId });
    if (error === 'NONE') isProgress = true;
    else if (error !== 'KAFKA_STORAGE_ERROR') tenure.postLater(DELETION_RETRY_MS, 'retry deletions', retryDeletions);
  }
  return isProgress;
}

async function retryDeletions(tenure: Tenure): Promise<void> {
  if (tenure.state.deletions.retryFailed()) await progressDeletions(tenure);
}

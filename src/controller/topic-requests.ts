/**
 * CreateTopics, CreatePartitions and DeleteTopics as far as they are the controller's: check, write, tell the
 * brokers. That clients then wait until they see the result is the handlers' part.
 */
import { KafkaError, type ErrorName, errorMessage } from '../protocol/errors.ts';
import type { TopicId } from '../model/topic-partition.ts';
import { ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import { validateTopicConfig } from '../config/topic-config.ts';
import { markForDeletion } from '../zk/topics.ts';
import { isZooKeeperError } from '../zk/operations.ts';
import { type ReplicaAssignment, TopicZnode } from '../zk/znodes.ts';
import type { ControlledPartition } from './controller-state.ts';
import type { Tenure } from './tenure.ts';
import { onTopicChanged, progressDeletions, putTopics, queueDeletion, watchTopic } from './topic-changes.ts';
import { type NewPartitions, type NewTopic, newTopicId, planNewPartitions, planTopic } from './topic-creation.ts';

export interface TopicOutcome {
  readonly name: string;
  readonly error: ErrorName;
  /** What the client is told besides the error; null when Kafka adds nothing. */
  readonly message: string | null;
}

export interface CreationOutcome extends TopicOutcome {
  readonly topicId: TopicId;
  /** Every partition the topic has (or would have), with its replicas. */
  readonly assignment: ReadonlyMap<number, readonly number[]>;
}

const NOTHING_CREATED = { topicId: ZERO_TOPIC_ID, assignment: new Map<number, readonly number[]>() };

/** An outcome for each topic, in order; the first partition states are written when this resolves. */
export function createTopics(
  tenure: Tenure,
  topics: readonly NewTopic[],
  validateOnly: boolean,
): Promise<CreationOutcome[]> {
  return createEach(tenure, topics, (topic, added) => createTopic(tenure, topic, validateOnly, added));
}

async function createEach<T extends { readonly name: string }>(
  tenure: Tenure,
  wanted: readonly T[],
  create: (one: T, added: ControlledPartition[]) => Promise<CreationOutcome>,
): Promise<CreationOutcome[]> {
  const outcomes: CreationOutcome[] = [];
  const added: ControlledPartition[] = [];
  try {
    for (const one of wanted) {
      try {
        outcomes.push(await create(one, added));
      } catch (error) {
        outcomes.push({ ...refusal(one.name, error), ...NOTHING_CREATED });
      }
    }
    if (added.length > 0) await tenure.repair(added);
  } catch (error) {
    // What was created before is there whatever happens now, and nobody else would give it leaders.
    if (added.length > 0) tenure.post('repair', (current) => current.repair());
    throw error;
  }
  return outcomes;
}

async function createTopic(
  tenure: Tenure,
  topic: NewTopic,
  validateOnly: boolean,
  added: ControlledPartition[],
): Promise<CreationOutcome> {
  const { state, config, random, writer, logger } = tenure;
  const { numPartitions, defaultReplicationFactor } = config;
  const validateConfig = (configs: ReadonlyMap<string, string | null>) => validateTopicConfig(configs, config);
  const replicas = planTopic(state, topic, { numPartitions, defaultReplicationFactor, validateConfig }, random);
  if (validateOnly)
    return { name: topic.name, error: 'NONE', message: null, topicId: ZERO_TOPIC_ID, assignment: replicas };
  const topicId = newTopicId(random);
  const created = { topic: topic.name, topicId, assignment: withoutReassignment(replicas) };
  const configs = new Map(topic.configs.map(({ name, value }) => [name, value ?? '']));
  logger.info(`Creating topic ${topic.name} with ${replicas.size} partitions and id ${topicId}`);
  if ((await tenure.settled(writer.createTopic({ ...created, config: configs }))) === 'exists')
    throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${topic.name}' already exists.`);
  for (const partition of await putTopics(tenure, [created])) added.push(partition);
  await armWatch(tenure, topic.name);
  return { name: topic.name, error: 'NONE', message: null, topicId, assignment: replicas };
}

/** A watch is armed by reading; whoever changed the topic before that left a version above that of its creation. */
async function armWatch(tenure: Tenure, topic: string): Promise<void> {
  watchTopic(tenure, topic);
  const stat = await tenure.settled(tenure.zk.exists(TopicZnode.path(topic)));
  if (stat !== null && stat.version > 0) tenure.post(`topic ${topic}`, () => onTopicChanged(tenure, topic));
}

function withoutReassignment(replicas: ReadonlyMap<number, readonly number[]>): Map<number, ReplicaAssignment> {
  return new Map(
    [...replicas].map(([partition, ids]) => [partition, { replicas: ids, addingReplicas: [], removingReplicas: [] }]),
  );
}

export function createPartitions(
  tenure: Tenure,
  requests: readonly NewPartitions[],
  validateOnly: boolean,
): Promise<CreationOutcome[]> {
  return createEach(tenure, requests, (request, added) => growTopic(tenure, request, validateOnly, added));
}

async function growTopic(
  tenure: Tenure,
  request: NewPartitions,
  validateOnly: boolean,
  added: ControlledPartition[],
): Promise<CreationOutcome> {
  const { state, writer, logger } = tenure;
  const { name } = request;
  if (state.deletions.isQueued(name))
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', 'The topic is queued for deletion.');
  const planned = planNewPartitions(state, request);
  const existing = [...(state.topic(name)?.partitions ?? [])];
  const topicId = state.topic(name)?.topicId ?? ZERO_TOPIC_ID;
  const replicas = new Map(existing.map(([partition, { assignment }]) => [partition, assignment.replicas]));
  for (const [partition, ids] of planned) replicas.set(partition, ids);
  if (!validateOnly) {
    const old = existing.map(([partition, { assignment }]): [number, ReplicaAssignment] => [partition, assignment]);
    const assignment = new Map([...old, ...withoutReassignment(planned)]);
    logger.info(`Creating ${planned.size} partitions for '${name}'`);
    await tenure.settled(writer.updateTopicAssignment({ topic: name, topicId, assignment }));
    for (const partition of await putTopics(tenure, [{ topic: name, topicId, assignment }])) added.push(partition);
  }
  return { name, error: 'NONE', message: null, topicId, assignment: replicas };
}

/** Resolves when the deletions are on record and the brokers are being told; an unfinished deletion is no error. */
export async function deleteTopics(tenure: Tenure, names: readonly string[]): Promise<TopicOutcome[]> {
  const outcomes: TopicOutcome[] = [];
  for (const name of names) {
    if (tenure.state.topic(name) === undefined) {
      const message = `Topic \`${name}\` to delete does not exist`;
      outcomes.push({ name, error: 'UNKNOWN_TOPIC_OR_PARTITION', message });
      continue;
    }
    await tenure.settled(markForDeletion(tenure.zk, name));
    queueDeletion(tenure, name);
    outcomes.push({ name, error: 'NONE', message: null });
  }
  await progressDeletions(tenure);
  return outcomes;
}

/**
 * What a client is told of a KafkaError (Kafka's ApiError.fromThrowable); most other errors are not about this topic
 * alone.
 */
function refusal(name: string, error: unknown): TopicOutcome {
  if (isZooKeeperError(error, 'REQUEST_TOO_LARGE'))
    return { name, error: 'INVALID_REQUEST', message: 'The topic is too large to be written to ZooKeeper.' };
  if (isZooKeeperError(error, 'NO_NODE'))
    return { name, error: 'UNKNOWN_TOPIC_OR_PARTITION', message: `The topic '${name}' does not exist.` };
  if (!(error instanceof KafkaError)) throw error;
  const isGeneric = error.error === 'UNKNOWN_SERVER_ERROR' || error.message === errorMessage(error.error);
  return { name, error: error.error, message: isGeneric ? null : error.message };
}

/**
 * What Kafka's Admin client does for the tools: topics, partitions, elections; configurations are in
 * config-admin.ts.
 * Each function is one call; answers that say "not the controller" are asked again where it is now.
 */
import { Errors } from '../protocol/errors.ts';
import { CreatePartitions, CreateTopics, DeleteTopics, ElectLeaders } from '../protocol/messages/index.ts';
import type { RequestIn } from '../protocol/schema.ts';
import { ApiError } from './api-error.ts';
import type { ClusterClient } from './cluster-client.ts';

const REQUEST_TIMEOUT_MS = 30_000;

export interface ListedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
}

/** Every topic, by name. */
export async function listTopics(cluster: ClusterClient): Promise<ListedTopic[]> {
  const { topics } = await cluster.metadata(null, 'listTopics');
  return topics
    .map(({ name, topicId, isInternal }) => ({ name: name ?? '', topicId, isInternal }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface DescribedPartition {
  readonly partition: number;
  /** -1 when there is none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface DescribedTopic extends ListedTopic {
  readonly partitions: readonly DescribedPartition[];
}

/** In the order of the names. @throws ApiError for the first topic that the cluster does not know */
export async function describeTopics(cluster: ClusterClient, names: readonly string[]): Promise<DescribedTopic[]> {
  if (names.length === 0) return [];
  const { topics } = await cluster.metadata(names, 'describeTopics');
  const sorted = topics.sort((a, b) => names.indexOf(a.name ?? '') - names.indexOf(b.name ?? ''));
  return sorted.map((topic) => {
    if (topic.errorCode !== Errors.NONE) throw ApiError.of(topic.errorCode);
    const partitions = topic.partitions
      .map((partition) => ({
        partition: partition.partitionIndex,
        leader: partition.leaderId,
        replicas: partition.replicaNodes,
        isr: partition.isrNodes,
      }))
      .sort((a, b) => a.partition - b.partition);
    return { name: topic.name ?? '', topicId: topic.topicId, isInternal: topic.isInternal, partitions };
  });
}

type NewTopic = RequestIn<typeof CreateTopics>['topics'][number];

/** What the cluster made of a request that left it the choice; -1 from brokers that do not tell. */
export interface CreatedTopic {
  readonly partitionsCount: number;
  readonly replicationFactor: number;
}

/** @param validateOnly asks only whether the topic could be created */
export async function createTopic(
  cluster: ClusterClient,
  topic: NewTopic,
  validateOnly = false,
): Promise<CreatedTopic> {
  const request = { topics: [topic], timeoutMs: REQUEST_TIMEOUT_MS, ...(validateOnly ? { validateOnly } : {}) };
  const response = await cluster.toController(CreateTopics, request, 'createTopics', ({ topics }) =>
    topics.some(({ errorCode }) => errorCode === Errors.NOT_CONTROLLER),
  );
  for (const { errorCode, errorMessage } of response.topics)
    if (errorCode !== Errors.NONE) throw ApiError.of(errorCode, errorMessage);
  const [created] = response.topics;
  return { partitionsCount: created?.numPartitions ?? -1, replicationFactor: created?.replicationFactor ?? -1 };
}

/** DeleteTopics v6 names topics in a field of its own. */
const FIRST_VERSION_WITH_TOPIC_STATES = 6;

export async function deleteTopics(cluster: ClusterClient, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const request = (version: number): RequestIn<typeof DeleteTopics> =>
    version >= FIRST_VERSION_WITH_TOPIC_STATES
      ? { topics: names.map((name) => ({ name })), timeoutMs: REQUEST_TIMEOUT_MS }
      : { topicNames: names, timeoutMs: REQUEST_TIMEOUT_MS };
  const response = await cluster.toController(DeleteTopics, request, 'deleteTopics', ({ responses }) =>
    responses.some(({ errorCode }) => errorCode === Errors.NOT_CONTROLLER),
  );
  for (const { errorCode, errorMessage } of response.responses)
    if (errorCode !== Errors.NONE) throw ApiError.of(errorCode, errorMessage);
}

export interface NewPartitions {
  readonly topic: string;
  /** How many there are to be altogether. */
  readonly count: number;
  /** Replicas of each partition to be added; null lets the cluster choose. */
  readonly assignments: readonly (readonly number[])[] | null;
}

export async function createPartitions(cluster: ClusterClient, additions: readonly NewPartitions[]): Promise<void> {
  const request = {
    topics: additions.map(({ topic, count, assignments }) => ({
      name: topic,
      count,
      assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null,
    })),
    timeoutMs: REQUEST_TIMEOUT_MS,
    validateOnly: false,
  };
  const response = await cluster.toController(CreatePartitions, request, 'createPartitions', ({ results }) =>
    results.some(({ errorCode }) => errorCode === Errors.NOT_CONTROLLER),
  );
  for (const { errorCode, errorMessage } of response.results)
    if (errorCode !== Errors.NONE) throw ApiError.of(errorCode, errorMessage);
}

export const ELECTION_TYPES = { preferred: 0, unclean: 1 } as const;

export interface ElectionResult {
  readonly topic: string;
  readonly partition: number;
  readonly failure: ApiError | null;
}

/** @param partitions null for every partition of the cluster */
export async function electLeaders(
  cluster: ClusterClient,
  electionType: keyof typeof ELECTION_TYPES,
  partitions: ReadonlyMap<string, readonly number[]> | null,
): Promise<ElectionResult[]> {
  const topicPartitions =
    partitions === null ? null : [...partitions].map(([topic, of]) => ({ topic, partitions: [...of] }));
  const request = { electionType: ELECTION_TYPES[electionType], topicPartitions, timeoutMs: REQUEST_TIMEOUT_MS };
  const response = await cluster.toController(
    ElectLeaders,
    request,
    'electLeaders',
    ({ errorCode, replicaElectionResults }) =>
      errorCode === Errors.NOT_CONTROLLER ||
      replicaElectionResults.some(({ partitionResult }) =>
        partitionResult.some((result) => result.errorCode === Errors.NOT_CONTROLLER),
      ),
  );
  if (response.errorCode !== Errors.NONE) throw ApiError.of(response.errorCode);
  return response.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
    partitionResult.map(({ partitionId, errorCode, errorMessage }) => ({
      topic,
      partition: partitionId,
      failure: errorCode === Errors.NONE ? null : ApiError.of(errorCode, errorMessage),
    })),
  );
}

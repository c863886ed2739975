/**
 * Metadata v0-12: which brokers there are, and who leads which partition. What every client asks first and again after
 * every error.
 *
 * Behaviour: answers from this broker's image of the cluster, without asking anybody. A broker that has just started
 * and was told nothing yet keeps the client waiting for a moment: Kafka's says that no topic exists, and librdkafka
 * then gives up its partitions. The listener that the client
 * came by decides which endpoint of each broker it is told. A topic that does not exist is created if the client and
 * auto.create.topics.enable allow it; the answer is LEADER_NOT_AVAILABLE then, and the client asks again.
 * Versions: topics null means all; so does the empty list in v0 (which has no null), while later it means none. v0
 * leaves replicas out that cannot be reached and says REPLICA_NOT_AVAILABLE. Up to v5 a leader without the listener
 * is LEADER_NOT_AVAILABLE, later LISTENER_NOT_FOUND. v10 and v11 answer with topic ids but cannot be asked by them;
 * in v12 one topic id in the request makes it a request by ids.
 */
import { isInternalTopic, invalidTopicName } from '../../model/topic-names.ts';
import type { BrokerInfo } from '../../model/broker.ts';
import { endpointOf } from '../../model/broker.ts';
import { NO_LEADER } from '../../model/leader-and-isr.ts';
import { type TopicId, ZERO_TOPIC_ID } from '../../model/topic-partition.ts';
import type { MetadataImage, PartitionImage, TopicImage } from '../../metadata/metadata-image.ts';
import { type ErrorName, Errors, KafkaError } from '../../protocol/errors.ts';
import { encodeResponse } from '../../protocol/frame.ts';
import { Metadata } from '../../protocol/messages/03-metadata.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import { ALL_CLUSTER_OPERATIONS, ALL_TOPIC_OPERATIONS } from '../authorized-operations.ts';
import { EncodedBefore, handler, type RequestContext } from '../handler.ts';
import { onceTold } from '../metadata-wait.ts';

type MetadataRequest = RequestOf<typeof Metadata>;
type MetadataResponse = ResponseOf<typeof Metadata>;
type TopicAnswer = MetadataResponse['topics'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

const FIRST_VERSION_BY_ID = 12;
const FIRST_VERSION_WITH_LISTENER_NOT_FOUND = 6;

export const metadata = handler(Metadata, { versions: '0-12', onError }, (context, request) => {
  const { metadata: cache, clock } = context.broker;
  const topics = context.version === 0 && request.topics?.length === 0 ? null : request.topics;
  const answer = (): MetadataResponse | Promise<MetadataResponse> =>
    topics === null ? allTopics(context, request) : namedTopics(context, request, topics);
  const isKept = topics === null && cache.isComplete && isLarge(cache.image);
  if (isKept) return encodedBefore(context, request, () => allTopics(context, request));
  return onceTold(cache, clock, answer);
});

function allTopics(context: RequestContext, request: MetadataRequest): MetadataResponse {
  const view = viewOf(context);
  const topics = [...view.image.topics].map(([name, topic]) => describeTopic(view, name, topic));
  return respond(context, request, topics);
}

function namedTopics(
  context: RequestContext,
  request: MetadataRequest,
  topics: NonNullable<MetadataRequest['topics']>,
): MetadataResponse | Promise<MetadataResponse> {
  const { broker, version } = context;
  checkNames(topics, version);
  const ids = new Set(topics.map(({ topicId }) => topicId).filter((topicId) => topicId !== ZERO_TOPIC_ID));
  if (ids.size > 0) return respond(context, request, describeByIds(viewOf(context), ids));
  const names = new Set(topics.map(({ name }) => name ?? ''));
  const missing = [...names].filter((name) => !broker.metadata.image.topics.has(name));
  const mayCreate = request.allowAutoTopicCreation && broker.config.autoCreateTopicsEnable;
  if (missing.length === 0 || !mayCreate) {
    return respond(context, request, describeByNames(viewOf(context), names, new Map()));
  }
  return broker.autoTopicCreation
    .create(missing)
    .then((errors) => respond(context, request, describeByNames(viewOf(context), names, errors)));
}

/** All topics above this size are encoded once for each image: 10,000 partitions take 4 ms, to copy them 0.1 ms. */
const LARGE_PARTITION_COUNT = 1000;
/** Versions times listeners that are really in use are few; whoever varies more than that is encoded for each time. */
const MAX_ENCODED_PER_IMAGE = 8;

/** The answers to "all topics" by what they depend on besides the image, which takes them with it when it goes. */
const encodedByImage = new WeakMap<MetadataImage, Map<string, EncodedBefore>>();

function isLarge({ topics }: MetadataImage): boolean {
  let count = 0;
  for (const { partitions } of topics.values()) {
    count += partitions.size;
    if (count >= LARGE_PARTITION_COUNT) return true;
  }
  return false;
}

function encodedBefore(
  { broker, version, connection }: RequestContext,
  request: MetadataRequest,
  respondWithAll: () => MetadataResponse,
): EncodedBefore | MetadataResponse {
  const { image } = broker.metadata;
  const encoded = encodedByImage.get(image) ?? new Map<string, EncodedBefore>();
  encodedByImage.set(image, encoded);
  const { includeClusterAuthorizedOperations, includeTopicAuthorizedOperations } = request;
  const wanted = [
    version,
    includeClusterAuthorizedOperations,
    includeTopicAuthorizedOperations,
    connection.listenerName,
  ];
  const key = wanted.join(' ');
  const known = encoded.get(key);
  if (known !== undefined) return known;
  if (encoded.size >= MAX_ENCODED_PER_IMAGE) return respondWithAll();
  const fresh = new EncodedBefore(encodeResponse(Metadata, version, 0, respondWithAll()));
  encoded.set(key, fresh);
  return fresh;
}

/** What an answer is made from: one image, so that all of it fits together. */
interface View {
  readonly image: MetadataImage;
  readonly version: number;
  /** Brokers that the client can reach by its own listener. */
  readonly reachable: ReadonlySet<number>;
}

function viewOf({ broker, version, connection }: RequestContext): View {
  const { image } = broker.metadata;
  const reachable = new Set<number>();
  for (const [id, info] of image.brokers)
    if (endpointOf(info, connection.listenerName) !== undefined) reachable.add(id);
  return { image, version, reachable };
}

function checkNames(topics: NonNullable<MetadataRequest['topics']>, version: number): void {
  for (const { name, topicId } of topics) {
    if (name === null && (version < FIRST_VERSION_BY_ID || topicId === ZERO_TOPIC_ID)) {
      throw new KafkaError('INVALID_REQUEST', `Topic name can not be null for version ${version}`);
    }
    if (topicId !== ZERO_TOPIC_ID && version < FIRST_VERSION_BY_ID) {
      throw new KafkaError('INVALID_REQUEST', `Topic IDs are not supported in requests for version ${version}`);
    }
  }
}

function describeByIds(view: View, ids: ReadonlySet<TopicId>): TopicAnswer[] {
  return [...ids].map((topicId) => {
    const name = view.image.topicNameById.get(topicId);
    const topic = name === undefined ? undefined : view.image.topics.get(name);
    if (name !== undefined && topic !== undefined) return describeTopic(view, name, topic);
    return { errorCode: Errors.UNKNOWN_TOPIC_ID, name: null, topicId, isInternal: false, partitions: [] };
  });
}

/** @param errors what became of topics that were to be created */
function describeByNames(
  view: View,
  names: ReadonlySet<string>,
  errors: ReadonlyMap<string, ErrorName>,
): TopicAnswer[] {
  return [...names].map((name) => {
    const topic = view.image.topics.get(name);
    if (topic !== undefined) return describeTopic(view, name, topic);
    const absent = invalidTopicName(name) === null ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION';
    const errorCode = Errors[errors.get(name) ?? absent];
    return { errorCode, name, topicId: ZERO_TOPIC_ID, isInternal: isInternalTopic(name), partitions: [] };
  });
}

function describeTopic(view: View, name: string, { topicId, partitions }: TopicImage): TopicAnswer {
  const answers: PartitionAnswer[] = [];
  for (const partition of partitions.values()) answers.push(describePartition(view, partition));
  return { errorCode: Errors.NONE, name, topicId, isInternal: isInternalTopic(name), partitions: answers };
}

function describePartition({ image, version, reachable }: View, partition: PartitionImage): PartitionAnswer {
  const { leader, leaderEpoch, offlineReplicas } = partition;
  const known = (ids: readonly number[]): readonly number[] =>
    version > 0 ? ids : ids.filter((id) => reachable.has(id));
  const replicaNodes = known(partition.replicas);
  const isrNodes = known(partition.isr);
  const common = { partitionIndex: partition.partition, leaderEpoch, replicaNodes, isrNodes, offlineReplicas };
  if (!reachable.has(leader)) {
    const isListenerMissing = version >= FIRST_VERSION_WITH_LISTENER_NOT_FOUND && image.brokers.has(leader);
    const errorCode = isListenerMissing ? Errors.LISTENER_NOT_FOUND : Errors.LEADER_NOT_AVAILABLE;
    return { errorCode, leaderId: NO_LEADER, ...common };
  }
  const isComplete = replicaNodes.length === partition.replicas.length && isrNodes.length === partition.isr.length;
  return { errorCode: isComplete ? Errors.NONE : Errors.REPLICA_NOT_AVAILABLE, leaderId: leader, ...common };
}

function respond(context: RequestContext, request: MetadataRequest, topics: TopicAnswer[]): MetadataResponse {
  const { broker, version, connection } = context;
  const { image } = broker.metadata;
  const wantsTopicOperations = version >= 8 && request.includeTopicAuthorizedOperations;
  const wantsClusterOperations = version >= 8 && version <= 10 && request.includeClusterAuthorizedOperations;
  return {
    brokers: nodesOf(image.brokers.values(), connection.listenerName),
    clusterId: broker.clusterId,
    controllerId: image.controllerId,
    topics: wantsTopicOperations
      ? topics.map((topic) =>
          topic.errorCode === Errors.NONE ? { ...topic, topicAuthorizedOperations: ALL_TOPIC_OPERATIONS } : topic,
        )
      : topics,
    ...(wantsClusterOperations ? { clusterAuthorizedOperations: ALL_CLUSTER_OPERATIONS } : {}),
  };
}

function nodesOf(brokers: Iterable<BrokerInfo>, listenerName: string): MetadataResponse['brokers'] {
  const nodes: { nodeId: number; host: string; port: number; rack: string | null }[] = [];
  for (const broker of brokers) {
    const endpoint = endpointOf(broker, listenerName);
    if (endpoint === undefined) continue;
    nodes.push({ nodeId: broker.brokerId, host: endpoint.host, port: endpoint.port, rack: broker.rack });
  }
  return nodes;
}

/** One answer for every topic asked for; a null name cannot be said in most versions. */
function onError(request: MetadataRequest, error: ErrorName): MetadataResponse {
  return {
    brokers: [],
    topics: (request.topics ?? []).map(({ name, topicId }) => ({
      errorCode: Errors[error],
      name: name ?? '',
      topicId,
      isInternal: false,
      partitions: [],
    })),
  };
}

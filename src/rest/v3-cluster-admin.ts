/**
 * The API v3's questions as requests of Kafka's protocol, few for each: all topics come by one, groups by one per
 * coordinator.
 *
 * Guarantees: a topic that was created, changed or deleted here is seen so by whoever asks next, whichever broker that
 * is of, unless the brokers take longer than a few seconds to agree on it. Nothing is kept between calls.
 */
import { type CreatedTopic, createPartitions, createTopic, deleteTopics } from '../client/admin-client.ts';
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import { describeConfigs, incrementalAlterConfigs } from '../client/config-admin.ts';
import { Coordinators } from '../client/coordinators.ts';
import { committedOffsets, type DescribedGroup, describeGroups, listGroups } from '../client/group-admin.ts';
import { askLeaders } from '../client/leader-questions.ts';
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, lookUpOffsets, type OffsetQuestion } from '../client/offset-lookup.ts';
import { type TopicMetadata, topicAgreement } from '../client/topic-agreement.ts';
import type { TopicPartition } from '../model/topic-partition.ts';
import { Errors } from '../protocol/errors.ts';
import { Metadata } from '../protocol/messages/index.ts';
import type { RequestIn } from '../protocol/schema.ts';
import type {
  ClusterDescription,
  GroupDescription,
  GroupOffsets,
  NewTopic,
  PartitionOffsets,
  TopicDescription,
  V3Admin,
} from './v3-admin.ts';

const AGREEMENT_TIMEOUT_MS = 5_000;
const FIRST_VERSION_WITH_OPERATIONS = 8;
const DEFAULT = -1;

export interface V3Clients {
  readonly questions: ClusterClient;
  /** A broker answers a connection in the order of its requests: behind a change, questions would wait for it. */
  readonly changes: ClusterClient;
}

export class V3ClusterAdmin implements V3Admin {
  readonly #cluster: ClusterClient;
  readonly #changes: ClusterClient;

  constructor({ questions, changes }: V3Clients) {
    this.#cluster = questions;
    this.#changes = changes;
  }

  async describeCluster(): Promise<ClusterDescription> {
    const { controllerId } = await this.#cluster.metadata([], 'describeCluster');
    const brokers = this.#cluster.nodes;
    return { controllerId: brokers.some(({ id }) => id === controllerId) ? controllerId : null, brokers };
  }

  async topics(): Promise<TopicDescription[]> {
    const topics = await this.#topics(null, 'listTopics');
    // One that is being deleted or is only half known has nothing to show.
    const whole = topics.filter(({ errorCode }) => errorCode === Errors.NONE).map(described);
    return whole.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async topic(name: string): Promise<TopicDescription> {
    const topic = await this.#topic(name);
    if (topic.errorCode !== Errors.NONE) throw ApiError.of(topic.errorCode);
    return described(topic);
  }

  async createTopic(topic: NewTopic): Promise<CreatedTopic> {
    const { name, configs, replicas, validateOnly } = topic;
    const isAssigned = replicas.size > 0;
    const request = {
      name,
      numPartitions: isAssigned ? DEFAULT : (topic.partitionsCount ?? DEFAULT),
      replicationFactor: isAssigned ? DEFAULT : (topic.replicationFactor ?? DEFAULT),
      assignments: [...replicas].map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
      configs: [...configs].map(([key, value]) => ({ name: key, value })),
    };
    const created = await createTopic(this.#changes, request, validateOnly);
    if (!validateOnly) await this.#agreed(name, ({ errorCode }) => errorCode === Errors.NONE);
    return created;
  }

  async createPartitions(topic: string, count: number): Promise<void> {
    await createPartitions(this.#changes, [{ topic, count, assignments: null }]);
    await this.#agreed(topic, ({ partitions }) => partitions.length >= count);
  }

  async deleteTopic(name: string): Promise<void> {
    await deleteTopics(this.#changes, [name]);
    await this.#agreed(name, ({ errorCode }) => errorCode !== Errors.NONE);
  }

  async partitionOffsets({ topic, partition }: TopicPartition): Promise<PartitionOffsets> {
    const [earliest, latest] = await Promise.all(
      [EARLIEST_TIMESTAMP, LATEST_TIMESTAMP].map((timestampMs) =>
        this.#offsets([{ topic, partition, timestampMs }], false),
      ),
    );
    return { earliest: offsetIn(earliest), latest: offsetIn(latest) };
  }

  configs(resources: Parameters<V3Admin['configs']>[0]): ReturnType<V3Admin['configs']> {
    return describeConfigs(this.#cluster, resources, { includeSynonyms: true });
  }

  alterConfigs(
    alterations: Parameters<V3Admin['alterConfigs']>[0],
    validateOnly: boolean,
  ): ReturnType<V3Admin['alterConfigs']> {
    return incrementalAlterConfigs(this.#changes, alterations, { validateOnly });
  }

  async groupIds(): Promise<string[]> {
    const groups = await listGroups(this.#cluster);
    return groups.map(({ groupId }) => groupId);
  }

  async groups(groupIds: readonly string[]): Promise<GroupDescription[]> {
    const groups = await describeGroups(this.#cluster, new Coordinators(this.#cluster), groupIds);
    return groups
      .filter(({ isSimple, state }) => !(isSimple && state === 'Dead'))
      .map(({ coordinator, ...group }: DescribedGroup) => ({ ...group, coordinatorId: coordinator.id }))
      .sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  }

  async groupOffsets(groupId: string): Promise<GroupOffsets[]> {
    const committed = await committedOffsets(this.#cluster, new Coordinators(this.#cluster), [groupId]);
    const offsets = committed.get(groupId) ?? [];
    const questions = offsets.map(({ topic, partition }) => ({ topic, partition, timestampMs: LATEST_TIMESTAMP }));
    // As a consumer that reads what is committed, as Confluent asks.
    const ends = await this.#offsets(questions, true);
    return offsets.flatMap(({ topic, partition, offset }, index) => {
      const end = ends[index];
      // What is committed goes with the topic, a little later.
      if (end === undefined || end.error === 'UNKNOWN_TOPIC_OR_PARTITION') return [];
      return [{ topic, partition, currentOffset: offset, logEndOffset: offsetIn([end]) }];
    });
  }

  #offsets(questions: readonly OffsetQuestion[], isReadCommitted: boolean): Promise<readonly OffsetResult[]> {
    const cluster = this.#cluster;
    return askLeaders(cluster, questions, 'listOffsets', cluster.deadline(), (leader, of) =>
      lookUpOffsets(cluster, leader, of, isReadCommitted),
    );
  }

  async #topics(names: readonly string[] | null, call: string): Promise<TopicMetadata[]> {
    const request = (version: number): RequestIn<typeof Metadata> => ({
      topics: names === null ? null : names.map((name) => ({ name })),
      allowAutoTopicCreation: false,
      ...(version >= FIRST_VERSION_WITH_OPERATIONS ? { includeTopicAuthorizedOperations: true } : {}),
    });
    const { topics } = await this.#cluster.toAny(Metadata, request, call);
    return topics;
  }

  async #topic(name: string): Promise<TopicMetadata> {
    const [topic] = await this.#topics([name], 'describeTopics');
    if (topic === undefined) throw ApiError.named('UNKNOWN_TOPIC_OR_PARTITION');
    return topic;
  }

  #agreed(name: string, isSo: (topic: TopicMetadata) => boolean): Promise<void> {
    return topicAgreement(this.#cluster, name, isSo, this.#cluster.deadline(AGREEMENT_TIMEOUT_MS));
  }
}

type OffsetResult = Awaited<ReturnType<typeof lookUpOffsets>>[number] | Awaited<ReturnType<typeof askLeaders>>[number];

/** @throws ApiError of the partition */
function offsetIn(results: readonly OffsetResult[] | undefined): number {
  const [result] = results ?? [];
  if (result === undefined) throw ApiError.named('UNKNOWN_TOPIC_OR_PARTITION');
  if (result.error !== 'NONE' || !('offset' in result)) throw ApiError.named(result.error);
  return result.offset;
}

function described({ name, isInternal, partitions, topicAuthorizedOperations }: TopicMetadata): TopicDescription {
  return {
    name: name ?? '',
    isInternal,
    partitions: partitions
      .map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
        partition: partitionIndex,
        leader: leaderId,
        replicas: replicaNodes,
        isr: isrNodes,
      }))
      .sort((a, b) => a.partition - b.partition),
    authorizedOperations: topicAuthorizedOperations,
  };
}

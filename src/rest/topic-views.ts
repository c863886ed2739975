/**
 * Topics, partitions and brokers as v2 of the REST Proxy shows them, asked of the cluster at each call.
 *
 * Guarantees: rejects with RestError 40401 or 40402 for what is not there; asking creates nothing.
 */
import { describeTopics, type DescribedPartition, type DescribedTopic, listTopics } from '../client/admin-client.ts';
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import { describeConfigs } from '../client/config-admin.ts';
import { askLeaders } from '../client/leader-questions.ts';
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, lookUpOffsets, type OffsetQuestion } from '../client/offset-lookup.ts';
import { partitionNotFound, topicNotFound } from './rest-errors.ts';

export interface PartitionView {
  readonly partition: number;
  /** -1 when there is none. */
  readonly leader: number;
  readonly replicas: readonly { readonly broker: number; readonly leader: boolean; readonly in_sync: boolean }[];
}

export interface TopicView {
  readonly name: string;
  /** Null for what is secret. */
  readonly configs: { readonly [name: string]: string | null };
  readonly partitions: readonly PartitionView[];
}

export interface OffsetsView {
  readonly beginning_offset: number;
  readonly end_offset: number;
}

export class TopicViews {
  readonly #cluster: ClusterClient;
  /** That of all is large: those who ask while it is on its way get the same. */
  #listing: Promise<string[]> | null = null;

  constructor(cluster: ClusterClient) {
    this.#cluster = cluster;
  }

  /** By name, without those that belong to the cluster itself, as Kafka's Admin client lists them. */
  names(): Promise<string[]> {
    this.#listing ??= this.#list().finally(() => {
      this.#listing = null;
    });
    return this.#listing;
  }

  async #list(): Promise<string[]> {
    const topics = await listTopics(this.#cluster);
    return topics.filter(({ isInternal }) => !isInternal).map(({ name }) => name);
  }

  async topic(name: string): Promise<TopicView> {
    const topic = await described(this.#cluster, name);
    const [answer] = await describeConfigs(this.#cluster, [{ type: 'TOPIC', name }]);
    const failure = answer?.failure ?? null;
    if (failure !== null) throw isUnknown(failure) ? topicNotFound() : failure;
    const configs = (answer?.entries ?? []).map((entry) => [entry.name, entry.value] as const);
    configs.sort(([one], [other]) => (one < other ? -1 : 1));
    return { name, configs: Object.fromEntries(configs), partitions: topic.partitions.map(viewOf) };
  }

  async partitions(topic: string): Promise<PartitionView[]> {
    return (await described(this.#cluster, topic)).partitions.map(viewOf);
  }

  async partition(topic: string, partition: number): Promise<PartitionView> {
    const found = (await this.partitions(topic)).find((view) => view.partition === partition);
    if (found === undefined) throw partitionNotFound();
    return found;
  }

  /** The end is where the next record that is committed will be. */
  async offsets(topic: string, partition: number): Promise<OffsetsView> {
    await this.partition(topic, partition);
    const [beginning, end] = await Promise.all([
      offsetAt(this.#cluster, { topic, partition, timestampMs: EARLIEST_TIMESTAMP }),
      offsetAt(this.#cluster, { topic, partition, timestampMs: LATEST_TIMESTAMP }),
    ]);
    return { beginning_offset: beginning, end_offset: end };
  }

  /** Of those that are alive. */
  async brokerIds(): Promise<number[]> {
    const { brokers } = await this.#cluster.metadata([], 'describeCluster');
    return brokers.map(({ nodeId }) => nodeId).sort((one, other) => one - other);
  }
}

async function offsetAt(cluster: ClusterClient, question: OffsetQuestion): Promise<number> {
  const ask = (leader: Parameters<typeof lookUpOffsets>[1], asked: readonly OffsetQuestion[]) =>
    lookUpOffsets(cluster, leader, asked);
  const [answer] = await askLeaders(cluster, [question], 'listOffsets', cluster.deadline(), ask);
  if (answer === undefined || !('offset' in answer) || answer.error !== 'NONE')
    throw ApiError.named(answer?.error ?? 'LEADER_NOT_AVAILABLE');
  return answer.offset;
}

async function described(cluster: ClusterClient, name: string): Promise<DescribedTopic> {
  try {
    const [topic] = await describeTopics(cluster, [name]);
    if (topic === undefined) throw topicNotFound();
    return topic;
  } catch (error) {
    throw isUnknown(error) ? topicNotFound() : error;
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof ApiError && error.error === 'UNKNOWN_TOPIC_OR_PARTITION';
}

function viewOf({ partition, leader, replicas, isr }: DescribedPartition): PartitionView {
  const inSync = new Set(isr);
  return {
    partition,
    leader,
    replicas: replicas.map((broker) => ({ broker, leader: broker === leader, in_sync: inSync.has(broker) })),
  };
}

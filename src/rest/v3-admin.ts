/**
 * What the API v3 asks of the cluster, and what it is told: a port, so that its answers can be looked at without a
 * cluster. Every call rejects with an ApiError (or a ConnectionError) that says what Kafka says.
 */
import { ApiError } from '../client/api-error.ts';
import type { CreatedTopic } from '../client/admin-client.ts';
import type { AlterationResult, ConfigAlteration, ConfigResource, DescribedConfigs } from '../client/config-admin.ts';
import type { DescribedGroup, DescribedMember } from '../client/group-admin.ts';
import type { TopicPartition } from '../model/topic-partition.ts';
import { Errors } from '../protocol/errors.ts';

export interface V3Admin {
  describeCluster(): Promise<ClusterDescription>;
  /** All topics, in the order of their names. */
  topics(): Promise<TopicDescription[]>;
  /** @throws ApiError UNKNOWN_TOPIC_OR_PARTITION */
  topic(name: string): Promise<TopicDescription>;
  /** Resolves when the cluster shows it, or nothing has been created for a request that only asks whether it could. */
  createTopic(topic: NewTopic): Promise<CreatedTopic>;
  /** Resolves when the cluster shows them. */
  createPartitions(topic: string, count: number): Promise<void>;
  /** Resolves when the cluster shows it no longer. */
  deleteTopic(name: string): Promise<void>;
  /** Earliest and latest. */
  partitionOffsets(partition: TopicPartition): Promise<PartitionOffsets>;
  /** What each has, with synonyms; the failure of one stands in its place. */
  configs(resources: readonly ConfigResource[]): Promise<DescribedConfigs[]>;
  /** Each resource is changed as a whole, or not at all. */
  alterConfigs(alterations: readonly ConfigAlteration[], validateOnly: boolean): Promise<AlterationResult[]>;
  /** Of all consumer groups, in their order. */
  groupIds(): Promise<string[]>;
  /** Those of the groups that there are, in the order of the ids. */
  groups(groupIds: readonly string[]): Promise<GroupDescription[]>;
  /** What the group has committed and where the partitions end for it, in the order of topics and partitions. */
  groupOffsets(groupId: string): Promise<GroupOffsets[]>;
}

/** @throws RestError 40403 when there is no such topic, in the words for one partition of it */
export async function findPartition(
  admin: V3Admin,
  topic: string,
  partition: number,
): Promise<PartitionDescription | undefined> {
  try {
    const { partitions } = await admin.topic(topic);
    return partitions.find((described) => described.partition === partition);
  } catch (error) {
    if (!(error instanceof ApiError) || error.error !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
    throw ApiError.of(
      Errors.UNKNOWN_TOPIC_OR_PARTITION,
      `This server does not host topic-partition ${partition} for topic ${topic}`,
    );
  }
}

export interface ClusterBroker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface ClusterDescription {
  /** Null when nobody is known to be. */
  readonly controllerId: number | null;
  readonly brokers: readonly ClusterBroker[];
}

export interface PartitionDescription {
  readonly partition: number;
  /** -1 when there is none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface TopicDescription {
  readonly name: string;
  readonly isInternal: boolean;
  /** In their order. */
  readonly partitions: readonly PartitionDescription[];
  /** One bit per operation (KIP-430). */
  readonly authorizedOperations: number;
}

export interface NewTopic {
  readonly name: string;
  /** Null for the cluster's default. */
  readonly partitionsCount: number | null;
  readonly replicationFactor: number | null;
  /** By partition; empty where the cluster chooses. */
  readonly replicas: ReadonlyMap<number, readonly number[]>;
  readonly configs: ReadonlyMap<string, string | null>;
  readonly validateOnly: boolean;
}

export interface PartitionOffsets {
  readonly earliest: number;
  readonly latest: number;
}

export type GroupMember = Omit<DescribedMember, 'host'>;

export interface GroupDescription extends Omit<DescribedGroup, 'coordinator' | 'members'> {
  readonly coordinatorId: number;
  readonly members: readonly GroupMember[];
}

export interface GroupOffsets extends TopicPartition {
  readonly currentOffset: number;
  readonly logEndOffset: number;
}

/** @pure Clusters, brokers, topics, partitions and replicas as the API v3 shows them (kafka-rest's entities.v3). */
import type { CreatedTopic } from '../client/admin-client.ts';
import type {
  ClusterBroker,
  ClusterDescription,
  PartitionDescription,
  PartitionOffsets,
  TopicDescription,
} from './v3-admin.ts';
import type { Relation, Resource, V3Links } from './v3-links.ts';

/** Kafka's AclOperation by number. */
const OPERATIONS: ReadonlyMap<number, string> = new Map([
  [3, 'READ'],
  [4, 'WRITE'],
  [5, 'CREATE'],
  [6, 'DELETE'],
  [7, 'ALTER'],
  [8, 'DESCRIBE'],
  [9, 'CLUSTER_ACTION'],
  [10, 'DESCRIBE_CONFIGS'],
  [11, 'ALTER_CONFIGS'],
  [12, 'IDEMPOTENT_WRITE'],
]);

export interface ClusterView extends Resource {
  readonly cluster_id: string;
  readonly controller: Relation | null;
  readonly acls: Relation;
  readonly brokers: Relation;
  readonly broker_configs: Relation;
  readonly consumer_groups: Relation;
  readonly topics: Relation;
  readonly partition_reassignments: Relation;
}

export function clusterView(links: V3Links, { controllerId }: ClusterDescription): ClusterView {
  return {
    ...links.resource('KafkaCluster', [], []),
    cluster_id: links.clusterId,
    controller: controllerId === null ? null : links.to('brokers', controllerId),
    acls: links.to('acls'),
    brokers: links.to('brokers'),
    broker_configs: links.to('broker-configs'),
    consumer_groups: links.to('consumer-groups'),
    topics: links.to('topics'),
    partition_reassignments: links.to('topics', '-', 'partitions', '-', 'reassignment'),
  };
}

export interface BrokerView extends Resource {
  readonly cluster_id: string;
  readonly broker_id: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly configs: Relation;
  readonly partition_replicas: Relation;
}

export function brokerView(links: V3Links, { id, host, port, rack }: ClusterBroker): BrokerView {
  return {
    ...links.resource('KafkaBroker', ['brokers', id], ['broker', id]),
    cluster_id: links.clusterId,
    broker_id: id,
    host,
    port,
    rack,
    configs: links.to('brokers', id, 'configs'),
    partition_replicas: links.to('brokers', id, 'partition-replicas'),
  };
}

export interface TopicView extends Resource {
  readonly cluster_id: string;
  readonly topic_name: string;
  readonly is_internal: boolean;
  readonly replication_factor: number;
  readonly partitions_count: number;
  readonly partitions: Relation;
  readonly configs: Relation;
  readonly partition_reassignments: Relation;
  readonly authorized_operations: readonly string[];
}

/** @param showOperations only then is said what the client may do */
export function topicView(links: V3Links, topic: TopicDescription, showOperations: boolean): TopicView {
  const { name, partitions, isInternal, authorizedOperations } = topic;
  const size = { partitionsCount: partitions.length, replicationFactor: partitions[0]?.replicas.length ?? 0 };
  return sizedTopicView(links, name, size, isInternal, showOperations ? operationsIn(authorizedOperations) : []);
}

/** Of a topic that is new: what is known of it is its size. */
export function sizedTopicView(
  links: V3Links,
  name: string,
  { replicationFactor, partitionsCount }: CreatedTopic,
  isInternal = false,
  operations: readonly string[] = [],
): TopicView {
  return {
    ...links.resource('KafkaTopic', ['topics', name], ['topic', name]),
    cluster_id: links.clusterId,
    topic_name: name,
    is_internal: isInternal,
    replication_factor: replicationFactor,
    partitions_count: partitionsCount,
    partitions: links.to('topics', name, 'partitions'),
    configs: links.to('topics', name, 'configs'),
    partition_reassignments: links.to('topics', name, 'partitions', '-', 'reassignment'),
    authorized_operations: operations,
  };
}

function operationsIn(bits: number): string[] {
  return [...OPERATIONS].filter(([id]) => (bits & (1 << id)) !== 0).map(([, name]) => name);
}

export interface PartitionView extends Resource {
  readonly cluster_id: string;
  readonly topic_name: string;
  readonly partition_id: number;
  readonly leader: Relation | null;
  readonly replicas: Relation;
  readonly reassignment: Relation;
}

export function partitionView(links: V3Links, topic: string, described: PartitionDescription): PartitionView {
  const { partition, leader, replicas } = described;
  const path = ['topics', topic, 'partitions', partition] as const;
  return {
    ...links.resource('KafkaPartition', path, ['topic', topic, 'partition', partition]),
    cluster_id: links.clusterId,
    topic_name: topic,
    partition_id: partition,
    leader: replicas.includes(leader) ? links.to(...path, 'replicas', leader) : null,
    replicas: links.to(...path, 'replicas'),
    reassignment: links.to(...path, 'reassignment'),
  };
}

export interface ReplicaView extends Resource {
  readonly cluster_id: string;
  readonly topic_name: string;
  readonly partition_id: number;
  readonly broker_id: number;
  readonly is_leader: boolean;
  readonly is_in_sync: boolean;
  readonly broker: Relation;
}

export function replicaView(
  links: V3Links,
  topic: string,
  { partition, leader, isr }: PartitionDescription,
  brokerId: number,
): ReplicaView {
  return {
    ...links.resource(
      'KafkaReplica',
      ['topics', topic, 'partitions', partition, 'replicas', brokerId],
      ['topic', topic, 'partition', partition, 'replica', brokerId],
    ),
    cluster_id: links.clusterId,
    topic_name: topic,
    partition_id: partition,
    broker_id: brokerId,
    is_leader: brokerId === leader,
    is_in_sync: isr.includes(brokerId),
    broker: links.to('brokers', brokerId),
  };
}

/** What a broker has of the topics, in the order of topics and partitions. */
export function* replicasOf(
  links: V3Links,
  brokerId: number,
  topics: readonly TopicDescription[],
): Generator<ReplicaView, void, undefined> {
  for (const { name, partitions } of topics)
    for (const partition of partitions)
      if (partition.replicas.includes(brokerId)) yield replicaView(links, name, partition, brokerId);
}

export interface PartitionOffsetsView extends Resource {
  readonly cluster_id: string;
  readonly topic_name: string;
  readonly partition_id: number;
  readonly earliest_offset: number;
  readonly latest_offset: number;
}

export function partitionOffsetsView(
  links: V3Links,
  topic: string,
  partition: number,
  { earliest, latest }: PartitionOffsets,
): PartitionOffsetsView {
  return {
    ...links.resource(
      'KafkaPartitionWithOffsets',
      ['topics', topic, 'partitions', partition, 'offset'],
      ['topic', topic, 'partition', partition, 'offset_type', 'earliest_and_latest'],
    ),
    cluster_id: links.clusterId,
    topic_name: topic,
    partition_id: partition,
    earliest_offset: earliest,
    latest_offset: latest,
  };
}

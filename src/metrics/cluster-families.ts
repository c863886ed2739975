/**
 * @pure The cluster as a whole under the names of kafka_exporter, which lag dashboards and alerts ask for: brokers,
 * topics, partitions with their offsets, groups with their lag. Any broker answers the same, so only one may be
 * scraped for it. Offsets and lags that nobody could tell are -1.
 */
import { atMost, labelled, labelsOf, type MetricFamily, single, type Sample } from './family.ts';

export interface ClusterPartition {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** -1 when its leader did not tell. */
  readonly endOffset: number;
  readonly startOffset: number;
}

export interface ClusterGroup {
  readonly groupId: string;
  readonly memberCount: number;
  readonly offsets: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    /** -1 when the end of the partition is not known. */
    readonly lag: number;
  }[];
}

export interface ClusterSnapshot {
  readonly brokers: readonly { readonly brokerId: number; readonly address: string }[];
  /** Those of a topic stand together. */
  readonly partitions: readonly ClusterPartition[];
  readonly groups: readonly ClusterGroup[];
}

/** Of partitions and of offsets of groups. */
export const MAX_ROWS = 50_000;

export function clusterFamilies(cluster: ClusterSnapshot): MetricFamily[] {
  return [
    single('gauge', 'kafka_brokers', 'Brokers that live', () => cluster.brokers.length),
    labelled('gauge', 'kafka_broker_info', 'The brokers and where they are', () =>
      cluster.brokers.map(({ brokerId, address }) => [labelsOf({ id: brokerId, address }), 1] as const),
    ),
    ...partitionFamilies(cluster),
    ...groupFamilies(cluster),
  ];
}

function partitionFamilies({ partitions }: ClusterSnapshot): MetricFamily[] {
  const family = (name: string, help: string, read: (partition: ClusterPartition) => number): MetricFamily =>
    labelled('gauge', `kafka_topic_partition_${name}`, help, function* () {
      for (const partition of atMost(MAX_ROWS, partitions))
        yield [labelsOf({ topic: partition.topic, partition: partition.partition }), read(partition)];
    });
  return [
    labelled('gauge', 'kafka_topic_partitions', 'Partitions of the topic', () => {
      const counts = new Map<string, number>();
      for (const { topic } of partitions) counts.set(topic, (counts.get(topic) ?? 0) + 1);
      return [...counts].map(([topic, count]): Sample => [labelsOf({ topic }), count]);
    }),
    family('current_offset', 'Next offset', ({ endOffset }) => endOffset),
    family('oldest_offset', 'First offset', ({ startOffset }) => startOffset),
    family('leader', 'The broker that leads', ({ leader }) => leader),
    family(
      'leader_is_preferred',
      '1 when the first replica leads',
      ({ leader, replicas }) => +(leader === replicas[0]),
    ),
    family('replicas', 'Replicas', ({ replicas }) => replicas.length),
    family('in_sync_replica', 'Replicas in sync', ({ isr }) => isr.length),
    family(
      'under_replicated_partition',
      '1 when a replica is not in sync',
      ({ replicas, isr }) => +(isr.length < replicas.length),
    ),
  ];
}

function groupFamilies({ groups }: ClusterSnapshot): MetricFamily[] {
  const prefix = 'kafka_consumergroup_';
  const perPartition = (name: string, help: string, field: 'offset' | 'lag'): MetricFamily =>
    labelled('gauge', prefix + name, help, function* () {
      const rows = groups.flatMap(({ groupId, offsets }) => offsets.map((offset) => [groupId, offset] as const));
      for (const [consumergroup, committed] of atMost(MAX_ROWS, rows)) {
        const { topic, partition } = committed;
        yield [labelsOf({ consumergroup, topic, partition }), committed[field]];
      }
    });
  const perTopic = (name: string, help: string, field: 'offset' | 'lag'): MetricFamily =>
    labelled('gauge', prefix + name, help, function* () {
      for (const { groupId, offsets } of groups) {
        const sums = new Map<string, number>();
        for (const each of offsets) sums.set(each.topic, (sums.get(each.topic) ?? 0) + Math.max(0, each[field]));
        for (const [topic, sum] of sums) yield [labelsOf({ consumergroup: groupId, topic }), sum] as const;
      }
    });
  return [
    perPartition('current_offset', 'Next offset that the group will read', 'offset'),
    perTopic('current_offset_sum', 'The same over all partitions of the topic', 'offset'),
    perPartition('lag', 'Records that the group has not committed yet', 'lag'),
    perTopic('lag_sum', 'The same over all partitions of the topic', 'lag'),
    labelled('gauge', `${prefix}members`, 'Members of the group', () =>
      groups.map(({ groupId, memberCount }) => [labelsOf({ consumergroup: groupId }), memberCount] as const),
    ),
  ];
}

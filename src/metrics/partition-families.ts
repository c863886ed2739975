/**
 * @pure What is told of single partitions: their logs, and of those that this broker leads who is in sync. The sums
 * that Kafka's ReplicaManager has are made in one pass.
 */
import { atMost, counter, gauge, labelsOf, lineOf, type MetricFamily } from './family.ts';
import type { Dialects } from './dialect.ts';
import { recent } from './recent.ts';
import type { LogNumbers, MetricSources, PartitionNumbers } from './sources.ts';

/** A scrape with more would be of no use to anybody; what is left out is counted. */
export const MAX_PARTITIONS = 50_000;

type LeaderNumbers = PartitionNumbers & { leaderState: NonNullable<PartitionNumbers['leaderState']> };

export function partitionFamilies(sources: MetricSources, dialects: Dialects): MetricFamily[] {
  return [...replicaManager(sources, dialects), ...ledPartitions(sources), ...logs(sources), ...fetcherLag(sources)];
}

interface ReplicaCounts {
  leaders: number;
  replicas: number;
  underReplicated: number;
  underMinIsr: number;
  atMinIsr: number;
  reassigning: number;
}

function countReplicas(partitions: Iterable<PartitionNumbers>): ReplicaCounts {
  const counts = { leaders: 0, replicas: 0, underReplicated: 0, underMinIsr: 0, atMinIsr: 0, reassigning: 0 };
  for (const { leaderState } of partitions) {
    counts.replicas++;
    if (leaderState === null) continue;
    counts.leaders++;
    if (leaderState.isUnderReplicated) counts.underReplicated++;
    if (leaderState.isUnderMinIsr) counts.underMinIsr++;
    if (leaderState.isr.length === leaderState.effectiveMinIsr) counts.atMinIsr++;
    if (leaderState.isReassigning) counts.reassigning++;
  }
  return counts;
}

const COUNTED: readonly (readonly [name: string, field: keyof ReplicaCounts, help: string])[] = [
  ['leadercount', 'leaders', 'Partitions led here'],
  ['underreplicatedpartitions', 'underReplicated', 'Partitions led here of which a replica is not in sync'],
  ['underminisrpartitioncount', 'underMinIsr', 'Partitions led here with fewer in sync than min.insync.replicas'],
  ['atminisrpartitioncount', 'atMinIsr', 'Partitions led here with just as many in sync as min.insync.replicas'],
  ['reassigningpartitions', 'reassigning', 'Partitions led here whose replicas are being moved'],
];

function replicaManager({ replicas, logs: allLogs, nowMs }: MetricSources, dialects: Dialects): MetricFamily[] {
  const prefix = 'kafka_server_replicamanager_';
  const counts = recent(nowMs, () => countReplicas(replicas.online()));
  const { counters } = replicas;
  const meter = (name: string, help: string, read: () => number): MetricFamily[] =>
    dialects.meter(prefix + name, help, () => [['', read()]]);
  return [
    ...COUNTED.map(([name, field, help]) => gauge(prefix + name, help, () => counts()[field])),
    gauge(`${prefix}partitioncount`, 'Replicas here', () => counts().replicas + replicas.offlineCount),
    gauge(`${prefix}offlinereplicacount`, 'Replicas here whose disk failed', () => replicas.offlineCount),
    gauge(`${prefix}produceridcount`, 'Idempotent producers that are remembered', () => {
      let producers = 0;
      for (const log of allLogs.all()) producers += log.producers.producers.size;
      return producers;
    }),
    gauge(
      'barnabas_partitions_left_out',
      'Partitions that have no series of their own, because there are too many',
      () => Math.max(0, counts().replicas - MAX_PARTITIONS),
    ),
    ...meter('isrshrinks', 'Times that a replica fell out of sync', () => counters.isrShrinks),
    ...meter('isrexpands', 'Times that a replica came in sync', () => counters.isrExpands),
    ...meter('failedisrupdates', 'ISR changes that the controller did not make', () => counters.failedIsrUpdates),
  ];
}

function ledPartitions({ replicas }: MetricSources): MetricFamily[] {
  const family = (name: string, help: string, read: (partition: LeaderNumbers) => number): MetricFamily => ({
    name: `kafka_cluster_partition_${name}`,
    help,
    type: 'gauge',
    *lines() {
      for (const partition of atMost(MAX_PARTITIONS, replicas.online()))
        if (isLed(partition))
          yield lineOf(`kafka_cluster_partition_${name}`, partitionLabels(partition), read(partition));
    },
  });
  return [
    family('underreplicated', '1 when a replica is not in sync', ({ leaderState }) => +leaderState.isUnderReplicated),
    family('underminisr', '1 when too few are in sync', ({ leaderState }) => +leaderState.isUnderMinIsr),
    family(
      'atminisr',
      '1 when one more may not fall out of sync',
      ({ leaderState }) => +(leaderState.isr.length === leaderState.effectiveMinIsr),
    ),
    family('insyncreplicascount', 'Replicas in sync', ({ leaderState }) => leaderState.isr.length),
    family('replicascount', 'Replicas', (partition) => partition.replicas.length),
    family('laststableoffsetlag', 'Committed records of open transactions and behind them', ({ log }) =>
      Math.max(0, log.highWatermark - log.lastStableOffset),
    ),
  ];
}

function logs({ logs: allLogs }: MetricSources): MetricFamily[] {
  const family = (name: string, help: string, read: (log: LogNumbers) => number): MetricFamily => ({
    name: `kafka_log_log_${name}`,
    help,
    type: 'gauge',
    *lines() {
      for (const log of atMost(MAX_PARTITIONS, allLogs.all()))
        if (!log.isOffline) yield lineOf(`kafka_log_log_${name}`, partitionLabels(log), read(log));
    },
  });
  return [
    family('size', 'Bytes of the log', (log) => log.sizeBytes),
    family('numlogsegments', 'Segments of the log', (log) => log.segments.all.length),
    family('logstartoffset', 'First offset', (log) => log.logStartOffset),
    family('logendoffset', 'Next offset', (log) => log.logEndOffset),
  ];
}

function fetcherLag({ replicas }: MetricSources): MetricFamily[] {
  return [
    {
      name: 'kafka_server_fetcherlagmetrics_consumerlag',
      help: 'Committed records that this follower has not',
      type: 'gauge',
      *lines() {
        for (const partition of atMost(MAX_PARTITIONS, replicas.online())) {
          if (partition.leaderState !== null) continue;
          const labels = labelsOf({ clientId: 'Replica', topic: partition.topic, partition: partition.partition });
          yield lineOf('kafka_server_fetcherlagmetrics_consumerlag', labels, partition.followerLag);
        }
      },
    },
    counter('barnabas_replica_fetches_total', 'Fetches that were sent to leaders', () =>
      replicas.fetchers.fetchCounts.reduce((sum, fetches) => sum + fetches, 0),
    ),
  ];
}

function isLed(partition: PartitionNumbers): partition is LeaderNumbers {
  return partition.leaderState !== null;
}

/** Topic names need no escaping: their characters are few. */
function partitionLabels({ topic, partition }: { topic: string; partition: number }): string {
  return `{topic="${topic}",partition="${partition}"}`;
}

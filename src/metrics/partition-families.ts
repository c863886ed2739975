/**
 * @pure What is told of single partitions: their logs, and of those that this broker leads who is in sync. The sums
 * that Kafka's ReplicaManager has are made in one pass.
 */
import { atMost, counter, gauge, labelsOf, lineOf, type MetricFamily } from './family.ts';
import type { Dialects } from './dialect.ts';
import type { LogNumbers, MetricSources, PartitionNumbers } from './sources.ts';

/** A scrape with more would be of no use to anybody; what is left out is counted. */
export const MAX_PARTITIONS = 50_000;

type LeaderNumbers = PartitionNumbers & { leaderState: NonNullable<PartitionNumbers['leaderState']> };

export function partitionFamilies(sources: MetricSources, dialects: Dialects): MetricFamily[] {
  return [...replicaManager(sources, dialects), ...ledPartitions(sources), ...logs(sources), ...fetcherLag(sources)];
}

function replicaManager({ replicas, logs: allLogs }: MetricSources, dialects: Dialects): MetricFamily[] {
  const prefix = 'kafka_server_replicamanager_';
  const count = (isCounted: (partition: PartitionNumbers) => boolean) => (): number => {
    let counted = 0;
    for (const partition of replicas.online()) if (isCounted(partition)) counted++;
    return counted;
  };
  const isAtMinIsr = ({ leaderState }: PartitionNumbers): boolean =>
    leaderState !== null && leaderState.isr.length === leaderState.effectiveMinIsr;
  const { counters } = replicas;
  return [
    gauge(
      `${prefix}leadercount`,
      'Partitions led here',
      count(({ leaderState }) => leaderState !== null),
    ),
    gauge(`${prefix}partitioncount`, 'Replicas here', () => count(() => true)() + replicas.offlineCount),
    gauge(`${prefix}offlinereplicacount`, 'Replicas here whose disk failed', () => replicas.offlineCount),
    gauge(
      `${prefix}underreplicatedpartitions`,
      'Partitions led here of which a replica is not in sync',
      count(({ leaderState }) => leaderState?.isUnderReplicated === true),
    ),
    gauge(
      `${prefix}underminisrpartitioncount`,
      'Partitions led here with fewer in-sync replicas than min.insync.replicas',
      count(({ leaderState }) => leaderState?.isUnderMinIsr === true),
    ),
    gauge(
      `${prefix}atminisrpartitioncount`,
      'Partitions led here with just as many in-sync replicas as min.insync.replicas',
      count(isAtMinIsr),
    ),
    gauge(
      `${prefix}reassigningpartitions`,
      'Partitions led here whose replicas are being moved',
      count(({ leaderState }) => leaderState?.isReassigning === true),
    ),
    gauge(`${prefix}produceridcount`, 'Idempotent producers that are remembered', () => {
      let producers = 0;
      for (const log of allLogs.all()) producers += log.producers.producers.size;
      return producers;
    }),
    gauge(
      'barnabas_partitions_left_out',
      'Partitions that have no series of their own, because there are too many',
      () => Math.max(0, count(() => true)() - MAX_PARTITIONS),
    ),
    ...dialects.meter(`${prefix}isrshrinks`, 'Times that a replica fell out of sync', () => [
      ['', counters.isrShrinks],
    ]),
    ...dialects.meter(`${prefix}isrexpands`, 'Times that a replica came in sync', () => [['', counters.isrExpands]]),
    ...dialects.meter(`${prefix}failedisrupdates`, 'ISR changes that the controller did not make', () => [
      ['', counters.failedIsrUpdates],
    ]),
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

/**
 * DescribeLogDirs v0-4: the log directories of this broker, the replicas in them and their sizes (KIP-113).
 *
 * Behaviour: every directory is told of, also one with none of the wanted partitions. A directory that is out of
 * service is KAFKA_STORAGE_ERROR, without its replicas. Partitions that are not here are left out. offsetLag is by
 * how much a replica's log ends before its high watermark; replicas are never moved between directories, so
 * isFutureKey is false.
 * Versions: topics null means all. v3 adds the errorCode for the whole. v4 adds the size of the volume (KIP-827).
 */
import type { PartitionLog } from '../../log/partition-log.ts';
import { topicPartitionKey } from '../../model/topic-partition.ts';
import { Errors } from '../../protocol/errors.ts';
import { DescribeLogDirs } from '../../protocol/messages/35-describe-log-dirs.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import { handler } from '../handler.ts';

type DirectoryAnswer = ResponseOf<typeof DescribeLogDirs>['results'][number];
type TopicAnswer = DirectoryAnswer['topics'][number];

export const describeLogDirs = handler(DescribeLogDirs, { versions: '0-4' }, ({ broker: { logs } }, { topics }) => {
  const isWanted = wantedPartitions(topics);
  const logsByDirectory = Map.groupBy([...logs.all()].filter(isWanted), ({ directory }) => directory.path);
  const results = logs.directories.map(({ path, isOffline, totalBytes, usableBytes }): DirectoryAnswer => {
    if (isOffline) return { errorCode: Errors.KAFKA_STORAGE_ERROR, logDir: path, topics: [] };
    const found = topicsOf(logsByDirectory.get(path) ?? []);
    return { errorCode: Errors.NONE, logDir: path, topics: found, totalBytes, usableBytes };
  });
  return { errorCode: Errors.NONE, results };
});

function wantedPartitions(topics: RequestOf<typeof DescribeLogDirs>['topics']): (log: PartitionLog) => boolean {
  if (topics === null) return () => true;
  const wanted = new Set<string>();
  for (const { topic, partitions } of topics)
    for (const index of partitions) wanted.add(topicPartitionKey(topic, index));
  return (log) => wanted.has(log.name);
}

function topicsOf(logs: readonly PartitionLog[]): TopicAnswer[] {
  return [...Map.groupBy(logs, ({ topic }) => topic)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map((log) => ({
      partitionIndex: log.partition,
      partitionSize: log.sizeBytes,
      offsetLag: Math.max(log.highWatermark - log.logEndOffset, 0),
      isFutureKey: false,
    })),
  }));
}

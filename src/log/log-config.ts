/** @pure The part of a topic's configuration that its logs obey. */
import type { TopicConfig } from '../config/topic-config.ts';

export type LogConfig = Pick<
  TopicConfig,
  | 'cleanupPolicy'
  | 'compressionType'
  | 'deleteRetentionMs'
  | 'fileDeleteDelayMs'
  | 'flushMessages'
  | 'flushMs'
  | 'indexIntervalBytes'
  | 'maxCompactionLagMs'
  | 'maxMessageBytes'
  | 'messageTimestampAfterMaxMs'
  | 'messageTimestampBeforeMaxMs'
  | 'messageTimestampType'
  | 'minCleanableDirtyRatio'
  | 'minCompactionLagMs'
  | 'minInsyncReplicas'
  | 'recordValidation'
  | 'retentionBytes'
  | 'retentionMs'
  | 'segmentBytes'
  | 'segmentIndexBytes'
  | 'segmentJitterMs'
  | 'segmentMs'
>;

/** The age at which a segment is ended; a compacted one in time for max.compaction.lag.ms (Kafka's maxSegmentMs). */
export function segmentAgeLimitMs({ cleanupPolicy, maxCompactionLagMs, segmentMs }: LogConfig): number {
  return cleanupPolicy.includes('compact') ? Math.min(segmentMs, maxCompactionLagMs) : segmentMs;
}

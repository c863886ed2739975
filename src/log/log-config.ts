/** @pure The part of a topic's configuration that its logs obey. */
import type { TopicConfig } from '../config/topic-config.ts';

export type LogConfig = Pick<
  TopicConfig,
  | 'cleanupPolicy'
  | 'compressionType'
  | 'fileDeleteDelayMs'
  | 'flushMessages'
  | 'flushMs'
  | 'indexIntervalBytes'
  | 'maxMessageBytes'
  | 'messageTimestampAfterMaxMs'
  | 'messageTimestampBeforeMaxMs'
  | 'messageTimestampType'
  | 'minInsyncReplicas'
  | 'recordValidation'
  | 'segmentBytes'
  | 'segmentIndexBytes'
  | 'segmentJitterMs'
  | 'segmentMs'
>;

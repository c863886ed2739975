/** @pure The broker's keys about logs. Most are the default of a topic key of a similar name (see topic-config.ts). */
import {
  atLeast,
  between,
  bool,
  choice,
  choices,
  DOUBLE_MAX,
  double,
  int,
  LONG_MAX,
  long,
  string,
  type ConfigTable,
} from '../definition.ts';
import { COMPRESSION_LEVEL_KEYS } from './server-keys.ts';

export const COMPRESSION_TYPES = ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'] as const;
export const CLEANUP_POLICIES = ['compact', 'delete'] as const;
export const TIMESTAMP_TYPES = ['CreateTime', 'LogAppendTime'] as const;

/** `full` is what Kafka does; `header` believes what a batch with a right checksum says of itself (docs/adr/0005). */
export const RECORD_VALIDATIONS = ['header', 'full'] as const;

/** `3.0-IV1`, `0.10.2`, `2.8` … the number of a Kafka version; which one is of no consequence here. */
export const versionText = (text: string): string | null =>
  /^\d+\.\d+(\.\d+)*(-IV\d+)?$/.test(text) ? null : `Version ${text} is not a valid version`;

export const LOG_KEYS = {
  'log.dirs': string(null, 'Directories for the logs, separated by commas; else log.dir.'),
  'log.dir': string('/tmp/kafka-logs', 'The one directory for the logs when log.dirs is not set.'),
  'num.partitions': int(1, 'Partitions of a new topic when nobody says how many.', atLeast(1)),
  'auto.create.topics.enable': bool(true, 'Whether asking for a topic that does not exist creates it.'),
  'delete.topic.enable': bool(true, 'Whether topics can be deleted.'),
  'num.recovery.threads.per.data.dir': int(1, 'Logs of one directory recovered at the same time.', atLeast(1)),
  'log.dir.failure.timeout.ms': long(30000, 'Accepted for compatibility: of no meaning with ZooKeeper.', atLeast(1)),
  'log.initial.task.delay.ms': long(
    30000,
    'Accepted for compatibility: upkeep begins after its own pauses.',
    atLeast(0),
  ),

  'log.segment.bytes': int(1073741824, 'Size at which a segment is closed and a new one begun.', atLeast(14)),
  'log.roll.ms': long(null, 'Age at which a segment is closed; else log.roll.hours.'),
  'log.roll.hours': int(168, 'Age in hours at which a segment is closed.', atLeast(1)),
  'log.roll.jitter.ms': long(null, 'Random part taken off that age; else log.roll.jitter.hours.'),
  'log.roll.jitter.hours': int(0, 'Random part in hours taken off that age.', atLeast(0)),
  'log.segment.delete.delay.ms': long(60000, 'Pause between taking a file out of use and removing it.', atLeast(0)),
  'log.preallocate': bool(false, 'Accepted for compatibility: segments grow as they are written.'),
  'log.index.size.max.bytes': int(10485760, 'Largest size of an offset index.', atLeast(4)),
  'log.index.interval.bytes': int(4096, 'Bytes of log between two entries of an index.', atLeast(0)),

  'log.retention.ms': long(null, 'Age at which records may be removed, -1 never; else log.retention.minutes.'),
  'log.retention.minutes': int(null, 'The same in minutes; else log.retention.hours.'),
  'log.retention.hours': int(168, 'The same in hours.'),
  'log.retention.bytes': long(-1, 'Size of a partition above which its oldest segments go; -1 has no limit.'),
  'log.retention.check.interval.ms': long(300000, 'Pause between two looks for segments to remove.', atLeast(1)),
  'log.cleanup.policy': choices(CLEANUP_POLICIES, 'delete', 'What happens to old records: delete, compact or both.'),
  'log.local.retention.ms': long(-2, 'Age of records kept locally with remote storage.', atLeast(-2)),
  'log.local.retention.bytes': long(-2, 'Size kept locally with remote storage.', atLeast(-2)),

  'log.flush.interval.messages': long(LONG_MAX, 'Records after which a log is flushed to the device.', atLeast(1)),
  'log.flush.interval.ms': long(null, 'Age of unflushed records at which a log is flushed.'),
  'log.flush.scheduler.interval.ms': long(LONG_MAX, 'Pause between two looks for logs to flush.'),
  'log.flush.offset.checkpoint.interval.ms': int(60000, 'Pause between two recovery point checkpoints.', atLeast(0)),
  'log.flush.start.offset.checkpoint.interval.ms': int(60000, 'Pause between start offset checkpoints.', atLeast(0)),

  'log.cleaner.enable': bool(true, 'Whether compacted topics are compacted.'),
  'log.cleaner.threads': int(1, 'Threads that compact.', atLeast(0)),
  'log.cleaner.dedupe.buffer.size': long(134217728, 'Bytes for the map of keys while compacting.'),
  'log.cleaner.io.buffer.size': int(524288, 'Bytes for reading and writing while compacting.', atLeast(0)),
  'log.cleaner.io.buffer.load.factor': double('0.9', 'How full the map of keys may get.'),
  'log.cleaner.io.max.bytes.per.second': double(DOUBLE_MAX, 'Bytes per second that compaction may move.'),
  'log.cleaner.backoff.ms': long(15000, 'Pause when there is nothing to compact.', atLeast(0)),
  'log.cleaner.min.cleanable.ratio': double('0.5', 'Share of new bytes from which a log is compacted.', between(0, 1)),
  'log.cleaner.delete.retention.ms': long(86400000, 'How long the marks of deleted keys are kept.', atLeast(0)),
  'log.cleaner.min.compaction.lag.ms': long(0, 'Age that a record reaches before compaction touches it.', atLeast(0)),
  'log.cleaner.max.compaction.lag.ms': long(LONG_MAX, 'Age at which a record is due for compaction.', atLeast(1)),

  'log.record.validation': choice(
    RECORD_VALIDATIONS,
    'header',
    'Whether every record of a batch is looked at (full) or its header.',
  ),
  'compression.type': choice(COMPRESSION_TYPES, 'producer', 'Compression of stored batches; producer keeps them.'),
  ...COMPRESSION_LEVEL_KEYS,
  'log.message.timestamp.type': choice(TIMESTAMP_TYPES, 'CreateTime', 'Whose clock the timestamps of records show.'),
  'log.message.timestamp.difference.max.ms': long(LONG_MAX, 'Older name of the two limits below.', atLeast(0)),
  'log.message.timestamp.before.max.ms': long(LONG_MAX, 'How far a timestamp may lie in the past.', atLeast(0)),
  'log.message.timestamp.after.max.ms': long(LONG_MAX, 'How far a timestamp may lie in the future.', atLeast(0)),
  'log.message.downconversion.enable': bool(true, 'Accepted for compatibility: fetches from version 4 on need none.'),
  'log.message.format.version': string('3.0-IV1', 'Accepted for compatibility and ignored.', versionText),
} satisfies ConfigTable;

/** Logs on a disk for tests: a manager of one directory, a topic's configuration, batches. */
import type { Clock } from '../../src/lib/clock.ts';
import type { Disk } from '../../src/lib/disk.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import { LogManager, type LogManagerOptions } from '../../src/log/log-manager.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batches, RecordBatch } from '../../src/protocol/records/batch.ts';
import { buildBatch, type NewBatch } from '../../src/protocol/records/build.ts';
import { ManualClock } from './manual-clock.ts';

export const NEVER = Number.MAX_SAFE_INTEGER;

/** Kafka's defaults, but for what the test says. */
export function aLogConfig(overrides: Partial<LogConfig> = {}): LogConfig {
  return {
    cleanupPolicy: ['delete'],
    compressionType: 'producer',
    deleteRetentionMs: 86_400_000,
    fileDeleteDelayMs: 60_000,
    flushMessages: NEVER,
    flushMs: NEVER,
    indexIntervalBytes: 4096,
    maxCompactionLagMs: NEVER,
    maxMessageBytes: 1_048_588,
    messageTimestampAfterMaxMs: NEVER,
    messageTimestampBeforeMaxMs: NEVER,
    messageTimestampType: 'CreateTime',
    minCleanableDirtyRatio: 0.5,
    minCompactionLagMs: 0,
    minInsyncReplicas: 1,
    recordValidation: 'header',
    retentionBytes: -1,
    retentionMs: 604_800_000,
    segmentBytes: 1_073_741_824,
    segmentIndexBytes: 10_485_760,
    segmentJitterMs: 0,
    segmentMs: 604_800_000,
    ...overrides,
  };
}

/** Always the same numbers. */
export function seededInt(seed: number): (bound: number) => number {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  return (bound) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 374_761_393) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) % bound;
  };
}

export const LOG_DIR = '/data';

export interface ManagerParts {
  readonly disk: Disk;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly logDirs?: readonly string[];
}

export function managerOptions({ disk, clock, logger, logDirs }: ManagerParts): LogManagerOptions {
  const int = seededInt(1);
  return {
    disk,
    clock: clock ?? new ManualClock(2000),
    random: { int, bytes: (length) => Buffer.from(Array.from({ length }, () => int(256))) },
    logger: logger ?? silentLogger,
    config: {
      logDirs: logDirs ?? [LOG_DIR],
      numRecoveryThreadsPerDataDir: 2,
      producerIdExpirationMs: 86_400_000,
      logCleanerBackoffMs: 15_000,
      logCleanerDedupeBufferSize: 1_048_576,
      logCleanerEnable: false,
      logCleanerIoBufferLoadFactor: 0.9,
      logCleanerIoBufferSize: 524_288,
      logCleanerIoMaxBytesPerSecond: NEVER,
      logCleanerThreads: 1,
      logFlushOffsetCheckpointIntervalMs: 60_000,
      logFlushSchedulerIntervalMs: 1_000,
      logFlushStartOffsetCheckpointIntervalMs: 60_000,
      logRetentionCheckIntervalMs: 300_000,
      producerIdExpirationCheckIntervalMs: 600_000,
      replicaHighWatermarkCheckpointIntervalMs: 5_000,
    },
  };
}

/** A manager that has claimed and loaded its directories. */
export async function loadManager(parts: ManagerParts, config = aLogConfig()): Promise<LogManager> {
  const manager = LogManager.open(managerOptions(parts));
  manager.claim('cluster', 1);
  await manager.load(() => config);
  return manager;
}

export const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

export function createLog(manager: LogManager, config = aLogConfig(), topic = 't', partition = 0): PartitionLog {
  return manager.getOrCreate(topic, partition, TOPIC_ID, config, { isNew: true });
}

export interface BatchWishes extends Partial<NewBatch> {
  readonly values?: readonly string[];
  readonly timestampMs?: number;
}

/** A batch as a producer sends it: offsets from 0, no epoch. */
export function aBatch({ values = ['v'], timestampMs = 1000, ...rest }: BatchWishes = {}): Buffer {
  const records = values.map((value) => ({ key: null, value: Buffer.from(value), timestampMs }));
  return buildBatch({ records, ...rest });
}

/** A batch as a leader has it in its log. */
export function aStoredBatch(baseOffset: number, leaderEpoch: number, wishes: BatchWishes = {}): Buffer {
  return aBatch({ ...wishes, baseOffset, partitionLeaderEpoch: leaderEpoch });
}

/** All whole batches that a reader gets, from the offset on, as many reads as that takes. */
export async function readBatches(
  log: PartitionLog,
  startOffset = log.logStartOffset,
  { endOffset = log.logEndOffset, maxBytes = 1_048_576 } = {},
): Promise<RecordBatch[]> {
  const found: RecordBatch[] = [];
  let offset = startOffset;
  for (;;) {
    const slice = log.read(offset, { maxBytes, endOffset, minOneBatch: true });
    const source = await slice.load();
    const bytes = Buffer.alloc(source.sizeBytes);
    source.copyInto(bytes, 0);
    const whole = [...batches(bytes)];
    if (whole.length === 0) return found;
    found.push(...whole);
    offset = whole.at(-1)!.nextOffset;
  }
}

/** The bytes of a batch without what the leader writes into it: for comparing what was sent with what was stored. */
export function bodyOf(batch: RecordBatch | Buffer): string {
  const bytes = Buffer.isBuffer(batch) ? batch : batch.toBuffer();
  return bytes.subarray(21).toString('hex');
}

export { RecordBatch };

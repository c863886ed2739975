/**
 * Compacts the logs whose cleanup.policy has `compact`, one after the other, always the one with the largest share of
 * dirty bytes (Kafka's LogCleaner), and removes their old segments in between.
 *
 * A log whose compaction fails by something else than the disk is set aside until the next start, and said so; the
 * others go on. A failure of the disk takes its directory out of service, as everywhere.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { CleanerPace } from './cleaner-pace.ts';
import { CompactionAbortedError, type CompactionResult, compactLog } from './compaction.ts';
import { type CompactionPlan, planCompaction } from './compaction-plan.ts';
import { CleanerCounters } from './log-counters.ts';
import type { PartitionLog } from './partition-log.ts';

export type CleanerConfig = Pick<
  BrokerConfig,
  | 'logCleanerBackoffMs'
  | 'logCleanerDedupeBufferSize'
  | 'logCleanerEnable'
  | 'logCleanerIoBufferLoadFactor'
  | 'logCleanerIoBufferSize'
  | 'logCleanerIoMaxBytesPerSecond'
  | 'logCleanerThreads'
>;

export interface LogCleanerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: CleanerConfig;
  readonly logs: () => Iterable<PartitionLog>;
}

interface Cleanable {
  readonly log: PartitionLog;
  readonly plan: CompactionPlan;
}

export class LogCleaner {
  readonly #options: LogCleanerOptions;
  readonly #pace: CleanerPace;
  readonly counters = new CleanerCounters();
  readonly #uncleanable = new WeakSet<PartitionLog>();
  #backoffMs: number;
  #loop: Promise<void> | null = null;

  constructor(options: LogCleanerOptions) {
    this.#options = options;
    this.#pace = new CleanerPace(options.clock, options.config.logCleanerIoMaxBytesPerSecond);
    this.#backoffMs = options.config.logCleanerBackoffMs;
  }

  /** Whether the log's old segments are this cleaner's to remove. */
  isInCharge(log: PartitionLog): boolean {
    return this.#loop !== null && isCompacted(log);
  }

  /** Its compaction failed; it is left as it is. */
  isUncleanable(log: PartitionLog): boolean {
    return this.#uncleanable.has(log);
  }

  start(): void {
    // What is stored for the broker was read since this was made.
    this.onConfigChanged();
    const { logCleanerEnable, logCleanerThreads } = this.#options.config;
    if (logCleanerEnable && logCleanerThreads > 0) this.#loop ??= this.#run();
  }

  /** The pace may be another one, and the pause between two rounds shorter than the one that is under way. */
  onConfigChanged(): void {
    const { logCleanerIoMaxBytesPerSecond, logCleanerBackoffMs } = this.#options.config;
    this.#pace.setBytesPerSecond(logCleanerIoMaxBytesPerSecond);
    if (logCleanerBackoffMs !== this.#backoffMs) this.#pace.endPause();
    this.#backoffMs = logCleanerBackoffMs;
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#pace.stop();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { config } = this.#options;
    while (!this.#pace.isStopped) {
      const hasCleaned = await this.cleanFilthiest();
      await this.#deleteOldSegments();
      if (!hasCleaned) await this.#pace.pause(config.logCleanerBackoffMs);
    }
  }

  /** Compacts the log that needs it most. False when there is none, or it could not be done. */
  async cleanFilthiest(): Promise<boolean> {
    const filthiest = await this.#findFilthiest();
    if (filthiest === null) return false;
    const { log, plan } = filthiest;
    const { clock, logger, config } = this.#options;
    const startMs = clock.monotonicMs();
    logger.info(
      `Cleaner 0: Beginning cleaning of log ${log.name}: offsets ${plan.firstDirtyOffset} to ${plan.endOffset}`,
    );
    try {
      const result = await compactLog(log, plan, this.#pace, {
        mapBytes: config.logCleanerDedupeBufferSize,
        mapLoadFactor: config.logCleanerIoBufferLoadFactor,
        pieceBytes: config.logCleanerIoBufferSize / 2,
      });
      const { endOffset } = result;
      if (!log.isOffline) await log.checkpoints.cleaner.onCleaned(log, Math.min(endOffset, log.logEndOffset));
      this.#report(log, plan, result, clock.monotonicMs() - startMs);
      return true;
    } catch (error) {
      this.#onFailed(log, error);
      return false;
    }
  }

  async #findFilthiest(): Promise<Cleanable | null> {
    let filthiest: Cleanable | null = null;
    let maxDirtyRatio = 0;
    for (const log of this.#options.logs()) {
      if (this.#pace.isStopped) return null;
      if (log.isOffline || !isCompacted(log) || this.#uncleanable.has(log)) continue;
      try {
        const plan = planCompaction(log, log.checkpoints.cleaner.offsetOf(log), this.#options.clock.nowMs());
        maxDirtyRatio = Math.max(maxDirtyRatio, plan.dirtyRatio);
        if (plan.isDue && (filthiest === null || plan.dirtyRatio > filthiest.plan.dirtyRatio))
          filthiest = { log, plan };
      } catch (error) {
        this.#onFailed(log, error);
      }
      if (this.#pace.isSliceOver) await this.#pace.whenOthersWorked();
    }
    this.counters.maxDirtyPercent = 100 * maxDirtyRatio;
    return filthiest !== null && !filthiest.log.isOffline ? filthiest : null;
  }

  async #deleteOldSegments(): Promise<void> {
    const { clock, logger } = this.#options;
    for (const log of this.#options.logs()) {
      if (this.#pace.isStopped) return;
      if (log.isOffline || !isCompacted(log)) continue;
      try {
        log.deleteOldSegments(clock.nowMs());
      } catch (error) {
        logger.warn(`Cleaner 0: could not remove old segments of ${log.name}`, error);
      }
      if (this.#pace.isSliceOver) await this.#pace.whenOthersWorked();
    }
  }

  #onFailed(log: PartitionLog, error: unknown): void {
    const { logger } = this.#options;
    if (error instanceof CompactionAbortedError)
      logger.info(`Cleaner 0: the cleaning of log ${log.name} is given up: ${error.message}`);
    else if (log.isOffline) logger.info(`Cleaner 0: log ${log.name} went out of service while it was cleaned`);
    else {
      this.#uncleanable.add(log);
      this.counters.uncleanablePartitions++;
      logger.error(
        `Cleaner 0: Unexpected exception thrown when cleaning log ${log.name} in dir ${log.directory.path}. Marking ` +
          `its partition as uncleanable`,
        error,
      );
    }
  }

  #report(log: PartitionLog, plan: CompactionPlan, result: CompactionResult, durationMs: number): void {
    const { stats, endOffset, mapUtilization } = result;
    const { logger, clock } = this.#options;
    this.counters.recopyPercent = stats.bytesRead === 0 ? 0 : (100 * stats.bytesWritten) / stats.bytesRead;
    this.counters.lastCleanSeconds = durationMs / 1000;
    this.counters.lastCleanMs = clock.monotonicMs();
    this.counters.maxBufferUtilizationPercent = 100 * mapUtilization;
    const percent = stats.bytesRead === 0 ? 0 : (100 * (stats.bytesRead - stats.bytesWritten)) / stats.bytesRead;
    logger.info(
      `Cleaner 0: Cleaned log ${log.name} (dirty section = [${plan.firstDirtyOffset}, ${endOffset}]) in ` +
        `${(durationMs / 1000).toFixed(1)} seconds: ${stats.bytesRead} bytes (${stats.recordsRead} records) became ` +
        `${stats.bytesWritten} (${stats.recordsWritten}), ${percent.toFixed(1)}% less; buffer utilization ` +
        `${(100 * mapUtilization).toFixed(1)}%`,
    );
    if (stats.keylessRecords > 0)
      logger.warn(`Cleaner 0: Found ${stats.keylessRecords} records without a key in ${log.name}: they were removed`);
  }
}

function isCompacted(log: PartitionLog): boolean {
  return log.config.cleanupPolicy.includes('compact');
}

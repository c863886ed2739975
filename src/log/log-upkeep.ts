/** What is done to all logs from time to time (the schedules of Kafka's LogManager). */
import type { BrokerConfig } from '../config/broker-config.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { DirectoryCheckpoints } from './directory-checkpoints.ts';
import type { LogDirectory } from './log-directory.ts';
import type { PartitionLog } from './partition-log.ts';

export type LogUpkeepConfig = Pick<
  BrokerConfig,
  | 'logFlushOffsetCheckpointIntervalMs'
  | 'logFlushSchedulerIntervalMs'
  | 'logFlushStartOffsetCheckpointIntervalMs'
  | 'logRetentionCheckIntervalMs'
  | 'producerIdExpirationCheckIntervalMs'
  | 'replicaHighWatermarkCheckpointIntervalMs'
>;

export interface UpkeptLogs {
  readonly clock: Clock;
  all(): Iterable<PartitionLog>;
  liveDirectories(): Iterable<{ directory: LogDirectory; checkpoints: DirectoryCheckpoints }>;
  /** The cleaner removes the old segments of compacted logs, when it does not work on them. */
  isCleaners(log: PartitionLog): boolean;
  warn(what: string, error: unknown): void;
}

export class LogUpkeep {
  readonly #logs: UpkeptLogs;
  readonly #timers = new Map<string, Timer>();
  #isStopped = false;

  constructor(logs: UpkeptLogs, config: LogUpkeepConfig) {
    this.#logs = logs;
    const { clock } = logs;
    this.#every('high watermark checkpoint', config.replicaHighWatermarkCheckpointIntervalMs, () =>
      this.#checkpoint((checkpoints) => checkpoints.whenHighWatermarksWritten()),
    );
    this.#every('recovery point checkpoint', config.logFlushOffsetCheckpointIntervalMs, () => {
      this.#each((log) => log.maybeWriteIndexes());
      return this.#checkpoint((checkpoints) => checkpoints.whenRecoveryPointsWritten());
    });
    this.#every('log start offset checkpoint', config.logFlushStartOffsetCheckpointIntervalMs, () =>
      this.#checkpoint((checkpoints) => checkpoints.whenLogStartOffsetsWritten()),
    );
    this.#every('log flush', config.logFlushSchedulerIntervalMs, () =>
      this.#each((log) => log.maybeFlush(clock.monotonicMs())),
    );
    this.#every('log cleanup', config.logRetentionCheckIntervalMs, () =>
      this.#each((log) => {
        log.maybeRoll(clock.nowMs());
        if (!this.#logs.isCleaners(log)) log.deleteOldSegments(clock.nowMs());
      }),
    );
    this.#every('producer expiration', config.producerIdExpirationCheckIntervalMs, () =>
      this.#each((log) => log.removeExpiredProducers(clock.nowMs())),
    );
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }

  #every(what: string, intervalMs: number, job: () => void | Promise<void>): void {
    const run = async (): Promise<void> => {
      try {
        await job();
      } catch (error) {
        this.#logs.warn(`The ${what} failed`, error);
      }
      if (!this.#isStopped) this.#every(what, intervalMs, job);
    };
    this.#timers.set(
      what,
      this.#logs.clock.schedule(Math.max(intervalMs, 1), () => void run()),
    );
  }

  #each(job: (log: PartitionLog) => void): void {
    for (const log of this.#logs.all()) {
      if (log.isOffline) continue;
      try {
        job(log);
      } catch (error) {
        this.#logs.warn(`The upkeep of ${log.name} failed`, error);
      }
    }
  }

  async #checkpoint(write: (checkpoints: DirectoryCheckpoints) => Promise<void>): Promise<void> {
    for (const { directory, checkpoints } of this.#logs.liveDirectories()) {
      try {
        await write(checkpoints);
      } catch (error) {
        this.#logs.warn(`A checkpoint of ${directory.path} failed`, error);
      }
    }
  }
}

/**
 * Loads the logs of one directory at start: in order as they were left, or recovered, a few at a time. A disk error
 * takes the directory out of service; damage in one log, or in its topic's configuration, is remembered for that log
 * alone.
 */
import * as path from 'node:path';
import { KafkaError } from '../protocol/errors.ts';
import {
  CheckpointFormatError,
  CLEANER_OFFSET_CHECKPOINT,
  decodeOffsets,
  HIGH_WATERMARK_CHECKPOINT,
  LOG_START_OFFSET_CHECKPOINT,
  type OffsetEntry,
  RECOVERY_POINT_CHECKPOINT,
} from './checkpoint-file.ts';
import { takeCleanShutdown } from './clean-shutdown.ts';
import { DirectoryCheckpoints } from './directory-checkpoints.ts';
import type { LogConfig } from './log-config.ts';
import type { LogDirectory } from './log-directory.ts';
import { damageError } from './log-guard.ts';
import { LogStore } from './log-store.ts';
import { parsePartitionDirectory } from './partition-directory.ts';
import { PartitionLog } from './partition-log.ts';
import { recoverLog } from './recovery.ts';
import { DamagedLogError } from './segment.ts';

export interface DamagedLog {
  readonly topic: string;
  readonly partition: number;
  readonly error: KafkaError;
}

export interface LoadedDirectory {
  readonly checkpoints: DirectoryCheckpoints;
  readonly logs: readonly PartitionLog[];
  readonly damaged: readonly DamagedLog[];
  /** Directories of partitions that were deleted, to be removed. */
  readonly deleted: readonly string[];
}

export interface LoadOptions {
  /** An error when nobody can tell: with settings that are only guessed its logs might lose what is to be kept. */
  readonly configFor: (topic: string) => LogConfig | Error;
  /** Logs that are loaded at the same time. */
  readonly concurrency: number;
}

interface Found {
  readonly topic: string;
  readonly partition: number;
  readonly path: string;
}

export function loadDirectory(directory: LogDirectory, options: LoadOptions): Promise<LoadedDirectory> {
  return directory.whenGuarded('Error while loading log dir', () => new DirectoryLoader(directory, options).run());
}

class DirectoryLoader {
  readonly #directory: LogDirectory;
  readonly #options: LoadOptions;
  readonly #wasClosedInOrder: boolean;
  readonly #recoveryPoints: ReadonlyMap<string, OffsetEntry>;
  readonly #highWatermarks: ReadonlyMap<string, OffsetEntry>;
  readonly #logStartOffsets: ReadonlyMap<string, OffsetEntry>;
  readonly #loaded: ((checkpoints: DirectoryCheckpoints) => PartitionLog)[] = [];
  readonly #damaged: DamagedLog[] = [];

  constructor(directory: LogDirectory, options: LoadOptions) {
    this.#directory = directory;
    this.#options = options;
    this.#wasClosedInOrder = takeCleanShutdown(directory.services.disk, directory.path);
    this.#recoveryPoints = this.#readCheckpoint(RECOVERY_POINT_CHECKPOINT);
    this.#highWatermarks = this.#readCheckpoint(HIGH_WATERMARK_CHECKPOINT);
    this.#logStartOffsets = this.#readCheckpoint(LOG_START_OFFSET_CHECKPOINT);
  }

  async run(): Promise<LoadedDirectory> {
    const { logger, clock } = this.#directory.services;
    const { found, deleted } = this.#findPartitions();
    const how = this.#wasClosedInOrder ? 'Skipping recovery of' : 'Recovering';
    const because = this.#wasClosedInOrder
      ? 'since clean shutdown file was found'
      : 'since no clean shutdown file was found';
    if (found.length === 0) logger.info(`No logs found to be loaded in ${this.#directory.path}`);
    else logger.info(`${how} ${found.length} logs from ${this.#directory.path} ${because}`);
    const waiting = [...found].reverse();
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        await this.#load(next, found.length);
        // Let the sessions of the broker breathe.
        await new Promise<void>((resolve) => clock.soon(resolve));
      }
    };
    await Promise.all(Array.from({ length: this.#options.concurrency }, work));
    return this.#finish(found, deleted);
  }

  #finish(found: readonly Found[], deleted: readonly string[]): LoadedDirectory {
    const isFound = new Set(found.map(({ topic, partition }) => `${topic}-${partition}`));
    const isDamaged = new Set(this.#damaged.map(({ topic, partition }) => `${topic}-${partition}`));
    const kept = (entries: ReadonlyMap<string, OffsetEntry>): OffsetEntry[] =>
      [...entries].filter(([name]) => isDamaged.has(name)).map(([, entry]) => entry);
    const cleaned = this.#readCheckpoint(CLEANER_OFFSET_CHECKPOINT);
    const checkpoints = new DirectoryCheckpoints(this.#directory, {
      recoveryPoints: kept(this.#recoveryPoints),
      highWatermarks: kept(this.#highWatermarks),
      logStartOffsets: kept(this.#logStartOffsets),
      cleanedOffsets: found.flatMap(({ topic, partition }) => cleaned.get(`${topic}-${partition}`) ?? []),
      formerNames: [...this.#recoveryPoints, ...this.#highWatermarks, ...this.#logStartOffsets]
        .map(([name]) => name)
        .filter((name) => !isFound.has(name)),
    });
    const logs = this.#loaded.map((make) => make(checkpoints));
    // The end may have been lost with what was clean there.
    for (const log of logs) checkpoints.cleaner.onTruncated(log, log.logEndOffset);
    return { checkpoints, logs, damaged: this.#damaged, deleted };
  }

  #findPartitions(): { found: Found[]; deleted: string[] } {
    const { disk, logger } = this.#directory.services;
    const found: Found[] = [];
    const deleted: string[] = [];
    for (const { name, isDirectory } of disk.list(this.#directory.path)) {
      if (!isDirectory) continue;
      const parsed = parsePartitionDirectory(name);
      const full = path.join(this.#directory.path, name);
      if (parsed === null)
        logger.warn(`Found directory ${full}, '${name}' is not in the form of topic-partition: it is left alone`);
      else if (parsed.mark === 'delete') deleted.push(full);
      else if (parsed.mark !== 'none') logger.warn(`Found ${parsed.mark} log ${full}: it is left alone`);
      else found.push({ topic: parsed.topic, partition: parsed.partition, path: full });
    }
    return { found, deleted };
  }

  async #load(found: Found, total: number): Promise<void> {
    const { services } = this.#directory;
    const { topic, partition } = found;
    const name = `${topic}-${partition}`;
    const startMs = services.clock.monotonicMs();
    const config = this.#options.configFor(topic);
    if (config instanceof Error) return this.#leaveOut(found, config);
    try {
      const recovered = await recoverLog(services, {
        ...found,
        config,
        wasClosedInOrder: this.#wasClosedInOrder,
        recoveryPoint: this.#recoveryPoints.get(name)?.offset ?? 0,
        logStartOffset: this.#logStartOffsets.get(name)?.offset ?? 0,
      });
      const { logStartOffset, recoveryPoint } = recovered;
      const highWatermark = this.#highWatermarks.get(name)?.offset ?? 0;
      this.#loaded.push((checkpoints) => {
        const store = new LogStore(recovered.parts, this.#directory);
        const offsets = { logStartOffset, recoveryPoint, highWatermark };
        const log = new PartitionLog(found, this.#directory, checkpoints, store, recovered.epochs, offsets);
        if (recovered.areEpochsDirty) checkpoints.onEpochsChanged(log);
        return log;
      });
      const { segments, logEndOffset } = recovered.parts;
      services.logger.info(
        `Completed load of Log(dir=${found.path}, topic=${topic}, partition=${partition}) with ` +
          `${segments.all.length} segments, ` +
          `log-start-offset ${logStartOffset} and log-end-offset ${logEndOffset} in ` +
          `${Math.round(services.clock.monotonicMs() - startMs)}ms (${this.#loaded.length}/${total} completed in ` +
          `${this.#directory.path})`,
      );
    } catch (error) {
      if (!(error instanceof DamagedLogError)) throw error;
      const failure = damageError(name, error);
      services.logger.error(failure.message, error);
      this.#damaged.push({ topic, partition, error: failure });
    }
  }

  /** It stays on the disk as it is. */
  #leaveOut({ topic, partition, path: logPath }: Found, reason: Error): void {
    const failure = new KafkaError(
      'KAFKA_STORAGE_ERROR',
      `The log in ${logPath} is left out, because the configuration of topic ${topic} cannot be understood. Correct ` +
        'the configuration and start this broker again.',
      { cause: reason },
    );
    this.#directory.services.logger.error(`${failure.message} ${reason.message}`);
    this.#damaged.push({ topic, partition, error: failure });
  }

  /** A damaged checkpoint costs time, not data: without it everything is checked from the start. */
  #readCheckpoint(name: string): Map<string, OffsetEntry> {
    const { disk, logger } = this.#directory.services;
    const file = path.join(this.#directory.path, name);
    if (!disk.exists(file)) return new Map();
    try {
      const entries = decodeOffsets(disk.readFile(file).toString('utf8'));
      return new Map(entries.map((entry) => [`${entry.topic}-${entry.partition}`, entry]));
    } catch (error) {
      if (!(error instanceof CheckpointFormatError)) throw error;
      logger.warn(`Error occurred while reading ${name} of directory ${this.#directory.path}: it is ignored`, error);
      return new Map();
    }
  }
}

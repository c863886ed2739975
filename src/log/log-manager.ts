/**
 * All logs of the broker, in all directories of log.dirs (Kafka's LogManager). Life: open() takes the directories for
 * this process and reads whose they are; claim() makes sure that they are ours; load() opens or recovers what is in
 * them; close() leaves them so that the next start needs no recovery.
 *
 * A directory that fails goes out of service, with its logs, at once; the others go on.
 */
import * as path from 'node:path';
import type { BrokerConfig } from '../config/broker-config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Disk } from '../lib/disk.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { type TopicId, topicPartitionKey } from '../model/topic-partition.ts';
import { KafkaError } from '../protocol/errors.ts';
import { markCleanShutdown } from './clean-shutdown.ts';
import type { DirectoryCheckpoints } from './directory-checkpoints.ts';
import { type LoadedDirectory, loadDirectory } from './directory-loading.ts';
import { type OpenedDirectory, openDirectory } from './directory-opening.ts';
import { AppendedBytes } from './heat.ts';
import { IndexCache } from './index-cache.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import { type CleanerConfig, LogCleaner } from './log-cleaner.ts';
import type { LogConfig } from './log-config.ts';
import type { LogDirectory, LogDirectoryListener, LogServices } from './log-directory.ts';
import { type CleanerCounters, LogCounters } from './log-counters.ts';
import { LogStore } from './log-store.ts';
import { LogUpkeep, type LogUpkeepConfig } from './log-upkeep.ts';
import {
  checkMetaProperties,
  encodeMetaProperties,
  InconsistentDirectoryError,
  META_PROPERTIES,
} from './meta-properties.ts';
import { OpenFiles } from './open-files.ts';
import { markedDirectoryName, partitionDirectoryName } from './partition-directory.ts';
import { PartitionLog } from './partition-log.ts';

export interface LogManagerOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: LogUpkeepConfig &
    CleanerConfig &
    Pick<BrokerConfig, 'logDirs' | 'numRecoveryThreadsPerDataDir' | 'producerIdExpirationMs'>;
}

/** Logs that went out of service. */
export interface OfflineEvent {
  readonly directory: string;
  readonly logs: readonly PartitionLog[];
  readonly error: KafkaError;
  /** Only these logs are damaged; the directory goes on. */
  readonly isDirectoryOnline: boolean;
  /** No directory is left: the broker has to stop. */
  readonly isLast: boolean;
}

export interface LogDirectoryInfo {
  readonly path: string;
  readonly isOffline: boolean;
  readonly clusterId: string | null;
  readonly brokerId: number | null;
  /** -1 when the directory is out of service. */
  readonly totalBytes: number;
  readonly usableBytes: number;
}

/** No directory of log.dirs can be used. */
export class NoLogDirectoryError extends Error {
  override readonly name = 'NoLogDirectoryError';
}

interface LoadedDirectoryRef {
  readonly directory: LogDirectory;
  readonly checkpoints: DirectoryCheckpoints;
}

interface Managed extends OpenedDirectory {
  /** Once it is loaded. */
  checkpoints?: DirectoryCheckpoints;
  /** Logs there were found damaged, so it may not be left as one that needs no look. */
  hasDamage?: boolean;
}

export class LogManager {
  readonly #options: LogManagerOptions;
  readonly #services: LogServices;
  readonly counters = new LogCounters();
  readonly #managed: Managed[] = [];
  readonly #listener: LogDirectoryListener = {
    onDirectoryFailed: (directory, error) => this.#onDirectoryFailed(directory, error),
    onLogFailed: (log, error) => this.#tell(log.directory, [log], error),
  };
  readonly #logs = new Map<string, PartitionLog>();
  /** Logs that were found damaged when they were loaded. */
  readonly #damaged = new Map<string, KafkaError>();
  readonly #offlineHandlers: ((event: OfflineEvent) => void)[] = [];
  #upkeep: LogUpkeep | null = null;
  readonly #cleaner: LogCleaner;

  /**
   * Throws DirectoryInUseError, NoLogDirectoryError, and InconsistentDirectoryError when one holds foreign data.
   */
  static open(options: LogManagerOptions): LogManager {
    const manager = new LogManager(options);
    try {
      for (const directory of options.config.logDirs)
        manager.#managed.push(openDirectory(path.resolve(directory), manager.#services, manager.#listener));
      manager.#assertSomeDirectory();
    } catch (error) {
      manager.#unlock();
      throw error;
    }
    return manager;
  }

  private constructor(options: LogManagerOptions) {
    this.#options = options;
    const { disk, clock, random, logger, config } = options;
    this.#cleaner = new LogCleaner({
      clock,
      logger: logger.named('kafka.log.LogCleaner'),
      config,
      logs: () => this.all(),
    });
    this.#services = {
      disk,
      clock,
      random,
      logger,
      openFiles: new OpenFiles(disk),
      indexCache: new IndexCache(),
      appendedBytes: new AppendedBytes(),
      counters: this.counters,
      get producerIdExpirationMs() {
        return config.producerIdExpirationMs;
      },
    };
  }

  #assertSomeDirectory(): void {
    if (this.#managed.every(({ directory }) => directory.isOffline))
      throw new NoLogDirectoryError(
        `Shutdown broker because none of the specified log dirs from ${this.#options.config.logDirs.join(', ')} ` +
          'can be created or validated',
      );
  }

  /** The broker id that the directories remember; null when they are new. */
  get storedBrokerId(): number | null {
    for (const { meta } of this.#managed) if (meta?.brokerId != null) return meta.brokerId;
    return null;
  }

  /**
   * Throws InconsistentDirectoryError when a directory belongs to another cluster or, if that is configured, another
   * broker.
   */
  check(clusterId: string, brokerId: number | null): void {
    const stored = this.#managed.flatMap(({ directory, meta }) =>
      meta === null ? [] : [[path.join(directory.path, META_PROPERTIES), meta] as const],
    );
    checkMetaProperties(new Map(stored), clusterId, brokerId);
  }

  /** Checks as above, and writes into every directory whose it is from now on. */
  claim(clusterId: string, brokerId: number): void {
    this.check(clusterId, brokerId);
    for (const managed of this.#managed) {
      const { directory, meta } = managed;
      if (directory.isOffline || (meta?.clusterId === clusterId && meta.brokerId === brokerId)) continue;
      const next = { clusterId, brokerId };
      try {
        directory.guard('Error while writing meta.properties', () =>
          this.#services.disk.replaceFile(path.join(directory.path, META_PROPERTIES), encodeMetaProperties(next)),
        );
        managed.meta = next;
      } catch (error) {
        this.#options.logger.error(`Could not claim ${directory.path}`, error);
      }
    }
    this.#assertSomeDirectory();
  }

  /**
   * Opens all logs that are there, recovering those that were not closed in order, and begins the upkeep. Logs of a
   * topic for which `configFor` has only an error are as good as damaged.
   */
  async load(configFor: (topic: string) => LogConfig | Error): Promise<void> {
    const { clock, logger, config } = this.#options;
    const startMs = clock.monotonicMs();
    const live = this.#managed.filter(({ directory }) => !directory.isOffline);
    logger.info(`Loading logs from log dirs ${live.map(({ directory }) => directory.path).join(', ')}`);
    await Promise.all(
      live.map(async (managed) => {
        try {
          const options = { configFor, concurrency: config.numRecoveryThreadsPerDataDir };
          this.#adopt(managed, await loadDirectory(managed.directory, options));
        } catch (error) {
          if (!managed.directory.isOffline) throw error;
          logger.error(`Error while loading log dir ${managed.directory.path}`, error);
        }
      }),
    );
    this.#assertSomeDirectory();
    logger.info(`Loaded ${this.#logs.size} logs in ${Math.round(clock.monotonicMs() - startMs)}ms`);
    this.#upkeep = new LogUpkeep(
      {
        clock,
        all: () => this.all(),
        liveDirectories: () => this.#loadedDirectories(),
        isCleaners: (log) => this.#cleaner.isInCharge(log),
        warn: (what, error) => logger.warn(what, error),
      },
      config,
    );
    this.#cleaner.start();
  }

  #adopt(managed: Managed, loaded: LoadedDirectory): void {
    managed.checkpoints = loaded.checkpoints;
    for (const log of loaded.logs) {
      const other = this.#logs.get(log.name);
      if (other !== undefined)
        throw new InconsistentDirectoryError(
          `Duplicate log directories for ${log.name} are found in both ${log.path} and ${other.path}. Recover ` +
            `broker from this ` +
            'failure by manually deleting one of the two directories for this partition. It is recommended to ' +
            'delete the ' +
            'partition in the log directory that is known to have failed recently.',
        );
      this.#logs.set(log.name, log);
      // What was recovered may be in the page cache alone.
      if (log.recoveryPoint < log.logEndOffset) log.requestFlush();
    }
    managed.hasDamage = loaded.damaged.length > 0;
    for (const { topic, partition, error } of loaded.damaged)
      this.#damaged.set(topicPartitionKey(topic, partition), error);
    for (const directory of loaded.deleted) this.#removeLater(managed.directory, directory, 0);
  }

  *#loadedDirectories(): Generator<LoadedDirectoryRef> {
    for (const { directory, checkpoints } of this.#managed)
      if (checkpoints !== undefined && !directory.isOffline) yield { directory, checkpoints };
  }

  /** Undefined when there is no such log. It may be out of service: see `isOffline`. */
  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(topicPartitionKey(topic, partition));
  }

  all(): Iterable<PartitionLog> {
    return this.#logs.values();
  }

  /** Why the log cannot be used, when it was found damaged at start; null when it was not. */
  damageOf(topic: string, partition: number): KafkaError | null {
    return this.#damaged.get(topicPartitionKey(topic, partition)) ?? null;
  }

  /**
   * The log of the partition, made when there is none, in the directory that has the fewest. Throws KAFKA_STORAGE_ERROR
   * when the log is out of service, or might lie in a directory that is (`isNew`: the partition never had one), and
   * INCONSISTENT_TOPIC_ID when it belongs to an earlier topic of that name.
   */
  getOrCreate(
    topic: string,
    partition: number,
    topicId: TopicId,
    config: LogConfig,
    { isNew = false }: { isNew?: boolean } = {},
  ): PartitionLog {
    const key = topicPartitionKey(topic, partition);
    const damage = this.#damaged.get(key);
    if (damage !== undefined) throw damage;
    const log = this.#logs.get(key) ?? this.#create(topic, partition, config, isNew);
    if (log.failure !== null) throw log.failure;
    log.assignTopicId(topicId);
    return log;
  }

  #create(topic: string, partition: number, config: LogConfig, isNew: boolean): PartitionLog {
    const name = topicPartitionKey(topic, partition);
    const offline = this.#managed.filter(({ directory }) => directory.isOffline);
    if (!isNew && offline.length > 0)
      throw new KafkaError(
        'KAFKA_STORAGE_ERROR',
        `Can not create log for ${name} because log directories ` +
          `${offline.map((each) => each.directory.path).join(',')} are offline`,
      );
    const target = this.#emptiest();
    if (target === null) throw new KafkaError('KAFKA_STORAGE_ERROR', `No log directories available for ${name}`);
    const { directory, checkpoints } = target;
    const logPath = path.join(directory.path, partitionDirectoryName(topic, partition));
    const log = directory.guard(`Error while creating log for ${name}`, () => {
      checkpoints.onCreating(topic, partition);
      this.#services.disk.makeDirectory(logPath);
      const store = LogStore.create({ topic, partition, path: logPath, config }, directory);
      const offsets = { logStartOffset: 0, recoveryPoint: 0, highWatermark: 0 };
      return new PartitionLog({ topic, partition }, directory, checkpoints, store, new LeaderEpochs(), offsets);
    });
    this.#logs.set(name, log);
    this.#options.logger.info(`Created log for partition ${name} in ${log.path}`);
    return log;
  }

  #emptiest(): LoadedDirectoryRef | null {
    const counts = new Map<LogDirectory, number>();
    if (this.#managed.length > 1)
      for (const { directory } of this.#logs.values()) counts.set(directory, (counts.get(directory) ?? 0) + 1);
    const count = (each: { directory: LogDirectory }): number => counts.get(each.directory) ?? 0;
    return [...this.#loadedDirectories()].reduce<LoadedDirectoryRef | null>(
      (best, each) => (best === null || count(each) < count(best) ? each : best),
      null,
    );
  }

  /**
   * Gives the log up: its directory loses its name at once and goes after file.delete.delay.ms. False when there is
   * none.
   */
  delete(topic: string, partition: number): boolean {
    const log = this.#logs.get(topicPartitionKey(topic, partition));
    if (log === undefined) return false;
    const target = this.#renameAway(log, 'delete');
    this.#options.logger.info(`Log for partition ${log.name} is renamed to ${target} and is scheduled for deletion`);
    this.#removeLater(log.directory, target, log.config.fileDeleteDelayMs);
    return true;
  }

  /** Puts a log that is nobody's any more out of the way; its files are kept for whoever may miss them. */
  setAside(topic: string, partition: number): void {
    const log = this.#logs.get(topicPartitionKey(topic, partition));
    if (log === undefined) return;
    const target = this.#renameAway(log, 'stray');
    this.#options.logger.warn(`Log for partition ${log.name} is stray: it is renamed to ${target} and kept`);
  }

  #renameAway(log: PartitionLog, mark: 'delete' | 'stray'): string {
    const { topic, partition, directory, path: source } = log;
    this.#logs.delete(log.name);
    const name = markedDirectoryName(topic, partition, this.#services.random.bytes(16), mark);
    const target = path.join(directory.path, name);
    directory.guard(`Error while renaming log for ${log.name}`, () => {
      log.onDeleted(target);
      this.#services.disk.rename(source, target);
      this.#services.disk.syncDirectory(directory.path);
    });
    return target;
  }

  #removeLater(directory: LogDirectory, target: string, delayMs: number): void {
    directory.later(delayMs, `Deleting ${target}`, () => this.#services.disk.removeDirectory(target));
  }

  get directories(): readonly LogDirectoryInfo[] {
    return this.#managed.map(({ directory, meta }) => {
      const { isOffline } = directory;
      const space = isOffline ? { totalBytes: -1, usableBytes: -1 } : this.#services.disk.space(directory.path);
      return {
        path: directory.path,
        isOffline,
        clusterId: meta?.clusterId ?? null,
        brokerId: meta?.brokerId ?? null,
        ...space,
      };
    });
  }

  get hasOfflineDirectory(): boolean {
    return this.#managed.some(({ directory }) => directory.isOffline);
  }

  /** The pace of the cleaner may have changed; everything else of the configuration is read when needed. */
  onConfigChanged(): void {
    this.#cleaner.onConfigChanged();
  }

  get cleanerCounters(): CleanerCounters {
    return this.#cleaner.counters;
  }

  /** Paths of the directories that are out of service. */
  get offlineDirectories(): string[] {
    return this.#managed.flatMap(({ directory }) => (directory.isOffline ? [directory.path] : []));
  }

  isOffline(directoryPath: string): boolean {
    return this.#managed.find(({ directory }) => directory.path === directoryPath)?.directory.isOffline ?? false;
  }

  /** The handler is called in the tick in which logs go out of service. */
  onOffline(handler: (event: OfflineEvent) => void): void {
    this.#offlineHandlers.push(handler);
  }

  #onDirectoryFailed(directory: LogDirectory, error: KafkaError): void {
    const logs = [...this.#logs.values()].filter((log) => log.directory === directory);
    for (const log of logs) log.onDirectoryFailed(error);
    this.#tell(directory, logs, error);
  }

  #tell(directory: LogDirectory, logs: readonly PartitionLog[], error: KafkaError): void {
    const isLast = this.#managed.every((each) => each.directory.isOffline);
    const event = { directory: directory.path, logs, error, isDirectoryOnline: !directory.isOffline, isLast };
    for (const handler of this.#offlineHandlers) handler(event);
  }

  async checkpointHighWatermarks(): Promise<void> {
    for (const { checkpoints } of this.#loadedDirectories()) await checkpoints.whenHighWatermarksWritten();
  }

  async checkpointLogStartOffsets(): Promise<void> {
    for (const { checkpoints } of this.#loadedDirectories()) await checkpoints.whenLogStartOffsetsWritten();
  }

  async checkpointRecoveryPoints(): Promise<void> {
    for (const { checkpoints } of this.#loadedDirectories()) await checkpoints.whenRecoveryPointsWritten();
  }

  /**
   * Flushes and closes all logs. Directories where all of that went well are marked, so that the next start believes
   * them.
   */
  async close(brokerEpoch = -1): Promise<void> {
    this.#upkeep?.stop();
    await this.#cleaner.stop();
    await Promise.all(
      [...this.#loadedDirectories()].map(async ({ directory, checkpoints }) => {
        try {
          await this.#closeDirectory(directory, checkpoints, brokerEpoch);
        } catch (error) {
          this.#options.logger.error(`Could not close ${directory.path} in order`, error);
        }
      }),
    );
    for (const { directory } of this.#managed) directory.close();
    this.#unlock();
  }

  async #closeDirectory(
    directory: LogDirectory,
    checkpoints: DirectoryCheckpoints,
    brokerEpoch: number,
  ): Promise<void> {
    const waiting = [...this.#logs.values()].filter((log) => log.directory === directory);
    const hasDamage =
      waiting.some((log) => log.isOffline) ||
      this.#managed.some((each) => each.directory === directory && each.hasDamage);
    const work = async (): Promise<void> => {
      for (let log = waiting.pop(); log !== undefined; log = waiting.pop()) await log.close();
    };
    await Promise.all(Array.from({ length: CLOSE_CONCURRENCY }, work));
    await checkpoints.whenHighWatermarksWritten();
    await checkpoints.whenLogStartOffsetsWritten();
    await checkpoints.whenRecoveryPointsWritten();
    // Damage is found by a recovery, so that is what the next start has to do.
    if (hasDamage) return;
    directory.guard('Error while marking the clean shutdown', () =>
      markCleanShutdown(this.#services.disk, directory.path, brokerEpoch),
    );
  }

  #unlock(): void {
    for (const { lock } of this.#managed) lock?.release();
  }
}

const CLOSE_CONCURRENCY = 4;

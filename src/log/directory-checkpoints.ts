/**
 * The checkpoints of one log directory: up to where each log is durable, where its consumers may read, where it begins,
 * and beside each log its leader epochs. Written aside, synced and renamed, on the thread pool where it can be.
 *
 * The recovery point on disk must never be above what is durable, or a torn tail would look like damage. So it is
 * lowered before a log is cut, and raised only after the data and the epochs below it were synced. And a log must not
 * be found with the offsets of one that had its name before: they would make it look damaged, or cut.
 */
import * as path from 'node:path';
import { SerialQueue } from '../lib/serial-queue.ts';
import {
  encodeEpochs,
  encodeOffsets,
  HIGH_WATERMARK_CHECKPOINT,
  LEADER_EPOCH_CHECKPOINT,
  LOG_START_OFFSET_CHECKPOINT,
  type OffsetEntry,
  RECOVERY_POINT_CHECKPOINT,
} from './checkpoint-file.ts';
import { CleanerCheckpoint } from './cleaner-checkpoint.ts';
import type { EpochEntry } from './leader-epochs.ts';
import type { LogDirectory } from './log-directory.ts';

/** What a checkpoint wants to know of a log. */
export interface CheckpointedLog {
  readonly topic: string;
  readonly partition: number;
  readonly path: string;
  readonly recoveryPoint: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly firstSegmentOffset: number;
  readonly epochEntries: readonly EpochEntry[];
}

export interface CheckpointEntries {
  readonly recoveryPoints: readonly OffsetEntry[];
  readonly highWatermarks: readonly OffsetEntry[];
  readonly logStartOffsets: readonly OffsetEntry[];
}

export interface KeptEntries extends CheckpointEntries {
  /** Also of logs that were loaded. */
  readonly cleanedOffsets: readonly OffsetEntry[];
  /** `topic-partition` of which the files have entries, but of which there is no log. */
  readonly formerNames: readonly string[];
}

const OFFSET_FILES = [RECOVERY_POINT_CHECKPOINT, HIGH_WATERMARK_CHECKPOINT, LOG_START_OFFSET_CHECKPOINT] as const;
type OffsetFile = (typeof OFFSET_FILES)[number];

export class DirectoryCheckpoints {
  readonly cleaner: CleanerCheckpoint;
  readonly #directory: LogDirectory;
  /** Each log with its recovery point as the file has it. */
  readonly #logs = new Map<CheckpointedLog, number>();
  /** Entries of logs that could not be loaded: they stay as they were. */
  readonly #kept: CheckpointEntries;
  readonly #dirtyEpochs = new Set<CheckpointedLog>();
  #epochsFlush: Promise<void> | null = null;
  #recoveryPointsFlush: Promise<void> | null = null;
  readonly #writes = new SerialQueue();
  /** Grows with every recovery point that is lowered: a checkpoint that is just being written is then out of date. */
  #loweredCount = 0;
  /** The same for the other checkpoints, with every log start that is lowered; both grow with every log that goes. */
  #outdatedCount = 0;
  /** What is on disk under each name: a broker at rest writes nothing. */
  readonly #written = new Map<OffsetFile, string>();
  /** Names of which each file may still have entries, although the logs are gone. */
  readonly #former: ReadonlyMap<OffsetFile, Set<string>>;

  constructor(directory: LogDirectory, kept: KeptEntries) {
    this.cleaner = new CleanerCheckpoint(directory, kept.cleanedOffsets);
    this.#directory = directory;
    this.#kept = kept;
    this.#former = new Map(OFFSET_FILES.map((file) => [file, new Set(kept.formerNames)]));
  }

  /** Before a log is made: makes sure that no crash can find it with the offsets of an earlier one of its name. */
  onCreating(topic: string, partition: number): void {
    for (const [file, names] of this.#former) if (names.has(`${topic}-${partition}`)) this.#replace(file);
  }

  add(log: CheckpointedLog, writtenRecoveryPoint: number): void {
    this.#logs.set(log, writtenRecoveryPoint);
  }

  remove(log: CheckpointedLog): void {
    this.#logs.delete(log);
    this.#loweredCount++;
    this.#outdatedCount++;
    for (const names of this.#former.values()) names.add(`${log.topic}-${log.partition}`);
    this.#dirtyEpochs.delete(log);
    this.cleaner.forget(log);
  }

  /** The log's epochs have changed: they are written soon, many logs' one after the other. */
  onEpochsChanged(log: CheckpointedLog): void {
    if (!this.#logs.has(log)) return;
    this.#dirtyEpochs.add(log);
    if (this.#epochsFlush !== null || this.#directory.isOffline) return;
    this.#epochsFlush = this.#flushEpochs().finally(() => {
      this.#epochsFlush = null;
      for (const left of this.#dirtyEpochs) return this.onEpochsChanged(left);
    });
    // Those who need the epochs on disk wait for them and see the error; the directory is out of service by then.
    this.#epochsFlush.catch((error: unknown) => this.#warn('leader epochs', error));
  }

  async #flushEpochs(): Promise<void> {
    for (const log of this.#dirtyEpochs) {
      this.#dirtyEpochs.delete(log);
      await this.#directory.whenGuarded(`Writing the leader epochs of ${log.topic}-${log.partition}`, () =>
        this.#writeEpochs(log),
      );
    }
  }

  async #writeEpochs(log: CheckpointedLog): Promise<void> {
    const { disk } = this.#directory.services;
    const file = path.join(log.path, LEADER_EPOCH_CHECKPOINT);
    try {
      await disk.whenWritten(`${file}.tmp`, encodeEpochs(log.epochEntries));
      if (!this.#logs.has(log)) return;
      disk.rename(`${file}.tmp`, file);
      await disk.whenSynced(log.path);
    } catch (error) {
      // The partition was deleted meanwhile and its directory renamed.
      if (this.#logs.has(log)) throw error;
    }
  }

  /** Resolves when the epochs of all logs are on disk as they are now. */
  async #whenEpochsWritten(): Promise<void> {
    while (this.#epochsFlush !== null) await this.#epochsFlush;
  }

  /** Writes up to where each log is durable. One writing at a time; whoever comes meanwhile shares it. */
  whenRecoveryPointsWritten(): Promise<void> {
    this.#recoveryPointsFlush ??= this.#writeRecoveryPoints().finally(() => {
      this.#recoveryPointsFlush = null;
    });
    return this.#recoveryPointsFlush;
  }

  /**
   * Makes sure that a crash finds the recovery point of the log at or above the offset. False: it is below, or is
   * lowered right now.
   */
  async whenRecoveryPointReached(log: CheckpointedLog, offset: number): Promise<boolean> {
    const isReached = (): boolean => (this.#logs.get(log) ?? -1) >= offset;
    // A writing that is under way may have begun before.
    for (let attempt = 0; attempt < 2 && !isReached(); attempt++) await this.whenRecoveryPointsWritten();
    return isReached();
  }

  async #writeRecoveryPoints(): Promise<void> {
    await this.#directory.whenGuarded('Writing recovery offsets checkpoint', async () => {
      const { disk } = this.#directory.services;
      const file = path.join(this.#directory.path, RECOVERY_POINT_CHECKPOINT);
      const points = new Map([...this.#logs.keys()].map((log) => [log, log.recoveryPoint]));
      await this.#whenEpochsWritten();
      let loweredCount: number;
      let text: string;
      do {
        loweredCount = this.#loweredCount;
        for (const [log, point] of points) points.set(log, Math.min(point, log.recoveryPoint));
        text = this.#encodeRecoveryPoints(points);
        if (this.#isWritten(RECOVERY_POINT_CHECKPOINT, text)) return;
        await disk.whenWritten(`${file}.next`, text);
      } while (loweredCount !== this.#loweredCount);
      disk.rename(`${file}.next`, file);
      disk.syncDirectory(this.#directory.path);
      for (const [log, point] of points) if (this.#logs.has(log)) this.#logs.set(log, point);
      this.#noteWritten(RECOVERY_POINT_CHECKPOINT, text);
    });
  }

  /**
   * Makes sure, before it returns, that no crash can find a recovery point of the log that is above the one it has now.
   */
  onRecoveryPointLowered(log: CheckpointedLog): void {
    this.#loweredCount++;
    const written = this.#logs.get(log);
    if (written === undefined || written <= log.recoveryPoint) return;
    this.#logs.set(log, log.recoveryPoint);
    this.#replace(RECOVERY_POINT_CHECKPOINT);
  }

  /** The same for where the log begins: one that ends before its start would be dropped. */
  onLogStartLowered(): void {
    this.#outdatedCount++;
    this.#replace(LOG_START_OFFSET_CHECKPOINT);
  }

  /** Writes what is known now, before it returns. */
  #replace(name: OffsetFile): void {
    const text = name === RECOVERY_POINT_CHECKPOINT ? this.#encodeRecoveryPoints(this.#logs) : this.#encode(name);
    this.#directory.services.disk.replaceFile(path.join(this.#directory.path, name), text);
    this.#noteWritten(name, text);
  }

  #noteWritten(name: OffsetFile, text: string): void {
    this.#written.set(name, text);
    this.#former.get(name)?.clear();
  }

  #isWritten(name: OffsetFile, text: string): boolean {
    if (this.#written.get(name) !== text) return false;
    this.#former.get(name)?.clear();
    return true;
  }

  #encodeRecoveryPoints(points: ReadonlyMap<CheckpointedLog, number>): string {
    const entries = [...points].filter(([log]) => this.#logs.has(log)).map(([log, offset]) => entryOf(log, offset));
    return encodeOffsets([...entries, ...this.#stillKept(this.#kept.recoveryPoints)]);
  }

  whenHighWatermarksWritten(): Promise<void> {
    return this.#write(HIGH_WATERMARK_CHECKPOINT);
  }

  whenLogStartOffsetsWritten(): Promise<void> {
    return this.#write(LOG_START_OFFSET_CHECKPOINT);
  }

  #encode(name: Exclude<OffsetFile, typeof RECOVERY_POINT_CHECKPOINT>): string {
    const logs = [...this.#logs.keys()];
    if (name === HIGH_WATERMARK_CHECKPOINT) {
      const entries = logs.map((log) => entryOf(log, log.highWatermark));
      return encodeOffsets([...entries, ...this.#stillKept(this.#kept.highWatermarks)]);
    }
    const moved = logs.filter((log) => log.logStartOffset > log.firstSegmentOffset);
    const entries = moved.map((log) => entryOf(log, log.logStartOffset));
    return encodeOffsets([...entries, ...this.#stillKept(this.#kept.logStartOffsets)]);
  }

  #write(name: Exclude<OffsetFile, typeof RECOVERY_POINT_CHECKPOINT>): Promise<void> {
    const { disk } = this.#directory.services;
    const file = path.join(this.#directory.path, name);
    return this.#writes.run(() =>
      this.#directory.whenGuarded(`Writing ${name}`, async () => {
        let outdatedCount: number;
        let text: string;
        do {
          outdatedCount = this.#outdatedCount;
          text = this.#encode(name);
          if (this.#isWritten(name, text)) return;
          await disk.whenWritten(`${file}.next`, text);
        } while (outdatedCount !== this.#outdatedCount);
        disk.rename(`${file}.next`, file);
        this.#noteWritten(name, text);
        await disk.whenSynced(this.#directory.path);
      }),
    );
  }

  /** A partition that was created anew has its own entry. */
  #stillKept(entries: readonly OffsetEntry[]): OffsetEntry[] {
    if (entries.length === 0) return [];
    const present = new Set([...this.#logs.keys()].map((log) => `${log.topic}-${log.partition}`));
    return entries.filter((entry) => !present.has(`${entry.topic}-${entry.partition}`));
  }

  #warn(what: string, error: unknown): void {
    this.#directory.services.logger.warn(`Could not write the ${what} in dir ${this.#directory.path}`, error);
  }
}

function entryOf(log: CheckpointedLog, offset: number): OffsetEntry {
  return { topic: log.topic, partition: log.partition, offset };
}

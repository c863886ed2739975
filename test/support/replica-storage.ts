/**
 * Where the replicas of a simulated broker live, over all the lives of its process: in memory alone (fast), or as the
 * room log's real logs on a disk that can lose power (slower, and everything from batches to recovery takes part).
 */
import type { Clock } from '../../src/lib/clock.ts';
import { LogManager } from '../../src/log/log-manager.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { batches, type RecordBatch } from '../../src/protocol/records/batch.ts';
import type { LogAppendResult, LogRecords, ReplicaLog } from '../../src/replica/replica-log.ts';
import type { ReplicaLogs } from '../../src/replica/state-changes.ts';
import { CrashDisk } from './crash-disk.ts';
import { aBatch, aLogConfig, managerOptions, readBatches } from './logs.ts';
import type { SeededRandom } from './simulated-clock.ts';
import { SimulatedLog, type SimulatedLogOptions, type StoredRecord, encodeValues } from './simulated-log.ts';

/** The replica as the watch sees it: what is in its log. */
export interface ReplicaView {
  /** Null while nobody can say: the process is down and its disk was not looked at yet. */
  readonly records: readonly StoredRecord[] | null;
  readonly highWatermark: number;
}

export interface StorageEvents {
  onBroken(what: string): void;
  onHighWatermark(view: ReplicaView, previous: number): void;
}

export interface StorageOptions extends StorageEvents {
  readonly topic: string;
  readonly topicId: string;
  readonly isDurable: boolean;
  readonly minInsyncReplicas: number;
  readonly random: SeededRandom;
}

export interface ReplicaStorage extends ReplicaView {
  /** What a producer sends: as many records as values, which follow each other. */
  encode(values: readonly number[]): Buffer;
  /** A process starts: its logs are there when this resolves. */
  open(clock: Clock): Promise<ReplicaLogs>;
  /** The process is gone, and maybe the power. */
  crash(isPowerCut: boolean): void;
}

/** The logs of one replica, none other being allowed. */
function logsOf(log: ReplicaLog, { topic, topicId, onBroken }: StorageOptions): ReplicaLogs {
  return {
    get: () => log,
    getOrCreate: () => log,
    delete: () => onBroken('a log is deleted'),
    setAside: () => onBroken('a log is put aside'),
    all: () => [{ topic, partition: 0, topicId }],
  };
}

export class MemoryStorage implements ReplicaStorage {
  readonly #options: StorageOptions;
  readonly #log: SimulatedLog;
  #clock: Clock | null = null;
  /** As a checkpoint would have it: what the high watermark was some time ago. */
  #checkpoint = 0;

  constructor(options: StorageOptions) {
    this.#options = options;
    const { topicId, isDurable, minInsyncReplicas, random, onBroken } = options;
    const logOptions: SimulatedLogOptions = {
      topicId,
      flushMessages: isDurable ? 1 : Number.MAX_SAFE_INTEGER,
      minInsyncReplicas,
      flush: () => new Promise((resolve) => this.#clock?.schedule(1 + random.int(8), resolve)),
      onBroken,
      onHighWatermark: (_log, previous) => {
        if (random.chance(0.3)) this.#checkpoint = previous;
        options.onHighWatermark(this, previous);
      },
    };
    this.#log = new SimulatedLog(logOptions);
  }

  get records(): readonly StoredRecord[] {
    return this.#log.records;
  }

  get highWatermark(): number {
    return this.#log.highWatermark;
  }

  encode(values: readonly number[]): Buffer {
    return encodeValues(values);
  }

  open(clock: Clock): Promise<ReplicaLogs> {
    this.#clock = clock;
    return Promise.resolve(logsOf(this.#log, this.#options));
  }

  crash(isPowerCut: boolean): void {
    this.#log.crash(this.#checkpoint, isPowerCut);
  }
}

/** Small enough that a run of some hundred records rolls segments and writes index entries. */
const SEGMENT_BYTES = 4000;
const INDEX_INTERVAL_BYTES = 200;

export class DiskStorage implements ReplicaStorage {
  readonly #options: StorageOptions;
  #disk = new CrashDisk();
  #log: MirroredLog | null = null;

  constructor(options: StorageOptions) {
    this.#options = options;
  }

  get records(): readonly StoredRecord[] | null {
    return this.#log?.records ?? null;
  }

  get highWatermark(): number {
    return this.#log?.highWatermark ?? 0;
  }

  /** One batch; the values are the timestamps of its records, so that they can be read off its header. */
  encode(values: readonly number[]): Buffer {
    const [first = 0] = values;
    return aBatch({ values: values.map(String), timestampMs: first });
  }

  async open(clock: Clock): Promise<ReplicaLogs> {
    const { topic, topicId, isDurable, minInsyncReplicas } = this.#options;
    const config = aLogConfig({
      flushMessages: isDurable ? 1 : Number.MAX_SAFE_INTEGER,
      minInsyncReplicas,
      segmentBytes: SEGMENT_BYTES,
      indexIntervalBytes: INDEX_INTERVAL_BYTES,
    });
    const options = managerOptions({ disk: this.#disk, clock });
    const checkpoints = { replicaHighWatermarkCheckpointIntervalMs: 150, logFlushOffsetCheckpointIntervalMs: 250 };
    const manager = LogManager.open({ ...options, config: { ...options.config, ...checkpoints } });
    manager.claim('cluster', 1);
    await manager.load(() => config);
    const log = manager.getOrCreate(topic, 0, topicId, config, { isNew: true });
    const mirrored = new MirroredLog(log, this.#options);
    for (const batch of await readBatches(log)) mirrored.mirror(batch);
    this.#log = mirrored;
    return logsOf(mirrored, this.#options);
  }

  crash(isPowerCut: boolean): void {
    const { random } = this.#options;
    this.#log = null;
    this.#disk = isPowerCut ? this.#disk.crash((bound) => random.int(bound)) : this.#disk.kill();
  }
}

/** A real log and, beside it, what is in it. */
class MirroredLog implements ReplicaLog, ReplicaView {
  readonly records: StoredRecord[] = [];
  readonly #log: PartitionLog;
  readonly #events: StorageEvents;

  constructor(log: PartitionLog, events: StorageEvents) {
    this.#log = log;
    this.#events = events;
  }

  get topicId(): string {
    return this.#log.topicId;
  }

  get config(): ReplicaLog['config'] {
    return this.#log.config;
  }

  get isOffline(): boolean {
    return this.#log.isOffline;
  }

  get logStartOffset(): number {
    return this.#log.logStartOffset;
  }

  get logEndOffset(): number {
    return this.#log.logEndOffset;
  }

  get highWatermark(): number {
    return this.#log.highWatermark;
  }

  get lastStableOffset(): number {
    return this.#log.lastStableOffset;
  }

  get durableEndOffset(): number {
    return this.#log.durableEndOffset;
  }

  get cutCount(): number {
    return this.#log.cutCount;
  }

  get latestEpoch(): number {
    return this.#log.latestEpoch;
  }

  mirror(batch: RecordBatch): void {
    if (batch.baseOffset !== this.records.length)
      this.#events.onBroken(`a batch at ${batch.baseOffset} follows ${this.records.length} records`);
    for (let index = 0; index < batch.recordCount; index++)
      this.records.push({ leaderEpoch: batch.partitionLeaderEpoch, value: batch.baseTimestamp + index });
  }

  appendAsLeader(
    records: Buffer,
    leaderEpoch: number,
    origin: 'client' | 'coordinator',
    nowMs: number,
  ): LogAppendResult {
    const result = this.#log.appendAsLeader(records, leaderEpoch, origin, nowMs);
    for (const batch of batches(records)) this.mirror(batch);
    return result;
  }

  appendAsFollower(records: Buffer, nowMs: number): LogAppendResult {
    const result = this.#log.appendAsFollower(records, nowMs);
    for (const batch of batches(records)) this.mirror(batch);
    return result;
  }

  read(startOffset: number, options: { maxBytes: number; endOffset: number; minOneBatch: boolean }): LogRecords {
    return this.#log.read(startOffset, options);
  }

  updateHighWatermark(offset: number): number {
    const previous = this.highWatermark;
    const highWatermark = this.#log.updateHighWatermark(offset);
    if (highWatermark > previous) this.#events.onHighWatermark(this, previous);
    return highWatermark;
  }

  assignEpochStartOffset(leaderEpoch: number, startOffset: number): void {
    this.#log.assignEpochStartOffset(leaderEpoch, startOffset);
  }

  endOffsetForEpoch(leaderEpoch: number): { leaderEpoch: number; endOffset: number } {
    return this.#log.endOffsetForEpoch(leaderEpoch);
  }

  epochForOffset(offset: number): number {
    return this.#log.epochForOffset(offset);
  }

  offsetForTimestamp(timestampMs: number): ReturnType<ReplicaLog['offsetForTimestamp']> {
    return this.#log.offsetForTimestamp(timestampMs);
  }

  offsetOfMaxTimestamp(): ReturnType<ReplicaLog['offsetOfMaxTimestamp']> {
    return this.#log.offsetOfMaxTimestamp();
  }

  truncateTo(offset: number): void {
    if (offset < this.highWatermark)
      this.#events.onBroken(`cut to ${offset}, below the high watermark ${this.highWatermark}`);
    this.#log.truncateTo(offset);
    this.records.length = Math.min(this.records.length, this.logEndOffset);
  }

  truncateFullyAndStartAt(offset: number): void {
    this.#events.onBroken(`a log that was never shortened at its start is dropped to start at ${offset}`);
  }

  advanceLogStartOffset(offset: number): void {
    this.#events.onBroken(`the log start moves to ${offset}`);
  }

  whenDurable(offset: number): Promise<void> {
    return this.#log.whenDurable(offset);
  }
}

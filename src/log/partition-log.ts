/**
 * The log of one partition on disk (Kafka's UnifiedLog and LocalLog). It knows no leader, no replica and no client:
 * whoever uses it decides who may append and up to where may be read.
 *
 * Invariant: logStartOffset <= highWatermark <= logEndOffset, recoveryPoint <= logEndOffset, and epochs, producers and
 * indexes are what the batches of the log say. Appending is synchronous and either done or not done at all: when it
 * throws KAFKA_STORAGE_ERROR, the log is out of service from then on.
 */
import { type TopicId, ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import { KafkaError } from '../protocol/errors.ts';
import type { RecordBatch } from '../protocol/records/batch.ts';
import { type AppendOrigin, checkReplicated } from './append-check.ts';
import type { CheckpointedLog, DirectoryCheckpoints } from './directory-checkpoints.ts';
import { Durability, type Syncable } from './durability.ts';
import { type LeaderLog, prepareAppend } from './leader-append.ts';
import type { EpochEndOffset, EpochEntry, LeaderEpochs } from './leader-epochs.ts';
import type { LogConfig } from './log-config.ts';
import type { LogDirectory } from './log-directory.ts';
import { LogGuard } from './log-guard.ts';
import { type ReadableLog, type ReadOptions, readLog } from './log-reader.ts';
import { findByTimestamp, findMaxTimestamp, type TimestampedOffset } from './log-search.ts';
import type { LogSlice } from './log-slice.ts';
import type { LogStore } from './log-store.ts';
import type { ProducerState } from './producer-state.ts';
import type { RecentBatches } from './recent-batches.ts';
import { findBreaches } from './retention.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

export interface AppendResult {
  /** -1 when nothing was appended. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** The time that all records got under LogAppendTime; else -1. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /** The batch was there already: the offsets are those it got then, and nothing was written. */
  readonly isDuplicate: boolean;
}

/**
 * The leader's batches begin before our end. Either this is a late answer, or our log has to begin in the middle of a
 * batch.
 */
export class UnexpectedAppendOffsetError extends Error {
  override readonly name = 'UnexpectedAppendOffsetError';
  readonly firstOffset: number;
  readonly lastOffset: number;

  constructor(message: string, firstOffset: number, lastOffset: number) {
    super(message);
    this.firstOffset = firstOffset;
    this.lastOffset = lastOffset;
  }
}

export interface LogOffsets {
  readonly logStartOffset: number;
  readonly recoveryPoint: number;
  readonly highWatermark: number;
}

export class PartitionLog implements Syncable, ReadableLog, LeaderLog, CheckpointedLog {
  readonly topic: string;
  readonly partition: number;
  /** `topic-partition` */
  readonly name: string;
  readonly directory: LogDirectory;
  readonly #store: LogStore;
  readonly #epochs: LeaderEpochs;
  readonly checkpoints: DirectoryCheckpoints;
  readonly guard: LogGuard;
  readonly #durability: Durability;
  #logStartOffset: number;
  #highWatermark: number;
  /** Monotonic time of the first append that no flush has covered; -1 when there is none. */
  #dirtySinceMs = -1;

  constructor(
    { topic, partition }: { topic: string; partition: number },
    directory: LogDirectory,
    checkpoints: DirectoryCheckpoints,
    store: LogStore,
    epochs: LeaderEpochs,
    offsets: LogOffsets,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.name = `${topic}-${partition}`;
    this.directory = directory;
    this.#store = store;
    this.#epochs = epochs;
    this.checkpoints = checkpoints;
    this.guard = new LogGuard(this.name, directory, (error) => this.#onFailed(error));
    this.#durability = new Durability(this, directory.syncSlots, offsets.recoveryPoint);
    this.#logStartOffset = offsets.logStartOffset;
    this.#highWatermark = Math.max(offsets.logStartOffset, Math.min(offsets.highWatermark, store.logEndOffset));
    checkpoints.add(this, offsets.recoveryPoint);
  }

  get path(): string {
    return this.#store.path;
  }

  get topicId(): TopicId {
    return this.#store.topicId;
  }

  get config(): LogConfig {
    return this.#store.config;
  }

  updateConfig(config: LogConfig): void {
    this.#store.config = config;
  }

  get segments(): SegmentList {
    return this.#store.segments;
  }

  get producers(): ProducerState {
    return this.#store.producers;
  }

  get recentBatches(): RecentBatches {
    return this.#store.recentBatches;
  }

  get cutCount(): number {
    return this.#store.cutCount;
  }

  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  get logEndOffset(): number {
    return this.#store.logEndOffset;
  }

  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** Below it no record belongs to a transaction that is still open: what read_committed consumers may see. */
  get lastStableOffset(): number {
    const firstUnstable = this.producers.firstUnstableOffset;
    if (firstUnstable < 0) return this.#highWatermark;
    return Math.min(Math.max(firstUnstable, this.#logStartOffset), this.#highWatermark);
  }

  /** What lies below is synced to the device. Kafka's word for it; never above the end of the log. */
  get recoveryPoint(): number {
    return this.#durability.durableEndOffset;
  }

  get durableEndOffset(): number {
    return this.#durability.durableEndOffset;
  }

  get firstSegmentOffset(): number {
    return this.segments.first.baseOffset;
  }

  get sizeBytes(): number {
    return this.segments.sizeBytes;
  }

  get isOffline(): boolean {
    return this.guard.failure !== null;
  }

  /** Why the log is out of service; null while it is in service. */
  get failure(): KafkaError | null {
    return this.guard.failure;
  }

  get epochEntries(): readonly EpochEntry[] {
    return this.#epochs.entries;
  }

  /**
   * Takes in what clients or coordinators write. Gives the batches their offsets and the epoch, in place. Throws
   * KafkaError.
   */
  appendAsLeader(records: Buffer, leaderEpoch: number, origin: AppendOrigin, nowMs: number): AppendResult {
    this.guard.assertOnline();
    const append = prepareAppend(records, leaderEpoch, origin, this, nowMs);
    if (append.duplicate !== null) {
      const { firstOffset, lastOffset, timestampMs } = append.duplicate;
      return this.#result(firstOffset, lastOffset, timestampMs, true);
    }
    const firstOffset = this.logEndOffset;
    this.#write(append.batches, nowMs);
    const isLogAppendTime = this.config.messageTimestampType === 'LogAppendTime';
    return this.#result(firstOffset, append.lastOffset, isLogAppendTime ? nowMs : -1, false);
  }

  /**
   * Takes in what the leader of the partition has in its log, as it is; the last batch may be cut short and is then
   * left out. Throws UnexpectedAppendOffsetError when the batches begin before our end, KafkaError when they are
   * damaged.
   */
  appendAsFollower(records: Buffer, nowMs: number): AppendResult {
    this.guard.assertOnline();
    const batches = checkReplicated(records, this.name);
    const first = batches[0];
    if (first === undefined) return this.#result(-1, -1, -1, false);
    const { baseOffset } = first;
    const { lastOffset } = batches.at(-1)!;
    if (baseOffset < this.logEndOffset)
      throw new UnexpectedAppendOffsetError(
        `Unexpected offset in append to ${this.name}. First offset ${baseOffset} is less than the next offset ` +
          `${this.logEndOffset}. Log start offset = ${this.#logStartOffset}`,
        baseOffset,
        lastOffset,
      );
    this.#write(batches, nowMs);
    return this.#result(baseOffset, lastOffset, -1, false);
  }

  #result(firstOffset: number, lastOffset: number, logAppendTimeMs: number, isDuplicate: boolean): AppendResult {
    return { firstOffset, lastOffset, logAppendTimeMs, logStartOffset: this.#logStartOffset, isDuplicate };
  }

  #write(batches: readonly RecordBatch[], nowMs: number): void {
    for (const batch of batches)
      if (batch.partitionLeaderEpoch >= 0) this.assignEpochStartOffset(batch.partitionLeaderEpoch, batch.baseOffset);
    const { active } = this.segments;
    this.guard.run('appending records to', () => this.#store.write(batches, nowMs));
    const isDue = this.logEndOffset - this.recoveryPoint >= this.config.flushMessages;
    if (isDue || active !== this.segments.active) this.requestFlush();
    else if (this.#dirtySinceMs < 0) this.#dirtySinceMs = this.directory.services.clock.monotonicMs();
  }

  /** Begins a new segment when the active one has been open for segment.ms, also when nobody writes. */
  maybeRoll(nowMs: number): void {
    if (this.isOffline) return;
    if (this.guard.run('rolling the log of', () => this.#store.maybeRoll(nowMs))) this.requestFlush();
  }

  /** Batches from the offset on. Throws OFFSET_OUT_OF_RANGE outside [logStartOffset, logEndOffset]. */
  read(startOffset: number, options: ReadOptions): LogSlice {
    this.guard.assertOnline();
    if (startOffset < this.#logStartOffset || startOffset > this.logEndOffset)
      throw new KafkaError(
        'OFFSET_OUT_OF_RANGE',
        `Received request for offset ${startOffset} for partition ${this.name}, but we only have log segments ` +
          `from offset ` +
          `${this.#logStartOffset} up to ${this.logEndOffset}.`,
      );
    return this.guard.run('reading', () => readLog(this, startOffset, options));
  }

  /** The first record whose timestamp is not before the given one; null when there is none. */
  offsetForTimestamp(timestampMs: number): TimestampedOffset | null {
    return this.guard.run('searching', () => findByTimestamp(this.segments, timestampMs, this.#logStartOffset));
  }

  /** The first record with the largest timestamp of the log; null when no record has one. */
  offsetOfMaxTimestamp(): TimestampedOffset | null {
    return this.guard.run('searching', () => findMaxTimestamp(this.segments));
  }

  /** Sets up to where the records are committed, within the log. Returns what it became. */
  updateHighWatermark(offset: number): number {
    this.#highWatermark = Math.max(this.#logStartOffset, Math.min(offset, this.logEndOffset));
    this.producers.onHighWatermark(this.#highWatermark);
    return this.#highWatermark;
  }

  /**
   * Removes what lies below the offset from what can be read; the files follow later. Not beyond the high watermark.
   */
  advanceLogStartOffset(offset: number): void {
    this.guard.assertOnline();
    if (offset > this.#highWatermark)
      throw new KafkaError(
        'OFFSET_OUT_OF_RANGE',
        `Cannot increment the log start offset to ${offset} of partition ${this.name} since it is larger than the ` +
          `high ` +
          `watermark ${this.#highWatermark}`,
      );
    if (offset <= this.#logStartOffset) return;
    this.#logStartOffset = offset;
    this.producers.onLogStartOffset(offset);
    if (this.#epochs.truncateFromStart(offset)) this.checkpoints.onEpochsChanged(this);
  }

  /**
   * Takes segments out of the log that it no longer has to keep: see retention.ts. When that is all of them, a new one
   * is begun. Returns how many.
   */
  deleteOldSegments(nowMs: number): number {
    this.guard.assertOnline();
    const breaches = findBreaches(this.segments.all, this, this.config, nowMs);
    const count = breaches.reduce((total, breach) => total + breach.count, 0);
    if (count === 0) return 0;
    this.guard.run('deleting segments of', () => {
      if (count === this.segments.all.length) this.#store.roll(nowMs);
      const due = this.segments.all.slice(0, count);
      const { baseOffset } = this.segments.all[count]!;
      const reasons = breaches.map(({ reason }) => reason).join(', ');
      this.directory.services.logger.info(
        `[UnifiedLog partition=${this.name}, dir=${this.directory.path}] Deleting ${count} segments below offset ` +
          `${baseOffset} due to ${reasons}`,
      );
      this.advanceLogStartOffset(Math.max(this.#logStartOffset, baseOffset));
      this.#store.removeSegments(due);
      this.#store.snapshots.removeBelow(this.firstSegmentOffset);
    });
    return count;
  }

  /**
   * Puts other segments in the place of some, as compaction does: complete, synced and marked `.cleaned`. All of the
   * old ones lie below the recovery point, so that no recovery takes the gaps that are left for lost records.
   */
  replaceSegments(old: readonly Segment[], replacement: readonly Segment[]): void {
    this.guard.run('replacing segments of', () => this.#store.replaceSegments(old, replacement));
  }

  /**
   * The epoch begins at the offset: noted when a leader is elected, before it writes, and with the batches that a
   * follower gets.
   */
  assignEpochStartOffset(leaderEpoch: number, startOffset: number): void {
    if (this.#epochs.assign(leaderEpoch, startOffset)) this.checkpoints.onEpochsChanged(this);
  }

  /** -1 when no epoch is known. */
  get latestEpoch(): number {
    return this.#epochs.latestEpoch;
  }

  /** Where the epoch ends here, or the largest one below it; -1 and -1 when that is not known. */
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset {
    return this.#epochs.endOffsetFor(leaderEpoch, this.logEndOffset);
  }

  /** The epoch of the record at the offset, or -1. */
  epochForOffset(offset: number): number {
    return this.#epochs.epochForOffset(offset);
  }

  /**
   * Removes all batches that reach the offset or lie behind it. An offset in the middle of a batch takes the whole
   * batch, so the log may then end before it. An offset at or behind the end still removes epochs that have no records
   * (KAFKA-10706).
   */
  truncateTo(offset: number): void {
    this.guard.assertOnline();
    if (offset >= this.logEndOffset) {
      if (this.#epochs.truncateFromEnd(this.logEndOffset)) this.checkpoints.onEpochsChanged(this);
      return;
    }
    if (offset < this.firstSegmentOffset) {
      this.truncateFullyAndStartAt(offset);
      return;
    }
    this.guard.run('truncating', () => {
      const cut = this.#store.findCut(offset);
      // One less, so that a start without order also looks at the file that was cut: the cut may have been undone. A
      // file that goes as a whole is looked at anyway, and the one before may end with a gap that compaction left.
      this.#lowerCheckpoints(cut.position === 0 ? cut.endOffset : Math.max(cut.endOffset - 1, 0), cut.endOffset);
      this.#store.cutTo(offset, cut, this.#nowMs());
      if (this.#epochs.truncateFromEnd(cut.endOffset)) this.checkpoints.onEpochsChanged(this);
      this.updateHighWatermark(this.#highWatermark);
    });
  }

  /** Removes everything and goes on, empty, at the offset. */
  truncateFullyAndStartAt(offset: number): void {
    this.guard.run('truncating', () => {
      this.#lowerCheckpoints(0, offset);
      this.#store.restartAt(offset, this.#nowMs());
      if (this.#epochs.clear()) this.checkpoints.onEpochsChanged(this);
      this.#logStartOffset = offset;
      this.updateHighWatermark(offset);
    });
  }

  /** Before the log is cut to the end offset: no checkpoint on disk may speak of what goes. */
  #lowerCheckpoints(recoveryPoint: number, endOffset: number): void {
    this.#durability.onTruncated(recoveryPoint);
    this.checkpoints.onRecoveryPointLowered(this);
    this.checkpoints.cleaner.onTruncated(this, endOffset);
    if (endOffset >= this.#logStartOffset) return;
    this.#logStartOffset = endOffset;
    this.checkpoints.onLogStartLowered();
  }

  /**
   * Resolves when everything that is now in the log below the offset is on the device; waiters share a sync. Rejects
   * when the log goes out of service. A truncation meanwhile resolves it too: ask again what the offset was wanted for.
   */
  whenDurable(offset: number): Promise<void> {
    return this.#durability.whenDurable(offset);
  }

  /** Makes all of it durable. */
  flush(): Promise<void> {
    this.#dirtySinceMs = -1;
    return this.whenDurable(this.logEndOffset);
  }

  /** Begins to make all of it durable; whoever depends on it asks whenDurable(). */
  requestFlush(): void {
    this.flush().catch((error: unknown) => {
      this.directory.services.logger.warn(`Could not flush ${this.name} in dir ${this.directory.path}`, error);
    });
  }

  /** Writes entries of indexes that are in memory alone, when there are many. */
  maybeWriteIndexes(): void {
    this.guard.run('writing the indexes of', () => this.segments.active.maybeWriteIndexes());
  }

  /** Flushes what has been waiting for flush.ms. */
  maybeFlush(monotonicMs: number): void {
    if (this.#dirtySinceMs >= 0 && monotonicMs - this.#dirtySinceMs >= this.config.flushMs) this.requestFlush();
  }

  /** The work of one round of group commit. */
  async sync(): Promise<void> {
    const { clock, counters } = this.directory.services;
    const startMs = clock.monotonicMs();
    await this.#store.sync();
    counters.flushMs.record(clock.monotonicMs() - startMs);
  }

  onSyncFailed(error: unknown): Error {
    return this.guard.failure ?? this.directory.fail(`Error while flushing log for ${this.name}`, error);
  }

  /** The directory went out of service: nobody may go on waiting. */
  onDirectoryFailed(error: KafkaError): void {
    this.#durability.fail(error);
    this.#store.close();
  }

  #onFailed(error: KafkaError): void {
    this.#durability.fail(error);
    this.#store.close();
    this.directory.onLogFailed(this, error);
  }

  /** Notes which incarnation of the topic this is; refuses another one than it had. */
  assignTopicId(topicId: TopicId): void {
    if (topicId === this.topicId || topicId === ZERO_TOPIC_ID) return;
    if (this.topicId !== ZERO_TOPIC_ID)
      throw new KafkaError(
        'INCONSISTENT_TOPIC_ID',
        `Tried to assign topic ID ${topicId} to log for topic partition ${this.name}, but log already contained ` +
          `topic ID ` +
          this.topicId,
      );
    this.guard.run('writing the partition metadata of', () => this.#store.setTopicId(topicId));
  }

  removeExpiredProducers(nowMs: number): number {
    return this.producers.removeExpired(nowMs, this.directory.services.producerIdExpirationMs);
  }

  /** Makes everything durable that a start without recovery needs, and lets go of the files. */
  async close(): Promise<void> {
    if (this.isOffline) return;
    await this.flush();
    await this.#durability.whenIdle();
    this.guard.run('closing the log of', () => this.#store.finish());
    await this.guard.whenRun('closing the log of', () => this.#store.sync());
    this.#store.close();
  }

  /** The directory of the log was renamed: it is given up. */
  onDeleted(directory: string): void {
    const error = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `The log of ${this.name} was deleted`);
    // Before its files lose their names: a sync or a read that is under way may not find them any more.
    this.guard.giveUp(error);
    this.#store.onDeleted(directory);
    this.#durability.fail(error);
    this.checkpoints.remove(this);
  }

  whenGuarded<T>(what: string, operation: () => Promise<T>): Promise<T> {
    return this.guard.whenRun(what, operation);
  }

  #nowMs(): number {
    return this.directory.services.clock.nowMs();
  }
}

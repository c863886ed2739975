/**
 * The batches of one log on disk and what is derived from them: segments with their indexes, and the producers with
 * their snapshots. It writes, cuts and syncs; which offsets mean what is PartitionLog's business, and so is judging
 * the errors of the disk, which everything here may throw.
 */
import * as path from 'node:path';
import { type TopicId, ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import type { RecordBatch } from '../protocol/records/batch.ts';
import { type LogConfig, segmentAgeLimitMs } from './log-config.ts';
import type { LogDirectory } from './log-directory.ts';
import { encodePartitionMetadata, PARTITION_METADATA } from './partition-metadata.ts';
import { rebuildProducers, replayBatch } from './producer-replay.ts';
import { ProducerSnapshots } from './producer-snapshots.ts';
import { ProducerState } from './producer-state.ts';
import { RecentBatches } from './recent-batches.ts';
import type { Cut, Segment } from './segment.ts';
import { createSegment } from './segment-factory.ts';
import { SegmentList } from './segment-list.ts';
import { MAX_RELATIVE_OFFSET } from './sparse-index.ts';

/** What a log is made of, as recovery found it. */
export interface LogParts {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: TopicId;
  readonly path: string;
  readonly config: LogConfig;
  readonly segments: SegmentList;
  readonly producers: ProducerState;
  readonly snapshots: ProducerSnapshots;
  readonly logEndOffset: number;
  /** Files were made or removed whose names are not synced yet. */
  readonly areNamesDirty: boolean;
}

export class LogStore {
  readonly segments: SegmentList;
  readonly recentBatches = new RecentBatches();
  readonly producers: ProducerState;
  readonly snapshots: ProducerSnapshots;
  readonly #name: string;
  readonly #directory: LogDirectory;
  #path: string;
  #topicId: TopicId;
  config: LogConfig;
  #logEndOffset: number;
  #rollJitterMs: number;
  #areNamesDirty: boolean;
  #cutCount = 0;

  /** A new log, empty, in a directory that is there. */
  static create(
    { topic, partition, path: logPath, config }: Pick<LogParts, 'topic' | 'partition' | 'path' | 'config'>,
    directory: LogDirectory,
  ): LogStore {
    const { services } = directory;
    const parts: LogParts = {
      topic,
      partition,
      topicId: ZERO_TOPIC_ID,
      path: logPath,
      config,
      segments: new SegmentList([createSegment(services, logPath, 0, services.clock.nowMs())]),
      producers: new ProducerState(`${topic}-${partition}`),
      snapshots: new ProducerSnapshots(services.disk, logPath, []),
      logEndOffset: 0,
      areNamesDirty: true,
    };
    return new LogStore(parts, directory);
  }

  constructor(parts: LogParts, directory: LogDirectory) {
    this.#name = `${parts.topic}-${parts.partition}`;
    this.#directory = directory;
    this.segments = parts.segments;
    this.producers = parts.producers;
    this.snapshots = parts.snapshots;
    this.#path = parts.path;
    this.#topicId = parts.topicId;
    this.config = parts.config;
    this.#logEndOffset = parts.logEndOffset;
    this.#areNamesDirty = parts.areNamesDirty;
    this.#rollJitterMs = this.#nextRollJitter();
  }

  get path(): string {
    return this.#path;
  }

  get topicId(): TopicId {
    return this.#topicId;
  }

  get logEndOffset(): number {
    return this.#logEndOffset;
  }

  /** Changes whenever batches were removed. */
  get cutCount(): number {
    return this.#cutCount;
  }

  /** Writes batches of one buffer that lie one behind the other, into as many segments as they need. */
  write(batches: readonly RecordBatch[], nowMs: number): void {
    let start = 0;
    let pendingBytes = 0;
    for (const [index, batch] of batches.entries()) {
      if (index > start && this.#shouldRoll(pendingBytes, batch, nowMs)) {
        this.#writeToActive(batches.slice(start, index));
        start = index;
        pendingBytes = 0;
      }
      if (index === start && this.#shouldRoll(0, batch, nowMs)) this.#rollAt(this.#nextBaseOffset(batch), nowMs);
      pendingBytes += batch.sizeBytes;
    }
    this.#writeToActive(start === 0 ? batches : batches.slice(start));
  }

  #writeToActive(batches: readonly RecordBatch[]): void {
    const segment = this.segments.active;
    const start = segment.sizeBytes;
    segment.append(batches, this.config.indexIntervalBytes);
    // The bytes are written: from here on nothing may fail but the disk, which takes the log out of service
    // (KAFKA-7866).
    const firstPosition = batches[0]!.position;
    for (const batch of batches) {
      this.#logEndOffset = batch.lastOffset + 1;
      this.recentBatches.add(this.#logEndOffset, start + batch.endPosition - firstPosition);
      const completed = replayBatch(this.producers, batch);
      if (completed?.isAbort !== true) continue;
      const lastStableOffset = this.producers.lastStableOffsetAfter(completed);
      segment.appendTransaction({ ...completed, lastStableOffset });
    }
  }

  #shouldRoll(pendingBytes: number, batch: RecordBatch, nowMs: number): boolean {
    const { sizeBytes, maxTimestamp, lastOffset } = batch;
    const { segmentBytes, segmentIndexBytes } = this.config;
    return this.segments.active.shouldRoll(
      { pendingBytes, sizeBytes, maxTimestampMs: maxTimestamp, lastOffset, nowMs },
      { segmentBytes, segmentMs: segmentAgeLimitMs(this.config) - this.#rollJitterMs, segmentIndexBytes },
    );
  }

  /**
   * Begins a new segment when the active one has been open for segment.ms by the clock, so that retention can reach
   * its records.
   */
  maybeRoll(nowMs: number): boolean {
    const { active } = this.segments;
    if (active.sizeBytes === 0 || nowMs - active.createdMs <= segmentAgeLimitMs(this.config) - this.#rollJitterMs)
      return false;
    this.roll(nowMs);
    return true;
  }

  /**
   * Segments follow each other without a gap, also where the batches do not: then a gap that is found after a crash
   * means that the end of a segment was lost. Only an offset too far away for the index forces one.
   */
  #nextBaseOffset(batch: RecordBatch): number {
    return Math.max(this.#logEndOffset, batch.lastOffset - MAX_RELATIVE_OFFSET);
  }

  /** Begins a new segment where the log ends. The active one must not be empty. */
  roll(nowMs: number): void {
    this.#rollAt(this.#logEndOffset, nowMs);
  }

  #rollAt(baseOffset: number, nowMs: number): void {
    this.segments.active.finish();
    this.segments.push(this.#newSegment(baseOffset, nowMs));
    this.producers.mapEndOffset = baseOffset;
    this.snapshots.write(this.producers.producers, baseOffset);
  }

  #newSegment(baseOffset: number, nowMs: number): Segment {
    const segment = createSegment(this.#directory.services, this.#path, baseOffset, nowMs);
    this.recentBatches.clear();
    this.#rollJitterMs = this.#nextRollJitter();
    this.#areNamesDirty = true;
    return segment;
  }

  #nextRollJitter(): number {
    const bound = Math.min(this.config.segmentJitterMs, segmentAgeLimitMs(this.config), 0x7fff_ffff);
    return bound <= 0 ? 0 : this.#directory.services.random.int(bound);
  }

  /** Where the batches end that lie wholly below the offset, which is not below the first segment. */
  findCut(offset: number): Cut {
    return this.segments.all[this.segments.indexFor(offset)]!.findCut(offset);
  }

  /**
   * Removes what lies behind a cut that findCut(offset) found. What is written next goes into a file of its own: in
   * the old one a power loss could bring back removed batches, and they could join with new ones to a log that never
   * was.
   */
  cutTo(offset: number, cut: Cut, nowMs: number): void {
    const { all } = this.segments;
    this.removeSegments(all.slice(this.segments.indexFor(offset) + 1));
    const { active } = this.segments;
    if (cut.position === 0) {
      this.#retire([active]);
      this.segments.replace([active], [this.#newSegment(active.baseOffset, nowMs)]);
    } else if (cut.position < active.sizeBytes) {
      active.truncateTo(cut);
      active.finish();
      this.segments.push(this.#newSegment(cut.endOffset, nowMs));
    }
    this.recentBatches.clear();
    this.#logEndOffset = cut.endOffset;
    rebuildProducers(this.producers, this.snapshots, this.segments, {
      endOffset: cut.endOffset,
      nowMs,
      producerIdExpirationMs: this.#directory.services.producerIdExpirationMs,
    });
    this.snapshots.write(this.producers.producers, cut.endOffset);
  }

  /** Removes everything and goes on, empty, at the offset. */
  restartAt(offset: number, nowMs: number): void {
    // The old files lose their names first: one of the new ones may need it.
    const old = [...this.segments.all];
    this.#retire(old);
    this.segments.replace(old, [this.#newSegment(offset, nowMs)]);
    this.#logEndOffset = offset;
    this.snapshots.removeAll();
    this.producers.clear(offset);
  }

  /** Takes segments out of the log. The files go later, for readers that still use them. */
  removeSegments(segments: readonly Segment[]): void {
    this.#retire(segments);
    this.segments.replace(segments, []);
  }

  /**
   * Puts others in the place of some that lie one behind the other. The new ones are complete, synced and marked
   * `.cleaned`. A start after a crash in between either finds the old ones or goes on from where this was.
   */
  replaceSegments(old: readonly Segment[], replacement: readonly Segment[]): void {
    const { disk } = this.#directory.services;
    // The last first: while any is `.cleaned`, those marked `.swap` behind it are known to be a part only.
    for (const segment of [...replacement].reverse()) segment.rename('.swap');
    disk.syncDirectory(this.#path);
    this.#retire(old);
    // Durable with the next sync of the log. Until then a start finds `.swap`, which comes to the same.
    for (const segment of replacement) segment.rename('');
    this.segments.replace(old, replacement);
    const left = new Set(replacement.map(({ baseOffset }) => baseOffset));
    const merged = new Set(old.map(({ baseOffset }) => baseOffset).filter((baseOffset) => !left.has(baseOffset)));
    this.snapshots.keepOnly((offset) => !merged.has(offset));
  }

  #retire(segments: readonly Segment[]): void {
    this.#cutCount++;
    this.#areNamesDirty = true;
    for (const segment of segments) segment.retire();
    if (segments.length === 0) return;
    this.#directory.later(this.config.fileDeleteDelayMs, `Deleting segments of ${this.#name}`, async () => {
      for (const segment of segments) await segment.files.whenRemoved();
    });
  }

  /** Makes durable what is there now, with all that a start without a look at it needs. */
  async sync(): Promise<void> {
    // Not only the last ones: a segment that was cut is dirty too.
    for (const segment of this.segments.all.filter((each) => each.isDirty)) {
      try {
        await segment.sync();
      } catch (error) {
        // Its file went while we waited, so there is nothing left to be durable.
        if (!segment.isDeleted) throw error;
      }
    }
    if (!this.#areNamesDirty) return;
    this.#areNamesDirty = false;
    const { disk } = this.#directory.services;
    await this.snapshots.sync();
    if (this.#topicId !== ZERO_TOPIC_ID) await disk.whenSynced(path.join(this.#path, PARTITION_METADATA));
    await disk.whenSynced(this.#path);
    await disk.whenSynced(this.#directory.path);
  }

  setTopicId(topicId: TopicId): void {
    const file = path.join(this.#path, PARTITION_METADATA);
    this.#directory.services.disk.writeFile(file, encodePartitionMetadata(topicId));
    this.#topicId = topicId;
    this.#areNamesDirty = true;
  }

  /** Writes what a start without recovery needs; sync() makes it durable. */
  finish(): void {
    const { active } = this.segments;
    active.finish();
    const hasSnapshot = this.snapshots.write(this.producers.producers, this.#logEndOffset);
    if (hasSnapshot || active.isDirty) this.#areNamesDirty = true;
  }

  /** Lets go of the files. */
  close(): void {
    for (const segment of this.segments.all) segment.close();
  }

  /** The directory was renamed and the log given up. */
  onDeleted(directory: string): void {
    this.#path = directory;
    for (const segment of this.segments.all) segment.onDirectoryRenamed(directory);
    this.snapshots.onDirectoryRenamed(directory);
  }
}

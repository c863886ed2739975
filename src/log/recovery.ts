/**
 * Opens the log of a partition as it was left (LogLoader). After a stop in order the ends of the files are believed.
 * After any other stop every batch from the recovery point on is checked, indexes, epochs and producers are made anew,
 * and a torn tail is cut.
 *
 * What lies below the recovery point was synced: a bad batch there, or a log that ends before it, is damage and never
 * the end of the log. Such a log is not opened (DamagedLogError); cutting it would throw away records that were
 * acknowledged.
 */
import * as path from 'node:path';
import { type TopicId, ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import { CheckpointFormatError, decodeEpochs, LEADER_EPOCH_CHECKPOINT } from './checkpoint-file.ts';
import { sweepDirectory } from './directory-sweep.ts';
import { LeaderEpochs } from './leader-epochs.ts';
import type { LogConfig } from './log-config.ts';
import type { LogServices } from './log-directory.ts';
import type { LogParts } from './log-store.ts';
import { decodePartitionMetadata, PARTITION_METADATA } from './partition-metadata.ts';
import { rebuildProducers, replayBatch } from './producer-replay.ts';
import { ProducerSnapshots } from './producer-snapshots.ts';
import { ProducerState } from './producer-state.ts';
import { DamagedLogError, type Segment } from './segment.ts';
import { createSegment, openSegment } from './segment-factory.ts';
import { SegmentList } from './segment-list.ts';
import { MAX_RELATIVE_OFFSET } from './sparse-index.ts';
import { type Expectations, readSoundPart, type SoundPart } from './segment-recovery.ts';

export interface LogSource {
  readonly topic: string;
  readonly partition: number;
  readonly path: string;
  readonly config: LogConfig;
  readonly wasClosedInOrder: boolean;
  /** From the checkpoints; 0 when they have no entry. */
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
}

export interface RecoveredLog {
  readonly parts: LogParts;
  readonly epochs: LeaderEpochs;
  /** The epochs are not those of the checkpoint. */
  readonly areEpochsDirty: boolean;
  readonly logStartOffset: number;
  readonly recoveryPoint: number;
}

export async function recoverLog(services: LogServices, source: LogSource): Promise<RecoveredLog> {
  return new Recovery(services, source).run();
}

class Recovery {
  readonly #services: LogServices;
  readonly #source: LogSource;
  readonly #nowMs: number;
  readonly #producers: ProducerState;
  readonly #epochs = new LeaderEpochs();
  #areEpochsDirty = false;
  #areNamesDirty: boolean;

  constructor(services: LogServices, source: LogSource) {
    this.#services = services;
    this.#source = source;
    this.#nowMs = services.clock.nowMs();
    this.#producers = new ProducerState(`${source.topic}-${source.partition}`);
    // Whatever was made before the stop may not be on the device.
    this.#areNamesDirty = !source.wasClosedInOrder;
  }

  async run(): Promise<RecoveredLog> {
    const { path: directory, recoveryPoint } = this.#source;
    const { disk } = this.#services;
    const swept = sweepDirectory(disk, directory);
    this.#areNamesDirty ||= swept.wasChanged;
    const snapshots = new ProducerSnapshots(disk, directory, swept.snapshotOffsets);
    let segments = this.#openSegments(swept.baseOffsets);
    const topicId = this.#readTopicId(segments);
    await this.#readEpochs(segments);
    let endOffset = this.#source.wasClosedInOrder
      ? segments.active.findEndOffset()
      : await this.#checkUnflushed(segments, snapshots);
    let logStartOffset = Math.max(this.#source.logStartOffset, segments.first.baseOffset);
    this.#assertHolds(endOffset, `${segments.active.log.path} ends at offset ${endOffset}`);
    if (endOffset < logStartOffset) {
      this.#warn(`ends at ${endOffset}, before its start ${logStartOffset}: it begins anew there`);
      segments = this.#beginAnew(segments, snapshots, logStartOffset);
      endOffset = logStartOffset;
    }
    logStartOffset = Math.min(logStartOffset, endOffset);
    if (this.#epochs.truncateFromStart(logStartOffset)) this.#areEpochsDirty = true;
    if (this.#epochs.truncateFromEnd(endOffset)) this.#areEpochsDirty = true;
    this.#finishProducers(segments, snapshots, logStartOffset, endOffset);
    for (const segment of segments.all) segment.rest();
    const { topic, partition, config } = this.#source;
    return {
      parts: {
        topic,
        partition,
        topicId,
        path: directory,
        config,
        segments,
        producers: this.#producers,
        snapshots,
        logEndOffset: endOffset,
        areNamesDirty: this.#areNamesDirty,
      },
      epochs: this.#epochs,
      areEpochsDirty: this.#areEpochsDirty,
      logStartOffset,
      recoveryPoint: this.#source.wasClosedInOrder ? endOffset : Math.min(recoveryPoint, endOffset),
    };
  }

  #openSegments(baseOffsets: readonly number[]): SegmentList {
    const { path: directory, recoveryPoint, wasClosedInOrder, config, logStartOffset } = this.#source;
    const segments = baseOffsets.map((baseOffset, index) => {
      const { segment, needsIndexes } = openSegment(this.#services, directory, baseOffset, this.#nowMs);
      const next = baseOffsets[index + 1];
      const isChecked = !wasClosedInOrder && (next === undefined || next > recoveryPoint);
      if (needsIndexes && !isChecked) {
        this.#warn(`has no sound index for segment ${baseOffset}: it is made anew`);
        segment.rebuildIndexes(config.indexIntervalBytes);
        segment.finish();
      }
      return segment;
    });
    if (segments.length > 0) return new SegmentList(segments);
    this.#areNamesDirty = true;
    return new SegmentList([createSegment(this.#services, directory, logStartOffset, this.#nowMs)]);
  }

  #readTopicId(segments: SegmentList): TopicId {
    const { disk } = this.#services;
    const file = path.join(this.#source.path, PARTITION_METADATA);
    if (!disk.exists(file)) return ZERO_TOPIC_ID;
    const text = disk.readFile(file).toString('utf8');
    const topicId = decodePartitionMetadata(text);
    if (topicId !== null) return topicId;
    // Made just before a crash: nothing of the log was durable yet, or the file would be too.
    const isNew = !this.#source.wasClosedInOrder && this.#source.recoveryPoint === 0;
    if (isNew || segments.sizeBytes === 0) return ZERO_TOPIC_ID;
    throw new DamagedLogError(`${file} does not say which topic the log belongs to`);
  }

  async #readEpochs(segments: SegmentList): Promise<void> {
    const { disk } = this.#services;
    const file = path.join(this.#source.path, LEADER_EPOCH_CHECKPOINT);
    try {
      const entries = disk.exists(file) ? decodeEpochs(disk.readFile(file).toString('utf8')) : [];
      for (const { epoch, startOffset } of entries)
        if (epoch >= 0 && startOffset >= 0) this.#epochs.assign(epoch, startOffset);
      if (entries.length > 0 || segments.sizeBytes === 0) return;
    } catch (error) {
      if (!(error instanceof CheckpointFormatError)) throw error;
      this.#warn(`has a damaged ${LEADER_EPOCH_CHECKPOINT} (${error.message}): it is made anew`);
    }
    this.#areEpochsDirty = true;
    for (const segment of segments.all) {
      const cursor = segment.cursorFor(segment.baseOffset);
      while (cursor.next()) this.#noteEpoch(cursor.header.partitionLeaderEpoch, cursor.baseOffset);
      await new Promise<void>((resolve) => this.#services.clock.soon(resolve));
    }
  }

  #noteEpoch(epoch: number, baseOffset: number): void {
    if (epoch > this.#epochs.latestEpoch && this.#epochs.assign(epoch, baseOffset)) this.#areEpochsDirty = true;
  }

  /** Returns where the log ends, all behind that being cut. */
  async #checkUnflushed(segments: SegmentList, snapshots: ProducerSnapshots): Promise<number> {
    const { recoveryPoint } = this.#source;
    const unflushed = segments.from(recoveryPoint);
    const first = unflushed[0]!;
    if (this.#epochs.truncateFromEnd(first.baseOffset)) this.#areEpochsDirty = true;
    this.#replayUpTo(segments, snapshots, first.baseOffset);
    let endOffset = first.baseOffset;
    let leaderEpoch = -1;
    for (const [index, segment] of unflushed.entries()) {
      if (index > 0 && hasLostOffsets(segment, endOffset)) {
        const what = `the end of the segment before ${segment.baseOffset} is lost`;
        this.#cut(segments, unflushed.slice(index), endOffset, what);
        break;
      }
      const nextBaseOffset = unflushed[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY;
      const sound = await this.#recoverSegment(segment, { nextBaseOffset, leaderEpoch });
      ({ endOffset, leaderEpoch } = sound);
      if (sound.sizeBytes === segment.sizeBytes) continue;
      const what =
        `the record batch at byte ${sound.sizeBytes} of ${segment.log.path} is bad: ` +
        `${sound.problem ?? 'left over'}`;
      this.#assertHolds(sound.problem === null ? nextBaseOffset : endOffset, what);
      segment.log.truncate(sound.sizeBytes);
      if (sound.problem === null) continue;
      this.#cut(segments, unflushed.slice(index + 1), endOffset, what);
      break;
    }
    return endOffset;
  }

  async #recoverSegment(segment: Segment, expected: Expectations): Promise<SoundPart> {
    segment.resetIndexes();
    segment.files.removeTransactions();
    const sound = await readSoundPart(segment, expected, (batch, position) => {
      segment.indexBatch(batch, position, this.#source.config.indexIntervalBytes);
      this.#noteEpoch(batch.partitionLeaderEpoch, batch.baseOffset);
      if (batch.baseOffset < this.#producers.mapEndOffset) return;
      const completed = replayBatch(this.#producers, batch);
      if (completed?.isAbort !== true) return;
      const lastStableOffset = this.#producers.lastStableOffsetAfter(completed);
      segment.appendTransaction({ ...completed, lastStableOffset });
    });
    segment.finish();
    // It may be in the page cache alone.
    segment.log.isDirty = segment.sizeBytes > 0;
    return sound;
  }

  #cut(segments: SegmentList, rest: readonly Segment[], endOffset: number, why: string): void {
    this.#assertHolds(endOffset, why);
    this.#warn(`is cut at offset ${endOffset}, behind the last batch that was written whole: ${why}`);
    for (const segment of rest) {
      segment.close();
      segment.files.remove();
    }
    segments.replace(rest, []);
  }

  #beginAnew(segments: SegmentList, snapshots: ProducerSnapshots, logStartOffset: number): SegmentList {
    for (const segment of segments.all) {
      segment.close();
      segment.files.remove();
    }
    snapshots.removeAll();
    this.#producers.clear(logStartOffset);
    if (this.#epochs.clear()) this.#areEpochsDirty = true;
    this.#areNamesDirty = true;
    return new SegmentList([createSegment(this.#services, this.#source.path, logStartOffset, this.#nowMs)]);
  }

  #finishProducers(
    segments: SegmentList,
    snapshots: ProducerSnapshots,
    logStartOffset: number,
    endOffset: number,
  ): void {
    if (this.#source.wasClosedInOrder) this.#replayUpTo(segments, snapshots, endOffset);
    this.#producers.onLogStartOffset(logStartOffset);
    this.#producers.mapEndOffset = endOffset;
    if (!this.#source.wasClosedInOrder) snapshots.write(this.#producers.producers, endOffset);
    const bases = new Set(segments.all.map(({ baseOffset }) => baseOffset));
    snapshots.keepOnly((offset) => bases.has(offset) || offset === snapshots.latestOffset);
  }

  #replayUpTo(segments: SegmentList, snapshots: ProducerSnapshots, endOffset: number): void {
    // Not a state yet, so that nothing of it can be taken for one.
    this.#producers.mapEndOffset = -1;
    rebuildProducers(this.#producers, snapshots, segments, {
      endOffset,
      nowMs: this.#nowMs,
      producerIdExpirationMs: this.#services.producerIdExpirationMs,
    });
  }

  /** Nothing below the recovery point may be missing, unless it was removed on purpose since. */
  #assertHolds(endOffset: number, why: string): void {
    const { recoveryPoint, logStartOffset } = this.#source;
    if (endOffset >= recoveryPoint || recoveryPoint <= logStartOffset) return;
    throw new DamagedLogError(`${why}, although everything below offset ${recoveryPoint} was durable`);
  }

  #warn(what: string): void {
    const { topic, partition, path: directory } = this.#source;
    this.#services.logger.warn(
      `[LogLoader partition=${topic}-${partition}, dir=${path.dirname(directory)}] The log ${what}`,
    );
  }
}

/**
 * The segment does not begin where the one before ends, although its first batch could be in the index of one that
 * does.
 */
function hasLostOffsets(segment: Segment, endOffset: number): boolean {
  if (segment.baseOffset <= endOffset) return false;
  const cursor = segment.cursorFor(segment.baseOffset);
  return !cursor.next() || cursor.lastOffset - endOffset <= MAX_RELATIVE_OFFSET;
}

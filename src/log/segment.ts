/**
 * One segment of a log: the batches of a range of offsets in one `.log` file, beside it the two sparse indexes and,
 * when transactions were aborted, the transaction index. Append, search and truncation of that one range; the log above
 * it (PartitionLog) decides when to begin a new one.
 *
 * Invariant: the indexes are a function of the batches (and of index.interval.bytes), so a rebuilt index equals the one
 * that grew; only the last entry of a time index that was closed in order may be one that a rebuild makes when it
 * closes too.
 */
import type { Disk } from '../lib/disk.ts';
import { RecordBatch } from '../protocol/records/batch.ts';
import { BatchCursor } from './batch-cursor.ts';
import { type AppendedBytes, SegmentHeat } from './heat.ts';
import type { IndexCache, IndexOwner } from './index-cache.ts';
import { NOT_IN_MEMORY, type OffsetIndex } from './offset-index.ts';
import { LazyFile, type OpenFiles } from './open-files.ts';
import type { SegmentFiles } from './segment-files.ts';
import type { SegmentFileMark } from './segment-names.ts';
import type { TimeIndex } from './time-index.ts';
import type { AbortedTxn } from './transaction-index.ts';

/** What all segments of a broker share. */
export interface SegmentContext {
  readonly disk: Disk;
  readonly openFiles: OpenFiles;
  readonly indexCache: IndexCache;
  readonly appendedBytes: AppendedBytes;
}

/** The bytes of a log file are not what its batches and indexes say: it was damaged behind our back. */
export class DamagedLogError extends Error {
  override readonly name = 'DamagedLogError';
}

/** Where a segment may be cut: the byte behind a batch, and the offset behind it. */
export interface Cut {
  readonly position: number;
  readonly endOffset: number;
}

const NO_TIMESTAMP = -1;
const MUCH_INDEX_BYTES = 8192;

export class Segment implements IndexOwner {
  readonly baseOffset: number;
  readonly files: SegmentFiles;
  readonly #context: SegmentContext;
  readonly log: LazyFile;
  readonly #heat: SegmentHeat;
  #offsetIndex: OffsetIndex;
  #timeIndex: TimeIndex;
  /** When the segment was begun, or this process opened it: what age is counted from while it holds no timestamp. */
  createdMs: number;
  /** The largest timestamp in the segment; -1 when it has none. */
  maxTimestampMs: number;
  /** Last offset of the first batch with that timestamp. */
  offsetOfMaxTimestamp: number;
  /** Max timestamp of the first batch: what segment.ms counts from. Undefined until it is asked for. */
  #firstTimestampMs: number | undefined;
  /** Batches of which compaction left the header alone; of a segment that was here at start nobody knows. */
  mayHaveEmptyBatches: boolean;
  /** The file's name, or those of its indexes, have to be synced too. */
  #areIndexFilesDirty = false;
  #isDeleted = false;

  constructor(
    context: SegmentContext,
    files: SegmentFiles,
    sizeBytes: number,
    indexes: { offsetIndex: OffsetIndex; timeIndex: TimeIndex },
    nowMs: number,
  ) {
    this.#context = context;
    this.files = files;
    this.baseOffset = files.baseOffset;
    this.log = new LazyFile(context.openFiles, files.path('log'), sizeBytes);
    this.#heat = new SegmentHeat(context.appendedBytes, sizeBytes);
    this.#offsetIndex = indexes.offsetIndex;
    this.#timeIndex = indexes.timeIndex;
    this.createdMs = nowMs;
    this.mayHaveEmptyBatches = sizeBytes > 0;
    this.maxTimestampMs = indexes.timeIndex.lastTimestampMs;
    this.offsetOfMaxTimestamp = indexes.timeIndex.lastOffset;
  }

  /** Taken out of the log; its files wait to be removed. */
  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  get sizeBytes(): number {
    return this.log.sizeBytes;
  }

  /** The time of the latest record; when the records have none, of the file. */
  latestTimestampMs(): number {
    return this.maxTimestampMs >= 0 ? this.maxTimestampMs : this.#context.disk.lastModifiedMs(this.log.path);
  }

  get offsetIndex(): OffsetIndex {
    return this.#offsetIndex;
  }

  get timeIndex(): TimeIndex {
    return this.#timeIndex;
  }

  get offsetIndexBytes(): number {
    return this.#offsetIndex.entryCount * this.#offsetIndex.entrySizeBytes;
  }

  get timeIndexBytes(): number {
    return this.#timeIndex.entryCount * this.#timeIndex.entrySizeBytes;
  }

  /**
   * Whether the segment is to be ended before a batch comes in, behind others that are about to be written
   * (`pendingBytes`).
   */
  shouldRoll(
    next: { pendingBytes: number; sizeBytes: number; maxTimestampMs: number; lastOffset: number; nowMs: number },
    limits: { segmentBytes: number; segmentMs: number; segmentIndexBytes: number },
  ): boolean {
    if (!this.#offsetIndex.canHold(next.lastOffset)) return true;
    const heldBytes = this.sizeBytes + next.pendingBytes;
    if (heldBytes === 0) return false;
    return (
      heldBytes > limits.segmentBytes - next.sizeBytes ||
      this.#ageMs(next.maxTimestampMs, next.nowMs) > limits.segmentMs ||
      this.#offsetIndex.isFull(limits.segmentIndexBytes) ||
      this.#timeIndex.isFull(limits.segmentIndexBytes)
    );
  }

  #ageMs(maxTimestampMs: number, nowMs: number): number {
    const first = this.firstTimestampMs();
    return first >= 0 ? maxTimestampMs - first : nowMs - this.createdMs;
  }

  /** The largest of the first batch; -1 when it has none, or there is no batch. */
  firstTimestampMs(): number {
    if (this.#firstTimestampMs === undefined) {
      if (this.sizeBytes === 0) return NO_TIMESTAMP;
      const cursor = new BatchCursor(this.log.use(), 0, this.sizeBytes);
      this.#firstTimestampMs = cursor.next() ? cursor.header.maxTimestamp : NO_TIMESTAMP;
    }
    return this.#firstTimestampMs;
  }

  /** Writes batches that lie one behind the other in one buffer. Their offsets follow those that are here. */
  append(batches: readonly RecordBatch[], indexIntervalBytes: number): void {
    const first = batches[0]!;
    const bytes = first.buffer.subarray(first.position, batches.at(-1)!.endPosition);
    const start = this.sizeBytes;
    this.#heat.onAppend(start, bytes.length);
    this.log.append(bytes);
    if (start === 0) this.#firstTimestampMs = first.maxTimestamp;
    for (const batch of batches) this.indexBatch(batch, start + batch.position - first.position, indexIntervalBytes);
  }

  /** Notes in the indexes a batch that begins at the position, as appending and recovery do alike. */
  indexBatch(batch: RecordBatch, position: number, indexIntervalBytes: number): void {
    const { lastOffset } = batch;
    if (batch.recordCount === 0) this.mayHaveEmptyBatches = true;
    this.#noteTimestamp(batch, lastOffset);
    if (position - this.#offsetIndex.lastPosition <= indexIntervalBytes) return;
    this.#offsetIndex.append(lastOffset, position);
    this.#timeIndex.maybeAppend(this.maxTimestampMs, this.offsetOfMaxTimestamp);
  }

  /** The timestamp of a batch that compaction has emptied is that of no record. */
  #noteTimestamp({ maxTimestamp, recordCount }: RecordBatch, lastOffset: number): void {
    if (maxTimestamp <= this.maxTimestampMs || recordCount === 0) return;
    this.maxTimestampMs = maxTimestamp;
    this.offsetOfMaxTimestamp = lastOffset;
  }

  /** Forgets all that is known of the batches: they are about to be gone through again. */
  resetIndexes(): void {
    this.#offsetIndex.reset();
    this.#timeIndex.reset();
    this.maxTimestampMs = NO_TIMESTAMP;
    this.offsetOfMaxTimestamp = this.baseOffset;
    this.#firstTimestampMs = undefined;
  }

  isHot(position: number): boolean {
    return this.#heat.isHot(position);
  }

  /** Whether positionOf(offset) can be answered without a read of the index file. */
  hasInMemory(offset: number): boolean {
    return offset <= this.baseOffset || this.#offsetIndex.positionFor(offset) !== NOT_IN_MEMORY;
  }

  /** Where the first batch begins that holds the offset or follows it; the size of the file when there is none. */
  positionOf(offset: number): number {
    if (offset <= this.baseOffset) return 0;
    const cursor = this.cursorFor(offset);
    while (cursor.next()) if (cursor.lastOffset >= offset) return cursor.position;
    this.#assertWhole(cursor);
    return cursor.nextPosition;
  }

  /** Where the first batch with records begins, from the one at the position on; `end` when none does before it. */
  skipEmptyBatches(position: number, end: number): number {
    const cursor = new BatchCursor(this.log.use(), position, end);
    while (cursor.next()) if (cursor.header.recordCount > 0) return cursor.position;
    this.#assertWhole(cursor);
    return end;
  }

  /** The whole batch that begins there. */
  readBatch(position: number, sizeBytes: number): RecordBatch {
    const bytes = Buffer.allocUnsafe(sizeBytes);
    const count = this.log.use().readInto(bytes, 0, position, sizeBytes);
    if (count < sizeBytes)
      throw new DamagedLogError(`${this.log.path} ends within the record batch at byte ${position}`);
    return new RecordBatch(bytes);
  }

  /** The size of the batch that begins there. */
  batchSizeAt(position: number): number {
    const cursor = new BatchCursor(this.log.use(), position, this.sizeBytes);
    cursor.next();
    this.#assertWhole(cursor);
    return cursor.nextPosition - position;
  }

  /**
   * A cursor that stands before the batch with the offset, by at most index.interval.bytes and a batch. An index that
   * leads astray is built anew.
   */
  cursorFor(offset: number): BatchCursor {
    const start = this.searchPosition(offset);
    const cursor = new BatchCursor(this.log.use(), start, this.sizeBytes);
    if (start === 0) return cursor;
    const isRight = cursor.next() && cursor.baseOffset <= offset;
    if (isRight) {
      cursor.goBack();
      return cursor;
    }
    this.rebuildIndexes();
    return new BatchCursor(this.log.use(), this.searchPosition(offset), this.sizeBytes);
  }

  /** The start of a batch from which the search for the offset may begin, as the index says. */
  searchPosition(offset: number): number {
    if (offset <= this.baseOffset) return 0;
    if (!this.hasInMemory(offset)) this.completeIndexes();
    return this.#offsetIndex.positionFor(offset);
  }

  /** Goes through the headers of all batches and makes the indexes anew. */
  rebuildIndexes(indexIntervalBytes = 4096): void {
    this.resetIndexes();
    const cursor = new BatchCursor(this.log.use(), 0, this.sizeBytes);
    while (cursor.next()) this.indexBatch(cursor.header, cursor.position, indexIntervalBytes);
    this.#assertWhole(cursor);
  }

  #assertWhole(cursor: BatchCursor): void {
    if (cursor.isBroken)
      throw new DamagedLogError(
        `${this.log.path} has no record batch at byte ${cursor.nextPosition} of ${this.sizeBytes}`,
      );
  }

  /** The offset behind the last batch, found from the last index entry on. */
  findEndOffset(): number {
    let endOffset = this.baseOffset;
    const cursor = this.cursorFor(this.#offsetIndex.lastOffset);
    while (cursor.next()) endOffset = cursor.lastOffset + 1;
    this.#assertWhole(cursor);
    return endOffset;
  }

  /** Brings back the parts of the indexes that were left to their files. */
  completeIndexes(): void {
    this.#complete(this.#readIndex('index'), this.#readIndex('timeindex'));
  }

  /** The same on the thread pool. A segment that leaves the log meanwhile has nothing to be found in any more. */
  async whenIndexesComplete(): Promise<void> {
    if (this.#offsetIndex.isComplete && this.#timeIndex.isComplete) return;
    const { disk } = this.#context;
    try {
      const [offsets, times] = await Promise.all([
        disk.whenRead(this.files.path('index')),
        disk.whenRead(this.files.path('timeindex')),
      ]);
      if (!this.#isDeleted) this.#complete(offsets, times);
    } catch (error) {
      // Its files have other names since, or none: that they are not found says nothing of the disk.
      if (!this.#isDeleted) throw error;
    }
  }

  #complete(offsets: Buffer, times: Buffer): void {
    const areWhole =
      (this.#offsetIndex.isComplete || this.#offsetIndex.complete(offsets)) &&
      (this.#timeIndex.isComplete || this.#timeIndex.complete(times));
    if (!areWhole) this.rebuildIndexes();
    this.#noteUse();
  }

  #readIndex(kind: 'index' | 'timeindex'): Buffer {
    return this.files.exists(kind) ? this.#context.disk.readFile(this.files.path(kind)) : Buffer.alloc(0);
  }

  #noteUse(): void {
    this.#context.indexCache.onUsed(this, this.#offsetIndex.memoryBytes + this.#timeIndex.memoryBytes);
  }

  shrinkIndexes(): void {
    this.#offsetIndex.shrink();
    this.#timeIndex.shrink();
  }

  /** Where the batches end that lie wholly below the offset, as a byte and as the offset behind the last of them. */
  findCut(offset: number): Cut {
    let endOffset = this.baseOffset;
    const cursor = this.cursorFor(Math.max(offset - 1, this.baseOffset));
    while (cursor.next()) {
      if (cursor.lastOffset >= offset) return { position: cursor.position, endOffset };
      endOffset = cursor.lastOffset + 1;
    }
    this.#assertWhole(cursor);
    return { position: cursor.nextPosition, endOffset };
  }

  /** Removes what lies behind a cut, which leaves some of the segment. */
  truncateTo(cut: Cut): void {
    if (!this.#offsetIndex.isComplete || !this.#timeIndex.isComplete) this.completeIndexes();
    this.#offsetIndex.truncateTo(cut.endOffset);
    this.#timeIndex.truncateTo(cut.endOffset);
    this.files.truncateTransactions(cut.endOffset);
    this.log.truncate(cut.position);
    this.maxTimestampMs = this.#timeIndex.lastTimestampMs;
    this.offsetOfMaxTimestamp = this.#timeIndex.lastOffset;
    // At each entry of the offset index the time index was brought up to date: only what follows the last one can be
    // later.
    const cursor = this.cursorFor(this.#offsetIndex.lastOffset);
    while (cursor.next()) this.#noteTimestamp(cursor.header, cursor.lastOffset);
  }

  /** No batch will be added: the time index gets its last entry, and what the files lack is written. */
  finish(): void {
    this.#timeIndex.maybeAppend(this.maxTimestampMs, this.offsetOfMaxTimestamp);
    this.writeIndexes();
    this.#noteUse();
  }

  /** Writes to the index files what they lack when it has become much, so that the memory for it can be given back. */
  maybeWriteIndexes(): void {
    const lackBytes = this.#offsetIndex.unpersisted().length + this.#timeIndex.unpersisted().length;
    if (lackBytes < MUCH_INDEX_BYTES) return;
    this.writeIndexes();
    this.#noteUse();
  }

  /** Writes to the index files what they lack; a crash may still lose it. */
  writeIndexes(): void {
    for (const [kind, index] of [
      ['index', this.#offsetIndex],
      ['timeindex', this.#timeIndex],
    ] as const) {
      if (!index.isDirty) continue;
      this.files.appendAt(kind, index.persistedCount * index.entrySizeBytes, index.unpersisted());
      index.onPersisted();
      this.#areIndexFilesDirty = true;
    }
  }

  /** Notes an aborted transaction whose marker is here. */
  appendTransaction(txn: AbortedTxn): void {
    this.files.appendTransaction(txn);
    this.#areIndexFilesDirty = true;
  }

  /** Something was written that no sync has covered. */
  get isDirty(): boolean {
    return this.log.isDirty || this.#areIndexFilesDirty;
  }

  /** Makes durable what is in the log, and what is in the index files. */
  async sync(): Promise<void> {
    if (this.#isDeleted) return;
    await this.log.sync();
    if (!this.#areIndexFilesDirty) return;
    this.#areIndexFilesDirty = false;
    await this.files.syncIndexes();
  }

  /** Leaves the log. Whoever still reads it may go on until the files are removed. */
  retire(): void {
    this.#isDeleted = true;
    this.close();
    this.rename('.deleted');
  }

  /** Gives the files another mark. */
  rename(mark: SegmentFileMark): void {
    this.files.rename(mark);
    this.log.onRenamed(this.files.path('log'));
  }

  /** The directory of the log was renamed, and the log given up. */
  onDirectoryRenamed(directory: string): void {
    this.#isDeleted = true;
    this.close();
    this.files.onDirectoryRenamed(directory);
    this.log.onRenamed(this.files.path('log'));
  }

  /** Gives back what costs memory or a descriptor, until it is needed again. */
  rest(): void {
    this.shrinkIndexes();
    this.#context.indexCache.forget(this);
    if (!this.log.isBusy) this.log.close();
  }

  close(): void {
    this.#context.indexCache.forget(this);
    this.log.close();
  }
}

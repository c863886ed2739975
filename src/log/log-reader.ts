/**
 * Finds the bytes of a log that answer a fetch. Batches are never cut at the end offset; where the maximum size falls
 * into the middle of a batch, the slice ends at a batch that is known to begin before, or else with a part of a batch,
 * which clients skip.
 *
 * At the tail nothing is searched: the ends of the last batches are remembered. Elsewhere the index leads to within
 * index.interval.bytes and the headers from there are looked at. Cold bytes are searched and read on the thread pool.
 */
import { MAGIC_V2, RECORD_BATCH_OVERHEAD, RecordBatch } from '../protocol/records/batch.ts';
import { ColdSlice, EmptySlice, HotSlice, type LogSlice } from './log-slice.ts';
import type { RecentBatches } from './recent-batches.ts';
import { DamagedLogError, type Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

export interface ReadOptions {
  readonly maxBytes: number;
  /** Exclusive: no batch that reaches it or lies behind is given. */
  readonly endOffset: number;
  /** The first batch is given even when it is larger than maxBytes. */
  readonly minOneBatch: boolean;
  /**
   * For consumers: the first batch has records, if any does. Compaction leaves batches without, and some clients
   * (kafkajs) ask again and again for the offset of such a batch when they get no other.
   */
  readonly skipsEmptyBatches?: boolean;
}

export interface ReadableLog {
  readonly segments: SegmentList;
  readonly recentBatches: RecentBatches;
  readonly logEndOffset: number;
  /** Changes whenever batches were removed: what was found before is then void. */
  readonly cutCount: number;
  /** Runs what reads the disk: an error of it takes the log out of service. */
  whenGuarded<T>(what: string, operation: () => Promise<T>): Promise<T>;
}

/** Offsets are in range: logStartOffset <= startOffset <= logEndOffset. */
export function readLog(log: ReadableLog, startOffset: number, options: ReadOptions): LogSlice {
  const endOffset = Math.min(options.endOffset, log.logEndOffset);
  if (startOffset >= endOffset || (options.maxBytes <= 0 && !options.minOneBatch)) return new EmptySlice(startOffset);
  const { all } = log.segments;
  let emptyBatches: LogSlice | null = null;
  for (let index = log.segments.indexFor(startOffset); index < all.length; index++) {
    const segment = all[index]!;
    if (segment.baseOffset >= endOffset) break;
    if (segment.sizeBytes === 0) continue;
    const position = hotPosition(log, segment, startOffset);
    if (position < 0) return coldSlice(log, segment, startOffset, { ...options, endOffset });
    if (position >= segment.sizeBytes) continue;
    const end = endPosition(log, index, endOffset);
    const slice = (from: number): LogSlice =>
      hotSlice(startOffset, segment, from, sliceSize(segment, from, end, options));
    const skips = options.skipsEmptyBatches === true && segment.mayHaveEmptyBatches;
    const filled = skips ? segment.skipEmptyBatches(position, end) : position;
    if (filled < end) return slice(filled);
    if (position < end) emptyBatches ??= slice(position);
  }
  return emptyBatches ?? new EmptySlice(startOffset);
}

function hotSlice(startOffset: number, segment: Segment, position: number, sizeBytes: number): LogSlice {
  return sizeBytes > 0 ? new HotSlice(startOffset, segment, position, sizeBytes) : new EmptySlice(startOffset);
}

/** Where the first batch to be read begins, if that can be told without waiting for the disk; else -1. */
function hotPosition(log: ReadableLog, segment: Segment, offset: number): number {
  if (segment === log.segments.active) {
    const known = log.recentBatches.positionOf(offset);
    if (known >= 0) return known;
  }
  if (!segment.hasInMemory(offset)) return -1;
  const nearby = offset <= segment.baseOffset ? 0 : segment.offsetIndex.positionFor(offset);
  return segment.isHot(nearby) ? segment.positionOf(offset) : -1;
}

/** Where in the segment of that number the batches end that lie below the offset. */
function endPosition(log: ReadableLog, index: number, endOffset: number): number {
  const segment = log.segments.all[index]!;
  const next = log.segments.all[index + 1];
  if (endOffset >= (next === undefined ? log.logEndOffset : next.baseOffset)) return segment.sizeBytes;
  const known = next === undefined ? log.recentBatches.positionOf(endOffset) : -1;
  return known >= 0 ? known : segment.positionOf(endOffset);
}

function sliceSize(segment: Segment, position: number, end: number, options: ReadOptions): number {
  const available = end - position;
  if (available <= options.maxBytes) return available;
  const boundary = segment.offsetIndex.boundaryAtOrBefore(position + options.maxBytes);
  if (boundary - position > options.maxBytes / 2) return boundary - position;
  const first = segment.batchSizeAt(position);
  if (first <= options.maxBytes) return options.maxBytes;
  return options.minOneBatch ? first : 0;
}

/** Bytes read beyond what was asked for, to get from the index entry to the batch in one go. */
const SEARCH_MARGIN_BYTES = 8192;

function coldSlice(log: ReadableLog, segment: Segment, startOffset: number, options: ReadOptions): LogSlice {
  const guess = Math.min(Math.max(options.maxBytes, 1), segment.sizeBytes);
  return new ColdSlice(startOffset, guess, () =>
    log.whenGuarded('Reading', async () => {
      const bytes = await readCold(log, segment, startOffset, options);
      if (bytes.length > 0 || options.skipsEmptyBatches !== true) return bytes;
      return readCold(log, segment, startOffset, { ...options, skipsEmptyBatches: false });
    }),
  );
}

const NOTHING = Buffer.alloc(0);

/** Empty when the log was cut while it was read: what is there now may be another batch. */
async function readCold(
  log: ReadableLog,
  segment: Segment,
  startOffset: number,
  options: ReadOptions,
): Promise<Buffer> {
  const { cutCount } = log;
  const isVoid = (): boolean => log.cutCount !== cutCount || segment.isDeleted;
  await segment.whenIndexesComplete();
  if (isVoid()) return NOTHING;
  let position = segment.searchPosition(startOffset);
  let length = Math.max(options.maxBytes, RECORD_BATCH_OVERHEAD) + SEARCH_MARGIN_BYTES;
  let isRebuilt = false;
  while (position < segment.sizeBytes) {
    const bytes = await segment.log.read(position, Math.min(length, segment.sizeBytes - position));
    if (isVoid()) return NOTHING;
    const found = selectBatches(bytes, startOffset, options);
    const isAtEnd = position + bytes.length >= segment.sizeBytes;
    if (found === 'damaged' || (isAtEnd && found.bytes === null && found.skippedBytes < bytes.length)) {
      if (isRebuilt) throw new DamagedLogError(`${segment.log.path} has no record batch behind byte ${position}`);
      isRebuilt = true;
      segment.rebuildIndexes();
      position = segment.searchPosition(startOffset);
    } else if (found.bytes !== null) return found.bytes;
    else {
      position += found.skippedBytes;
      length = found.neededBytes;
    }
  }
  return readNext(log, segment, startOffset, options);
}

/** The segment has no batch at or behind the offset, although it might have had: the next one does. */
async function readNext(
  log: ReadableLog,
  segment: Segment,
  startOffset: number,
  options: ReadOptions,
): Promise<Buffer> {
  const next = log.segments.all.find(({ baseOffset }) => baseOffset > segment.baseOffset);
  if (next === undefined || next.baseOffset >= options.endOffset || next.sizeBytes === 0) return NOTHING;
  return readCold(log, next, startOffset, options);
}

interface Selection {
  /** Null: there is not enough to say; read again so many bytes, after skipping those that lie before the offset. */
  readonly bytes: Buffer | null;
  readonly skippedBytes: number;
  readonly neededBytes: number;
}

/**
 * Cuts whole batches out of bytes that begin with one: from the one with the offset, up to the end offset or the
 * maximum size.
 */
function selectBatches(bytes: Buffer, startOffset: number, options: ReadOptions): Selection | 'damaged' {
  let start = 0;
  let end = 0;
  while (end + RECORD_BATCH_OVERHEAD <= bytes.length) {
    const batch = new RecordBatch(bytes, end);
    if (batch.magic !== MAGIC_V2 || batch.sizeBytes < RECORD_BATCH_OVERHEAD) return 'damaged';
    const isWhole = batch.endPosition <= bytes.length;
    if (batch.lastOffset < startOffset || (isSkipped(batch, options) && end === start)) {
      start = end = batch.endPosition;
      continue;
    }
    if (batch.lastOffset >= options.endOffset) return selected(bytes, start, end);
    const fits = batch.endPosition - start <= options.maxBytes;
    if (end > start && (!fits || !isWhole)) return selected(bytes, start, end);
    if (!fits && !options.minOneBatch) return selected(bytes, start, start);
    if (!isWhole) return { bytes: null, skippedBytes: start, neededBytes: batch.sizeBytes };
    end = batch.endPosition;
    if (!fits) break;
  }
  if (end > start) return selected(bytes, start, end);
  // Less than a header is left, and yet this is not the end of the file: there was nothing to skip either.
  if (start === 0) return 'damaged';
  return { bytes: null, skippedBytes: start, neededBytes: Math.max(options.maxBytes, 0) + SEARCH_MARGIN_BYTES };
}

function isSkipped(batch: RecordBatch, { skipsEmptyBatches, endOffset }: ReadOptions): boolean {
  return skipsEmptyBatches === true && batch.recordCount === 0 && batch.lastOffset < endOffset;
}

function selected(bytes: Buffer, start: number, end: number): Selection {
  return { bytes: bytes.subarray(start, end), skippedBytes: start, neededBytes: 0 };
}

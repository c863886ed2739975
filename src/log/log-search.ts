/**
 * Finds records by their timestamps (ListOffsets). The time index leads to the neighbourhood; only one batch is
 * opened.
 */
import type { RecordBatch } from '../protocol/records/batch.ts';
import { recordsOf } from '../protocol/records/open.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

export interface TimestampedOffset {
  readonly timestampMs: number;
  readonly offset: number;
  /** -1 unknown. */
  readonly leaderEpoch: number;
}

/** The first record at or behind the offset whose timestamp is not before the given one. */
export function findByTimestamp(
  segments: SegmentList,
  timestampMs: number,
  startOffset: number,
): TimestampedOffset | null {
  for (const segment of segments.from(startOffset)) {
    if (segment.maxTimestampMs < timestampMs || segment.sizeBytes === 0) continue;
    const found = findInSegment(segment, timestampMs, startOffset);
    if (found !== null) return found;
  }
  return null;
}

function findInSegment(segment: Segment, timestampMs: number, startOffset: number): TimestampedOffset | null {
  if (!segment.timeIndex.isComplete) segment.completeIndexes();
  const entry = segment.timeIndex.entryFor(timestampMs);
  if (entry !== null && !isTrue(segment, entry)) {
    segment.rebuildIndexes();
    return findInSegment(segment, timestampMs, startOffset);
  }
  const cursor = segment.cursorFor(Math.max(entry?.offset ?? segment.baseOffset, startOffset));
  while (cursor.next()) {
    const { header, position } = cursor;
    if (header.maxTimestamp < timestampMs || cursor.lastOffset < startOffset) continue;
    const batch = segment.readBatch(position, header.sizeBytes);
    for (const record of recordsOf(batch))
      if (record.timestampMs >= timestampMs && record.offset >= startOffset)
        return { timestampMs: record.timestampMs, offset: record.offset, leaderEpoch: batch.partitionLeaderEpoch };
  }
  return null;
}

/** Whether the batch is there that the entry speaks of: a time index whose bytes were damaged would hide records. */
function isTrue(segment: Segment, entry: { timestampMs: number; offset: number }): boolean {
  const cursor = segment.cursorFor(entry.offset);
  while (cursor.next())
    if (cursor.lastOffset >= entry.offset)
      return cursor.lastOffset === entry.offset && cursor.header.maxTimestamp === entry.timestampMs;
  return false;
}

/** The first record with the largest timestamp (KIP-734). */
export function findMaxTimestamp(segments: SegmentList): TimestampedOffset | null {
  let latest: Segment | null = null;
  for (const segment of segments.all)
    if (segment.maxTimestampMs >= 0 && segment.maxTimestampMs > (latest?.maxTimestampMs ?? -1)) latest = segment;
  if (latest === null) return null;
  const cursor = latest.cursorFor(latest.offsetOfMaxTimestamp);
  while (cursor.next()) {
    const { header, position } = cursor;
    if (header.maxTimestamp === latest.maxTimestampMs && header.recordCount > 0)
      return firstWithMaxTimestamp(latest.readBatch(position, header.sizeBytes));
  }
  return null;
}

function firstWithMaxTimestamp(batch: RecordBatch): TimestampedOffset | null {
  const { maxTimestamp, partitionLeaderEpoch } = batch;
  for (const record of recordsOf(batch))
    if (record.timestampMs === maxTimestamp)
      return { timestampMs: maxTimestamp, offset: record.offset, leaderEpoch: partitionLeaderEpoch };
  return null;
}

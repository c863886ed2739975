/**
 * Makes segments: new ones with empty files, and those whose files are there, of whose indexes only the ends are read.
 */
import type { Disk } from '../lib/disk.ts';
import { OFFSET_ENTRY_SIZE_BYTES, OffsetIndex } from './offset-index.ts';
import { Segment, type SegmentContext } from './segment.ts';
import { SegmentFiles } from './segment-files.ts';
import { TIME_ENTRY_SIZE_BYTES, TimeIndex } from './time-index.ts';

/** With the mark `.cleaned`: one that is to take the place of others when it is complete. */
export function createSegment(
  context: SegmentContext,
  directory: string,
  baseOffset: number,
  nowMs: number,
  mark: '' | '.cleaned' = '',
): Segment {
  const files = new SegmentFiles(context.disk, directory, baseOffset, mark);
  files.create();
  const indexes = { offsetIndex: new OffsetIndex(baseOffset), timeIndex: new TimeIndex(baseOffset) };
  return new Segment(context, files, 0, indexes, nowMs);
}

export interface OpenedSegment {
  readonly segment: Segment;
  /** The index files are missing or cannot belong to the log file: the segment has to be gone through. */
  readonly needsIndexes: boolean;
}

export function openSegment(
  context: SegmentContext,
  directory: string,
  baseOffset: number,
  nowMs: number,
): OpenedSegment {
  const files = new SegmentFiles(context.disk, directory, baseOffset);
  const sizeBytes = context.disk.sizeOf(files.path('log'));
  const offsets = readEnd(context.disk, files, 'index', OFFSET_ENTRY_SIZE_BYTES);
  const times = readEnd(context.disk, files, 'timeindex', TIME_ENTRY_SIZE_BYTES);
  const offsetIndex = offsets && OffsetIndex.fromFileEnd(baseOffset, offsets.sizeBytes, offsets.lastEntry, sizeBytes);
  const timeIndex = times && TimeIndex.fromFileEnd(baseOffset, times.sizeBytes, times.lastEntry);
  const needsIndexes = offsetIndex === null || timeIndex === null || files.readTransactions() === null;
  const indexes = needsIndexes
    ? { offsetIndex: new OffsetIndex(baseOffset), timeIndex: new TimeIndex(baseOffset) }
    : { offsetIndex, timeIndex };
  const segment = new Segment(context, files, sizeBytes, indexes, nowMs);
  // Whatever is in the files is not what the indexes say now: they are to be written from the start.
  if (needsIndexes) segment.resetIndexes();
  return { segment, needsIndexes };
}

/** Null when there is no such file. */
function readEnd(
  disk: Disk,
  files: SegmentFiles,
  kind: 'index' | 'timeindex',
  entrySizeBytes: number,
): { sizeBytes: number; lastEntry: Buffer } | null {
  if (!files.exists(kind)) return null;
  const file = disk.open(files.path(kind));
  try {
    const lastEntry = Buffer.alloc(entrySizeBytes);
    file.readInto(lastEntry, 0, Math.max(0, file.sizeBytes - entrySizeBytes), entrySizeBytes);
    return { sizeBytes: file.sizeBytes, lastEntry };
  } finally {
    file.close();
  }
}

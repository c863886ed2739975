/**
 * Brings the files of a partition's directory into a state that is a log, after whatever was under way when the broker
 * stopped (LogLoader). Compaction writes its segments as `.cleaned`, renames all of them to `.swap` when they are
 * complete, takes the old ones out and drops the suffix: so what is `.cleaned` is given up, and what is `.swap` is
 * carried through.
 */
import * as path from 'node:path';
import type { Disk } from '../lib/disk.ts';
import { BatchCursor } from './batch-cursor.ts';
import { parseSegmentFileName, type SegmentFileName, segmentFileName } from './segment-names.ts';

export interface SweptDirectory {
  /** Base offsets of the segments, ascending. */
  readonly baseOffsets: readonly number[];
  /** Offsets of the producer snapshots, ascending. */
  readonly snapshotOffsets: readonly number[];
  /** Something was removed or renamed. */
  readonly wasChanged: boolean;
}

interface NamedFile extends SegmentFileName {
  readonly filePath: string;
}

export function sweepDirectory(disk: Disk, directory: string): SweptDirectory {
  let wasChanged = false;
  const remove = (files: readonly NamedFile[]): void => {
    for (const { filePath } of files) disk.remove(filePath);
    wasChanged ||= files.length > 0;
  };
  const found = listFiles(disk, directory);
  const withMark = (mark: SegmentFileName['mark']): NamedFile[] => found.filter((file) => file.mark === mark);
  remove(withMark('.deleted'));
  const cleaned = withMark('.cleaned');
  const firstCleaned = Math.min(...cleaned.map(({ offset }) => offset));
  const swap = withMark('.swap');
  // A swap behind a segment that is still being written belongs to a change that was never complete.
  remove(swap.filter(({ offset }) => offset >= firstCleaned));
  remove(cleaned);
  const complete = swap.filter(({ offset }) => offset < firstCleaned);
  if (complete.length > 0) {
    remove(replacedBy(disk, complete, withMark('')));
    for (const { offset, kind, filePath } of complete)
      disk.rename(filePath, path.join(directory, segmentFileName(offset, kind)));
    wasChanged = true;
  }
  const left = listFiles(disk, directory).filter((file) => file.mark === '');
  const baseOffsets = offsetsOf(left, 'log');
  const known = new Set(baseOffsets);
  remove(left.filter(({ kind, offset }) => kind !== 'log' && kind !== 'snapshot' && !known.has(offset)));
  return { baseOffsets, snapshotOffsets: offsetsOf(left, 'snapshot'), wasChanged };
}

/** The files of the segments that the complete ones were made from: those in the range of offsets that they cover. */
function replacedBy(disk: Disk, complete: readonly NamedFile[], plain: readonly NamedFile[]): NamedFile[] {
  const logs = complete.filter(({ kind }) => kind === 'log');
  const first = Math.min(...logs.map(({ offset }) => offset));
  const end = Math.max(...logs.map(({ offset, filePath }) => endOffsetOf(disk, filePath, offset)));
  return plain.filter(({ offset }) => offset >= first && offset < end);
}

function endOffsetOf(disk: Disk, filePath: string, baseOffset: number): number {
  const file = disk.open(filePath);
  try {
    let endOffset = baseOffset;
    const cursor = new BatchCursor(file, 0, file.sizeBytes);
    while (cursor.next()) endOffset = cursor.lastOffset + 1;
    return endOffset;
  } finally {
    file.close();
  }
}

function listFiles(disk: Disk, directory: string): NamedFile[] {
  const files: NamedFile[] = [];
  for (const { name, isDirectory } of disk.list(directory)) {
    const parsed = isDirectory ? null : parseSegmentFileName(name);
    if (parsed !== null) files.push({ ...parsed, filePath: path.join(directory, name) });
  }
  return files;
}

function offsetsOf(files: readonly NamedFile[], kind: SegmentFileName['kind']): number[] {
  const offsets = files.filter((file) => file.kind === kind).map(({ offset }) => offset);
  return offsets.sort((a, b) => a - b);
}

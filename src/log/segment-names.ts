/**
 * @pure The names of files in a partition's directory, as Kafka gives them (LogFileUtils): the offset in 20 digits, a
 * suffix for the kind, and sometimes a second one that tells a change under way. Names that are none of these belong to
 * somebody else.
 */
export const SEGMENT_FILE_KINDS = ['log', 'index', 'timeindex', 'txnindex', 'snapshot'] as const;
export type SegmentFileKind = (typeof SEGMENT_FILE_KINDS)[number];

/**
 * deleted: no longer part of the log, to be removed. cleaned: written by compaction, not yet complete. swap: complete,
 * about to take the place of the segments it was made from.
 */
export type SegmentFileMark = '' | '.deleted' | '.cleaned' | '.swap';

export interface SegmentFileName {
  /** First offset of the segment; for a snapshot the offset up to which (exclusive) it knows the producers. */
  readonly offset: number;
  readonly kind: SegmentFileKind;
  readonly mark: SegmentFileMark;
}

const NAME = /^(\d{20})\.(log|index|timeindex|txnindex|snapshot)(\.deleted|\.cleaned|\.swap)?$/;

export function segmentFileName(offset: number, kind: SegmentFileKind, mark: SegmentFileMark = ''): string {
  return `${String(offset).padStart(20, '0')}.${kind}${mark}`;
}

export function parseSegmentFileName(name: string): SegmentFileName | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const offset = Number(match[1]);
  if (!Number.isSafeInteger(offset)) return null;
  return { offset, kind: match[2] as SegmentFileKind, mark: (match[3] ?? '') as SegmentFileMark };
}

/**
 * @pure Whether a log is to be compacted, how much of it, and in which pieces (Kafka's LogCleanerManager and
 * Cleaner.groupSegmentsBySize).
 *
 * A log is clean up to its first dirty offset, which is where the last compaction ended. From there on, up to the end
 * of what may be touched, it is dirty. What may be touched ends with whole segments: before the active one, before the
 * last stable offset (so below the high watermark), and before the first with a record younger than
 * min.compaction.lag.ms.
 */
import type { LogConfig } from './log-config.ts';
import { MAX_RELATIVE_OFFSET } from './sparse-index.ts';

export type CompactionConfig = Pick<
  LogConfig,
  'maxCompactionLagMs' | 'minCleanableDirtyRatio' | 'minCompactionLagMs' | 'segmentBytes' | 'segmentIndexBytes'
>;

export interface CompactableSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly offsetIndexBytes: number;
  readonly timeIndexBytes: number;
  latestTimestampMs(): number;
  /** Of the first batch; not above 0 when it has none. */
  firstTimestampMs(): number;
}

export interface CompactableLog<S extends CompactableSegment> {
  readonly segments: { readonly all: readonly S[] };
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly lastStableOffset: number;
  readonly config: CompactionConfig;
}

export interface CompactionPlan {
  readonly firstDirtyOffset: number;
  /** Exclusive: where a segment begins. */
  readonly endOffset: number;
  readonly cleanableBytes: number;
  /** Share of the dirty bytes in those that may be touched; 0 when there are none. */
  readonly dirtyRatio: number;
  /** By how much the oldest dirty record has been waiting for longer than max.compaction.lag.ms; 0 when it has not. */
  readonly overdueMs: number;
  readonly isDue: boolean;
}

/** @param cleanedOffset where the last compaction ended, as the checkpoint has it; undefined when there was none */
export function planCompaction<S extends CompactableSegment>(
  log: CompactableLog<S>,
  cleanedOffset: number | undefined,
  nowMs: number,
): CompactionPlan {
  const { config } = log;
  const firstDirtyOffset = firstDirty(log, cleanedOffset);
  const inactive = log.segments.all.slice(0, -1);
  const dirtySegments = inactive.filter((_, index) => endOf(log, index) > firstDirtyOffset);
  const endOffset = cleanableEnd(log, dirtySegments, nowMs);
  const isTouchable = ({ baseOffset }: S): boolean => baseOffset < endOffset;
  // The one that is dirty in part counts as both.
  const cleanBytes = sizeOf(inactive.filter((each) => isTouchable(each) && each.baseOffset < firstDirtyOffset));
  const cleanableBytes = sizeOf(dirtySegments.filter(isTouchable));
  const totalBytes = cleanBytes + cleanableBytes;
  const dirtyRatio = totalBytes === 0 ? 0 : cleanableBytes / totalBytes;
  const overdueMs = overdue(dirtySegments, config, nowMs);
  const isDue = cleanableBytes > 0 && (overdueMs > 0 || dirtyRatio > config.minCleanableDirtyRatio);
  return { firstDirtyOffset, endOffset, cleanableBytes, dirtyRatio, overdueMs, isDue };
}

/** A checkpoint that the log no longer reaches, or that it has left behind, says nothing. */
function firstDirty(
  { logStartOffset, logEndOffset }: CompactableLog<CompactableSegment>,
  cleanedOffset: number | undefined,
): number {
  const isKnown = cleanedOffset !== undefined && cleanedOffset >= logStartOffset && cleanedOffset <= logEndOffset;
  return isKnown ? cleanedOffset : logStartOffset;
}

/** The first offset that no longer is in the segment of that number. */
function endOf(log: CompactableLog<CompactableSegment>, index: number): number {
  return log.segments.all[index + 1]?.baseOffset ?? log.logEndOffset;
}

function cleanableEnd<S extends CompactableSegment>(
  log: CompactableLog<S>,
  dirtySegments: readonly S[],
  nowMs: number,
): number {
  const { all } = log.segments;
  const minLagMs = Math.max(0, log.config.minCompactionLagMs);
  const young = minLagMs === 0 ? undefined : dirtySegments.find((each) => each.latestTimestampMs() > nowMs - minLagMs);
  // The segment that holds the last stable offset is left alone as a whole.
  const unstable = all.findLast(({ baseOffset }) => baseOffset <= log.lastStableOffset) ?? all[0]!;
  return Math.min(all.at(-1)!.baseOffset, unstable.baseOffset, young?.baseOffset ?? Number.POSITIVE_INFINITY);
}

function overdue(dirtySegments: readonly CompactableSegment[], config: CompactionConfig, nowMs: number): number {
  const latestAllowedMs = nowMs - Math.max(0, config.maxCompactionLagMs);
  // No record can be that old: the files need not be looked at.
  if (latestAllowedMs <= 0) return 0;
  const firstMs = dirtySegments.map((segment) => segment.firstTimestampMs()).filter((timestampMs) => timestampMs > 0);
  return Math.max(0, latestAllowedMs - Math.min(...firstMs, Number.POSITIVE_INFINITY));
}

function sizeOf(segments: readonly CompactableSegment[]): number {
  return segments.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

/**
 * The segments below the offset in groups, each of which becomes one: so that they do not get ever smaller, and none is
 * beyond segment.bytes, segment.index.bytes or the offsets that an index can hold.
 */
export function groupSegments<S extends CompactableSegment>(log: CompactableLog<S>, endOffset: number): S[][] {
  const { segmentBytes, segmentIndexBytes } = log.config;
  const groups: S[][] = [];
  let sizes = { log: 0, offsetIndex: 0, timeIndex: 0 };
  for (const [index, segment] of log.segments.all.entries()) {
    if (segment.baseOffset >= endOffset) break;
    const group = groups.at(-1);
    const next = {
      log: sizes.log + segment.sizeBytes,
      offsetIndex: sizes.offsetIndex + segment.offsetIndexBytes,
      timeIndex: sizes.timeIndex + segment.timeIndexBytes,
    };
    const fits =
      group !== undefined &&
      next.log <= segmentBytes &&
      next.offsetIndex <= segmentIndexBytes &&
      next.timeIndex <= segmentIndexBytes &&
      (segment.sizeBytes === 0 || endOf(log, index) - 1 - group[0]!.baseOffset <= MAX_RELATIVE_OFFSET);
    if (fits) {
      group.push(segment);
      sizes = next;
    } else {
      groups.push([segment]);
      const { sizeBytes, offsetIndexBytes, timeIndexBytes } = segment;
      sizes = { log: sizeBytes, offsetIndex: offsetIndexBytes, timeIndex: timeIndexBytes };
    }
  }
  return groups;
}

/**
 * @pure Which segments a log no longer has to keep (the rules of Kafka's UnifiedLog.deleteOldSegments): always those
 * that lie wholly below the log's start; with cleanup.policy `delete` also the oldest beyond retention.bytes, and then
 * those whose latest record is older than retention.ms.
 *
 * Only whole segments go, the oldest first, and none with a record that is not committed. The active segment may be
 * among them: then the log begins a new one first.
 */
import type { LogConfig } from './log-config.ts';

export type RetentionConfig = Pick<LogConfig, 'cleanupPolicy' | 'retentionBytes' | 'retentionMs'>;

export interface RetainedSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  /** The largest timestamp of its records; the time of its file when they have none. */
  latestTimestampMs(): number;
}

export interface RetentionBounds {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
}

export interface RetentionBreach {
  /** How many segments go for this, behind those of the breaches before. */
  readonly count: number;
  /** As Kafka names it in its log. */
  readonly reason: string;
}

/** What is to go, the oldest first. */
export function findBreaches(
  segments: readonly RetainedSegment[],
  bounds: RetentionBounds,
  config: RetentionConfig,
  nowMs: number,
): RetentionBreach[] {
  const { retentionBytes, retentionMs } = config;
  const breaches: RetentionBreach[] = [];
  let start = 0;
  const take = (reason: string, isDue: (segment: RetainedSegment, endOffset: number) => boolean): void => {
    const end = firstKept(segments, start, bounds, isDue);
    if (end > start) breaches.push({ count: end - start, reason });
    start = end;
  };
  // The active segment has records at or behind the start, or none.
  const isBelowStart = (segment: RetainedSegment, endOffset: number): boolean =>
    endOffset <= bounds.logStartOffset && segment !== segments.at(-1);
  take(`log start offset ${bounds.logStartOffset} breach`, isBelowStart);
  if (!config.cleanupPolicy.includes('delete')) return breaches;
  if (retentionBytes >= 0) {
    let excessBytes = totalBytes(segments.slice(start)) - retentionBytes;
    take(`log retention size ${retentionBytes} breach`, ({ sizeBytes }) => {
      excessBytes -= sizeBytes;
      return excessBytes >= 0;
    });
  }
  if (retentionMs >= 0)
    take(
      `log retention time ${retentionMs}ms breach based on the largest record timestamp in the segment`,
      (segment) => nowMs - segment.latestTimestampMs() > retentionMs,
    );
  return breaches;
}

function firstKept(
  segments: readonly RetainedSegment[],
  start: number,
  { logEndOffset, highWatermark }: RetentionBounds,
  isDue: (segment: RetainedSegment, endOffset: number) => boolean,
): number {
  for (let index = start; index < segments.length; index++) {
    const segment = segments[index]!;
    const next = segments[index + 1];
    const endOffset = next?.baseOffset ?? logEndOffset;
    const isEmptyActive = next === undefined && segment.sizeBytes === 0;
    if (isEmptyActive || highWatermark < endOffset || !isDue(segment, endOffset)) return index;
  }
  return segments.length;
}

function totalBytes(segments: readonly RetainedSegment[]): number {
  return segments.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

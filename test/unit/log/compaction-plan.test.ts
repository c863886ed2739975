/** Which logs are compacted, how far, and in which pieces. */
import { describe, expect, it } from 'vitest';
import {
  type CompactableLog,
  type CompactableSegment,
  type CompactionConfig,
  groupSegments,
  planCompaction,
} from '../../../src/log/compaction-plan.ts';
import { NEVER } from '../../support/logs.ts';

const NOW = 100_000;

interface Wishes {
  readonly sizes?: readonly number[];
  readonly latestMs?: readonly number[];
  readonly firstMs?: readonly number[];
  readonly config?: Partial<CompactionConfig>;
  readonly logStartOffset?: number;
  readonly lastStableOffset?: number;
  readonly step?: number;
}

/** Segments of `step` offsets each; the last is active. */
function aLog(wishes: Wishes = {}): CompactableLog<CompactableSegment> {
  const { sizes = [100, 100, 100, 100], step = 10 } = wishes;
  const all = sizes.map((sizeBytes, index) => ({
    baseOffset: step * index,
    sizeBytes,
    offsetIndexBytes: sizeBytes / 10,
    timeIndexBytes: sizeBytes / 5,
    latestTimestampMs: () => wishes.latestMs?.[index] ?? 1000,
    firstTimestampMs: () => wishes.firstMs?.[index] ?? 1000,
  }));
  const logEndOffset = step * sizes.length;
  return {
    segments: { all },
    logStartOffset: wishes.logStartOffset ?? 0,
    logEndOffset,
    lastStableOffset: wishes.lastStableOffset ?? logEndOffset,
    config: {
      maxCompactionLagMs: NEVER,
      minCleanableDirtyRatio: 0.5,
      minCompactionLagMs: 0,
      segmentBytes: 1000,
      segmentIndexBytes: 1000,
      ...wishes.config,
    },
  };
}

describe('what is dirty', () => {
  it('begins where the last compaction ended, and ends before the active segment', () => {
    expect(planCompaction(aLog(), 10, NOW)).toEqual({
      firstDirtyOffset: 10,
      endOffset: 30,
      cleanableBytes: 200,
      dirtyRatio: 200 / 300,
      overdueMs: 0,
      isDue: true,
    });
    expect(planCompaction(aLog(), undefined, NOW)).toMatchObject({ firstDirtyOffset: 0, dirtyRatio: 1 });
    expect(planCompaction(aLog(), 30, NOW)).toMatchObject({ cleanableBytes: 0, dirtyRatio: 0, isDue: false });
  });

  it('begins with the log when the checkpoint is not one of it', () => {
    for (const cleanedOffset of [5, 41])
      expect(planCompaction(aLog({ logStartOffset: 12 }), cleanedOffset, NOW).firstDirtyOffset).toBe(12);
  });

  it('counts a segment that is dirty in part', () => {
    expect(planCompaction(aLog(), 15, NOW)).toMatchObject({ cleanableBytes: 200, dirtyRatio: 0.5 });
  });

  it('ends before the segment with the last stable offset', () => {
    for (const [lastStableOffset, endOffset] of [
      [40, 30],
      [30, 30],
      [29, 20],
      [20, 20],
      [9, 0],
      [0, 0],
    ] as const)
      expect(planCompaction(aLog({ lastStableOffset }), undefined, NOW).endOffset, `${lastStableOffset}`).toBe(
        endOffset,
      );
  });

  it('ends before the first segment with a record younger than min.compaction.lag.ms', () => {
    const latestMs = [1000, NOW - 10, NOW - 11, NOW];
    const lag = (minCompactionLagMs: number): number =>
      planCompaction(aLog({ latestMs, config: { minCompactionLagMs } }), undefined, NOW).endOffset;
    expect([lag(10), lag(11), lag(NOW)]).toEqual([30, 10, 0]);
  });

  it('is left alone until it is a large enough part, or too old', () => {
    const isDue = (config: Partial<CompactionConfig>, firstMs?: readonly number[]): boolean =>
      planCompaction(aLog({ config, ...(firstMs && { firstMs }) }), 20, NOW).isDue;
    expect(isDue({ minCleanableDirtyRatio: 0.33 })).toBe(true);
    expect(isDue({ minCleanableDirtyRatio: 1 / 3 })).toBe(false);
    const strict = { minCleanableDirtyRatio: 1 };
    expect(isDue({ ...strict, maxCompactionLagMs: 1000 }, [0, 0, NOW - 1001, 0])).toBe(true);
    expect(isDue({ ...strict, maxCompactionLagMs: 1000 }, [0, 0, NOW - 1000, 0])).toBe(false);
    expect(isDue({ ...strict, maxCompactionLagMs: 1000 }, [1, 1, -1, 1])).toBe(false);
  });
});

describe('grouping', () => {
  const basesOf = (log: CompactableLog<CompactableSegment>, endOffset = NEVER): number[][] =>
    groupSegments(log, endOffset).map((group) => group.map(({ baseOffset }) => baseOffset));

  it('joins segments up to segment.bytes', () => {
    expect(basesOf(aLog({ sizes: [400, 600, 1, 999, 1000, 1] }))).toEqual([[0, 10], [20, 30], [40], [50]]);
  });

  it('joins them up to the size of their indexes', () => {
    const config = { segmentIndexBytes: 40 };
    expect(basesOf(aLog({ sizes: [100, 100, 100], config }))).toEqual([[0, 10], [20]]);
  });

  it('takes none that begins at the end or behind it', () => {
    expect(basesOf(aLog(), 20)).toEqual([[0, 10]]);
    expect(basesOf(aLog(), 21)).toEqual([[0, 10, 20]]);
  });

  it('joins no more offsets than an index can tell apart, but for empty segments', () => {
    expect(basesOf(aLog({ sizes: [1, 1, 1], step: 2 ** 30 }))).toEqual([[0, 2 ** 30], [2 ** 31]]);
    expect(basesOf(aLog({ sizes: [1, 1, 0], step: 2 ** 30 }))).toEqual([[0, 2 ** 30, 2 ** 31]]);
  });
});

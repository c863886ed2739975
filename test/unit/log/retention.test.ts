/** Which segments a log gives up: the rule alone, and what a log does with it. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LogConfig } from '../../../src/log/log-config.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { findBreaches, type RetentionConfig } from '../../../src/log/retention.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { aBatch, aLogConfig, createLog, loadManager, readBatches } from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const NOW = 100_000;

function aSegment(baseOffset: number, sizeBytes = 100, latestMs = NOW): Parameters<typeof findBreaches>[0][number] {
  return { baseOffset, sizeBytes, latestTimestampMs: () => latestMs };
}

const bounds = { logStartOffset: 0, logEndOffset: 40, highWatermark: 40 };
const keepAll: RetentionConfig = { cleanupPolicy: ['delete'], retentionBytes: -1, retentionMs: -1 };
const four = [aSegment(0), aSegment(10), aSegment(20), aSegment(30)];

function countOf(...args: Parameters<typeof findBreaches>): number {
  return findBreaches(...args).reduce((total, { count }) => total + count, 0);
}

describe('the rule of retention', () => {
  it('keeps everything without limits', () => {
    expect(findBreaches(four, bounds, keepAll, NOW)).toEqual([]);
  });

  it('takes what lies wholly below the start of the log, under every policy, but never the active segment', () => {
    const compacted: RetentionConfig = { ...keepAll, cleanupPolicy: ['compact'] };
    for (const [logStartOffset, count] of [
      [9, 0],
      [10, 1],
      [19, 1],
      [20, 2],
      [40, 3],
    ] as const)
      expect(countOf(four, { ...bounds, logStartOffset }, compacted, NOW), `from ${logStartOffset}`).toBe(count);
  });

  it('takes the oldest as long as what is left is not below retention.bytes', () => {
    for (const [retentionBytes, count] of [
      [400, 0],
      [399, 0],
      [301, 0],
      [300, 1],
      [100, 3],
      [99, 3],
      [0, 4],
    ] as const)
      expect(countOf(four, bounds, { ...keepAll, retentionBytes }, NOW), `${retentionBytes} bytes`).toBe(count);
  });

  it('takes the oldest as long as their latest record is older than retention.ms', () => {
    const aged = [aSegment(0, 100, NOW - 20), aSegment(10, 100, NOW - 11), aSegment(20, 100, NOW - 10), aSegment(30)];
    expect(countOf(aged, bounds, { ...keepAll, retentionMs: 10 }, NOW)).toBe(2);
    const reversed = [...aged].reverse().map(({ sizeBytes, latestTimestampMs }, index) => ({
      baseOffset: 10 * index,
      sizeBytes,
      latestTimestampMs,
    }));
    expect(countOf(reversed, bounds, { ...keepAll, retentionMs: 10 }, NOW)).toBe(0);
  });

  it('takes the active segment too, unless it is empty', () => {
    const config = { ...keepAll, retentionMs: 10 };
    expect(countOf([aSegment(0, 100, 0), aSegment(10, 1, 0)], bounds, config, NOW)).toBe(2);
    expect(countOf([aSegment(0, 100, 0), aSegment(10, 0, 0)], bounds, config, NOW)).toBe(1);
  });

  it('leaves time and size alone in a topic that is only compacted', () => {
    const config: RetentionConfig = { cleanupPolicy: ['compact'], retentionBytes: 0, retentionMs: 0 };
    expect(countOf(four, bounds, config, NOW + 1000)).toBe(0);
    expect(countOf(four, bounds, { ...config, cleanupPolicy: ['compact', 'delete'] }, NOW + 1000)).toBe(4);
  });

  it('takes nothing that holds a record at or above the high watermark', () => {
    fc.assert(
      fc.property(fc.nat(45), fc.nat(45), fc.integer({ min: -1, max: 400 }), (highWatermark, start, retentionBytes) => {
        const offsets = { highWatermark, logEndOffset: 40, logStartOffset: Math.min(start, highWatermark) };
        const count = countOf(four, offsets, { ...keepAll, retentionBytes, retentionMs: 0 }, NOW + 1);
        expect([0, 10, 20, 30, 40][count]).toBeLessThanOrEqual(highWatermark);
      }),
    );
  });

  it('says why', () => {
    const config = { ...keepAll, retentionBytes: 200, retentionMs: 10 };
    const aged = [aSegment(0), aSegment(10), aSegment(20, 100, 0), aSegment(30)];
    const reasons = findBreaches(aged, { ...bounds, logStartOffset: 10 }, config, NOW).map(
      ({ count, reason }) => `${count}: ${reason}`,
    );
    expect(reasons).toEqual([
      '1: log start offset 10 breach',
      '1: log retention size 200 breach',
      '1: log retention time 10ms breach based on the largest record timestamp in the segment',
    ]);
  });
});

describe('a log that gives up segments', () => {
  let disk: CrashDisk;

  beforeEach(() => {
    disk = new CrashDisk();
  });

  async function aFullLog(overrides: Partial<LogConfig> = {}): Promise<PartitionLog> {
    const config = aLogConfig({ segmentBytes: 300, retentionMs: -1, ...overrides });
    const log = createLog(await loadManager({ disk }, config), config);
    for (let index = 0; index < 10; index++)
      log.appendAsLeader(
        aBatch({ timestampMs: 1000 + index, producerId: 7, producerEpoch: 0, baseSequence: index }),
        Math.floor(index / 2),
        'client',
        1000 + index,
      );
    return log;
  }

  const bases = (log: PartitionLog): number[] => log.segments.all.map(({ baseOffset }) => baseOffset);

  it('begins at the first that stays; epochs and snapshots below are gone, producers are not', async () => {
    const log = await aFullLog({ retentionBytes: 400 });
    const before = bases(log);
    log.updateHighWatermark(10);
    expect(log.deleteOldSegments(2000)).toBeGreaterThan(0);
    expect(bases(log)).toEqual(before.slice(-log.segments.all.length));
    expect(log.logStartOffset).toBe(bases(log)[0]);
    expect(log.sizeBytes).toBeGreaterThanOrEqual(400);
    expect(log.epochEntries[0]?.startOffset).toBe(log.logStartOffset);
    const files = disk.list('/data/t-0').map(({ name }) => name);
    const snapshots = files.filter((name) => name.endsWith('.snapshot')).map((name) => Number.parseInt(name, 10));
    expect(Math.min(...snapshots)).toBeGreaterThanOrEqual(log.logStartOffset);
    expect((await readBatches(log))[0]?.baseOffset).toBe(log.logStartOffset);
    expect(() => log.read(log.logStartOffset - 1, { maxBytes: 1, endOffset: 10, minOneBatch: true })).toThrow(
      /only have log segments/,
    );
    const again = aBatch({ producerId: 7, producerEpoch: 0, baseSequence: 9 });
    expect(log.appendAsLeader(again, 4, 'client', 2000)).toMatchObject({ isDuplicate: true, firstOffset: 9 });
  });

  it('is empty and goes on when all of it is too old, and stays so after a restart', async () => {
    const log = await aFullLog({ retentionMs: 5000 });
    log.updateHighWatermark(10);
    expect(log.deleteOldSegments(6005)).toBeLessThan(bases(log).length + 5);
    const left = bases(log).length;
    expect(log.deleteOldSegments(6010)).toBe(left);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([10, 10, 0]);
    expect(log.appendAsLeader(aBatch(), 5, 'client', 7000).firstOffset).toBe(10);
    await log.flush();
    const again = (await loadManager({ disk: disk.kill() }, aLogConfig())).get('t', 0)!;
    expect([again.logStartOffset, again.logEndOffset]).toEqual([10, 11]);
  });

  it('keeps what is not committed', async () => {
    const log = await aFullLog({ retentionMs: 0 });
    const [, , third] = bases(log);
    log.updateHighWatermark(third! + 1);
    expect(log.deleteOldSegments(NOW)).toBe(2);
    expect([log.logStartOffset, log.segments.first.baseOffset]).toEqual([third, third]);
    expect(log.deleteOldSegments(NOW)).toBe(0);
  });

  it('removes what DeleteRecords cut off, but not the active segment', async () => {
    const log = await aFullLog();
    const before = bases(log);
    log.updateHighWatermark(10);
    log.advanceLogStartOffset(before[2]! + 1);
    expect(log.deleteOldSegments(2000)).toBe(2);
    expect([log.logStartOffset, ...bases(log)]).toEqual([before[2]! + 1, ...before.slice(2)]);
    log.advanceLogStartOffset(10);
    log.deleteOldSegments(2000);
    expect(log.segments.all.length).toBe(1);
    expect(await readBatches(log, 10)).toEqual([]);
  });

  it('goes by the time of the file where records have none', async () => {
    const config = aLogConfig({ segmentBytes: 300, retentionMs: 1000 });
    const log = createLog(await loadManager({ disk }, config), config);
    for (let index = 0; index < 10; index++) log.appendAsLeader(aBatch({ timestampMs: -1 }), 0, 'client', 0);
    log.updateHighWatermark(10);
    const modifiedMs = disk.lastModifiedMs();
    expect(log.deleteOldSegments(modifiedMs + 1000)).toBe(0);
    expect(log.deleteOldSegments(modifiedMs + 1001)).toBeGreaterThan(1);
  });

  it('is looked at every log.retention.check.interval.ms', async () => {
    const clock = new ManualClock(10_000);
    const config = aLogConfig({ segmentBytes: 300, retentionMs: 1000 });
    const log = createLog(await loadManager({ disk, clock }, config), config);
    for (let index = 0; index < 10; index++) log.appendAsLeader(aBatch({ timestampMs: 9500 }), 0, 'client', 10_000);
    log.updateHighWatermark(10);
    clock.advance(299_999);
    expect(log.logStartOffset).toBe(0);
    clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect([log.logStartOffset, log.segments.all.length]).toEqual([10, 1]);
  });

  it('ends the active segment of a compacted log in time for max.compaction.lag.ms', async () => {
    const plain = await aFullLog({ maxCompactionLagMs: 1000 });
    const { createdMs } = plain.segments.active;
    const count = plain.segments.all.length;
    plain.maybeRoll(createdMs + 1001);
    expect(plain.segments.all.length).toBe(count);
    plain.updateConfig({ ...plain.config, cleanupPolicy: ['compact'] });
    plain.maybeRoll(createdMs + 1000);
    expect(plain.segments.all.length).toBe(count);
    plain.maybeRoll(createdMs + 1001);
    expect(plain.segments.all.length).toBe(count + 1);
  });
});

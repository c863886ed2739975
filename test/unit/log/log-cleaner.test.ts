/** The cleaner at work: which log it takes, what it does between, and what stops it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Logger } from '../../../src/lib/logger.ts';
import { type CleanerConfig, LogCleaner } from '../../../src/log/log-cleaner.ts';
import type { LogConfig } from '../../../src/log/log-config.ts';
import type { LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { aCompactedConfig, contentOf, fillWith, roll } from '../../support/compaction.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { aLogConfig, createLog, loadManager, managerOptions } from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let disk: CrashDisk;
let clock: ManualClock;
let manager: LogManager;
let errors: string[];

beforeEach(async () => {
  disk = new CrashDisk();
  clock = new ManualClock(10_000);
  manager = await loadManager({ disk, clock });
  errors = [];
});

const logger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (message) => void errors.push(message),
  error: (message) => void errors.push(message),
  named: () => logger,
};

function aCleaner(config: Partial<CleanerConfig> = {}): LogCleaner {
  return cleanerOf({ ...managerOptions({ disk, clock }).config, logCleanerEnable: true, ...config });
}

function cleanerOf(config: CleanerConfig): LogCleaner {
  return new LogCleaner({ clock, logger, config, logs: () => manager.all() });
}

function aLog(topic: string, lines: readonly string[], config: Partial<LogConfig> = {}): PartitionLog {
  const log = createLog(manager, aCompactedConfig(config), topic);
  fillWith(log, lines);
  roll(log);
  return log;
}

/** Until what was begun has come to rest. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 300; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('the cleaner', () => {
  it('takes the log with the largest share of dirty bytes first, and those that are not due not at all', async () => {
    const half = aLog('half', ['a=1', 'a=2']);
    const cleaner = aCleaner();
    expect(await cleaner.cleanFilthiest()).toBe(true);
    fillWith(half, ['a=3', 'b=1', 'c=1']);
    roll(half);
    const full = aLog('full', ['a=1', 'a=2']);
    const clean = aLog('clean', ['a=1', 'a=2'], { minCleanableDirtyRatio: 1 });
    const plain = createLog(manager, aLogConfig(), 'plain');
    fillWith(plain, ['a=1', 'a=2']);
    roll(plain);
    await cleaner.cleanFilthiest();
    expect([await contentOf(half), await contentOf(full)]).toEqual(['1:a=2 2:a=3 3:b=1 4:c=1', '1:a=2']);
    await cleaner.cleanFilthiest();
    expect(await contentOf(half)).toBe('2:a=3 3:b=1 4:c=1');
    expect(await cleaner.cleanFilthiest()).toBe(false);
    expect([await contentOf(clean), await contentOf(plain)]).toEqual(['0:a=1 1:a=2', '0:a=1 1:a=2']);
  });

  it('works when the broker begins, and then every log.cleaner.backoff.ms', async () => {
    const log = aLog('t', ['a=1', 'a=2']);
    const cleaner = aCleaner({ logCleanerBackoffMs: 500 });
    expect(cleaner.isInCharge(log)).toBe(false);
    cleaner.start();
    await settle();
    expect(await contentOf(log)).toBe('1:a=2');
    fillWith(log, ['a=3']);
    roll(log);
    clock.advance(499);
    await settle();
    expect(await contentOf(log)).toBe('1:a=2 2:a=3');
    clock.advance(1);
    await settle();
    expect(await contentOf(log)).toBe('2:a=3');
    expect(cleaner.isInCharge(log)).toBe(true);
    await cleaner.stop();
  });

  it('removes old segments of compacted logs, and leaves those of others to the upkeep', async () => {
    const both = aLog('both', ['a=1', 'b=1'], { cleanupPolicy: ['compact', 'delete'], retentionMs: 5000 });
    const compacted = aLog('compacted', ['a=1', 'b=1'], { retentionMs: 5000 });
    compacted.advanceLogStartOffset(2);
    const cleaner = aCleaner();
    cleaner.start();
    await settle();
    expect([both.logStartOffset, both.segments.all.length]).toEqual([2, 1]);
    expect([compacted.logStartOffset, compacted.segments.all.length]).toEqual([2, 1]);
    expect(cleaner.isInCharge(createLog(manager, aLogConfig(), 'plain'))).toBe(false);
    await cleaner.stop();
  });

  it('does nothing when it is switched off', async () => {
    const log = aLog('t', ['a=1', 'a=2']);
    for (const off of [{ logCleanerEnable: false }, { logCleanerThreads: 0 }]) {
      const cleaner = aCleaner(off);
      cleaner.start();
      await settle();
      expect([await contentOf(log), cleaner.isInCharge(log)]).toEqual(['0:a=1 1:a=2', false]);
      await cleaner.stop();
    }
  });

  it.each([
    ['a record', 65],
    ['an offset', 70],
  ])('sets a log aside in which %s was damaged, says so, and goes on with the others', async (_, position) => {
    const bad = aLog('bad', ['a=1', 'a=2']);
    await bad.flush();
    disk.open('/data/bad-0/00000000000000000000.log').writeAt(position, Buffer.from([0xee, 0xee]));
    const good = aLog('good', ['a=1', 'a=2']);
    const cleaner = aCleaner();
    cleaner.start();
    await settle();
    clock.advance(60_000);
    await settle();
    expect(await contentOf(good)).toBe('1:a=2');
    expect([cleaner.isUncleanable(bad), cleaner.isUncleanable(good), bad.isOffline]).toEqual([true, false, false]);
    expect(errors).toEqual([
      'Cleaner 0: Unexpected exception thrown when cleaning log bad-0 in dir /data. Marking its partition as ' +
        'uncleanable',
    ]);
    await cleaner.stop();
  });

  it('takes the directory out of service when the disk fails, and nothing else', async () => {
    const log = aLog('t', ['a=1', 'a=2']);
    await log.flush();
    disk.fault = (operation, path) => (operation === 'append' && path.includes('.cleaned') ? new Error('full') : null);
    const cleaner = aCleaner();
    expect(await cleaner.cleanFilthiest()).toBe(false);
    expect([log.directory.isOffline, cleaner.isUncleanable(log)]).toEqual([true, false]);
    expect(await cleaner.cleanFilthiest()).toBe(false);
  });

  it('keeps within its bytes per second, and ends a pause when it is stopped', async () => {
    const log = aLog(
      't',
      Array.from({ length: 40 }, (_, index) => `k=${index}`),
    );
    const size = log.sizeBytes;
    const cleaner = aCleaner({ logCleanerIoMaxBytesPerSecond: 100, logCleanerIoBufferSize: 400 });
    cleaner.start();
    await settle();
    for (let second = 1; second < size / 100; second++) {
      expect(await contentOf(log), `after ${second} s`).toContain('0:k=0');
      clock.advance(1000);
      await settle();
    }
    for (let second = 0; second < (2 * size) / 100; second++) {
      clock.advance(1000);
      await settle();
    }
    expect(await contentOf(log)).toBe('39:k=39');
    fillWith(
      log,
      Array.from({ length: 40 }, (_, index) => `k=${index}`),
    );
    roll(log);
    clock.advance(60_000);
    await settle();
    await cleaner.stop();
    expect(await contentOf(log)).toContain('40:k=0');
    expect(disk.list('/data/t-0').filter(({ name }) => name.includes('cleaned'))).toEqual([]);
  });

  it('keeps the pace of when it starts, and looks at once when the pause gets shorter', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `k=${index}`);
    const log = aLog('t', lines);
    const config = { ...managerOptions({ disk, clock }).config, logCleanerEnable: true, logCleanerIoBufferSize: 400 };
    const cleaner = cleanerOf(config);
    Object.assign(config, { logCleanerIoMaxBytesPerSecond: 100, logCleanerBackoffMs: 3_600_000 });
    cleaner.start();
    await settle();
    expect(await contentOf(log)).toContain('0:k=0');
    Object.assign(config, { logCleanerIoMaxBytesPerSecond: Number.MAX_VALUE });
    cleaner.onConfigChanged();
    await settle();
    expect(await contentOf(log)).toBe('39:k=39');
    fillWith(log, lines);
    roll(log);
    await settle();
    expect(await contentOf(log)).toContain('40:k=0');
    Object.assign(config, { logCleanerBackoffMs: 1000 });
    cleaner.onConfigChanged();
    await settle();
    expect(await contentOf(log)).not.toContain('40:k=0');
    await cleaner.stop();
  });
});

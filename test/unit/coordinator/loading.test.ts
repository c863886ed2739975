/** Loading from real logs: hot and cold, compacted before and in the middle of the load. */
import { beforeEach, describe, expect, it } from 'vitest';
import { loadRecords } from '../../../src/coordinator/loading.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { LogConfig } from '../../../src/log/log-config.ts';
import type { LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { aCompactedConfig, aKeyedBatch, compactNow, fillWith, roll } from '../../support/compaction.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { createLog, loadManager } from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let disk: CrashDisk;
let clock: ManualClock;
let manager: LogManager;

beforeEach(() => {
  disk = new CrashDisk();
  clock = new ManualClock(10_000);
});

async function aLog(overrides: Partial<LogConfig> = {}): Promise<PartitionLog> {
  const config = aCompactedConfig(overrides);
  manager = await loadManager({ disk, clock }, config);
  return createLog(manager, config);
}

/** The same log after a stop: nothing says that its bytes are in memory. */
async function cold(log: PartitionLog): Promise<PartitionLog> {
  await manager.close();
  manager = await loadManager({ disk: disk.kill(), clock }, log.config);
  const found = manager.get('t', 0);
  if (found === undefined) throw new Error('the log is gone');
  return found;
}

interface Visit {
  /** Called before each record is replayed. */
  readonly onRecord?: (count: number) => void;
  readonly isCurrent?: () => boolean;
  readonly sliceBytes?: number;
}

/** What a state machine knows that replays the log: the newest value of each key. */
async function replayed(log: PartitionLog, visit: Visit = {}): Promise<Map<string, string>> {
  const { onRecord = () => {}, isCurrent = () => true, sliceBytes = 150 } = visit;
  const state = new Map<string, string>();
  let count = 0;
  await loadRecords<{ key: string; value: string | null }>({
    log,
    codec: {
      encode: () => ({ key: Buffer.alloc(0), value: null }),
      decode: (key, value) => ({ key: String(key), value: value === null ? null : String(value) }),
    },
    replay: ({ key, value }) => {
      onRecord(++count);
      if (value === null) state.delete(key);
      else state.set(key, value);
    },
    isCurrent,
    clock,
    logger: silentLogger,
    sliceBytes,
  });
  return state;
}

const lines = (count: number, keys: number): string[] =>
  Array.from({ length: count }, (_, index) => `k${index % keys}=${index}`);
const newest = (count: number, keys: number): [string, string][] =>
  Array.from({ length: keys }, (_, key) => [
    `k${key}`,
    String(count - keys + ((((key - count + keys) % keys) + keys) % keys)),
  ]);

describe.each([
  ['hot', async (log: PartitionLog) => log],
  ['cold', cold],
])('a load from a %s log', (_name, tempered) => {
  it('finds everything, also in batches that are larger than a slice', async () => {
    const log = await aLog();
    fillWith(log, lines(60, 7));
    log.appendAsLeader(aKeyedBatch(Array.from({ length: 40 }, (_, index) => `big${index}=1`)), 0, 'coordinator', 1000);
    const state = await replayed(await tempered(log));
    expect(state.size).toBe(47);
    for (const [key, value] of newest(60, 7)) expect(state.get(key)).toBe(value);
  });

  it('ends where compaction has taken the last records before the end', async () => {
    const log = await aLog({ deleteRetentionMs: 0 });
    fillWith(log, ['a=1', 'b=1', 'c=1']);
    roll(log);
    fillWith(log, ['c', 'b']);
    roll(log);
    await compactNow(log);
    clock.advance(1000);
    await compactNow(log);
    expect([...(await replayed(await tempered(log)))]).toEqual([['a', '1']]);
  });

  it('finds what compaction left, and the same when it comes in the middle of the load', async () => {
    const log = await aLog();
    fillWith(log, lines(80, 5));
    roll(log);
    fillWith(log, lines(10, 5));
    const loaded = await tempered(log);
    let compaction: Promise<unknown> = Promise.resolve();
    const state = await replayed(loaded, {
      onRecord: (count) => {
        if (count === 20) compaction = compactNow(loaded);
      },
    });
    await compaction;
    expect(state).toEqual(await replayed(loaded));
    expect(state).toEqual(new Map(newest(10, 5)));
  });

  it('goes on where the log begins now when records were deleted meanwhile', async () => {
    const log = await aLog({ cleanupPolicy: ['delete'] });
    fillWith(log, lines(80, 80));
    const loaded = await tempered(log);
    loaded.updateHighWatermark(loaded.logEndOffset);
    const state = await replayed(loaded, {
      onRecord: (count) => {
        if (count === 5) loaded.advanceLogStartOffset(50);
      },
    });
    for (let key = 50; key < 80; key++) expect(state.has(`k${key}`)).toBe(true);
    expect(state.size).toBeLessThan(50);
  });

  it('stops within a slice when it is not wanted any more', async () => {
    const log = await aLog();
    fillWith(log, lines(80, 80));
    let isWanted = true;
    const state = await replayed(await tempered(log), {
      isCurrent: () => isWanted,
      onRecord: (count) => {
        if (count === 3) isWanted = false;
      },
    });
    expect(state.size).toBeLessThan(10);
  });
});

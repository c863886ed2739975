/** A log as group coordinators write it: few keys, very many records. What is left of it, and who waits meanwhile. */
import { expect, it } from 'vitest';
import type { Clock } from '../../../src/lib/clock.ts';
import { CleanerPace } from '../../../src/log/cleaner-pace.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { aCompactedConfig, compactNow, recordsFrom, roll } from '../../support/compaction.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { createLog, loadManager, NEVER } from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const KEYS = Array.from({ length: 1000 }, (_, key) => Buffer.from(`group-${key} some-topic ${key % 12}`));

async function anOffsetsLog(records: number): Promise<PartitionLog> {
  const config = aCompactedConfig({ segmentBytes: 4_000_000, indexIntervalBytes: 4096 });
  const log = createLog(await loadManager({ disk: new CrashDisk() }, config), config);
  for (let offset = 0; offset < records; offset += 500) {
    const batch = KEYS.slice(0, 500).map((_, index) => {
      const value = Buffer.alloc(24);
      value.writeDoubleBE(offset + index);
      return { key: KEYS[(offset + index) % KEYS.length]!, value, timestampMs: 1000 };
    });
    log.appendAsLeader(buildBatch({ records: batch }), 0, 'coordinator', 1000);
  }
  log.updateHighWatermark(log.logEndOffset);
  roll(log);
  return log;
}

it('a million records over a thousand keys become a thousand', async () => {
  const log = await anOffsetsLog(1_000_000);
  const before = log.sizeBytes;
  const result = await compactNow(log, { mapBytes: 1_048_576, pieceBytes: 262_144 });
  expect(result).toMatchObject({ endOffset: 1_000_000, stats: { recordsRead: 1_000_000, recordsWritten: 1000 } });
  expect(before / log.sizeBytes).toBeGreaterThan(900);
  expect((await recordsFrom(log)).map(({ offset }) => offset)).toEqual(KEYS.map((_, key) => 999_000 + key));
}, 60_000);

it('everybody else gets a turn between short slices of the work', async () => {
  const log = await anOffsetsLog(20_000);
  let nowMs = 0;
  let turns = 0;
  const inner = new ManualClock();
  // Each look at the clock takes a quarter of a millisecond.
  const clock: Clock = {
    nowMs: () => inner.nowMs(),
    monotonicMs: () => (nowMs += 0.25),
    schedule: (delayMs, callback) => inner.schedule(delayMs, callback),
    soon: (callback) => {
      turns++;
      setImmediate(callback);
    },
    sleep: (delayMs) => inner.sleep(delayMs),
  };
  await compactNow(log, { pieceBytes: 1_000_000 }, new CleanerPace(clock, NEVER));
  expect(turns).toBeGreaterThan(15);
  expect((await recordsFrom(log)).length).toBe(1000);
});

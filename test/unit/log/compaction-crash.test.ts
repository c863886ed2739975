/**
 * A compaction with the power lost, or the process killed, at every single operation of the disk, and the next start
 * interrupted likewise: nothing is lost, no key goes back to an older value, and no record is there twice.
 */
import { describe, expect, it } from 'vitest';
import type { LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import {
  aCompactedConfig,
  aKeyedBatch,
  compactNow,
  type FoundRecord,
  recordsFrom,
  roll,
} from '../../support/compaction.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { createLog, loadManager, readBatches, seededInt } from '../../support/logs.ts';

const CONFIG = aCompactedConfig({ segmentBytes: 400, indexIntervalBytes: 100, deleteRetentionMs: 500 });

interface Scene {
  readonly disk: CrashDisk;
  readonly manager: LogManager;
  readonly log: PartitionLog;
  /** Appended and durable. */
  readonly durableEnd: number;
}

function write(log: PartitionLog, rounds: readonly number[]): void {
  for (const round of rounds) {
    const batch = { producerId: 7, producerEpoch: 0, baseSequence: 3 * round, timestampMs: 1000 + round };
    const texts = [`a=${round}`, round % 3 === 0 ? 'b' : `b=${round}`, `k${round % 4}=${round}`];
    log.appendAsLeader(aKeyedBatch(texts, batch), Math.floor(round / 3), 'client', 1000 + round);
  }
  log.updateHighWatermark(log.logEndOffset);
}

async function aScene(): Promise<Scene> {
  const disk = new CrashDisk();
  const manager = await loadManager({ disk }, CONFIG);
  const log = createLog(manager, CONFIG);
  write(log, [0, 1, 2, 3, 4, 5]);
  roll(log);
  await compactNow(log);
  const durableEnd = log.logEndOffset;
  write(log, [6, 7, 8, 9, 10, 11]);
  roll(log);
  write(log, [12]);
  return { disk, manager, log, durableEnd };
}

/** Key → offset and value of its last record. */
function latest(records: readonly FoundRecord[]): Map<string | null, FoundRecord> {
  return new Map(records.map((record) => [record.key, record]));
}

/** `before` is all that was in the log, `after` what is. */
function expectSound(
  before: readonly FoundRecord[],
  after: readonly FoundRecord[],
  endOffset: number,
  what: string,
): void {
  const known = new Map(before.map((record) => [record.offset, record]));
  for (const record of after) expect(record, what).toEqual(known.get(record.offset));
  const offsets = after.map(({ offset }) => offset);
  expect(offsets, what).toEqual([...new Set(offsets)].sort((a, b) => a - b));
  const found = latest(after);
  for (const [key, record] of latest(before.filter(({ offset }) => offset < endOffset)))
    expect(found.get(key), `${what}, key ${key}`).toEqual(record);
}

async function interrupted(
  stopAt: number,
  end: (disk: CrashDisk, seed: number) => CrashDisk,
  seeds: readonly number[],
): Promise<{ wasReached: boolean; outcomes: string[] }> {
  const outcomes: string[] = [];
  let wasReached = false;
  for (const seed of seeds) {
    const { disk, log, durableEnd } = await aScene();
    const before = await recordsFrom(log);
    const epochs = [...log.epochEntries];
    let count = 0;
    disk.fault = () => (++count === stopAt ? new Error('the power goes') : null);
    const error = await compactNow(log).then(
      () => null,
      (reason: unknown) => reason,
    );
    wasReached = count >= stopAt;
    if (error !== null) expect(String(error)).toContain('the power goes');
    disk.fault = () => null;
    let left = end(disk, 1000 * stopAt + seed);
    const what = `stopped at ${stopAt}, seed ${seed}`;
    // The next start is cut short, too, somewhere.
    const restart = left;
    let operations = 0;
    restart.fault = () => (++operations === 3 + ((7 * stopAt + seed) % 40) ? new Error('again') : null);
    const problem = await loadManager({ disk: restart }, CONFIG).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (problem !== null) expect(String(problem), what).toMatch(/again|none of the specified log dirs/);
    restart.fault = () => null;
    left = end(restart, 5000 * stopAt + seed);
    const manager = await loadManager({ disk: left }, CONFIG);
    const again = manager.get('t', 0)!;
    expect(again.failure, what).toBeNull();
    expect(again.logEndOffset, what).toBeGreaterThanOrEqual(durableEnd);
    const after = await recordsFrom(again);
    expectSound(before, after, again.logEndOffset, what);
    if (again.logEndOffset > 36) expect(again.epochEntries, what).toEqual(epochs);
    const batches = await readBatches(again);
    expect(
      batches.every((batch) => batch.isCrcValid()),
      what,
    ).toBe(true);
    expect(again.checkpoints.cleaner.offsetOf(again) ?? 0, what).toBeLessThanOrEqual(again.logEndOffset);
    outcomes.push(after.length === before.length ? 'before' : 'after');
    // What is left can be compacted, and appended to, as if nothing had happened.
    again.updateHighWatermark(again.logEndOffset);
    roll(again);
    await compactNow(again);
    expectSound(before, await recordsFrom(again), again.logEndOffset, `${what}, compacted again`);
    const names = left.list('/data/t-0').map(({ name }) => name);
    expect(
      names.filter((name) => /cleaned|swap/.test(name)),
      what,
    ).toEqual([]);
  }
  return { wasReached, outcomes };
}

describe('a compaction may be interrupted anywhere', () => {
  it.each([
    ['the power goes', (disk: CrashDisk, seed: number) => disk.crash(seededInt(seed)), [1, 2, 3, 4]],
    ['the process is killed', (disk: CrashDisk) => disk.kill(), [1]],
  ] as const)(
    '%s',
    async (_, end, seeds) => {
      const outcomes = new Set<string>();
      let stopAt = 1;
      for (let wasReached = true; wasReached; stopAt++) {
        const result = await interrupted(stopAt, end, seeds);
        wasReached = result.wasReached;
        for (const outcome of result.outcomes) outcomes.add(outcome);
      }
      expect(stopAt).toBeGreaterThan(60);
      expect(outcomes).toContain('after');
      expect(outcomes).toContain('before');
    },
    60_000,
  );
});

describe('after a compaction', () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    'what is cut, written again and durable is there when the power goes (seed %i)',
    async (seed) => {
      const int = seededInt(seed);
      const { disk, log } = await aScene();
      await compactNow(log);
      const bases = log.segments.all.map(({ baseOffset }) => baseOffset);
      // Also exactly where a segment begins, or ends.
      const target = int(2) === 0 ? bases[int(bases.length)]! : int(log.logEndOffset);
      if (int(4) > 0) log.truncateTo(target);
      for (let count = int(6); count > 0; count--)
        log.appendAsLeader(aKeyedBatch([`new${count}=1`, `a=${count}`]), 9, 'coordinator', 2000);
      log.updateHighWatermark(log.logEndOffset);
      if (int(2) === 0) {
        roll(log);
        await compactNow(log);
      }
      await log.flush();
      const durable = await recordsFrom(log);
      const { logEndOffset } = log;
      if (int(2) === 0) log.appendAsLeader(aKeyedBatch(['lost=1']), 9, 'coordinator', 2000);
      const again = (await loadManager({ disk: disk.crash(int) }, CONFIG)).get('t', 0)!;
      expect(again.failure).toBeNull();
      expect(again.logEndOffset).toBeGreaterThanOrEqual(logEndOffset);
      expect((await recordsFrom(again)).slice(0, durable.length)).toEqual(durable);
      expect(again.checkpoints.cleaner.offsetOf(again) ?? 0).toBeLessThanOrEqual(again.logEndOffset);
    },
  );
});

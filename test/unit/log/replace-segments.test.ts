/**
 * Replacing segments, as compaction does: with the power lost at every single operation of the disk, the log is
 * afterwards what it was before or what it was to become, and never a mixture.
 */
import { describe, expect, it } from 'vitest';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import type { Segment } from '../../../src/log/segment.ts';
import { createSegment } from '../../../src/log/segment-factory.ts';
import { RecordBatch } from '../../../src/protocol/records/batch.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import {
  aBatch,
  aLogConfig,
  aStoredBatch,
  createLog,
  loadManager,
  readBatches,
  seededInt,
} from '../../support/logs.ts';

const CONFIG = aLogConfig({ segmentBytes: 300, indexIntervalBytes: 0 });

/** Twelve batches in several segments, all durable, and the recovery point noted. */
async function aFullLog(disk: CrashDisk): Promise<PartitionLog> {
  const manager = await loadManager({ disk }, CONFIG);
  const log = createLog(manager, CONFIG);
  for (let offset = 0; offset < 12; offset++) log.appendAsLeader(aBatch({ values: [`v${offset}`] }), 0, 'client', 0);
  await log.flush();
  await manager.checkpointRecoveryPoints();
  return log;
}

/** One segment in the place of the first two, with every second batch; and the ones it replaces. */
async function rewrite(log: PartitionLog): Promise<{ old: Segment[]; cleaned: Segment }> {
  const old = log.segments.all.slice(0, 2);
  const cleaned = createSegment(log.directory.services, log.path, old[0]!.baseOffset, 0, '.cleaned');
  const end = log.segments.all[2]!.baseOffset;
  for (let offset = 0; offset < end; offset += 2)
    cleaned.append([new RecordBatch(aStoredBatch(offset, 0, { values: [`v${offset}`] }))], 0);
  cleaned.finish();
  await cleaned.sync();
  return { old, cleaned };
}

async function offsets(log: PartitionLog): Promise<number[]> {
  return (await readBatches(log)).map(({ baseOffset }) => baseOffset);
}

describe('replacing segments', () => {
  it('lets readers find what is left, and goes on appending', async () => {
    const log = await aFullLog(new CrashDisk());
    const { old, cleaned } = await rewrite(log);
    log.replaceSegments(old, [cleaned]);
    const end = log.segments.all[1]!.baseOffset;
    const expected = Array.from({ length: 12 }, (_, offset) => offset).filter((each) => each >= end || each % 2 === 0);
    expect(await offsets(log)).toEqual(expected);
    expect((await readBatches(log, 1))[0]?.baseOffset).toBe(2);
    expect(log.appendAsLeader(aBatch(), 0, 'client', 0).firstOffset).toBe(12);
  });

  it('may be interrupted anywhere', async () => {
    const outcomes = new Set<string>();
    for (let stop = 1; stop < 60; stop++) {
      const disk = new CrashDisk();
      const log = await aFullLog(disk);
      const before = await offsets(log);
      const end = log.segments.all[2]!.baseOffset;
      const after = before.filter((each) => each >= end || each % 2 === 0);
      let count = 0;
      disk.fault = () => (++count === stop ? new Error('the power goes') : null);
      try {
        const { old, cleaned } = await rewrite(log);
        log.replaceSegments(old, [cleaned]);
      } catch (error) {
        expect(String(error)).toContain('the power goes');
      }
      for (const seed of [1, 2, 3]) {
        const again = (await loadManager({ disk: disk.crash(seededInt(100 * stop + seed)) }, CONFIG)).get('t', 0)!;
        const found = await offsets(again);
        expect([before, after], `stopped at ${stop}, seed ${seed}`).toContainEqual(found);
        expect(again.logEndOffset).toBe(12);
        outcomes.add(found.length === before.length ? 'before' : 'after');
      }
    }
    expect([...outcomes].sort()).toEqual(['after', 'before']);
  });
});

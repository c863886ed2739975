/**
 * Compacting what transactions left: nothing of a transaction that is still open is touched, records of aborted ones
 * go, and a marker stays as long as a batch of its transaction and delete.retention.ms from then on.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { decodeAbortedTxns } from '../../../src/log/transaction-index.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { aCompactedConfig, aKeyedBatch, compactNow, contentOf, fillWith, roll } from '../../support/compaction.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { createLog, loadManager, readBatches } from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const CONFIG = aCompactedConfig({ deleteRetentionMs: 1000, segmentBytes: 10_000 });
let disk: CrashDisk;
let clock: ManualClock;
let log: PartitionLog;

beforeEach(async () => {
  disk = new CrashDisk();
  clock = new ManualClock(10_000);
  log = createLog(await loadManager({ disk, clock }, CONFIG), CONFIG);
});

function data(producerId: number, texts: readonly string[], baseSequence = 0): void {
  const producer = { producerId, producerEpoch: 0, baseSequence, isTransactional: true };
  log.appendAsLeader(aKeyedBatch(texts, producer), 1, 'coordinator', clock.nowMs());
}

function end(producerId: number, type: 'abort' | 'commit'): void {
  const key = Buffer.from(type === 'abort' ? '00000000' : '00000001', 'hex');
  const records = [{ key, value: Buffer.from('000000000009', 'hex'), timestampMs: clock.nowMs() }];
  const producer = { producerId, producerEpoch: 0, isTransactional: true, isControl: true };
  log.appendAsLeader(buildBatch({ records, ...producer }), 1, 'coordinator', clock.nowMs());
}

function commitAll(): void {
  log.updateHighWatermark(log.logEndOffset);
  roll(log);
}

/** `offset:producer` of the markers, with `-` where only the header is left. */
async function markers(): Promise<string> {
  const found = (await readBatches(log)).filter(({ isControl }) => isControl);
  return found.map((batch) => `${batch.baseOffset}:${batch.producerId}${batch.recordCount === 0 ? '-' : ''}`).join(' ');
}

function abortedIn(baseOffset: number): number[] {
  const file = log.segments.all.find((segment) => segment.baseOffset === baseOffset)?.files.path('txnindex') ?? '';
  if (!disk.exists(file)) return [];
  return (decodeAbortedTxns(disk.readFile(file), baseOffset) ?? []).map(({ lastOffset }) => lastOffset);
}

describe('a compaction', () => {
  it('stops before a transaction that is open', async () => {
    fillWith(log, ['a=1', 'a=2']);
    roll(log);
    data(7, ['a=3']);
    commitAll();
    data(8, ['b=1']);
    end(8, 'commit');
    commitAll();
    await compactNow(log);
    expect(await contentOf(log)).toBe('1:a=2 2:a=3 3:b=1');
    end(7, 'commit');
    commitAll();
    await compactNow(log);
    expect(await contentOf(log)).toBe('2:a=3 3:b=1');
    expect(await markers()).toBe('4:8 5:7');
  });

  it('drops records of aborted transactions, which outdate nothing', async () => {
    fillWith(log, ['a=1']);
    data(7, ['a=2', 'b=1']);
    data(8, ['c=1']);
    end(7, 'abort');
    end(8, 'commit');
    fillWith(log, ['d=1']);
    commitAll();
    await compactNow(log);
    expect(await contentOf(log)).toBe('0:a=1 3:c=1 6:d=1');
    expect(await markers()).toBe('4:7 5:8');
    expect(abortedIn(0)).toEqual([4]);
  });

  it('drops a marker when nothing of its transaction is left and its time is over', async () => {
    data(7, ['a=1']);
    end(7, 'abort');
    data(8, ['a=2']);
    end(8, 'commit');
    fillWith(log, ['a=3']);
    commitAll();
    await compactNow(log);
    expect([await contentOf(log), await markers()]).toEqual(['4:a=3', '1:7 3:8']);
    // Of producers that may still write, the last batch is kept empty, and so the markers.
    const empty = (await readBatches(log)).filter(({ isControl, recordCount }) => !isControl && recordCount === 0);
    expect(empty.map(({ producerId }) => producerId)).toEqual([7, 8]);
    clock.advance(86_400_000);
    log.removeExpiredProducers(clock.nowMs());
    const again = async (): Promise<string> => {
      fillWith(log, ['z=1']);
      roll(log);
      await compactNow(log);
      return markers();
    };
    expect(await again()).toBe('1:7 3:8');
    expect(abortedIn(0)).toEqual([1]);
    expect(await again()).toBe('1:7 3:8');
    expect(abortedIn(0)).toEqual([]);
    const horizons = (await readBatches(log)).filter((batch) => batch.hasDeleteHorizon);
    expect(horizons.map(({ baseTimestamp }) => baseTimestamp)).toEqual(Array(2).fill(clock.nowMs() + 1000));
    clock.advance(999);
    expect(await again()).toBe('1:7 3:8');
    clock.advance(1);
    expect(await again()).toBe('');
    expect(await contentOf(log)).toMatch(/^4:a=3 \d+:z=1$/);
  });

  it('keeps the marker that alone tells the epoch of a producer', async () => {
    end(7, 'abort');
    fillWith(log, ['a=1']);
    commitAll();
    for (const _ of [1, 2, 3]) {
      clock.advance(2000);
      fillWith(log, ['a=1']);
      roll(log);
      await compactNow(log);
    }
    expect(await markers()).toBe('0:7-');
    expect((await readBatches(log))[0]).toMatchObject({ producerEpoch: 0, recordCount: 0 });
  });
});

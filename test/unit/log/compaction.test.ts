/** Compacting a log: what stays, in which bytes, and what readers and producers find afterwards. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CompactionAbortedError } from '../../../src/log/compaction.ts';
import type { LogConfig } from '../../../src/log/log-config.ts';
import type { LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { RecordBatch } from '../../../src/protocol/records/batch.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import type { CompressionType } from '../../../src/protocol/records/codecs.ts';
import {
  aCompactedConfig,
  aKeyedBatch,
  aRecord,
  compactNow,
  contentOf,
  fillWith,
  recordsFrom,
  roll,
} from '../../support/compaction.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { createLog, loadManager, readBatches, TOPIC_ID } from '../../support/logs.ts';
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

/** The same log after a stop in order. */
async function reopened(log: PartitionLog): Promise<PartitionLog> {
  await manager.close();
  manager = await loadManager({ disk: disk.kill(), clock }, log.config);
  return manager.get('t', 0)!;
}

const bases = (log: PartitionLog): number[] => log.segments.all.map(({ baseOffset }) => baseOffset);

describe('compaction', () => {
  it('keeps the last record of each key, at its offset', async () => {
    const log = await aLog();
    fillWith(log, ['a=1 b=1', 'a=2 c=1', 'b=2', 'a=3']);
    roll(log);
    await compactNow(log);
    expect(await contentOf(log)).toBe('3:c=1 4:b=2 5:a=3');
    expect([log.logStartOffset, log.logEndOffset]).toEqual([0, 6]);
    for (const [from, first] of [
      [0, 3],
      [3, 3],
      [4, 4],
      [5, 5],
    ] as const)
      expect((await recordsFrom(log, from))[0]?.offset, `from ${from}`).toBe(first);
  });

  it('leaves the active segment alone, and what is not committed', async () => {
    const log = await aLog();
    fillWith(log, ['a=1', 'a=2']);
    roll(log);
    fillWith(log, ['a=3']);
    await compactNow(log);
    expect(await contentOf(log)).toBe('1:a=2 2:a=3');
    const other = createLog(manager, aCompactedConfig(), 'other');
    fillWith(other, ['a=1']);
    roll(other);
    for (const text of ['a=2', 'a=3']) other.appendAsLeader(aKeyedBatch([text]), 0, 'client', 1000);
    roll(other);
    expect(await compactNow(other)).toBeTruthy();
    expect(await compactNow(other)).toBeNull();
    expect(await contentOf(other)).toBe('0:a=1 1:a=2 2:a=3');
  });

  it('goes on where it ended, also after a restart', async () => {
    let log = await aLog();
    fillWith(log, ['a=1', 'a=2', 'b=1']);
    roll(log);
    await compactNow(log);
    expect(disk.readFile('/data/cleaner-offset-checkpoint').toString()).toBe('0\n1\nt 0 3\n');
    log = await reopened(log);
    expect(await compactNow(log)).toBeNull();
    fillWith(log, ['b=2', 'c=1']);
    roll(log);
    const result = await compactNow(log);
    expect([await contentOf(log), result?.endOffset]).toEqual(['1:a=2 3:b=2 4:c=1', 5]);
  });

  it('copies batches that lose nothing, bit by bit', async () => {
    const log = await aLog();
    fillWith(log, ['a=1 b=1', 'c=1', 'a=2', 'd=1 e=1']);
    roll(log);
    const before = (await readBatches(log)).map((batch) => batch.toBuffer().toString('hex'));
    await compactNow(log);
    const after = (await readBatches(log)).map((batch) => batch.toBuffer().toString('hex'));
    expect(after.slice(1)).toEqual(before.slice(1));
    expect(after[0]).not.toBe(before[0]);
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as CompressionType[])(
    'makes a batch that loses records anew with all that it was: %s',
    async (compression) => {
      const log = await aLog();
      const headers = [
        { key: 'h', value: Buffer.from([0xff, 0x00]) },
        { key: 'null', value: null },
      ];
      const records = ['a=1', 'b=1', 'c=1'].map((text, index) => ({ ...aRecord(text, 1000 + 10 * index), headers }));
      const wishes = { producerId: 9, producerEpoch: 3, baseSequence: 70, compression };
      log.appendAsLeader(buildBatch({ records, ...wishes }), 4, 'client', 1000);
      fillWith(log, ['a=2 c=2']);
      roll(log);
      await compactNow(log);
      const [batch] = await readBatches(log);
      expect(batch).toMatchObject({
        baseOffset: 0,
        lastOffset: 2,
        lastOffsetDelta: 2,
        recordCount: 1,
        compression,
        partitionLeaderEpoch: 4,
        producerId: 9,
        producerEpoch: 3,
        baseSequence: 70,
        lastSequence: 72,
        baseTimestamp: 1000,
        maxTimestamp: 1010,
        hasDeleteHorizon: false,
      });
      expect(batch?.isCrcValid()).toBe(true);
      expect((await recordsFrom(log))[0]).toEqual({
        offset: 1,
        key: 'b',
        value: '1',
        timestampMs: 1010,
        headers: JSON.stringify(headers),
      });
    },
  );

  it('keeps the time of batches that the broker stamped', async () => {
    const log = await aLog({ messageTimestampType: 'LogAppendTime' });
    log.appendAsLeader(aKeyedBatch(['a=1', 'b=1', 'c']), 0, 'client', 5000);
    log.appendAsLeader(aKeyedBatch(['a=2']), 0, 'client', 6000);
    log.updateHighWatermark(4);
    roll(log);
    await compactNow(log);
    expect((await recordsFrom(log)).map(({ key, timestampMs }) => [key, timestampMs])).toEqual([
      ['b', 5000],
      ['c', 5000],
      ['a', 6000],
    ]);
    expect((await readBatches(log))[0]).toMatchObject({ timestampType: 'LogAppendTime', maxTimestamp: 5000 });
  });

  it('drops records without a key, from before the topic was compacted', async () => {
    const log = await aLog();
    const records = [{ key: null, value: Buffer.from('x'), timestampMs: 1 }, aRecord('a=1')];
    log.appendAsLeader(buildBatch({ records }), 0, 'coordinator', 1);
    log.updateHighWatermark(2);
    roll(log);
    const result = await compactNow(log);
    expect([await contentOf(log), result?.stats.keylessRecords]).toEqual(['1:a=1', 1]);
  });

  it('joins small segments into larger ones, and gives up the snapshots between them', async () => {
    const log = await aLog({ segmentBytes: 400, fileDeleteDelayMs: 50 });
    for (let round = 0; round < 12; round++) {
      fillWith(log, [`a=${round} b=${round}`]);
      roll(log);
    }
    expect(bases(log).length).toBe(13);
    await compactNow(log);
    expect(await contentOf(log)).toBe('22:a=11 23:b=11');
    expect(bases(log).length).toBeLessThan(5);
    await compactNow(log);
    clock.advance(100);
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    const names = disk.list('/data/t-0').map(({ name }) => name);
    expect(names.filter((name) => /deleted|cleaned|swap/.test(name))).toEqual([]);
    const offsets = names.filter((name) => name.endsWith('.snapshot')).map((name) => Number.parseInt(name, 10));
    expect(offsets.every((offset) => bases(log).includes(offset))).toBe(true);
    const again = await reopened(log);
    expect(await contentOf(again)).toBe('22:a=11 23:b=11');
  });

  it('needs as many rounds as the map of keys makes it', async () => {
    const log = await aLog();
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    for (const value of [1, 2, 3])
      fillWith(
        log,
        keys.map((key) => `${key}=${value}`),
      );
    roll(log);
    const ends: number[] = [];
    for (;;) {
      const result = await compactNow(log, { mapBytes: 8 * 24 });
      if (result === null) break;
      ends.push(result.endOffset);
    }
    expect(ends.length).toBeGreaterThan(5);
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
    expect(await contentOf(log)).toBe(keys.map((key, index) => `${40 + index}:${key}=3`).join(' '));
  });

  it('lets batches be larger than what is read at once', async () => {
    const log = await aLog({ segmentBytes: 100_000 });
    const large = 'x'.repeat(9000);
    fillWith(log, [`a=${large} b=${large}`, `a=${large}2`, 'c=1']);
    roll(log);
    await compactNow(log, { pieceBytes: 500 });
    expect((await recordsFrom(log)).map(({ offset, key }) => `${offset}${key}`)).toEqual(['1b', '2a', '3c']);
  });
});

describe('tombstones', () => {
  it('stay for delete.retention.ms from the compaction that first kept them, then go', async () => {
    const log = await aLog({ deleteRetentionMs: 1000 });
    fillWith(log, ['a=1', 'a b=1', 'c=1']);
    roll(log);
    await compactNow(log);
    expect(await contentOf(log)).toBe('1:a 2:b=1 3:c=1');
    const [batch] = await readBatches(log);
    expect(batch).toMatchObject({ hasDeleteHorizon: true, baseTimestamp: 11_000, maxTimestamp: 1000 });
    expect((await recordsFrom(log)).map(({ timestampMs }) => timestampMs)).toEqual([1000, 1000, 1000]);
    clock.advance(999);
    fillWith(log, ['d=1']);
    roll(log);
    await compactNow(log);
    expect(await contentOf(log)).toBe('1:a 2:b=1 3:c=1 4:d=1');
    clock.advance(1);
    fillWith(log, ['e=1']);
    roll(log);
    await compactNow(log);
    expect(await contentOf(log)).toBe('2:b=1 3:c=1 4:d=1 5:e=1');
    expect((await readBatches(log))[0]).toMatchObject({ hasDeleteHorizon: true, baseTimestamp: 11_000 });
    expect((await recordsFrom(log))[0]?.timestampMs).toBe(1000);
  });

  it('of which a later record of their key makes nothing', async () => {
    const log = await aLog({ deleteRetentionMs: 1000 });
    fillWith(log, ['a=1', 'a', 'a=2']);
    roll(log);
    await compactNow(log);
    expect(await contentOf(log)).toBe('2:a=2');
  });
});

describe('after a compaction', () => {
  it('a producer that repeats its last batch is known, also after a crash', async () => {
    let log = await aLog();
    const batch = (sequence: number): Buffer =>
      aKeyedBatch(['a=1'], { producerId: 5, producerEpoch: 1, baseSequence: sequence });
    for (const sequence of [0, 1, 2]) log.appendAsLeader(batch(sequence), 0, 'client', 1000);
    fillWith(log, ['a=2']);
    roll(log);
    await compactNow(log);
    const kept = await readBatches(log);
    expect(kept.map(({ baseOffset, recordCount }) => [baseOffset, recordCount])).toEqual([
      [2, 0],
      [3, 1],
    ]);
    expect(kept[0]).toMatchObject({ producerId: 5, lastSequence: 2, isCompressed: false });
    for (const name of disk.list('/data/t-0').map((entry) => entry.name))
      if (name.endsWith('.snapshot')) disk.remove(`/data/t-0/${name}`);
    manager = await loadManager({ disk: disk.kill(), clock }, log.config);
    log = manager.get('t', 0)!;
    expect(log.appendAsLeader(batch(2), 0, 'client', 1000)).toMatchObject({ isDuplicate: true, firstOffset: 2 });
    expect(log.appendAsLeader(batch(3), 0, 'client', 1000)).toMatchObject({ isDuplicate: false, firstOffset: 4 });
  });

  it('segments still follow each other without a gap, so that no start takes one for lost records', async () => {
    const log = await aLog({ segmentBytes: 200 });
    for (let round = 0; round < 10; round++) fillWith(log, [`a=${round} b=${round}`, `a=x${round}`]);
    roll(log);
    await compactNow(log);
    disk.remove('/data/recovery-point-offset-checkpoint');
    const again = (await loadManager({ disk: disk.kill(), clock }, log.config)).get('t', 0)!;
    expect([await contentOf(again), again.logEndOffset]).toEqual(['28:b=9 29:a=x9', 30]);
  });

  it('records are found by their time', async () => {
    const log = await aLog({ segmentBytes: 300 });
    for (let round = 0; round < 20; round++) fillWith(log, [`k${round % 3}=${round}`], 1000 + 10 * round);
    roll(log);
    await compactNow(log);
    expect(await contentOf(log)).toBe('17:k2=17 18:k0=18 19:k1=19');
    expect(log.offsetForTimestamp(1000)).toMatchObject({ offset: 17, timestampMs: 1170 });
    expect(log.offsetForTimestamp(1171)).toMatchObject({ offset: 18, timestampMs: 1180 });
    expect(log.offsetForTimestamp(1191)).toBeNull();
    expect(log.offsetOfMaxTimestamp()).toMatchObject({ offset: 19, timestampMs: 1190 });
    const again = await reopened(log);
    expect(again.offsetOfMaxTimestamp()).toMatchObject({ offset: 19, timestampMs: 1190 });
    expect(again.offsetForTimestamp(1000)).toMatchObject({ offset: 17 });
  });

  it('leader epochs are what they were, also those of which no record is left', async () => {
    let log = await aLog({ segmentBytes: 300 });
    for (const epoch of [1, 2, 5])
      for (let count = 0; count < 3; count++) log.appendAsLeader(aKeyedBatch(['a=1']), epoch, 'client', 1000);
    log.updateHighWatermark(9);
    roll(log);
    const before = [...log.epochEntries];
    await compactNow(log);
    expect(log.epochEntries).toEqual(before);
    await log.flush();
    log = (await loadManager({ disk: disk.kill(), clock }, log.config)).get('t', 0)!;
    expect(log.epochEntries).toEqual(before);
    expect(log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 3 });
  });

  it('a log that is cut there begins to be dirty there', async () => {
    const log = await aLog({ segmentBytes: 300 });
    fillWith(log, ['a=1', 'b=1', 'a=2', 'c=1', 'a=3', 'd=1']);
    roll(log);
    await compactNow(log);
    log.truncateTo(4);
    expect(disk.readFile('/data/cleaner-offset-checkpoint').toString()).toBe('0\n1\nt 0 4\n');
    fillWith(log, ['b=2', 'b=3']);
    roll(log);
    await compactNow(log);
    expect(await contentOf(log)).toBe('3:c=1 5:b=3');
    manager.delete('t', 0);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(disk.readFile('/data/cleaner-offset-checkpoint').toString()).toBe('0\n0\n');
  });
});

describe('the checkpoint of the cleaner', () => {
  it('says nothing beyond the end that a start found', async () => {
    const log = await aLog();
    fillWith(log, ['a=1', 'a=2', 'b=1']);
    roll(log);
    await compactNow(log);
    await manager.close();
    disk.writeFile('/data/cleaner-offset-checkpoint', '0\n2\nt 0 900\ngone 3 7\n');
    manager = await loadManager({ disk: disk.kill(), clock }, log.config);
    const again = manager.get('t', 0)!;
    expect(again.checkpoints.cleaner.offsetOf(again)).toBe(3);
    expect(again.checkpoints.cleaner.offsetOf({ topic: 'gone', partition: 3 })).toBeUndefined();
    fillWith(again, ['a=3', 'b=2']);
    roll(again);
    await compactNow(again);
    expect(await contentOf(again)).toBe('3:a=3 4:b=2');
  });

  it('costs only time when it is damaged', async () => {
    const log = await aLog();
    fillWith(log, ['a=1', 'a=2', 'b=1']);
    roll(log);
    await compactNow(log);
    await manager.close();
    disk.writeFile('/data/cleaner-offset-checkpoint', '0\n1\nt 0');
    manager = await loadManager({ disk: disk.kill(), clock }, log.config);
    const again = manager.get('t', 0)!;
    await compactNow(again);
    expect(await contentOf(again)).toBe('1:a=2 2:b=1');
    expect(again.checkpoints.cleaner.offsetOf(again)).toBe(3);
  });
});

describe('a compaction gives up without harm', () => {
  /** A log with much to do, and what happens at the n-th operation of its disk. */
  async function disturbed(
    at: number,
    disturb: (log: PartitionLog) => void,
  ): Promise<{ log: PartitionLog; error: unknown }> {
    disk = new CrashDisk();
    const log = await aLog({ segmentBytes: 300 });
    for (let round = 0; round < 10; round++) fillWith(log, [`a=${round} b=${round}`]);
    roll(log);
    await log.flush();
    let count = 0;
    disk.fault = () => {
      if (++count === at) {
        disk.fault = () => null;
        queueMicrotask(() => disturb(log));
      }
      return null;
    };
    const error = await compactNow(log).then(
      () => null,
      (reason: unknown) => reason,
    );
    disk.fault = () => null;
    return { log, error };
  }

  it('when the log is cut', async () => {
    let aborted = 0;
    for (let at = 1; at < 80; at += 3) {
      const { log, error } = await disturbed(at, (each) => each.truncateTo(7));
      if (error instanceof CompactionAbortedError) aborted++;
      else expect(error).toBeNull();
      expect(log.isOffline).toBe(false);
      expect(log.logEndOffset).toBeLessThanOrEqual(7);
      expect(disk.list('/data/t-0').filter(({ name }) => /cleaned|swap/.test(name))).toEqual([]);
      expect(log.checkpoints.cleaner.offsetOf(log) ?? 0).toBeLessThanOrEqual(log.logEndOffset);
      for (const record of await recordsFrom(log)) expect(record.value).toBe(String(Math.floor(record.offset / 2)));
    }
    expect(aborted).toBeGreaterThan(5);
  });

  it('when the log is deleted', async () => {
    for (let at = 1; at < 80; at += 3) {
      const { log } = await disturbed(at, () => manager.delete('t', 0));
      expect(log.directory.isOffline, `at ${at}`).toBe(false);
      const again = manager.getOrCreate('t', 0, TOPIC_ID, log.config);
      expect(again.checkpoints.cleaner.offsetOf(again)).toBeUndefined();
    }
  });

  it('when old segments are removed', async () => {
    for (let at = 1; at < 80; at += 3) {
      const { log, error } = await disturbed(at, (each) => {
        each.advanceLogStartOffset(9);
        each.deleteOldSegments(0);
      });
      expect(error === null || error instanceof CompactionAbortedError).toBe(true);
      expect(log.logStartOffset).toBe(9);
      expect(await contentOf(log)).toMatch(/18:a=9 19:b=9$/);
    }
  });

  it('when the topic is no longer compacted', async () => {
    let aborted = 0;
    for (let at = 1; at < 80; at += 7) {
      const { log, error } = await disturbed(at, (each) =>
        each.updateConfig({ ...each.config, cleanupPolicy: ['delete'] }),
      );
      if (error instanceof CompactionAbortedError) aborted++;
      else expect(error).toBeNull();
      expect(await contentOf(log)).toMatch(/18:a=9 19:b=9$/);
      expect(disk.list('/data/t-0').filter(({ name }) => /cleaned|swap/.test(name))).toEqual([]);
    }
    expect(aborted).toBeGreaterThan(3);
  });

  it('when its directory goes out of service', async () => {
    for (let at = 1; at < 80; at += 7) {
      const { log, error } = await disturbed(at, (each) => each.directory.fail('test', new Error('gone')));
      if (error !== null) expect(String(error)).toContain('gone');
      expect(log.isOffline).toBe(true);
    }
  });

  it('but DeleteRecords and producers do not disturb it', async () => {
    for (let at = 1; at < 80; at += 7) {
      const { log, error } = await disturbed(at, (each) => {
        each.advanceLogStartOffset(9);
        each.appendAsLeader(aKeyedBatch(['new=1']), 0, 'client', 1000);
      });
      expect(error).toBeNull();
      expect(await contentOf(log)).toMatch(/^18:a=9 19:b=9 20:new=1$/);
    }
  });

  it('when the bytes of a batch are not what was written', async () => {
    const log = await aLog();
    fillWith(log, ['a=1', 'a=2', 'b=1']);
    roll(log);
    await log.flush();
    const file = disk.open('/data/t-0/00000000000000000000.log');
    file.writeAt(80, Buffer.from([0xee]));
    const before = file.sizeBytes;
    await expect(compactNow(log)).rejects.toThrow(/damaged record batch at byte/);
    expect([log.isOffline, file.sizeBytes, new RecordBatch(disk.readFile(file.path)).baseOffset]).toEqual([
      false,
      before,
      0,
    ]);
    expect(disk.list('/data/t-0').filter(({ name }) => name.includes('cleaned'))).toEqual([]);
  });
});

describe('batches that compaction emptied', () => {
  const producer = { producerId: 5, producerEpoch: 0, timestampMs: 1000 };

  /** Offsets 0 to 9: of segment after segment only the header of the last batch is left, then `z` in the active one. */
  async function aHollowLog(): Promise<PartitionLog> {
    const log = await aLog({ segmentBytes: 250 });
    for (let index = 0; index < 10; index++) fillWith(log, [`a=${index}`]);
    roll(log);
    fillWith(log, ['a=z', 'b=1']);
    roll(log);
    await compactNow(log);
    return log;
  }

  async function firstOffsets(log: PartitionLog, from: number, endOffset = log.logEndOffset): Promise<number[]> {
    const read = async (skipsEmptyBatches: boolean): Promise<number> => {
      const slice = log.read(from, { maxBytes: 10_000, endOffset, minOneBatch: true, skipsEmptyBatches });
      const source = await slice.load();
      const bytes = Buffer.alloc(source.sizeBytes);
      source.copyInto(bytes, 0);
      return bytes.length === 0 ? -1 : new RecordBatch(bytes).baseOffset;
    };
    return [await read(false), await read(true)];
  }

  it('are passed over for consumers, when there are records behind them, and sent to followers', async () => {
    let log = await aHollowLog();
    for (const state of ['hot', 'cold']) {
      const batches = await readBatches(log);
      const empty = batches.filter(({ recordCount }) => recordCount === 0).map(({ baseOffset }) => baseOffset);
      expect(empty.length, state).toBeGreaterThan(0);
      expect(empty.at(-1)).toBeLessThan(10);
      for (const from of [0, ...empty])
        expect(await firstOffsets(log, from), `${state}, from ${from}`).toEqual([
          empty.find((offset) => offset >= from),
          10,
        ]);
      expect(await firstOffsets(log, 10)).toEqual([10, 10]);
      log = await reopened(log);
      log.updateHighWatermark(log.logEndOffset);
    }
  });

  it('are sent to everybody when there is nothing else, so that a consumer reaches the end', async () => {
    let log = await aHollowLog();
    for (const state of ['hot', 'cold']) {
      const [first] = await readBatches(log);
      expect(first?.recordCount).toBe(0);
      expect(await firstOffsets(log, 0, 10), state).toEqual([first?.baseOffset, first?.baseOffset]);
      log = await reopened(log);
    }
  });

  it('do not count for the time of a record', async () => {
    const log = await aLog();
    for (const [index, timestampMs] of [9000, 1000].entries())
      log.appendAsLeader(aKeyedBatch(['a=1'], { ...producer, baseSequence: index, timestampMs }), 0, 'client', 1000);
    log.updateHighWatermark(2);
    fillWith(log, ['a=2'], 2000);
    roll(log);
    await compactNow(log);
    expect(log.offsetOfMaxTimestamp()).toMatchObject({ timestampMs: 2000, offset: 2 });
    expect(log.offsetForTimestamp(1)).toMatchObject({ offset: 2 });
    const again = await reopened(log);
    expect(again.offsetOfMaxTimestamp()).toMatchObject({ timestampMs: 2000, offset: 2 });
  });
});

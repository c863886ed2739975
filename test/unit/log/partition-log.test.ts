/** One partition's log: appending, reading, cutting, and what is derived on the way. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { LogConfig } from '../../../src/log/log-config.ts';
import { type PartitionLog, UnexpectedAppendOffsetError } from '../../../src/log/partition-log.ts';
import { RecordBatch } from '../../../src/protocol/records/batch.ts';
import { openBatch } from '../../../src/protocol/records/open.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { aBatch, aLogConfig, aStoredBatch, createLog, loadManager, readBatches } from '../../support/logs.ts';

const NOW = 5000;
let disk: CrashDisk;

async function aLog(overrides: Partial<LogConfig> = {}): Promise<PartitionLog> {
  const config = aLogConfig(overrides);
  return createLog(await loadManager({ disk }, config), config);
}

/** Appends batches of so many records each. */
function fill(
  log: PartitionLog,
  counts: readonly number[],
  timestampOf = (index: number): number => 1000 + index,
): void {
  for (const [index, count] of counts.entries()) {
    const values = Array.from({ length: count }, (_, number) => `value ${index}.${number}`);
    log.appendAsLeader(aBatch({ values, timestampMs: timestampOf(index) }), 0, 'client', NOW);
  }
}

async function spans(log: PartitionLog, from?: number, options?: Parameters<typeof readBatches>[2]): Promise<string[]> {
  return (await readBatches(log, from, options)).map((batch) => `${batch.baseOffset}-${batch.lastOffset}`);
}

beforeEach(() => {
  disk = new CrashDisk();
});

describe('appending as a leader', () => {
  it('gives the batches their offsets and the epoch, and keeps their checksum', async () => {
    const log = await aLog();
    const results = [3, 1, 2].map((count) =>
      log.appendAsLeader(aBatch({ values: Array(count).fill('v') }), 7, 'client', NOW),
    );
    expect(results.map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset])).toEqual([
      [0, 2],
      [3, 3],
      [4, 5],
    ]);
    expect(results[0]).toEqual({
      firstOffset: 0,
      lastOffset: 2,
      logAppendTimeMs: -1,
      logStartOffset: 0,
      isDuplicate: false,
    });
    const batches = await readBatches(log);
    expect(batches.map((batch) => [batch.baseOffset, batch.partitionLeaderEpoch, batch.isCrcValid()])).toEqual([
      [0, 7, true],
      [3, 7, true],
      [4, 7, true],
    ]);
    expect([log.logEndOffset, log.latestEpoch]).toEqual([6, 7]);
  });

  it('answers a repeated batch with its first offsets and writes nothing', async () => {
    const log = await aLog();
    const send = (baseSequence: number) =>
      log.appendAsLeader(
        aBatch({ values: ['a', 'b'], producerId: 1, producerEpoch: 0, baseSequence, timestampMs: 77 }),
        0,
        'client',
        NOW,
      );
    send(0);
    send(2);
    const { sizeBytes } = log;
    expect(send(0)).toEqual({
      firstOffset: 0,
      lastOffset: 1,
      logAppendTimeMs: 77,
      logStartOffset: 0,
      isDuplicate: true,
    });
    expect([log.logEndOffset, log.sizeBytes]).toEqual([4, sizeBytes]);
    expect(() => send(8)).toThrow(
      'Out of order sequence number for producer 1 at offset 4 in partition t-0: 8 (incoming seq. number), 3',
    );
    expect(log.logEndOffset).toBe(4);
  });

  it('stamps the records with its own time under LogAppendTime', async () => {
    const log = await aLog({ messageTimestampType: 'LogAppendTime' });
    const result = log.appendAsLeader(aBatch({ values: ['a', 'b'], timestampMs: 3 }), 0, 'client', NOW);
    expect(result.logAppendTimeMs).toBe(NOW);
    const [batch] = await readBatches(log);
    expect([batch!.timestampType, batch!.maxTimestamp, batch!.isCrcValid()]).toEqual(['LogAppendTime', NOW, true]);
    expect(openBatch(batch!).map(({ timestampMs }) => timestampMs)).toEqual([NOW, NOW]);
  });

  it('compresses anew when the topic wants another codec, and leaves alone what has it', async () => {
    const log = await aLog({ compressionType: 'gzip' });
    const producer = { producerId: 1, producerEpoch: 2 };
    const values = ['x'.repeat(100), 'y'.repeat(100)];
    log.appendAsLeader(aBatch({ values, ...producer, baseSequence: 0 }), 3, 'client', NOW);
    log.appendAsLeader(aBatch({ values, ...producer, baseSequence: 2, compression: 'lz4' }), 3, 'client', NOW);
    const already = aBatch({ values, ...producer, baseSequence: 4, compression: 'gzip' });
    log.appendAsLeader(already, 3, 'client', NOW);
    const batches = await readBatches(log);
    expect(
      batches.map((batch) => [batch.compression, batch.baseOffset, batch.baseSequence, batch.isCrcValid()]),
    ).toEqual([
      ['gzip', 0, 0, true],
      ['gzip', 2, 2, true],
      ['gzip', 4, 4, true],
    ]);
    for (const batch of batches) {
      expect(openBatch(batch).map(({ value }) => value?.toString())).toEqual(values);
      expect([batch.producerId, batch.producerEpoch, batch.partitionLeaderEpoch]).toEqual([1, 2, 3]);
    }
    expect(batches[2]!.sizeBytes).toBe(already.length);
  });

  it('unpacks when the topic wants no compression, and measures the result', async () => {
    const log = await aLog({ compressionType: 'uncompressed', maxMessageBytes: 500 });
    const packed = (length: number): Buffer => aBatch({ values: ['x'.repeat(length)], compression: 'zstd' });
    log.appendAsLeader(packed(300), 0, 'client', NOW);
    expect(() => log.appendAsLeader(packed(3000), 0, 'client', NOW)).toThrow(
      'exceeds the maximum configured value of 500',
    );
    expect((await readBatches(log)).map(({ compression }) => compression)).toEqual(['none']);
  });

  it('refuses what no segment can hold', async () => {
    const log = await aLog({ segmentBytes: 200 });
    expect(() => log.appendAsLeader(aBatch({ values: ['x'.repeat(300)] }), 0, 'client', NOW)).toThrow(
      'exceeds the maximum configured segment size of 200',
    );
    expect(log.logEndOffset).toBe(0);
  });

  it('changes nothing when a batch is refused', async () => {
    const log = await aLog();
    fill(log, [2]);
    const before = [log.logEndOffset, log.sizeBytes, log.epochEntries.length];
    const bad = aBatch();
    bad[bad.length - 1]! ^= 1;
    expect(() => log.appendAsLeader(bad, 9, 'client', NOW)).toThrow('Record is corrupt');
    expect([log.logEndOffset, log.sizeBytes, log.epochEntries.length]).toEqual(before);
  });
});

describe('appending as a follower', () => {
  it('takes the offsets and epochs as they are', async () => {
    const log = await aLog();
    log.appendAsFollower(Buffer.concat([aStoredBatch(0, 1, { values: ['a', 'b'] }), aStoredBatch(2, 4)]), NOW);
    log.appendAsFollower(aStoredBatch(3, 4), NOW);
    expect([log.logEndOffset, log.epochEntries]).toEqual([
      4,
      [
        { epoch: 1, startOffset: 0 },
        { epoch: 4, startOffset: 2 },
      ],
    ]);
    expect(await spans(log)).toEqual(['0-1', '2-2', '3-3']);
  });

  it('leaves out a batch that is cut short', async () => {
    const log = await aLog();
    const bytes = Buffer.concat([aStoredBatch(0, 1), aStoredBatch(1, 1)]);
    expect(log.appendAsFollower(bytes.subarray(0, bytes.length - 1), NOW)).toMatchObject({
      firstOffset: 0,
      lastOffset: 0,
    });
    expect(log.appendAsFollower(Buffer.alloc(0), NOW)).toMatchObject({ firstOffset: -1, lastOffset: -1 });
    expect(log.logEndOffset).toBe(1);
  });

  it('takes gaps that compaction left at the leader', async () => {
    const log = await aLog();
    log.appendAsFollower(aStoredBatch(5, 1), NOW);
    log.appendAsFollower(aStoredBatch(90, 1, { values: ['a', 'b'] }), NOW);
    expect(await spans(log)).toEqual(['5-5', '90-91']);
    expect(await spans(log, 6)).toEqual(['90-91']);
    expect(await spans(log, 91)).toEqual(['90-91']);
  });

  it('refuses what begins before its end, and says what that was', async () => {
    const log = await aLog();
    log.appendAsFollower(aStoredBatch(0, 1, { values: ['a', 'b', 'c'] }), NOW);
    try {
      log.appendAsFollower(aStoredBatch(2, 1, { values: ['a', 'b'] }), NOW);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UnexpectedAppendOffsetError);
      expect(error).toMatchObject({ firstOffset: 2, lastOffset: 3 });
    }
    expect(log.logEndOffset).toBe(3);
  });

  it('spreads a large fetch over as many segments as it needs', async () => {
    const log = await aLog({ segmentBytes: 300 });
    log.appendAsFollower(Buffer.concat(Array.from({ length: 20 }, (_, offset) => aStoredBatch(offset, 1))), NOW);
    expect(log.segments.all.every(({ sizeBytes }) => sizeBytes > 0 && sizeBytes <= 300)).toBe(true);
    expect((await spans(log)).length).toBe(20);
  });

  it('remembers producers as the leader does, but does not judge them', async () => {
    const log = await aLog();
    const producer = { producerId: 1, producerEpoch: 5 };
    log.appendAsFollower(aStoredBatch(0, 1, { ...producer, baseSequence: 10 }), NOW);
    log.appendAsFollower(aStoredBatch(1, 1, { ...producer, baseSequence: 99 }), NOW);
    expect(log.producers.producers.get(1)?.batches.map(({ lastSequence }) => lastSequence)).toEqual([10, 99]);
    expect(() => log.appendAsLeader(aBatch({ ...producer, baseSequence: 5 }), 2, 'client', NOW)).toThrow(
      'Out of order',
    );
  });
});

describe('rolling', () => {
  it('happens when the next batch would not fit', async () => {
    const size = aBatch({ values: ['value 0.0'] }).length;
    const log = await aLog({ segmentBytes: 3 * size });
    fill(log, Array(7).fill(1));
    expect(log.segments.all.map(({ baseOffset, sizeBytes }) => [baseOffset, sizeBytes])).toEqual([
      [0, 3 * size],
      [3, 3 * size],
      [6, size],
    ]);
    const names = disk
      .list('/data/t-0')
      .map(({ name }) => name)
      .sort();
    expect(names.filter((name) => name.endsWith('.snapshot'))).toEqual([
      '00000000000000000003.snapshot',
      '00000000000000000006.snapshot',
    ]);
  });

  it('happens when the timestamps have moved by segment.ms since the first batch', async () => {
    const log = await aLog({ segmentMs: 100 });
    fill(log, Array(6).fill(1), (index) => 1000 + 30 * index);
    expect(log.segments.all.map(({ baseOffset }) => baseOffset)).toEqual([0, 4]);
  });

  it('happens when an index is full', async () => {
    const log = await aLog({ segmentIndexBytes: 36, indexIntervalBytes: 0 });
    fill(log, Array(8).fill(1));
    expect(log.segments.all.map(({ baseOffset }) => baseOffset)).toEqual([0, 3, 6]);
  });

  it('happens when an offset is too far from the base for the index; the gap is no loss to a recovery', async () => {
    const log = await aLog();
    const far = 2 ** 32;
    log.appendAsFollower(aStoredBatch(0, 1), NOW);
    log.appendAsFollower(Buffer.concat([1, far, far + 1].map((offset) => aStoredBatch(offset, 1))), NOW);
    expect(log.segments.all.map(({ baseOffset }) => baseOffset)).toEqual([0, far - (2 ** 31 - 1), far + 1]);
    const written = ['0-0', '1-1', `${far}-${far}`, `${far + 1}-${far + 1}`];
    expect(await spans(log)).toEqual(written);
    disk = disk.kill();
    const again = (await loadManager({ disk })).get('t', 0)!;
    expect(await spans(again)).toEqual(written);
  });

  it('lets segments follow each other without a gap, also where batches do not', async () => {
    const log = await aLog({ segmentBytes: 200 });
    for (const offset of [0, 1, 10, 11, 20, 21]) log.appendAsFollower(aStoredBatch(offset, 1), NOW);
    expect(log.segments.all.map(({ baseOffset }) => baseOffset)).toEqual([0, 2, 12]);
    expect(await spans(log, 3)).toEqual(['10-10', '11-11', '20-20', '21-21']);
  });

  it('happens by the clock when nobody writes, so that retention can reach the records', async () => {
    const log = await aLog({ segmentMs: 100 });
    log.maybeRoll(1e9);
    fill(log, [1]);
    log.maybeRoll(2050);
    expect(log.segments.all.length).toBe(1);
    log.maybeRoll(2101);
    expect(log.segments.all.map(({ baseOffset }) => baseOffset)).toEqual([0, 1]);
  });

  it('makes the old segment durable without being asked', async () => {
    const log = await aLog({ segmentBytes: 300 });
    fill(log, Array(10).fill(1));
    await log.whenDurable(log.segments.active.baseOffset);
    expect(log.recoveryPoint).toBeGreaterThanOrEqual(log.segments.active.baseOffset);
  });
});

describe('reading', () => {
  it('begins with the batch that holds the offset', async () => {
    const log = await aLog({ segmentBytes: 400 });
    fill(log, [3, 2, 4, 1, 5, 2, 2]);
    const expected = ['0-2', '3-4', '5-8', '9-9', '10-14', '15-16', '17-18'];
    expect(await spans(log)).toEqual(expected);
    for (let offset = 0; offset < 19; offset++)
      expect(await spans(log, offset)).toEqual(expected.filter((span) => Number(span.split('-')[1]) >= offset));
  });

  it('gives only batches that lie wholly below the end offset', async () => {
    const log = await aLog({ segmentBytes: 400 });
    fill(log, [3, 2, 4, 1, 5, 2, 2]);
    for (let endOffset = 0; endOffset <= 19; endOffset++)
      for (let offset = 0; offset <= 19; offset++) {
        const found = await readBatches(log, offset, { endOffset });
        expect(found.every((batch) => batch.nextOffset <= endOffset)).toBe(true);
      }
    expect(await spans(log, 0, { endOffset: 9 })).toEqual(['0-2', '3-4', '5-8']);
    expect(await spans(log, 0, { endOffset: 8 })).toEqual(['0-2', '3-4']);
  });

  it('ends within the maximum size, but gives the first batch whole when that is wanted', async () => {
    const log = await aLog();
    fill(log, [1, 1, 1, 1]);
    const size = log.sizeBytes / 4;
    const read = (maxBytes: number, minOneBatch: boolean): number =>
      log.read(1, { maxBytes, endOffset: 4, minOneBatch }).sizeBytes;
    expect([read(2 * size, false), read(3 * size, false), read(9 * size, false)]).toEqual([
      2 * size,
      3 * size,
      3 * size,
    ]);
    expect([read(size - 1, true), read(1, true), read(0, true)]).toEqual([size, size, size]);
    expect([read(size - 1, false), read(0, false)]).toEqual([0, 0]);
  });

  it('is refused outside of the log, and empty at its end', async () => {
    const log = await aLog();
    fill(log, [2, 2]);
    log.updateHighWatermark(4);
    log.advanceLogStartOffset(2);
    const read = (offset: number) => log.read(offset, { maxBytes: 1000, endOffset: 4, minOneBatch: true });
    expect(() => read(1)).toThrow('we only have log segments from offset 2 up to 4');
    expect(() => read(5)).toThrow('Received request for offset 5 for partition t-0');
    expect([read(4).sizeBytes, read(2).sizeBytes > 0]).toEqual([0, true]);
  });

  it('of what was just written is hot and needs no look at the file to find its place', async () => {
    const log = await aLog();
    fill(log, Array(20).fill(2));
    const { operationCount } = disk;
    const slice = log.read(36, { maxBytes: 1_000_000, endOffset: 38, minOneBatch: true });
    expect([slice.isHot, disk.operationCount]).toEqual([true, operationCount]);
    const target = Buffer.alloc(slice.sizeBytes + 10);
    slice.copyInto(target, 10);
    expect(new RecordBatch(target, 10).baseOffset).toBe(36);
    expect(disk.operationCount).toBe(operationCount + 1);
  });

  it('of what an earlier process wrote is cold, and gives the same', async () => {
    const config = aLogConfig({ segmentBytes: 2000, indexIntervalBytes: 300 });
    const manager = await loadManager({ disk }, config);
    const log = createLog(manager, config);
    fill(
      log,
      Array.from({ length: 60 }, (_, index) => 1 + (index % 4)),
    );
    const written = await spans(log);
    await manager.close();
    const again = (await loadManager({ disk }, config)).get('t', 0)!;
    expect(again.read(0, { maxBytes: 100, endOffset: 50, minOneBatch: true }).isHot).toBe(false);
    expect(await spans(again)).toEqual(written);
    for (const maxBytes of [1, 100, 333, 1500])
      for (let offset = 0; offset < 140; offset += 7)
        expect(await spans(again, offset, { maxBytes })).toEqual(
          written.filter((span) => Number(span.split('-')[1]) >= offset),
        );
    const { logEndOffset } = again;
    fill(again, [1]);
    expect(again.read(logEndOffset, { maxBytes: 100, endOffset: logEndOffset + 1, minOneBatch: true }).isHot).toBe(
      true,
    );
  });

  it('of cold bytes is void when the log is cut meanwhile', async () => {
    const config = aLogConfig();
    const manager = await loadManager({ disk }, config);
    fill(createLog(manager, config), [1, 1, 1]);
    await manager.close();
    const log = (await loadManager({ disk }, config)).get('t', 0)!;
    const loading = log.read(0, { maxBytes: 1000, endOffset: 3, minOneBatch: true }).load();
    log.truncateTo(1);
    expect((await loading).sizeBytes).toBe(0);
  });
});

describe('searching by timestamp', () => {
  it('finds the first record that is not older, and the first of the youngest', async () => {
    const log = await aLog({ segmentBytes: 400, indexIntervalBytes: 100 });
    const times = [100, 300, 200, 500, 400, 500, 50];
    fill(
      log,
      times.map(() => 2),
      (index) => times[index]!,
    );
    log.appendAsFollower(aStoredBatch(log.logEndOffset, 6, { timestampMs: -1 }), NOW);
    const offsetOf = (timestampMs: number): number | undefined => log.offsetForTimestamp(timestampMs)?.offset;
    for (let timestampMs = 0; timestampMs <= 501; timestampMs += 25) {
      const expected = times.findIndex((time) => time >= timestampMs);
      expect(offsetOf(timestampMs)).toBe(expected < 0 ? undefined : 2 * expected);
    }
    expect(log.offsetForTimestamp(450)).toEqual({ timestampMs: 500, offset: 6, leaderEpoch: 0 });
    expect(log.offsetOfMaxTimestamp()).toEqual({ timestampMs: 500, offset: 6, leaderEpoch: 0 });
  });

  it('does not look before the start of the log', async () => {
    const log = await aLog();
    fill(log, [2, 2, 2]);
    log.updateHighWatermark(6);
    log.advanceLogStartOffset(3);
    expect(log.offsetForTimestamp(0)?.offset).toBe(3);
  });

  it('finds nothing in a log without timestamps', async () => {
    const log = await aLog();
    expect([log.offsetForTimestamp(0), log.offsetOfMaxTimestamp()]).toEqual([null, null]);
    fill(log, [1], () => -1);
    expect(log.offsetOfMaxTimestamp()).toBeNull();
  });

  it('finds single records within a batch', async () => {
    const log = await aLog();
    const { buildBatch } = await import('../../../src/protocol/records/build.ts');
    const records = [10, 30, 20, 30].map((timestampMs) => ({ key: null, value: null, timestampMs }));
    log.appendAsLeader(buildBatch({ records, compression: 'gzip' }), 0, 'client', NOW);
    expect([15, 25, 10].map((time) => log.offsetForTimestamp(time)?.offset)).toEqual([1, 1, 0]);
    expect(log.offsetOfMaxTimestamp()?.offset).toBe(1);
  });
});

describe('the offsets of a log', () => {
  it('keep the high watermark within the log', async () => {
    const log = await aLog();
    fill(log, [5]);
    expect([log.updateHighWatermark(3), log.updateHighWatermark(99), log.updateHighWatermark(-1)]).toEqual([3, 5, 0]);
  });

  it('never let the log begin behind the high watermark', async () => {
    const log = await aLog();
    fill(log, [5]);
    log.updateHighWatermark(3);
    expect(() => log.advanceLogStartOffset(4)).toThrow('larger than the high watermark 3');
    log.advanceLogStartOffset(2);
    log.advanceLogStartOffset(1);
    expect([log.logStartOffset, log.highWatermark]).toEqual([2, 3]);
  });

  it('let the epochs begin where the log does', async () => {
    const log = await aLog();
    for (const epoch of [1, 1, 2, 3]) log.appendAsLeader(aBatch(), epoch, 'client', NOW);
    log.updateHighWatermark(4);
    log.advanceLogStartOffset(3);
    expect(log.epochEntries).toEqual([{ epoch: 3, startOffset: 3 }]);
    expect(log.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 3 });
  });
});

describe('cutting', () => {
  it('removes the batches from the offset on, with all that is derived from them', async () => {
    const log = await aLog({ segmentBytes: 400, indexIntervalBytes: 100 });
    for (let index = 0; index < 12; index++)
      log.appendAsLeader(
        aBatch({
          values: ['a', 'b'],
          producerId: 1,
          producerEpoch: 0,
          baseSequence: 2 * index,
          timestampMs: 100 + index,
        }),
        index >> 2,
        'client',
        NOW,
      );
    log.updateHighWatermark(24);
    log.truncateTo(14);
    expect([log.logEndOffset, log.highWatermark]).toEqual([14, 14]);
    expect((await spans(log)).at(-1)).toBe('12-13');
    expect(log.epochEntries).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 1, startOffset: 8 },
    ]);
    expect(log.producers.producers.get(1)?.batches.at(-1)).toMatchObject({ lastSequence: 13, lastOffset: 13 });
    expect(log.offsetOfMaxTimestamp()?.timestampMs).toBe(106);
    expect(
      log.appendAsLeader(aBatch({ producerId: 1, producerEpoch: 0, baseSequence: 14 }), 5, 'client', NOW).firstOffset,
    ).toBe(14);
  });

  it('takes the whole batch when the offset lies within one', async () => {
    const log = await aLog();
    fill(log, [3, 3]);
    log.truncateTo(4);
    expect(log.logEndOffset).toBe(3);
  });

  it('at the end removes only an epoch that has no records (KAFKA-10706)', async () => {
    const log = await aLog();
    fill(log, [3]);
    log.assignEpochStartOffset(8, 3);
    expect(log.latestEpoch).toBe(8);
    log.truncateTo(3);
    expect([log.logEndOffset, log.latestEpoch]).toEqual([3, 0]);
  });

  it('to the beginning leaves an empty log that goes on there', async () => {
    const log = await aLog({ segmentBytes: 300 });
    fill(log, Array(10).fill(1));
    log.truncateTo(0);
    expect([log.logEndOffset, log.sizeBytes, log.segments.all.length, log.epochEntries.length]).toEqual([0, 0, 1, 0]);
    fill(log, [2]);
    expect(await spans(log)).toEqual(['0-1']);
  });

  it('fully begins anew at any offset, also with the watermark (KAFKA-9491)', async () => {
    const log = await aLog({ segmentBytes: 300 });
    fill(log, Array(10).fill(1));
    log.updateHighWatermark(10);
    log.truncateFullyAndStartAt(500);
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset, log.sizeBytes, log.latestEpoch]).toEqual([
      500, 500, 500, 0, -1,
    ]);
    log.appendAsFollower(aStoredBatch(500, 3), NOW);
    log.truncateFullyAndStartAt(20);
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset]).toEqual([20, 20, 20]);
    await log.flush();
    expect(log.durableEndOffset).toBe(20);
  });

  it('below the first segment begins anew there', async () => {
    const log = await aLog();
    log.truncateFullyAndStartAt(50);
    log.appendAsFollower(aStoredBatch(50, 3), NOW);
    log.truncateTo(30);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([30, 30]);
  });

  it('removes the files of whole segments after a while', async () => {
    const log = await aLog({ segmentBytes: 300, fileDeleteDelayMs: 1000 });
    fill(log, Array(10).fill(1));
    log.truncateTo(1);
    const deleted = (): number => disk.list('/data/t-0').filter(({ name }) => name.endsWith('.deleted')).length;
    expect(deleted()).toBeGreaterThan(0);
    (log.directory.services.clock as import('../../support/manual-clock.ts').ManualClock).advance(1000);
    for (let turn = 0; turn < 100 && deleted() > 0; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(deleted()).toBe(0);
  });
});

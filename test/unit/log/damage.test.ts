/**
 * Bytes that change behind our back. Above the recovery point they are a torn tail, which is cut; below they are
 * damage: the log goes out of service and says why, and is never taken for a shorter one.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { aBatch, aLogConfig, aStoredBatch, createLog, loadManager, readBatches, TOPIC_ID } from '../../support/logs.ts';

const CONFIG = aLogConfig({ segmentBytes: 1000, indexIntervalBytes: 150 });
const DIRECTORY = '/data/t-0';
let disk: CrashDisk;
let manager: LogManager;
let log: PartitionLog;

/** 30 batches; those below the offset are durable, and the checkpoint says so. */
async function write(durableEnd: number): Promise<void> {
  manager = await loadManager({ disk }, CONFIG);
  log = createLog(manager, CONFIG);
  for (let offset = 0; offset < 30; offset++) {
    if (offset === durableEnd) await makeDurable();
    const producer = { producerId: 3, producerEpoch: 0, baseSequence: offset };
    log.appendAsLeader(
      aBatch({ values: [`record ${10 + offset}`], timestampMs: 1000 + offset, ...producer }),
      1,
      'client',
      2000,
    );
  }
  if (durableEnd === 30) await makeDurable();
}

async function makeDurable(): Promise<void> {
  await log.flush();
  await manager.checkpointRecoveryPoints();
}

function flip(name: string, byte: number): void {
  const file = disk.open(`${DIRECTORY}/${name}`);
  const target = Buffer.alloc(1);
  file.readInto(target, 0, byte, 1);
  target[0]! ^= 0x10;
  file.writeAt(byte, target);
}

/** Starts again after kill -9. */
async function restart(): Promise<PartitionLog | undefined> {
  disk = disk.kill();
  manager = await loadManager({ disk }, CONFIG);
  return manager.get('t', 0);
}

function segmentFiles(extension: string): string[] {
  return disk
    .list(DIRECTORY)
    .map(({ name }) => name)
    .filter((name) => name.endsWith(extension))
    .sort();
}

beforeEach(() => {
  disk = new CrashDisk();
});

describe('a bit that flips above the recovery point', () => {
  it('cuts the log before that batch, wherever it lies', async () => {
    await write(5);
    const sizes = log.segments.all.map(({ baseOffset, sizeBytes }) => ({ baseOffset, sizeBytes }));
    const first = segmentFiles('.log').at(-2)!;
    const size = sizes.at(-2)!.sizeBytes;
    const batchSize = aBatch({ values: ['record 10'] }).length;
    for (let byte = 0; byte < size; byte += 37) {
      disk = new CrashDisk();
      await write(5);
      flip(first, byte);
      const again = (await restart())!;
      expect(again.failure).toBeNull();
      // Base offset and leader epoch are not covered by the checksum: there Kafka too can only see that they do not
      // fit.
      const inBatch = byte % batchSize;
      const isCovered = inBatch >= 8 && (inBatch < 12 || inBatch >= 16);
      const expected = sizes.at(-2)!.baseOffset + Math.floor(byte / batchSize);
      if (isCovered) expect(again.logEndOffset, `byte ${byte}`).toBe(expected);
      const found = await readBatches(again);
      expect(found.every((batch) => batch.isCrcValid())).toBe(true);
      expect(again.producers.producers.get(3)?.batches.at(-1)?.lastSequence).toBe(again.logEndOffset - 1);
    }
  });

  it(
    'is not the only thing that ends a log: so does a batch of an older leader, left over behind newer ' + 'ones',
    async () => {
      manager = await loadManager({ disk }, CONFIG);
      log = createLog(manager, CONFIG);
      log.appendAsFollower(Buffer.concat([aStoredBatch(0, 1), aStoredBatch(1, 3)]), 2000);
      disk.open(`${DIRECTORY}/${segmentFiles('.log')[0]!}`).append(aStoredBatch(2, 2));
      const again = (await restart())!;
      expect([again.logEndOffset, again.latestEpoch]).toEqual([2, 3]);
    },
  );

  it('leaves no segment behind the cut', async () => {
    await write(5);
    flip(segmentFiles('.log')[1]!, 100);
    const again = (await restart())!;
    expect(segmentFiles('.log').length).toBe(2);
    expect(again.appendAsLeader(aBatch(), 2, 'client', 2000).firstOffset).toBe(again.logEndOffset - 1);
  });
});

describe('a bit that flips below the recovery point', () => {
  it('takes the log out of service with a clear error', async () => {
    await write(30);
    const active = segmentFiles('.log').at(-1)!;
    flip(active, 70);
    expect(await restart()).toBeUndefined();
    const error = manager.damageOf('t', 0)!;
    expect(error.error).toBe('KAFKA_STORAGE_ERROR');
    expect(error.message).toMatch(
      /The log of t-0 is damaged: .*its checksum is wrong, although everything below offset 30 was durable/,
    );
    expect(() => manager.getOrCreate('t', 0, TOPIC_ID, CONFIG, { isNew: true })).toThrow('is damaged');
  });

  it('is still damage at the next start, also after a stop in order, and costs no other log', async () => {
    await write(30);
    const other = createLog(manager, CONFIG, 'other');
    other.appendAsLeader(aBatch(), 1, 'client', 2000);
    flip(segmentFiles('.log').at(-1)!, 80);
    await restart();
    await manager.close();
    await restart();
    expect(manager.damageOf('t', 0)?.message).toContain('is damaged');
    expect(manager.get('other', 0)?.logEndOffset).toBe(1);
  });

  it('is damage too when the file merely ends early, at a batch or within one', async () => {
    for (const cut of [1, aBatch({ values: ['record 10'] }).length]) {
      disk = new CrashDisk();
      await write(30);
      const file = disk.open(`${DIRECTORY}/${segmentFiles('.log').at(-1)!}`);
      file.truncate(file.sizeBytes - cut);
      await restart();
      expect(manager.damageOf('t', 0)?.message).toContain('although everything below offset 30 was durable');
    }
  });

  it('is damage when a file is gone', async () => {
    await write(30);
    disk.remove(`${DIRECTORY}/${segmentFiles('.log').at(-1)!}`);
    await restart();
    expect(manager.damageOf('t', 0)?.message).toContain('although everything below offset 30 was durable');
  });

  it('is found by a reader where no start looks: in a header of an old segment', async () => {
    await write(30);
    await manager.close();
    flip(segmentFiles('.log')[0]!, 8);
    const again = (await restart())!;
    let told = 0;
    manager.onOffline(({ logs, isDirectoryOnline }) => {
      expect([logs, isDirectoryOnline]).toEqual([[again], true]);
      told++;
    });
    await expect(readBatches(again, 0)).rejects.toThrow('is damaged');
    expect([again.isOffline, told]).toEqual([true, 1]);
    expect(() => again.appendAsLeader(aBatch(), 1, 'client', 2000)).toThrow('is damaged');
    await expect(again.whenDurable(31)).rejects.toThrow('is damaged');
  });
});

describe('other files that are damaged', () => {
  it.each([
    ['an index that is gone', () => disk.remove(`${DIRECTORY}/${segmentFiles('.index')[1]!}`)],
    ['a time index that is gone', () => disk.remove(`${DIRECTORY}/${segmentFiles('.timeindex')[1]!}`)],
    ['an index of odd length', () => disk.open(`${DIRECTORY}/${segmentFiles('.index')[1]!}`).append(Buffer.from([1]))],
    ['an index of zeros', () => disk.writeFile(`${DIRECTORY}/${segmentFiles('.index')[1]!}`, Buffer.alloc(32))],
    ['an index that is empty', () => disk.writeFile(`${DIRECTORY}/${segmentFiles('.index')[1]!}`, '')],
    ['an index with a wrong position', () => flip(segmentFiles('.index')[1]!, 7)],
    ['an index with a wrong offset', () => flip(segmentFiles('.index')[1]!, 3)],
    [
      'an index with a wrong end',
      () => flip(segmentFiles('.index')[1]!, disk.sizeOf(`${DIRECTORY}/${segmentFiles('.index')[1]!}`) - 1),
    ],
    ['a time index with a wrong timestamp', () => flip(segmentFiles('.timeindex')[1]!, 7)],
    ['a snapshot with a wrong bit', () => flip(segmentFiles('.snapshot').at(-1)!, 20)],
    ['a snapshot that is gone', () => disk.remove(`${DIRECTORY}/${segmentFiles('.snapshot').at(-1)!}`)],
    ['epochs that are gone', () => disk.remove(`${DIRECTORY}/leader-epoch-checkpoint`)],
    ['epochs that make no sense', () => disk.writeFile(`${DIRECTORY}/leader-epoch-checkpoint`, '0\n5\n1 0\n')],
    [
      'a recovery point checkpoint that makes no sense',
      () => disk.writeFile('/data/recovery-point-offset-checkpoint', 'x'),
    ],
    [
      'a high watermark checkpoint that makes no sense',
      () => disk.writeFile('/data/replication-offset-checkpoint', '0\n1\nt 0\n'),
    ],
  ])('%s: the log is as it was', async (_, damage) => {
    await write(30);
    log.updateHighWatermark(30);
    const derived = (each: PartitionLog): unknown => [
      each.logEndOffset,
      each.epochEntries,
      each.producers.producers.get(3)?.batches.at(-1),
    ];
    const before = derived(log);
    await manager.close();
    damage();
    const again = (await restart())!;
    expect(derived(again)).toEqual(before);
    for (let offset = 0; offset < 30; offset += 3)
      expect((await readBatches(again, offset))[0]?.baseOffset).toBe(offset);
    for (let timestampMs = 1000; timestampMs < 1030; timestampMs += 3)
      expect(again.offsetForTimestamp(timestampMs)?.offset).toBe(timestampMs - 1000);
  });

  it(
    'a partition.metadata that makes no sense: the log is out of service, for it may be of another ' + 'topic',
    async () => {
      await write(30);
      await manager.close();
      disk.writeFile(`${DIRECTORY}/partition.metadata`, 'version: 0\ntopic_id: ???');
      await restart();
      expect(manager.damageOf('t', 0)?.message).toContain('does not say which topic the log belongs to');
    },
  );
});

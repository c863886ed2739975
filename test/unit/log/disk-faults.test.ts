/**
 * A disk that fails: the directory goes out of service in the same tick, and nothing that failed is ever acknowledged.
 */
import { describe, expect, it } from 'vitest';
import { KafkaError } from '../../../src/protocol/errors.ts';
import { CrashDisk, diskError, type DiskOperation } from '../../support/crash-disk.ts';
import { aBatch, aLogConfig, createLog, loadManager, readBatches, TOPIC_ID } from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const CONFIG = aLogConfig({ segmentBytes: 1000 });

/** Fails from the n-th operation of that kind on. */
function failFrom(disk: CrashDisk, operation: DiskOperation, nth = 1, code: 'EIO' | 'ENOSPC' = 'EIO'): void {
  let count = 0;
  disk.fault = (each, filePath) => (each === operation && ++count >= nth ? diskError(code, each, filePath) : null);
}

describe('an error of the disk', () => {
  it('on append takes the whole directory out of service at once', async () => {
    const disk = new CrashDisk();
    const manager = await loadManager({ disk }, CONFIG);
    const logs = ['a', 'b'].map((topic) => createLog(manager, CONFIG, topic));
    const events: string[] = [];
    manager.onOffline(({ directory, logs: lost, isLast }) =>
      events.push(`${directory} ${lost.map(({ name }) => name)} ${isLast}`),
    );
    logs[0]!.appendAsLeader(aBatch(), 1, 'client', 0);
    failFrom(disk, 'append', 1, 'ENOSPC');
    expect(() => logs[0]!.appendAsLeader(aBatch(), 1, 'client', 0)).toThrow(KafkaError);
    expect(events).toEqual(['/data a-0,b-0 true']);
    disk.fault = () => null;
    for (const log of logs) {
      expect([log.isOffline, log.failure?.error]).toEqual([true, 'KAFKA_STORAGE_ERROR']);
      expect(() => log.appendAsLeader(aBatch(), 1, 'client', 0)).toThrow('ENOSPC');
      expect(() => log.read(0, { maxBytes: 1, endOffset: 1, minOneBatch: true })).toThrow('ENOSPC');
      expect(() => log.truncateTo(0)).toThrow('ENOSPC');
      await expect(log.whenDurable(1)).rejects.toThrow('ENOSPC');
    }
    expect(() => manager.getOrCreate('a', 0, TOPIC_ID, CONFIG)).toThrow('ENOSPC');
    expect(manager.directories).toMatchObject([{ path: '/data', isOffline: true, totalBytes: -1 }]);
  });

  it('leaves what was durable for the next start, and no part of what failed', async () => {
    const disk = new CrashDisk();
    const manager = await loadManager({ disk }, CONFIG);
    const log = createLog(manager, CONFIG);
    for (let offset = 0; offset < 5; offset++) log.appendAsLeader(aBatch(), 1, 'client', 0);
    await log.flush();
    failFrom(disk, 'append', 1, 'ENOSPC');
    expect(() => log.appendAsLeader(aBatch({ values: ['x'.repeat(300)] }), 1, 'client', 0)).toThrow('ENOSPC');
    const again = (await loadManager({ disk: disk.kill() }, CONFIG)).get('t', 0)!;
    expect([again.logEndOffset, (await readBatches(again)).length]).toEqual([5, 5]);
  });

  it('on sync is not tried again, and nobody who waited is told that it went well', async () => {
    const disk = new CrashDisk();
    const manager = await loadManager({ disk }, CONFIG);
    const log = createLog(manager, CONFIG);
    log.appendAsLeader(aBatch(), 1, 'client', 0);
    let syncs = 0;
    disk.fault = (operation, filePath) => {
      if (operation !== 'sync' || !filePath.endsWith('.log')) return null;
      syncs++;
      return diskError('EIO', 'fdatasync', filePath);
    };
    const waiting = [log.whenDurable(1), log.whenDurable(1), log.flush()];
    for (const outcome of await Promise.allSettled(waiting)) expect(outcome.status).toBe('rejected');
    await expect(log.whenDurable(1)).rejects.toMatchObject({ error: 'KAFKA_STORAGE_ERROR' });
    expect([syncs, log.durableEndOffset, log.isOffline]).toEqual([1, 0, true]);
    await manager.close();
    expect([syncs, disk.exists('/data/.kafka_cleanshutdown')]).toEqual([1, false]);
  });

  it('on one directory leaves the others at work', async () => {
    const disk = new CrashDisk();
    const manager = await loadManager({ disk, logDirs: ['/one', '/two'] }, CONFIG);
    const logs = ['a', 'b'].map((topic) => createLog(manager, CONFIG, topic));
    expect(logs.map(({ directory }) => directory.path)).toEqual(['/one', '/two']);
    disk.fault = (_, filePath) => (filePath.startsWith('/one/') ? diskError('EIO', 'any', filePath) : null);
    expect(() => logs[0]!.appendAsLeader(aBatch(), 1, 'client', 0)).toThrow('EIO');
    logs[1]!.appendAsLeader(aBatch(), 1, 'client', 0);
    await logs[1]!.flush();
    expect([manager.isOffline('/one'), manager.isOffline('/two'), logs[1]!.durableEndOffset]).toEqual([true, false, 1]);
    expect(() => manager.getOrCreate('c', 0, TOPIC_ID, CONFIG)).toThrow('because log directories /one are offline');
    expect(manager.getOrCreate('c', 0, TOPIC_ID, CONFIG, { isNew: true }).directory.path).toBe('/two');
    await manager.close();
    const again = await loadManager({ disk: disk.kill(), logDirs: ['/one', '/two'] }, CONFIG);
    expect(again.get('b', 0)?.logEndOffset).toBe(1);
  });

  it('on the upkeep is found without a client', async () => {
    const disk = new CrashDisk();
    const clock = new ManualClock(2000);
    const manager = await loadManager({ disk, clock }, CONFIG);
    const log = createLog(manager, CONFIG);
    failFrom(disk, 'write');
    clock.advance(5000);
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(log.isOffline).toBe(true);
  });

  it('while loading takes the directory out of service; the broker goes on if it has another', async () => {
    const disk = new CrashDisk();
    const first = await loadManager({ disk, logDirs: ['/one', '/two'] }, CONFIG);
    for (const topic of ['a', 'b']) createLog(first, CONFIG, topic);
    await first.close();
    disk.fault = (operation, filePath) =>
      operation === 'list' && filePath.startsWith('/one/') ? diskError('EIO', 'scandir', filePath) : null;
    const manager = await loadManager({ disk, logDirs: ['/one', '/two'] }, CONFIG);
    expect([manager.isOffline('/one'), manager.get('a', 0), manager.get('b', 0)?.name]).toEqual([
      true,
      undefined,
      'b-0',
    ]);
    await manager.close();
    await expect(loadManager({ disk, logDirs: ['/one'] }, CONFIG)).rejects.toThrow('none of the specified log dirs');
  });

  it.each(Array.from({ length: 60 }, (_, index) => index + 1))(
    'at operation %i of a life loses nothing that was acknowledged',
    async (nth) => {
      let disk = new CrashDisk();
      await (await loadManager({ disk }, CONFIG)).close();
      let count = 0;
      disk.fault = (operation, filePath) => (++count === 3 * nth ? diskError('EIO', operation, filePath) : null);
      let acknowledged = 0;
      try {
        const manager = await loadManager({ disk }, CONFIG);
        const log = createLog(manager, CONFIG);
        for (let offset = 0; offset < 40; offset++) {
          log.appendAsLeader(aBatch({ values: [String(offset)] }), 1, 'client', 0);
          if (offset % 3 === 0) await log.flush().then(() => (acknowledged = log.durableEndOffset));
          if (offset % 10 === 9) await manager.checkpointRecoveryPoints();
        }
        await manager.close();
      } catch (error) {
        if (!(error instanceof Error)) throw error;
      }
      disk = disk.kill();
      const again = (await loadManager({ disk }, CONFIG)).get('t', 0);
      expect(again?.failure ?? null).toBeNull();
      expect(again?.logEndOffset ?? 0).toBeGreaterThanOrEqual(acknowledged);
      if (again !== undefined) expect((await readBatches(again)).length).toBe(again.logEndOffset);
    },
  );
});

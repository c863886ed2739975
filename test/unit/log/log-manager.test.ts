/** All logs of a broker: whose directories they are, starting, stopping, creating, deleting, the upkeep. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Logger } from '../../../src/lib/logger.ts';
import { LogManager } from '../../../src/log/log-manager.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import {
  aBatch,
  aLogConfig,
  aStoredBatch,
  createLog,
  loadManager,
  managerOptions,
  readBatches,
  TOPIC_ID,
} from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const CONFIG = aLogConfig();
let disk: CrashDisk;

/** Keeps what is said. */
class Diary implements Logger {
  readonly lines: string[] = [];
  debug(): void {}
  info(message: string): void {
    this.lines.push(`INFO ${message}`);
  }
  warn(message: string): void {
    this.lines.push(`WARN ${message}`);
  }
  error(message: string): void {
    this.lines.push(`ERROR ${message}`);
  }
  named(): Logger {
    return this;
  }
}

function names(directory: string): string[] {
  return disk
    .list(directory)
    .map(({ name }) => name)
    .sort();
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function text(file: string): string {
  return disk.readFile(file).toString('utf8');
}

beforeEach(() => {
  disk = new CrashDisk();
});

describe('opening the directories', () => {
  it('makes those that are missing, and takes them for this process alone', () => {
    const manager = LogManager.open(managerOptions({ disk, logDirs: ['/a', '/b/c'] }));
    expect(manager.directories.map(({ path, isOffline, clusterId }) => [path, isOffline, clusterId])).toEqual([
      ['/a', false, null],
      ['/b/c', false, null],
    ]);
    expect(() => LogManager.open(managerOptions({ disk, logDirs: ['/b/c'] }))).toThrow(
      'Failed to acquire lock on file .lock in /b/c. A Kafka instance in another process or thread is using this ' +
        'directory.',
    );
  });

  it('lets go of all when one is taken', async () => {
    const holder = LogManager.open(managerOptions({ disk, logDirs: ['/b'] }));
    expect(() => LogManager.open(managerOptions({ disk, logDirs: ['/a', '/b'] }))).toThrow('Failed to acquire lock');
    await holder.close();
    LogManager.open(managerOptions({ disk, logDirs: ['/a', '/b'] }));
  });

  it('remembers whose they are', async () => {
    const manager = LogManager.open(managerOptions({ disk }));
    expect(manager.storedBrokerId).toBeNull();
    manager.claim('the-cluster', 1001);
    await manager.close();
    const again = LogManager.open(managerOptions({ disk }));
    expect(again.storedBrokerId).toBe(1001);
    expect(() => again.claim('another', 1001)).toThrow(
      'Invalid cluster.id in: /data/meta.properties. Expected another, but read the-cluster',
    );
    expect(() => again.claim('the-cluster', 7)).toThrow("Stored node id 1001 doesn't match previous node id 7");
    again.claim('the-cluster', 1001);
    expect(text('/data/meta.properties')).toContain('cluster.id=the-cluster\n');
  });

  it('claims a directory that was added', async () => {
    const manager = LogManager.open(managerOptions({ disk, logDirs: ['/a'] }));
    manager.claim('c', 1);
    await manager.close();
    const again = LogManager.open(managerOptions({ disk, logDirs: ['/a', '/b'] }));
    again.claim('c', 1);
    expect(again.directories.map(({ clusterId, brokerId }) => [clusterId, brokerId])).toEqual([
      ['c', 1],
      ['c', 1],
    ]);
  });
});

describe('a log that is asked for', () => {
  it('is made in the directory that has the fewest', async () => {
    const manager = await loadManager({ disk, logDirs: ['/a', '/b', '/c'] });
    const directories = Array.from(
      { length: 7 },
      (_, partition) => createLog(manager, CONFIG, 't', partition).directory.path,
    );
    expect(directories).toEqual(['/a', '/b', '/c', '/a', '/b', '/c', '/a']);
    expect([...manager.all()].length).toBe(7);
    expect(createLog(manager, CONFIG, 't', 4)).toBe(manager.get('t', 4));
  });

  it('has the files that Kafka makes', async () => {
    createLog(await loadManager({ disk }));
    expect(names('/data/t-0')).toEqual([
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      'partition.metadata',
    ]);
    expect(text('/data/t-0/partition.metadata')).toBe(`version: 0\ntopic_id: ${TOPIC_ID}`);
  });

  it('is refused under another topic id', async () => {
    const manager = await loadManager({ disk });
    createLog(manager);
    const other = 'BBBBBBBBBBBBBBBBBBBBBQ';
    expect(() => manager.getOrCreate('t', 0, other, CONFIG)).toThrow(`Tried to assign topic ID ${other}`);
    expect(manager.getOrCreate('t', 0, 'AAAAAAAAAAAAAAAAAAAAAA', CONFIG).topicId).toBe(TOPIC_ID);
  });

  it('may have any legal name', async () => {
    const manager = await loadManager({ disk });
    for (const topic of ['__proto__', 'constructor', 'a-b.c_d'])
      createLog(manager, CONFIG, topic).appendAsLeader(aBatch(), 0, 'client', 0);
    await manager.close();
    const again = await loadManager({ disk });
    for (const topic of ['__proto__', 'constructor', 'a-b.c_d']) expect(again.get(topic, 0)?.logEndOffset).toBe(1);
    expect(again.get('toString', 0)).toBeUndefined();
  });
});

describe('a log whose topic has a configuration that nobody understands', () => {
  it('is left out as it is, and the others are opened', async () => {
    const manager = await loadManager({ disk });
    for (const topic of ['good', 'bad']) createLog(manager, CONFIG, topic).appendAsLeader(aBatch(), 0, 'client', 0);
    await manager.close();
    const diary = new Diary();
    const again = LogManager.open(managerOptions({ disk, logger: diary }));
    await again.load((topic) => (topic === 'bad' ? new Error('no JSON') : CONFIG));
    expect([...again.all()].map(({ name }) => name)).toEqual(['good-0']);
    const [complaint] = diary.lines.filter((line) => line.startsWith('ERROR'));
    expect(complaint).toContain('The log in /data/bad-0 is left out, because the configuration of topic bad cannot be');
    expect(() => again.getOrCreate('bad', 0, TOPIC_ID, CONFIG, { isNew: true })).toThrow('/data/bad-0 is left out');
    await again.close();
    expect((await loadManager({ disk })).get('bad', 0)?.logEndOffset).toBe(1);
  });
});

describe('a stop in order', () => {
  it('leaves a mark with the broker epoch, and all that a start without recovery needs', async () => {
    const diary = new Diary();
    const manager = await loadManager({ disk });
    const log = createLog(manager);
    log.appendAsLeader(
      aBatch({ values: ['a', 'b'], producerId: 4, producerEpoch: 0, baseSequence: 0 }),
      6,
      'client',
      0,
    );
    log.updateHighWatermark(1);
    await manager.close(99);
    expect(text('/data/.kafka_cleanshutdown')).toBe('{"version":0,"brokerEpoch":99}');
    expect(text('/data/recovery-point-offset-checkpoint')).toBe('0\n1\nt 0 2\n');
    expect(text('/data/replication-offset-checkpoint')).toBe('0\n1\nt 0 1\n');
    expect(text('/data/log-start-offset-checkpoint')).toBe('0\n0\n');
    expect(text('/data/t-0/leader-epoch-checkpoint')).toBe('0\n1\n6 0\n');
    expect(names('/data/t-0')).toContain('00000000000000000002.snapshot');
    const again = await loadManager({ disk, logger: diary });
    expect(diary.lines).toContain('INFO Skipping recovery of 1 logs from /data since clean shutdown file was found');
    const reopened = again.get('t', 0)!;
    expect([reopened.logEndOffset, reopened.highWatermark, reopened.recoveryPoint, reopened.latestEpoch]).toEqual([
      2, 1, 2, 6,
    ]);
    expect(disk.exists('/data/.kafka_cleanshutdown')).toBe(false);
  });

  it('is not believed twice: a crash while loading has to be recovered from (KAFKA-10471)', async () => {
    const manager = await loadManager({ disk });
    createLog(manager).appendAsLeader(aBatch(), 0, 'client', 0);
    await manager.close();
    disk.fault = (operation, filePath) =>
      operation === 'list' && filePath.endsWith('t-0') ? new Error('a crash here') : null;
    await expect(loadManager({ disk })).rejects.toThrow();
    disk = disk.kill();
    const diary = new Diary();
    await loadManager({ disk, logger: diary });
    expect(diary.lines).toContain('INFO Recovering 1 logs from /data since no clean shutdown file was found');
  });

  it('keeps the start of the log', async () => {
    const config = aLogConfig({ segmentBytes: 300 });
    const manager = await loadManager({ disk }, config);
    const log = createLog(manager, config);
    for (let count = 0; count < 10; count++) log.appendAsLeader(aBatch(), 0, 'client', 0);
    log.updateHighWatermark(10);
    log.advanceLogStartOffset(7);
    log.deleteOldSegments(0);
    await manager.close();
    expect(text('/data/log-start-offset-checkpoint')).toBe('0\n1\nt 0 7\n');
    const again = (await loadManager({ disk }, config)).get('t', 0)!;
    expect([again.logStartOffset, again.logEndOffset, again.highWatermark]).toEqual([7, 10, 10]);
  });

  it('begins anew where the start is, when what came before was lost', async () => {
    const manager = await loadManager({ disk });
    const log = createLog(manager);
    for (let count = 0; count < 4; count++) log.appendAsLeader(aBatch(), 0, 'client', 0);
    log.updateHighWatermark(4);
    log.advanceLogStartOffset(3);
    await manager.checkpointLogStartOffsets();
    disk = disk.kill();
    disk.open('/data/t-0/00000000000000000000.log').truncate(0);
    const again = (await loadManager({ disk })).get('t', 0)!;
    expect([again.logStartOffset, again.logEndOffset, again.failure]).toEqual([3, 3, null]);
    again.appendAsFollower(aStoredBatch(3, 2), 0);
    expect((await readBatches(again)).map(({ baseOffset }) => baseOffset)).toEqual([3]);
  });
});

describe('the recovery point on disk', () => {
  it('is raised only when the epochs below it are on disk too: they are not looked for there any more', async () => {
    const manager = await loadManager({ disk });
    const logs = Array.from({ length: 20 }, (_, partition) => createLog(manager, CONFIG, 't', partition));
    for (const log of logs) log.appendAsLeader(aBatch(), 4, 'client', 0);
    const last = logs.at(-1)!;
    await last.flush();
    const epochs = `${last.path}/leader-epoch-checkpoint`;
    expect(disk.exists(epochs)).toBe(false);
    let hadEpochs = false;
    disk.fault = (operation, filePath) => {
      if (operation === 'rename' && filePath.includes('recovery-point')) hadEpochs = disk.exists(epochs);
      return null;
    };
    await manager.checkpointRecoveryPoints();
    expect([hadEpochs, text('/data/recovery-point-offset-checkpoint').includes('t 19 1')]).toEqual([true, true]);
  });

  it('is lowered before a log is cut', async () => {
    const manager = await loadManager({ disk });
    const log = createLog(manager);
    for (let count = 0; count < 5; count++) log.appendAsLeader(aBatch(), 0, 'client', 0);
    await log.flush();
    await manager.checkpointRecoveryPoints();
    let atCut = '';
    disk.fault = (operation, filePath) => {
      if (operation === 'truncate' && filePath.endsWith('.log')) atCut = text('/data/recovery-point-offset-checkpoint');
      return null;
    };
    log.truncateTo(3);
    expect(atCut).toBe('0\n1\nt 0 2\n');
  });
});

describe('the start of a log on disk', () => {
  it.each([
    ['in the middle', 10],
    ['as a whole', 0],
  ])('is lowered before the log is cut below it: %s', async (_, cut) => {
    const config = aLogConfig({ segmentBytes: 500 });
    const manager = await loadManager({ disk }, config);
    const log = createLog(manager, config);
    for (let count = 0; count < 20; count++) log.appendAsLeader(aBatch(), 0, 'client', 0);
    await log.flush();
    log.updateHighWatermark(20);
    log.advanceLogStartOffset(15);
    if (cut === 0) log.deleteOldSegments(0);
    await manager.checkpointLogStartOffsets();
    // As after an unclean election.
    log.truncateTo(cut);
    log.appendAsFollower(aStoredBatch(cut, 1, { values: ['a', 'b'] }), 0);
    await log.flush();
    disk = disk.crash(() => 0);
    const found = (await loadManager({ disk }, config)).get('t', 0)!;
    expect([found.logEndOffset, found.epochForOffset(cut)]).toEqual([cut + 2, 1]);
    expect((await readBatches(found, cut)).map(({ baseOffset }) => baseOffset)).toEqual([cut]);
  });
});

describe('deleting a log', () => {
  it('takes its name at once and its files after a while', async () => {
    const clock = new ManualClock(0);
    const manager = await loadManager({ disk, clock });
    const log = createLog(manager);
    log.appendAsLeader(aBatch(), 0, 'client', 0);
    expect([manager.delete('t', 0), manager.delete('t', 0), manager.get('t', 0)]).toEqual([true, false, undefined]);
    expect(names('/data').filter((name) => /^t-0\.[0-9a-f]{32}-delete$/.test(name)).length).toBe(1);
    await expect(log.whenDurable(1)).rejects.toThrow('was deleted');
    expect(createLog(manager).logEndOffset).toBe(0);
    clock.advance(60_000);
    await settle();
    expect(names('/data').filter((name) => name.endsWith('-delete'))).toEqual([]);
    await manager.checkpointRecoveryPoints();
    expect(text('/data/recovery-point-offset-checkpoint')).toBe('0\n1\nt 0 0\n');
  });

  it.each([
    ['at rest', false],
    ['while checkpoints are being written', true],
  ])('leaves no offset behind that a later one of its name could be found with: %s', async (_, isWriting) => {
    const manager = await loadManager({ disk });
    const log = createLog(manager);
    for (let count = 0; count < 20; count++) log.appendAsLeader(aBatch(), 0, 'client', 0);
    await log.flush();
    log.updateHighWatermark(20);
    log.advanceLogStartOffset(15);
    const checkpoint = async (): Promise<void> => {
      await manager.checkpointRecoveryPoints();
      await manager.checkpointHighWatermarks();
      await manager.checkpointLogStartOffsets();
    };
    await checkpoint();
    log.advanceLogStartOffset(20);
    const underWay = isWriting ? checkpoint() : null;
    manager.delete('t', 0);
    const later = manager.getOrCreate('t', 0, 'BBBBBBBBBBBBBBBBBBBBBQ', CONFIG, { isNew: true });
    for (let count = 0; count < 3; count++) later.appendAsLeader(aBatch(), 0, 'client', 0);
    await later.flush();
    await underWay;
    disk = disk.crash(() => 0);
    const again = await loadManager({ disk });
    expect(again.damageOf('t', 0)).toBeNull();
    const found = again.get('t', 0)!;
    expect([found.logStartOffset, found.highWatermark, found.logEndOffset]).toEqual([0, 0, 3]);
  });

  it('by hand, as a damaged one has to be, leaves no such offsets either', async () => {
    const manager = await loadManager({ disk });
    const log = createLog(manager);
    for (let count = 0; count < 20; count++) log.appendAsLeader(aBatch(), 0, 'client', 0);
    await log.flush();
    await manager.checkpointRecoveryPoints();
    disk = disk.kill();
    await disk.removeDirectory('/data/t-0');
    const again = createLog(await loadManager({ disk }));
    again.appendAsLeader(aBatch(), 0, 'client', 0);
    await again.flush();
    disk = disk.crash(() => 0);
    expect((await loadManager({ disk })).get('t', 0)?.logEndOffset).toBe(1);
  });

  it('at any moment of a sync takes nothing else out of service', async () => {
    const whenSynced = disk.whenSynced.bind(disk);
    // As on a real disk: the thread that opens the file may come after the directory has lost its name.
    disk.whenSynced = async (filePath) => {
      await disk.pause();
      await whenSynced(filePath);
    };
    for (let moment = 0; moment < 20; moment++) {
      const manager = await loadManager({ disk, logDirs: [`/data-${moment}`] });
      const log = createLog(manager);
      log.appendAsLeader(aBatch(), 0, 'client', 0);
      const durable = log.whenDurable(1).then(
        () => 'durable',
        (error: Error) => error.message,
      );
      for (let turn = 0; turn < moment; turn++) await disk.pause();
      manager.delete('t', 0);
      expect(['durable', 'The log of t-0 was deleted'], `at ${moment}`).toContain(await durable);
      await settle();
      expect(manager.hasOfflineDirectory, `at ${moment}`).toBe(false);
    }
  });

  it('goes on after a restart', async () => {
    const manager = await loadManager({ disk });
    createLog(manager);
    manager.delete('t', 0);
    disk = disk.kill();
    const clock = new ManualClock(0);
    const again = await loadManager({ disk, clock });
    expect([...again.all()]).toEqual([]);
    clock.advance(1);
    await settle();
    expect(names('/data').filter((name) => name.startsWith('t-0'))).toEqual([]);
  });
});

describe('what lies in a log directory', () => {
  it('and is no partition is left alone', async () => {
    disk.makeDirectory('/data/lost+found');
    disk.makeDirectory('/data/t-0.abc-stray');
    disk.makeDirectory('/data/t-0.abc-future');
    const diary = new Diary();
    const manager = await loadManager({ disk, logger: diary });
    expect([...manager.all()]).toEqual([]);
    expect(diary.lines.filter((line) => line.startsWith('WARN')).length).toBe(3);
    expect(names('/data')).toEqual(expect.arrayContaining(['lost+found', 't-0.abc-future', 't-0.abc-stray']));
  });

  it('may not be the same partition twice', async () => {
    const manager = await loadManager({ disk, logDirs: ['/a'] });
    createLog(manager);
    await manager.close();
    disk.makeDirectory('/b/t-0');
    await expect(loadManager({ disk, logDirs: ['/a', '/b'] })).rejects.toThrow('Duplicate log directories for t-0');
  });
});

describe('the upkeep', () => {
  it('writes the checkpoints from time to time', async () => {
    const clock = new ManualClock(2000);
    const manager = await loadManager({ disk, clock });
    const log = createLog(manager);
    log.appendAsLeader(aBatch({ values: ['a', 'b', 'c'] }), 0, 'client', 0);
    log.updateHighWatermark(2);
    await log.flush();
    clock.advance(5000);
    await settle();
    expect(text('/data/replication-offset-checkpoint')).toBe('0\n1\nt 0 2\n');
    expect(disk.exists('/data/recovery-point-offset-checkpoint')).toBe(false);
    clock.advance(55_000);
    await settle();
    expect(text('/data/recovery-point-offset-checkpoint')).toBe('0\n1\nt 0 3\n');
  });

  it('writes nothing while nothing changes', async () => {
    const clock = new ManualClock(2000);
    const manager = await loadManager({ disk, clock });
    createLog(manager).appendAsLeader(aBatch(), 0, 'client', 0);
    for (let minute = 0; minute < 2; minute++) {
      clock.advance(60_000);
      await settle();
    }
    const { operationCount } = disk;
    for (let minute = 0; minute < 4; minute++) {
      clock.advance(60_000);
      await settle();
    }
    expect(disk.operationCount).toBe(operationCount);
  });

  it('gives back the memory of a large index, and lets tools see it', async () => {
    const clock = new ManualClock(2000);
    const config = aLogConfig({ indexIntervalBytes: 0 });
    const log = createLog(await loadManager({ disk, clock }, config), config);
    for (let offset = 0; offset < 2000; offset++) log.appendAsLeader(aBatch({ timestampMs: offset }), 0, 'client', 0);
    expect(disk.sizeOf('/data/t-0/00000000000000000000.index')).toBe(0);
    clock.advance(60_000);
    expect(disk.sizeOf('/data/t-0/00000000000000000000.index')).toBe(1999 * 8);
    log.segments.active.shrinkIndexes();
    expect(log.segments.active.offsetIndex.memoryBytes).toBe(0);
    for (const offset of [0, 3, 1000, 1999]) expect((await readBatches(log, offset))[0]?.baseOffset).toBe(offset);
    log.appendAsLeader(aBatch({ timestampMs: 3000 }), 0, 'client', 0);
    log.truncateTo(700);
    expect([log.logEndOffset, log.offsetForTimestamp(650)?.offset]).toEqual([700, 650]);
  });

  it('flushes by number of records and by time', async () => {
    const clock = new ManualClock(2000);
    const manager = await loadManager({ disk, clock });
    const byCount = createLog(manager, aLogConfig({ flushMessages: 3 }), 'count');
    const byTime = createLog(manager, aLogConfig({ flushMs: 10_000 }), 'time');
    for (const log of [byCount, byTime])
      for (let each = 0; each < 2; each++) log.appendAsLeader(aBatch(), 0, 'client', 0);
    await settle();
    expect([byCount.durableEndOffset, byTime.durableEndOffset]).toEqual([0, 0]);
    byCount.appendAsLeader(aBatch(), 0, 'client', 0);
    clock.advance(9000);
    await settle();
    expect([byCount.durableEndOffset, byTime.durableEndOffset]).toEqual([3, 0]);
    for (let second = 0; second < 2; second++) {
      clock.advance(1000);
      await settle();
    }
    expect(byTime.durableEndOffset).toBe(2);
  });

  it('forgets silent producers', async () => {
    const clock = new ManualClock(2000);
    const log = createLog(await loadManager({ disk, clock }));
    log.appendAsLeader(aBatch({ producerId: 1, producerEpoch: 0, baseSequence: 0, timestampMs: 2000 }), 0, 'client', 0);
    clock.advance(86_400_000 - 600_000);
    await settle();
    expect(log.producers.producers.size).toBe(1);
    for (let turn = 0; turn < 3; turn++) {
      clock.advance(600_000);
      await settle();
    }
    expect(log.producers.producers.size).toBe(0);
  });

  it('ends with the manager', async () => {
    const clock = new ManualClock(2000);
    const manager = await loadManager({ disk, clock });
    await manager.close();
    expect(clock.waitingCount).toBe(0);
  });
});

describe('many partitions', () => {
  it('at rest hold no file open', async () => {
    const manager = await loadManager({ disk });
    for (let partition = 0; partition < 300; partition++) createLog(manager, CONFIG, 'many', partition);
    await manager.close();
    const again = await loadManager({ disk });
    const log = again.get('many', 0)!;
    expect(log.directory.services.openFiles.count).toBe(0);
    log.appendAsLeader(aBatch(), 0, 'client', 0);
    expect(log.directory.services.openFiles.count).toBe(1);
  });
});

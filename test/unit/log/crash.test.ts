/**
 * Loops over seeds: a log is written to, flushed now and then, cut and rolled; then the power goes, or the process is
 * killed, at any time, also while the next start recovers. Whatever was acknowledged as durable must be there, and
 * nothing torn may be seen.
 */
import { describe, expect, it } from 'vitest';
import type { LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import {
  aLogConfig,
  aStoredBatch,
  bodyOf,
  createLog,
  loadManager,
  readBatches,
  seededInt,
} from '../../support/logs.ts';

const CONFIG = aLogConfig({ segmentBytes: 3000, indexIntervalBytes: 200 });

interface Written {
  baseOffset: number;
  body: string;
}

/** A log with what it should hold: the model that every start is compared with. */
class Subject {
  readonly int: (bound: number) => number;
  disk = new CrashDisk();
  manager!: LogManager;
  log!: PartitionLog;
  /** The batches in the log, as they were handed in. */
  written: Written[] = [];
  /** What it held before each truncation: a truncation that is not durable may be undone by a power loss. */
  readonly versions: Written[][] = [];
  /** Everything below was acknowledged as durable, and not cut off since. */
  durable = 0;
  leaderEpoch = 0;
  sequence = 0;

  /** Batches of one size: what is left of removed ones may fit exactly between or behind new ones. */
  readonly areBatchesAlike: boolean;

  constructor(seed: number) {
    this.int = seededInt(seed);
    this.areBatchesAlike = seed % 2 === 1;
  }

  async start(): Promise<void> {
    this.manager = await loadManager({ disk: this.disk }, CONFIG);
    this.log = createLog(this.manager, CONFIG);
  }

  append(): void {
    const values = this.areBatchesAlike
      ? ['x'.repeat(150)]
      : Array.from({ length: 1 + this.int(3) }, (_, index) => 'x'.repeat(this.int(300)) + index);
    const bytes = aStoredBatch(this.log.logEndOffset, this.leaderEpoch, {
      values,
      timestampMs: 1000 + this.written.length,
      producerId: 5,
      producerEpoch: this.leaderEpoch,
      baseSequence: this.sequence,
    });
    this.written.push({ baseOffset: this.log.logEndOffset, body: bodyOf(bytes) });
    this.sequence += values.length;
    this.log.appendAsFollower(bytes, 1000);
  }

  truncate(): void {
    const target = this.written[this.int(this.written.length + 1)]?.baseOffset ?? this.log.logEndOffset;
    this.durable = Math.min(this.durable, target);
    this.log.truncateTo(target);
    this.versions.push(this.written);
    this.written = this.written.filter(({ baseOffset }) => baseOffset < target);
    this.leaderEpoch++;
    this.sequence = 0;
  }

  async flush(): Promise<void> {
    const { logEndOffset } = this.log;
    await this.log.whenDurable(logEndOffset);
    this.durable = Math.max(this.durable, Math.min(logEndOffset, this.log.logEndOffset));
  }

  /** Another leader goes on where the log ends. */
  lead(): void {
    this.leaderEpoch++;
    this.sequence = 0;
  }

  /** A checkpoint that is still being written when the next thing happens. */
  beginCheckpoint(): void {
    const { disk } = this;
    this.manager.checkpointRecoveryPoints().catch((error: unknown) => expect(disk.isDead, String(error)).toBe(true));
  }

  async work(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const choice = this.int(24);
      if (choice < 13) this.append();
      else if (choice < 15) await this.flush();
      else if (choice < 17) this.truncate();
      else if (choice === 17) await this.manager.checkpointRecoveryPoints();
      else if (choice === 18) this.beginCheckpoint();
      else if (choice === 19) this.log.requestFlush();
      else if (choice === 20) this.lead();
      else await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The log is a prefix of what was written, whole and not shorter than what was acknowledged. */
  async check(): Promise<void> {
    expect(this.log.failure).toBeNull();
    expect(this.log.logEndOffset).toBeGreaterThanOrEqual(this.durable);
    const found = await readBatches(this.log);
    expect(found.every((batch) => batch.isCrcValid())).toBe(true);
    const bodies = found.map((batch) => ({ baseOffset: batch.baseOffset, body: bodyOf(batch) }));
    const durable = this.written.filter(({ baseOffset }) => baseOffset < this.durable);
    expect(bodies.slice(0, durable.length)).toEqual(durable);
    const versions = [this.written, ...this.versions];
    const likeness = versions.map((version) => commonLength(version, bodies));
    expect(
      likeness.some((length) => length === bodies.length),
      `${bodies.length} batches, like ${likeness}`,
    ).toBe(true);
    expect(found.at(-1)?.nextOffset ?? 0).toBe(this.log.logEndOffset);
    expect(this.log.recoveryPoint).toBeLessThanOrEqual(this.log.logEndOffset);
    this.versions.push(this.written);
    this.written = bodies;
    const last = found.at(-1);
    const producer = this.log.producers.producers.get(5);
    expect(producer?.batches.at(-1)?.lastOffset).toBe(last?.lastOffset);
    expect(producer?.batches.at(-1)?.lastSequence).toBe(last?.lastSequence);
    this.leaderEpoch++;
    this.sequence = 0;
    expect(this.log.epochEntries).toEqual(epochsOf(found));
  }
}

function commonLength(a: readonly Written[], b: readonly Written[]): number {
  const end = a.findIndex((each, index) => each.body !== b[index]?.body || each.baseOffset !== b[index]?.baseOffset);
  return end < 0 ? a.length : end;
}

function epochsOf(batches: Awaited<ReturnType<typeof readBatches>>): { epoch: number; startOffset: number }[] {
  const entries: { epoch: number; startOffset: number }[] = [];
  for (const batch of batches)
    if (batch.partitionLeaderEpoch !== entries.at(-1)?.epoch)
      entries.push({ epoch: batch.partitionLeaderEpoch, startOffset: batch.baseOffset });
  return entries;
}

describe('a log after a stop that was not in order', () => {
  it.each(Array.from({ length: 60 }, (_, seed) => seed))(
    'holds all that was durable when the power goes (seed %i)',
    async (seed) => {
      const subject = new Subject(seed);
      await subject.start();
      for (let round = 0; round < 4; round++) {
        await subject.work(10 + subject.int(40));
        subject.disk = subject.disk.crash(subject.int);
        await subject.start();
        await subject.check();
      }
    },
  );

  it.each(Array.from({ length: 15 }, (_, seed) => seed))(
    'holds everything when the process is killed (seed %i)',
    async (seed) => {
      const subject = new Subject(1000 + seed);
      await subject.start();
      for (let round = 0; round < 3; round++) {
        await subject.work(10 + subject.int(40));
        subject.durable = subject.log.logEndOffset;
        subject.disk = subject.disk.kill();
        await subject.start();
        await subject.check();
      }
    },
  );

  it.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'holds what became durable after a kill when then the power goes (seed %i)',
    async (seed) => {
      const subject = new Subject(4000 + seed);
      await subject.start();
      for (let round = 0; round < 4; round++) {
        await subject.work(10 + subject.int(20));
        subject.durable = subject.log.logEndOffset;
        subject.disk = subject.disk.kill();
        await subject.start();
        await subject.check();
        subject.durable = 0;
        await subject.flush();
        if (subject.int(2) === 0) await subject.work(subject.int(10));
        subject.disk = subject.disk.crash(subject.int);
        await subject.start();
        await subject.check();
      }
    },
  );

  it.each(Array.from({ length: 15 }, (_, seed) => seed))(
    'holds it too when the power goes while it recovers (seed %i)',
    async (seed) => {
      const subject = new Subject(2000 + seed);
      await subject.start();
      await subject.work(60);
      for (let round = 0; round < 5; round++) {
        subject.disk = subject.disk.crash(subject.int);
        const dying = subject.disk;
        // On a dead disk a start may fail, or never come to an end.
        loadManager({ disk: dying }, CONFIG).catch((error: unknown) => expect(dying.isDead, String(error)).toBe(true));
        for (let turn = subject.int(8); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
        subject.disk = dying.crash(subject.int);
      }
      await subject.start();
      await subject.check();
    },
  );

  it.each(Array.from({ length: 15 }, (_, seed) => seed))(
    'needs no recovery after a stop in order (seed %i)',
    async (seed) => {
      const subject = new Subject(3000 + seed);
      await subject.start();
      for (let round = 0; round < 3; round++) {
        await subject.work(10 + subject.int(40));
        await subject.manager.close(7);
        subject.durable = subject.log.logEndOffset;
        subject.disk = subject.disk.crash(subject.int);
        await subject.start();
        expect(subject.log.recoveryPoint).toBe(subject.log.logEndOffset);
        await subject.check();
      }
    },
  );
});

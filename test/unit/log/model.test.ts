/**
 * Random appends, cuts and restarts against a list of batches. After each step the log must say what the list says; and
 * what a recovery makes of the files must equal what grew while they were written: indexes, epochs and producers.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { RecordBatch } from '../../../src/protocol/records/batch.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { aLogConfig, aStoredBatch, bodyOf, createLog, loadManager, readBatches } from '../../support/logs.ts';

const CONFIG = aLogConfig({ segmentBytes: 1500, indexIntervalBytes: 150 });

interface ModelBatch {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly lastSequence: number;
  readonly body: string;
}

class Subject {
  disk = new CrashDisk();
  manager!: LogManager;
  log!: PartitionLog;
  batches: ModelBatch[] = [];
  endOffset = 0;
  logStartOffset = 0;
  leaderEpoch = 0;
  readonly sequences = new Map<number, number>();

  async open(): Promise<void> {
    this.manager = await loadManager({ disk: this.disk }, CONFIG);
    this.log = createLog(this.manager, CONFIG);
    expect(this.log.failure).toBeNull();
  }

  append(count: number, gap: number, timestampMs: number, producerId: number): void {
    const baseOffset = this.endOffset + gap;
    const baseSequence = producerId < 0 ? -1 : (this.sequences.get(producerId) ?? 0);
    const values = Array.from({ length: count }, (_, index) => `${baseOffset}.${index}`.padEnd(20 * count));
    const producer = producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence };
    const bytes = aStoredBatch(baseOffset, this.leaderEpoch, { values, timestampMs, ...producer });
    const batch = new RecordBatch(bytes);
    this.batches.push({
      baseOffset,
      lastOffset: batch.lastOffset,
      leaderEpoch: this.leaderEpoch,
      maxTimestamp: timestampMs,
      producerId,
      lastSequence: batch.lastSequence,
      body: bodyOf(batch),
    });
    this.endOffset = batch.nextOffset;
    if (producerId >= 0) this.sequences.set(producerId, batch.lastSequence + 1);
    this.log.appendAsFollower(bytes, 2000);
  }

  truncate(share: number): void {
    const offset = Math.floor(this.logStartOffset + share * (this.endOffset - this.logStartOffset + 1));
    this.log.truncateTo(offset);
    const kept = this.batches.filter(({ lastOffset }) => lastOffset < offset);
    if (kept.length < this.batches.length || offset < this.endOffset) {
      this.batches = kept;
      this.endOffset = this.log.logEndOffset;
      this.logStartOffset = Math.min(this.logStartOffset, this.endOffset);
      expect(this.endOffset).toBeGreaterThanOrEqual((kept.at(-1)?.lastOffset ?? -1) + 1);
      expect(this.endOffset).toBeLessThanOrEqual(offset);
    }
    this.leaderEpoch++;
    this.sequences.clear();
    for (const batch of this.batches)
      if (batch.producerId >= 0) this.sequences.set(batch.producerId, batch.lastSequence + 1);
  }

  advanceStart(share: number): void {
    this.log.updateHighWatermark(this.endOffset);
    this.logStartOffset += Math.floor(share * (this.endOffset - this.logStartOffset));
    this.log.advanceLogStartOffset(this.logStartOffset);
  }

  /** What grew, and would have to be the same if it were made anew from the batches. */
  derived(): unknown {
    return {
      epochs: this.log.epochEntries
        .filter((entry, number, all) => this.#hasRecords(entry.startOffset, all[number + 1]?.startOffset))
        .map(({ epoch, startOffset }) => [epoch, this.#firstRecords(startOffset)]),
      producers: [...this.log.producers.producers.values()]
        .map(({ producerId, producerEpoch, batches, lastTimestampMs }) => [
          producerId,
          producerEpoch,
          batches.at(-1),
          lastTimestampMs,
        ])
        .sort((a, b) => Number(a[0]) - Number(b[0])),
      indexes: this.log.segments.all.map((segment) => {
        segment.completeIndexes();
        const { offsetIndex } = segment;
        const entries = Array.from({ length: offsetIndex.entryCount }, (_, slot) => [
          offsetIndex.offsetAt(slot),
          offsetIndex.positionAt(slot),
        ]);
        return [segment.baseOffset, segment.sizeBytes, segment.maxTimestampMs, entries];
      }),
    };
  }

  /** Of an epoch whose records are all below the start of the log, or removed, nobody asks. */
  #hasRecords(startOffset: number, endOffset = Number.POSITIVE_INFINITY): boolean {
    return this.batches.some(({ baseOffset, lastOffset }) => lastOffset >= startOffset && baseOffset < endOffset);
  }

  /** An epoch that was noted within a gap, or at a start of the log within one, begins with the batch behind it. */
  #firstRecords(startOffset: number): number | undefined {
    return this.batches.find(({ lastOffset }) => lastOffset >= startOffset)?.baseOffset;
  }

  async check(): Promise<void> {
    const { log } = this;
    expect([log.logStartOffset, log.logEndOffset]).toEqual([this.logStartOffset, this.endOffset]);
    expect(log.highWatermark).toBeGreaterThanOrEqual(log.logStartOffset);
    expect(log.highWatermark).toBeLessThanOrEqual(log.logEndOffset);
    expect(log.recoveryPoint).toBeLessThanOrEqual(log.logEndOffset);
    const visible = this.batches.filter(({ lastOffset }) => lastOffset >= this.logStartOffset);
    const found = await readBatches(log);
    expect(found.map(bodyOf)).toEqual(visible.map(({ body }) => body));
    for (const timestampMs of [0, 500, 990]) {
      const expected = visible.find(({ maxTimestamp }) => maxTimestamp >= timestampMs);
      const offset = expected === undefined ? undefined : Math.max(expected.baseOffset, this.logStartOffset);
      expect(log.offsetForTimestamp(timestampMs)?.offset).toBe(offset);
    }
    for (const { lastOffset, leaderEpoch } of visible) expect(this.log.epochForOffset(lastOffset)).toBe(leaderEpoch);
    for (const { producerId, lastSequence } of new Map(this.batches.map((batch) => [batch.producerId, batch])).values())
      if (producerId >= 0)
        expect(log.producers.producers.get(producerId)?.batches.at(-1)?.lastSequence).toBe(lastSequence);
  }
}

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 5 }),
      gap: fc.constantFrom(0, 0, 0, 0, 7),
      timestampMs: fc.integer({ min: 0, max: 999 }),
      producerId: fc.constantFrom(-1, 1, 2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('start' as const), share: fc.double({ min: 0, max: 0.9, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const) }) },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const append = (count: number, gap: 0 | 7 = 0): Step => ({
  kind: 'append',
  count,
  gap,
  timestampMs: 0,
  producerId: -1,
});

/** The log starts in a gap at which a segment was rolled: what a recovery reads holds no record of the start. */
const STARTS_IN_A_GAP: Step[] = [
  ...[2, 2, 3, 4, 4].map((count) => append(count)),
  append(2, 7),
  { kind: 'start', share: 0.625 },
  { kind: 'reopen' },
  { kind: 'kill' },
];

describe('a log', () => {
  it('says at any time what was written to it, and a recovery finds what grew', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const subject = new Subject();
        await subject.open();
        for (const each of steps) {
          if (each.kind === 'append') subject.append(each.count, each.gap, each.timestampMs, each.producerId);
          else if (each.kind === 'truncate') subject.truncate(each.share);
          else if (each.kind === 'start') subject.advanceStart(each.share);
          else {
            const before = subject.derived();
            if (each.kind === 'reopen') await subject.manager.close();
            else {
              await subject.log.flush();
              await subject.manager.checkpointLogStartOffsets();
              subject.disk = subject.disk.kill();
            }
            await subject.open();
            expect(subject.derived()).toEqual(before);
          }
          await subject.check();
        }
      }),
      { numRuns: 80, examples: [[STARTS_IN_A_GAP]] },
    );
  });
});

/**
 * Whatever was written, however often and in whatever pieces it was compacted: the log holds the latest record of each
 * key, at its offset and with its timestamp, tombstones for their time, and nothing that was not written.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogManager } from '../../../src/log/log-manager.ts';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { COMPRESSION_TYPES } from '../../../src/protocol/records/codecs.ts';
import { aCompactedConfig, compactNow, type FoundRecord, recordsFrom, roll } from '../../support/compaction.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { createLog, loadManager } from '../../support/logs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const DELETE_RETENTION_MS = 1000;
const CONFIG = aCompactedConfig({ segmentBytes: 700, indexIntervalBytes: 150, deleteRetentionMs: DELETE_RETENTION_MS });

type Step =
  | { kind: 'append'; keys: (readonly [key: number, isTombstone: boolean])[]; codec: number; isIdempotent: boolean }
  | { kind: 'roll' }
  | { kind: 'wait'; durationMs: number }
  | { kind: 'compact'; mapEntries: number; pieceBytes: number }
  | { kind: 'cutStart'; share: number }
  | { kind: 'restart'; inOrder: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      keys: fc.array(
        fc.tuple(
          fc.nat(6),
          fc.integer({ min: 0, max: 3 }).map((each) => each === 0),
        ),
        {
          minLength: 1,
          maxLength: 5,
        },
      ),
      codec: fc.nat(COMPRESSION_TYPES.length - 1),
      isIdempotent: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('roll' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), durationMs: fc.nat(1500) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('compact' as const),
      mapEntries: fc.integer({ min: 2, max: 12 }),
      pieceBytes: fc.integer({ min: 64, max: 2000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('cutStart' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), inOrder: fc.boolean() }) },
);

class Model {
  readonly clock = new ManualClock(1_000_000);
  disk = new CrashDisk();
  manager!: LogManager;
  log!: PartitionLog;
  /** All that was ever written, by offset. */
  readonly written: FoundRecord[] = [];
  /** When a compaction could first have seen the tombstone at the offset. */
  readonly seenMs = new Map<number, number>();
  sequence = 0;

  async start(): Promise<void> {
    this.manager = await loadManager({ disk: this.disk, clock: this.clock }, CONFIG);
    this.log = this.manager.get('t', 0) ?? createLog(this.manager, CONFIG);
    this.log.updateHighWatermark(this.log.logEndOffset);
  }

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case 'append':
        return this.append(step);
      case 'roll':
        return roll(this.log);
      case 'wait':
        return this.clock.advance(step.durationMs);
      case 'compact':
        await this.compact(step.mapEntries, step.pieceBytes);
        return;
      case 'cutStart': {
        const { logStartOffset, highWatermark } = this.log;
        this.log.advanceLogStartOffset(logStartOffset + Math.floor(step.share * (highWatermark - logStartOffset)));
        return;
      }
      case 'restart':
        await this.restart(step.inOrder);
    }
  }

  append({ keys, codec, isIdempotent }: Extract<Step, { kind: 'append' }>): void {
    const { log } = this;
    const nowMs = this.clock.nowMs();
    const records = keys.map(([key, isTombstone], index) => ({
      key: Buffer.from(`k${key}`),
      value: isTombstone ? null : Buffer.from(`v${log.logEndOffset + index}`),
      headers: index % 2 === 0 ? [{ key: 'h', value: Buffer.from(String(index)) }] : [],
      timestampMs: nowMs + index,
    }));
    for (const [index, { key, value, timestampMs, headers }] of records.entries())
      this.written.push({
        offset: log.logEndOffset + index,
        key: key.toString(),
        value: value?.toString() ?? null,
        timestampMs,
        headers: JSON.stringify(headers),
      });
    const producer = isIdempotent ? { producerId: 4, producerEpoch: 0, baseSequence: this.sequence } : {};
    if (isIdempotent) this.sequence += records.length;
    const compression = COMPRESSION_TYPES[codec]!;
    log.appendAsLeader(buildBatch({ records, compression, ...producer }), 1, 'client', nowMs);
    log.updateHighWatermark(log.logEndOffset);
  }

  async compact(mapEntries: number, pieceBytes: number): Promise<void> {
    const { log } = this;
    const nowMs = this.clock.nowMs();
    const from = log.checkpoints.cleaner.offsetOf(log) ?? 0;
    const result = await compactNow(log, { mapBytes: 24 * mapEntries, pieceBytes });
    if (result === null) return;
    expect(result.endOffset).toBeGreaterThan(from);
    for (const { offset, value } of this.written)
      if (value === null && offset < result.endOffset && !this.seenMs.has(offset)) this.seenMs.set(offset, nowMs);
    await this.check(result.endOffset);
  }

  async restart(inOrder: boolean): Promise<void> {
    await this.log.flush();
    const { logStartOffset } = this.log;
    await this.manager.checkpointLogStartOffsets();
    if (inOrder) await this.manager.close();
    this.disk = this.disk.kill();
    await this.start();
    expect(this.log.logStartOffset).toBe(logStartOffset);
    const producer = this.log.producers.producers.get(4);
    if (this.sequence > 0) expect(producer?.batches.at(-1)?.lastSequence).toBe(this.sequence - 1);
  }

  /** All keys below the end are seen by a compaction just now. */
  async check(cleanEnd: number): Promise<void> {
    const { log, written } = this;
    const found = await recordsFrom(log);
    expect(log.logEndOffset).toBe(written.length);
    for (const record of found) expect(record).toEqual(written[record.offset]);
    const offsets = new Set(found.map(({ offset }) => offset));
    const latestBelow = (end: number): Map<string | null, FoundRecord> =>
      new Map(written.slice(0, end).map((record) => [record.key, record]));
    // Above, everything is there.
    for (const { offset } of written.slice(Math.max(cleanEnd, log.logStartOffset)))
      expect(offsets.has(offset), `offset ${offset}`).toBe(true);
    for (const record of latestBelow(cleanEnd).values()) {
      if (record.offset < log.logStartOffset) continue;
      const isGone = !offsets.has(record.offset);
      if (record.value !== null) expect(isGone, `value at ${record.offset}`).toBe(false);
      const seenMs = this.seenMs.get(record.offset) ?? 0;
      if (isGone) expect(this.clock.nowMs()).toBeGreaterThanOrEqual(seenMs + DELETE_RETENTION_MS);
    }
    // Below, nothing else is.
    const wanted = latestBelow(cleanEnd);
    for (const { offset, key } of found) if (offset < cleanEnd) expect(wanted.get(key)?.offset).toBe(offset);
    for (const { offset } of found)
      for (const from of [offset, Math.max(offset - 1, log.logStartOffset)])
        expect((await recordsFrom(log, from))[0]?.offset).toBe(from === offset || !offsets.has(from) ? offset : from);
    const { all } = log.segments;
    for (const [index, segment] of all.entries())
      if (index + 1 < all.length && segment.sizeBytes > 0)
        expect(segment.findEndOffset()).toBe(all[index + 1]!.baseOffset);
  }
}

describe('a compacted log', () => {
  it('holds what its model holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const model = new Model();
        await model.start();
        for (const each of steps) await model.run(each);
        roll(model.log);
        await model.compact(12, 1000);
      }),
      { numRuns: 150 },
    );
  }, 120_000);
});

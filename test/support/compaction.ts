/** Compacted logs for tests: what is in them record by record, and a compaction at the wanted moment. */
import { CleanerPace } from '../../src/log/cleaner-pace.ts';
import { type CompactionLimits, type CompactionResult, compactLog } from '../../src/log/compaction.ts';
import { planCompaction } from '../../src/log/compaction-plan.ts';
import type { LogConfig } from '../../src/log/log-config.ts';
import type { PartitionLog } from '../../src/log/partition-log.ts';
import { buildBatch, type NewBatch, type NewRecord } from '../../src/protocol/records/build.ts';
import { openBatch } from '../../src/protocol/records/open.ts';
import { aLogConfig, NEVER, readBatches } from './logs.ts';

export function aCompactedConfig(overrides: Partial<LogConfig> = {}): LogConfig {
  return aLogConfig({
    cleanupPolicy: ['compact'],
    segmentBytes: 1000,
    indexIntervalBytes: 200,
    minCleanableDirtyRatio: 0,
    ...overrides,
  });
}

/** `k=v`, or `k` alone for a tombstone. */
export function aRecord(text: string, timestampMs = 1000): NewRecord {
  const [key = '', value] = text.split('=');
  return { key: Buffer.from(key), value: value === undefined ? null : Buffer.from(value), timestampMs };
}

export function aKeyedBatch(texts: readonly string[], rest: Partial<NewBatch> & { timestampMs?: number } = {}): Buffer {
  const { timestampMs = 1000, ...batch } = rest;
  return buildBatch({ records: texts.map((text) => aRecord(text, timestampMs)), ...batch });
}

/** Appends a batch of each line's records, separated by blanks; all of it is committed. */
export function fillWith(log: PartitionLog, lines: readonly string[], timestampMs = 1000): void {
  for (const line of lines) log.appendAsLeader(aKeyedBatch(line.split(' '), { timestampMs }), 0, 'coordinator', 1000);
  log.updateHighWatermark(log.logEndOffset);
}

/** Ends the active segment, so that compaction can reach its records. */
export function roll(log: PartitionLog): void {
  const { active } = log.segments;
  if (active.sizeBytes > 0) log.maybeRoll(active.createdMs + log.config.segmentMs + 1);
}

export interface FoundRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
  readonly headers: string;
}

/** What a consumer sees from the offset on; control records are not for it. */
export async function recordsFrom(log: PartitionLog, offset = log.logStartOffset): Promise<FoundRecord[]> {
  const batches = await readBatches(log, offset);
  return batches
    .filter((batch) => !batch.isControl)
    .flatMap((batch) => openBatch(batch))
    .filter((record) => record.offset >= offset)
    .map(({ offset, key, value, timestampMs, headers }) => ({
      offset,
      key: key?.toString() ?? null,
      value: value?.toString() ?? null,
      timestampMs,
      headers: JSON.stringify(headers),
    }));
}

/** `offset:key=value`, in short. */
export async function contentOf(log: PartitionLog, offset?: number): Promise<string> {
  const records = await recordsFrom(log, offset);
  return records.map(({ offset: at, key, value }) => `${at}:${key}${value === null ? '' : `=${value}`}`).join(' ');
}

export const AMPLE: CompactionLimits = { mapBytes: 1_048_576, mapLoadFactor: 0.9, pieceBytes: 4096 };

/** Compacts whatever may be compacted, however little that is. Null when there is nothing. */
export async function compactNow(
  log: PartitionLog,
  limits: Partial<CompactionLimits> = {},
  pace = new CleanerPace(log.directory.services.clock, NEVER),
): Promise<CompactionResult | null> {
  const { clock } = log.directory.services;
  const { cleaner } = log.checkpoints;
  const plan = planCompaction(log, cleaner.offsetOf(log), clock.nowMs());
  if (plan.cleanableBytes === 0) return null;
  const result = await compactLog(log, plan, pace, { ...AMPLE, ...limits });
  await cleaner.onCleaned(log, result.endOffset);
  return result;
}

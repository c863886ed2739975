/**
 * @pure What compaction does with one batch (Kafka's Cleaner.cleanInto and MemoryRecords.filterTo):
 *
 * - A record goes when a later one of its key is known, a tombstone also when its time is over. What lies behind the
 *   end of the map stays.
 * - A batch that loses nothing is copied as it is. Else it is made anew from the records that stay, with the same
 *   offsets, sequence, timestamps and codec.
 * - Tombstones, and markers of transactions of which nothing is left, get their delete horizon (KIP-534) the first time
 *   that compaction keeps them: delete.retention.ms from then on, so that a reader that began before sees them.
 * - The last batch of each producer that is known stays at least as an empty one, for its sequence (KAFKA-5490).
 *
 * Generators yield after every few hundred records, so that whoever drives them can let others work.
 */
import type { RecordBatch } from '../protocol/records/batch.ts';
import { emptied, KeptRecords, RecordWalk } from '../protocol/records/record-walk.ts';
import type { CleanedTransactions } from './cleaned-transactions.ts';
import type { OffsetMap } from './offset-map.ts';
import type { ProducerEntry } from './producer-entry.ts';

const RECORDS_PER_STEP = 256;

/** The last offsets below have to be known of the producers that may still write. */
export type ActiveProducers = ReadonlyMap<number, Pick<ProducerEntry, 'producerEpoch' | 'batches'>>;

export interface FilterRules {
  readonly map: OffsetMap;
  readonly transactions: CleanedTransactions;
  readonly producers: ActiveProducers;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
}

export interface CompactionStats {
  bytesRead: number;
  bytesWritten: number;
  recordsRead: number;
  recordsWritten: number;
  /** Records without a key, from before the topic was compacted: they go. */
  keylessRecords: number;
}

/**
 * Puts the keys of the batch into the map. Returns false when it is full: its latestOffset says how far it got.
 * Transactions say which batches were aborted; those are passed over.
 */
export function* mapBatch(
  batch: RecordBatch,
  startOffset: number,
  map: OffsetMap,
  transactions: CleanedTransactions,
): Generator<void, boolean, undefined> {
  if (!transactions.isDiscardable(batch) && !batch.isControl) {
    const walk = new RecordWalk(batch);
    for (let count = 1; walk.next(); count++) {
      const { key, offset } = walk;
      if (key !== null && offset >= startOffset && !map.put(key, offset)) return false;
      if (count % RECORDS_PER_STEP === 0) yield;
    }
  }
  if (batch.lastOffset >= startOffset) map.latestOffset = batch.lastOffset;
  return true;
}

/**
 * What is left of the batch; null when that is nothing. `mustStay`: it is the last of its segment, which has to end
 * where the next one begins.
 */
export function* filterBatch(
  batch: RecordBatch,
  mustStay: boolean,
  rules: FilterRules,
  stats: CompactionStats,
): Generator<void, Buffer | null, undefined> {
  stats.bytesRead += batch.sizeBytes;
  stats.recordsRead += Math.max(0, batch.recordCount);
  const kept = yield* keptOf(batch, rules, stats);
  const isNeeded = mustStay || isLastOfProducer(batch, rules.producers);
  const left = kept ?? (isNeeded ? headerOf(batch) : null);
  stats.bytesWritten += left?.length ?? 0;
  return left;
}

function headerOf(batch: RecordBatch): Buffer {
  return batch.recordCount === 0 ? batch.toBuffer() : emptied(batch);
}

/** Null when no record stays. */
function* keptOf(
  batch: RecordBatch,
  rules: FilterRules,
  stats: CompactionStats,
): Generator<void, Buffer | null, undefined> {
  const { map, transactions, nowMs, deleteRetentionMs } = rules;
  const horizonMs = batch.hasDeleteHorizon ? batch.baseTimestamp : null;
  const isOver = horizonMs !== null && horizonMs <= nowMs;
  const isDiscardable = transactions.isDiscardable(batch);
  if (isDiscardable && (!batch.isControl || isOver)) return null;
  const walk = new RecordWalk(batch);
  const stays: boolean[] = [];
  let staying = 0;
  let needsHorizon = isDiscardable && batch.isControl;
  // The time of a tombstone runs from when the records that it deletes are gone.
  const isMapped = batch.lastOffset <= map.latestOffset;
  while (walk.next()) {
    const isKept = batch.isControl || isCurrent(walk, map, isOver, stats);
    stays.push(isKept);
    if (isKept) staying++;
    if (isKept && !walk.hasValue) needsHorizon ||= isMapped;
    if (stays.length % RECORDS_PER_STEP === 0) yield;
  }
  if (staying === 0) return null;
  stats.recordsWritten += staying;
  const newHorizonMs = needsHorizon && horizonMs === null ? nowMs + deleteRetentionMs : null;
  if (staying === stays.length && newHorizonMs === null) return batch.toBuffer();
  return yield* rebuilt(batch, walk, stays, newHorizonMs);
}

function isCurrent(walk: RecordWalk, map: OffsetMap, isOver: boolean, stats: CompactionStats): boolean {
  const { key, offset, hasValue } = walk;
  if (offset > map.latestOffset) return true;
  if (key === null) {
    stats.keylessRecords++;
    return false;
  }
  return offset >= map.get(key) && (hasValue || !isOver);
}

function* rebuilt(
  batch: RecordBatch,
  walk: RecordWalk,
  stays: readonly boolean[],
  newHorizonMs: number | null,
): Generator<void, Buffer, undefined> {
  walk.restart();
  const kept = new KeptRecords(batch, walk, newHorizonMs);
  for (const [index, isKept] of stays.entries()) {
    walk.next();
    if (isKept) kept.add();
    if (index % RECORDS_PER_STEP === 0) yield;
  }
  return kept.toBatch();
}

/**
 * A producer of whom only a marker is left is known by it: by the marker's epoch older producers of that id are fenced.
 */
function isLastOfProducer(batch: RecordBatch, producers: ActiveProducers): boolean {
  if (!batch.hasProducerId) return false;
  const entry = producers.get(batch.producerId);
  if (entry === undefined) return false;
  const last = entry.batches.at(-1);
  if (last !== undefined) return batch.lastOffset === last.lastOffset;
  return batch.isControl && batch.producerEpoch === entry.producerEpoch;
}

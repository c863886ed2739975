/**
 * Compacts one log once (Kafka's Cleaner): goes through what is dirty and notes where each key was last seen, then
 * writes the segments anew without what is outdated, in groups, and puts each new segment in the place of its group.
 *
 * Nothing of the log is touched but by that exchange, which is one step that a crash does not tear (LogStore). What is
 * compacted is durable, and known to be, before anything of it goes. After each wait it is made sure that the log is
 * still there, in service, and not cut; else the work is given up and the log is as it was. Appends, reads and
 * DeleteRecords go on meanwhile.
 */
import { KafkaError } from '../protocol/errors.ts';
import type { RecordBatch } from '../protocol/records/batch.ts';
import { RecordBatch as Batch } from '../protocol/records/batch.ts';
import { CleanedTransactions } from './cleaned-transactions.ts';
import type { CleanerPace } from './cleaner-pace.ts';
import { type CompactionStats, filterBatch, type FilterRules, mapBatch } from './compaction-filter.ts';
import { type CompactionPlan, groupSegments } from './compaction-plan.ts';
import { OffsetMap } from './offset-map.ts';
import type { PartitionLog } from './partition-log.ts';
import type { Segment } from './segment.ts';
import { batchesFrom } from './segment-batches.ts';
import { createSegment } from './segment-factory.ts';
import type { AbortedTxn } from './transaction-index.ts';

/** Positions in an offset index have 31 bits. */
const MAX_SEGMENT_BYTES = 0x7fff_ffff;

export interface CompactionLimits {
  /** log.cleaner.dedupe.buffer.size */
  readonly mapBytes: number;
  /** log.cleaner.io.buffer.load.factor */
  readonly mapLoadFactor: number;
  /** Bytes read or written at once. */
  readonly pieceBytes: number;
}

export interface CompactionResult {
  /** All below is clean now. Below the end of the plan when the map became full. */
  readonly endOffset: number;
  readonly stats: CompactionStats;
  readonly mapUtilization: number;
}

/** The log changed under the compaction, or the broker stops: no harm is done. */
export class CompactionAbortedError extends Error {
  override readonly name = 'CompactionAbortedError';
}

/** Throws CompactionAbortedError; KafkaError when the log cannot be read or is out of service. */
export async function compactLog(
  log: PartitionLog,
  plan: CompactionPlan,
  pace: CleanerPace,
  limits: CompactionLimits,
): Promise<CompactionResult> {
  return new Compaction(log, plan, pace, limits).run();
}

class Compaction {
  readonly #log: PartitionLog;
  readonly #plan: CompactionPlan;
  readonly #pace: CleanerPace;
  readonly #limits: CompactionLimits;
  readonly #stats: CompactionStats = {
    bytesRead: 0,
    bytesWritten: 0,
    recordsRead: 0,
    recordsWritten: 0,
    keylessRecords: 0,
  };
  #cutCount: number;

  constructor(log: PartitionLog, plan: CompactionPlan, pace: CleanerPace, limits: CompactionLimits) {
    this.#log = log;
    this.#plan = plan;
    this.#pace = pace;
    this.#limits = limits;
    this.#cutCount = log.cutCount;
  }

  async run(): Promise<CompactionResult> {
    const log = this.#log;
    await this.#whenDurable();
    const aborted = this.#abortedTransactions();
    const map = await this.#mapDirty(aborted);
    const endOffset = map.latestOffset + 1;
    let cleaned: Segment | null = null;
    const transactions = new CleanedTransactions(aborted, (txn) =>
      log.guard.run('compacting', () => cleaned?.appendTransaction(txn)),
    );
    const { deleteRetentionMs } = log.config;
    const { clock } = log.directory.services;
    for (const group of groupSegments(log, endOffset)) {
      const rules = { map, transactions, producers: log.producers.producers, nowMs: clock.nowMs(), deleteRetentionMs };
      await this.#rewrite(group, rules, (segment) => {
        cleaned = segment;
      });
    }
    return { endOffset, stats: this.#stats, mapUtilization: map.utilization };
  }

  /** A crash may not find the log shorter than what replaced it was made from. */
  async #whenDurable(): Promise<void> {
    const { endOffset } = this.#plan;
    await this.#log.whenDurable(endOffset);
    this.#check();
    const isReached = await this.#log.checkpoints.whenRecoveryPointReached(this.#log, endOffset);
    this.#check();
    if (!isReached) throw new CompactionAbortedError(`the recovery point is still below ${endOffset}`);
  }

  #check(): void {
    const log = this.#log;
    if (log.failure !== null) throw log.failure;
    if (this.#pace.isStopped) throw new CompactionAbortedError('the broker stops');
    if (log.cutCount !== this.#cutCount) throw new CompactionAbortedError('the log was cut meanwhile');
    if (!log.config.cleanupPolicy.includes('compact'))
      throw new CompactionAbortedError('the topic is not compacted any more');
  }

  /** Also those whose marker lies behind what is compacted. */
  #abortedTransactions(): AbortedTxn[] {
    return this.#log.guard.run('reading the transactions of', () =>
      this.#log.segments.all.flatMap((segment) => segment.files.readTransactions() ?? []),
    );
  }

  async #mapDirty(aborted: readonly AbortedTxn[]): Promise<OffsetMap> {
    const { firstDirtyOffset, endOffset } = this.#plan;
    const { mapBytes, mapLoadFactor } = this.#limits;
    const map = new OffsetMap(mapBytes, mapLoadFactor, endOffset - firstDirtyOffset);
    const { all } = this.#log.segments;
    const known = aborted.filter(({ lastOffset }) => lastOffset >= firstDirtyOffset);
    const transactions = new CleanedTransactions(known, () => undefined);
    for (const [index, segment] of all.entries()) {
      const next = all[index + 1]?.baseOffset ?? endOffset;
      if (next <= firstDirtyOffset || segment.baseOffset >= endOffset) continue;
      for await (const { batch } of this.#batches(segment, firstDirtyOffset))
        if (!(await this.#drive(mapBatch(batch, firstDirtyOffset, map, transactions)))) return map;
      // What an earlier compaction left a gap in is clean up to where the next segment begins.
      map.latestOffset = next - 1;
    }
    return map;
  }

  async *#batches(segment: Segment, startOffset: number): ReturnType<typeof batchesFrom> {
    if (startOffset > segment.baseOffset) {
      await this.#log.whenGuarded('reading for compaction', () => segment.whenIndexesComplete());
      this.#check();
    }
    yield* batchesFrom(segment, startOffset, this.#limits.pieceBytes, async (position, length) => {
      const piece = await this.#log.whenGuarded('reading for compaction', () => segment.log.read(position, length));
      await this.#pace.whenAffordable(length);
      this.#check();
      return piece;
    });
  }

  /** Does the work in slices. */
  async #drive<T>(work: Generator<void, T, undefined>): Promise<T> {
    for (;;) {
      const step = work.next();
      if (this.#pace.isSliceOver) {
        await this.#pace.whenOthersWorked();
        this.#check();
      }
      if (step.done === true) return step.value;
    }
  }

  async #rewrite(group: readonly Segment[], rules: FilterRules, onCreated: (cleaned: Segment) => void): Promise<void> {
    const log = this.#log;
    const first = group[0]!;
    const last = group.at(-1)!;
    const cleaned = log.guard.run('compacting', () =>
      createSegment(log.directory.services, log.path, first.baseOffset, last.createdMs, '.cleaned'),
    );
    onCreated(cleaned);
    try {
      const isUnchanged = await this.#fill(cleaned, group, rules);
      if (isUnchanged && group.length === 1) {
        await this.#discard(cleaned);
        this.#check();
        return;
      }
      await log.whenGuarded('compacting', () => this.#finish(cleaned, last));
      this.#check();
      log.replaceSegments(group, [cleaned]);
      this.#cutCount = log.cutCount;
      cleaned.rest();
    } catch (error) {
      await this.#discard(cleaned);
      throw error;
    }
  }

  /** Returns whether everything stayed as it was. */
  async #fill(cleaned: Segment, group: readonly Segment[], rules: FilterRules): Promise<boolean> {
    const lastFilled = group.findLast(({ sizeBytes }) => sizeBytes > 0);
    let isUnchanged = true;
    let waiting: Buffer[] = [];
    let waitingBytes = 0;
    const flush = async (): Promise<void> => {
      this.#append(cleaned, waiting);
      const bytes = waitingBytes;
      waiting = [];
      waitingBytes = 0;
      await this.#pace.whenAffordable(bytes);
      this.#check();
    };
    for (const segment of group)
      for await (const { batch, isLast } of this.#batches(segment, segment.baseOffset)) {
        const mustStay = isLast && segment === lastFilled;
        const left = await this.#drive(filterBatch(batch, mustStay, rules, this.#stats));
        isUnchanged &&= left !== null && isSameBatch(batch, left);
        if (left === null) continue;
        waiting.push(left);
        waitingBytes += left.length;
        if (waitingBytes >= this.#limits.pieceBytes) await flush();
      }
    if (waitingBytes > 0) await flush();
    return isUnchanged;
  }

  #append(cleaned: Segment, parts: readonly Buffer[]): void {
    const bytes = Buffer.concat(parts);
    // Delete horizons may make a batch a little larger than it was.
    if (cleaned.sizeBytes + bytes.length > MAX_SEGMENT_BYTES)
      throw new KafkaError('RECORD_LIST_TOO_LARGE', `${cleaned.log.path} would be too large for its index`);
    const batches: RecordBatch[] = [];
    for (let at = 0; at < bytes.length; at = batches.at(-1)!.endPosition) batches.push(new Batch(bytes, at));
    this.#log.guard.run('compacting', () => cleaned.append(batches, this.#log.config.indexIntervalBytes));
  }

  async #finish(cleaned: Segment, last: Segment): Promise<void> {
    const { disk } = this.#log.directory.services;
    cleaned.finish();
    disk.setLastModified(cleaned.log.path, disk.lastModifiedMs(last.log.path));
    await cleaned.sync();
  }

  async #discard(cleaned: Segment): Promise<void> {
    cleaned.close();
    // The directory went with all that is in it, or is out of service and swept at the next start.
    if (this.#log.isOffline || cleaned.files.mark !== '.cleaned') return;
    await this.#log.whenGuarded('giving up the compaction of', () => cleaned.files.whenRemoved());
  }
}

function isSameBatch(batch: RecordBatch, left: Buffer): boolean {
  return left.buffer === batch.buffer.buffer && left.byteOffset === batch.buffer.byteOffset + batch.position;
}

/**
 * Dumps and checks a segment's `.index` and `.timeindex` against its `.log`, in the words of Kafka's DumpLogSegments.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { KafkaError } from '../protocol/errors.ts';
import { NO_TIMESTAMP, type RecordBatch } from '../protocol/records/batch.ts';
import { recordsOf } from '../protocol/records/open.ts';
import { CommandError } from './command.ts';
import { SegmentFile } from './segment-file.ts';

export interface IndexOptions {
  readonly sanityOnly: boolean;
  readonly verifyOnly: boolean;
  readonly maxMessageSize: number;
  readonly print: (line: string) => void;
}

/** What disagrees between indexes and logs, gathered over all files and told at the end. */
export class IndexProblems {
  readonly #offsets = new Map<string, string[]>();
  readonly #timestamps = new Map<string, string[]>();
  readonly #order = new Map<string, string[]>();
  readonly #missing: string[] = [];

  offsetMismatch(file: string, indexOffset: number, logOffset: number): void {
    add(this.#offsets, file, `  Index offset: ${indexOffset}, log offset: ${logOffset}`);
  }

  timestampMismatch(file: string, indexTimestamp: number, logTimestamp: number): void {
    add(this.#timestamps, file, `  Index timestamp: ${indexTimestamp}, log timestamp: ${logTimestamp}`);
  }

  outOfOrder(file: string, indexTimestamp: number, previous: number): void {
    add(this.#order, file, `  Index timestamp: ${indexTimestamp}, Previously indexed timestamp: ${previous}`);
  }

  offsetMissing(indexedOffset: number, logOffset: number): void {
    this.#missing.push(`Indexed offset: ${indexedOffset}, found log offset: ${logOffset}`);
  }

  lines(): string[] {
    const lines: string[] = [];
    for (const [file, mismatches] of this.#offsets) lines.push(`Mismatches in :${file}`, ...mismatches);
    for (const [file, mismatches] of this.#timestamps)
      lines.push(`Found timestamp mismatch in :${file}`, ...mismatches);
    for (const [file, mismatches] of this.#order) lines.push(`Found out of order timestamp in :${file}`, ...mismatches);
    if (this.#missing.length > 0)
      lines.push('The following indexed offsets are not found in the log.', ...this.#missing);
    return lines;
  }
}

function add(map: Map<string, string[]>, file: string, line: string): void {
  const lines = map.get(path.resolve(file));
  if (lines === undefined) map.set(path.resolve(file), [line]);
  else lines.push(line);
}

const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;

interface OffsetEntry {
  readonly offset: number;
  readonly position: number;
}

/** The first offset of a segment, from the file's name. */
export function baseOffsetOf(file: string): number {
  const text = path.basename(file).split('.')[0] ?? '';
  if (!/^\d+$/.test(text)) throw new CommandError(`${file}: the name does not begin with an offset`);
  return Number(text);
}

function siblingOf(file: string, suffix: string): string {
  return path.join(path.dirname(file), `${path.basename(file).split('.')[0]}${suffix}`);
}

function offsetEntries(file: string): OffsetEntry[] {
  const bytes = readFileSync(file);
  const baseOffset = baseOffsetOf(file);
  const entries: OffsetEntry[] = [];
  for (let at = 0; at + OFFSET_ENTRY_BYTES <= bytes.length; at += OFFSET_ENTRY_BYTES) {
    const entry = { offset: baseOffset + bytes.readInt32BE(at), position: bytes.readInt32BE(at + 4) };
    // The index of a running broker is longer than it is full: zeros follow the last entry.
    if (at > 0 && entry.offset === baseOffset) break;
    entries.push(entry);
  }
  return entries;
}

export function dumpOffsetIndex(file: string, problems: IndexProblems, options: IndexOptions): void {
  const entries = offsetEntries(file);
  if (entries.length === 0) {
    options.print(`${file} is empty.`);
    return;
  }
  if (options.sanityOnly) {
    checkSize(file, OFFSET_ENTRY_BYTES);
    checkLast(file, entries.at(-1)?.offset ?? 0);
    options.print(`${file} passed sanity check.`);
    return;
  }
  const log = new SegmentFile(siblingOf(file, '.log'));
  try {
    for (const { offset, position } of entries) {
      const batch = batchOrNull(log, position, Math.min(position + options.maxMessageSize, log.sizeBytes));
      const lastOffset = batch === null ? -1 : lastOffsetOf(batch);
      if (lastOffset !== offset) problems.offsetMismatch(file, offset, lastOffset);
      if (!options.verifyOnly) options.print(`offset: ${offset} position: ${position}`);
    }
  } finally {
    log.close();
  }
}

export function dumpTimeIndex(file: string, problems: IndexProblems, options: IndexOptions): void {
  const bytes = readFileSync(file);
  const baseOffset = baseOffsetOf(file);
  if (options.sanityOnly) {
    checkSize(file, TIME_ENTRY_BYTES);
    if (bytes.length > 0) checkLast(file, baseOffset + bytes.readInt32BE(bytes.length - 4));
    options.print(`${file} passed sanity check.`);
    return;
  }
  const indexFile = siblingOf(file, '.index');
  const index = existsSync(indexFile) ? offsetEntries(indexFile) : [];
  const log = new SegmentFile(siblingOf(file, '.log'));
  let previous = NO_TIMESTAMP;
  try {
    for (let at = 0; at + TIME_ENTRY_BYTES <= bytes.length; at += TIME_ENTRY_BYTES) {
      const timestamp = Number(bytes.readBigInt64BE(at));
      const offset = baseOffset + bytes.readInt32BE(at + 8);
      if (at > 0 && offset === baseOffset) return;
      checkTimeEntry(file, log, positionOf(index, offset), { timestamp, offset }, previous, problems);
      if (!options.verifyOnly) options.print(`timestamp: ${timestamp} offset: ${offset}`);
      previous = timestamp;
    }
  } finally {
    log.close();
  }
}

function positionOf(index: readonly OffsetEntry[], offset: number): number {
  return index.findLast((entry) => entry.offset <= offset)?.position ?? 0;
}

function checkTimeEntry(
  file: string,
  log: SegmentFile,
  position: number,
  { timestamp, offset }: { timestamp: number; offset: number },
  previous: number,
  problems: IndexProblems,
): void {
  for (const { batch } of log.batches(position)) {
    const lastOffset = lastOffsetOf(batch);
    if (lastOffset < offset) continue;
    if (lastOffset !== offset) {
      problems.offsetMissing(offset, lastOffset);
      return;
    }
    const maxTimestamp = maxTimestampOf(batch);
    if (maxTimestamp !== timestamp) problems.timestampMismatch(file, timestamp, maxTimestamp);
    if (previous >= timestamp) problems.outOfOrder(file, timestamp, previous);
    return;
  }
  problems.offsetMissing(offset, -1);
}

const MAGIC_V2 = 2;

/** Of the older formats an entry's offset is that of its last message. */
export function lastOffsetOf(batch: RecordBatch): number {
  return batch.magic >= MAGIC_V2 ? batch.lastOffset : batch.baseOffset;
}

function maxTimestampOf(batch: RecordBatch): number {
  if (batch.magic < MAGIC_V2)
    return batch.magic === 0 ? NO_TIMESTAMP : Number(batch.buffer.readBigInt64BE(batch.position + 18));
  let max = NO_TIMESTAMP;
  for (const { timestampMs } of recordsOf(batch)) max = Math.max(max, timestampMs);
  return max;
}

function batchOrNull(log: SegmentFile, position: number, end: number): RecordBatch | null {
  try {
    return position < 0 ? null : log.batchAt(position, end);
  } catch (error) {
    if (error instanceof KafkaError) return null;
    throw error;
  }
}

function checkSize(file: string, entryBytes: number): void {
  const { length } = readFileSync(file);
  if (length % entryBytes !== 0)
    throw new CommandError(
      `Index file ${file} is corrupt, found ${length} bytes which is neither positive nor a multiple of ${entryBytes}.`,
    );
}

function checkLast(file: string, lastOffset: number): void {
  const baseOffset = baseOffsetOf(file);
  if (lastOffset < baseOffset)
    throw new CommandError(
      `Corrupt index found, index file (${file}) has non-zero size but the last offset is ${lastOffset} ` +
        `which is less than the base offset ${baseOffset}.`,
    );
}

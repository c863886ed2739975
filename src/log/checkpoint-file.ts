/**
 * @pure Kafka's checkpoint files as text (CheckpointFile): a line with the version 0, a line with the number of
 * entries, then one line per entry. Read strictly: a file that does not have exactly that form is damaged, and guessing
 * at offsets could lose data.
 */
import type { EpochEntry } from './leader-epochs.ts';

export const RECOVERY_POINT_CHECKPOINT = 'recovery-point-offset-checkpoint';
export const LOG_START_OFFSET_CHECKPOINT = 'log-start-offset-checkpoint';
export const HIGH_WATERMARK_CHECKPOINT = 'replication-offset-checkpoint';
export const CLEANER_OFFSET_CHECKPOINT = 'cleaner-offset-checkpoint';
export const LEADER_EPOCH_CHECKPOINT = 'leader-epoch-checkpoint';

export interface OffsetEntry {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export class CheckpointFormatError extends Error {
  override readonly name = 'CheckpointFormatError';
}

const VERSION = '0';

export function encodeOffsets(entries: readonly OffsetEntry[]): string {
  return encode(entries.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`));
}

export function decodeOffsets(text: string): OffsetEntry[] {
  return decode(text).map((line) => {
    const [topic, partition, offset, rest] = line.split(/\s+/);
    if (topic === undefined || topic === '' || rest !== undefined) throw malformed(line);
    return { topic, partition: toNumber(partition, line), offset: toNumber(offset, line) };
  });
}

export function encodeEpochs(entries: readonly EpochEntry[]): string {
  return encode(entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`));
}

export function decodeEpochs(text: string): EpochEntry[] {
  return decode(text).map((line) => {
    const [epoch, startOffset, rest] = line.split(/\s+/);
    if (rest !== undefined) throw malformed(line);
    return { epoch: toNumber(epoch, line), startOffset: toNumber(startOffset, line) };
  });
}

function encode(lines: readonly string[]): string {
  return `${[VERSION, String(lines.length), ...lines].join('\n')}\n`;
}

function decode(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const [version, count, ...entries] = lines;
  // An empty file is what Kafka creates before it first writes one.
  if (version === undefined || version === '') return [];
  if (version !== VERSION)
    throw new CheckpointFormatError(`unrecognised version: ${version}, expected version: ${VERSION}`);
  if (count === undefined) return [];
  const expected = toNumber(count, count);
  if (entries.length !== expected)
    throw new CheckpointFormatError(`expected [${expected}] entries, but found [${entries.length}]`);
  return entries;
}

function toNumber(text: string | undefined, line: string): number {
  const value = text !== undefined && /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw malformed(line);
  return value;
}

function malformed(line: string): CheckpointFormatError {
  return new CheckpointFormatError(`malformed line: ${line}`);
}

/**
 * @pure The producer state of a partition as Kafka's `.snapshot` file (ProducerStateManager, version 1, big-endian):
 * int16 version, uint32 CRC-32C of all that follows, int32 number of entries, then 46 bytes each: int64 producer id,
 * int16 epoch, int32 last sequence, int64 last offset, int32 last offset minus first offset, int64 timestamp, int32
 * coordinator epoch, int64 first offset of the open transaction.
 *
 * Kafka writes one entry for each producer, its last batch, and so forgets after a restart which of the batches in
 * flight were written. Here a producer has an entry for each batch that is remembered, the oldest first. Kafka, reading
 * this file, lets the last entry of a producer count and has what it would have written itself.
 */
import { crc32c } from '../protocol/crc32c.ts';
import {
  BATCHES_TO_RETAIN,
  type BatchMetadata,
  isNextSequence,
  NO_SEQUENCE,
  type ProducerEntry,
  retreatSequence,
} from './producer-entry.ts';

const VERSION = 1;
const HEADER_SIZE_BYTES = 10;
const CRC_OFFSET = 2;
const ENTRIES_OFFSET = 6;
const ENTRY_SIZE_BYTES = 46;

export class CorruptSnapshotError extends Error {
  override readonly name = 'CorruptSnapshotError';
}

export function encodeSnapshot(producers: ReadonlyMap<number, ProducerEntry>): Buffer {
  let count = 0;
  for (const { batches } of producers.values()) count += Math.max(1, batches.length);
  const bytes = Buffer.alloc(HEADER_SIZE_BYTES + count * ENTRY_SIZE_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(count, ENTRIES_OFFSET);
  let at = HEADER_SIZE_BYTES;
  for (const entry of producers.values()) {
    for (const batch of entry.batches.slice(0, -1)) {
      encodeEntry(bytes, at, entry, batch, batch.timestampMs);
      at += ENTRY_SIZE_BYTES;
    }
    encodeEntry(bytes, at, entry, entry.batches.at(-1), entry.lastTimestampMs);
    at += ENTRY_SIZE_BYTES;
  }
  bytes.writeUInt32BE(crc32c(bytes, ENTRIES_OFFSET, bytes.length), CRC_OFFSET);
  return bytes;
}

function encodeEntry(
  bytes: Buffer,
  at: number,
  entry: ProducerEntry,
  batch: BatchMetadata | undefined,
  timestampMs: number,
): void {
  bytes.writeBigInt64BE(BigInt(entry.producerId), at);
  bytes.writeInt16BE(entry.producerEpoch, at + 8);
  bytes.writeInt32BE(batch?.lastSequence ?? NO_SEQUENCE, at + 10);
  bytes.writeBigInt64BE(BigInt(batch?.lastOffset ?? -1), at + 14);
  bytes.writeInt32BE(batch === undefined ? 0 : batch.lastOffset - batch.firstOffset, at + 22);
  bytes.writeBigInt64BE(BigInt(timestampMs), at + 26);
  bytes.writeInt32BE(entry.coordinatorEpoch, at + 34);
  bytes.writeBigInt64BE(BigInt(entry.currentTxnFirstOffset), at + 38);
}

/** What each producer is remembered by. Throws CorruptSnapshotError for bytes that are not exactly one snapshot. */
export function decodeSnapshot(bytes: Buffer): ProducerEntry[] {
  const producers = new Map<number, ProducerEntry>();
  for (const entry of decodeSnapshotEntries(bytes)) {
    const before = producers.get(entry.producerId);
    if (before !== undefined && isContinued(before, entry))
      entry.batches = [...before.batches, ...entry.batches].slice(-BATCHES_TO_RETAIN);
    producers.set(entry.producerId, entry);
  }
  return [...producers.values()];
}

/** The entries as they stand in the file, each with one batch at most. Throws as decodeSnapshot does. */
export function decodeSnapshotEntries(bytes: Buffer): ProducerEntry[] {
  if (bytes.length < HEADER_SIZE_BYTES) throw new CorruptSnapshotError(`the snapshot has only ${bytes.length} bytes`);
  const version = bytes.readInt16BE(0);
  if (version !== VERSION) throw new CorruptSnapshotError(`unknown snapshot version ${version}`);
  const stored = bytes.readUInt32BE(CRC_OFFSET);
  const computed = crc32c(bytes, ENTRIES_OFFSET, bytes.length);
  if (stored !== computed) throw new CorruptSnapshotError(`stored CRC ${stored}, computed CRC ${computed}`);
  const count = bytes.readInt32BE(ENTRIES_OFFSET);
  if (count < 0 || bytes.length !== HEADER_SIZE_BYTES + count * ENTRY_SIZE_BYTES)
    throw new CorruptSnapshotError(`${count} producers in ${bytes.length} bytes`);
  return Array.from({ length: count }, (_, number) =>
    decodeEntry(bytes, HEADER_SIZE_BYTES + number * ENTRY_SIZE_BYTES),
  );
}

/** Whether the later entry is about the batch right behind the earlier one. */
function isContinued(before: ProducerEntry, entry: ProducerEntry): boolean {
  const last = before.batches.at(-1);
  const [next] = entry.batches;
  return (
    last !== undefined &&
    next !== undefined &&
    before.producerEpoch === entry.producerEpoch &&
    last.lastOffset < next.firstOffset &&
    isNextSequence(last.lastSequence, next.firstSequence)
  );
}

function decodeEntry(bytes: Buffer, at: number): ProducerEntry {
  const lastSequence = bytes.readInt32BE(at + 10);
  const lastOffset = Number(bytes.readBigInt64BE(at + 14));
  const offsetDelta = bytes.readInt32BE(at + 22);
  const timestampMs = Number(bytes.readBigInt64BE(at + 26));
  const batch = {
    firstSequence: retreatSequence(lastSequence, offsetDelta),
    lastSequence,
    firstOffset: lastOffset - offsetDelta,
    lastOffset,
    timestampMs,
  };
  return {
    producerId: Number(bytes.readBigInt64BE(at)),
    producerEpoch: bytes.readInt16BE(at + 8),
    coordinatorEpoch: bytes.readInt32BE(at + 34),
    lastTimestampMs: timestampMs,
    currentTxnFirstOffset: Number(bytes.readBigInt64BE(at + 38)),
    batches: lastOffset >= 0 ? [batch] : [],
  };
}

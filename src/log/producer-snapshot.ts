/**
 * @pure The producer state of a partition as Kafka's `.snapshot` file (ProducerStateManager, version 1, big-endian): int16 version,
 * uint32 CRC-32C of all that follows, int32 number of producers, then 46 bytes each: int64 producer id, int16 epoch, int32 last
 * sequence, int64 last offset, int32 last offset minus first offset, int64 timestamp, int32 coordinator epoch, int64 first offset of
 * the open transaction. Only the last batch of each producer is kept: after a restart one batch can be recognised, not five.
 */
import { crc32c } from '../protocol/crc32c.ts';
import { type ProducerEntry, NO_SEQUENCE, retreatSequence } from './producer-entry.ts';

const VERSION = 1;
const HEADER_SIZE_BYTES = 10;
const CRC_OFFSET = 2;
const ENTRIES_OFFSET = 6;
const ENTRY_SIZE_BYTES = 46;

export class CorruptSnapshotError extends Error {
  override readonly name = 'CorruptSnapshotError';
}

export function encodeSnapshot(producers: ReadonlyMap<number, ProducerEntry>): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE_BYTES + producers.size * ENTRY_SIZE_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(producers.size, ENTRIES_OFFSET);
  let at = HEADER_SIZE_BYTES;
  for (const entry of producers.values()) {
    const last = entry.batches.at(-1);
    bytes.writeBigInt64BE(BigInt(entry.producerId), at);
    bytes.writeInt16BE(entry.producerEpoch, at + 8);
    bytes.writeInt32BE(last?.lastSequence ?? NO_SEQUENCE, at + 10);
    bytes.writeBigInt64BE(BigInt(last?.lastOffset ?? -1), at + 14);
    bytes.writeInt32BE(last === undefined ? 0 : last.lastOffset - last.firstOffset, at + 22);
    bytes.writeBigInt64BE(BigInt(entry.lastTimestampMs), at + 26);
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34);
    bytes.writeBigInt64BE(BigInt(entry.currentTxnFirstOffset), at + 38);
    at += ENTRY_SIZE_BYTES;
  }
  bytes.writeUInt32BE(crc32c(bytes, ENTRIES_OFFSET, bytes.length), CRC_OFFSET);
  return bytes;
}

/** Throws CorruptSnapshotError for bytes that are not exactly one snapshot. */
export function decodeSnapshot(bytes: Buffer): ProducerEntry[] {
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

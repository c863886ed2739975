/**
 * @pure Timestamp → offset (Kafka's TimeIndex). Entry, 12 bytes big-endian: int64 largest timestamp of the segment so far, int32 last
 * offset of the batch that carries it, minus the segment's base offset. An entry says: no record up to and with that offset is
 * younger. Timestamps strictly grow, offsets never shrink.
 */
import { assert } from '../lib/assert.ts';
import { SparseIndex } from './sparse-index.ts';

const ENTRY_SIZE_BYTES = 12;
const EMPTY = Buffer.alloc(0);
const NO_TIMESTAMP = -1;

export class TimeIndex extends SparseIndex {
  constructor(baseOffset: number, bytes: Buffer = EMPTY) {
    super(baseOffset, ENTRY_SIZE_BYTES, bytes);
  }

  /** The index in a file's bytes, or null when they cannot be one: it has to be rebuilt. */
  static decode(baseOffset: number, bytes: Buffer): TimeIndex | null {
    if (bytes.length % ENTRY_SIZE_BYTES !== 0) return null;
    let lastTimestamp = NO_TIMESTAMP;
    let lastOffset = -1;
    for (let at = 0; at < bytes.length; at += ENTRY_SIZE_BYTES) {
      const timestamp = Number(bytes.readBigInt64BE(at));
      const offset = bytes.readInt32BE(at + 8);
      if (timestamp <= lastTimestamp || !Number.isSafeInteger(timestamp) || offset < 0 || offset < lastOffset)
        return null;
      lastTimestamp = timestamp;
      lastOffset = offset;
    }
    const index = new TimeIndex(baseOffset, bytes);
    index.persistedCount = index.entryCount;
    return index;
  }

  /** One slot is kept for the entry that closing the segment writes. */
  isFull(maxIndexSizeBytes: number): boolean {
    return this.entryCount >= Math.floor(maxIndexSizeBytes / ENTRY_SIZE_BYTES) - 1;
  }

  get lastTimestamp(): number {
    return this.entryCount === 0 ? NO_TIMESTAMP : this.timestampAt(this.entryCount - 1);
  }

  get lastOffset(): number {
    return this.entryCount === 0 ? this.baseOffset : this.offsetAt(this.entryCount - 1);
  }

  /** Adds an entry unless the timestamp is not larger than the last one, which would say nothing new. */
  maybeAppend(timestampMs: number, lastOffsetOfBatch: number): void {
    if (timestampMs <= this.lastTimestamp) return;
    assert(
      lastOffsetOfBatch >= this.lastOffset,
      () => `time index ${this.baseOffset} would go back to ${lastOffsetOfBatch}`,
    );
    const at = this.grow();
    // Timestamps are below 2^53 and not negative here, so two halves do what writeBigInt64BE does, without a BigInt.
    this.bytes.writeUInt32BE(Math.floor(timestampMs / 0x1_0000_0000), at);
    this.bytes.writeUInt32BE(timestampMs % 0x1_0000_0000, at + 4);
    this.bytes.writeInt32BE(lastOffsetOfBatch - this.baseOffset, at + 8);
  }

  timestampAt(slot: number): number {
    const at = slot * ENTRY_SIZE_BYTES;
    return this.bytes.readInt32BE(at) * 0x1_0000_0000 + this.bytes.readUInt32BE(at + 4);
  }

  offsetAt(slot: number): number {
    return this.baseOffset + this.bytes.readInt32BE(slot * ENTRY_SIZE_BYTES + 8);
  }

  /** An offset up to which no record has a timestamp at or above the given one: the search may begin there. */
  offsetBefore(timestampMs: number): number {
    const slot = this.lastSlotAtOrBelow(timestampMs, (at) => this.timestampAt(at));
    return slot < 0 ? this.baseOffset : this.offsetAt(slot);
  }

  /** Forgets the entries at or behind the offset. */
  truncateTo(offset: number): void {
    this.keep(this.lastSlotAtOrBelow(offset - 1, (slot) => this.offsetAt(slot)) + 1);
  }
}

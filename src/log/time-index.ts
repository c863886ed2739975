/**
 * @pure Timestamp → offset (Kafka's TimeIndex). Entry, 12 bytes big-endian: int64 largest timestamp of the segment so
 * far, int32 last offset of the batch that brought it, minus the segment's base offset. An entry says: no batch before
 * that one has a record with this timestamp or a later one. Timestamps strictly grow, offsets never shrink.
 */
import { assert } from '../lib/assert.ts';
import { readInt64, writeInt64 } from '../protocol/int64.ts';
import { SparseIndex } from './sparse-index.ts';

export const TIME_ENTRY_SIZE_BYTES = 12;
const NO_TIMESTAMP = -1;

export class TimeIndex extends SparseIndex {
  /** Timestamp of the last entry; -1 when there is none. */
  lastTimestampMs = NO_TIMESTAMP;
  /** Offset of the last entry; the base offset when there is none. */
  lastOffset: number;

  constructor(baseOffset: number) {
    super(baseOffset, TIME_ENTRY_SIZE_BYTES);
    this.lastOffset = baseOffset;
  }

  /** The index of a file with that many bytes, of which only the last entry is known; null when that cannot be. */
  static fromFileEnd(baseOffset: number, sizeBytes: number, lastEntry: Buffer): TimeIndex | null {
    if (sizeBytes % TIME_ENTRY_SIZE_BYTES !== 0) return null;
    const index = new TimeIndex(baseOffset);
    index.adopt(sizeBytes / TIME_ENTRY_SIZE_BYTES);
    if (sizeBytes === 0) return index;
    index.lastTimestampMs = readInt64(lastEntry, 0);
    index.lastOffset = baseOffset + lastEntry.readInt32BE(8);
    return index.lastTimestampMs >= 0 && index.lastOffset >= baseOffset ? index : null;
  }

  /** One slot is kept for the entry that closing the segment writes. */
  isFull(maxIndexSizeBytes: number): boolean {
    return this.entryCount >= Math.floor(maxIndexSizeBytes / TIME_ENTRY_SIZE_BYTES) - 1;
  }

  /** Adds an entry unless the timestamp is not larger than the last one, which would say nothing new. */
  maybeAppend(timestampMs: number, lastOffsetOfBatch: number): void {
    if (timestampMs <= this.lastTimestampMs) return;
    assert(
      lastOffsetOfBatch >= this.lastOffset,
      () => `time index ${this.baseOffset} would go back to ${lastOffsetOfBatch}`,
    );
    const at = this.grow();
    writeInt64(this.bytes, at, timestampMs);
    this.bytes.writeInt32BE(lastOffsetOfBatch - this.baseOffset, at + 8);
    this.lastTimestampMs = timestampMs;
    this.lastOffset = lastOffsetOfBatch;
  }

  timestampAt(slot: number): number {
    return readInt64(this.bytes, this.byteOf(slot));
  }

  offsetAt(slot: number): number {
    return this.baseOffset + this.bytes.readInt32BE(this.byteOf(slot) + 8);
  }

  /**
   * From the batch of this entry on the first record is to be searched that has the timestamp or a later one; null:
   * from the start of the segment. Needs the whole index.
   */
  entryFor(timestampMs: number): { timestampMs: number; offset: number } | null {
    assert(this.isComplete, 'a time index is searched only when all of it is in memory');
    const slot = this.lastSlotAtOrBelow(timestampMs, (number) => this.timestampAt(number));
    return slot < 0 ? null : { timestampMs: this.timestampAt(slot), offset: this.offsetAt(slot) };
  }

  /** Forgets the entries at or behind the offset. */
  truncateTo(offset: number): void {
    this.keep(this.lastSlotAtOrBelow(offset - 1, (slot) => this.offsetAt(slot)) + 1);
  }

  protected noteLastEntry(): void {
    const last = this.entryCount - 1;
    this.lastTimestampMs = last < 0 ? NO_TIMESTAMP : this.timestampAt(last);
    this.lastOffset = last < 0 ? this.baseOffset : this.offsetAt(last);
  }

  protected isPlausible(bytes: Buffer): boolean {
    let lastTimestampMs = NO_TIMESTAMP;
    let lastOffset = 0;
    for (let at = 0; at < bytes.length; at += TIME_ENTRY_SIZE_BYTES) {
      const timestampMs = readInt64(bytes, at);
      const offset = bytes.readInt32BE(at + 8);
      if (timestampMs <= lastTimestampMs || offset < lastOffset) return false;
      lastTimestampMs = timestampMs;
      lastOffset = offset;
    }
    return (
      bytes.length === 0 ||
      (lastTimestampMs === this.lastTimestampMs && this.baseOffset + lastOffset === this.lastOffset)
    );
  }
}

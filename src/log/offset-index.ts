/**
 * @pure Offset → byte position in the segment, one entry every index.interval.bytes (Kafka's OffsetIndex). Entry, 8
 * bytes big-endian: int32 last offset of a batch minus the segment's base offset, int32 position. That batch lies at or
 * behind the position, and begins there in the indexes that we write (a follower's index written by Kafka points to the
 * first of several). Both strictly grow.
 */
import { assert } from '../lib/assert.ts';
import { MAX_RELATIVE_OFFSET, SparseIndex } from './sparse-index.ts';

export const OFFSET_ENTRY_SIZE_BYTES = 8;
/** The answer is in the file alone. */
export const NOT_IN_MEMORY = -1;

export class OffsetIndex extends SparseIndex {
  /** Offset of the last entry; the base offset when there is none. */
  lastOffset: number;
  /** Position of the last entry; 0 when there is none. */
  lastPosition = 0;

  constructor(baseOffset: number) {
    super(baseOffset, OFFSET_ENTRY_SIZE_BYTES);
    this.lastOffset = baseOffset;
  }

  /**
   * The index of a file with that many bytes, of which only the last entry is known. Null when that cannot be the end
   * of an index of a segment with so many bytes.
   */
  static fromFileEnd(
    baseOffset: number,
    sizeBytes: number,
    lastEntry: Buffer,
    logSizeBytes: number,
  ): OffsetIndex | null {
    if (sizeBytes % OFFSET_ENTRY_SIZE_BYTES !== 0) return null;
    const index = new OffsetIndex(baseOffset);
    index.adopt(sizeBytes / OFFSET_ENTRY_SIZE_BYTES);
    if (sizeBytes === 0) return index;
    index.lastOffset = baseOffset + lastEntry.readInt32BE(0);
    index.lastPosition = lastEntry.readInt32BE(4);
    const isPlausible = index.lastOffset >= baseOffset && index.lastPosition > 0 && index.lastPosition < logSizeBytes;
    return isPlausible ? index : null;
  }

  canHold(offset: number): boolean {
    return offset >= this.baseOffset && offset - this.baseOffset <= MAX_RELATIVE_OFFSET;
  }

  isFull(maxIndexSizeBytes: number): boolean {
    return this.entryCount >= Math.floor(maxIndexSizeBytes / OFFSET_ENTRY_SIZE_BYTES);
  }

  append(lastOffsetOfBatch: number, position: number): void {
    assert(this.canHold(lastOffsetOfBatch), () => `offset ${lastOffsetOfBatch} cannot be in index ${this.baseOffset}`);
    assert(
      this.entryCount === 0 || (lastOffsetOfBatch > this.lastOffset && position > this.lastPosition),
      () => `index ${this.baseOffset} would not grow with offset ${lastOffsetOfBatch} at position ${position}`,
    );
    const at = this.grow();
    this.bytes.writeInt32BE(lastOffsetOfBatch - this.baseOffset, at);
    this.bytes.writeInt32BE(position, at + 4);
    this.lastOffset = lastOffsetOfBatch;
    this.lastPosition = position;
  }

  offsetAt(slot: number): number {
    return this.baseOffset + this.bytes.readInt32BE(this.byteOf(slot));
  }

  positionAt(slot: number): number {
    return this.bytes.readInt32BE(this.byteOf(slot) + 4);
  }

  /** Where to begin to search for the offset: no batch that begins before holds an offset at or above it. */
  positionFor(offset: number): number {
    if (this.entryCount === 0 || offset >= this.lastOffset) return this.lastPosition;
    const slot = this.lastSlotAtOrBelow(offset, (number) => this.offsetAt(number));
    if (slot >= this.firstInMemory) return this.positionAt(slot);
    return this.isComplete ? 0 : NOT_IN_MEMORY;
  }

  /** The last known start of a batch at or before the byte; -1 when none is in memory. */
  boundaryAtOrBefore(position: number): number {
    if (this.entryCount > 0 && position >= this.lastPosition) return this.lastPosition;
    const slot = this.lastSlotAtOrBelow(position, (number) => this.positionAt(number));
    return slot >= this.firstInMemory ? this.positionAt(slot) : -1;
  }

  /** Forgets the entries of batches that end at or behind the offset. */
  truncateTo(offset: number): void {
    this.keep(this.lastSlotAtOrBelow(offset - 1, (slot) => this.offsetAt(slot)) + 1);
  }

  protected noteLastEntry(): void {
    const last = this.entryCount - 1;
    this.lastOffset = last < 0 ? this.baseOffset : this.offsetAt(last);
    this.lastPosition = last < 0 ? 0 : this.positionAt(last);
  }

  protected isPlausible(bytes: Buffer): boolean {
    let lastOffset = -1;
    let lastPosition = -1;
    for (let at = 0; at < bytes.length; at += OFFSET_ENTRY_SIZE_BYTES) {
      const offset = bytes.readInt32BE(at);
      const position = bytes.readInt32BE(at + 4);
      if (offset <= lastOffset || position <= lastPosition) return false;
      lastOffset = offset;
      lastPosition = position;
    }
    return (
      bytes.length === 0 || (this.baseOffset + lastOffset === this.lastOffset && lastPosition === this.lastPosition)
    );
  }
}

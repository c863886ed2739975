/**
 * @pure Offset → byte position in the segment, one entry every index.interval.bytes (Kafka's OffsetIndex). Entry, 8 bytes big-endian:
 * int32 last offset of a batch minus the segment's base offset, int32 position where that batch begins. Both strictly grow.
 */
import { assert } from '../lib/assert.ts';
import { MAX_RELATIVE_OFFSET, SparseIndex } from './sparse-index.ts';

const ENTRY_SIZE_BYTES = 8;
const EMPTY = Buffer.alloc(0);

export class OffsetIndex extends SparseIndex {
  constructor(baseOffset: number, bytes: Buffer = EMPTY) {
    super(baseOffset, ENTRY_SIZE_BYTES, bytes);
  }

  /** The index in a file's bytes, or null when they cannot be one for a segment of this size: it has to be rebuilt. */
  static decode(baseOffset: number, bytes: Buffer, logSizeBytes: number): OffsetIndex | null {
    if (bytes.length % ENTRY_SIZE_BYTES !== 0) return null;
    let lastOffset = -1;
    let lastPosition = -1;
    for (let at = 0; at < bytes.length; at += ENTRY_SIZE_BYTES) {
      const offset = bytes.readInt32BE(at);
      const position = bytes.readInt32BE(at + 4);
      if (offset <= lastOffset || position <= lastPosition || position >= logSizeBytes) return null;
      lastOffset = offset;
      lastPosition = position;
    }
    const index = new OffsetIndex(baseOffset, bytes);
    index.persistedCount = index.entryCount;
    return index;
  }

  canHold(offset: number): boolean {
    return offset >= this.baseOffset && offset - this.baseOffset <= MAX_RELATIVE_OFFSET;
  }

  isFull(maxIndexSizeBytes: number): boolean {
    return this.entryCount >= Math.floor(maxIndexSizeBytes / ENTRY_SIZE_BYTES);
  }

  append(lastOffsetOfBatch: number, position: number): void {
    assert(this.canHold(lastOffsetOfBatch), () => `offset ${lastOffsetOfBatch} cannot be in index ${this.baseOffset}`);
    assert(
      this.entryCount === 0 || lastOffsetOfBatch > this.offsetAt(this.entryCount - 1),
      () => `index ${this.baseOffset} would not grow with offset ${lastOffsetOfBatch}`,
    );
    const at = this.grow();
    this.bytes.writeInt32BE(lastOffsetOfBatch - this.baseOffset, at);
    this.bytes.writeInt32BE(position, at + 4);
  }

  offsetAt(slot: number): number {
    return this.baseOffset + this.bytes.readInt32BE(slot * ENTRY_SIZE_BYTES);
  }

  positionAt(slot: number): number {
    return this.bytes.readInt32BE(slot * ENTRY_SIZE_BYTES + 4);
  }

  /** The last entry at or below the offset; -1 when there is none and the search begins at the start of the file. */
  slotFor(offset: number): number {
    return this.lastSlotAtOrBelow(offset, (slot) => this.offsetAt(slot));
  }

  /** Where to begin to search for the offset: no batch that begins before holds an offset at or above it. */
  positionFor(offset: number): number {
    const slot = this.slotFor(offset);
    return slot < 0 ? 0 : this.positionAt(slot);
  }

  /** Forgets the entries of batches that end at or behind the offset. */
  truncateTo(offset: number): void {
    this.keep(this.lastSlotAtOrBelow(offset - 1, (slot) => this.offsetAt(slot)) + 1);
  }
}

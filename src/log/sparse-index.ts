/**
 * @pure What the two sparse indexes of a segment share: entries of one size, appended in growing order, held in exactly
 * the bytes of Kafka's file, so that reading and writing the file is copying.
 *
 * Only the last entry is always in memory; the ones before it may be left to the file (`shrink`) and brought back
 * (`complete`), so that a partition at rest owns no index. The file may lag behind by what is not `persisted` yet: an
 * index above the recovery point is rebuilt after a crash, and whoever moves the recovery point past a segment writes
 * its indexes first.
 */
import { assert } from '../lib/assert.ts';

export const MAX_RELATIVE_OFFSET = 0x7fff_ffff;
const EMPTY = Buffer.alloc(0);

export abstract class SparseIndex {
  readonly baseOffset: number;
  readonly entrySizeBytes: number;
  /** Entries from number #first on. */
  protected bytes: Buffer = EMPTY;
  #first = 0;
  #count = 0;
  #persistedCount = 0;
  #isFileLonger = false;

  constructor(baseOffset: number, entrySizeBytes: number) {
    this.baseOffset = baseOffset;
    this.entrySizeBytes = entrySizeBytes;
  }

  get entryCount(): number {
    return this.#count;
  }

  /** All entries are in memory. */
  get isComplete(): boolean {
    return this.#first === 0;
  }

  /** How many entries at the front are known to be in the file. */
  get persistedCount(): number {
    return this.#persistedCount;
  }

  /** The file does not hold what the index does. */
  get isDirty(): boolean {
    return this.#isFileLonger || this.#persistedCount < this.#count;
  }

  get memoryBytes(): number {
    return this.bytes.length;
  }

  /**
   * The entries that the file lacks, in its bytes. Before they are appended it must be cut to `persistedCount` entries.
   */
  unpersisted(): Buffer {
    return this.bytes.subarray(this.#at(this.#persistedCount), this.#at(this.#count));
  }

  onPersisted(): void {
    this.#persistedCount = this.#count;
    this.#isFileLonger = false;
  }

  /** Leaves to the file what is in it. */
  shrink(): void {
    if (this.#first === this.#persistedCount) return;
    this.bytes = this.#persistedCount === this.#count ? EMPTY : Buffer.from(this.unpersisted());
    this.#first = this.#persistedCount;
  }

  /** Brings back what was left to the file. Returns false when the file's bytes cannot be this index: rebuild it. */
  complete(fileBytes: Buffer): boolean {
    const fileSizeBytes = this.#persistedCount * this.entrySizeBytes;
    if (fileBytes.length < fileSizeBytes) return false;
    const whole = Buffer.concat([fileBytes.subarray(0, fileSizeBytes), this.unpersisted()]);
    if (!this.isPlausible(whole)) return false;
    this.bytes = whole;
    this.#first = 0;
    return true;
  }

  /** Forgets all entries; the file is to be written anew. */
  reset(): void {
    this.bytes = EMPTY;
    this.#first = 0;
    this.#count = 0;
    this.#persistedCount = 0;
    this.#isFileLonger = true;
    this.noteLastEntry();
  }

  /** The file has that many entries, of which none is in memory yet but the last, which the subclass keeps. */
  protected adopt(count: number): void {
    this.#first = count;
    this.#count = count;
    this.#persistedCount = count;
  }

  /** Sets the subclass's memory of the last entry, from `bytes`. */
  protected abstract noteLastEntry(): void;
  /** Whether the bytes can be the whole of this index: entries grow, and the last is the one that is remembered. */
  protected abstract isPlausible(bytes: Buffer): boolean;

  /** Keeps the first `count` entries. */
  protected keep(count: number): void {
    assert(this.isComplete, 'an index is cut only when all of it is in memory');
    if (count === this.#count) return;
    this.#count = count;
    if (this.#persistedCount > count) {
      this.#persistedCount = count;
      this.#isFileLonger = true;
    }
    this.noteLastEntry();
  }

  /** Makes room for one more entry and returns where in `bytes` it begins. */
  protected grow(): number {
    const position = this.#at(this.#count);
    if (position + this.entrySizeBytes > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(4 * this.entrySizeBytes, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, position);
      this.bytes = larger;
    }
    this.#count++;
    return position;
  }

  /** The byte in memory where the entry of that number begins. */
  protected byteOf(slot: number): number {
    assert(slot >= this.#first && slot < this.#count, () => `index entry ${slot} of ${this.#count} is not in memory`);
    return this.#at(slot);
  }

  /** The number of the last entry in memory whose key is not above the target; #first - 1 when there is none. */
  protected lastSlotAtOrBelow(target: number, keyAt: (slot: number) => number): number {
    let low = this.#first - 1;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (keyAt(middle) <= target) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** No entry before that number is in memory. */
  protected get firstInMemory(): number {
    return this.#first;
  }

  #at(slot: number): number {
    return (slot - this.#first) * this.entrySizeBytes;
  }
}

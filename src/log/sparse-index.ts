/**
 * @pure What the two sparse indexes of a segment share: entries of one size, appended in growing order and kept in memory in
 * exactly the bytes of Kafka's file, so that reading and writing the file is copying. An empty index owns no memory.
 *
 * The file may lag behind: `persistedCount` says how many entries it holds. That is safe because an index of a segment above
 * the recovery point is rebuilt after a crash, and whoever moves the recovery point past a segment writes its indexes first.
 */
export abstract class SparseIndex {
  readonly baseOffset: number;
  readonly entrySizeBytes: number;
  /** Entries at the front that are known to be in the file. */
  persistedCount = 0;
  /** The file on disk may be longer than persistedCount entries and must be cut before it is written. */
  isFileLonger = false;
  protected bytes: Buffer;
  #count: number;

  constructor(baseOffset: number, entrySizeBytes: number, bytes: Buffer) {
    this.baseOffset = baseOffset;
    this.entrySizeBytes = entrySizeBytes;
    this.bytes = bytes;
    this.#count = Math.floor(bytes.length / entrySizeBytes);
  }

  get entryCount(): number {
    return this.#count;
  }

  /** The entries from number `from` on, in the bytes of the file. Valid until the next append. */
  encode(from = 0): Buffer {
    return this.bytes.subarray(from * this.entrySizeBytes, this.#count * this.entrySizeBytes);
  }

  /** Keeps the first `count` entries. */
  protected keep(count: number): void {
    this.#count = count;
    if (this.persistedCount > count) {
      this.persistedCount = count;
      this.isFileLonger = true;
    }
  }

  /** Makes room for one more entry and returns where in `bytes` it begins. */
  protected grow(): number {
    const position = this.#count * this.entrySizeBytes;
    if (position + this.entrySizeBytes > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(4 * this.entrySizeBytes, this.bytes.length * 2));
      this.bytes.copy(larger, 0, 0, position);
      this.bytes = larger;
    }
    this.#count++;
    return position;
  }

  /** The number of the last entry whose key is not above the target, or -1. */
  protected lastSlotAtOrBelow(target: number, keyAt: (slot: number) => number): number {
    let low = -1;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (keyAt(middle) <= target) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

export const MAX_RELATIVE_OFFSET = 0x7fff_ffff;

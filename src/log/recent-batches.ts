/**
 * @pure Where the last batches of the active segment end, so that readers at the tail and the high watermark find their
 * bytes without a look at the file. Holds only what was appended since the log was opened; costs nothing before that.
 */
const CAPACITY = 64;

export class RecentBatches {
  /** Pairs of next offset and end position; a ring when full. */
  #ring: Float64Array | null = null;
  #count = 0;
  #head = 0;

  /** A batch now ends before `nextOffset`, at byte `endPosition`. Both grow. */
  add(nextOffset: number, endPosition: number): void {
    this.#ring ??= new Float64Array(2 * CAPACITY);
    const slot = (this.#head + this.#count) % CAPACITY;
    this.#ring[2 * slot] = nextOffset;
    this.#ring[2 * slot + 1] = endPosition;
    if (this.#count < CAPACITY) this.#count++;
    else this.#head = (this.#head + 1) % CAPACITY;
  }

  /**
   * The position of the first batch that holds or follows the offset, when a known batch ends right before it; else -1.
   */
  positionOf(offset: number): number {
    const ring = this.#ring;
    if (ring === null) return -1;
    let low = 0;
    let high = this.#count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const slot = (this.#head + middle) % CAPACITY;
      const nextOffset = ring[2 * slot]!;
      if (nextOffset === offset) return ring[2 * slot + 1]!;
      if (nextOffset < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  clear(): void {
    this.#ring = null;
    this.#count = 0;
    this.#head = 0;
  }
}

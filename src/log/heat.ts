/**
 * @pure Guesses which bytes of a segment are in the page cache: those appended since the process appended a few hundred
 * MB more. What is guessed hot is read on the event loop, at once; the rest on the thread pool, as a read that waits
 * for the disk would stop everybody.
 */
const BLOCK_SIZE_BYTES = 16 * 1024 * 1024;
export const HOT_BYTES = 256 * 1024 * 1024;

/** What the whole process has appended. */
export class AppendedBytes {
  total = 0;
}

export class SegmentHeat {
  readonly #appended: AppendedBytes;
  /** Bytes that were in the file when it was opened: nobody knows. */
  readonly #coldBelow: number;
  /** For each block of the file, what the process had appended when that block was begun. */
  readonly #marks: number[] = [];

  constructor(appended: AppendedBytes, sizeBytes: number) {
    this.#appended = appended;
    this.#coldBelow = sizeBytes;
  }

  onAppend(position: number, length: number): void {
    const block = Math.floor((position - this.#coldBelow) / BLOCK_SIZE_BYTES);
    while (this.#marks.length <= block) this.#marks.push(this.#appended.total);
    this.#appended.total += length;
  }

  isHot(position: number): boolean {
    if (position < this.#coldBelow) return false;
    const mark = this.#marks[Math.floor((position - this.#coldBelow) / BLOCK_SIZE_BYTES)];
    return mark !== undefined && this.#appended.total - mark < HOT_BYTES;
  }
}

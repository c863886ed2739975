/**
 * Large buffers that are used again. A fresh buffer of a megabyte costs more in page faults than filling it, so whoever
 * gathers a frame or encodes a large response takes one here and gives it back when nothing refers to its bytes any
 * more.
 *
 * Sizes are powers of two; what lies idle is bounded. A buffer that is never given back is simply garbage.
 */
const SMALLEST_BYTES = 16 * 1024;
const LARGEST_BYTES = 4 * 1024 * 1024;
const DEFAULT_MAX_IDLE_BYTES = 16 * 1024 * 1024;

export class BufferPool {
  readonly #maxIdleBytes: number;
  readonly #idle = new Map<number, Buffer[]>();
  #idleBytes = 0;

  constructor(maxIdleBytes: number = DEFAULT_MAX_IDLE_BYTES) {
    this.#maxIdleBytes = maxIdleBytes;
  }

  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** At least so many bytes, with whatever content they had. */
  take(minBytes: number): Buffer {
    const sizeBytes = classOf(minBytes);
    const found = this.#idle.get(sizeBytes)?.pop();
    if (found === undefined) return Buffer.allocUnsafeSlow(sizeBytes);
    this.#idleBytes -= sizeBytes;
    return found;
  }

  /** Takes back exactly what `take` gave (not a part of it). The caller must not touch it any more. */
  give(buffer: Buffer): void {
    const sizeBytes = buffer.length;
    if (sizeBytes > LARGEST_BYTES || sizeBytes !== classOf(sizeBytes)) return;
    if (this.#idleBytes + sizeBytes > this.#maxIdleBytes) return;
    const shelf = this.#idle.get(sizeBytes);
    if (shelf === undefined) this.#idle.set(sizeBytes, [buffer]);
    else shelf.push(buffer);
    this.#idleBytes += sizeBytes;
  }
}

/** Beyond the largest class the exact size: such buffers are rare and not kept. */
function classOf(minBytes: number): number {
  if (minBytes > LARGEST_BYTES) return minBytes;
  let sizeBytes = SMALLEST_BYTES;
  while (sizeBytes < minBytes) sizeBytes *= 2;
  return sizeBytes;
}

/**
 * @pure Cuts the bytes of a connection into frames (a length of 4 bytes, then that many bytes), without copying where
 * the bytes allow it: a frame that lies whole in what was received is handed on in place.
 *
 * Only a frame that is split between two reads is gathered: its head is copied into a pooled buffer, and the next
 * read may land right behind it (`landing`). That buffer grows as bytes arrive: a declared length alone allocates
 * next to nothing. A negative or too large length is an InvalidFrameError; the connection must be closed then.
 */
import type { BufferPool } from '../lib/buffer-pool.ts';

export class InvalidFrameError extends Error {
  override readonly name = 'InvalidFrameError';
}

export interface FrameSink {
  /** Asked before every step. While false nothing is consumed; what landed already counts as received. */
  mayTake(): boolean;
  /** The frame without its length. Its memory is valid until this returns (see `keepsFrames`). */
  take(frame: Buffer): void;
}

export interface FrameReaderOptions {
  readonly maxFrameBytes: number;
  readonly buffers: BufferPool;
  /** A gathered frame stays valid until `releaseKept` or the next gathered one, rather than only during `take`. */
  readonly keepsFrames?: boolean;
}

const LENGTH_BYTES = 4;
/** A frame gets room of this size at once only when a good part of it is here already; else the little one. */
const TRUSTED_GATHER_BYTES = 1024 * 1024;
const TRUST_AFTER_BYTES = 16 * 1024;
const UNTRUSTED_GATHER_BYTES = 64 * 1024;

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #maxFrameBytes: number;
  readonly #buffers: BufferPool;
  readonly #keepsFrames: boolean;
  readonly #lengthBytes = Buffer.alloc(LENGTH_BYTES);
  #lengthCount = 0;
  /** The length of the frame that has begun; -1 between frames. */
  #frameBytes = -1;
  #gather: Buffer | null = null;
  #gatheredBytes = 0;
  #kept: Buffer | null = null;

  constructor(sink: FrameSink, options: FrameReaderOptions) {
    this.#sink = sink;
    this.#maxFrameBytes = options.maxFrameBytes;
    this.#buffers = options.buffers;
    this.#keepsFrames = options.keepsFrames ?? false;
  }

  /** A frame has begun and is not handed on yet. */
  get isInsideFrame(): boolean {
    return this.#lengthCount > 0 || this.#frameBytes >= 0;
  }

  /** A gathered frame waits for the sink. */
  get isFrameComplete(): boolean {
    return this.#gather !== null && this.#gatheredBytes === this.#frameBytes;
  }

  /** Bytes of that frame received so far. */
  get receivedBytes(): number {
    return this.#lengthCount + this.#gatheredBytes;
  }

  /** Where the next bytes of the connection should be put, to save a copy; null when anywhere is as good. */
  landing(): Buffer | null {
    if (this.#gather === null || this.#gatheredBytes === this.#frameBytes) return null;
    if (this.#gatheredBytes === this.#gather.length) this.#grow(this.#gather.length * 2);
    return this.#gather.subarray(this.#gatheredBytes, Math.min(this.#gather.length, this.#frameBytes));
  }

  /** So many bytes were put into `landing()`. Hands the frame on if that completed it and the sink takes it. */
  landed(count: number): void {
    this.#gatheredBytes += count;
    this.push(EMPTY);
  }

  /** Returns how many of the bytes were consumed: all, unless the sink would take no more frames. */
  push(bytes: Buffer): number {
    let at = 0;
    while (this.#sink.mayTake()) {
      if (this.#frameBytes < 0) {
        at = this.#readLength(bytes, at);
        if (this.#frameBytes < 0) break;
      }
      if (this.#gather === null && bytes.length - at >= this.#frameBytes) {
        const frame = bytes.subarray(at, at + this.#frameBytes);
        at += this.#frameBytes;
        this.#frameBytes = -1;
        this.#sink.take(frame);
      } else {
        at = this.#collect(bytes, at);
        if (this.#gatheredBytes < this.#frameBytes) break;
        this.#takeGathered();
      }
    }
    return at;
  }

  /** See `keepsFrames`. */
  releaseKept(): void {
    if (this.#kept !== null) this.#buffers.give(this.#kept);
    this.#kept = null;
  }

  /** Frees the memory; nothing may be pushed any more. A kept frame is not freed: someone may still look at it. */
  close(): void {
    this.#kept = null;
    if (this.#gather !== null) this.#buffers.give(this.#gather);
    this.#gather = null;
    this.#frameBytes = -1;
  }

  #readLength(bytes: Buffer, start: number): number {
    let at = start;
    while (this.#lengthCount < LENGTH_BYTES && at < bytes.length) {
      this.#lengthBytes[this.#lengthCount++] = bytes[at++]!;
    }
    if (this.#lengthCount < LENGTH_BYTES) return at;
    const frameBytes = this.#lengthBytes.readInt32BE(0);
    this.#lengthCount = 0;
    if (frameBytes < 0 || frameBytes > this.#maxFrameBytes) {
      throw new InvalidFrameError(`a frame of ${frameBytes} bytes, at most ${this.#maxFrameBytes} are taken`);
    }
    this.#frameBytes = frameBytes;
    return at;
  }

  /** Copies what belongs to the begun frame. */
  #collect(bytes: Buffer, at: number): number {
    const count = Math.min(bytes.length - at, this.#frameBytes - this.#gatheredBytes);
    if (count === 0) return at;
    if (this.#gather === null) {
      const boundBytes = count >= TRUST_AFTER_BYTES ? TRUSTED_GATHER_BYTES : UNTRUSTED_GATHER_BYTES;
      this.#gather = this.#buffers.take(Math.max(count, Math.min(this.#frameBytes, boundBytes)));
    } else if (this.#gatheredBytes + count > this.#gather.length) {
      this.#grow(Math.max(this.#gatheredBytes + count, this.#gather.length * 2));
    }
    bytes.copy(this.#gather, this.#gatheredBytes, at, at + count);
    this.#gatheredBytes += count;
    return at + count;
  }

  #grow(wantedBytes: number): void {
    const smaller = this.#gather;
    const larger = this.#buffers.take(Math.min(wantedBytes, this.#frameBytes));
    if (smaller !== null) {
      smaller.copy(larger, 0, 0, this.#gatheredBytes);
      this.#buffers.give(smaller);
    }
    this.#gather = larger;
  }

  #takeGathered(): void {
    const buffer = this.#gather;
    const frame = buffer === null ? EMPTY : buffer.subarray(0, this.#frameBytes);
    this.#gather = null;
    this.#gatheredBytes = 0;
    this.#frameBytes = -1;
    if (this.#keepsFrames) {
      this.releaseKept();
      this.#kept = buffer;
      this.#sink.take(frame);
    } else {
      // Not in a finally: after a throw the connection is closed, and the buffer is garbage.
      this.#sink.take(frame);
      if (buffer !== null) this.#buffers.give(buffer);
    }
  }
}

const EMPTY = Buffer.alloc(0);

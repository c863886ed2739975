/**
 * @pure A cursor over one frame. Bytes that are not what the caller expects are a RangeError, upon which the
 * connection is closed; nothing is ever guessed and nothing beyond `end` is touched.
 *
 * Two bounds keep a hostile frame small: a declared length must fit the bytes that are left before anything is
 * allocated, and what arrays of objects will hold on the heap is estimated and taken from a budget of the frame
 * (a 2-byte element can decode to an object of 100 bytes: CVE-2026-111108).
 */
import type { TopicId } from '../model/topic-partition.ts';

/** Estimated heap that a frame may decode to: this much whatever its size, … */
const HEAP_BYTES_FREE = 1 << 20;
/** … plus this much per byte of it (real messages stay below 8), … */
const HEAP_BYTES_PER_BYTE = 16;
/** … and never more than this. */
const HEAP_BYTES_MAX = 256 << 20;
/** Kafka's own messages have at most five tagged fields; unknown ones are skipped without being kept. */
const TAGS_PER_STRUCT_MAX = 64;
/** Below this length a loop over the bytes beats a call into V8's decoder. */
const SHORT_STRING_BYTES = 24;

export class Reader {
  readonly buffer: Buffer;
  /** Where the next byte is read. */
  offset: number;
  /** Exclusive. */
  readonly end: number;
  #heapBytesLeft: number;

  /** Reads buffer[offset, end). */
  constructor(buffer: Buffer, offset = 0, end = buffer.length) {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
    this.#heapBytesLeft = Math.min(HEAP_BYTES_FREE + (end - offset) * HEAP_BYTES_PER_BYTE, HEAP_BYTES_MAX);
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  #take(count: number): number {
    const at = this.offset;
    if (count > this.end - at) this.#tooShort(count);
    this.offset = at + count;
    return at;
  }

  #tooShort(count: number): never {
    throw new RangeError(`frame too short: ${count} bytes wanted at ${this.offset} of ${this.end}`);
  }

  bool(): boolean {
    return this.buffer[this.#take(1)] !== 0;
  }

  int8(): number {
    return ((this.buffer[this.#take(1)] as number) << 24) >> 24;
  }

  int16(): number {
    const at = this.#take(2);
    return (((this.buffer[at] as number) << 24) >> 16) | (this.buffer[at + 1] as number);
  }

  uint16(): number {
    return this.int16() & 0xffff;
  }

  int32(): number {
    return int32At(this.buffer, this.#take(4));
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** Throws RangeError for the values (beyond ±(2^53 - 1)) that a number cannot hold exactly. */
  int64(): number {
    const at = this.#take(8);
    const value = int32At(this.buffer, at) * 0x1_0000_0000 + (int32At(this.buffer, at + 4) >>> 0);
    if (!Number.isSafeInteger(value)) throw new RangeError(`int64 at ${at} is not a safe integer`);
    return value;
  }

  /** An int64 whose exact value beyond ±(2^53 - 1) does not matter: such values become ±(2^53 - 1). */
  saturatingInt64(): number {
    const at = this.#take(8);
    return saturated(int32At(this.buffer, at) * 0x1_0000_0000 + (int32At(this.buffer, at + 4) >>> 0));
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.#take(8));
  }

  /** 22 characters of URL-safe base64, as Kafka prints a topic id. */
  uuid(): TopicId {
    const at = this.#take(16);
    return this.buffer.toString('base64url', at, at + 16);
  }

  /** At most 5 bytes; the result is below 2^32. */
  uvarint(): number {
    const { buffer, end } = this;
    let at = this.offset;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= end) this.#tooShort(at - this.offset + 1);
      const byte = buffer[at++] as number;
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.offset = at;
        return value >>> 0;
      }
    }
    throw new RangeError(`varint at ${this.offset} is longer than 32 bits`);
  }

  /** Zig-zag, int32. */
  varint(): number {
    const value = this.uvarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** Zig-zag, int64 in at most 10 bytes; values beyond ±(2^53 - 1) become ±(2^53 - 1). */
  saturatingVarlong(): number {
    const { buffer, end } = this;
    let at = this.offset;
    let low = 0; //  the lowest 28 bits
    let high = 0; // the others, as a double
    for (let shift = 0, scale = 1; shift < 70; shift += 7) {
      if (at >= end) this.#tooShort(at - this.offset + 1);
      const byte = buffer[at++] as number;
      if (shift === 63 && byte > 1) break;
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else {
        high += (byte & 0x7f) * scale;
        scale *= 128;
      }
      if (byte < 0x80) {
        this.offset = at;
        const half = high * 0x800_0000 + (low >>> 1);
        return saturated((low & 1) === 0 ? half : -half - 1);
      }
    }
    throw new RangeError(`varint at ${this.offset} is longer than 64 bits`);
  }

  // Lengths: -1 means null.

  #compactLength(): number {
    return this.uvarint() - 1;
  }

  #notNull(length: number): number {
    if (length < 0) throw new RangeError(`null or negative length before ${this.offset}`);
    return length;
  }

  string(): string {
    return this.#text(this.#notNull(this.int16()));
  }

  compactString(): string {
    return this.#text(this.#notNull(this.#compactLength()));
  }

  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#text(length);
  }

  compactNullableString(): string | null {
    const length = this.#compactLength();
    return length < 0 ? null : this.#text(length);
  }

  /** Invalid UTF-8 becomes U+FFFD, as in Kafka. */
  #text(length: number): string {
    const at = this.#take(length);
    const { buffer } = this;
    if (length <= SHORT_STRING_BYTES) {
      let text = '';
      let i = at;
      for (; i < at + length; i++) {
        const byte = buffer[i] as number;
        if (byte >= 0x80) break;
        text += String.fromCharCode(byte);
      }
      if (i === at + length) return text;
    }
    return buffer.toString('utf8', at, at + length);
  }

  bytes(): Buffer {
    return this.#copy(this.#notNull(this.int32()));
  }

  compactBytes(): Buffer {
    return this.#copy(this.#notNull(this.#compactLength()));
  }

  nullableBytes(): Buffer | null {
    const length = this.int32();
    return length < 0 ? null : this.#copy(length);
  }

  compactNullableBytes(): Buffer | null {
    const length = this.#compactLength();
    return length < 0 ? null : this.#copy(length);
  }

  /** Not from Buffer's pool: what is kept for long must not pin 8 KiB of others' bytes. */
  #copy(length: number): Buffer {
    const at = this.#take(length);
    const copy = Buffer.allocUnsafeSlow(length);
    this.buffer.copy(copy, 0, at, at + length);
    return copy;
  }

  records(): Buffer {
    return this.slice(this.#notNull(this.int32()));
  }

  compactRecords(): Buffer {
    return this.slice(this.#notNull(this.#compactLength()));
  }

  nullableRecords(): Buffer | null {
    const length = this.int32();
    return length < 0 ? null : this.slice(length);
  }

  compactNullableRecords(): Buffer | null {
    const length = this.#compactLength();
    return length < 0 ? null : this.slice(length);
  }

  /** The next bytes, aliasing the frame. */
  slice(length: number): Buffer {
    const at = this.#take(length);
    return this.buffer.subarray(at, at + length);
  }

  /** `minimumSizeBytes` is the least that an element takes of the frame, `heapBytes` what it will hold once decoded. */
  arrayLength(minimumSizeBytes: number, heapBytes: number): number {
    return this.#admit(this.#notNull(this.int32()), minimumSizeBytes, heapBytes);
  }

  compactArrayLength(minimumSizeBytes: number, heapBytes: number): number {
    return this.#admit(this.#notNull(this.#compactLength()), minimumSizeBytes, heapBytes);
  }

  nullableArrayLength(minimumSizeBytes: number, heapBytes: number): number {
    const length = this.int32();
    return length < 0 ? -1 : this.#admit(length, minimumSizeBytes, heapBytes);
  }

  compactNullableArrayLength(minimumSizeBytes: number, heapBytes: number): number {
    const length = this.#compactLength();
    return length < 0 ? -1 : this.#admit(length, minimumSizeBytes, heapBytes);
  }

  #admit(count: number, minimumSizeBytes: number, heapBytes: number): number {
    if (count * minimumSizeBytes > this.end - this.offset) {
      throw new RangeError(`array of ${count} elements at ${this.offset} cannot fit the frame of ${this.end} bytes`);
    }
    this.#heapBytesLeft -= count * heapBytes;
    if (this.#heapBytesLeft < 0) throw new RangeError(`array of ${count} elements at ${this.offset}: too many objects`);
    return count;
  }

  // Tagged fields.

  tagCount(): number {
    const count = this.uvarint();
    if (count > TAGS_PER_STRUCT_MAX) throw new RangeError(`${count} tagged fields before ${this.offset}`);
    return count;
  }

  /** Tags are strictly ascending (KIP-482), so none can come twice. */
  tag(previous: number): number {
    const tag = this.uvarint();
    if (tag <= previous) throw new RangeError(`tag ${tag} after ${previous} before ${this.offset}`);
    return tag;
  }

  /** Where the tagged field that starts here ends. */
  tagEnd(): number {
    const size = this.uvarint();
    if (size > this.end - this.offset) this.#tooShort(size);
    return this.offset + size;
  }

  expectTagEnd(end: number): void {
    if (this.offset !== end) throw new RangeError(`tagged field ends at ${this.offset} instead of ${end}`);
  }

  skipTags(): void {
    for (let count = this.tagCount(), tag = -1; count > 0; count--) {
      tag = this.tag(tag);
      this.offset = this.tagEnd();
    }
  }
}

function int32At(buffer: Buffer, at: number): number {
  return (
    ((buffer[at] as number) << 24) |
    ((buffer[at + 1] as number) << 16) |
    ((buffer[at + 2] as number) << 8) |
    (buffer[at + 3] as number)
  );
}

function saturated(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  return value > 0 ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
}

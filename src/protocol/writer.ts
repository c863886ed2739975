/**
 * @pure Builds one message in one contiguous, growing buffer, so that a response is one write to a socket. Numbers
 * that do not fit their field are a RangeError: a broker must never send a silently truncated one.
 */
import type { TopicId } from '../model/topic-partition.ts';

/** Record batches that lie elsewhere (in a file) and are read straight into the message. */
export interface RecordsSource {
  readonly sizeBytes: number;
  /** Fills target[targetOffset, targetOffset + sizeBytes), all of it. */
  copyInto(target: Buffer, targetOffset: number): void;
}

export function recordsSizeBytes(records: Buffer | RecordsSource | null): number {
  if (records === null) return 0;
  return Buffer.isBuffer(records) ? records.length : records.sizeBytes;
}

const INITIAL_SIZE_BYTES = 512;
/** Up to this length a string is tried as ASCII, byte by byte, before UTF-8 is measured and written by V8. */
const SHORT_STRING_LENGTH = 64;
const INT16_MAX = 0x7fff;
/** The value of each character of URL-safe base64 by its code; -1 for others. */
const BASE64_DIGITS = base64Digits();

function base64Digits(): Int8Array {
  const digits = new Int8Array(128).fill(-1);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (let i = 0; i < alphabet.length; i++) digits[alphabet.charCodeAt(i)] = i;
  return digits;
}

export class Writer {
  #buffer: Buffer;
  #at = 0;

  /** Writes into `initial` from its start and moves to a buffer of its own when that is full. */
  constructor(initial: Buffer = Buffer.allocUnsafe(INITIAL_SIZE_BYTES)) {
    this.#buffer = initial;
  }

  /** Bytes written so far. */
  get position(): number {
    return this.#at;
  }

  /** What was written. It aliases the writer's buffer, so the writer must not be used further. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  /** Makes room for `count` more bytes at once. */
  reserve(count: number): void {
    if (this.#at + count > this.#buffer.length) this.#grow(count);
  }

  #grow(count: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#at + count, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }

  #room(count: number): number {
    const at = this.#at;
    if (at + count > this.#buffer.length) this.#grow(count);
    this.#at = at + count;
    return at;
  }

  bool(value: boolean): void {
    const at = this.#room(1);
    this.#buffer[at] = value ? 1 : 0;
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) outOfRange(value, 'int8');
    const at = this.#room(1);
    this.#buffer[at] = value;
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) outOfRange(value, 'int16');
    this.#write16(value);
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) outOfRange(value, 'uint16');
    this.#write16(value);
  }

  #write16(value: number): void {
    const at = this.#room(2);
    const buffer = this.#buffer;
    buffer[at] = value >> 8;
    buffer[at + 1] = value;
  }

  int32(value: number): void {
    if ((value | 0) !== value) outOfRange(value, 'int32');
    const at = this.#room(4);
    write32(this.#buffer, at, value);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) outOfRange(value, 'uint32');
    const at = this.#room(4);
    write32(this.#buffer, at, value);
  }

  int64(value: number): void {
    if (!Number.isSafeInteger(value)) outOfRange(value, 'int64');
    const at = this.#room(8);
    write32(this.#buffer, at, Math.floor(value / 0x1_0000_0000));
    write32(this.#buffer, at + 4, value | 0);
  }

  float64(value: number): void {
    const at = this.#room(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  uuid(value: TopicId): void {
    const at = this.#room(16);
    const buffer = this.#buffer;
    let bits = 0;
    let isValid = value.length === 22;
    // Four characters are three bytes; the last two are one. By hand, as a call into Node costs three times as much.
    for (let i = 0, to = at; isValid && i < 22; i++) {
      const digit = BASE64_DIGITS[value.charCodeAt(i)] ?? -1;
      isValid = digit >= 0;
      bits = (bits << 6) | digit;
      const phase = i & 3;
      if (phase === 0) continue;
      buffer[to++] = bits >> (6 - 2 * phase);
    }
    if (!isValid) throw new RangeError(`'${value}' is not a topic id`);
  }

  uvarint(value: number): void {
    let rest = value >>> 0;
    if (rest !== value) outOfRange(value, 'uvarint');
    while (rest > 0x7f) {
      const at = this.#room(1);
      this.#buffer[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    const at = this.#room(1);
    this.#buffer[at] = rest;
  }

  /** Zig-zag, int32. */
  varint(value: number): void {
    if ((value | 0) !== value) outOfRange(value, 'varint');
    this.uvarint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** Zig-zag, int64. */
  varlong(value: number): void {
    if (!Number.isSafeInteger(value)) outOfRange(value, 'varlong');
    const half = value < 0 ? -value - 1 : value;
    // The lowest 7 bits of half * 2 (+ 1), without ever leaving the doubles that are exact.
    let byte = (half % 64) * 2 + (value < 0 ? 1 : 0);
    let rest = Math.floor(half / 64);
    while (rest > 0) {
      const at = this.#room(1);
      this.#buffer[at] = byte | 0x80;
      byte = rest % 128;
      rest = Math.floor(rest / 128);
    }
    const at = this.#room(1);
    this.#buffer[at] = byte;
  }

  string(value: string): void {
    const start = this.#at;
    this.#room(2);
    const length = this.#text(value);
    if (length > INT16_MAX) outOfRange(length, 'length of a string');
    this.#buffer[start] = length >> 8;
    this.#buffer[start + 1] = length;
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  compactString(value: string): void {
    if (value.length <= SHORT_STRING_LENGTH) {
      const start = this.#room(1);
      const length = this.#text(value);
      // Up to 126 bytes the length takes the one byte that was set aside.
      if (length < 0x7f) {
        this.#buffer[start] = length + 1;
        return;
      }
      this.#at = start;
    }
    this.uvarint(Buffer.byteLength(value) + 1);
    this.#text(value);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.uvarint(0);
    else this.compactString(value);
  }

  /** UTF-8; returns the bytes written. */
  #text(value: string): number {
    const { length } = value;
    if (length <= SHORT_STRING_LENGTH) {
      const at = this.#room(length);
      const buffer = this.#buffer;
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code >= 0x80) break;
        buffer[at + i] = code;
      }
      if (i === length) return length;
      this.#at = at;
    }
    const size = Buffer.byteLength(value);
    const at = this.#room(size);
    this.#buffer.write(value, at, size, 'utf8');
    return size;
  }

  /** Raw bytes without a length. */
  raw(value: Buffer): void {
    const at = this.#room(value.length);
    value.copy(this.#buffer, at);
  }

  bytes(value: Buffer): void {
    this.int32(value.length);
    this.raw(value);
  }

  nullableBytes(value: Buffer | null): void {
    if (value === null) this.int32(-1);
    else this.bytes(value);
  }

  compactBytes(value: Buffer): void {
    this.uvarint(value.length + 1);
    this.raw(value);
  }

  compactNullableBytes(value: Buffer | null): void {
    if (value === null) this.uvarint(0);
    else this.compactBytes(value);
  }

  records(value: Buffer | RecordsSource): void {
    this.int32(recordsSizeBytes(value));
    this.#records(value);
  }

  nullableRecords(value: Buffer | RecordsSource | null): void {
    if (value === null) this.int32(-1);
    else this.records(value);
  }

  compactRecords(value: Buffer | RecordsSource): void {
    this.uvarint(recordsSizeBytes(value) + 1);
    this.#records(value);
  }

  compactNullableRecords(value: Buffer | RecordsSource | null): void {
    if (value === null) this.uvarint(0);
    else this.compactRecords(value);
  }

  #records(value: Buffer | RecordsSource): void {
    if (Buffer.isBuffer(value)) {
      this.raw(value);
      return;
    }
    const at = this.#room(value.sizeBytes);
    if (value.sizeBytes > 0) value.copyInto(this.#buffer, at);
  }

  /** -1 for a null array. */
  arrayLength(length: number): void {
    this.int32(length);
  }

  compactArrayLength(length: number): void {
    this.uvarint(length + 1);
  }

  /** Starts a tagged field; the result goes to endTag() after its value was written. */
  beginTag(tag: number): number {
    this.uvarint(tag);
    return this.#room(1);
  }

  endTag(start: number): void {
    const size = this.#at - start - 1;
    const sizeBytes = size < 0x80 ? 1 : size < 0x4000 ? 2 : size < 0x20_0000 ? 3 : size < 0x1000_0000 ? 4 : 5;
    this.#room(sizeBytes - 1);
    const end = this.#at;
    // One byte was set aside for the size: a larger one moves the value.
    if (sizeBytes > 1) this.#buffer.copyWithin(start + sizeBytes, start + 1, start + 1 + size);
    this.#at = start;
    this.uvarint(size);
    this.#at = end;
  }

  /** Overwrites what was written at `position`, to put a length before what it measures. */
  patchInt32(position: number, value: number): void {
    if ((value | 0) !== value || position + 4 > this.#at) outOfRange(value, 'int32');
    write32(this.#buffer, position, value);
  }
}

function write32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >> 24;
  buffer[at + 1] = value >> 16;
  buffer[at + 2] = value >> 8;
  buffer[at + 3] = value;
}

function outOfRange(value: number, what: string): never {
  throw new RangeError(`${value} does not fit ${what}`);
}

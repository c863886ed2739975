/**
 * @pure Splits a stream of bytes into the JSON values that stand in it one after the other, with or without white
 * space between them, as a streaming client sends them.
 *
 * Guarantees: where the bytes are cut changes nothing of what comes out; each byte is looked at once, whatever the
 * value's length; no more is kept than one value of the allowed size; a value comes out as soon as its last byte is
 * there (a number or a word: as soon as it cannot go on). Only where values end is found out here: whether they are
 * valid inside is for the reader of JSON to say.
 */
import { Buffer } from 'node:buffer';

export interface JsonStreamLimits {
  readonly maxValueBytes: number;
  /** Arrays and objects within each other. */
  readonly maxDepth: number;
}

/** The stream cannot be read further; what came out before stays valid. */
export class JsonStreamError extends Error {
  override readonly name = 'JsonStreamError';
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const SPACE = 0x20;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NOTHING = Buffer.alloc(0);
/** Room that stays between values. */
const MAX_IDLE_BYTES = 64 * 1024;

/** What the value that has begun is; a bare word is a number, true, false, null or nothing that JSON knows. */
type Kind = 'nothing' | 'container' | 'string' | 'word';

export class JsonValueSplitter {
  readonly #limits: JsonStreamLimits;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** Of the value that has begun: a copy of what came before the present chunk, at the beginning of a larger room. */
  #kept = NOTHING;
  #keptBytes = 0;
  #kind: Kind = 'nothing';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  constructor(limits: JsonStreamLimits) {
    this.#limits = limits;
  }

  /** Of the value that has begun, between chunks. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /**
   * Gives the texts of the values that end within the chunk, as they are asked for; to be exhausted before the next
   * chunk. The chunk is not kept.
   * @throws JsonStreamError
   */
  *push(chunk: Buffer): Generator<string, void, undefined> {
    let start = 0;
    let index = 0;
    while (index < chunk.length) {
      if (this.#kind === 'nothing') {
        index = afterSpaces(chunk, index);
        if (index === chunk.length) return;
        start = index;
        this.#begin(chunk[index] ?? 0);
        index++;
      } else index = this.#scan(chunk, index);
      this.#checkSize(index - start);
      if (this.#isWhole(chunk, index)) {
        yield this.#take(chunk, start, index);
        start = index;
      }
    }
    if (this.#kind !== 'nothing') this.#keep(chunk, start);
  }

  /**
   * To be called after the last chunk. Gives the value that the end completes, or cuts off: that it is none, and why,
   * is for the reader of JSON to say, too. Null when there is nothing. @throws JsonStreamError
   */
  end(): string | null {
    return this.#kind === 'nothing' ? null : this.#take(NOTHING, 0, 0);
  }

  #begin(byte: number): void {
    if (byte === OPENING_BRACE || byte === OPENING_BRACKET) {
      this.#kind = 'container';
      this.#depth = 1;
    } else if (byte === QUOTE) {
      this.#kind = 'string';
      this.#isInString = true;
    } else this.#kind = 'word';
  }

  /** Goes on until the value may be whole or the chunk ends; gives the index after the last byte looked at. */
  #scan(chunk: Buffer, from: number): number {
    if (this.#kind === 'word') return endOfWord(chunk, from);
    let index = from;
    while (index < chunk.length) {
      if (this.#isInString) {
        index = this.#scanString(chunk, index);
        if (!this.#isInString && this.#kind === 'string') return index;
        continue;
      }
      const byte = chunk[index++];
      if (byte === QUOTE) this.#isInString = true;
      else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) this.#enter();
      else if ((byte === CLOSING_BRACE || byte === CLOSING_BRACKET) && --this.#depth === 0) return index;
    }
    return index;
  }

  /** The bytes of characters beyond ASCII are all above 0x7f: none of them can be taken for a quote. */
  #scanString(chunk: Buffer, from: number): number {
    let index = from;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      index++;
    }
    for (; index < chunk.length; index++) {
      const byte = chunk[index];
      if (byte === QUOTE) {
        this.#isInString = false;
        return index + 1;
      }
      if (byte === BACKSLASH && ++index === chunk.length) this.#isEscaped = true;
    }
    return chunk.length;
  }

  #enter(): void {
    const { maxDepth } = this.#limits;
    if (++this.#depth > maxDepth) throw new JsonStreamError(`Nesting depth exceeds the maximum allowed (${maxDepth})`);
  }

  #isWhole(chunk: Buffer, index: number): boolean {
    if (this.#kind === 'container') return this.#depth === 0;
    if (this.#kind === 'string') return !this.#isInString;
    return index < chunk.length && endsWord(chunk[index] ?? 0);
  }

  #checkSize(bytes: number): void {
    const { maxValueBytes } = this.#limits;
    if (this.#keptBytes + bytes > maxValueBytes)
      throw new JsonStreamError(`A record is larger than ${maxValueBytes} bytes`);
  }

  #keep(chunk: Buffer, start: number): void {
    const bytes = this.#keptBytes + chunk.length - start;
    if (bytes > this.#kept.length) {
      // Doubled, so that a value of many small chunks is not copied again with each.
      const larger = Buffer.allocUnsafe(Math.max(bytes, 2 * this.#kept.length));
      this.#kept.copy(larger, 0, 0, this.#keptBytes);
      this.#kept = larger;
    }
    chunk.copy(this.#kept, this.#keptBytes, start);
    this.#keptBytes = bytes;
  }

  #take(chunk: Buffer, start: number, end: number): string {
    let bytes = chunk.subarray(start, end);
    if (this.#keptBytes > 0) {
      this.#keep(bytes, 0);
      bytes = this.#kept.subarray(0, this.#keptBytes);
      if (this.#kept.length > MAX_IDLE_BYTES) this.#kept = NOTHING;
      this.#keptBytes = 0;
    }
    this.#kind = 'nothing';
    this.#depth = 0;
    try {
      return this.#decoder.decode(bytes);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new JsonStreamError('Invalid UTF-8');
    }
  }
}

function afterSpaces(chunk: Buffer, from: number): number {
  let index = from;
  while (index < chunk.length && isSpace(chunk[index] ?? 0)) index++;
  return index;
}

function endOfWord(chunk: Buffer, from: number): number {
  let index = from;
  while (index < chunk.length && !endsWord(chunk[index] ?? 0)) index++;
  return index;
}

function endsWord(byte: number): boolean {
  return isSpace(byte) || byte === OPENING_BRACE || byte === OPENING_BRACKET || byte === QUOTE;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB;
}

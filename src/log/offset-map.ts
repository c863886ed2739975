/**
 * @pure Key → the last offset that it was seen at, in one block of memory whose size is fixed from the start (Kafka's
 * SkimpyOffsetMap): what compaction needs to tell an outdated record. Keys are not kept, only 128 bits of their
 * SHA-256; two keys that share those would be taken for one, and nobody can find two.
 */
import { hash } from 'node:crypto';

const WORDS_PER_ENTRY = 6;
/** Four words of hash, two of offset + 1; an entry whose offset words are 0 is free. */
export const BYTES_PER_ENTRY = 4 * WORDS_PER_ENTRY;
const OFFSET_WORD = 4;
const WORD = 0x1_0000_0000;
/** As Kafka's. */
const MAX_BYTES = 0x7fff_ffff;

export class OffsetMap {
  readonly #words: Uint32Array;
  readonly #slots: number;
  readonly #capacity: number;
  readonly #hash = new Uint32Array(4);
  #size = 0;
  /**
   * What lies up to here has been put into the map, so that only of records up to here can be told whether they are
   * outdated; -1 for nothing.
   */
  latestOffset = -1;

  /**
   * @param maxKeys the most keys that there can be: the map gets no larger than they need
   * @param loadFactor how full of those bytes it may get
   */
  constructor(maxBytes: number, loadFactor: number, maxKeys: number) {
    const affordable = Math.floor(Math.min(maxBytes, MAX_BYTES) / BYTES_PER_ENTRY);
    this.#slots = Math.max(2, Math.min(affordable, Math.ceil(maxKeys / loadFactor) + 1));
    this.#capacity = Math.max(1, Math.min(Math.floor(this.#slots * loadFactor), this.#slots - 1));
    this.#words = new Uint32Array(this.#slots * WORDS_PER_ENTRY);
  }

  get size(): number {
    return this.#size;
  }

  get sizeBytes(): number {
    return this.#words.byteLength;
  }

  /** Of what it may hold. */
  get utilization(): number {
    return this.#size / this.#capacity;
  }

  /** Notes that the key was last seen at the offset. False, and nothing is changed, when there is no room for it. */
  put(key: Buffer, offset: number): boolean {
    const at = this.#find(key);
    const words = this.#words;
    if (this.#isFree(at)) {
      if (this.#size >= this.#capacity) return false;
      words.set(this.#hash, at);
      this.#size++;
    }
    const stored = offset + 1;
    words[at + OFFSET_WORD] = Math.floor(stored / WORD);
    words[at + OFFSET_WORD + 1] = stored % WORD;
    this.latestOffset = offset;
    return true;
  }

  /** -1 when the key was not seen. */
  get(key: Buffer): number {
    const at = this.#find(key);
    return this.#words[at + OFFSET_WORD]! * WORD + this.#words[at + OFFSET_WORD + 1]! - 1;
  }

  /** Where the entry of the key is, or the free one where it would be. One is always free. */
  #find(key: Buffer): number {
    const digest = hash('sha256', key, 'binary');
    const wanted = this.#hash;
    for (let word = 0; word < 4; word++) {
      const at = 4 * word;
      wanted[word] =
        digest.charCodeAt(at) |
        (digest.charCodeAt(at + 1) << 8) |
        (digest.charCodeAt(at + 2) << 16) |
        (digest.charCodeAt(at + 3) << 24);
    }
    const words = this.#words;
    let slot = wanted[0]! % this.#slots;
    for (;;) {
      const at = slot * WORDS_PER_ENTRY;
      if (this.#isFree(at) || isSame(words, at, wanted)) return at;
      slot = slot + 1 === this.#slots ? 0 : slot + 1;
    }
  }

  #isFree(at: number): boolean {
    return this.#words[at + OFFSET_WORD] === 0 && this.#words[at + OFFSET_WORD + 1] === 0;
  }
}

function isSame(words: Uint32Array, at: number, wanted: Uint32Array): boolean {
  return (
    words[at] === wanted[0] && words[at + 1] === wanted[1] && words[at + 2] === wanted[2] && words[at + 3] === wanted[3]
  );
}

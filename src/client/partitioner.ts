/**
 * @pure Which partition a record goes to, as Java's producer decides it: a key by its murmur2 hash, so that all
 * clients agree; records without a key stay with one partition until a batch is full (KIP-794).
 */
import type { Random } from '../lib/random.ts';

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** Kafka's Utils.murmur2: 32 bits, signed. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  let hash = SEED ^ length;
  const blocks = length >> 2;
  for (let block = 0; block < blocks; block++) {
    let k = Math.imul(view.getInt32(block * 4, true), MULTIPLIER);
    k = Math.imul(k ^ (k >>> 24), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ k;
  }
  const tail = blocks * 4;
  const remaining = length - tail;
  if (remaining === 3) hash ^= view.getUint8(tail + 2) << 16;
  if (remaining >= 2) hash ^= view.getUint8(tail + 1) << 8;
  if (remaining >= 1) hash = Math.imul(hash ^ view.getUint8(tail), MULTIPLIER);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return hash ^ (hash >>> 15);
}

export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitionCount;
}

export class StickyPartitioner {
  readonly #random: Random;
  readonly #switchAfterBytes: number;
  #partition: number | null = null;
  #bytes = 0;

  constructor(random: Random, switchAfterBytes: number) {
    this.#random = random;
    this.#switchAfterBytes = switchAfterBytes;
  }

  /** @param available partitions that have a leader; any of all when there is none */
  choose(available: readonly number[], partitionCount: number, recordBytes: number): number {
    if (this.#partition === null || this.#bytes >= this.#switchAfterBytes || !available.includes(this.#partition)) {
      this.#partition = available[this.#random.int(available.length || 1)] ?? this.#random.int(partitionCount);
      this.#bytes = 0;
    }
    this.#bytes += recordBytes;
    return this.#partition;
  }
}

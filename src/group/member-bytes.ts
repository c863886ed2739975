/**
 * @pure How much the members of a shard's classic groups say about themselves, all together. Guarantees a bound on
 * what clients can make the coordinator keep: a member stays for its session after its connection is gone, and its
 * metadata may be as large as a request. (Kafka has none.)
 */
import type { ClassicProtocol } from './classic-group-member.ts';

/** A group of which more was stored would not fit its log's largest batch, so only many groups come near. */
export const MAX_MEMBER_BYTES = 32 * 1024 * 1024;

export class MemberBytes {
  readonly #limit: number;
  #used = 0;

  constructor(limit = MAX_MEMBER_BYTES) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Would it fit, if this were said instead of that? Saying less always does. */
  hasRoomFor(protocols: readonly ClassicProtocol[], insteadOf: readonly ClassicProtocol[]): boolean {
    const growth = bytesOf(protocols) - bytesOf(insteadOf);
    return growth <= 0 || this.#used + growth <= this.#limit;
  }

  add(protocols: readonly ClassicProtocol[]): void {
    this.#used += bytesOf(protocols);
  }

  remove(protocols: readonly ClassicProtocol[]): void {
    this.#used -= bytesOf(protocols);
  }
}

function bytesOf(protocols: readonly ClassicProtocol[]): number {
  let bytes = 0;
  for (const { name, metadata } of protocols) bytes += name.length + metadata.length;
  return bytes;
}

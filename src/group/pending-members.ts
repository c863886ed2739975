/**
 * @pure The ids that were given out to new members and have not been joined with yet (KIP-394), of all groups of a
 * shard. Guarantees a bound: who asks for ids and never uses them pushes out the oldest, which, since a client joins
 * with its id at once, are those that nobody wants. (Kafka has no bound but the session timeout.)
 */
import { timerKey } from './timer-key.ts';

export const MAX_PENDING_MEMBERS = 10_000;

export interface PendingMember {
  readonly groupId: string;
  readonly memberId: string;
}

export class PendingMembers {
  readonly #limit: number;
  /** Oldest first. */
  readonly #all = new Map<string, PendingMember>();
  readonly #counts = new Map<string, number>();

  constructor(limit = MAX_PENDING_MEMBERS) {
    this.#limit = limit;
  }

  has(groupId: string, memberId: string): boolean {
    return this.#all.has(timerKey('pending', groupId, memberId));
  }

  countOf(groupId: string): number {
    return this.#counts.get(groupId) ?? 0;
  }

  /** The one that has to make room, already removed; null while there is room. */
  add(groupId: string, memberId: string): PendingMember | null {
    this.#all.set(timerKey('pending', groupId, memberId), { groupId, memberId });
    this.#counts.set(groupId, this.countOf(groupId) + 1);
    if (this.#all.size <= this.#limit) return null;
    const oldest = this.#all.values().next().value as PendingMember;
    this.remove(oldest.groupId, oldest.memberId);
    return oldest;
  }

  remove(groupId: string, memberId: string): boolean {
    if (!this.#all.delete(timerKey('pending', groupId, memberId))) return false;
    const left = this.countOf(groupId) - 1;
    if (left > 0) this.#counts.set(groupId, left);
    else this.#counts.delete(groupId);
    return true;
  }

  /** The pending members of one group, oldest first. */
  of(groupId: string): string[] {
    if (this.countOf(groupId) === 0) return [];
    return [...this.#all.values()].filter((member) => member.groupId === groupId).map(({ memberId }) => memberId);
  }
}

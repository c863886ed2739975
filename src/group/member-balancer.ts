/**
 * @pure Which of some members should get the next partition, and which should give one up, in constant time for each
 * question. The members are sorted once by how many partitions they have; those with the fewest and those with the
 * most are two ranges at the ends, each filled or emptied evenly before it grows towards the middle.
 *
 * Kafka: UniformHeterogeneousAssignmentBuilder.MemberAssignmentBalancer.
 */
import { assert } from '../lib/assert.ts';

export class MemberBalancer {
  readonly #sizes: readonly number[];
  readonly #sorted: number[];
  /** [0, #leastEnd) had #leastSize partitions each when it was last filled up. */
  #leastEnd = 0;
  #leastSize: number;
  #nextLeast = 0;
  /** [#mostStart, #mostEnd) had #mostSize each; behind #mostEnd are members that have nothing to give. */
  #mostStart: number;
  #mostEnd: number;
  #mostSize: number;
  #nextMost: number;

  /**
   * `sizes` is how many partitions each member has, by member; the caller changes it when it moves a partition.
   * `members` are the ones to balance, at least one.
   */
  constructor(sizes: readonly number[], members: readonly number[]) {
    assert(members.length > 0, 'somebody subscribes to the topic');
    this.#sizes = sizes;
    this.#sorted = [...members].sort((one, other) => this.#sizeOf(one) - this.#sizeOf(other) || one - other);
    this.#leastSize = this.#sizeAt(0) - 1;
    this.#mostSize = this.#sizeAt(members.length - 1) + 1;
    this.#mostStart = members.length;
    this.#mostEnd = members.length;
    this.#nextMost = members.length - 1;
  }

  /** Of the ranges as far as they have been used: whether moving one more partition would help nobody. */
  get isBalanced(): boolean {
    return this.#mostSize - this.#leastSize <= 1;
  }

  /** The member to give a partition to; it is taken for granted that it gets it. */
  nextLeastLoaded(): number {
    if (this.#nextLeast >= this.#leastEnd) {
      this.#leastSize += 1;
      while (this.#leastEnd < this.#sorted.length && this.#sizeAt(this.#leastEnd) === this.#leastSize)
        this.#leastEnd += 1;
      this.#nextLeast = 0;
    }
    const member = this.#at(this.#nextLeast);
    this.#nextLeast += 1;
    return member;
  }

  /** The member to take a partition from, or null; unless it is excluded, it is taken for granted that it loses it. */
  nextMostLoaded(): number | null {
    if (this.#nextMost < this.#mostStart) {
      // All of the range were excluded: begin it anew with the next member, whatever its size is.
      if (this.#mostEnd <= this.#mostStart && this.#mostStart > 0) this.#mostSize = this.#sizeAt(this.#mostStart - 1);
      else this.#mostSize -= 1;
      while (this.#mostStart > 0 && this.#sizeAt(this.#mostStart - 1) === this.#mostSize) this.#mostStart -= 1;
      this.#nextMost = this.#mostEnd - 1;
    }
    if (this.#nextMost < 0) return null;
    const member = this.#at(this.#nextMost);
    this.#nextMost -= 1;
    return member;
  }

  /** The member of the last {@link nextMostLoaded} has nothing to give. */
  excludeMostLoaded(): void {
    const position = this.#nextMost + 1;
    const excluded = this.#at(position);
    this.#sorted[position] = this.#at(this.#mostEnd - 1);
    this.#sorted[this.#mostEnd - 1] = excluded;
    this.#mostEnd -= 1;
  }

  #at(position: number): number {
    const member = this.#sorted[position];
    assert(member !== undefined, 'a position within the members');
    return member;
  }

  #sizeAt(position: number): number {
    return this.#sizeOf(this.#at(position));
  }

  #sizeOf(member: number): number {
    return this.#sizes[member] ?? 0;
  }
}

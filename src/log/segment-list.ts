/**
 * @pure The segments of one log in the order of their offsets. There is always at least one; the last is the one
 * appended to.
 */
import { assert } from '../lib/assert.ts';
import type { Segment } from './segment.ts';

export class SegmentList {
  #segments: Segment[];

  constructor(segments: readonly Segment[]) {
    assert(segments.length > 0, 'a log has at least one segment');
    this.#segments = [...segments].sort((a, b) => a.baseOffset - b.baseOffset);
  }

  get all(): readonly Segment[] {
    return this.#segments;
  }

  get first(): Segment {
    return this.#segments[0]!;
  }

  get active(): Segment {
    return this.#segments[this.#segments.length - 1]!;
  }

  get sizeBytes(): number {
    let total = 0;
    for (const segment of this.#segments) total += segment.sizeBytes;
    return total;
  }

  /**
   * Where in `all` the segment is that would hold the offset: the last that does not begin behind it; 0 when all do.
   */
  indexFor(offset: number): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#segments[middle]!.baseOffset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The segments that may hold offsets at or behind the given one. */
  from(offset: number): readonly Segment[] {
    return this.#segments.slice(this.indexFor(offset));
  }

  push(segment: Segment): void {
    assert(segment.baseOffset > this.active.baseOffset, () => `segment ${segment.baseOffset} is not the last`);
    this.#segments.push(segment);
  }

  /** Puts other segments in the place of some, as compaction does, or nothing, as retention does. One must be left. */
  replace(old: readonly Segment[], replacement: readonly Segment[]): void {
    const gone = new Set(old);
    const kept = this.#segments.filter((segment) => !gone.has(segment));
    const next = [...kept, ...replacement].sort((a, b) => a.baseOffset - b.baseOffset);
    assert(next.length > 0, 'a log has at least one segment');
    this.#segments = next;
  }
}

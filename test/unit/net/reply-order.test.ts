/** Replies leave in the order of their requests, in whatever order they become ready. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyOrder, type ReplyPlace } from '../../../src/net/reply-order.ts';

function order(): { order: ReplyOrder<number>; released: number[] } {
  const released: number[] = [];
  return { order: new ReplyOrder((reply) => released.push(reply)), released };
}

describe('the order of replies', () => {
  it('holds a reply back until those before it have left', () => {
    const { order: replies, released } = order();
    const first = replies.open();
    const second = replies.open();
    replies.append(3);
    replies.complete(second, 2);
    expect(released).toEqual([]);
    expect(replies.length).toBe(3);
    replies.complete(first, 1);
    expect(released).toEqual([1, 2, 3]);
    expect(replies.length).toBe(0);
  });

  it('moves on over a request that gets no reply', () => {
    const { order: replies, released } = order();
    const first = replies.open();
    replies.append(null);
    replies.append(3);
    replies.complete(first, null);
    expect(released).toEqual([3]);
  });

  it('releases at once when nothing waits', () => {
    const { order: replies, released } = order();
    replies.append(1);
    replies.append(null);
    expect(released).toEqual([1]);
    expect(replies.length).toBe(0);
  });

  it('ignores a second completion and one after it was cleared', () => {
    const { order: replies, released } = order();
    const first = replies.open();
    const second = replies.open();
    replies.complete(second, 2);
    replies.complete(second, 9);
    expect(replies.clear()).toEqual([2]);
    replies.complete(first, 1);
    expect(released).toEqual([]);
    replies.append(3);
    expect(released).toEqual([3]);
  });

  it('keeps the order of any number of requests completed in any order', () => {
    const request = fc.constantFrom<'pending' | 'silent' | 'ready'>('pending', 'silent', 'ready');
    fc.assert(
      fc.property(fc.array(request, { maxLength: 200 }), fc.infiniteStream(fc.nat()), (requests, choices) => {
        const { order: replies, released } = order();
        const waiting: [ReplyPlace<number>, number][] = [];
        const completeOne = (): void => {
          const [taken] = waiting.splice((choices.next().value ?? 0) % waiting.length, 1);
          if (taken !== undefined) replies.complete(...taken);
        };
        requests.forEach((kind, index) => {
          if (kind === 'pending') waiting.push([replies.open(), index]);
          else replies.append(kind === 'silent' ? null : index);
          if (waiting.length > 0 && (choices.next().value ?? 0) % 3 === 0) completeOne();
          const blocked = Math.min(...waiting.map(([, number]) => number), requests.length);
          expect(released.every((reply) => reply < blocked)).toBe(true);
        });
        while (waiting.length > 0) completeOne();
        const expected = requests.flatMap((kind, index) => (kind === 'silent' ? [] : [index]));
        expect(released).toEqual(expected);
        expect(replies.length).toBe(0);
      }),
    );
  });
});

/** Who waits for a partition, and when they are woken. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OffsetQueue, type OffsetWaiter, WatcherList } from '../../../src/replica/waiting.ts';

class Waiter implements OffsetWaiter {
  isDone = false;
  readonly outcomes: string[] = [];
  readonly #onSettled: (() => void) | undefined;

  constructor(onSettled?: () => void) {
    this.#onSettled = onSettled;
  }

  onSettled(outcome: string): void {
    this.isDone = true;
    this.outcomes.push(outcome);
    this.#onSettled?.();
  }
}

describe('the queue of those who wait for an offset', () => {
  it('releases each when its offset is reached, in order, once', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { maxLength: 300 }), fc.array(fc.nat(60)), (offsets, steps) => {
        const queue = new OffsetQueue();
        const released: number[] = [];
        for (const offset of offsets) queue.add(offset, new Waiter(() => released.push(offset)));
        let settled = -1;
        for (const step of steps) {
          settled = Math.max(settled, step);
          queue.release(settled, 'NONE');
          expect(released).toEqual(offsets.filter((offset) => offset <= settled).sort((one, other) => one - other));
          expect(queue.size).toBe(offsets.length - released.length);
        }
      }),
    );
  });

  it('lets everybody go at the end of a leadership', () => {
    const queue = new OffsetQueue();
    const waiters = [new Waiter(), new Waiter()];
    for (const waiter of waiters) queue.add(10, waiter);
    queue.releaseAll('NOT_LEADER_OR_FOLLOWER');
    queue.release(20, 'NONE');
    for (const { outcomes } of waiters) expect(outcomes).toEqual(['NOT_LEADER_OR_FOLLOWER']);
  });

  it('does not grow by requests that have timed out', () => {
    const queue = new OffsetQueue();
    for (let offset = 1; offset <= 10_000; offset++) {
      const waiter = new Waiter();
      queue.add(offset, waiter);
      waiter.isDone = true;
    }
    expect(queue.size).toBeLessThan(200);
  });
});

describe('the watchers of a partition', () => {
  it('hear of changes until they leave', () => {
    const list = new WatcherList();
    const heard: string[] = [];
    const watcher = { onPartitionChange: (change: string) => heard.push(change) };
    list.notify('appended');
    list.add(watcher);
    list.add(watcher);
    list.notify('highWatermark');
    list.remove(watcher);
    list.notify('leadership');
    expect(heard).toEqual(['highWatermark']);
    expect(list.size).toBe(0);
  });
});

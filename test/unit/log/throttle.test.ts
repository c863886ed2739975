/** A throttle keeps a rate over time, and costs nothing below it. */
import { describe, expect, it } from 'vitest';
import { CleanerPace } from '../../../src/log/cleaner-pace.ts';
import { Throttle } from '../../../src/log/throttle.ts';
import { ManualClock } from '../../support/manual-clock.ts';

describe('a throttle', () => {
  it('keeps the rate over time, whatever the pieces', () => {
    for (const pieceBytes of [1, 100, 5000]) {
      const throttle = new Throttle(10_000);
      let nowMs = 0;
      let used = 0;
      for (; used < 100_000; used += pieceBytes) nowMs += throttle.onUsed(pieceBytes, nowMs);
      const seconds = nowMs / 1000;
      expect(seconds, `pieces of ${pieceBytes}`).toBeGreaterThan(used / 10_000 - 0.32);
      expect(seconds).toBeLessThanOrEqual(used / 10_000);
    }
  });

  it('asks whoever is slower by himself for no pause', () => {
    const throttle = new Throttle(1000);
    for (let nowMs = 0; nowMs < 5000; nowMs += 100) expect(throttle.onUsed(90, nowMs)).toBe(0);
  });

  it('lets nobody save up for a long burst', () => {
    const throttle = new Throttle(1000);
    throttle.onUsed(1, 0);
    expect(throttle.onUsed(1000, 60_000)).toBeGreaterThanOrEqual(700);
  });

  it('without a bound asks for none', () => {
    expect(new Throttle(Number.MAX_VALUE).onUsed(2 ** 40, 0)).toBe(0);
  });
});

describe('the pace of the cleaner', () => {
  it('may change in the middle of a pause, which is then over', async () => {
    const pace = new CleanerPace(new ManualClock(), 1);
    const paid = pace.whenAffordable(1_000_000);
    pace.setBytesPerSecond(1);
    expect(await Promise.race([paid.then(() => 'over'), Promise.resolve('paused')])).toBe('paused');
    pace.setBytesPerSecond(1_000_000_000);
    await paid;
    await pace.whenAffordable(1000);
  });
});

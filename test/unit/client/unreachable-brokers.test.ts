/** How often a command says that a broker cannot be reached. */
import { expect, it } from 'vitest';
import { UnreachableBrokers } from '../../../src/client/unreachable-brokers.ts';

it('a broker that stays away is warned of less and less often, down to once a second', () => {
  const unreachable = new UnreachableBrokers();
  const warnedAtMs: number[] = [];
  for (let nowMs = 0; nowMs < 5000; nowMs += 10) if (unreachable.add('b:1', nowMs, false)) warnedAtMs.push(nowMs);
  expect(warnedAtMs).toEqual([0, 50, 150, 350, 750, 1550, 2550, 3550, 4550]);
});

it('a broker that answers again starts anew', () => {
  const unreachable = new UnreachableBrokers();
  for (const nowMs of [0, 50, 150]) unreachable.add('b:1', nowMs, false);
  unreachable.delete('b:1');
  expect(unreachable.has('b:1', 160)).toBe(false);
  unreachable.add('b:1', 160, false);
  expect([unreachable.has('b:1', 209), unreachable.has('b:1', 210)]).toEqual([true, false]);
});

it('bootstrap servers are not warned of once the brokers are known, but shunned', () => {
  const unreachable = new UnreachableBrokers();
  expect(unreachable.add('b:1', 0, true)).toBe(true);
  unreachable.areBrokersKnown = true;
  expect(unreachable.add('b:1', 100, true)).toBe(false);
  expect(unreachable.has('b:1', 100)).toBe(true);
  expect(unreachable.add('c:1', 100, false)).toBe(true);
});

it('advice is given once, when no broker was ever heard of for three seconds', () => {
  const unreachable = new UnreachableBrokers();
  expect(unreachable.isTimeForAdvice(0)).toBe(false);
  unreachable.add('b:1', 1000, true);
  unreachable.add('c:1', 2000, true);
  expect([3999, 4000, 5000].map((nowMs) => unreachable.isTimeForAdvice(nowMs))).toEqual([false, true, false]);
});

it('a cluster that was there and is away needs no advice', () => {
  const unreachable = new UnreachableBrokers();
  unreachable.areBrokersKnown = true;
  unreachable.add('b:1', 0, false);
  expect(unreachable.isTimeForAdvice(60_000)).toBe(false);
});

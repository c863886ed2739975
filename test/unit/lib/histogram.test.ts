/** Quantiles of the histogram against sorted values, and its windows. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Histogram } from '../../../src/lib/histogram.ts';

const SHARES = [0.5, 0.75, 0.95, 0.99, 0.999];

test('quantiles are within a bucket of the true ones', () => {
  void fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 2_000_000, noNaN: true }), { minLength: 1 }), (values) => {
      const histogram = new Histogram();
      for (const value of values) histogram.record(value);
      const sorted = values.toSorted((one, other) => one - other);
      const found = histogram.quantiles(SHARES, 0);
      for (const [index, share] of SHARES.entries()) {
        const exact = sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)] ?? Number.NaN;
        expect(Math.abs((found[index] ?? Number.NaN) - exact)).toBeLessThanOrEqual(exact / 16 + 0.001);
      }
      expect(histogram.count).toBe(values.length);
    }),
  );
});

test('nothing recorded is 0, and costs no buckets', () => {
  expect(new Histogram().quantiles(SHARES, 5)).toEqual([0, 0, 0, 0, 0]);
});

test('values out of range count at its ends', () => {
  const histogram = new Histogram(1);
  histogram.record(-5);
  histogram.record(1e12);
  const [low = -1, high = -1] = histogram.quantiles([0.5, 1], 0);
  expect(low).toBe(0);
  expect(high).toBeGreaterThan(2 ** 30);
});

test('what is older than two windows is forgotten, the count is not', () => {
  const histogram = new Histogram();
  histogram.record(1000);
  const median = (nowMs: number) => Math.round(histogram.quantiles([0.5], nowMs)[0] ?? -1);
  expect(median(0)).toBeGreaterThan(900);
  histogram.record(10);
  histogram.record(10);
  expect(median(60_000)).toBe(10);
  expect(median(119_000)).toBe(10);
  expect(median(120_000)).toBe(0);
  expect(histogram.count).toBe(3);
  expect(histogram.sum).toBe(1020);
});

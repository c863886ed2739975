/** One reading serves a scrape, and not the next. */
import { expect, test } from 'vitest';
import { recent } from '../../../src/metrics/recent.ts';

test('a reading serves for a moment and is made anew after it', () => {
  let nowMs = 0;
  let reads = 0;
  const read = recent(
    () => nowMs,
    () => ++reads,
  );
  expect([read(), read()]).toEqual([1, 1]);
  nowMs = 150;
  expect(read()).toBe(1);
  nowMs = 201;
  expect(read()).toBe(2);
});

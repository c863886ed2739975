/** What Ctrl-C means to `npm start`. */
import { expect, test } from 'vitest';
import { Interrupts } from '../../../src/cli/interrupts.ts';

function judged(...timesMs: number[]): string[] {
  const interrupts = new Interrupts();
  return timesMs.map((timeMs) => interrupts.judge(timeMs));
}

test('one interrupt asks for a stop in order', () => {
  expect(judged(5_000_000)).toEqual(['stop']);
});

test('two interrupts within a second are one wish, a later third kills at once', () => {
  expect(judged(0, 3, 1001)).toEqual(['stop', 'stop', 'kill']);
  expect(judged(7000, 8000, 8001, 9500)).toEqual(['stop', 'stop', 'kill', 'kill']);
});

test('the second is counted from the first interrupt, so that leaning on the key kills, too', () => {
  expect(judged(0, 400, 800, 1200)).toEqual(['stop', 'stop', 'stop', 'kill']);
});

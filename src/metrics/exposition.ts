/**
 * A scrape as a stream of text: written in slices of a few milliseconds, between which requests get their turn, and
 * never in memory as a whole. A broker with ten thousand partitions has a hundred thousand lines.
 */
import type { Clock } from '../lib/clock.ts';
import { headOf, type MetricFamily } from './family.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const CHUNK_CHARACTERS = 32 * 1024;
const SLICE_MS = 2;
/** The clock is not asked for every line. */
const LINES_PER_LOOK = 64;

/** @param pauses counts the turns that were left to others, for tests */
export async function* expose(
  families: readonly MetricFamily[],
  clock: Clock,
  pauses: { count: number } = { count: 0 },
): AsyncGenerator<string, void, undefined> {
  let chunk = '';
  let lineCount = 0;
  let sliceEndsMs = clock.monotonicMs() + SLICE_MS;
  for (const family of families) {
    chunk += headOf(family);
    for (const line of family.lines()) {
      chunk += line;
      if (chunk.length >= CHUNK_CHARACTERS) {
        yield chunk;
        chunk = '';
      }
      if (++lineCount % LINES_PER_LOOK !== 0 || clock.monotonicMs() < sliceEndsMs) continue;
      pauses.count++;
      await new Promise<void>((resolve) => clock.soon(resolve));
      sliceEndsMs = clock.monotonicMs() + SLICE_MS;
    }
  }
  yield chunk;
}

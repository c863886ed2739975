/** The judge of the fault tests is judged first: each kind of damage must be seen. */
import { describe, expect, it } from 'vitest';
import { judgeHistory, type Outcome, type Sent } from '../../support/history.ts';
import type { ReadRecord } from '../../support/wire-client.ts';

function sent(...entries: [value: string, outcome: Outcome, offset?: number][]): Sent[] {
  return entries.map(([value, outcome, offset = -1]) => ({ value, outcome, offset, partition: 0 }));
}

function read(...entries: [offset: number, value: string][]): Map<number, ReadRecord[]> {
  return new Map([[0, entries.map(([offset, value]) => ({ offset, value, key: null, timestampMs: 0, headers: [] }))]]);
}

describe('the judge of histories', () => {
  it('is content when every acknowledged record was read once, in order and where it should be', () => {
    expect(judgeHistory(sent(['a', 'ok', 0], ['b', 'ok', 1]), read([0, 'a'], [1, 'b']))).toEqual([]);
  });

  it('lets a record of unknown outcome be there or not, and gaps between offsets be', () => {
    const history = sent(['a', 'ok', 0], ['b', 'info'], ['c', 'info'], ['d', 'ok', 9]);
    expect(judgeHistory(history, read([0, 'a'], [2, 'c'], [9, 'd']))).toEqual([]);
  });

  it('sees a lost record', () => {
    expect(judgeHistory(sent(['a', 'ok', 0]), read())).toEqual([
      'partition 0: a was acknowledged at offset 0 and is lost',
    ]);
    expect(judgeHistory(sent(['a', 'ok', 0]), new Map())).toEqual(['partition 0 was not read, a is in it']);
  });

  it('sees a record that is there twice, also one of unknown outcome', () => {
    expect(judgeHistory(sent(['a', 'ok', 0]), read([0, 'a'], [1, 'a']))).toEqual([
      'partition 0: a is at offset 0 and again at 1',
    ]);
    expect(judgeHistory(sent(['a', 'info']), read([0, 'a'], [1, 'a']))).toHaveLength(1);
  });

  it('sees records out of order', () => {
    expect(judgeHistory(sent(['a', 'ok', 1], ['b', 'ok', 0]), read([0, 'b'], [1, 'a']))).toEqual([
      'partition 0: a at offset 1 stands after a record that was sent later',
    ]);
    expect(judgeHistory(sent(['a', 'ok', 1], ['b', 'ok', 0]), read([1, 'a'], [0, 'b']))).toEqual([
      'partition 0: offset 0 comes after 1',
    ]);
  });

  it('sees a record somewhere else than acknowledged', () => {
    expect(judgeHistory(sent(['a', 'ok', 5]), read([6, 'a']))).toEqual([
      'partition 0: a was acknowledged at offset 5 and is at 6',
    ]);
  });

  it('sees a record that was refused and one that nobody sent', () => {
    expect(judgeHistory(sent(['a', 'fail']), read([0, 'a'], [1, 'ghost']))).toEqual([
      'partition 0: ghost at offset 1 was never sent',
      'partition 0: a was refused and is at offset 0',
    ]);
  });
});

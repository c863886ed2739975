/** Where a reader of a topic goes on, as text. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endMark, isEndMark, parsePosition, positionText } from '../../../src/rest/tail-position.ts';

const TOPIC_ID = 'pZKd5vvoQ0mlHgUYsfTrWQ';

test('partitions in their order, then the topic', () => {
  const offsets = new Map([
    [1, 4],
    [0, 17],
    [10, 0],
  ]);
  expect(positionText({ offsets, topicId: TOPIC_ID })).toBe(`0:17,1:4,10:0@${TOPIC_ID}`);
  expect(positionText({ offsets: new Map([[3, 2 ** 53 - 1]]), topicId: null })).toBe('3:9007199254740991');
});

test('what is written is read back', () => {
  const offsets = fc.dictionary(fc.nat().map(String), fc.maxSafeNat(), { minKeys: 1 });
  fc.assert(
    fc.property(offsets, fc.constantFrom(null, TOPIC_ID), (entries, topicId) => {
      const position = {
        offsets: new Map(Object.entries(entries).map(([partition, offset]) => [Number(partition) % 1e9, offset])),
        topicId,
      };
      expect(parsePosition(positionText(position))).toEqual(position);
    }),
  );
});

test('the end of what was wanted is no position, and known with and without one', () => {
  for (const position of ['', '0:17', `0:17,1:4@${TOPIC_ID}`]) {
    const mark = endMark(position);
    expect([isEndMark(mark), isEndMark(position), parsePosition(mark)]).toEqual([true, false, null]);
  }
  expect(['x/end', '0:1/end/end', '0:1/END', '/end '].filter(isEndMark)).toEqual([]);
});

test.each([
  '',
  '7',
  '0:',
  ':1',
  '0:-1',
  '0:1,',
  '0:1,0:2',
  '0:1@short',
  `0:1@${TOPIC_ID}@`,
  `0:1@${TOPIC_ID}@${TOPIC_ID}`,
  '0:99999999999999999999',
  '0:9007199254740993',
  '0:1 ',
  '０:1',
  `0:1,${'1:1,'.repeat(10_000)}2:1`,
])('%.30j is none', (text) => {
  expect(parsePosition(text)).toBeNull();
});

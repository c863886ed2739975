/** What --reset-offsets understands: times, durations, topics with partitions, plans in files. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sorted } from '../../../src/cli/group-tables.ts';
import {
  clampOffset,
  parseDateTime,
  parseDuration,
  parsePlan,
  parseTopicArguments,
  planText,
} from '../../../src/cli/reset-plan.ts';

describe('a time', () => {
  it.each([
    ['2024-01-31T12:00:00.000', '2024-01-31T12:00:00.000Z'],
    ['2024-01-31T12:00:00.000Z', '2024-01-31T12:00:00.000Z'],
    ['2024-01-31T12:00:00.000+05:30', '2024-01-31T06:30:00.000Z'],
    ['2024-01-31T12:00:00.000-08', '2024-01-31T20:00:00.000Z'],
    ['2024-02-29T23:59:59.999', '2024-02-29T23:59:59.999Z'],
    ['1965-01-01T00:00:00.000', '1965-01-01T00:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(parseDateTime(text)).toISOString()).toBe(expected);
  });

  it.each(['2024-01-31', '2024-01-31T12:00:00', '2023-02-29T00:00:00.000', '2024-01-31T25:00:00.000', 'Today'])(
    '%s is none',
    (text) => {
      expect(() => parseDateTime(text)).toThrow(/^java\.text\.ParseException: /);
    },
  );
});

describe('a duration', () => {
  it.each([
    ['PT0S', 0],
    ['P1D', 86_400_000],
    ['PT1H30M', 5_400_000],
    ['P2DT3H4M5.678S', 183_845_678],
    ['PT-6H+3M', -21_420_000],
    ['-PT1H', -3_600_000],
    ['pt1s', 1000],
  ])('%s is %i ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each(['', 'P', 'PT', 'P1DT', '1D', 'PT1D', 'P1Y', 'PT1.5H', 'one day'])('"%s" is none', (text) => {
    expect(() => parseDuration(text)).toThrow('Text cannot be parsed to a Duration');
  });
});

describe('the topics of --topic', () => {
  it('are whole, or some of their partitions', () => {
    expect(parseTopicArguments(['a', 'b:0,2', 'c:7'])).toEqual({
      whole: ['a'],
      partitions: [
        { topic: 'b', partition: 0 },
        { topic: 'b', partition: 2 },
        { topic: 'c', partition: 7 },
      ],
    });
  });

  it.each([
    ['a:1:2', "Invalid topic arg 'a:1:2', expected topic name and partitions"],
    ['a:', "Invalid topic arg 'a:', expected topic name and partitions"],
    ['a:x', "Invalid partition 'x' specified in topic arg 'a:x''"],
    ['a:1,', "Invalid partition '' specified in topic arg 'a:1,''"],
  ])('are refused as %s', (argument, message) => {
    expect(() => parseTopicArguments([argument])).toThrow(message);
  });
});

describe('a plan', () => {
  it('for one group need not name it', () => {
    expect(parsePlan('t,0,5\nt,1,6\n', ['g'])).toEqual(
      new Map([
        [
          'g',
          [
            { topic: 't', partition: 0, offset: 5 },
            { topic: 't', partition: 1, offset: 6 },
          ],
        ],
      ]),
    );
  });

  it('for several groups names them, also when one of them is asked for', () => {
    const plan = parsePlan('g1,t,0,5\r\n"g,2",t,0,6\r\n', ['g1']);
    expect(plan.get('g1')).toEqual([{ topic: 't', partition: 0, offset: 5 }]);
    expect(plan.get('g,2')).toEqual([{ topic: 't', partition: 0, offset: 6 }]);
  });

  it.each([
    ['three cells for several groups', 't,0,5', ['g1', 'g2']],
    ['a partition that is no number', 't,x,5', ['g']],
    ['a line that is cut', 't,0,5\nt,1', ['g']],
    ['a line with too much', 't,0,5\nt,1,2,3', ['g']],
    ['an offset beyond all offsets', 't,0,99999999999999999999', ['g']],
  ])('is refused with %s', (_what, csv, groupIds) => {
    expect(() => parsePlan(csv, groupIds)).toThrow(/of the plan is not/);
  });

  it.each([
    ['one group', 't,0', ['g'], 'the line "t,0" of the plan is not topic,partition,offset'],
    ['one group of several', 'g,t,0,5\ng,t', ['g'], 'the line "g,t" of the plan is not group,topic,partition,offset'],
    ['several groups', 't,0', [], 'the line "t,0" of the plan is not group,topic,partition,offset'],
  ])('with a short line is told how a plan for %s is written', (_what, csv, groupIds, message) => {
    expect(() => parsePlan(csv, groupIds)).toThrow(message);
  });

  it('is printed in the order of topics and partitions', () => {
    const offsets = [
      { topic: 'b', partition: 10, offset: 1 },
      { topic: 'b', partition: 9, offset: 2 },
      { topic: 'a', partition: 0, offset: 3 },
    ];
    expect(planText(new Map([['g', offsets]]), true)).toBe('a,0,3\nb,9,2\nb,10,1\n');
  });

  it('comes back from what --export prints', () => {
    const offset = fc.record({
      topic: fc.string({ unit: fc.constantFrom('a', 'B', '.', '_', '-', '7'), minLength: 1 }),
      partition: fc.nat(1000),
      offset: fc.nat(),
    });
    const key = ({ topic, partition }: { topic: string; partition: number }): string => `${topic}/${partition}`;
    const offsets = fc.uniqueArray(offset, { selector: key, minLength: 1 }).map(sorted);
    const groupId = fc.string({ unit: fc.constantFrom('g', '"', ',', 'ü', ' '), minLength: 1 }).map((id) => `x${id}x`);
    const plans = fc.uniqueArray(fc.tuple(groupId, offsets), { selector: ([id]) => id, minLength: 1 });
    fc.assert(
      fc.property(plans, (entries) => {
        const plan = new Map(entries);
        expect(parsePlan(planText(plan, false), [])).toEqual(plan);
        const [[id, only] = ['', []]] = entries;
        expect(parsePlan(planText(new Map([[id, only]]), true), [id])).toEqual(new Map([[id, only]]));
      }),
    );
  });
});

describe('an offset', () => {
  const at = (offset: number) => ({ topic: 't', partition: 0, offset });
  it.each([
    [5, { start: 2, end: 9 }, 5, null],
    [2, { start: 2, end: 9 }, 2, null],
    [9, { start: 2, end: 9 }, 9, null],
    [
      10,
      { start: 2, end: 9 },
      9,
      'New offset (10) is higher than latest offset for topic partition t-0. Value will be set to 9',
    ],
    [
      -3,
      { start: 2, end: 9 },
      2,
      'New offset (-3) is lower than earliest offset for topic partition t-0. Value will be set to 2',
    ],
    [77, { start: null, end: null }, 77, null],
  ])('%i in %o becomes %i', (asked, range, offset, warning) => {
    expect(clampOffset(at(asked), range)).toEqual({ offset, warning });
  });
});

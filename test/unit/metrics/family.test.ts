/** Lines of the text format, and what a scrape does between them. */
import { expect, test } from 'vitest';
import { Histogram } from '../../../src/lib/histogram.ts';
import { Dialects } from '../../../src/metrics/dialect.ts';
import { expose } from '../../../src/metrics/exposition.ts';
import { counter, gauge, labelled, labelsOf, type MetricFamily } from '../../../src/metrics/family.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { parseScrape } from '../../support/scrape.ts';

async function textOf(families: readonly MetricFamily[], clock = new ManualClock()): Promise<string> {
  let text = '';
  for await (const chunk of expose(families, clock)) text += chunk;
  return text;
}

test('a family has a head and a line for each value', async () => {
  const families = [
    gauge('size', 'How large', () => 1.5),
    labelled('counter', 'seen_total', 'How often', () => [
      ['', 3],
      [labelsOf({ topic: 'a', partition: 0 }), 2],
    ]),
  ];
  expect(await textOf(families)).toBe(
    '# HELP size How large\n# TYPE size gauge\nsize 1.5\n' +
      '# HELP seen_total How often\n# TYPE seen_total counter\nseen_total 3\nseen_total{topic="a",partition="0"} 2\n',
  );
});

test('what clients say of themselves cannot end a label or a line', async () => {
  const hostile = 'a"} 1\nforged 2\\';
  const text = await textOf([labelled('gauge', 'x', 'X', () => [[labelsOf({ name: hostile }), 1]])]);
  expect(text.split('\n')[2]).toBe(String.raw`x{name="a\"} 1\nforged 2\\"} 1`);
  expect([...parseScrape(text).series.keys()]).toEqual(['x']);
});

test('numbers that are none are written as Prometheus reads them', async () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e21];
  const lines = (await textOf(values.map((value, index) => gauge(`g${index}`, 'G', () => value)))).split('\n');
  expect(lines.filter((line) => /^g\d/.test(line))).toEqual(['g0 NaN', 'g1 +Inf', 'g2 -Inf', 'g3 1e+21']);
});

test('each dialect has its own names, and both have what is the same', async () => {
  const histogram = new Histogram();
  histogram.record(8);
  const namesIn = async (...wanted: ('jmx' | 'confluent')[]): Promise<string[]> => {
    const dialects = new Dialects(wanted, () => 0);
    const families = [
      ...dialects.meter('messagesin', 'In', () => [['', 1]]),
      ...dialects.percent('idle', 'Idle', () => 1),
      ...dialects.histogram('timems', 'Time', () => [[{ request: 'Fetch' }, histogram]]),
    ];
    return [...parseScrape(await textOf(families)).series.keys()];
  };
  expect(await namesIn('jmx')).toEqual(['messagesin_total', 'idle_percent', 'timems', 'timems_count']);
  expect(await namesIn('confluent')).toEqual(['messagesinpersec', 'idlepercent', 'timems', 'timems_count']);
  expect(await namesIn('jmx', 'confluent')).toHaveLength(6);
});

test('a long scrape lets others work every few milliseconds, and comes in pieces', async () => {
  const clock = new ManualClock();
  let read = 0;
  const families = Array.from({ length: 3000 }, (_, index) =>
    counter(`c${index}_total`, 'C', () => {
      clock.advance(0.01);
      return read++;
    }),
  );
  const pauses = { count: 0 };
  const chunks: string[] = [];
  for await (const chunk of expose(families, clock, pauses)) chunks.push(chunk);
  expect(pauses.count).toBeGreaterThan(8);
  expect(chunks.length).toBeGreaterThan(2);
  expect(parseScrape(chunks.join('')).series.size).toBe(3000);
});

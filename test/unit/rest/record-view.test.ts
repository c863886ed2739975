/** What bytes of records are shown as. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it, test } from 'vitest';
import { parseAvroSchema } from '../../../src/registry/avro-schema.ts';
import { leaderUnknown, schemaNotFound } from '../../../src/registry/registry-errors.ts';
import { RecordView, VIEW_FORMATS } from '../../../src/rest/record-view.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const { root } = parseAvroSchema('{"type":"record","name":"R","fields":[{"name":"n","type":"long"}]}', [], {
  isNew: true,
  isNormalized: false,
});
/** The id, and 2^53 + 1. */
const DATUM = Buffer.from([0, 0, 0, 0, 7, 0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);

let clock: ManualClock;
let asked: number[];
let hasRegistry: boolean;
let isLeaderless: boolean;
let view: RecordView;

beforeEach(() => {
  clock = new ManualClock();
  asked = [];
  hasRegistry = true;
  isLeaderless = false;
  const byId = async (id: number) => {
    asked.push(id);
    if (isLeaderless) throw leaderUnknown();
    if (id !== 7) throw schemaNotFound(id);
    return { id, root };
  };
  view = new RecordView({ schemas: { byId }, hasRegistry: () => hasRegistry, clock });
});

describe('without being told what it is', () => {
  it.each([
    ['{"a": 1.0, "b": 9007199254740993}', 'json', '{"a": 1.0, "b": 9007199254740993}'],
    ['12', 'json', '12'],
    ['null', 'json', 'null'],
    ['{"a":', 'string', '"{\\"a\\":"'],
    ['ü\n\u2028', 'string', JSON.stringify('ü\n\u2028')],
    ['', 'string', '""'],
    ['\ufeff{}', 'string', JSON.stringify('\ufeff{}')],
  ])('%j is %s', (text, format, json) => {
    expect(view.show(Buffer.from(text), null)).toEqual({ format, json });
  });

  it('what is no text is base64', () => {
    expect(view.show(Buffer.from([0xff, 1]), null)).toEqual({ format: 'binary', json: '"/wE="' });
  });

  it('null is null', () => {
    expect(view.show(null, null)).toEqual({ format: null, json: 'null' });
  });

  it('a datum is read by its schema, to the last digit', async () => {
    expect(await view.show(DATUM, null)).toEqual({ format: 'avro', json: '{"n":9007199254740993}' });
  });

  it('bytes that only look like a datum are shown as bytes', async () => {
    const cut = DATUM.subarray(0, 7);
    expect(await view.show(cut, null)).toEqual({ format: 'binary', json: `"${cut.toString('base64')}"` });
  });
});

describe('as what is wanted', () => {
  it.each([
    ['avro', '{}', 'binary', '"e30="'],
    ['json', '{}', 'json', '{}'],
    ['json', 'x', 'binary', '"eA=="'],
    ['string', '{}', 'string', '"{}"'],
    ['binary', '{}', 'binary', '"e30="'],
  ] as const)('%s for %s is %s', (wanted, text, format, json) => {
    expect(view.show(Buffer.from(text), wanted)).toEqual({ format, json });
  });

  it('other formats do not ask for schemas', () => {
    expect(view.show(DATUM, 'binary')).toMatchObject({ format: 'binary' });
    expect(asked).toEqual([]);
  });
});

test('a schema that is missing is not asked for again and again', async () => {
  const datum = Buffer.from([0, 0, 0, 0, 9, 1]);
  for (let round = 0; round < 3; round++) expect(await view.show(datum, null)).toMatchObject({ format: 'string' });
  expect(asked).toEqual([9]);
  clock.advance(10_000);
  await view.show(datum, null);
  expect(asked).toEqual([9, 9]);
});

test('of ids without a schema a bounded number is remembered', async () => {
  const datum = (id: number) => Buffer.from([0, 0, 0, id >> 8, id & 0xff, 1]);
  for (let id = 100; id < 1200; id++) await view.show(datum(id), null);
  await view.show(datum(1199), null);
  expect(asked).toHaveLength(1100);
  await view.show(datum(100), null);
  expect(asked).toHaveLength(1101);
});

test('while the registry cannot be asked nothing is shown as what it is not', async () => {
  isLeaderless = true;
  await expect(view.show(DATUM, null)).rejects.toMatchObject({ code: 50004 });
  isLeaderless = false;
  expect(await view.show(DATUM, null)).toMatchObject({ format: 'avro' });
});

test('where there is no registry none is asked', async () => {
  hasRegistry = false;
  expect(await view.show(DATUM, null)).toMatchObject({ format: 'binary' });
  expect(asked).toEqual([]);
});

test('headers are text where they can be', () => {
  expect(view.showHeader({ key: 'a"', value: Buffer.from('{}') })).toBe(
    '{"name":"a\\"","value":"{}","format":"string"}',
  );
  expect(view.showHeader({ key: 'b', value: Buffer.from([0xff]) })).toBe(
    '{"name":"b","value":"/w==","format":"binary"}',
  );
  expect(view.showHeader({ key: 'c', value: null })).toBe('{"name":"c","value":null,"format":null}');
});

test('whatever the bytes, JSON comes out', async () => {
  const formats = fc.constantFrom(null, ...VIEW_FORMATS);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), formats, fc.boolean(), async (bytes, wanted, isDatum) => {
      const all = Buffer.concat([isDatum ? DATUM.subarray(0, 5) : Buffer.alloc(0), bytes]);
      const { json, format } = await view.show(all, wanted);
      const value: unknown = JSON.parse(json);
      if (format === 'binary') expect(Buffer.from(String(value), 'base64')).toEqual(all);
      if (format === 'string') expect(Buffer.from(String(value))).toEqual(all);
    }),
  );
});

/** Record batches that we build, with every codec, as the Java client reads them. */
import * as path from 'node:path';
import { expect, it } from 'vitest';
import { buildBatch, type NewBatch, type NewRecord } from '../../src/protocol/records/build.ts';
import { COMPRESSION_TYPES } from '../../src/protocol/records/codecs.ts';
import { runOk } from '../support/child-process.ts';
import { kafkaLibDirectory } from '../support/kafka-jars.ts';

const JUDGE = path.join(import.meta.dirname, 'RecordReader.java');
const NOW = 1_763_700_000_000;

const RECORDS: NewRecord[] = [
  { key: Buffer.from('key'), value: Buffer.from('value'), timestampMs: NOW },
  { key: null, value: null, timestampMs: NOW - 86_400_000 },
  {
    key: Buffer.alloc(0),
    value: Buffer.alloc(200_000, 'compressible '),
    timestampMs: NOW + 1,
    headers: [
      { key: 'trace-ä', value: Buffer.from([0, 255]) },
      { key: '', value: null },
    ],
  },
  ...Array.from({ length: 300 }, (_, i) => ({ key: null, value: Buffer.from(`v${i}`), timestampMs: NOW + i })),
];

const BATCHES: NewBatch[] = [
  ...COMPRESSION_TYPES.map((compression) => ({ records: RECORDS, compression, baseOffset: 5_000_000_000 })),
  { records: RECORDS.slice(0, 2), baseOffset: 7, producerId: 4000, producerEpoch: 2, baseSequence: 2147483647 },
  { records: RECORDS.slice(0, 2), logAppendTimeMs: NOW + 5000, compression: 'lz4' },
  {
    records: RECORDS.slice(0, 2).map((record, i) => ({ ...record, offset: 12 + 3 * i })),
    baseOffset: 10,
    lastOffset: 19,
  },
  { records: [], baseOffset: 10, lastOffset: 19 },
];

const hex = (bytes: Buffer | null) => bytes?.toString('hex') ?? '-';

function expected({ records, baseOffset = 0, logAppendTimeMs }: NewBatch): string {
  const lines = records.map(({ key, value, headers = [], timestampMs, offset }, i) => {
    const told = headers.map((header) => `${hex(Buffer.from(header.key))}=${hex(header.value)}`);
    return [offset ?? baseOffset + i, logAppendTimeMs ?? timestampMs, hex(key), hex(value), told].join(':');
  });
  return lines.join(' ');
}

it('batches that we build are read by the Java client', async () => {
  const lib = await kafkaLibDirectory();
  const input = BATCHES.map((batch) => buildBatch(batch).toString('hex')).join('\n');
  const { stdout } = await runOk('java', ['-cp', `${lib}/*`, JUDGE], { input, timeoutMs: 60_000 });
  const lines = stdout.split('\n').slice(0, -1);
  expect(lines).toHaveLength(BATCHES.length);
  BATCHES.forEach((batch, i) => {
    expect(lines[i] === expected(batch), `batch ${i}: ${lines[i]?.slice(0, 200)}`).toBe(true);
  });
});

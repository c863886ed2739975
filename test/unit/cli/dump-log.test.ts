/** kafka-dump-log on files made here; test/interop compares it with Kafka's own tool on files of both. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { main } from '../../../src/cli/dump-log.ts';
import { encodeSnapshot } from '../../../src/log/producer-snapshot.ts';
import { encodeAbortedTxn } from '../../../src/log/transaction-index.ts';
import { RecordBatch } from '../../../src/protocol/records/batch.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'barnabas-dump-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const NAME = '00000000000000000005';
const record = (key: string | null, value: string | null, timestampMs = 1000) => ({
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  timestampMs,
});

const FIRST = buildBatch({
  baseOffset: 5,
  partitionLeaderEpoch: 2,
  records: [record('k', 'v'), record(null, 'w', 2000)],
});
const SECOND = buildBatch({
  baseOffset: 7,
  producerId: 9,
  producerEpoch: 1,
  baseSequence: 2147483647,
  compression: 'gzip',
  records: [{ ...record(null, null, 3000), headers: [{ key: 'h', value: null }] }, record(null, 'z', 3000)],
});
const MARKER = buildBatch({
  baseOffset: 9,
  producerId: 9,
  producerEpoch: 1,
  isTransactional: true,
  isControl: true,
  records: [{ key: Buffer.from([0, 0, 0, 1]), value: Buffer.from([0, 0, 0, 0, 0, 4]), timestampMs: 4000 }],
});

function write(name: string, ...bytes: Buffer[]): string {
  const file = join(directory, name);
  writeFileSync(file, Buffer.concat(bytes));
  return file;
}

async function dump(files: string, ...args: string[]) {
  const terminal = new TestTerminal();
  const exitCode = await main(['--files', files, ...args], terminal);
  const clean = (text: string) => text.replaceAll(`${directory}/`, '').split('\n').slice(0, -1);
  return { exitCode, out: clean(terminal.stdout), err: clean(terminal.stderr) };
}

const crc = (bytes: Buffer) => new RecordBatch(bytes).crc;

test('each batch of a segment is a line', async () => {
  const file = write(`${NAME}.log`, FIRST, SECOND);
  expect(await dump(file)).toEqual({
    exitCode: 0,
    out: [
      `Dumping ${NAME}.log`,
      'Log starting offset: 5',
      'baseOffset: 5 lastOffset: 6 count: 2 baseSequence: -1 lastSequence: -1 producerId: -1 producerEpoch: -1 ' +
        'partitionLeaderEpoch: 2 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty ' +
        `position: 0 CreateTime: 2000 size: ${FIRST.length} magic: 2 compresscodec: none ` +
        `crc: ${crc(FIRST)} isvalid: true`,
      'baseOffset: 7 lastOffset: 8 count: 2 baseSequence: 2147483647 lastSequence: 0 producerId: 9 producerEpoch: 1 ' +
        'partitionLeaderEpoch: -1 isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty ' +
        `position: ${FIRST.length} CreateTime: 3000 size: ${SECOND.length} magic: 2 compresscodec: gzip ` +
        `crc: ${crc(SECOND)} isvalid: true`,
    ],
    err: [],
  });
});

test('--print-data-log prints each record, its key and its value', async () => {
  const { out } = await dump(write(`${NAME}.log`, FIRST, SECOND, MARKER), '--print-data-log');
  expect(out.filter((line) => line.startsWith('|'))).toEqual([
    '| offset: 5 CreateTime: 1000 keySize: 1 valueSize: 1 sequence: -1 headerKeys: [] key: k payload: v',
    '| offset: 6 CreateTime: 2000 keySize: -1 valueSize: 1 sequence: -1 headerKeys: [] payload: w',
    '| offset: 7 CreateTime: 3000 keySize: -1 valueSize: -1 sequence: 2147483647 headerKeys: [h]',
    '| offset: 8 CreateTime: 3000 keySize: -1 valueSize: 1 sequence: 0 headerKeys: [] payload: z',
    '| offset: 9 CreateTime: 4000 keySize: 4 valueSize: 6 sequence: -1 headerKeys: [] ' +
      'endTxnMarker: COMMIT coordinatorEpoch: 4',
  ]);
});

test('--skip-record-metadata leaves keys and values alone', async () => {
  const { out } = await dump(write(`${NAME}.log`, FIRST), '--print-data-log', '--skip-record-metadata');
  expect(out.slice(-2)).toEqual(['| key: k payload: v', '| payload: w']);
});

test('a torn batch at the end is counted, a damaged one is not valid', async () => {
  const damaged = Buffer.from(FIRST);
  damaged[FIRST.length - 1] = 0x7f;
  const { out } = await dump(write(`${NAME}.log`, damaged, SECOND.subarray(0, 30)));
  expect(out[2]).toMatch(/isvalid: false$/);
  expect(out.at(-1)).toBe(`Found 30 invalid bytes at the end of ${NAME}.log`);
});

test('bytes that are no batch end the dump with their place', async () => {
  const { exitCode, out, err } = await dump(write(`${NAME}.log`, FIRST, Buffer.alloc(40)));
  expect(exitCode).toBe(1);
  expect(err[0]).toMatch(new RegExp(`^${NAME}.log cannot be read at position ${FIRST.length}: `));
  expect(out.at(-1)).toBe(`Found 40 invalid bytes at the end of ${NAME}.log`);
});

test('offsets with a hole between them are told at the end', async () => {
  const later = buildBatch({ baseOffset: 20, records: [record(null, 'x')] });
  const { err } = await dump(write(`${NAME}.log`, FIRST, later), '--deep-iteration');
  expect(err).toEqual([`Non-consecutive offsets in ${NAME}.log`, '  6 is followed by 20']);
});

test('--max-bytes reads no more of a log', async () => {
  const { out } = await dump(write(`${NAME}.log`, FIRST, SECOND), '--max-bytes', String(FIRST.length + 10));
  expect(out).toHaveLength(3);
});

function offsetEntry(relativeOffset: number, position: number): Buffer {
  const entry = Buffer.alloc(8);
  entry.writeInt32BE(relativeOffset, 0);
  entry.writeInt32BE(position, 4);
  return entry;
}

function timeEntry(timestampMs: number, relativeOffset: number): Buffer {
  const entry = Buffer.alloc(12);
  entry.writeBigInt64BE(BigInt(timestampMs), 0);
  entry.writeInt32BE(relativeOffset, 8);
  return entry;
}

test('an index is printed up to the zeros that follow it', async () => {
  write(`${NAME}.log`, FIRST, SECOND);
  const file = write(`${NAME}.index`, offsetEntry(3, FIRST.length), Buffer.alloc(64));
  expect((await dump(file)).out).toEqual([`Dumping ${NAME}.index`, `offset: 8 position: ${FIRST.length}`]);
  expect((await dump(file, '--verify-index-only')).out).toHaveLength(1);
  expect((await dump(file, '--index-sanity-check')).out[1]).toBe(`${NAME}.index passed sanity check.`);
  expect((await dump(write(`${NAME}.index`))).out[1]).toBe(`${NAME}.index is empty.`);
});

test('an index that does not fit its log is told at the end', async () => {
  write(`${NAME}.log`, FIRST, SECOND);
  const { err } = await dump(write(`${NAME}.index`, offsetEntry(2, FIRST.length)));
  expect(err).toEqual([`Mismatches in :${NAME}.index`, '  Index offset: 7, log offset: 8']);
});

test('a time index is checked against timestamps and order', async () => {
  write(`${NAME}.log`, FIRST, SECOND);
  write(`${NAME}.index`, offsetEntry(3, FIRST.length));
  const good = write(`${NAME}.timeindex`, timeEntry(2000, 1), timeEntry(3000, 3), Buffer.alloc(24));
  expect(await dump(good)).toMatchObject({
    out: [`Dumping ${NAME}.timeindex`, 'timestamp: 2000 offset: 6', 'timestamp: 3000 offset: 8'],
    err: [],
  });
  const bad = write(`${NAME}.timeindex`, timeEntry(3000, 1), timeEntry(3000, 3), timeEntry(4000, 9));
  expect((await dump(bad)).err).toEqual([
    `Found timestamp mismatch in :${NAME}.timeindex`,
    '  Index timestamp: 3000, log timestamp: 2000',
    `Found out of order timestamp in :${NAME}.timeindex`,
    '  Index timestamp: 3000, Previously indexed timestamp: 3000',
    'The following indexed offsets are not found in the log.',
    'Indexed offset: 14, found log offset: -1',
  ]);
});

test('producer snapshots and aborted transactions are printed', async () => {
  const batch = { firstSequence: 4, lastSequence: 5, firstOffset: 8, lastOffset: 9, timestampMs: 77 };
  const producer = {
    producerId: 3,
    producerEpoch: 1,
    coordinatorEpoch: -1,
    lastTimestampMs: 77,
    currentTxnFirstOffset: -1,
    batches: [batch],
  };
  expect((await dump(write(`${NAME}.snapshot`, encodeSnapshot(new Map([[3, producer]]))))).out[1]).toBe(
    'producerId: 3 producerEpoch: 1 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong.empty lastTimestamp: 77 ' +
      'firstSequence: 4 lastSequence: 5 lastOffset: 9 offsetDelta: 1 timestamp: 77',
  );
  expect((await dump(write(`${NAME}.snapshot`, Buffer.alloc(20)))).err).toHaveLength(1);
  const aborted = encodeAbortedTxn({ producerId: 3, firstOffset: 6, lastOffset: 8, lastStableOffset: 9 });
  expect((await dump(write(`${NAME}.txnindex`, aborted))).out[1]).toBe(
    'version: 0 producerId: 3 firstOffset: 6 lastOffset: 8 lastStableOffset: 9',
  );
});

test('several files are dumped one after the other, unknown ones are passed over, missing ones end it', async () => {
  const log = write(`${NAME}.log`, FIRST);
  const other = write('notes.txt');
  const { out, err } = await dump(`${log},${other}`);
  expect(out.filter((line) => line.startsWith('Dumping'))).toEqual([`Dumping ${NAME}.log`, 'Dumping notes.txt']);
  expect(err).toEqual(['Ignoring unknown file notes.txt']);
  const missing = await dump(join(directory, '00000000000000000000.log'));
  expect([missing.exitCode, missing.err]).toEqual([1, ['00000000000000000000.log (No such file or directory)']]);
});

test('--files is required', async () => {
  const terminal = new TestTerminal();
  expect(await main(['--print-data-log'], terminal)).toBe(1);
  expect(terminal.stderr).toMatch(/^Missing required argument "\[files\]"\n/);
});

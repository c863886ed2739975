/** Very many records of one request: how many are under way, and what becomes of them when the cluster is silent. */
import { expect, test } from 'vitest';
import { ApiError } from '../../../src/client/api-error.ts';
import type { RecordPlace } from '../../../src/client/batch-queue.ts';
import { Deferred } from '../../../src/lib/deferred.ts';
import { type MadeRecords, type ProductionTools, writeRecords } from '../../../src/rest/record-production.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function madeRecords(count: number): MadeRecords {
  const record = { partition: null, key: null, value: null, timestampMs: 0 };
  return { records: Array.from({ length: count }, () => record), keySchemaId: null, valueSchemaId: null };
}

function newDesk() {
  const clock = new ManualClock();
  const writes: Deferred<RecordPlace>[] = [];
  const write = (): Promise<RecordPlace> => {
    const written = new Deferred<RecordPlace>();
    writes.push(written);
    return written.promise;
  };
  const tools = { writer: { write }, clock } as unknown as ProductionTools;
  return { clock, writes, tools };
}

test('some thousand records are under way at once, and the next follow as they arrive', async () => {
  const { writes, tools } = newDesk();
  const response = writeRecords(tools, 't', madeRecords(12_000));
  let most = 0;
  for (let arrived = 0; arrived < 12_000; ) {
    while (writes.length === arrived) await turn();
    // As many as there will be before something arrives.
    for (let before = -1; before < writes.length; await turn()) before = writes.length;
    most = Math.max(most, writes.length - arrived);
    for (; arrived < writes.length; arrived++)
      writes[arrived]?.resolve({ partition: 0, offset: arrived, timestampMs: 0 });
    await turn();
  }
  expect(most).toBe(5000);
  const { offsets } = await response;
  expect(offsets.map(({ offset }) => offset)).toEqual(Array.from({ length: 12_000 }, (_, index) => index));
});

test('so many are given without waiting in between, and others have their turn before the next', async () => {
  const { writes, tools } = newDesk();
  void writeRecords(tools, 't', madeRecords(1500));
  expect(writes.length).toBe(1000);
  await turn();
  expect(writes.length).toBe(1500);
});

test('what the cluster has not answered in time is not followed by more', async () => {
  const { clock, writes, tools } = newDesk();
  const response = writeRecords(tools, 't', madeRecords(12_000));
  while (writes.length < 5000) await turn();
  clock.advance(30_000);
  const expired = new ApiError('TimeoutException', 'Expiring 5000 record(s) for t-0:30000 ms has passed');
  for (const written of writes) written.reject(expired);
  const { offsets } = await response;
  expect(writes.length).toBe(5000);
  expect(offsets.length).toBe(12_000);
  expect(new Set(offsets.map(({ error_code: code }) => code))).toEqual(new Set([50003]));
});

test('a partition that is not there is nothing that others have to wait for', async () => {
  const { writes, tools } = newDesk();
  const response = writeRecords(tools, 't', madeRecords(5001));
  while (writes.length < 5000) await turn();
  for (const written of writes) written.reject(new ApiError('TimeoutException', 'Partition 9 is not present'));
  while (writes.length < 5001) await turn();
  writes[5000]?.resolve({ partition: 0, offset: 7, timestampMs: 0 });
  expect((await response).offsets[5000]).toEqual({ partition: 0, offset: 7, error_code: null, error: null });
});

/** Records of one partition on their way into batches. */
import { expect, test } from 'vitest';
import { BatchQueue } from '../../../src/client/batch-queue.ts';

const record = (text: string) => ({ key: null, value: Buffer.from(text), timestampMs: 0 });
const add = (queue: BatchQueue, text: string, sizeBytes = 10, nowMs = 0) =>
  queue.add(record(text), sizeBytes, () => undefined, nowMs);
const texts = (queue: BatchQueue) => queue.take()?.records.map(({ value }) => value?.toString());

test('a batch is due when it lingered, when it is full, when another waits behind it, or when all is flushed', () => {
  const queue = new BatchQueue(0, 20);
  expect(queue.dueMs(1000, false)).toBeNull();
  add(queue, 'a', 10, 500);
  expect(queue.dueMs(1000, false)).toBe(1500);
  expect(queue.dueMs(1000, true)).toBe(0);
  add(queue, 'b');
  expect(queue.dueMs(1000, false)).toBe(0);
  add(queue, 'c');
  expect(texts(queue)).toEqual(['a', 'b']);
});

test('a record that is larger than a batch has one for itself', () => {
  const queue = new BatchQueue(0, 20);
  add(queue, 'a');
  add(queue, 'large', 50);
  add(queue, 'b');
  expect(texts(queue)).toEqual(['a']);
  queue.settle();
  expect(texts(queue)).toEqual(['large']);
  queue.settle();
  expect(texts(queue)).toEqual(['b']);
});

test('nothing is due while a batch is on its way', () => {
  const queue = new BatchQueue(0, 10);
  add(queue, 'a');
  add(queue, 'b');
  queue.take();
  expect(queue.dueMs(0, true)).toBeNull();
  queue.settle();
  expect(queue.dueMs(0, true)).toBe(0);
});

test('a batch that comes back is the first again, takes no more records, and waits for its time', () => {
  const queue = new BatchQueue(0, 100);
  add(queue, 'a');
  const batch = queue.take();
  add(queue, 'b');
  if (batch === null) throw new Error('nothing was taken');
  batch.attempts = 1;
  batch.retryAtMs = 700;
  queue.putBack(batch);
  expect(queue.dueMs(0, true)).toBe(700);
  expect(texts(queue)).toEqual(['a']);
  queue.settle();
  add(queue, 'c');
  expect(texts(queue)).toEqual(['b', 'c']);
});

test('batches that are too old are taken out, the others are not', () => {
  const queue = new BatchQueue(0, 10);
  add(queue, 'a', 10, 100);
  add(queue, 'b', 10, 200);
  expect(queue.expire(150)?.records).toHaveLength(1);
  expect(queue.expire(150)).toBeNull();
  expect(texts(queue)).toEqual(['b']);
});

/** Which partition a record goes to. */
import { expect, test } from 'vitest';
import { murmur2, partitionOfKey, StickyPartitioner } from '../../../src/client/partitioner.ts';

// From Kafka's UtilsTest.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('the hash of %s is Java’s', (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test('a key goes to the partition that Java sends it to', () => {
  // Seen with kafka-console-producer 3.9.1 on a topic with six partitions.
  expect(partitionOfKey(Buffer.from('k1'), 6)).toBe(5);
  expect(partitionOfKey(Buffer.from('k2'), 6)).toBe(3);
});

test('records without a key stay with a partition until a batch is full', () => {
  let chosen = 0;
  const partitioner = new StickyPartitioner({ int: (bound) => chosen++ % bound, bytes: Buffer.alloc }, 100);
  const choices = Array.from({ length: 6 }, () => partitioner.choose([0, 1, 2], 3, 50));
  expect(choices).toEqual([0, 0, 1, 1, 2, 2]);
});

test('a partition that lost its leader is left, and taken only when no other is there', () => {
  const partitioner = new StickyPartitioner({ int: () => 0, bytes: Buffer.alloc }, 1000);
  expect(partitioner.choose([4], 5, 1)).toBe(4);
  expect(partitioner.choose([2], 5, 1)).toBe(2);
  expect(partitioner.choose([], 5, 1)).toBe(0);
});

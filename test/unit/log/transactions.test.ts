/**
 * Transactions that a leader of Apache Kafka took in, as a follower stores them: markers, the last stable offset, the
 * transaction index.
 */
import { beforeEach, expect, it } from 'vitest';
import type { PartitionLog } from '../../../src/log/partition-log.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { CrashDisk } from '../../support/crash-disk.ts';
import { aLogConfig, aStoredBatch, createLog, loadManager } from '../../support/logs.ts';

const CONFIG = aLogConfig({ indexIntervalBytes: 0 });
const TXN_INDEX = '/data/t-0/00000000000000000000.txnindex';
let disk: CrashDisk;
let log: PartitionLog;

function data(offset: number, producerId: number, count = 2): Buffer {
  const values = Array.from({ length: count }, (_, index) => `${offset}.${index}`);
  return aStoredBatch(offset, 1, { values, producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true });
}

/** An end marker as a transaction coordinator writes it: key version and type, value version and coordinator epoch. */
function marker(offset: number, producerId: number, type: 'abort' | 'commit'): Buffer {
  const key = Buffer.from(type === 'abort' ? '00000000' : '00000001', 'hex');
  const value = Buffer.from('000000000009', 'hex');
  return buildBatch({
    records: [{ key, value, timestampMs: 1000 }],
    baseOffset: offset,
    partitionLeaderEpoch: 1,
    producerId,
    producerEpoch: 0,
    isTransactional: true,
    isControl: true,
  });
}

beforeEach(async () => {
  disk = new CrashDisk();
  log = createLog(await loadManager({ disk }, CONFIG), CONFIG);
  log.appendAsFollower(Buffer.concat([data(0, 7), data(2, 8, 1)]), 1000);
  log.updateHighWatermark(3);
});

it('an open transaction holds back the last stable offset, and a marker frees it when it is replicated', () => {
  expect([log.highWatermark, log.lastStableOffset]).toEqual([3, 0]);
  log.appendAsFollower(marker(3, 7, 'commit'), 1000);
  expect(log.lastStableOffset).toBe(0);
  log.updateHighWatermark(4);
  expect(log.lastStableOffset).toBe(2);
  log.appendAsFollower(marker(4, 8, 'commit'), 1000);
  log.updateHighWatermark(5);
  expect(log.lastStableOffset).toBe(5);
});

it('an aborted transaction, and no other, is noted in the transaction index, in the bytes of Kafka', () => {
  log.appendAsFollower(marker(3, 8, 'commit'), 1000);
  expect(disk.exists(TXN_INDEX)).toBe(false);
  log.appendAsFollower(marker(4, 7, 'abort'), 1000);
  const [version, producerId, firstOffset, lastOffset, lastStableOffset] = [0, 7n, 0n, 4n, 5n] as const;
  const expected = Buffer.alloc(34);
  expected.writeInt16BE(version, 0);
  for (const [index, value] of [producerId, firstOffset, lastOffset, lastStableOffset].entries())
    expected.writeBigInt64BE(value, 2 + 8 * index);
  expect(disk.readFile(TXN_INDEX)).toEqual(expected);
});

it('a recovery finds the same: index, last stable offset and who is in a transaction', async () => {
  log.appendAsFollower(Buffer.concat([marker(3, 7, 'abort'), data(4, 9)]), 1000);
  log.updateHighWatermark(6);
  const before = [disk.readFile(TXN_INDEX), log.lastStableOffset, [...log.producers.producers.values()]];
  disk = disk.kill();
  disk.writeFile(TXN_INDEX, 'nonsense');
  log = (await loadManager({ disk }, CONFIG)).get('t', 0)!;
  log.updateHighWatermark(6);
  expect([disk.readFile(TXN_INDEX), log.lastStableOffset, [...log.producers.producers.values()]]).toEqual(before);
});

it('a truncation takes aborted transactions out of the index, and opens again what they had ended', () => {
  log.appendAsFollower(marker(3, 7, 'abort'), 1000);
  log.truncateTo(3);
  expect(disk.sizeOf(TXN_INDEX)).toBe(0);
  expect([log.logEndOffset, log.lastStableOffset]).toEqual([3, 0]);
});

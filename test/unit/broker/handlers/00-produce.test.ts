/** Produce through its bytes, over a real log on a disk in memory. */
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Deferred } from '../../../../src/lib/deferred.ts';
import { Produce } from '../../../../src/protocol/messages/00-produce.ts';
import { errorName } from '../../../../src/protocol/errors.ts';
import { buildBatch } from '../../../../src/protocol/records/build.ts';
import { CrashDisk } from '../../../support/crash-disk.ts';
import { DataPlane, isSettled, nextTurn, TOPIC } from '../../../support/data-plane.ts';
import { aBatch, aLogConfig } from '../../../support/logs.ts';

const TWO = { isr: [1, 2], replicas: [1, 2] };

function nameOf(answer: { errorCode: number } | null): string {
  return answer === null ? 'no answer' : errorName(answer.errorCode);
}

describe('Produce with acks=1', () => {
  it('is answered in the turn of the request, with the offset of the first record', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    plane.append(['a', 'b']);
    const request = {
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ name: TOPIC, partitionData: [{ index: 0, records: aBatch({ values: ['c', 'd'] }) }] }],
    };
    expect(plane.desk.outcome(Produce, 9, request)?.kind).toBe('ready');
    expect(await plane.produce(aBatch())).toMatchObject({
      errorCode: 0,
      baseOffset: 4,
      logAppendTimeMs: -1,
      logStartOffset: 0,
    });
  });

  it('tells the time of the append when the topic wants that', async () => {
    const plane = await DataPlane.open({ messageTimestampType: 'LogAppendTime' });
    await plane.lead();
    expect(await plane.produce(aBatch())).toMatchObject({ errorCode: 0, logAppendTimeMs: plane.clock.nowMs() });
  });

  it('waits for the disk when the topic flushes every message', async () => {
    const plane = await DataPlane.open({ flushMessages: 1 });
    await plane.lead();
    expect(plane.partition().committableEndOffset).toBe(0);
    expect(await plane.produce(aBatch())).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(plane.partition().log.durableEndOffset).toBe(1);
    expect(plane.partition().log.highWatermark).toBe(1);
  });

  it('waits for the disk no longer than the topic asks for that', async () => {
    const disk = new CrashDisk();
    const plane = await DataPlane.open({ flushMessages: 1 }, disk);
    await plane.lead();
    const later = new Deferred<string>();
    disk.fault = (operation, filePath) => {
      if (operation !== 'sync' || !filePath.endsWith('.log')) return null;
      disk.fault = () => null;
      // Comes too late for the flush that is under way, and is the last that asked for one.
      plane.produce(aBatch()).then((answer) => later.resolve(nameOf(answer)), later.reject);
      plane.logs.get(TOPIC, 0)?.updateConfig(aLogConfig());
      plane.partitions.onTopicConfigChanged(TOPIC);
      return null;
    };
    expect(nameOf(await plane.produce(aBatch()))).toBe('NONE');
    expect(await isSettled(later.promise)).toBe(true);
    expect(await later.promise).toBe('NONE');
  });
});

describe('Produce with acks=all', () => {
  it('is answered when every in-sync replica has the batch', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    const answer = plane.produce(aBatch({ values: ['a', 'b'] }), { acks: -1 });
    expect(await isSettled(answer)).toBe(false);
    await plane.fetchAs(2, { fetchOffset: 0 });
    expect(await isSettled(answer)).toBe(false);
    await plane.fetchAs(2, { fetchOffset: 2 });
    expect(await answer).toMatchObject({ errorCode: 0, baseOffset: 0 });
  });

  it('is answered also when the topic begins to flush every message while it waits', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    const answer = plane.produce(aBatch(), { acks: -1 });
    await nextTurn();
    plane.logs.get(TOPIC, 0)?.updateConfig(aLogConfig({ flushMessages: 1 }));
    plane.partitions.onTopicConfigChanged(TOPIC);
    await plane.fetchAs(2, { fetchOffset: 1 });
    for (let turn = 0; turn < 8; turn++) await nextTurn();
    expect(await isSettled(answer)).toBe(true);
    expect(nameOf(await answer)).toBe('NONE');
  });

  it('lets the next request of the connection be taken up while it waits', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records: aBatch() }] }];
    const outcome = plane.desk.outcome(Produce, 9, { acks: -1, timeoutMs: 1000, topicData });
    expect(outcome).toMatchObject({ kind: 'pending', isStaged: true });
    plane.clock.advance(1000);
    if (outcome?.kind === 'pending') await outcome.reply;
  });

  it('is answered at once when this broker is the whole ISR', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    const topicData = [{ name: TOPIC, partitionData: [{ index: 0, records: aBatch() }] }];
    expect(plane.desk.outcome(Produce, 9, { acks: -1, timeoutMs: 1000, topicData })?.kind).toBe('ready');
  });

  it('times out, and the record stays in the log', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    const answer = plane.produce(aBatch(), { acks: -1, timeoutMs: 700 });
    await nextTurn();
    plane.clock.advance(699);
    expect(await isSettled(answer)).toBe(false);
    plane.clock.advance(1);
    expect(nameOf(await answer)).toBe('REQUEST_TIMED_OUT');
    expect(plane.partition().log.logEndOffset).toBe(1);
  });

  it('is NOT_LEADER_OR_FOLLOWER, with the new leader, when the leadership ends while it waits', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    const response = plane.desk.ask(Produce, 10, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: TOPIC, partitionData: [{ index: 0, records: aBatch() }] }],
    });
    await nextTurn();
    await plane.order([{ ...TWO, leader: 2, leaderEpoch: 2 }]);
    const answered = await response;
    expect(answered?.responses[0]?.partitionResponses[0]).toMatchObject({
      errorCode: 6,
      currentLeader: { leaderId: 2, leaderEpoch: 2 },
    });
    expect(answered?.nodeEndpoints).toEqual([{ nodeId: 2, host: 'h2', port: 9092, rack: null }]);
  });

  it('is refused before the append when too few replicas are in sync', async () => {
    const plane = await DataPlane.open({ minInsyncReplicas: 2 });
    await plane.lead({ isr: [1], replicas: [1, 2] });
    const answer = await plane.produce(aBatch(), { acks: -1 });
    expect(nameOf(answer)).toBe('NOT_ENOUGH_REPLICAS');
    expect(answer?.errorMessage).toContain('The size of the current ISR Set(1) is insufficient');
    expect(plane.partition().log.logEndOffset).toBe(0);
    expect(nameOf(await plane.produce(aBatch(), { acks: 1 }))).toBe('NONE');
  });

  it('answers a duplicate with the offset of the first copy, when that is committed', async () => {
    const plane = await DataPlane.open();
    await plane.lead(TWO);
    const batch = (): Buffer => aBatch({ producerId: 7, producerEpoch: 0, baseSequence: 0 });
    const first = plane.produce(batch(), { acks: -1 });
    const again = plane.produce(batch(), { acks: -1 });
    expect(await isSettled(again)).toBe(false);
    await plane.fetchAs(2, { fetchOffset: 1 });
    expect(await first).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await again).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(plane.partition().log.logEndOffset).toBe(1);
  });
});

describe('Produce with acks=0', () => {
  it('is never answered', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    expect(await plane.produce(aBatch(), { acks: 0 })).toBeNull();
    expect(plane.partition().log.logEndOffset).toBe(1);
  });

  it('closes the connection upon an error', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    await expect(plane.produce(aBatch(), { acks: 0, partition: 5 })).rejects.toThrow('expects no response');
  });
});

describe('Produce refuses', () => {
  it.each([
    ['acks that do not exist', { acks: 2 }, 'INVALID_REQUIRED_ACKS'],
    ['a partition that nobody has', { partition: 5 }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ['a topic of the cluster itself', { topic: '__consumer_offsets' }, 'INVALID_TOPIC_EXCEPTION'],
  ])('%s', async (_what, options, error) => {
    const plane = await DataPlane.open();
    await plane.lead();
    expect(nameOf(await plane.produce(aBatch(), options))).toBe(error);
  });

  it('a partition that another broker leads', async () => {
    const plane = await DataPlane.open();
    await plane.lead({ ...TWO, leader: 2 });
    expect(nameOf(await plane.produce(aBatch()))).toBe('NOT_LEADER_OR_FOLLOWER');
  });

  const broken = aBatch();
  broken.writeUInt32BE(1, 17);
  it.each([
    ['no records at all', null, 11, 'INVALID_RECORD'],
    ['an empty record set', Buffer.alloc(0), 11, 'INVALID_RECORD'],
    ['a few stray bytes', Buffer.alloc(30), 11, 'CORRUPT_MESSAGE'],
    ['an old format in a new request', Buffer.alloc(80), 11, 'INVALID_RECORD'],
    ['two batches', Buffer.concat([aBatch(), aBatch()]), 11, 'INVALID_RECORD'],
    ['a batch that was damaged on the way', broken, 11, 'CORRUPT_MESSAGE'],
    ['zstd before v7', aBatch({ compression: 'zstd' }), 6, 'UNSUPPORTED_COMPRESSION_TYPE'],
  ])('%s', async (_what, records, version, error) => {
    const plane = await DataPlane.open();
    await plane.lead();
    expect(nameOf(await plane.produce(records, { version }))).toBe(error);
    expect(plane.partition().log.logEndOffset).toBe(0);
  });

  it('transactional batches', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    const batch = (): Buffer => aBatch({ producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true });
    expect(nameOf(await plane.produce(batch()))).toBe('TRANSACTIONAL_ID_AUTHORIZATION_FAILED');
    expect(nameOf(await plane.produce(batch(), { transactionalId: 't' }))).toBe('INVALID_TXN_STATE');
  });

  it('records of a disk that has failed', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    plane.partition().close('KAFKA_STORAGE_ERROR');
    expect(nameOf(await plane.produce(aBatch()))).toBe('KAFKA_STORAGE_ERROR');
  });
});

describe('Produce of old clients', () => {
  /** A set of one uncompressed message of magic 1 without a key. */
  function messageSet(value: string): Buffer {
    const body = Buffer.alloc(2 + 8 + 4 + 4);
    body.writeInt8(1, 0);
    body.writeBigInt64BE(1_700_000_000_000n, 2);
    body.writeInt32BE(-1, 10);
    body.writeInt32BE(value.length, 14);
    const message = Buffer.concat([body, Buffer.from(value)]);
    const head = Buffer.alloc(16);
    head.writeInt32BE(message.length + 4, 8);
    head.writeUInt32BE(crc32(message), 12);
    return Buffer.concat([head, message]);
  }

  it('brings message sets, which become record batches', async () => {
    const plane = await DataPlane.open();
    await plane.lead();
    expect(await plane.produce(messageSet('hi'), { version: 2 })).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await plane.produce(messageSet('ho'), { version: 0 })).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect(nameOf(await plane.produce(Buffer.alloc(0), { version: 1 }))).toBe('INVALID_RECORD');
  });
});

describe('Produce to a compacted topic', () => {
  it('names the records without a key, in the versions that can', async () => {
    const plane = await DataPlane.open({ cleanupPolicy: ['compact'] });
    await plane.lead();
    const records = ['a', null, 'b', null].map((key) => ({
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from('v'),
      timestampMs: 1,
    }));
    const what = `Compacted topic cannot accept message without key in topic partition ${TOPIC}-0`;
    const answer = await plane.produce(buildBatch({ records }));
    expect(nameOf(answer)).toBe('INVALID_RECORD');
    expect(answer).toMatchObject({
      baseOffset: -1,
      recordErrors: [
        { batchIndex: 1, batchIndexErrorMessage: what },
        { batchIndex: 3, batchIndexErrorMessage: what },
      ],
      errorMessage:
        'One or more records have been rejected due to 2 record errors in total, and only showing the first three ' +
        `errors at most: [RecordError(batchIndex=1, message='${what}'), RecordError(batchIndex=3, message='${what}')]`,
    });
    expect(nameOf(await plane.produce(buildBatch({ records }), { version: 7 }))).toBe('INVALID_RECORD');
    expect(plane.partition().log.logEndOffset).toBe(0);
    expect(nameOf(await plane.produce(buildBatch({ records: records.filter(({ key }) => key !== null) })))).toBe(
      'NONE',
    );
  });
});

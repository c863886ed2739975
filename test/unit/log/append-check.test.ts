/** What may come into a log, by where it comes from. */
import { describe, expect, it } from 'vitest';
import { checkAppend, checkReplicated, RecordValidationError } from '../../../src/log/append-check.ts';
import { KafkaError } from '../../../src/protocol/errors.ts';
import { RECORD_BATCH_OVERHEAD, RecordBatch } from '../../../src/protocol/records/batch.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { aBatch, aLogConfig, aStoredBatch } from '../../support/logs.ts';

const NOW = 1_000_000;

/** The batch with header fields set anew, and a right checksum. */
function tampered(change: (batch: RecordBatch) => void, source = aBatch({ values: ['a', 'b'] })): Buffer {
  const batch = new RecordBatch(Buffer.from(source));
  change(batch);
  batch.writeCrc();
  return batch.buffer;
}

function verdict(records: Buffer, config = aLogConfig(), origin: 'client' | 'coordinator' = 'client'): string {
  try {
    checkAppend(records, origin, config, 't-0', NOW);
    return 'NONE';
  } catch (error) {
    if (error instanceof KafkaError) return error.error;
    throw error;
  }
}

const at = (batch: RecordBatch): Buffer => batch.buffer;
const good = aBatch({ values: ['a', 'b'] });

describe("a client's records", () => {
  it.each<[string, Buffer, string]>([
    ['a good batch', good, 'NONE'],
    ['of a good idempotent producer', aBatch({ producerId: 1, producerEpoch: 0, baseSequence: 0 }), 'NONE'],
    ['nothing', Buffer.alloc(0), 'INVALID_RECORD'],
    ['two batches', Buffer.concat([good, good]), 'INVALID_RECORD'],
    ['a batch and some bytes', Buffer.concat([good, Buffer.from([0])]), 'CORRUPT_MESSAGE'],
    ['a part of a batch', good.subarray(0, good.length - 1), 'INVALID_RECORD'],
    ['a bit wrong in the records', Buffer.concat([good.subarray(0, -1), Buffer.from([0x41])]), 'CORRUPT_MESSAGE'],
    ['a wrong checksum', tamperedCrc(), 'CORRUPT_MESSAGE'],
    ['a length that no batch has', withLength(10), 'CORRUPT_MESSAGE'],
    ['a negative length', withLength(-1), 'CORRUPT_MESSAGE'],
    ['an old magic', withMagic(1), 'INVALID_RECORD'],
    ['a magic that does not exist', withMagic(7), 'CORRUPT_MESSAGE'],
    ['offsets that do not begin at 0', aBatch({ baseOffset: 5 }), 'INVALID_RECORD'],
    ['a count that is not that of the offsets', tampered((batch) => at(batch).writeInt32BE(3, 57)), 'INVALID_RECORD'],
    [
      'no records',
      tampered((batch) => {
        at(batch).writeInt32BE(0, 57);
        at(batch).writeInt32BE(-1, 23);
      }),
      'INVALID_RECORD',
    ],
    [
      'a negative count',
      tampered((batch) => {
        at(batch).writeInt32BE(-5, 57);
        at(batch).writeInt32BE(-6, 23);
      }),
      'INVALID_RECORD',
    ],
    ['a control batch', aBatch({ isControl: true, producerId: 1, producerEpoch: 0 }), 'INVALID_RECORD'],
    ['a codec that does not exist', tampered((batch) => at(batch).writeUInt16BE(5, 21)), 'INVALID_RECORD'],
    ['a delete horizon', tampered((batch) => at(batch).writeUInt16BE(0x40, 21)), 'INVALID_RECORD'],
    ['bits without a meaning', tampered((batch) => at(batch).writeUInt16BE(0x80, 21)), 'INVALID_RECORD'],
    ['the type LogAppendTime', tampered((batch) => at(batch).writeUInt16BE(8, 21)), 'INVALID_TIMESTAMP'],
    ['a timestamp beyond 2^53', tampered((batch) => at(batch).writeBigInt64BE(2n ** 62n, 35)), 'INVALID_TIMESTAMP'],
    ['a producer without a sequence', aBatch({ producerId: 1, producerEpoch: 0 }), 'INVALID_RECORD'],
    ['a producer without an epoch', aBatch({ producerId: 1, baseSequence: 0 }), 'INVALID_RECORD'],
    ['a producer id below -1', tampered((batch) => at(batch).writeBigInt64BE(-2n, 43)), 'INVALID_RECORD'],
    [
      'a producer id beyond 2^53',
      tampered((batch) => {
        at(batch).writeBigInt64BE(2n ** 60n, 43);
        at(batch).writeInt16BE(0, 51);
        at(batch).writeInt32BE(0, 53);
      }),
      'INVALID_RECORD',
    ],
    [
      'a transaction',
      aBatch({ isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }),
      'INVALID_TXN_STATE',
    ],
    ['a transaction of nobody', aBatch({ isTransactional: true }), 'INVALID_RECORD'],
  ])('with %s', (_, records, expected) => {
    expect(verdict(records)).toBe(expected);
  });

  it('may be as large as max.message.bytes and no larger', () => {
    expect(verdict(good, aLogConfig({ maxMessageBytes: good.length }))).toBe('NONE');
    expect(verdict(good, aLogConfig({ maxMessageBytes: good.length - 1 }))).toBe('MESSAGE_TOO_LARGE');
  });

  it('need a key each on a compacted topic; the answer names those without', () => {
    const config = aLogConfig({ cleanupPolicy: ['compact'] });
    const records = ['k', null, 'k', null].map((key) => ({
      key: key === null ? null : Buffer.from(key),
      value: null,
      timestampMs: 1,
    }));
    const keyed = buildBatch({ records: records.filter(({ key }) => key !== null), compression: 'gzip' });
    expect(verdict(keyed, config)).toBe('NONE');
    expect(verdict(buildBatch({ records }))).toBe('NONE');
    try {
      checkAppend(buildBatch({ records }), 'client', config, 't-0', NOW);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(RecordValidationError);
      const { error: name, recordErrors } = error as RecordValidationError;
      expect(name).toBe('INVALID_RECORD');
      expect(recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1, 3]);
    }
  });

  it(
    'are each looked at where record.validation is full: garbage, wrong counts and wrong offsets do not come ' + 'in',
    () => {
      const full = aLogConfig({ recordValidation: 'full' });
      const compressed = buildBatch({
        records: [{ key: null, value: Buffer.alloc(99), timestampMs: 1 }],
        compression: 'gzip',
      });
      const garbled = tampered((batch) => batch.buffer.fill(0xee, RECORD_BATCH_OVERHEAD), compressed);
      const skipping = tampered(({ buffer }) => buffer.writeInt8(4, RECORD_BATCH_OVERHEAD + 3));
      const short = tampered(({ buffer }) => {
        buffer.writeInt32BE(2, 23);
        buffer.writeInt32BE(3, 57);
      });
      for (const lie of [garbled, skipping, short]) {
        expect(verdict(lie)).toBe('NONE');
        expect(verdict(lie, full)).toBe('INVALID_RECORD');
      }
      for (const honest of [good, compressed]) expect(verdict(honest, full)).toBe('NONE');
    },
  );

  it('need timestamps within the bounds of the topic, if it has any', () => {
    const bounded = aLogConfig({ messageTimestampBeforeMaxMs: 1000, messageTimestampAfterMaxMs: 10 });
    const with_ = (timestampMs: number): Buffer => aBatch({ values: ['a', 'b'], timestampMs });
    expect([NOW, NOW - 1000, NOW + 10, -1].map((time) => verdict(with_(time), bounded))).toEqual(Array(4).fill('NONE'));
    expect([NOW - 1001, NOW + 11, 0].map((time) => verdict(with_(time), bounded))).toEqual(
      Array(3).fill('INVALID_TIMESTAMP'),
    );
    expect(verdict(with_(0), { ...bounded, messageTimestampType: 'LogAppendTime' })).toBe('NONE');
    expect(verdict(with_(0))).toBe('NONE');
  });

  it('are refused when their batch cannot be opened although it has to be', () => {
    const broken = tampered((batch) => batch.buffer.fill(0xff, 61));
    expect(verdict(broken)).toBe('NONE');
    expect(verdict(broken, aLogConfig({ cleanupPolicy: ['compact'] }))).toBe('INVALID_RECORD');
  });
});

describe("a coordinator's records", () => {
  it('may be several batches, control batches and transactions', () => {
    const marker = aBatch({ isControl: true, isTransactional: true, producerId: 1, producerEpoch: 0 });
    expect(verdict(Buffer.concat([marker, marker]), aLogConfig(), 'coordinator')).toBe('NONE');
  });

  it('are still checked for damage', () => {
    expect(verdict(tamperedCrc(), aLogConfig(), 'coordinator')).toBe('CORRUPT_MESSAGE');
  });
});

describe('what a follower gets', () => {
  it('may be cut in the middle of a batch', () => {
    const bytes = Buffer.concat([aStoredBatch(4, 1), aStoredBatch(5, 1)]);
    for (let cut = 0; cut < bytes.length; cut++)
      expect(checkReplicated(bytes.subarray(0, cut), 't-0').length).toBe(cut < bytes.length / 2 ? 0 : 1);
  });

  it('may have gaps, as compaction leaves them, but not go back', () => {
    expect(checkReplicated(Buffer.concat([aStoredBatch(4, 1), aStoredBatch(9, 1)]), 't-0').length).toBe(2);
    expect(() => checkReplicated(Buffer.concat([aStoredBatch(9, 1), aStoredBatch(9, 1)]), 't-0')).toThrow(KafkaError);
  });

  it('is refused when a checksum is wrong', () => {
    expect(() => checkReplicated(tamperedCrc(), 't-0')).toThrow('Record is corrupt');
  });

  it('is not measured by the rules for clients', () => {
    const batches = checkReplicated(
      tampered((batch) => {
        batch.buffer.writeInt32BE(1, 57);
      }),
      't-0',
    );
    expect(batches.length).toBe(1);
  });
});

function tamperedCrc(): Buffer {
  const bytes = Buffer.from(good);
  bytes.writeUInt32BE(0x1234_5678, 17);
  return bytes;
}

function withLength(length: number): Buffer {
  const bytes = Buffer.from(good);
  bytes.writeInt32BE(length, 8);
  return bytes;
}

function withMagic(magic: number): Buffer {
  const bytes = Buffer.from(good);
  bytes.writeInt8(magic, 16);
  return bytes;
}

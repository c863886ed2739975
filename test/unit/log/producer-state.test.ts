/** What a partition remembers of its producers: sequences, duplicates, epochs, snapshots. */
import { describe, expect, it } from 'vitest';
import { type ProducerBatch, ProducerState } from '../../../src/log/producer-state.ts';
import {
  CorruptSnapshotError,
  decodeSnapshot,
  decodeSnapshotEntries,
  encodeSnapshot,
} from '../../../src/log/producer-snapshot.ts';
import { KafkaError } from '../../../src/protocol/errors.ts';
import { sequenceAfter } from '../../../src/protocol/records/batch.ts';

const MAX = 2_147_483_647;

function batch(baseSequence: number, count = 1, rest: Partial<ProducerBatch> = {}): ProducerBatch & { count: number } {
  return {
    producerId: 7,
    producerEpoch: 0,
    baseSequence,
    lastSequence: sequenceAfter(baseSequence, count - 1),
    maxTimestamp: 1000,
    isTransactional: false,
    count,
    ...rest,
  };
}

/**
 * A partition that takes what passes, as a leader does. Returns the error's name, the duplicate's offset or the new
 * one.
 */
class Leader {
  readonly state = new ProducerState('t-0');
  end = 0;

  offer(sent: ProducerBatch & { count: number }, origin: 'client' | 'coordinator' = 'client'): string | number {
    const duplicate = origin === 'client' ? this.state.findDuplicate(sent) : null;
    if (duplicate !== null) return `duplicate of ${duplicate.firstOffset}-${duplicate.lastOffset}`;
    try {
      this.state.check(sent, this.end, origin);
    } catch (error) {
      if (error instanceof KafkaError) return error.error;
      throw error;
    }
    const first = this.end;
    this.end += sent.count;
    this.state.applyBatch(sent, first, this.end - 1);
    this.state.mapEndOffset = this.end;
    return first;
  }
}

describe('the sequence of a producer', () => {
  it.each<[string, [ProducerBatch & { count: number }, string | number][]]>([
    [
      'begins anywhere when nothing is known of it',
      [
        [batch(17), 0],
        [batch(18), 1],
      ],
    ],
    [
      'must not leave a gap',
      [
        [batch(0), 0],
        [batch(2), 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
        [batch(1), 1],
      ],
    ],
    [
      'must not go back to what is no whole batch',
      [
        [batch(0, 5), 0],
        [batch(2, 2), 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
      ],
    ],
    [
      'goes from 2147483647 to 0',
      [
        [batch(MAX), 0],
        [batch(0), 1],
      ],
    ],
    [
      'goes over the end within a batch',
      [
        [batch(MAX - 1, 4), 0],
        [batch(2), 4],
        [batch(MAX - 1, 4), 'duplicate of 0-3'],
      ],
    ],
    [
      'does not go from 2147483646 to 0',
      [
        [batch(MAX - 1), 0],
        [batch(0), 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
      ],
    ],
    [
      'begins at 0 under a new epoch',
      [
        [batch(5), 0],
        [batch(6, 1, { producerEpoch: 1 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
        [batch(0, 1, { producerEpoch: 1 }), 1],
        [batch(1, 1, { producerEpoch: 1 }), 2],
      ],
    ],
    [
      'ends when a newer epoch was seen',
      [
        [batch(0, 1, { producerEpoch: 3 }), 0],
        [batch(0, 1, { producerEpoch: 2 }), 'INVALID_PRODUCER_EPOCH'],
      ],
    ],
    [
      'is one for each producer',
      [
        [batch(0), 0],
        [batch(9, 1, { producerId: 8 }), 1],
        [batch(1), 2],
        [batch(10, 1, { producerId: 8 }), 3],
      ],
    ],
  ])('%s', (_, exchange) => {
    const leader = new Leader();
    expect(exchange.map(([sent]) => leader.offer(sent))).toEqual(exchange.map(([, answer]) => answer));
  });

  it('is not looked at for a coordinator, but its epoch is', () => {
    const leader = new Leader();
    leader.offer(batch(0, 1, { producerEpoch: 2 }));
    expect(leader.offer(batch(-1, 1, { producerEpoch: 2 }), 'coordinator')).toBe(1);
    expect(leader.offer(batch(-1, 1, { producerEpoch: 1 }), 'coordinator')).toBe('INVALID_PRODUCER_EPOCH');
  });
});

describe('a repeated batch', () => {
  it('is recognised while it is one of the last five', () => {
    const leader = new Leader();
    for (let sequence = 0; sequence < 12; sequence += 2) leader.offer(batch(sequence, 2));
    expect(leader.offer(batch(0, 2))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    for (let sequence = 2; sequence < 12; sequence += 2)
      expect(leader.offer(batch(sequence, 2))).toBe(`duplicate of ${sequence}-${sequence + 1}`);
    expect(leader.end).toBe(12);
  });

  it('is another batch when its end differs', () => {
    const leader = new Leader();
    leader.offer(batch(0, 2));
    expect(leader.offer(batch(0, 3))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  });

  it('is not recognised under another epoch, so that a retry after an abort is written', () => {
    const leader = new Leader();
    leader.offer(batch(0));
    expect(leader.offer(batch(0, 1, { producerEpoch: 1 }))).toBe(1);
  });
});

describe('expiry', () => {
  it('forgets a producer that was silent for so long, which may then begin anywhere', () => {
    const leader = new Leader();
    leader.offer(batch(0, 1, { maxTimestamp: 1000 }));
    expect(leader.state.removeExpired(1999, 1000)).toBe(0);
    expect(leader.state.removeExpired(2000, 1000)).toBe(1);
    expect(leader.offer(batch(77))).toBe(1);
  });

  it('keeps a producer with an open transaction', () => {
    const leader = new Leader();
    leader.offer(batch(0, 1, { isTransactional: true }));
    expect(leader.state.removeExpired(1e9, 1000)).toBe(0);
  });
});

describe('transactions', () => {
  it('hold back the last stable offset until their markers are replicated', () => {
    const leader = new Leader();
    leader.offer(batch(0, 2));
    expect(leader.state.firstUnstableOffset).toBe(-1);
    leader.offer(batch(0, 2, { producerId: 8, isTransactional: true }));
    leader.offer(batch(0, 1, { producerId: 9, isTransactional: true }));
    expect(leader.state.firstUnstableOffset).toBe(2);
    const marker = { producerId: 8, producerEpoch: 0, coordinatorEpoch: 3, isAbort: true };
    const completed = leader.state.applyEndMarker(marker, 5, 1000)!;
    expect(completed).toEqual({ producerId: 8, firstOffset: 2, lastOffset: 5, isAbort: true });
    expect(leader.state.lastStableOffsetAfter(completed)).toBe(4);
    expect(leader.state.firstUnstableOffset).toBe(2);
    leader.state.onHighWatermark(5);
    expect(leader.state.firstUnstableOffset).toBe(2);
    leader.state.onHighWatermark(6);
    expect(leader.state.firstUnstableOffset).toBe(4);
  });

  it('refuse other batches of their producer', () => {
    const leader = new Leader();
    leader.offer(batch(0, 1, { isTransactional: true }));
    expect(leader.offer(batch(1))).toBe('INVALID_TXN_STATE');
  });

  it('leave a producer that must begin at 0 again after a marker with a new epoch', () => {
    const leader = new Leader();
    leader.offer(batch(0, 3));
    leader.state.applyEndMarker({ producerId: 7, producerEpoch: 1, coordinatorEpoch: 0, isAbort: false }, 3, 1000);
    expect(leader.offer(batch(3, 1, { producerEpoch: 1 }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(leader.offer(batch(0, 1, { producerEpoch: 1 }))).toBe(3);
  });
});

describe('a snapshot', () => {
  const golden =
    '0001' + // version
    'fc57cb9c' + // CRC-32C of what follows
    '00000001' + // one producer
    '0000000000000007' + // producer id
    '0002' + // epoch
    '0000000b' + // last sequence
    '0000000000000064' + // last offset
    '00000003' + // last offset - first offset
    '0000018bcfe5687b' + // timestamp
    'ffffffff' + // coordinator epoch
    'ffffffffffffffff'; // first offset of the open transaction

  function stateWithOne(): ProducerState {
    const state = new ProducerState('t-0');
    const sent = batch(8, 4, { producerEpoch: 2, maxTimestamp: 1_700_000_000_123 });
    state.applyBatch(sent, 97, 100);
    return state;
  }

  it('remembers the last five batches of a producer, the last of them where Kafka reads it', () => {
    const leader = new Leader();
    for (let sequence = 0; sequence < 21; sequence += 3) leader.offer(batch(sequence, 3));
    const bytes = encodeSnapshot(leader.state.producers);
    expect(decodeSnapshotEntries(bytes).map(({ batches }) => batches.map(({ lastOffset }) => lastOffset))).toEqual([
      [8],
      [11],
      [14],
      [17],
      [20],
    ]);
    const restarted = new Leader();
    restarted.state.load(decodeSnapshot(bytes), 21, 0, 1e9);
    restarted.end = 21;
    for (const sequence of [6, 9, 12, 15, 18])
      expect(restarted.offer(batch(sequence, 3))).toBe(`duplicate of ${sequence}-${sequence + 2}`);
    expect(restarted.offer(batch(3, 3))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(restarted.offer(batch(21, 3))).toBe(21);
  });

  it("has Kafka's bytes", () => {
    expect(encodeSnapshot(stateWithOne().producers).toString('hex')).toBe(golden);
  });

  it('brings back the last batch of each producer', () => {
    const [entry] = decodeSnapshot(encodeSnapshot(stateWithOne().producers));
    expect(entry).toEqual({
      producerId: 7,
      producerEpoch: 2,
      coordinatorEpoch: -1,
      lastTimestampMs: 1_700_000_000_123,
      currentTxnFirstOffset: -1,
      batches: [
        { firstSequence: 8, lastSequence: 11, firstOffset: 97, lastOffset: 100, timestampMs: 1_700_000_000_123 },
      ],
    });
  });

  it('brings back a producer of whom only a marker is known', () => {
    const state = new ProducerState('t-0');
    state.applyEndMarker({ producerId: 7, producerEpoch: 4, coordinatorEpoch: 9, isAbort: false }, 3, 50);
    const [entry] = decodeSnapshot(encodeSnapshot(state.producers));
    expect(entry).toMatchObject({ producerEpoch: 4, coordinatorEpoch: 9, batches: [] });
  });

  it('is refused with any bit wrong, or when it is cut or followed by more', () => {
    const good = encodeSnapshot(stateWithOne().producers);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = Buffer.from(good);
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => decodeSnapshot(bad)).toThrow(CorruptSnapshotError);
    }
    for (let length = 0; length < good.length; length++)
      expect(() => decodeSnapshot(good.subarray(0, length))).toThrow(CorruptSnapshotError);
    expect(() => decodeSnapshot(Buffer.concat([good, Buffer.alloc(1)]))).toThrow(CorruptSnapshotError);
  });
});

/** What consumers tell each other through their group: golden bytes, all versions, and those yet to come. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../../../src/protocol/internal/consumer-protocol.ts';
import type { Encodable } from '../../../../src/protocol/schema.ts';
import { arbitraryMessage } from '../../../support/arbitrary-message.ts';

type Subscription = Encodable<typeof ConsumerProtocolSubscription.fields>;
type Assignment = Encodable<typeof ConsumerProtocolAssignment.fields>;

const OWNED = [{ topic: 't', partitions: [0, 2] }];
const SUBSCRIPTION = { topics: ['t'], userData: null, ownedPartitions: OWNED, generationId: 4, rackId: 'r' };
const V1 = ['00000001', '000174', 'ffffffff', '00000001', '000174', '00000002', '00000000', '00000002'].join('');

describe('a subscription', () => {
  it('has the bytes of Kafka’s at every version', () => {
    const hex = (version: number) => ConsumerProtocolSubscription.encode(SUBSCRIPTION, version).toString('hex');
    expect(hex(0)).toBe('0000' + '00000001' + '000174' + 'ffffffff');
    expect(hex(1)).toBe(`0001${V1}`);
    expect(hex(2)).toBe(`0002${V1}00000004`);
    expect(hex(3)).toBe(`0003${V1}00000004000172`);
  });

  it('of a version yet to come is read as the newest known', () => {
    const bytes = Buffer.from(`0007${V1}00000004000172abcd`, 'hex');
    expect(ConsumerProtocolSubscription.decode(bytes)).toEqual({ version: 7, value: SUBSCRIPTION });
  });

  it('of a negative version, cut off or not there at all is refused', () => {
    expect(() => ConsumerProtocolSubscription.decode(Buffer.from(`ffff${V1}`, 'hex'))).toThrow(RangeError);
    expect(() => ConsumerProtocolSubscription.decode(Buffer.from(`0003${V1}`, 'hex'))).toThrow(RangeError);
    expect(() => ConsumerProtocolSubscription.decode(Buffer.alloc(0))).toThrow(RangeError);
  });

  it('is read as it was written', () => {
    for (let version = 0; version <= 3; version++) {
      const arbitrary = arbitraryMessage(ConsumerProtocolSubscription.fields, version);
      fc.assert(
        fc.property(arbitrary, (value) => {
          const bytes = ConsumerProtocolSubscription.encode(value as unknown as Subscription, version);
          expect(ConsumerProtocolSubscription.decode(bytes)).toEqual({ version, value });
        }),
        { numRuns: 50 },
      );
    }
  });
});

describe('an assignment', () => {
  it('has the bytes of Kafka’s, the same at every version', () => {
    const value = { assignedPartitions: OWNED, userData: Buffer.from('ab', 'hex') };
    const body = ['00000001', '000174', '00000002', '00000000', '00000002', '00000001', 'ab'].join('');
    for (let version = 0; version <= 3; version++) {
      expect(ConsumerProtocolAssignment.encode(value, version).toString('hex')).toBe(`000${version}${body}`);
    }
    expect(ConsumerProtocolAssignment.decode(Buffer.from(`0009${body}`, 'hex'))).toEqual({ version: 9, value });
  });

  it('is read as it was written', () => {
    const arbitrary = arbitraryMessage(ConsumerProtocolAssignment.fields, 3);
    fc.assert(
      fc.property(arbitrary, (value) => {
        const bytes = ConsumerProtocolAssignment.encode(value as unknown as Assignment);
        expect(ConsumerProtocolAssignment.decode(bytes)).toEqual({ version: 3, value });
      }),
      { numRuns: 50 },
    );
  });
});

/** The bytes of __consumer_offsets: golden ones, every kind there and back, and what is damaged or unknown. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeGroupRecord,
  encodeGroupRecord,
  GROUP_RECORD_KINDS,
  type GroupRecord,
  type GroupRecordOf,
} from '../../../../src/protocol/internal/group-record.ts';
import { OffsetCommitKey, OffsetCommitValue } from '../../../../src/protocol/internal/offset-commit-record.ts';
import { type StoredRecord, storedVersion } from '../../../../src/protocol/stored-record.ts';
import { arbitraryMessage } from '../../../support/arbitrary-message.ts';

const COMMIT: GroupRecordOf<'offsetCommit'> = {
  kind: 'offsetCommit',
  key: { group: 'g', topic: 'tt', partition: 3 },
  value: { offset: 5, leaderEpoch: 7, metadata: 'm', commitTimestamp: 9, expireTimestamp: -1 },
};
const GROUP: GroupRecordOf<'groupMetadata'> = {
  kind: 'groupMetadata',
  key: { group: 'g' },
  value: {
    protocolType: 'consumer',
    generation: 2,
    protocol: 'range',
    leader: 'a',
    currentStateTimestamp: 16,
    members: [
      {
        memberId: 'a',
        groupInstanceId: null,
        clientId: 'c',
        clientHost: '/h',
        rebalanceTimeout: 300000,
        sessionTimeout: 45000,
        subscription: Buffer.from('0102', 'hex'),
        assignment: Buffer.alloc(0),
      },
    ],
  },
};
const MEMBER: GroupRecordOf<'consumerGroupMemberMetadata'> = {
  kind: 'consumerGroupMemberMetadata',
  key: { groupId: 'g', memberId: 'm' },
  value: {
    instanceId: null,
    rackId: 'r',
    clientId: 'c',
    clientHost: '/h',
    subscribedTopicNames: ['t'],
    subscribedTopicRegex: null,
    rebalanceTimeoutMs: -1,
    serverAssignor: null,
    classicMemberMetadata: null,
  },
};

function hexOf(record: GroupRecord): string[] {
  const { key, value } = encodeGroupRecord(record);
  return [key.toString('hex'), value === null ? 'null' : value.toString('hex')];
}

/** Any record of any kind, as a writer of the newest version makes it. */
const anyRecord: fc.Arbitrary<GroupRecord> = fc.oneof(
  ...Object.entries(GROUP_RECORD_KINDS).map(([kind, stored]: [string, { key: StoredRecord; value: StoredRecord }]) => {
    const version = kind === 'offsetCommit' || kind === 'groupMetadata' ? 3 : 0;
    const key = arbitraryMessage(stored.key.fields, stored.key.highestVersion);
    const value = fc.option(arbitraryMessage(stored.value.fields, version), { nil: null, freq: 5 });
    return fc.record({ kind: fc.constant(kind), key, value }, { noNullPrototype: true });
  }),
) as unknown as fc.Arbitrary<GroupRecord>;

describe('a committed offset', () => {
  it('has the bytes of Kafka’s key v1 and value v3', () => {
    const key = '0001' + '000167' + '00027474' + '00000003';
    const value = '0003' + '0000000000000005' + '00000007' + '00016d' + '0000000000000009';
    expect(hexOf(COMMIT)).toEqual([key, value]);
    expect(hexOf({ ...COMMIT, value: null })).toEqual([key, 'null']);
  });

  it('that expires on its own is written as v1, the only version that can say so', () => {
    const value = { ...(COMMIT.value as NonNullable<typeof COMMIT.value>), expireTimestamp: 17 };
    const bytes = encodeGroupRecord({ ...COMMIT, value });
    const body = '0000000000000005' + '00016d' + '0000000000000009' + '0000000000000011';
    expect(bytes.value?.toString('hex')).toBe(`0001${body}`);
    expect(decodeGroupRecord(bytes.key, bytes.value)).toEqual({ ...COMMIT, value: { ...value, leaderEpoch: -1 } });
  });

  it('is read from every version of key and value', () => {
    for (let keyVersion = 0; keyVersion <= 1; keyVersion++) {
      for (let version = 0; version <= 4; version++) {
        const key = OffsetCommitKey.encode(COMMIT.key, keyVersion);
        const value = { offset: 5, metadata: 'm', commitTimestamp: 9 };
        const whole = { ...value, leaderEpoch: -1, expireTimestamp: -1 };
        const read = decodeGroupRecord(key, OffsetCommitValue.encode(value, version));
        expect(read).toEqual({ ...COMMIT, value: whole });
      }
    }
  });

  it('beyond what a number holds saturates instead of keeping a group from loading', () => {
    const key = encodeGroupRecord(COMMIT).key;
    const value = Buffer.from('0000' + '7fffffffffffffff' + '0000' + '8000000000000000', 'hex');
    expect(decodeGroupRecord(key, value)).toMatchObject({
      value: { offset: Number.MAX_SAFE_INTEGER, commitTimestamp: Number.MIN_SAFE_INTEGER },
    });
  });
});

describe('a classic group', () => {
  it('has the bytes of Kafka’s key v2 and value v3', () => {
    const member =
      ['000161', 'ffff', '000163', '00022f68', '000493e0', '0000afc8'].join('') +
      ['00000002', '0102', '00000000'].join('');
    const head = ['0003', '0008636f6e73756d6572', '00000002', '000572616e6765', '000161'].join('');
    expect(hexOf(GROUP)).toEqual(['0002000167', `${head}0000000000000010` + `00000001${member}`]);
  });

  it('keeps no part of the buffer it was read from', () => {
    const { key, value } = encodeGroupRecord(GROUP);
    const read = decodeGroupRecord(key, value);
    key.fill(0xff);
    value?.fill(0xff);
    expect(read).toEqual(GROUP);
  });
});

describe('a group of the consumer protocol', () => {
  it('has the bytes of Kafka’s records', () => {
    const tail = ['00', '0272', '0263', '032f68', '020274', '00', 'ffffffff', '00'].join('');
    expect(hexOf(MEMBER)).toEqual(['0005' + '000167' + '00016d', `0000${tail}01000100`]);
    const classicMemberMetadata = { sessionTimeoutMs: 6, supportedProtocols: [] };
    const classic = { ...(MEMBER.value as NonNullable<typeof MEMBER.value>), classicMemberMetadata };
    // One tagged field, number 0, seven bytes: not null, 6 ms, no protocols, no tags. (Null above: one byte of 0.)
    expect(hexOf({ ...MEMBER, value: classic })[1]).toBe(`0000${tail}01000701000000060100`);
    const absent = decodeGroupRecord(encodeGroupRecord(MEMBER).key, Buffer.from(`0000${tail}00`, 'hex'));
    const emptyClassic = { sessionTimeoutMs: 0, supportedProtocols: [] };
    expect(absent).toEqual({ ...MEMBER, value: { ...MEMBER.value, classicMemberMetadata: emptyClassic } });
    const epoch: GroupRecord = { kind: 'consumerGroupMetadata', key: { groupId: 'g' }, value: { epoch: 4 } };
    expect(hexOf(epoch)).toEqual(['0003' + '000167', '0000' + '00000004' + '00']);
  });

  it('tells its kind by the version of the key', () => {
    const versions = Object.values(GROUP_RECORD_KINDS).map(({ key }) => key.highestVersion);
    expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 16]);
  });
});

describe('a record of any kind', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        const { key, value } = encodeGroupRecord(record);
        expect(decodeGroupRecord(key, value)).toEqual(record);
      }),
      { numRuns: 300 },
    );
  });

  it('of a version nobody here knows is passed over when it is the key’s and refused when it is the value’s', () => {
    const { key, value } = encodeGroupRecord(COMMIT);
    for (const unknown of ['0009', '000f', '0011', 'ffff']) {
      expect(decodeGroupRecord(Buffer.from(unknown, 'hex'), value)).toBeNull();
    }
    expect(() => decodeGroupRecord(key, Buffer.from('0005', 'hex'))).toThrow(RangeError);
  });

  it('that is damaged is refused with a RangeError', () => {
    expect(() => decodeGroupRecord(null, null)).toThrow(RangeError);
    expect(() => decodeGroupRecord(Buffer.alloc(1), null)).toThrow(RangeError);
    fc.assert(
      fc.property(anyRecord, fc.nat(), (record, cut) => {
        const { key, value } = encodeGroupRecord(record);
        const shortKey = key.subarray(0, 2 + (cut % (key.length - 2)));
        expect(() => decodeGroupRecord(shortKey, value)).toThrow(RangeError);
        if (value === null) return;
        expect(() => decodeGroupRecord(key, value.subarray(0, cut % value.length))).toThrow(RangeError);
      }),
      { numRuns: 300 },
    );
  });

  it('is never anything but a record, null or a RangeError, whatever the bytes', () => {
    const kindsAndNoise = fc.tuple(fc.nat(17), fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 90 }));
    fc.assert(
      fc.property(kindsAndNoise, ([version, key, value]) => {
        try {
          const record = decodeGroupRecord(Buffer.from([0, version, ...key]), Buffer.from(value));
          expect(record === null || storedVersion(Buffer.from(value)) >= 0).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

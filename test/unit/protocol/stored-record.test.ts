/** Versioned values of internal topics. */
import { describe, expect, it } from 'vitest';
import { int32, int64, string } from '../../../src/protocol/schema.ts';
import { defineStoredRecord, storedVersion } from '../../../src/protocol/stored-record.ts';

const OffsetCommitValue = defineStoredRecord({
  name: 'OffsetCommitValue',
  validVersions: '0-4',
  flexibleVersions: '4+',
  fields: {
    offset: int64(),
    leaderEpoch: int32({ versions: '3+', default: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ versions: '1', default: -1, ignorable: true }),
  },
});

describe('a stored record', () => {
  it('begins with its version', () => {
    const bytes = OffsetCommitValue.encode({ offset: 5, metadata: 'm', commitTimestamp: 7 }, 0);
    expect(bytes.toString('hex')).toBe('0000' + '0000000000000005' + '00016d' + '0000000000000007');
    expect(storedVersion(bytes)).toBe(0);
  });

  it('is read at the version it was written with', () => {
    for (let version = 0; version <= 4; version++) {
      const bytes = OffsetCommitValue.encode({ offset: 5, metadata: '', commitTimestamp: 7, leaderEpoch: 2 }, version);
      const leaderEpoch = version >= 3 ? 2 : -1;
      const value = { offset: 5, leaderEpoch, metadata: '', commitTimestamp: 7, expireTimestamp: -1 };
      expect(OffsetCommitValue.decode(bytes)).toEqual({ version, value });
    }
  });

  it('is written at the newest version unless told otherwise', () => {
    expect(storedVersion(OffsetCommitValue.encode({ offset: 1, metadata: '', commitTimestamp: 1 }))).toBe(4);
  });

  it('of an unknown version is refused', () => {
    expect(() => OffsetCommitValue.decode(Buffer.from('0005', 'hex'))).toThrow(RangeError);
    expect(() => OffsetCommitValue.decode(Buffer.from('ffff', 'hex'))).toThrow(RangeError);
    expect(() => OffsetCommitValue.decode(Buffer.alloc(1))).toThrow(RangeError);
  });
});

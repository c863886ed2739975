/**
 * @pure A classic group between two rebalances, as __consumer_offsets stores it. Kafka: GroupMetadataKey,
 * GroupMetadataValue.
 *
 * Value v1 adds rebalanceTimeout, v2 currentStateTimestamp, v3 groupInstanceId (KIP-345), v4 is flexible. Timeouts and
 * timestamps are in milliseconds.
 */
import { array, bytes, int32, int64, string } from '../schema.ts';
import { defineStoredRecord } from '../stored-record.ts';

export const GroupMetadataKey = defineStoredRecord({
  name: 'GroupMetadataKey',
  validVersions: '2',
  fields: { group: string() },
});

export const GroupMetadataValue = defineStoredRecord({
  name: 'GroupMetadataValue',
  validVersions: '0-4',
  flexibleVersions: '4+',
  fields: {
    protocolType: string(),
    generation: int32(),
    protocol: string({ nullable: '0+' }),
    leader: string({ nullable: '0+' }),
    currentStateTimestamp: int64({ versions: '2+', default: -1, ignorable: true, saturating: true }),
    members: array({
      memberId: string(),
      groupInstanceId: string({ versions: '3+', nullable: '3+', default: null, ignorable: true }),
      clientId: string(),
      clientHost: string(),
      rebalanceTimeout: int32({ versions: '1+', default: -1, ignorable: true }),
      sessionTimeout: int32(),
      subscription: bytes(),
      assignment: bytes(),
    }),
  },
});

/**
 * @pure SyncGroup: the leader of a classic group hands in the assignment, every member gets its part.
 *
 * v1 adds throttleTimeMs, v3 groupInstanceId (KIP-345). v4 is flexible. v5 adds protocolType and protocolName, both
 * ways (KIP-559).
 */
import { array, bytes, defineApi, errorCode, int32, string } from '../schema.ts';

export const SyncGroup = defineApi({
  key: 14,
  name: 'SyncGroup',
  validVersions: '0-5',
  flexibleVersions: '4+',
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
    protocolType: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    protocolName: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    errorCode: errorCode(),
    protocolType: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    protocolName: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    assignment: bytes(),
  },
});

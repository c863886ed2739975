/**
 * @pure JoinGroup: a member of the classic protocol joins its group or begins a rebalance.
 *
 * v1 adds rebalanceTimeoutMs (before, the session timeout stands for it). v2 adds throttleTimeMs. From v4 a new
 * member is told its id first and joins a second time (MEMBER_ID_REQUIRED, KIP-394). v5 adds groupInstanceId
 * (KIP-345). v6 is flexible. v7 answers with the protocolType, protocolName may be null (KIP-559). v8 adds reason
 * (KIP-800), v9 skipAssignment (KIP-814).
 */
import { array, bool, bytes, defineApi, errorCode, int32, string } from '../schema.ts';

export const JoinGroup = defineApi({
  key: 11,
  name: 'JoinGroup',
  validVersions: '0-9',
  flexibleVersions: '6+',
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ versions: '1+', default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: string({ versions: '5+', nullable: '5+', default: null }),
    protocolType: string(),
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    reason: string({ versions: '8+', nullable: '8+', default: null, ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ versions: '2+', default: 0, ignorable: true }),
    errorCode: errorCode(),
    generationId: int32({ default: -1 }),
    protocolType: string({ versions: '7+', nullable: '7+', default: null, ignorable: true }),
    protocolName: string({ nullable: '7+' }),
    leader: string(),
    skipAssignment: bool({ versions: '9+', default: false }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
      metadata: bytes(),
    }),
  },
});

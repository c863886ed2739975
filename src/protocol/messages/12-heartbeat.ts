/**
 * @pure Heartbeat: a member of the classic protocol is alive and asks whether its group rebalances.
 *
 * v1 adds throttleTimeMs, v3 groupInstanceId (KIP-345). v4 is flexible.
 */
import { defineApi, errorCode, int32, string } from '../schema.ts';

export const Heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  validVersions: '0-4',
  flexibleVersions: '4+',
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    errorCode: errorCode(),
  },
});

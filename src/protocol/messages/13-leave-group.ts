/**
 * @pure LeaveGroup: members of the classic protocol go.
 *
 * v1 adds throttleTimeMs. Up to v2 one member leaves, named by memberId; from v3 any number, in `members`, each by its
 * id or its groupInstanceId (KIP-345). v4 is flexible. v5 adds reason (KIP-800).
 */
import { array, defineApi, errorCode, int32, string } from '../schema.ts';

export const LeaveGroup = defineApi({
  key: 13,
  name: 'LeaveGroup',
  validVersions: '0-5',
  flexibleVersions: '4+',
  request: {
    groupId: string(),
    memberId: string({ versions: '0-2' }),
    members: array(
      {
        memberId: string({ versions: '3+' }),
        groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
        reason: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
      },
      { versions: '3+', default: [] },
    ),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    errorCode: errorCode(),
    members: array(
      {
        memberId: string({ versions: '3+' }),
        groupInstanceId: string({ versions: '3+', nullable: '3+' }),
        errorCode: errorCode({ versions: '3+' }),
      },
      { versions: '3+', default: [] },
    ),
  },
});

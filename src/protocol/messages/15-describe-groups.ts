/**
 * @pure DescribeGroups: state and members of classic groups.
 *
 * v1 adds throttleTimeMs, v3 authorized operations (KIP-430), v4 groupInstanceId (KIP-345). v5 is flexible.
 */
import { array, bool, bytes, defineApi, errorCode, int32, string } from '../schema.ts';

export const DescribeGroups = defineApi({
  key: 15,
  name: 'DescribeGroups',
  validVersions: '0-5',
  flexibleVersions: '5+',
  request: {
    groups: array(string()),
    includeAuthorizedOperations: bool({ versions: '3+', default: false }),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    groups: array({
      errorCode: errorCode(),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string({ versions: '4+', nullable: '4+', default: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ versions: '3+', default: -2147483648 }),
    }),
  },
});

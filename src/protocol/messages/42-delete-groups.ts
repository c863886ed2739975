/**
 * @pure DeleteGroups removes groups without members and their offsets (KIP-229).
 *
 * v1 is v0 again. v2 is flexible.
 */
import { array, defineApi, errorCode, int32, string } from '../schema.ts';

export const DeleteGroups = defineApi({
  key: 42,
  name: 'DeleteGroups',
  validVersions: '0-2',
  flexibleVersions: '2+',
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      groupId: string(),
      errorCode: errorCode(),
    }),
  },
});

/**
 * @pure ListGroups: the groups that the asked broker coordinates.
 *
 * v1 adds throttleTimeMs. v3 is flexible. v4 filters by and tells the state (KIP-518), v5 the type (KIP-848). An empty
 * filter lets everything through.
 */
import { array, defineApi, errorCode, int32, string } from '../schema.ts';

export const ListGroups = defineApi({
  key: 16,
  name: 'ListGroups',
  validVersions: '0-5',
  flexibleVersions: '3+',
  request: {
    statesFilter: array(string(), { versions: '4+', default: [] }),
    typesFilter: array(string(), { versions: '5+', default: [] }),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    errorCode: errorCode(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ versions: '4+', default: '', ignorable: true }),
      groupType: string({ versions: '5+', default: '', ignorable: true }),
    }),
  },
});

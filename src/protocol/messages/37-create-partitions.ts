/**
 * @pure CreatePartitions makes a topic wider (KIP-195).
 *
 * v2 is flexible. v3 may answer THROTTLING_QUOTA_EXCEEDED (KIP-599).
 */
import { array, bool, defineApi, errorCode, int32, string } from '../schema.ts';

export const CreatePartitions = defineApi({
  key: 37,
  name: 'CreatePartitions',
  validVersions: '0-3',
  flexibleVersions: '2+',
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array(
        {
          brokerIds: array(int32()),
        },
        { nullable: '0+' },
      ),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      name: string(),
      errorCode: errorCode(),
      errorMessage: string({ nullable: '0+', default: null }),
    }),
  },
});

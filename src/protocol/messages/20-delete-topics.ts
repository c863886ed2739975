/**
 * @pure DeleteTopics.
 *
 * v1 adds throttleTimeMs. v3 may answer TOPIC_DELETION_DISABLED. v4 is flexible. v5 adds errorMessage and
 * THROTTLING_QUOTA_EXCEEDED (KIP-599). v6 allows topic ids instead of names.
 */
import { ZERO_TOPIC_ID } from '../../model/topic-partition.ts';
import { array, defineApi, errorCode, int32, string, uuid } from '../schema.ts';

export const DeleteTopics = defineApi({
  key: 20,
  name: 'DeleteTopics',
  validVersions: '0-6',
  flexibleVersions: '4+',
  request: {
    topics: array(
      {
        name: string({ nullable: '6+', default: null }),
        topicId: uuid({ default: ZERO_TOPIC_ID }),
      },
      { versions: '6+', default: [] },
    ),
    topicNames: array(string(), { versions: '0-5', ignorable: true }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    responses: array({
      name: string({ nullable: '6+' }),
      topicId: uuid({ versions: '6+', ignorable: true }),
      errorCode: errorCode(),
      errorMessage: string({ versions: '5+', nullable: '5+', default: null, ignorable: true }),
    }),
  },
});

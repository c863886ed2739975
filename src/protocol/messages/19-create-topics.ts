/**
 * @pure CreateTopics.
 *
 * v1 adds validateOnly and errorMessage, v2 throttleTimeMs. v4 makes -1 for numPartitions and replicationFactor mean
 * the broker's default (KIP-464). v5 is flexible and answers with the topic's configs (KIP-525). v6 may answer
 * THROTTLING_QUOTA_EXCEEDED (KIP-599). v7 answers with topicId.
 */
import { array, bool, defineApi, errorCode, int16, int32, int8, string, uuid } from '../schema.ts';

export const CreateTopics = defineApi({
  key: 19,
  name: 'CreateTopics',
  validVersions: '0-7',
  flexibleVersions: '5+',
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array(
        {
          partitionIndex: int32(),
          brokerIds: array(int32()),
        },
        { default: [] },
      ),
      configs: array(
        {
          name: string(),
          value: string({ nullable: '0+' }),
        },
        { default: [] },
      ),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ versions: '1+', default: false }),
  },
  response: {
    throttleTimeMs: int32({ versions: '2+', default: 0, ignorable: true }),
    topics: array({
      name: string(),
      topicId: uuid({ versions: '7+', ignorable: true }),
      errorCode: errorCode(),
      errorMessage: string({ versions: '1+', nullable: '0+', ignorable: true }),
      topicConfigErrorCode: int16({ versions: '5+', ignorable: true, tag: 0 }),
      numPartitions: int32({ versions: '5+', default: -1, ignorable: true }),
      replicationFactor: int16({ versions: '5+', default: -1, ignorable: true }),
      configs: array(
        {
          name: string(),
          value: string({ nullable: '5+' }),
          readOnly: bool(),
          configSource: int8({ default: -1 }),
          isSensitive: bool(),
        },
        { versions: '5+', nullable: '5+', ignorable: true },
      ),
    }),
  },
});

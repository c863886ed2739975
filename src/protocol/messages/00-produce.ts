/**
 * @pure Produce appends record batches to partition leaders.
 *
 * v1 adds throttleTimeMs, v2 logAppendTimeMs. v3 is the first with record batches (magic 2) and transactionalId;
 * before it the records are message sets of magic 0 or 1. v4: KAFKA_STORAGE_ERROR may come back. v5 adds
 * logStartOffset. v7 allows zstd (KIP-110). v8 adds recordErrors and errorMessage (KIP-467). v9 is flexible. v10
 * adds currentLeader and nodeEndpoints (KIP-951). v11 may answer TRANSACTION_ABORTABLE (KIP-890). With acks 0 there
 * is no response.
 */
import { array, defineApi, errorCode, int16, int32, int64, records, string, struct } from '../schema.ts';

export const Produce = defineApi({
  key: 0,
  name: 'Produce',
  validVersions: '0-11',
  flexibleVersions: '9+',
  request: {
    transactionalId: string({ versions: '3+', nullable: '3+', default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string(),
      partitionData: array({
        index: int32(),
        records: records(),
      }),
    }),
  },
  response: {
    responses: array({
      name: string(),
      partitionResponses: array({
        index: int32(),
        errorCode: errorCode(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ versions: '2+', default: -1, ignorable: true }),
        logStartOffset: int64({ versions: '5+', default: -1, ignorable: true }),
        recordErrors: array(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: string({ nullable: '8+', default: null }),
          },
          { versions: '8+', default: [], ignorable: true },
        ),
        errorMessage: string({ versions: '8+', nullable: '8+', default: null, ignorable: true }),
        currentLeader: struct(
          {
            leaderId: int32({ default: -1 }),
            leaderEpoch: int32({ default: -1 }),
          },
          { versions: '10+', tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32({ versions: '1+', default: 0, ignorable: true }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: string({ nullable: '10+', default: null }),
      },
      { versions: '10+', tag: 0 },
    ),
  },
});

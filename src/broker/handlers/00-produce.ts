/**
 * Produce v0-11: appends record batches to the partitions that this broker leads.
 *
 * Behaviour: acks 1 is answered when the batch is in the leader's log, in the turn of the request; acks -1 when
 * everything up to it is committed, during which the next requests of the connection go on (only the order of the
 * appends must be that of the requests); acks 0 never, but the connection is closed upon an error, so that the
 * producer learns of it. Other acks are INVALID_REQUIRED_ACKS. acks -1 with fewer in-sync replicas than
 * min.insync.replicas is refused with NOT_ENOUGH_REPLICAS before, or told with NOT_ENOUGH_REPLICAS_AFTER_APPEND after
 * the append. Only an admin client may write to internal topics. Transactions do not exist here: transactional
 * batches without a transactional id are TRANSACTIONAL_ID_AUTHORIZATION_FAILED as in Kafka, those with one
 * INVALID_TXN_STATE, since their partition was never added to a transaction.
 * Versions: v0-2 bring message sets, which are converted; from v3 on exactly one batch of magic 2 for each partition.
 * zstd from v7. The current leader comes with NOT_LEADER_OR_FOLLOWER from v10 (KIP-951).
 */
import { isInternalTopic } from '../../model/topic-names.ts';
import { RecordValidationError } from '../../log/append-check.ts';
import { type ErrorName, Errors, errorMessage, KafkaError } from '../../protocol/errors.ts';
import { Produce } from '../../protocol/messages/00-produce.ts';
import { LOG_OVERHEAD, MAGIC_V2, RECORD_BATCH_OVERHEAD, RecordBatch } from '../../protocol/records/batch.ts';
import { convertMessageSet } from '../../protocol/records/message-set.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import { CurrentLeaders } from '../current-leader.ts';
import { handler, NO_RESPONSE, type RequestContext, staged } from '../handler.ts';
import { PendingProduce } from '../pending-produce.ts';

type ProduceRequest = RequestOf<typeof Produce>;
type ProduceResponse = ResponseOf<typeof Produce>;
type PartitionAnswer = { -readonly [K in keyof PartitionResponse]: PartitionResponse[K] };
type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number];
type ProducedPartition = ProduceRequest['topicData'][number]['partitionData'][number];

const ADMIN_CLIENT_ID = '__admin_client';
const FIRST_VERSION = { recordBatch: 3, zstd: 7, currentLeader: 10 } as const;
const UNKNOWN_OFFSET = -1;

export const produce = handler(
  Produce,
  {
    versions: '0-11',
    onError: (request, error) => (request.acks === 0 ? NO_RESPONSE : allFailed(request, error)),
  },
  (context, request) => {
    const { acks, transactionalId } = request;
    if (acks !== -1 && acks !== 0 && acks !== 1) return allFailed(request, 'INVALID_REQUIRED_ACKS');
    if (transactionalId === null && hasTransactionalBatch(request))
      throw new KafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED');
    const pending = new PendingProduce();
    const responses = request.topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map((produced) => append(context, name, produced, acks, pending)),
    }));
    if (acks === 0) {
      // The only way to tell a producer that expects no answer: see onError.
      for (const { partitionResponses } of responses)
        for (const { errorCode } of partitionResponses)
          if (errorCode !== Errors.NONE) throw new KafkaError('UNKNOWN_SERVER_ERROR');
      return NO_RESPONSE;
    }
    if (pending.isDone) return respond(context, responses);
    return staged(pending.whenDone(context.broker.clock, request.timeoutMs).then(() => respond(context, responses)));
  },
);

/** Appends to one partition and says how it went; what is still awaited is written into the answer when it is known. */
function append(
  context: RequestContext,
  topic: string,
  { index, records }: ProducedPartition,
  acks: number,
  pending: PendingProduce,
): PartitionAnswer {
  const { broker, clientId, version, nowMs } = context;
  try {
    if (isInternalTopic(topic) && clientId !== ADMIN_CLIENT_ID)
      throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Cannot append to internal topic ${topic}`);
    if (!broker.metadata.contains(topic, index)) {
      broker.replicas.counters.topics.elsewhere.failedProduceRequests++;
      return failed(index, 'UNKNOWN_TOPIC_OR_PARTITION');
    }
    const batch = batchOf(records, version);
    const partition = broker.replicas.leader(topic, index, -1);
    if (typeof partition === 'string') return failed(index, partition);
    const result = partition.append(batch, acks, 'client', nowMs);
    if (version < FIRST_VERSION.recordBatch && batch !== records)
      partition.counters.produceMessageConversions += result.lastOffset - result.firstOffset + 1;
    const { firstOffset, lastOffset, logAppendTimeMs, logStartOffset } = result;
    const answer: PartitionAnswer = {
      index,
      errorCode: Errors.NONE,
      baseOffset: firstOffset,
      logAppendTimeMs,
      logStartOffset,
    };
    if (acks !== 0)
      partition.whenAcknowledged(
        acks,
        lastOffset + 1,
        pending.expect((outcome) => {
          answer.errorCode = Errors[outcome];
        }),
      );
    return answer;
  } catch (error) {
    if (error instanceof KafkaError) return refused(index, error);
    throw error;
  }
}

/** What the version may bring, as one batch (Kafka's ProduceRequest.validateRecords). The log checks the rest. */
function batchOf(records: Buffer | null, version: number): Buffer {
  if (version < FIRST_VERSION.recordBatch) {
    const isBatch =
      records !== null && records.length >= RECORD_BATCH_OVERHEAD && new RecordBatch(records).magic === MAGIC_V2;
    const converted = isBatch ? records : convertMessageSet(records ?? Buffer.alloc(0));
    if (converted.length === 0) throw new KafkaError('INVALID_RECORD', 'The message set is empty');
    return converted;
  }
  if (records === null || records.length < LOG_OVERHEAD)
    throw new KafkaError(
      'INVALID_RECORD',
      `Produce requests with version ${version} must have at least one record batch per partition`,
    );
  if (records.length < RECORD_BATCH_OVERHEAD) throw new KafkaError('CORRUPT_MESSAGE');
  const batch = new RecordBatch(records);
  if (batch.magic !== MAGIC_V2)
    throw new KafkaError(
      'INVALID_RECORD',
      `Produce requests with version ${version} are only allowed to contain record batches with magic version 2`,
    );
  if (batch.compression === 'zstd' && version < FIRST_VERSION.zstd)
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `Produce requests with version ${version} are not allowed to use ZStandard compression`,
    );
  if (batch.isTransactional) throw new KafkaError('INVALID_TXN_STATE');
  return records;
}

function hasTransactionalBatch({ topicData }: ProduceRequest): boolean {
  for (const { partitionData } of topicData)
    for (const { records } of partitionData) {
      if (records === null || records.length < RECORD_BATCH_OVERHEAD) continue;
      const batch = new RecordBatch(records);
      if (batch.magic === MAGIC_V2 && batch.isTransactional) return true;
    }
  return false;
}

function failed(index: number, error: ErrorName): PartitionAnswer {
  return { index, errorCode: Errors[error], baseOffset: UNKNOWN_OFFSET };
}

function refused(index: number, error: KafkaError): PartitionAnswer {
  const answer = failed(index, error.error);
  if (error.message !== errorMessage(error.error)) answer.errorMessage = error.message;
  if (error instanceof RecordValidationError) answer.recordErrors = error.recordErrors;
  return answer;
}

function allFailed({ topicData }: ProduceRequest, error: ErrorName): ProduceResponse {
  return {
    responses: topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }) => failed(index, error)),
    })),
    nodeEndpoints: [],
  };
}

function respond(
  { broker, version, connection }: RequestContext,
  responses: { name: string; partitionResponses: PartitionAnswer[] }[],
): ProduceResponse {
  if (version < FIRST_VERSION.currentLeader) return { responses, nodeEndpoints: [] };
  const leaders = new CurrentLeaders(broker, connection.listenerName);
  for (const { name, partitionResponses } of responses)
    for (const answer of partitionResponses)
      if (answer.errorCode === Errors.NOT_LEADER_OR_FOLLOWER) answer.currentLeader = leaders.of(name, answer.index);
  return { responses, nodeEndpoints: leaders.nodeEndpoints };
}

/**
 * DeleteRecords v0-2: takes what lies below an offset out of partitions that this broker leads; -1 stands for all that
 * is committed.
 *
 * Behaviour: the log start moves in the turn of the request. The answer comes when every replica whose broker lives
 * has moved its own, with that low watermark; after timeoutMs it is REQUEST_TIMED_OUT, though the records are as good
 * as gone. An offset beyond the high watermark is OFFSET_OUT_OF_RANGE, a topic that is only compacted
 * POLICY_VIOLATION, an internal topic INVALID_TOPIC_EXCEPTION. Of a partition named twice the last offset counts.
 */
import { isInternalTopic } from '../../model/topic-names.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { DeleteRecords } from '../../protocol/messages/21-delete-records.ts';
import type { ResponseOf } from '../../protocol/schema.ts';
import { DelayedDeletions, UNKNOWN_LOW_WATERMARK } from '../../replica/deletion.ts';
import type { Partition } from '../../replica/partition.ts';
import { handler, type RequestContext } from '../handler.ts';

type DeleteRecordsResponse = ResponseOf<typeof DeleteRecords>;
type PartitionAnswer = DeleteRecordsResponse['topics'][number]['partitions'][number];
type OpenAnswer = { -readonly [K in keyof PartitionAnswer]: PartitionAnswer[K] };

export const deleteRecords = handler(DeleteRecords, { versions: '0-2' }, (context, request) => {
  const wanted = new Map<string, Map<number, number>>();
  for (const { name, partitions } of request.topics) {
    const offsets = wanted.get(name) ?? new Map<number, number>();
    for (const { partitionIndex, offset } of partitions) offsets.set(partitionIndex, offset);
    wanted.set(name, offsets);
  }
  const deletions = new DelayedDeletions();
  const topics = [...wanted].map(([name, offsets]) => ({
    name,
    partitions: [...offsets].map(([index, offset]) => deleteFrom(context, name, index, offset, deletions)),
  }));
  return deletions.isDone ? { topics } : answerWhenDone(context, deletions, request.timeoutMs, { topics });
});

/** What is still awaited is written into the answer when it is known. */
function deleteFrom(
  { broker }: RequestContext,
  topic: string,
  partitionIndex: number,
  offset: number,
  deletions: DelayedDeletions,
): PartitionAnswer {
  const answer: OpenAnswer = { partitionIndex, lowWatermark: UNKNOWN_LOW_WATERMARK, errorCode: Errors.NONE };
  try {
    const partition = leaderOf(broker, topic, partitionIndex);
    deletions.add(partition, partition.deleteRecords(offset), ({ error, lowWatermark }) => {
      answer.errorCode = Errors[error];
      answer.lowWatermark = lowWatermark;
    });
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    answer.errorCode = error.errorCode;
  }
  return answer;
}

function leaderOf(broker: RequestContext['broker'], topic: string, partitionIndex: number): Partition {
  if (!broker.metadata.contains(topic, partitionIndex)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
  if (isInternalTopic(topic)) throw new KafkaError('INVALID_TOPIC_EXCEPTION');
  const partition = broker.replicas.leader(topic, partitionIndex, -1);
  if (typeof partition === 'string') throw new KafkaError(partition);
  return partition;
}

async function answerWhenDone(
  { broker, connection }: RequestContext,
  deletions: DelayedDeletions,
  timeoutMs: number,
  response: DeleteRecordsResponse,
): Promise<DeleteRecordsResponse> {
  // Clients may allow weeks, and go.
  const stopListening = connection.onClose(() => deletions.giveUp());
  await deletions.whenDone(broker.clock, timeoutMs);
  stopListening();
  return response;
}

/**
 * ElectLeaders v0-2: preferred elections (KIP-183) and, from v1, unclean ones (KIP-460).
 *
 * Behaviour: for each partition ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE or
 * ELIGIBLE_LEADERS_NOT_AVAILABLE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION while the topic is being
 * deleted, or none; then the answer waits until this broker's metadata shows the leader, or REQUEST_TIMED_OUT.
 * Without a list of partitions all are meant, and those that need no election are left out of the answer. Not the
 * controller: NOT_CONTROLLER for each partition.
 */
import { type ElectionOutcome, ELECTION_TYPES } from '../../controller/leadership.ts';
import type { TopicPartition } from '../../model/topic-partition.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { ElectLeaders } from '../../protocol/messages/43-elect-leaders.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import type { Broker } from '../broker.ts';
import { handler, type RequestContext } from '../handler.ts';
import { whenMetadataShows } from '../metadata-wait.ts';

type Request = RequestOf<typeof ElectLeaders>;
type Result = ResponseOf<typeof ElectLeaders>['replicaElectionResults'][number];
type PartitionResult = Result['partitionResult'][number];

const FIRST_VERSION_WITH_TYPE = 1;

export const electLeaders = handler(ElectLeaders, { versions: '0-2' }, async (context, request) => {
  const { broker } = context;
  const partitions = askedPartitions(request, broker);
  const outcomes = broker.controller.isActive
    ? await broker.controller.electLeaders(partitions, electionTypeOf(context, request))
    : partitions.map((partition): ElectionOutcome => ({ ...partition, error: 'NOT_CONTROLLER', message: null }));
  const isShown = (outcome: ElectionOutcome): boolean =>
    outcome.error !== 'NONE' || broker.metadata.partition(outcome.topic, outcome.partition)?.leader === outcome.leader;
  const waitMs = request.timeoutMs - (broker.clock.monotonicMs() - context.monotonicMs);
  await whenMetadataShows(broker.metadata, broker.clock, waitMs, () => outcomes.every(isShown));

  const results = new Map<string, PartitionResult[]>();
  for (const outcome of outcomes) {
    if (request.topicPartitions === null && outcome.error === 'ELECTION_NOT_NEEDED') continue;
    const result = results.get(outcome.topic) ?? [];
    results.set(outcome.topic, result);
    result.push(resultOf(outcome, isShown(outcome)));
  }
  return {
    errorCode: Errors.NONE,
    replicaElectionResults: [...results].map(([topic, partitionResult]) => ({ topic, partitionResult })),
  };
});

function electionTypeOf({ version }: RequestContext, { electionType }: Request) {
  const type = version < FIRST_VERSION_WITH_TYPE ? ELECTION_TYPES[0] : ELECTION_TYPES[electionType];
  if (type === undefined) throw new KafkaError('INVALID_REQUEST', `Value ${electionType} must be one of 0, 1`);
  return type;
}

/** Each partition once. */
function askedPartitions({ topicPartitions }: Request, { metadata }: Broker): TopicPartition[] {
  const asked = new Map<string, TopicPartition>();
  const add = (topic: string, partition: number): void => {
    asked.set(`${topic}-${partition}`, { topic, partition });
  };
  if (topicPartitions === null)
    for (const [topic, { partitions }] of metadata.image.topics)
      for (const partition of partitions.keys()) add(topic, partition);
  else for (const { topic, partitions } of topicPartitions) for (const partition of partitions) add(topic, partition);
  return [...asked.values()];
}

function resultOf(outcome: ElectionOutcome, isShown: boolean): PartitionResult {
  const { partition: partitionId } = outcome;
  if (!isShown) return { partitionId, errorCode: Errors.REQUEST_TIMED_OUT, errorMessage: null };
  const errorMessage = outcome.error === 'NONE' ? null : outcome.message;
  return { partitionId, errorCode: Errors[outcome.error], errorMessage };
}

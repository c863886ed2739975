/**
 * CreateTopics v0-7.
 *
 * Behaviour: each topic succeeds or fails by itself. A name that comes more than once is INVALID_REQUEST, so is
 * __cluster_metadata. What was created is answered when this broker's metadata shows a leader for every partition, or
 * with REQUEST_TIMED_OUT when that takes longer than timeoutMs (at once if timeoutMs is not positive): the topic
 * exists then all the same. With validateOnly nothing is created and nothing waited for. Not the controller:
 * NOT_CONTROLLER for each topic.
 * Versions: validateOnly from v1. -1 partitions or replicas mean the broker's default from v4 on (accepted before
 * too, as Kafka does). From v5 the answer has the topic's partitions, replicas and configuration, from v7 its id.
 */
import { describeTopicConfig } from '../../config/describe.ts';
import { CLUSTER_METADATA_TOPIC_NAME } from '../../model/topic-names.ts';
import type { CreationOutcome } from '../../controller/topic-requests.ts';
import { NO_LEADER } from '../../model/leader-and-isr.ts';
import { ZERO_TOPIC_ID } from '../../model/topic-partition.ts';
import { Errors } from '../../protocol/errors.ts';
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import type { Broker } from '../broker.ts';
import { handler } from '../handler.ts';
import { whenMetadataShows } from '../metadata-wait.ts';

type TopicRequest = RequestOf<typeof CreateTopics>['topics'][number];
type TopicResponse = ResponseOf<typeof CreateTopics>['topics'][number];

const NO_TOPIC = {
  topicId: ZERO_TOPIC_ID,
  numPartitions: -1,
  replicationFactor: -1,
  configs: [],
  topicConfigErrorCode: Errors.NONE,
};

export const createTopics = handler(CreateTopics, { versions: '0-7' }, async ({ broker, monotonicMs }, request) => {
  if (!broker.controller.isActive) {
    const notController = ({ name }: TopicRequest) => refuse(name, 'NOT_CONTROLLER', null);
    return { topics: distinct(request.topics).map(notController) };
  }
  const { topics, timeoutMs, validateOnly } = request;
  const refused = reasonsAgainst(topics);
  const wanted = topics.filter(({ name }) => !refused.has(name));
  const outcomes = await broker.controller.createTopics(wanted, validateOnly);
  const created = outcomes.filter(({ error }) => error === 'NONE');
  if (!validateOnly && created.length > 0) {
    const waitMs = timeoutMs - (broker.clock.monotonicMs() - monotonicMs);
    const areReady = () => created.every((outcome) => hasLeaders(broker, outcome));
    await whenMetadataShows(broker.metadata, broker.clock, timeoutMs <= 0 ? 0 : waitMs, areReady);
  }
  const isReady = (outcome: CreationOutcome) => validateOnly || (timeoutMs > 0 && hasLeaders(broker, outcome));
  const byName = new Map(outcomes.map((outcome) => [outcome.name, outcome]));
  return {
    topics: distinct(topics).map((topic) => {
      const outcome = byName.get(topic.name);
      if (outcome === undefined) return refuse(topic.name, 'INVALID_REQUEST', refused.get(topic.name) ?? null);
      if (outcome.error !== 'NONE') return refuse(topic.name, outcome.error, outcome.message);
      if (!isReady(outcome)) return { ...refuse(topic.name, 'REQUEST_TIMED_OUT', null), topicId: outcome.topicId };
      return accept(broker, topic, outcome);
    }),
  };
});

/** One for each name, in order: the answer has a name only once. */
function distinct(topics: readonly TopicRequest[]): TopicRequest[] {
  return [...new Map(topics.map((topic) => [topic.name, topic])).values()];
}

function reasonsAgainst(topics: readonly TopicRequest[]): Map<string, string> {
  const reasons = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name } of topics) {
    if (seen.has(name)) reasons.set(name, 'Found multiple entries for this topic.');
    seen.add(name);
  }
  if (seen.has(CLUSTER_METADATA_TOPIC_NAME))
    reasons.set(
      CLUSTER_METADATA_TOPIC_NAME,
      `Creation of internal topic ${CLUSTER_METADATA_TOPIC_NAME} is prohibited.`,
    );
  return reasons;
}

function hasLeaders({ metadata }: Broker, { name, topicId, assignment }: CreationOutcome): boolean {
  const topic = metadata.image.topics.get(name);
  if (topic === undefined || topic.topicId !== topicId) return false;
  for (const partition of assignment.keys())
    if ((topic.partitions.get(partition)?.leader ?? NO_LEADER) === NO_LEADER) return false;
  return true;
}

function refuse(name: string, error: keyof typeof Errors, errorMessage: string | null): TopicResponse {
  return { name, errorCode: Errors[error], errorMessage, ...NO_TOPIC };
}

function accept(
  broker: Broker,
  { name, configs }: TopicRequest,
  { topicId, assignment }: CreationOutcome,
): TopicResponse {
  const overrides = new Map(configs.map((config) => [config.name, config.value ?? '']));
  return {
    name,
    topicId,
    errorCode: Errors.NONE,
    errorMessage: null,
    topicConfigErrorCode: Errors.NONE,
    numPartitions: assignment.size,
    replicationFactor: assignment.get(0)?.length ?? -1,
    configs: describeTopicConfig(broker.config, overrides, null).map((config) => ({
      name: config.name,
      value: config.value,
      readOnly: config.readOnly,
      configSource: config.source,
      isSensitive: config.isSensitive,
    })),
  };
}

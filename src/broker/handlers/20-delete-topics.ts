/**
 * DeleteTopics v0-6.
 *
 * Behaviour: answered when the topics are gone from this broker's metadata, which is as soon as the deletion has
 * begun, or with REQUEST_TIMED_OUT after timeoutMs; the deletion goes on all the same, and waits for replicas on
 * brokers that are not there. Deleting a topic that is being deleted is no error. With delete.topic.enable=false
 * TOPIC_DELETION_DISABLED (INVALID_REQUEST before v3). Not the controller: NOT_CONTROLLER for each topic.
 * Versions: v6 takes names or ids; both at once is INVALID_REQUEST, an id that nobody has UNKNOWN_TOPIC_ID.
 */
import type { TopicId } from '../../model/topic-partition.ts';
import { ZERO_TOPIC_ID } from '../../model/topic-partition.ts';
import { type ErrorName, Errors, KafkaError } from '../../protocol/errors.ts';
import { DeleteTopics } from '../../protocol/messages/20-delete-topics.ts';
import type { RequestOf } from '../../protocol/schema.ts';
import { handler } from '../handler.ts';
import { whenMetadataShows } from '../metadata-wait.ts';

interface AskedTopic {
  readonly name: string | null;
  readonly topicId: TopicId;
}

const FIRST_VERSION = { deletionDisabled: 3, states: 6 } as const;

export const deleteTopics = handler(DeleteTopics, { versions: '0-6' }, async (context, request) => {
  const { broker, version, monotonicMs } = context;
  const asked = askedTopics(request, version);
  const all = (error: ErrorName) => ({ responses: asked.map((topic) => ({ ...topic, errorCode: Errors[error] })) });
  if (!broker.controller.isActive) return all('NOT_CONTROLLER');
  if (!broker.config.deleteTopicEnable)
    return all(version < FIRST_VERSION.deletionDisabled ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED');
  if (asked.some(({ name, topicId }) => name !== null && topicId !== ZERO_TOPIC_ID))
    throw new KafkaError('INVALID_REQUEST', 'Topic name and topic ID can not both be specified.');

  const topics = asked.map(({ name, topicId }) => ({ name: name ?? broker.controller.topicName(topicId), topicId }));
  const isThere = (name: string) => broker.metadata.image.topics.has(name);
  // What is on its way out is unknown already; a topic that never had a leader is in no broker's metadata, but exists.
  const isKnown = (name: string) => isThere(name) || !broker.controller.isTopicQueuedForDeletion(name);
  const wanted = new Set(topics.map(({ name }) => name).filter((name) => name !== null));
  const outcomes = await broker.controller.deleteTopics([...wanted].filter(isKnown));
  const errors = new Map<string, ErrorName>(outcomes.map(({ name, error }) => [name, error]));
  const begun = outcomes.filter(({ error }) => error === 'NONE').map(({ name }) => name);
  if (begun.length > 0) {
    const waitMs = request.timeoutMs - (broker.clock.monotonicMs() - monotonicMs);
    const areGone = () => !begun.some(isThere);
    await whenMetadataShows(broker.metadata, broker.clock, request.timeoutMs <= 0 ? 0 : waitMs, areGone);
    for (const name of begun) if (request.timeoutMs <= 0 || isThere(name)) errors.set(name, 'REQUEST_TIMED_OUT');
  }
  return {
    responses: topics.map(({ name, topicId }) => ({ name, topicId, errorCode: Errors[errorOf(name, errors)] })),
  };
});

/** As the client named them, each once; before v6 there are only names. */
function askedTopics({ topics, topicNames }: RequestOf<typeof DeleteTopics>, version: number): AskedTopic[] {
  const asked =
    version < FIRST_VERSION.states
      ? topicNames.map((name): AskedTopic => ({ name, topicId: ZERO_TOPIC_ID }))
      : topics.map(({ name, topicId }): AskedTopic => ({ name, topicId }));
  return [...new Map(asked.map((topic) => [`${topic.topicId} ${topic.name}`, topic])).values()];
}

function errorOf(name: string | null, errors: ReadonlyMap<string, ErrorName>): ErrorName {
  if (name === null) return 'UNKNOWN_TOPIC_ID';
  return errors.get(name) ?? 'UNKNOWN_TOPIC_OR_PARTITION';
}

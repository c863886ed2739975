/** Topics in the API v3: list, create, describe, enlarge, delete. */
import type { V3Admin } from '../rest/v3-admin.ts';
import { newTopicOf, partitionsCountOf } from '../rest/v3-bodies.ts';
import { sizedTopicView, topicView } from '../rest/v3-cluster-views.ts';
import { INT32, named, shape, withExample } from './api-description.ts';
import { shown, type V3Call, type V3Routes } from './rest-v3-call.ts';
import { describeV3, listOfThings, NEW_TOPIC, paramsOf, TOPIC } from './rest-v3-descriptions.ts';

const OPERATIONS = 'include_authorized_operations';
/** Confluent's list calls it otherwise than its other questions do; either name is taken. */
const OTHER_OPERATIONS = 'includeAuthorizedOperations';
const QUERY = { [OPERATIONS]: 'true to be told what you may do with the topic' };
const TOPIC_PATH = '/topics/:topic_name';

export function topicRoutes(routes: V3Routes, admin: V3Admin): void {
  const list = describeV3('All topics', { params: paramsOf(), query: QUERY, answer: listOfThings(TOPIC) });
  routes.on('GET', '/topics', list, async (call, reply) => {
    const { links } = call;
    const showOperations = wantsOperations(call);
    return routes.listAll(reply, links.list('KafkaTopicList', 'topics'), async () =>
      shown(await admin.topics(), (topic) => topicView(links, topic, showOperations)),
    );
  });

  const create = describeV3('Creates a topic, or tells whether it could be', {
    params: paramsOf(),
    body: NEW_TOPIC,
    answers: {
      200: named('It could be created; nothing was done', TOPIC),
      201: named('The topic that was created', TOPIC),
    },
  });
  routes.on('POST', '/topics', create, async ({ links, body }, reply) => {
    const topic = newTopicOf(body);
    const created = await admin.createTopic(topic);
    const view = sizedTopicView(links, topic.name, created);
    return reply
      .code(topic.validateOnly ? 200 : 201)
      .header('location', view.metadata.self)
      .send(view);
  });

  const one = describeV3('A topic', { params: paramsOf('topic_name'), query: QUERY, answer: TOPIC });
  routes.on('GET', TOPIC_PATH, one, async (call) =>
    topicView(call.links, await admin.topic(call.text('topic_name')), wantsOperations(call)),
  );

  const enlarge = describeV3('Adds partitions to a topic', {
    params: paramsOf('topic_name'),
    body: withExample(
      shape({ partitions_count: { ...INT32, description: 'How many there are to be altogether' } }, [
        'partitions_count',
      ]),
      { partitions_count: 6 },
    ),
    answer: named('The topic as it is now', TOPIC),
  });
  routes.on('PATCH', TOPIC_PATH, enlarge, async (call) => {
    const name = call.text('topic_name');
    await admin.createPartitions(name, partitionsCountOf(call.body));
    return topicView(call.links, await admin.topic(name), false);
  });

  const remove = describeV3('Deletes a topic', { params: paramsOf('topic_name'), answers: { 204: null } });
  routes.on('DELETE', TOPIC_PATH, remove, async (call, reply) => {
    await admin.deleteTopic(call.text('topic_name'));
    return reply.code(204).send();
  });
}

function wantsOperations(call: V3Call): boolean {
  return (call.query(OPERATIONS) ?? call.query(OTHER_OPERATIONS)) === 'true';
}

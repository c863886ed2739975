/**
 * v2 of the REST Proxy: topics, partitions and brokers. `GET /` is answered by the Schema Registry, in the same words.
 */
import type { FastifyPluginAsync } from 'fastify';
import type { TopicViews } from '../rest/topic-views.ts';
import { BOOLEAN, INT32, INT64, type JsonSchema, listOf, mapOf, nullable, shape, STRING } from './api-description.ts';
import { answerWith, describeV2, partitionOf, topicOf, V2_TYPES } from './rest-v2-media.ts';

const PARAMS = { topic: 'Its name', partition: { ...INT32, description: 'Its number, from 0 on' } };
const REPLICA = shape({ broker: INT32, leader: BOOLEAN, in_sync: BOOLEAN });
const PARTITION: JsonSchema = shape({ partition: INT32, leader: INT32, replicas: listOf(REPLICA) });
const TOPIC = shape({ name: STRING, configs: mapOf(nullable(STRING)), partitions: listOf(PARTITION) });
const OFFSETS = shape({ beginning_offset: INT64, end_offset: INT64 });

const ROUTES = {
  topics: describeV2('The names of all topics', { answer: listOf(STRING) }),
  topic: describeV2('A topic, its settings and its partitions', { params: { topic: PARAMS.topic }, answer: TOPIC }),
  partitions: describeV2('The partitions of a topic', { params: { topic: PARAMS.topic }, answer: listOf(PARTITION) }),
  partition: describeV2('One partition', { params: PARAMS, answer: PARTITION }),
  offsets: describeV2('Where a partition begins and ends', { params: PARAMS, answer: OFFSETS }),
  brokers: describeV2('The ids of all brokers that are alive', { answer: shape({ brokers: listOf(INT32) }) }),
  root: describeV2('Nothing: for those who test whether somebody answers', { body: shape({}), answer: shape({}) }),
};

export function restV2Topics(views: Pick<TopicViews, keyof TopicViews>): FastifyPluginAsync {
  return async (app) => {
    answerWith(app, V2_TYPES);
    app.get('/topics', { schema: ROUTES.topics }, () => views.names());
    app.get('/topics/:topic', { schema: ROUTES.topic }, async (request) => views.topic(topicOf(request)));
    app.get('/topics/:topic/partitions', { schema: ROUTES.partitions }, async (request) =>
      views.partitions(topicOf(request)),
    );
    app.get('/topics/:topic/partitions/:partition', { schema: ROUTES.partition }, async (request) =>
      views.partition(topicOf(request), partitionOf(request)),
    );
    app.get('/topics/:topic/partitions/:partition/offsets', { schema: ROUTES.offsets }, async (request) =>
      views.offsets(topicOf(request), partitionOf(request)),
    );
    app.get('/brokers', { schema: ROUTES.brokers }, async () => ({ brokers: await views.brokerIds() }));
    app.removeAllContentTypeParsers();
    app.addContentTypeParser([...V2_TYPES], { parseAs: 'string' }, (_request, _body, done) => done(null));
    app.post('/', { schema: ROUTES.root }, async () => ({}));
  };
}

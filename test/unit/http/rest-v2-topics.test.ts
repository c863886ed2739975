/** v2's views of topics over HTTP, of a cluster that a test made up: golden bodies, content types and refusals. */
import { afterEach, expect, it } from 'vitest';
import { ClusterClient } from '../../../src/client/cluster-client.ts';
import { restV2Topics } from '../../../src/http/rest-v2-topics.ts';
import { newHttpApp } from '../../../src/http/server.ts';
import { SystemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { SystemRandom } from '../../../src/lib/random.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { DescribeConfigs, ListOffsets, Metadata } from '../../../src/protocol/messages/index.ts';
import { TopicViews } from '../../../src/rest/topic-views.ts';
import { ScriptedBroker } from '../../support/scripted-broker.ts';

const V2 = 'application/vnd.kafka.v2+json';
const TOPIC_ID = 'NPmZHyhbR9y00wMglMH2sg';
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

interface Script {
  readonly offsetError?: number;
  readonly configError?: number;
}

/** One broker with a topic `t` of two partitions, the second of which has no leader. */
async function newDesk({ offsetError = 0, configError = 0 }: Script = {}) {
  const broker = new ScriptedBroker();
  const partition = { errorCode: 0, leaderEpoch: 0, replicaNodes: [1, 2], offlineReplicas: [] };
  const known = [
    { name: 't', isInternal: false },
    { name: '__consumer_offsets', isInternal: true },
    { name: 'a', isInternal: false },
  ].map((topic) => ({
    ...topic,
    topicId: TOPIC_ID,
    errorCode: 0,
    partitions: [
      { ...partition, partitionIndex: 1, leaderId: -1, isrNodes: [2] },
      { ...partition, partitionIndex: 0, leaderId: 1, isrNodes: [1] },
    ],
  }));
  broker.on(Metadata, ({ topics }) => ({
    brokers: [3, 1].map((nodeId) => ({ nodeId, host: '127.0.0.1', port: broker.port })),
    controllerId: 1,
    topics:
      topics === null
        ? known
        : topics.map(
            ({ name }) =>
              known.find((topic) => topic.name === name) ?? {
                name,
                topicId: TOPIC_ID,
                errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION,
                partitions: [],
              },
          ),
  }));
  const plain = { readOnly: false, isSensitive: false, synonyms: [], documentation: null };
  broker.on(DescribeConfigs, ({ resources }) => ({
    results: resources.map(({ resourceType, resourceName }) => ({
      errorCode: configError,
      errorMessage: null,
      resourceType,
      resourceName,
      configs: [
        { name: 'retention.ms', value: '1', configSource: 1, ...plain },
        { name: 'cleanup.policy', value: 'delete', configSource: 5, ...plain },
      ],
    })),
  }));
  broker.on(ListOffsets, ({ topics }) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, timestamp }) => ({
        partitionIndex,
        errorCode: offsetError,
        offset: timestamp === -2 ? 5 : 9_007_199_254_740_991,
      })),
    })),
  }));
  await broker.listen();
  const cluster = new ClusterClient({
    bootstrapServers: broker.address,
    clientId: 'test',
    kind: 'AdminClient',
    clock: new SystemClock(),
    requestTimeoutMs: 1000,
    apiTimeoutMs: 1000,
    warn: () => undefined,
  });
  const app = newHttpApp({
    plugins: [restV2Topics(new TopicViews(cluster))],
    random: new SystemRandom(),
    logger: silentLogger,
  });
  opened.push(broker, cluster, app);
  const get = async (url: string, accept = V2) => {
    const { statusCode, payload, headers } = await app.inject({ url, headers: { accept } });
    return { status: statusCode, type: headers['content-type'], payload };
  };
  return { broker, get, app };
}

const PARTITIONS =
  '[{"partition":0,"leader":1,"replicas":[{"broker":1,"leader":true,"in_sync":true},' +
  '{"broker":2,"leader":false,"in_sync":false}]},' +
  '{"partition":1,"leader":-1,"replicas":[{"broker":1,"leader":false,"in_sync":false},' +
  '{"broker":2,"leader":false,"in_sync":true}]}]';

it.each([
  ['/topics', '["a","t"]'],
  ['/topics/t/partitions', PARTITIONS],
  ['/topics/t/partitions/1', PARTITIONS.slice(PARTITIONS.indexOf('{"partition":1'), -1)],
  ['/topics/t', `{"name":"t","configs":{"cleanup.policy":"delete","retention.ms":"1"},"partitions":${PARTITIONS}}`],
  ['/topics/t/partitions/0/offsets', '{"beginning_offset":5,"end_offset":9007199254740991}'],
  ['/brokers', '{"brokers":[1,3]}'],
])('golden: GET %s', async (url, body) => {
  const { get } = await newDesk();
  expect(await get(url)).toEqual({ status: 200, type: `${V2}; charset=utf-8`, payload: body });
});

it('answers in the type that the client likes, and says when there is none', async () => {
  const { get } = await newDesk();
  for (const [accept, type] of [
    ['*/*', V2],
    ['application/json', 'application/json'],
    ['application/vnd.kafka.v2+json; q=0.5, application/json', 'application/json'],
  ] as const)
    for (const path of ['/brokers', '/topics/nowhere'])
      expect((await get(path, accept)).type, path).toBe(`${type}; charset=utf-8`);
  expect(await get('/brokers', 'application/vnd.kafka.json.v2+json')).toMatchObject({
    status: 406,
    payload: '{"error_code":406,"message":"HTTP 406 Not Acceptable"}',
  });
});

it.each([
  ['/topics/nowhere', 404, 40401, 'Topic not found.'],
  ['/topics/nowhere/partitions', 404, 40401, 'Topic not found.'],
  ['/topics/nowhere/partitions/0/offsets', 404, 40401, 'Topic not found.'],
  ['/topics/t/partitions/2', 404, 40402, 'Partition not found.'],
  ['/topics/t/partitions/2/offsets', 404, 40402, 'Partition not found.'],
  ['/topics/t/partitions/x', 404, 404, 'HTTP 404 Not Found'],
  ['/topics/a%20b', 400, 40002, "Topic name is invalid: 'a b' contains one or more characters other than"],
])('refused: GET %s', async (url, status, code, message) => {
  const { get } = await newDesk();
  const answer = await get(url);
  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.payload)).toEqual({ error_code: code, message: expect.stringContaining(message) });
});

it('what the cluster refuses is told with its code', async () => {
  const { get } = await newDesk({ offsetError: Errors.UNKNOWN_SERVER_ERROR });
  expect(JSON.parse((await get('/topics/t/partitions/0/offsets')).payload)).toMatchObject({ error_code: 40002 });
  const other = await newDesk({ configError: Errors.TOPIC_AUTHORIZATION_FAILED });
  expect(await other.get('/topics/t')).toMatchObject({ status: 403, payload: expect.stringContaining('40301') });
  const gone = await newDesk({ configError: Errors.UNKNOWN_TOPIC_OR_PARTITION });
  expect(await gone.get('/topics/t')).toMatchObject({ status: 404, payload: expect.stringContaining('40401') });
  expect(await other.get('/topics/t/partitions/1/offsets')).toMatchObject({ status: 500 });
});

it('POST / is for those who test whether somebody answers', async () => {
  const { app } = await newDesk();
  const headers = { 'content-type': V2 };
  expect((await app.inject({ method: 'POST', url: '/', headers, payload: '{"a":"b"}' })).payload).toBe('{}');
});

it('all who ask for all topics at the same time get one answer', async () => {
  const { get, broker } = await newDesk();
  await get('/brokers');
  const before = broker.received.length;
  await Promise.all(Array.from({ length: 20 }, () => get('/topics')));
  expect(broker.received.length - before).toBe(1);
});

/** The API v3 as clients see it, over a cluster of fields. */
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/client/api-error.ts';
import { restV3Routes } from '../../../src/http/rest-v3.ts';
import { newHttpApp } from '../../../src/http/server.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { SystemRandom } from '../../../src/lib/random.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { entryOf, FakeV3Admin, groupOf, memberOf, topicOf } from '../../support/fake-v3-admin.ts';

const BASE = 'http://localhost:80/v3/clusters/cluster-1';
const crn = (path: string) => `crn:///kafka=cluster-1${path}`;
const related = (path: string) => ({ related: BASE + path });
const NOT_HOSTED = 'This server does not host this topic-partition.';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

let admin: FakeV3Admin;
let app: FastifyInstance;
beforeEach(() => {
  admin = new FakeV3Admin();
  const routes = restV3Routes({ admin, clusterId: 'cluster-1', logger: silentLogger });
  app = newHttpApp({ plugins: [routes], random: new SystemRandom(), logger: silentLogger });
});
afterEach(() => app.close());

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

async function ask(method: Method, path: string, body?: unknown): Promise<Answer> {
  const { statusCode, payload } = await app.inject({
    method,
    url: `/v3/clusters/cluster-1${path}`,
    ...(body === undefined
      ? {}
      : {
          headers: { 'content-type': 'application/json' },
          payload: typeof body === 'string' ? body : JSON.stringify(body),
        }),
  });
  return { status: statusCode, body: payload === '' ? null : JSON.parse(payload) };
}

async function get(path: string): Promise<unknown> {
  const { status, body } = await ask('GET', path);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

function refused(code: number, message: string): Answer {
  return {
    status: code >= 1000 ? Math.floor(code / 100) : code,
    body: { error_code: code, message },
  };
}

const BARE_404 = refused(404, 'HTTP 404 Not Found');

describe('the cluster', () => {
  const cluster = {
    kind: 'KafkaCluster',
    metadata: { self: BASE, resource_name: crn('') },
    cluster_id: 'cluster-1',
    controller: related('/brokers/1'),
    acls: related('/acls'),
    brokers: related('/brokers'),
    broker_configs: related('/broker-configs'),
    consumer_groups: related('/consumer-groups'),
    topics: related('/topics'),
    partition_reassignments: related('/topics/-/partitions/-/reassignment'),
  };

  it('is the only one of the list', async () => {
    const { payload } = await app.inject('/v3/clusters');
    expect(JSON.parse(payload)).toEqual({
      kind: 'KafkaClusterList',
      metadata: { self: 'http://localhost:80/v3/clusters', next: null },
      data: [cluster],
    });
    expect(await get('')).toEqual(cluster);
  });

  it('has no controller while nobody is known to be one', async () => {
    admin.controllerId = null;
    expect(await get('')).toMatchObject({ controller: null });
  });

  it('is called as the client called it, whatever a proxy says', async () => {
    const headers = { host: 'kafka.example:8443', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const { payload } = await app.inject({ url: '/v3/clusters/cluster-1', headers });
    expect(JSON.parse(payload)).toMatchObject({
      metadata: { self: 'http://kafka.example:8443/v3/clusters/cluster-1' },
    });
  });

  it('another cluster is not here', async () => {
    const other = async (path: string) => JSON.parse((await app.inject(`/v3/clusters/other${path}`)).payload);
    expect(await other('')).toEqual(BARE_404.body);
    for (const path of ['/topics', '/topics/t/partitions/0', '/brokers', '/broker-configs', '/acls'])
      expect(await other(path), path).toEqual({ error_code: 404, message: 'Cluster other cannot be found.' });
    expect(await other('/consumer-groups/g/lags')).toEqual({
      error_code: 404,
      message: 'Cluster other could not be found.',
    });
  });
});

describe('brokers', () => {
  const broker = (id: number) => ({
    kind: 'KafkaBroker',
    metadata: { self: `${BASE}/brokers/${id}`, resource_name: crn(`/broker=${id}`) },
    cluster_id: 'cluster-1',
    broker_id: id,
    host: 'localhost',
    port: 9090 + id,
    rack: null,
    configs: related(`/brokers/${id}/configs`),
    partition_replicas: related(`/brokers/${id}/partition-replicas`),
  });

  it('are listed and told one by one', async () => {
    expect(await get('/brokers')).toEqual({
      kind: 'KafkaBrokerList',
      metadata: { self: `${BASE}/brokers`, next: null },
      data: [broker(1), broker(2), broker(3)],
    });
    expect(await get('/brokers/2')).toEqual(broker(2));
  });

  it.each(['4', 'one', '-1', '99999999999'])('there is no broker %s', async (id) => {
    expect(await ask('GET', `/brokers/${id}`)).toEqual(BARE_404);
  });

  it('tell which replicas they have, in the order of topics and partitions', async () => {
    admin.addTopic(topicOf('b', 1));
    admin.addTopic({ ...topicOf('a', 2), partitions: [{ partition: 0, leader: 2, replicas: [2], isr: [2] }] });
    expect(await get('/brokers/1/partition-replicas')).toEqual({
      kind: 'KafkaReplicaList',
      metadata: { self: `${BASE}/brokers/1/partition-replicas`, next: null },
      data: [
        {
          kind: 'KafkaReplica',
          metadata: {
            self: `${BASE}/topics/b/partitions/0/replicas/1`,
            resource_name: crn('/topic=b/partition=0/replica=1'),
          },
          cluster_id: 'cluster-1',
          topic_name: 'b',
          partition_id: 0,
          broker_id: 1,
          is_leader: true,
          is_in_sync: true,
          broker: related('/brokers/1'),
        },
      ],
    });
    expect(await ask('GET', '/brokers/7/partition-replicas')).toEqual(refused(404, 'Broker 7 cannot be found.'));
  });
});

describe('topics', () => {
  const topic = (name: string, partitions: number, more: object = {}) => ({
    kind: 'KafkaTopic',
    metadata: { self: `${BASE}/topics/${name}`, resource_name: crn(`/topic=${name}`) },
    cluster_id: 'cluster-1',
    topic_name: name,
    is_internal: false,
    replication_factor: 3,
    partitions_count: partitions,
    partitions: related(`/topics/${name}/partitions`),
    configs: related(`/topics/${name}/configs`),
    partition_reassignments: related(`/topics/${name}/partitions/-/reassignment`),
    authorized_operations: [],
    ...more,
  });

  it('are listed by name, all by one question', async () => {
    for (const name of ['b', '__proto__', 'a']) admin.addTopic(topicOf(name, 2));
    expect(await get('/topics')).toEqual({
      kind: 'KafkaTopicList',
      metadata: { self: `${BASE}/topics`, next: null },
      data: [topic('__proto__', 2), topic('a', 2), topic('b', 2)],
    });
    expect(admin.questions).toBe(1);
  });

  it('tell what one may do with them when they are asked to', async () => {
    admin.addTopic(topicOf('t', 1));
    const allowed = topic('t', 1, { authorized_operations: ['READ', 'DESCRIBE'] });
    expect(await get('/topics/t')).toEqual(topic('t', 1));
    expect(await get('/topics/t?include_authorized_operations=true')).toEqual(allowed);
    expect(await get('/topics?includeAuthorizedOperations=true')).toMatchObject({ data: [allowed] });
  });

  it('one that does not exist is refused as Kafka refuses it', async () => {
    expect(await ask('GET', '/topics/none')).toEqual(refused(40403, NOT_HOSTED));
    expect(await ask('DELETE', '/topics/none')).toEqual(refused(40403, NOT_HOSTED));
    expect(await ask('PATCH', '/topics/none', { partitions_count: 3 })).toEqual(refused(40403, NOT_HOSTED));
    expect(await ask('GET', '/topics/none/partitions')).toEqual(refused(40403, NOT_HOSTED));
  });

  it('are created, with a place to find them at', async () => {
    const configs = [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'retention.ms', value: 1000 },
      { name: 'x' },
    ];
    const { statusCode, headers, payload } = await app.inject({
      method: 'POST',
      url: '/v3/clusters/cluster-1/topics',
      payload: { topic_name: 't', partitions_count: '4', replication_factor: 3, configs },
    });
    expect(statusCode).toBe(201);
    expect(headers['location']).toBe(`${BASE}/topics/t`);
    expect(JSON.parse(payload)).toEqual(topic('t', 4));
    expect(admin.created).toEqual([
      {
        name: 't',
        partitionsCount: 4,
        replicationFactor: 3,
        replicas: new Map(),
        configs: new Map<string, unknown>([
          ['cleanup.policy', 'compact'],
          ['retention.ms', '1000'],
          ['x', null],
        ]),
        validateOnly: false,
      },
    ]);
  });

  it('are created on the brokers that one names, or not at all when that is only tried', async () => {
    const body = { topic_name: 't', replicas_assignments: { 0: [1, 2], 1: [2, 3] }, validate_only: true };
    expect(await ask('POST', '/topics', body)).toEqual({
      status: 200,
      body: topic('t', 2, { replication_factor: 2 }),
    });
    expect(admin.created[0]?.replicas).toEqual(
      new Map([
        [0, [1, 2]],
        [1, [2, 3]],
      ]),
    );
    expect(admin.topicsByName.size).toBe(0);
  });

  it('are made larger, and deleted', async () => {
    admin.addTopic(topicOf('t', 1));
    expect(await ask('PATCH', '/topics/t', { partitions_count: 3 })).toEqual({ status: 200, body: topic('t', 3) });
    expect(await ask('DELETE', '/topics/t')).toEqual({ status: 204, body: null });
    expect(admin.topicsByName.size).toBe(0);
  });

  it('a name is whatever the path says, once it is unescaped', async () => {
    expect(await ask('GET', '/topics/a%2F..%2Fb')).toEqual(refused(40403, NOT_HOSTED));
    expect((await app.inject('/v3/clusters/cluster-1/topics/%')).statusCode).toBe(400);
  });
});

describe('bodies that cannot be meant', () => {
  it.each<[string, Method, string, unknown, Answer]>([
    ['none', 'POST', '/topics', '', refused(42206, 'Payload error. Request body is empty. Data is required.')],
    ['null', 'POST', '/topics', 'null', refused(42206, 'Payload error. Request body is empty. Data is required.')],
    ['a name', 'POST', '/topics', { topic_name: 'a b' }, refused(42206, 'Payload error. Invalid topic name.')],
    ['the name .', 'POST', '/topics', { topic_name: '.' }, refused(42206, 'Payload error. Invalid topic name.')],
    [
      'no name',
      'POST',
      '/topics',
      {},
      refused(400, 'Cannot construct instance of `CreateTopicRequest`, problem: Null topicName'),
    ],
    ['another member', 'POST', '/topics', { topic: 't' }, refused(422, 'Unrecognized field: topic')],
    [
      'a number',
      'POST',
      '/topics',
      { topic_name: 't', partitions_count: 'many' },
      refused(400, 'Cannot deserialize value of type `Integer` from String "many": not a valid `Integer` value'),
    ],
    [
      'a large number',
      'POST',
      '/topics',
      { topic_name: 't', replication_factor: 40000 },
      refused(400, 'Cannot deserialize value of type `Short` from number 40000: not a valid `Short` value'),
    ],
    [
      'a list',
      'POST',
      '/topics',
      [],
      refused(400, 'Cannot deserialize value of type `CreateTopicRequest` from Array []: no object'),
    ],
    [
      'the same twice',
      'POST',
      '/topics',
      { topic_name: 't', configs: [{ name: 'a' }, { name: 'a' }] },
      refused(400, 'Duplicate key a'),
    ],
    [
      'no count',
      'PATCH',
      '/topics/t',
      '',
      refused(42206, 'Payload error. Request body is empty. Partitions_count is required.'),
    ],
    [
      'a count of null',
      'PATCH',
      '/topics/t',
      {},
      refused(400, 'Cannot construct instance of `PartitionsCountRequest`, problem: Null partitionsCount'),
    ],
    [
      'no value',
      'PUT',
      '/topics/t/configs/a',
      '',
      refused(42206, 'Payload error. Null input provided. Data is required.'),
    ],
    [
      'no changes',
      'POST',
      '/topics/t/configs:alter',
      {},
      refused(400, 'Cannot construct instance of `AlterConfigBatchRequestData`, problem: Null data'),
    ],
    [
      'an operation',
      'POST',
      '/broker-configs:alter',
      { data: [{ name: 'a', operation: 'APPEND' }] },
      refused(
        400,
        'Cannot deserialize value of type `AlterOperation` from String "APPEND": ' +
          'not one of the values accepted for Enum class: [DELETE, SET]',
      ),
    ],
  ])('%s', async (_, method, path, body, answer) => {
    expect(await ask(method, path, body)).toEqual(answer);
    expect(admin.created).toEqual([]);
    expect(admin.alterations).toEqual([]);
  });

  it('what is not JSON, in what it says or what it is called', async () => {
    expect(await ask('POST', '/topics', '{"topic_name"')).toMatchObject({ status: 400, body: { error_code: 400 } });
    const { statusCode, payload } = await app.inject({
      method: 'POST',
      url: '/v3/clusters/cluster-1/topics',
      headers: { 'content-type': 'application/vnd.kafka.json.v2+json' },
      payload: '{}',
    });
    expect([statusCode, JSON.parse(payload)]).toEqual([
      415,
      { error_code: 415, message: 'HTTP 415 Unsupported Media Type' },
    ]);
  });
});

describe('partitions', () => {
  beforeEach(() => {
    admin.addTopic({
      ...topicOf('t', 2),
      partitions: [
        { partition: 0, leader: 1, replicas: [1, 2], isr: [1] },
        { partition: 1, leader: -1, replicas: [2, 3], isr: [] },
      ],
    });
  });
  const partition = (id: number, leader: number | null) => ({
    kind: 'KafkaPartition',
    metadata: { self: `${BASE}/topics/t/partitions/${id}`, resource_name: crn(`/topic=t/partition=${id}`) },
    cluster_id: 'cluster-1',
    topic_name: 't',
    partition_id: id,
    leader: leader === null ? null : related(`/topics/t/partitions/${id}/replicas/${leader}`),
    replicas: related(`/topics/t/partitions/${id}/replicas`),
    reassignment: related(`/topics/t/partitions/${id}/reassignment`),
  });

  it('are listed, also those that nobody leads', async () => {
    expect(await get('/topics/t/partitions')).toEqual({
      kind: 'KafkaPartitionList',
      metadata: { self: `${BASE}/topics/t/partitions`, next: null },
      data: [partition(0, 1), partition(1, null)],
    });
    expect(await get('/topics/t/partitions/1')).toEqual(partition(1, null));
  });

  it('have replicas', async () => {
    const replica = (broker: number) => ({
      kind: 'KafkaReplica',
      metadata: {
        self: `${BASE}/topics/t/partitions/0/replicas/${broker}`,
        resource_name: crn(`/topic=t/partition=0/replica=${broker}`),
      },
      cluster_id: 'cluster-1',
      topic_name: 't',
      partition_id: 0,
      broker_id: broker,
      is_leader: broker === 1,
      is_in_sync: broker === 1,
      broker: related(`/brokers/${broker}`),
    });
    expect(await get('/topics/t/partitions/0/replicas')).toEqual({
      kind: 'KafkaReplicaList',
      metadata: { self: `${BASE}/topics/t/partitions/0/replicas`, next: null },
      data: [replica(1), replica(2)],
    });
    expect(await get('/topics/t/partitions/0/replicas/2')).toEqual(replica(2));
    expect(await ask('GET', '/topics/t/partitions/0/replicas/3')).toEqual(BARE_404);
    expect(await ask('GET', '/topics/t/partitions/9/replicas')).toEqual(
      refused(404, 'Partition 9 of topic t could not be found on cluster cluster-1.'),
    );
  });

  it('have offsets', async () => {
    expect(await get('/topics/t/partitions/1/offset')).toEqual({
      kind: 'KafkaPartitionWithOffsets',
      metadata: {
        self: `${BASE}/topics/t/partitions/1/offset`,
        resource_name: crn('/topic=t/partition=1/offset_type=earliest_and_latest'),
      },
      cluster_id: 'cluster-1',
      topic_name: 't',
      partition_id: 1,
      earliest_offset: 1,
      latest_offset: 101,
    });
    expect(await ask('GET', '/topics/t/partitions/1/offset?offset_type=max')).toEqual(
      refused(400, 'Bad Request: offset_type:max is invalid'),
    );
    expect(await ask('GET', '/topics/t/partitions/9/offset')).toEqual(refused(40402, 'Partition not found.'));
  });

  it('those that do not exist are refused, each in its way', async () => {
    expect(await ask('GET', '/topics/t/partitions/9')).toEqual(BARE_404);
    expect(await ask('GET', '/topics/t/partitions/nine')).toEqual(BARE_404);
    const notHosted = refused(40403, 'This server does not host topic-partition 0 for topic none');
    for (const end of ['', '/offset', '/replicas', '/replicas/1'])
      expect(await ask('GET', `/topics/none/partitions/0${end}`), end).toEqual(notHosted);
  });

  it('are never reassigned', async () => {
    const list = (topic: string) => ({
      kind: 'KafkaReassignmentList',
      metadata: { self: `${BASE}/topics/${topic}/partitions/-/reassignment`, next: null },
      data: [],
    });
    expect(await get('/topics/-/partitions/-/reassignment')).toEqual(list('-'));
    expect(await get('/topics/t/partitions/-/reassignment')).toEqual(list('t'));
    expect(await ask('GET', '/topics/t/partitions/0/reassignment')).toEqual(BARE_404);
  });
});

describe('configurations', () => {
  beforeEach(() => {
    admin.addTopic(topicOf('t', 1));
    admin.addTopic(topicOf('u', 1));
    admin.configsByOwner.set('TOPIC t', [
      entryOf('retention.ms', '1', { source: 'DYNAMIC_TOPIC_CONFIG', isDefault: false }),
      entryOf('cleanup.policy', 'delete'),
    ]);
    admin.configsByOwner.set('TOPIC u', [entryOf('cleanup.policy', 'compact')]);
    admin.configsByOwner.set('BROKER 1', [
      entryOf('secret', null, { isSensitive: true, isReadOnly: true, synonyms: [] }),
    ]);
    for (const id of [2, 3]) admin.configsByOwner.set(`BROKER ${id}`, [entryOf('num.io.threads', '8')]);
    admin.configsByOwner.set('BROKER ', [
      entryOf('compression.type', 'gzip', { source: 'DYNAMIC_DEFAULT_BROKER_CONFIG', isDefault: false }),
    ]);
  });
  const common = { cluster_id: 'cluster-1', is_read_only: false, is_sensitive: false };
  const policy = {
    kind: 'KafkaTopicConfig',
    metadata: { self: `${BASE}/topics/t/configs/cleanup.policy`, resource_name: crn('/topic=t/config=cleanup.policy') },
    ...common,
    name: 'cleanup.policy',
    value: 'delete',
    is_default: true,
    source: 'DEFAULT_CONFIG',
    synonyms: [{ name: 'cleanup.policy', value: 'delete', source: 'DEFAULT_CONFIG' }],
    topic_name: 't',
  };

  it('of a topic, by name', async () => {
    expect(await get('/topics/t/configs')).toEqual({
      kind: 'KafkaTopicConfigList',
      metadata: { self: `${BASE}/topics/t/configs`, next: null },
      data: [
        policy,
        expect.objectContaining({ name: 'retention.ms', is_default: false, source: 'DYNAMIC_TOPIC_CONFIG' }),
      ],
    });
    expect(await get('/topics/t/configs/cleanup.policy')).toEqual(policy);
    expect(await ask('GET', '/topics/t/configs/none')).toEqual(BARE_404);
    expect(await ask('GET', '/topics/none/configs')).toEqual(refused(40403, NOT_HOSTED));
  });

  it('of a broker: what is secret is not told', async () => {
    expect(await get('/brokers/1/configs/secret')).toEqual({
      kind: 'KafkaBrokerConfig',
      metadata: { self: `${BASE}/brokers/1/configs/secret`, resource_name: crn('/broker=1/config=secret') },
      ...common,
      name: 'secret',
      value: null,
      is_default: true,
      is_read_only: true,
      is_sensitive: true,
      source: 'DEFAULT_CONFIG',
      synonyms: [],
      broker_id: 1,
    });
    expect(await ask('GET', '/brokers/9/configs')).toEqual(refused(404, 'Broker 9 cannot be found.'));
  });

  it('of all brokers together', async () => {
    expect(await get('/broker-configs')).toEqual({
      kind: 'KafkaClusterConfigList',
      metadata: { self: `${BASE}/broker-configs`, next: null },
      data: [
        {
          kind: 'KafkaClusterConfig',
          metadata: {
            self: `${BASE}/broker-configs/compression.type`,
            resource_name: crn('/broker-config=compression.type'),
          },
          ...common,
          name: 'compression.type',
          value: 'gzip',
          is_default: false,
          source: 'DYNAMIC_DEFAULT_BROKER_CONFIG',
          synonyms: [{ name: 'compression.type', value: 'gzip', source: 'DEFAULT_CONFIG' }],
          config_type: 'BROKER',
        },
      ],
    });
  });

  it('of every topic and every broker; a topic that has just gone is left out', async () => {
    admin.addTopic(topicOf('gone', 1));
    const names = (body: unknown, member: string) =>
      (body as { data: Record<string, unknown>[] }).data.map((entry) => `${entry[member]} ${entry['name']}`);
    expect(names(await get('/topics/-/configs'), 'topic_name')).toEqual([
      't cleanup.policy',
      't retention.ms',
      'u cleanup.policy',
    ]);
    expect(names(await get('/brokers/-/configs'), 'broker_id')).toEqual([
      '1 secret',
      '2 num.io.threads',
      '3 num.io.threads',
    ]);
  });

  it('are set and reset', async () => {
    expect(await ask('PUT', '/topics/t/configs/retention.ms', { value: '5' })).toEqual({ status: 204, body: null });
    expect(await ask('DELETE', '/topics/t/configs/retention.ms')).toEqual({ status: 204, body: null });
    expect(await ask('PUT', '/brokers/2/configs/num.io.threads', { value: 9 })).toMatchObject({ status: 204 });
    // What all brokers share shows only what is set: anything may be set, and only that be reset.
    expect(await ask('PUT', '/broker-configs/log.retention.ms', { value: '7' })).toMatchObject({ status: 204 });
    expect(await ask('DELETE', '/broker-configs/compression.type')).toMatchObject({ status: 204 });
    const change = (type: string, owner: string, name: string, operation: string, value: string | null) => ({
      alterations: [{ type, name: owner, changes: [{ name, operation, value }] }],
      validateOnly: false,
    });
    expect(admin.alterations).toEqual([
      change('TOPIC', 't', 'retention.ms', 'SET', '5'),
      change('TOPIC', 't', 'retention.ms', 'DELETE', null),
      change('BROKER', '2', 'num.io.threads', 'SET', '9'),
      change('BROKER', '', 'log.retention.ms', 'SET', '7'),
      change('BROKER', '', 'compression.type', 'DELETE', null),
    ]);
  });

  it('several change at once, or are only looked at', async () => {
    const data = [
      { name: 'retention.ms', value: '5' },
      { name: 'cleanup.policy', operation: 'DELETE' },
    ];
    expect(await ask('POST', '/topics/t/configs:alter', { data, validate_only: true })).toMatchObject({ status: 204 });
    expect(admin.alterations).toEqual([
      {
        alterations: [
          {
            type: 'TOPIC',
            name: 't',
            changes: [
              { name: 'retention.ms', operation: 'SET', value: '5' },
              { name: 'cleanup.policy', operation: 'DELETE', value: null },
            ],
          },
        ],
        validateOnly: true,
      },
    ]);
  });

  it('what does not exist is not changed', async () => {
    const missing = (type: string) => refused(404, `Config none cannot be found for ${type} in cluster cluster-1.`);
    expect(await ask('PUT', '/topics/t/configs/none', { value: '1' })).toEqual(missing('TOPIC t'));
    expect(await ask('DELETE', '/brokers/1/configs/none')).toEqual(missing('BROKER 1'));
    expect(await ask('DELETE', '/broker-configs/none')).toEqual(missing('BROKER '));
    expect(await ask('POST', '/topics/t/configs:alter', { data: [{ name: 'none' }] })).toEqual(missing('TOPIC t'));
    expect(await ask('PUT', '/topics/none/configs/a', { value: '1' })).toEqual(refused(40403, NOT_HOSTED));
    expect(admin.alterations).toEqual([]);
  });

  it('what Kafka refuses is told in its words', async () => {
    admin.failures.set('t', ApiError.of(Errors.INVALID_CONFIG, 'Invalid value x for configuration retention.ms'));
    expect(await ask('PUT', '/topics/t/configs/retention.ms', { value: 'x' })).toEqual(
      refused(40002, 'Invalid value x for configuration retention.ms'),
    );
  });

  it('several topics change each for itself', async () => {
    const of = (topic_name: string, name = 'cleanup.policy') => ({ topic_name, configs: [{ name, value: 'x' }] });
    const alter = (...data: object[]) => ask('POST', '/topics/-/configs:alter', { data });
    expect(await alter(of('t'), of('u'))).toEqual({ status: 204, body: null });
    admin.failures.set('u', ApiError.of(Errors.INVALID_CONFIG, 'no'));
    expect(await alter(of('t'), of('u'))).toEqual({
      status: 207,
      body: { failures: [{ topic_name: 'u', error_code: 40002, message: 'no' }] },
    });
    expect(await alter(of('t'), of('none'))).toEqual(refused(40403, NOT_HOSTED));
    expect(await alter(of('t'), of('u', 'none'))).toMatchObject({ status: 404 });
    expect(await alter(of('t'), of('t'))).toEqual(refused(400, 'Duplicate key t'));
    expect(admin.alterations).toHaveLength(2);
  });
});

describe('groups', () => {
  const PATH = '/consumer-groups/g';
  beforeEach(() => {
    const b = { ...memberOf('b', 't', 1), groupInstanceId: 'instance-b' };
    admin.groupsById.set('g', groupOf('g', b, memberOf('a', 't', 2, 0)));
    admin.offsetsByGroup.set('g', [
      { topic: 't', partition: 1, currentOffset: 10, logEndOffset: 30 },
      { topic: 't', partition: 0, currentOffset: 12, logEndOffset: 11 },
      { topic: 's', partition: 0, currentOffset: 0, logEndOffset: 20 },
    ]);
  });
  const group = {
    kind: 'KafkaConsumerGroup',
    metadata: { self: `${BASE}${PATH}`, resource_name: crn('/consumer-group=g') },
    cluster_id: 'cluster-1',
    consumer_group_id: 'g',
    is_simple: false,
    partition_assignor: 'range',
    state: 'STABLE',
    type: 'CLASSIC',
    is_mixed_consumer_group: false,
    coordinator: related('/brokers/2'),
    consumers: related(`${PATH}/consumers`),
    lag_summary: related(`${PATH}/lag-summary`),
  };

  it('are listed and told one by one', async () => {
    expect(await get('/consumer-groups')).toEqual({
      kind: 'KafkaConsumerGroupList',
      metadata: { self: `${BASE}/consumer-groups`, next: null },
      data: [group],
    });
    expect(await get(PATH)).toEqual(group);
    expect(await ask('GET', '/consumer-groups/none')).toEqual(BARE_404);
  });

  it('those of the newer protocol say so, and whether all members speak it', async () => {
    const upgraded = { ...memberOf('a', 't'), isUpgraded: true };
    const newer = { ...groupOf('n', upgraded), type: 'Consumer', state: 'Reconciling' } as const;
    admin.groupsById.set('n', newer);
    expect(await get('/consumer-groups/n')).toMatchObject({
      type: 'CONSUMER',
      state: 'RECONCILING',
      is_mixed_consumer_group: false,
    });
    admin.groupsById.set('n', { ...newer, members: [upgraded, memberOf('b', 't')], state: 'PreparingRebalance' });
    expect(await get('/consumer-groups/n')).toMatchObject({
      state: 'PREPARING_REBALANCE',
      is_mixed_consumer_group: true,
    });
  });

  it('have members', async () => {
    const consumer = (id: string, instance: string | null) => ({
      kind: 'KafkaConsumer',
      metadata: { self: `${BASE}${PATH}/consumers/${id}`, resource_name: crn(`/consumer-group=g/consumer=${id}`) },
      cluster_id: 'cluster-1',
      consumer_group_id: 'g',
      consumer_id: id,
      instance_id: instance,
      client_id: `client of ${id}`,
      assignments: related(`${PATH}/consumers/${id}/assignments`),
    });
    expect(await get(`${PATH}/consumers`)).toEqual({
      kind: 'KafkaConsumerList',
      metadata: { self: `${BASE}${PATH}/consumers`, next: null },
      data: [consumer('a', null), consumer('b', 'instance-b')],
    });
    expect(await get(`${PATH}/consumers/b`)).toEqual(consumer('b', 'instance-b'));
    expect(await ask('GET', `${PATH}/consumers/c`)).toEqual(BARE_404);
    expect(await ask('GET', '/consumer-groups/none/consumers')).toEqual(
      refused(404, 'Consumer Group none does not exist.'),
    );
  });

  it('whose members read partitions', async () => {
    const assignment = (partition: number) => ({
      kind: 'KafkaConsumerAssignment',
      metadata: {
        self: `${BASE}${PATH}/consumers/a/assignments/t/partitions/${partition}`,
        resource_name: crn(`/consumer-group=g/consumer=a/assignment=t/partition=${partition}`),
      },
      cluster_id: 'cluster-1',
      consumer_group_id: 'g',
      consumer_id: 'a',
      topic_name: 't',
      partition_id: partition,
      partition: related(`/topics/t/partitions/${partition}`),
      lag: related(`${PATH}/lags/t/partitions/${partition}`),
    });
    expect(await get(`${PATH}/consumers/a/assignments`)).toEqual({
      kind: 'KafkaConsumerAssignmentList',
      metadata: { self: `${BASE}${PATH}/consumers/a/assignments`, next: null },
      data: [assignment(0), assignment(2)],
    });
    expect(await get(`${PATH}/consumers/a/assignments/t/partitions/2`)).toEqual(assignment(2));
    expect(await ask('GET', `${PATH}/consumers/a/assignments/t/partitions/1`)).toEqual(BARE_404);
    expect(await ask('GET', `${PATH}/consumers/c/assignments`)).toEqual(refused(404, 'Consumer c does not exist.'));
  });

  it('are behind: the greatest lag first, none below zero', async () => {
    const lag = (topic: string, partition: number, consumer: string, of: [number, number, number], more = {}) => ({
      kind: 'KafkaConsumerLag',
      metadata: {
        self: `${BASE}${PATH}/lags/${topic}/partitions/${partition}`,
        resource_name: crn(`/consumer-group=g/lag=${topic}/partition=${partition}`),
      },
      cluster_id: 'cluster-1',
      consumer_group_id: 'g',
      topic_name: topic,
      partition_id: partition,
      consumer_id: consumer,
      instance_id: null,
      client_id: consumer === '' ? '' : `client of ${consumer}`,
      current_offset: of[0],
      log_end_offset: of[1],
      lag: of[2],
      ...more,
    });
    expect(await get(`${PATH}/lags`)).toEqual({
      kind: 'KafkaConsumerLagList',
      metadata: { self: `${BASE}${PATH}/lags`, next: null },
      data: [
        lag('s', 0, '', [0, 20, 20]),
        lag('t', 1, 'b', [10, 30, 20], { instance_id: 'instance-b' }),
        lag('t', 0, 'a', [12, 11, 0]),
      ],
    });
    expect(await get(`${PATH}/lags/t/partitions/0`)).toEqual(lag('t', 0, 'a', [12, 11, 0]));
    expect(await ask('GET', `${PATH}/lags/t/partitions/2`)).toEqual(BARE_404);
  });

  it('sum up how far they are behind', async () => {
    const summary = {
      kind: 'KafkaConsumerGroupLagSummary',
      metadata: { self: `${BASE}${PATH}/lag-summary`, resource_name: crn('/consumer-group=g/lag-summary') },
      cluster_id: 'cluster-1',
      consumer_group_id: 'g',
      max_lag: 20,
      total_lag: 40,
      max_lag_consumer_id: '',
      // Nobody reads it: there is no name to lead to.
      max_lag_consumer: related(`${PATH}/consumers`),
      max_lag_client_id: '',
      max_lag_instance_id: null,
      max_lag_topic_name: 's',
      max_lag_partition_id: 0,
      max_lag_partition: related('/topics/s/partitions/0'),
    };
    expect(await get(`${PATH}/lag-summary`)).toEqual(summary);
  });

  it('without offsets, or without being there, are not behind', async () => {
    admin.offsetsByGroup.clear();
    for (const end of ['/lags', '/lags/t/partitions/0', '/lag-summary']) {
      expect(await ask('GET', PATH + end)).toEqual(refused(404, 'Consumer group offsets could not be found.'));
      expect(await ask('GET', `/consumer-groups/none${end}`)).toEqual(
        refused(404, 'Consumer Group none could not be found.'),
      );
    }
  });

  it('whatever they are called, the addresses lead to them', async () => {
    const odd = 'a/b?c d&é%';
    admin.groupsById.set(odd, groupOf(odd, memberOf('m', 't', 0)));
    const found = (await get(`/consumer-groups/${encodeURIComponent(odd)}`)) as {
      consumer_group_id: string;
      metadata: { self: string };
      consumers: { related: string };
    };
    expect(found.consumer_group_id).toBe(odd);
    for (const address of [found.metadata.self, found.consumers.related]) {
      const { pathname } = new URL(address);
      expect((await app.inject(pathname)).statusCode, address).toBe(200);
    }
  });
});

describe('ACLs', () => {
  it('do not exist without an authorizer, and who asks is told so', async () => {
    const none = 'No Authorizer is configured.';
    expect(await ask('GET', '/acls')).toEqual(refused(40002, 'No Authorizer is configured on the broker'));
    expect(await ask('POST', '/acls', { resource_type: 'TOPIC' })).toEqual(refused(40002, none));
    expect(await ask('POST', '/acls:batch', { data: [] })).toEqual(refused(40002, none));
    const filter = 'resource_type=TOPIC&pattern_type=LITERAL&operation=READ&permission=ALLOW';
    expect(await ask('DELETE', `/acls?${filter}`)).toEqual(refused(40002, none));
  });

  it('questions about them must say what they mean all the same', async () => {
    expect(await ask('DELETE', '/acls')).toEqual(
      refused(400, 'Bad Request: resource_type cannot be unspecified or UNKNOWN'),
    );
    expect(await ask('GET', '/acls?operation=unknown')).toEqual(
      refused(400, 'Bad Request: operation cannot be UNKNOWN'),
    );
    expect(await ask('POST', '/acls', '')).toEqual(
      refused(42206, 'Payload error. Null input provided. Data is required.'),
    );
  });
});

/** Clusters, brokers, topics and partitions of the API v3 as clients see them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { topicOf } from '../../support/fake-v3-admin.ts';
import {
  type Answer,
  BARE_404,
  BASE,
  crn,
  type Method,
  NOT_HOSTED,
  refused,
  related,
  V3Desk,
} from '../../support/v3-desk.ts';

let desk: V3Desk;
beforeEach(() => {
  desk = new V3Desk();
});
afterEach(() => desk.close());

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
    const { payload } = await desk.app.inject('/v3/clusters');
    expect(JSON.parse(payload)).toEqual({
      kind: 'KafkaClusterList',
      metadata: { self: 'http://localhost:80/v3/clusters', next: null },
      data: [cluster],
    });
    expect(await desk.get('')).toEqual(cluster);
  });

  it('has no controller while nobody is known to be one', async () => {
    desk.admin.controllerId = null;
    expect(await desk.get('')).toMatchObject({ controller: null });
  });

  it('is called as the client called it, whatever a proxy says', async () => {
    const headers = { host: 'kafka.example:8443', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const { payload } = await desk.app.inject({ url: '/v3/clusters/cluster-1', headers });
    expect(JSON.parse(payload)).toMatchObject({
      metadata: { self: 'http://kafka.example:8443/v3/clusters/cluster-1' },
    });
  });

  it('is found where a broker of Confluent has it, too', async () => {
    const { payload } = await desk.app.inject('/kafka/v3/clusters/cluster-1');
    const self = 'http://localhost:80/kafka/v3/clusters/cluster-1';
    expect(JSON.parse(payload)).toMatchObject({ metadata: { self }, topics: { related: `${self}/topics` } });
    expect((await desk.app.inject('/kafka/v3/clusters/')).statusCode).toBe(200);
    for (const path of ['/kafka', '/kafka/v3', '/kafka/v3/topics', '/kafka/v31/clusters'])
      expect((await desk.app.inject(path)).statusCode, path).toBe(404);
  });

  it('another cluster is not here', async () => {
    const other = async (path: string) => JSON.parse((await desk.app.inject(`/v3/clusters/other${path}`)).payload);
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
    expect(await desk.get('/brokers')).toEqual({
      kind: 'KafkaBrokerList',
      metadata: { self: `${BASE}/brokers`, next: null },
      data: [broker(1), broker(2), broker(3)],
    });
    expect(await desk.get('/brokers/2')).toEqual(broker(2));
  });

  it.each(['4', 'one', '-1', '99999999999'])('there is no broker %s', async (id) => {
    expect(await desk.ask('GET', `/brokers/${id}`)).toEqual(BARE_404);
  });

  it('tell which replicas they have, in the order of topics and partitions', async () => {
    desk.admin.addTopic(topicOf('b', 1));
    desk.admin.addTopic({ ...topicOf('a', 2), partitions: [{ partition: 0, leader: 2, replicas: [2], isr: [2] }] });
    expect(await desk.get('/brokers/1/partition-replicas')).toEqual({
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
    expect(await desk.ask('GET', '/brokers/7/partition-replicas')).toEqual(refused(404, 'Broker 7 cannot be found.'));
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
    for (const name of ['b', '__proto__', 'a']) desk.admin.addTopic(topicOf(name, 2));
    expect(await desk.get('/topics')).toEqual({
      kind: 'KafkaTopicList',
      metadata: { self: `${BASE}/topics`, next: null },
      data: [topic('__proto__', 2), topic('a', 2), topic('b', 2)],
    });
    expect(desk.admin.questions).toBe(1);
  });

  it('tell what one may do with them when they are asked to', async () => {
    desk.admin.addTopic(topicOf('t', 1));
    const allowed = topic('t', 1, { authorized_operations: ['READ', 'DESCRIBE'] });
    expect(await desk.get('/topics/t')).toEqual(topic('t', 1));
    expect(await desk.get('/topics/t?include_authorized_operations=true')).toEqual(allowed);
    expect(await desk.get('/topics?includeAuthorizedOperations=true')).toMatchObject({ data: [allowed] });
  });

  it('one that does not exist is refused as Kafka refuses it', async () => {
    expect(await desk.ask('GET', '/topics/none')).toEqual(refused(40403, NOT_HOSTED));
    expect(await desk.ask('DELETE', '/topics/none')).toEqual(refused(40403, NOT_HOSTED));
    expect(await desk.ask('PATCH', '/topics/none', { partitions_count: 3 })).toEqual(refused(40403, NOT_HOSTED));
    expect(await desk.ask('GET', '/topics/none/partitions')).toEqual(refused(40403, NOT_HOSTED));
  });

  it('are created, with a place to find them at', async () => {
    const configs = [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'retention.ms', value: 1000 },
      { name: 'x' },
    ];
    const { statusCode, headers, payload } = await desk.app.inject({
      method: 'POST',
      url: '/v3/clusters/cluster-1/topics',
      payload: { topic_name: 't', partitions_count: '4', replication_factor: 3, configs },
    });
    expect(statusCode).toBe(201);
    expect(headers['location']).toBe(`${BASE}/topics/t`);
    expect(JSON.parse(payload)).toEqual(topic('t', 4));
    expect(desk.admin.created).toEqual([
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
    expect(await desk.ask('POST', '/topics', body)).toEqual({
      status: 200,
      body: topic('t', 2, { replication_factor: 2 }),
    });
    expect(desk.admin.created[0]?.replicas).toEqual(
      new Map([
        [0, [1, 2]],
        [1, [2, 3]],
      ]),
    );
    expect(desk.admin.topicsByName.size).toBe(0);
  });

  it('are made larger, and deleted', async () => {
    desk.admin.addTopic(topicOf('t', 1));
    expect(await desk.ask('PATCH', '/topics/t', { partitions_count: 3 })).toEqual({ status: 200, body: topic('t', 3) });
    expect(await desk.ask('DELETE', '/topics/t')).toEqual({ status: 204, body: null });
    expect(desk.admin.topicsByName.size).toBe(0);
  });

  it('a name is whatever the path says, once it is unescaped', async () => {
    expect(await desk.ask('GET', '/topics/a%2F..%2Fb')).toEqual(refused(40403, NOT_HOSTED));
    expect((await desk.app.inject('/v3/clusters/cluster-1/topics/%')).statusCode).toBe(400);
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
      refused(400, 'Cannot deserialize value of type `Integer` from "many": not a valid `Integer` value'),
    ],
    [
      'a large number',
      'POST',
      '/topics',
      { topic_name: 't', replication_factor: 40000 },
      refused(400, 'Cannot deserialize value of type `Short` from 40000: not a valid `Short` value'),
    ],
    [
      'a list',
      'POST',
      '/topics',
      [],
      refused(400, 'Cannot deserialize value of type `CreateTopicRequest` from []: no object'),
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
        'Cannot deserialize value of type `AlterOperation` from "APPEND": ' +
          'not one of the values accepted for Enum class: [DELETE, SET]',
      ),
    ],
  ])('%s', async (_, method, path, body, answer) => {
    expect(await desk.ask(method, path, body)).toEqual(answer);
    expect(desk.admin.created).toEqual([]);
    expect(desk.admin.alterations).toEqual([]);
  });

  it('what is not JSON, in what it says or what it is called', async () => {
    expect(await desk.ask('POST', '/topics', '{"topic_name"')).toMatchObject({
      status: 400,
      body: { error_code: 400 },
    });
    const { statusCode, payload } = await desk.app.inject({
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
    desk.admin.addTopic({
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
    expect(await desk.get('/topics/t/partitions')).toEqual({
      kind: 'KafkaPartitionList',
      metadata: { self: `${BASE}/topics/t/partitions`, next: null },
      data: [partition(0, 1), partition(1, null)],
    });
    expect(await desk.get('/topics/t/partitions/1')).toEqual(partition(1, null));
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
    expect(await desk.get('/topics/t/partitions/0/replicas')).toEqual({
      kind: 'KafkaReplicaList',
      metadata: { self: `${BASE}/topics/t/partitions/0/replicas`, next: null },
      data: [replica(1), replica(2)],
    });
    expect(await desk.get('/topics/t/partitions/0/replicas/2')).toEqual(replica(2));
    expect(await desk.ask('GET', '/topics/t/partitions/0/replicas/3')).toEqual(BARE_404);
    expect(await desk.ask('GET', '/topics/t/partitions/9/replicas')).toEqual(
      refused(404, 'Partition 9 of topic t could not be found on cluster cluster-1.'),
    );
  });

  it('have offsets', async () => {
    expect(await desk.get('/topics/t/partitions/1/offset')).toEqual({
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
    expect(await desk.ask('GET', '/topics/t/partitions/1/offset?offset_type=max')).toEqual(
      refused(400, 'Bad Request: offset_type:max is invalid'),
    );
    expect(await desk.ask('GET', '/topics/t/partitions/9/offset')).toEqual(refused(40402, 'Partition not found.'));
  });

  it('those that do not exist are refused, each in its way', async () => {
    expect(await desk.ask('GET', '/topics/t/partitions/9')).toEqual(BARE_404);
    expect(await desk.ask('GET', '/topics/t/partitions/nine')).toEqual(BARE_404);
    const notHosted = refused(40403, 'This server does not host topic-partition 0 for topic none');
    for (const end of ['', '/offset', '/replicas', '/replicas/1'])
      expect(await desk.ask('GET', `/topics/none/partitions/0${end}`), end).toEqual(notHosted);
  });

  it('are never reassigned', async () => {
    const list = (topic: string) => ({
      kind: 'KafkaReassignmentList',
      metadata: { self: `${BASE}/topics/${topic}/partitions/-/reassignment`, next: null },
      data: [],
    });
    expect(await desk.get('/topics/-/partitions/-/reassignment')).toEqual(list('-'));
    expect(await desk.get('/topics/t/partitions/-/reassignment')).toEqual(list('t'));
    expect(await desk.ask('GET', '/topics/t/partitions/0/reassignment')).toEqual(BARE_404);
  });
});

describe('ACLs', () => {
  it('do not exist without an authorizer, and who asks is told so', async () => {
    const none = 'No Authorizer is configured.';
    expect(await desk.ask('GET', '/acls')).toEqual(refused(40002, 'No Authorizer is configured on the broker'));
    expect(await desk.ask('POST', '/acls', { resource_type: 'TOPIC' })).toEqual(refused(40002, none));
    expect(await desk.ask('POST', '/acls:batch', { data: [] })).toEqual(refused(40002, none));
    const filter = 'resource_type=TOPIC&pattern_type=LITERAL&operation=READ&permission=ALLOW';
    expect(await desk.ask('DELETE', `/acls?${filter}`)).toEqual(refused(40002, none));
  });

  it('questions about them must say what they mean all the same', async () => {
    expect(await desk.ask('DELETE', '/acls')).toEqual(
      refused(400, 'Bad Request: resource_type cannot be unspecified or UNKNOWN'),
    );
    expect(await desk.ask('GET', '/acls?operation=unknown')).toEqual(
      refused(400, 'Bad Request: operation cannot be UNKNOWN'),
    );
    expect(await desk.ask('POST', '/acls', '')).toEqual(
      refused(42206, 'Payload error. Null input provided. Data is required.'),
    );
  });
});

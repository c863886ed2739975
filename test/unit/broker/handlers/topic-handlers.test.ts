/** What clients send to the controller, through its bytes: topics, partitions, elections; in every version. */
import { afterEach, describe, expect, it } from 'vitest';
import { createTopics } from '../../../../src/broker/handlers/19-create-topics.ts';
import { deleteTopics } from '../../../../src/broker/handlers/20-delete-topics.ts';
import { createPartitions } from '../../../../src/broker/handlers/37-create-partitions.ts';
import { electLeaders } from '../../../../src/broker/handlers/43-elect-leaders.ts';
import { ZERO_TOPIC_ID } from '../../../../src/model/topic-partition.ts';
import { type ErrorName, Errors, errorName } from '../../../../src/protocol/errors.ts';
import { CreateTopics } from '../../../../src/protocol/messages/19-create-topics.ts';
import { DeleteTopics } from '../../../../src/protocol/messages/20-delete-topics.ts';
import { CreatePartitions } from '../../../../src/protocol/messages/37-create-partitions.ts';
import { ElectLeaders } from '../../../../src/protocol/messages/43-elect-leaders.ts';
import type { RequestIn } from '../../../../src/protocol/schema.ts';
import { ControlledCluster } from '../../../support/controlled-cluster.ts';
import { brokerWith, type Desk, deskOf } from '../../../support/requests.ts';

const handlers = [createTopics, deleteTopics, createPartitions, electLeaders];
const open: ControlledCluster[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((cluster) => cluster.close()));
});

/** Three brokers of which 1 is the controller; the desk is that of one of them. */
async function newCluster(settings: Readonly<Record<string, string>> = {}) {
  const cluster = await ControlledCluster.create({ 'num.partitions': '2', ...settings });
  open.push(cluster);
  for (const id of [1, 2, 3]) await cluster.start(id);
  await cluster.quiet();
  const deskOfBroker = (id: number): Desk => {
    const controller = cluster.nodes.get(id)?.controller;
    if (controller === undefined) throw new Error(`broker ${id} is not there`);
    const { config, clock } = cluster;
    return deskOf(handlers, brokerWith({ controller, config, clock, metadata: cluster.fake(id).cache }));
  };
  return { cluster, desk: deskOfBroker(1), other: deskOfBroker(2) };
}

type NewTopic = RequestIn<typeof CreateTopics>['topics'][number];

const topic = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  numPartitions: 1,
  replicationFactor: 2,
  ...more,
});

const range = (last: number) => Array.from({ length: last + 1 }, (_, version) => version);

describe('CreateTopics', () => {
  const create = (
    desk: Desk,
    version: number,
    topics: NewTopic[],
    more: { timeoutMs?: number; validateOnly?: boolean } = {},
  ) => desk.ask(CreateTopics, version, { topics, timeoutMs: 1000, ...more });

  it.each(range(7))('v%i answers when the topic has leaders', async (version) => {
    const { cluster, desk } = await newCluster();
    const answer = await create(desk, version, [topic('orders')]);
    expect(answer?.topics).toHaveLength(1);
    expect(answer?.topics[0]).toMatchObject({ name: 'orders', errorCode: 0, errorMessage: version < 1 ? '' : null });
    expect(cluster.fake(1).cache.partition('orders', 0)?.leader).toBeGreaterThan(0);
  });

  it('v5 and later describe what was created, v7 with its id', async () => {
    const { cluster, desk } = await newCluster();
    const configs = [{ name: 'retention.ms', value: '1000' }];
    const answer = await create(desk, 7, [topic('orders', { numPartitions: -1, replicationFactor: -1, configs })]);
    expect(answer?.topics[0]).toMatchObject({
      numPartitions: 2,
      replicationFactor: 1,
      topicId: cluster.fake(1).cache.topicId('orders'),
      topicConfigErrorCode: 0,
    });
    const described = new Map(answer?.topics[0]?.configs?.map(({ name, ...config }) => [name, config]));
    expect(described.get('retention.ms')).toEqual({
      value: '1000',
      readOnly: false,
      configSource: 1,
      isSensitive: false,
    });
    expect(described.get('cleanup.policy')).toMatchObject({ value: 'delete', configSource: 5 });
    expect(described.size).toBeGreaterThan(25);
  });

  it('judges each topic by itself', async () => {
    const { cluster, desk } = await newCluster();
    const answer = await create(desk, 7, [
      topic('twice'),
      topic('good'),
      topic('twice'),
      topic('a b'),
      topic('wide', { replicationFactor: 9 }),
      topic('odd', { configs: [{ name: 'no.such.key', value: '1' }] }),
      topic('__cluster_metadata'),
    ]);
    const errors = answer?.topics.map(({ name, errorCode, errorMessage }) => [
      name,
      errorName(errorCode),
      errorMessage,
    ]);
    expect(errors).toEqual([
      ['twice', 'INVALID_REQUEST', 'Found multiple entries for this topic.'],
      ['good', 'NONE', null],
      [
        'a b',
        'INVALID_TOPIC_EXCEPTION',
        "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
      ],
      ['wide', 'INVALID_REPLICATION_FACTOR', 'Replication factor: 9 larger than available brokers: 3.'],
      ['odd', 'INVALID_CONFIG', 'Unknown topic config name: no.such.key'],
      ['__cluster_metadata', 'INVALID_REQUEST', 'Creation of internal topic __cluster_metadata is prohibited.'],
    ]);
    expect(cluster.zk.list('/brokers/topics')).toEqual(['good']);
    expect(answer?.topics.find(({ name }) => name === 'odd')).toMatchObject({ numPartitions: -1, configs: [] });
  });

  it('creates nothing when it is only to validate, and still says what would be', async () => {
    const { cluster, desk } = await newCluster();
    const answer = await create(desk, 7, [topic('maybe'), topic('..')], { validateOnly: true });
    expect(answer?.topics.map(({ errorCode }) => errorName(errorCode))).toEqual(['NONE', 'INVALID_TOPIC_EXCEPTION']);
    expect(answer?.topics[0]).toMatchObject({ numPartitions: 1, replicationFactor: 2, topicId: ZERO_TOPIC_ID });
    expect(cluster.zk.list('/brokers/topics')).toEqual([]);
  });

  it('says so when the leaders do not come in time; the topic is there all the same', async () => {
    const { cluster, desk } = await newCluster();
    const assignments = [{ partitionIndex: 0, brokerIds: [9] }];
    const asked = create(desk, 7, [topic('waiting', { numPartitions: -1, replicationFactor: -1, assignments })]);
    await cluster.quiet();
    cluster.clock.advance(1000);
    expect((await asked)?.topics[0]).toMatchObject({ errorCode: Errors.REQUEST_TIMED_OUT, errorMessage: null });
    expect(cluster.zk.list('/brokers/topics')).toEqual(['waiting']);
    const hasty = await create(desk, 7, [topic('hasty')], { timeoutMs: 0 });
    expect(hasty?.topics[0]?.errorCode).toBe(Errors.REQUEST_TIMED_OUT);
  });

  it('sends the client elsewhere when it is not the controller', async () => {
    const { other } = await newCluster();
    const answer = await create(other, 7, [topic('a'), topic('b')]);
    expect(answer?.topics.map(({ errorCode }) => errorName(errorCode))).toEqual(['NOT_CONTROLLER', 'NOT_CONTROLLER']);
  });
});

describe('DeleteTopics', () => {
  const byName = (version: number, ...names: string[]) =>
    version < 6
      ? { topicNames: names, timeoutMs: 1000 }
      : { topics: names.map((name) => ({ name })), topicNames: [], timeoutMs: 1000 };
  const errorsOf = (answer: { responses: readonly { name: string | null; errorCode: number }[] } | null) =>
    answer?.responses.map(({ name, errorCode }) => [name, errorName(errorCode)]);

  it.each(range(6))('v%i answers when the topic is gone from metadata', async (version) => {
    const { cluster, desk } = await newCluster();
    await desk.ask(CreateTopics, 7, { topics: [topic('orders')], timeoutMs: 1000 });
    const answer = await desk.ask(DeleteTopics, version, byName(version, 'orders', 'nope'));
    expect(errorsOf(answer)).toEqual([
      ['orders', 'NONE'],
      ['nope', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ]);
    expect(cluster.fake(1).cache.image.topics.has('orders')).toBe(false);
    await cluster.quiet();
    expect(cluster.zk.list('/brokers/topics')).toEqual([]);
  });

  it('v6 takes ids, of which some are unknown, but not both id and name', async () => {
    const { cluster, desk } = await newCluster();
    await desk.ask(CreateTopics, 7, { topics: [topic('orders')], timeoutMs: 1000 });
    const topicId = cluster.fake(1).cache.topicId('orders') ?? '';
    const unknown = Buffer.alloc(16, 9).toString('base64url');
    const both = await desk.ask(DeleteTopics, 6, {
      topics: [{ name: 'orders', topicId }],
      topicNames: [],
      timeoutMs: 1,
    });
    expect(both?.responses[0]?.errorCode).toBe(Errors.INVALID_REQUEST);
    const topics = [
      { name: null, topicId },
      { name: null, topicId: unknown },
    ];
    const answer = await desk.ask(DeleteTopics, 6, { topics, topicNames: [], timeoutMs: 1000 });
    expect(answer?.responses).toMatchObject([
      { name: 'orders', topicId, errorCode: 0 },
      { name: null, topicId: unknown, errorCode: Errors.UNKNOWN_TOPIC_ID },
    ]);
  });

  it('deletes a topic that never had a leader, and calls one unknown that is on its way out', async () => {
    const { cluster, desk } = await newCluster();
    const assignments = [{ partitionIndex: 0, brokerIds: [9] }];
    const topics = [topic('waiting', { numPartitions: -1, replicationFactor: -1, assignments })];
    await desk.ask(CreateTopics, 7, { topics, timeoutMs: 0 });
    expect(errorsOf(await desk.ask(DeleteTopics, 6, byName(6, 'waiting')))).toEqual([['waiting', 'NONE']]);
    expect(errorsOf(await desk.ask(DeleteTopics, 6, byName(6, 'waiting')))).toEqual([
      ['waiting', 'UNKNOWN_TOPIC_OR_PARTITION'],
    ]);
    expect(cluster.zk.list('/brokers/topics')).toEqual(['waiting']);
  });

  it('may be switched off', async () => {
    const { desk } = await newCluster({ 'delete.topic.enable': 'false' });
    expect(errorsOf(await desk.ask(DeleteTopics, 3, byName(3, 'a')))).toEqual([['a', 'TOPIC_DELETION_DISABLED']]);
    expect(errorsOf(await desk.ask(DeleteTopics, 2, byName(2, 'a')))).toEqual([['a', 'INVALID_REQUEST']]);
  });

  it('sends the client elsewhere when it is not the controller', async () => {
    const { other } = await newCluster();
    expect(errorsOf(await other.ask(DeleteTopics, 6, byName(6, 'a')))).toEqual([['a', 'NOT_CONTROLLER']]);
  });
});

describe('CreatePartitions', () => {
  const grow = (
    desk: Desk,
    version: number,
    topics: { name: string; count: number; assignments: null }[],
    validateOnly = false,
  ) => desk.ask(CreatePartitions, version, { topics, timeoutMs: 1000, validateOnly });
  const wanted = (name: string, count: number) => ({ name, count, assignments: null });

  it.each(range(3))('v%i answers when the new partitions have leaders', async (version) => {
    const { cluster, desk } = await newCluster();
    await desk.ask(CreateTopics, 7, { topics: [topic('orders')], timeoutMs: 1000 });
    expect(await grow(desk, version, [wanted('orders', 4)])).toMatchObject({
      results: [{ name: 'orders', errorCode: 0, errorMessage: null }],
    });
    for (const partition of [0, 1, 2, 3])
      expect(cluster.fake(1).cache.partition('orders', partition)?.leader).toBeGreaterThan(0);
  });

  it('judges each topic by itself and changes nothing when it is only to validate', async () => {
    const { cluster, desk } = await newCluster();
    await desk.ask(CreateTopics, 7, { topics: [topic('orders'), topic('other')], timeoutMs: 1000 });
    const topics = [wanted('twice', 2), wanted('orders', 3), wanted('twice', 2), wanted('other', 1), wanted('nope', 1)];
    const answer = await grow(desk, 3, topics, true);
    expect(answer?.results.map(({ name, errorCode }) => [name, errorName(errorCode)])).toEqual([
      ['orders', 'NONE'],
      ['other', 'INVALID_PARTITIONS'],
      ['nope', 'UNKNOWN_TOPIC_OR_PARTITION'],
      ['twice', 'INVALID_REQUEST'],
    ]);
    expect(cluster.partitionState('orders', 1)).toBeNull();
  });

  it('sends the client elsewhere when it is not the controller', async () => {
    const { other } = await newCluster();
    const answer = await grow(other, 3, [wanted('orders', 4)]);
    expect(answer?.results[0]?.errorCode).toBe(Errors.NOT_CONTROLLER);
  });
});

describe('ElectLeaders', () => {
  const errorsOf = (answer: Awaited<ReturnType<typeof elect>>): Record<string, ErrorName> =>
    Object.fromEntries(
      (answer?.replicaElectionResults ?? []).flatMap(({ topic: name, partitionResult }) =>
        partitionResult.map(({ partitionId, errorCode }) => [`${name}-${partitionId}`, errorName(errorCode)]),
      ),
    );
  const elect = (desk: Desk, version: number, partitions: number[] | null, electionType = 0) =>
    desk.ask(ElectLeaders, version, {
      electionType,
      topicPartitions: partitions === null ? null : [{ topic: 't', partitions }],
      timeoutMs: 1000,
    });

  /** Broker 2 was away for a while: it leads nothing of what it prefers to lead. */
  async function unbalanced() {
    const made = await newCluster();
    const assignments = [
      { partitionIndex: 0, brokerIds: [2, 1] },
      { partitionIndex: 1, brokerIds: [1, 2] },
    ];
    const topics = [topic('t', { numPartitions: -1, replicationFactor: -1, assignments })];
    await made.desk.ask(CreateTopics, 7, { topics, timeoutMs: 1000 });
    made.cluster.kill(2);
    await made.cluster.quiet();
    return made;
  }

  it.each(range(2))('v%i says of each partition how its election went', async (version) => {
    const { desk } = await unbalanced();
    expect(errorsOf(await elect(desk, version, [0, 1, 7]))).toEqual({
      't-0': 'PREFERRED_LEADER_NOT_AVAILABLE',
      't-1': 'ELECTION_NOT_NEEDED',
      't-7': 'UNKNOWN_TOPIC_OR_PARTITION',
    });
  });

  it('leaves out what needs no election when all partitions are meant', async () => {
    const { desk } = await unbalanced();
    expect(errorsOf(await elect(desk, 2, null))).toEqual({ 't-0': 'PREFERRED_LEADER_NOT_AVAILABLE' });
    expect(errorsOf(await elect(desk, 2, null, 1))).toEqual({});
  });

  it('knows two types of election', async () => {
    const { desk } = await unbalanced();
    expect((await elect(desk, 2, [0], 5))?.errorCode).toBe(Errors.INVALID_REQUEST);
  });

  it('sends the client elsewhere when it is not the controller', async () => {
    const { cluster, other } = await newCluster();
    expect(cluster.active?.brokerId).toBe(1);
    expect(errorsOf(await elect(other, 2, [0]))).toEqual({ 't-0': 'NOT_CONTROLLER' });
  });
});

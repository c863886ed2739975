/** Topics that clients ask for: asked for once, with the broker's defaults, and answered so that clients try again. */
import { describe, expect, it } from 'vitest';
import { AutoTopicCreation, type ControllerRequests } from '../../../src/broker/auto-topic-creation.ts';
import { brokerConfigFrom } from '../../../src/config/broker-config.ts';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { ZERO_TOPIC_ID } from '../../../src/model/topic-partition.ts';
import { type ErrorName, Errors } from '../../../src/protocol/errors.ts';
import type { CreateTopics } from '../../../src/protocol/messages/19-create-topics.ts';
import type { RequestIn, ResponseOut } from '../../../src/protocol/schema.ts';

type CreateTopicsRequest = RequestIn<typeof CreateTopics>;
type CreateTopicsResponse = ResponseOut<typeof CreateTopics>;

function responseTo(request: CreateTopicsRequest, errorOf: (topic: string) => ErrorName): CreateTopicsResponse {
  const topics = request.topics.map(({ name }) => ({
    name,
    topicId: ZERO_TOPIC_ID,
    errorCode: Errors[errorOf(name)],
    errorMessage: null,
    topicConfigErrorCode: 0,
    numPartitions: -1,
    replicationFactor: -1,
    configs: null,
  }));
  return { throttleTimeMs: 0, topics };
}

function creation(answer: (request: CreateTopicsRequest) => Promise<CreateTopicsResponse>) {
  const requests: CreateTopicsRequest[] = [];
  const controller: ControllerRequests = {
    async send(_api, version, request) {
      expect(version).toBe(7);
      requests.push(request as CreateTopicsRequest);
      return (await answer(request as CreateTopicsRequest)) as never;
    },
  };
  const config = brokerConfigFrom({
    'broker.id': '1',
    'zookeeper.connect': 'localhost:2181',
    'num.partitions': '4',
    'default.replication.factor': '3',
    'offsets.topic.replication.factor': '2',
  });
  const options = { config, controller, brokerCount: () => 2, logger: silentLogger };
  return { requests, creation: new AutoTopicCreation(options) };
}

describe('automatic creation of topics', () => {
  it('asks the controller with the defaults of the broker and does not wait for leaders', async () => {
    const { requests, creation: topics } = creation(async (request) => responseTo(request, () => 'REQUEST_TIMED_OUT'));
    expect(await topics.create(['a', '__consumer_offsets'])).toEqual(
      new Map([
        ['a', 'LEADER_NOT_AVAILABLE'],
        ['__consumer_offsets', 'LEADER_NOT_AVAILABLE'],
      ]),
    );
    expect(requests).toEqual([
      {
        timeoutMs: 0,
        topics: [
          { name: 'a', numPartitions: 4, replicationFactor: 3 },
          {
            name: '__consumer_offsets',
            numPartitions: 50,
            replicationFactor: 2,
            configs: [
              { name: 'cleanup.policy', value: 'compact' },
              { name: 'segment.bytes', value: '104857600' },
              { name: 'compression.type', value: 'producer' },
            ],
          },
        ],
      },
    ]);
    expect(topics.inFlightCount).toBe(0);
  });

  it('the topic of schemas has one partition, on as many brokers as there are, up to three', async () => {
    const { requests, creation: topics } = creation(async (request) => responseTo(request, () => 'NONE'));
    await topics.create(['_schemas']);
    expect(requests[0]?.topics).toEqual([
      {
        name: '_schemas',
        numPartitions: 1,
        replicationFactor: 2,
        configs: [{ name: 'cleanup.policy', value: 'compact' }],
      },
    ]);
  });

  it.each([
    ['NONE', 'LEADER_NOT_AVAILABLE'],
    ['TOPIC_ALREADY_EXISTS', 'LEADER_NOT_AVAILABLE'],
    ['NOT_CONTROLLER', 'LEADER_NOT_AVAILABLE'],
    ['INVALID_REPLICATION_FACTOR', 'INVALID_REPLICATION_FACTOR'],
    ['INVALID_TOPIC_EXCEPTION', 'INVALID_TOPIC_EXCEPTION'],
  ] as [ErrorName, ErrorName][])('answers %s of the controller with %s', async (said, told) => {
    const { creation: topics } = creation(async (request) => responseTo(request, () => said));
    expect(await topics.create(['a'])).toEqual(new Map([['a', told]]));
  });

  it('asks for a topic once, however many want it, and again when that is over', async () => {
    const answered = new Deferred();
    const { requests, creation: topics } = creation(async (request) => {
      await answered.promise;
      return responseTo(request, () => 'NONE');
    });
    const all = [topics.create(['a', 'a']), topics.create(['b', 'a']), topics.create(['a'])];
    expect(topics.inFlightCount).toBe(2);
    answered.resolve();
    for (const one of await Promise.all(all)) expect(one.get('a')).toBe('LEADER_NOT_AVAILABLE');
    expect(requests.map((request) => request.topics.map(({ name }) => name))).toEqual([['a'], ['b']]);
    await topics.create(['a']);
    expect(requests.length).toBe(3);
  });

  it('never asks for impossible names', async () => {
    const { requests, creation: topics } = creation(async (request) => responseTo(request, () => 'NONE'));
    expect(await topics.create(['..', 'a/b'])).toEqual(
      new Map([
        ['..', 'INVALID_TOPIC_EXCEPTION'],
        ['a/b', 'INVALID_TOPIC_EXCEPTION'],
      ]),
    );
    expect(requests).toEqual([]);
  });

  it('lets clients try again when no controller can be reached', async () => {
    const { creation: topics } = creation(() => Promise.reject(new Error('no controller is known')));
    expect(await topics.create(['a'])).toEqual(new Map([['a', 'LEADER_NOT_AVAILABLE']]));
    expect(topics.inFlightCount).toBe(0);
  });

  it('has a bound on what is in flight', async () => {
    const answered = new Deferred();
    const { requests, creation: topics } = creation(async (request) => {
      await answered.promise;
      return responseTo(request, () => 'NONE');
    });
    const first = topics.create(Array.from({ length: 1500 }, (_, index) => `topic-${index}`));
    expect(topics.inFlightCount).toBe(1000);
    expect(await topics.create(['one-more'])).toEqual(new Map([['one-more', 'LEADER_NOT_AVAILABLE']]));
    answered.resolve();
    expect((await first).size).toBe(1500);
    expect(requests.length).toBe(1);
  });
});

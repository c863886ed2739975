/** Metadata as clients of every version read it. */
import { describe, expect, it } from 'vitest';
import type { AutoTopicCreation } from '../../../../src/broker/auto-topic-creation.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import { metadata } from '../../../../src/broker/handlers/03-metadata.ts';
import { brokerConfigFrom } from '../../../../src/config/broker-config.ts';
import { MetadataCache } from '../../../../src/metadata/metadata-cache.ts';
import type { UpdateMetadataContent } from '../../../../src/metadata/metadata-image.ts';
import { ZERO_TOPIC_ID } from '../../../../src/model/topic-partition.ts';
import { type ErrorName, Errors } from '../../../../src/protocol/errors.ts';
import { Metadata } from '../../../../src/protocol/messages/03-metadata.ts';
import { aConnection, brokerWith, deskOf } from '../../../support/requests.ts';

const ORDERS_ID = 'b3JkZXJzLW9yZGVycy1vcg';

type PartitionState = UpdateMetadataContent['topicStates'][number]['partitionStates'][number];

function partition(partitionIndex: number, state: Partial<PartitionState> = {}): PartitionState {
  return {
    partitionIndex,
    controllerEpoch: 1,
    leader: 1,
    leaderEpoch: 5,
    isr: [1, 2],
    zkVersion: 0,
    replicas: [1, 2],
    offlineReplicas: [],
    ...state,
  };
}

function liveBroker(id: number, listeners = ['PLAINTEXT', 'INTERNAL']): UpdateMetadataContent['liveBrokers'][number] {
  const endpoints = listeners.map((listener, index) => ({
    host: `${listener.toLowerCase()}${id}`,
    port: 9000 + 10 * index + id,
    listener,
    securityProtocol: 0,
  }));
  return { id, endpoints, rack: id === 1 ? 'r1' : null };
}

function cacheOf(content: Partial<UpdateMetadataContent> = {}, cache = new MetadataCache()): MetadataCache {
  cache.applyUpdateMetadata({
    controllerId: 2,
    controllerEpoch: 1,
    type: 2,
    topicStates: [
      { topicName: 'orders', topicId: ORDERS_ID, partitionStates: [partition(0), partition(1, { leader: 2 })] },
      { topicName: '__consumer_offsets', topicId: 'aW50ZXJuYWwtaW50ZXJuYQ', partitionStates: [partition(0)] },
      { topicName: '__proto__', topicId: 'cHJvdG8tcHJvdG8tcHJvdA', partitionStates: [partition(0)] },
    ],
    liveBrokers: [liveBroker(1), liveBroker(2)],
    ...content,
  });
  return cache;
}

interface Options {
  readonly cache?: MetadataCache;
  readonly mayCreate?: boolean;
  readonly create?: (topics: readonly string[]) => Promise<Map<string, ErrorName>>;
}

function desk({ cache = cacheOf(), mayCreate = true, create }: Options = {}) {
  const created: string[][] = [];
  const autoTopicCreation: Pick<AutoTopicCreation, 'create'> = {
    async create(topics) {
      created.push([...topics]);
      if (create !== undefined) return create([...topics]);
      return new Map([...topics].map((topic) => [topic, 'LEADER_NOT_AVAILABLE']));
    },
  };
  const config = brokerConfigFrom({
    'broker.id': '1',
    'zookeeper.connect': 'localhost:2181',
    'auto.create.topics.enable': String(mayCreate),
  });
  const broker: Partial<Broker> = {
    metadata: cache,
    config,
    autoTopicCreation: autoTopicCreation as AutoTopicCreation,
  };
  const answering = deskOf([metadata], brokerWith(broker));
  return {
    created,
    async ask(version: number, topics: readonly string[] | null, extra: object = {}, listenerName = 'PLAINTEXT') {
      const request = { topics: topics === null ? null : topics.map((name) => ({ name })), ...extra };
      const response = await answering.ask(Metadata, version, request, aConnection(listenerName));
      if (response === null) throw new Error('no response');
      expect(answering.errors).toEqual([]);
      return response;
    },
    raw: answering,
  };
}

describe('Metadata of a broker that has just started', () => {
  it('waits for what the controller says, so that no client takes its topics for deleted', async () => {
    const cache = new MetadataCache();
    const answers = [desk({ cache }).ask(12, ['orders']), desk({ cache }).ask(12, null)];
    cacheOf({}, cache);
    const [named, all] = await Promise.all(answers);
    expect(named?.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([['orders', 0]]);
    expect(all?.topics).toHaveLength(3);
  });
});

const ALL_VERSIONS = Array.from({ length: 13 }, (_, version) => version);

describe('Metadata', () => {
  it.each(ALL_VERSIONS)(
    'v%i tells of brokers, controller and a topic what the version has room for',
    async (version) => {
      const response = await desk().ask(version, ['orders']);
      expect(response).toEqual({
        throttleTimeMs: 0,
        brokers: [
          { nodeId: 1, host: 'plaintext1', port: 9001, rack: version >= 1 ? 'r1' : null },
          { nodeId: 2, host: 'plaintext2', port: 9002, rack: null },
        ],
        clusterId: version >= 2 ? 'test-cluster' : null,
        controllerId: version >= 1 ? 2 : -1,
        topics: [
          {
            errorCode: 0,
            name: 'orders',
            topicId: version >= 10 ? ORDERS_ID : ZERO_TOPIC_ID,
            isInternal: false,
            partitions: [0, 1].map((partitionIndex) => ({
              errorCode: 0,
              partitionIndex,
              leaderId: partitionIndex + 1,
              leaderEpoch: version >= 7 ? 5 : -1,
              replicaNodes: [1, 2],
              isrNodes: [1, 2],
              offlineReplicas: [],
            })),
            topicAuthorizedOperations: -2147483648,
          },
        ],
        clusterAuthorizedOperations: -2147483648,
      });
    },
  );

  it.each([
    [0, [], 3],
    [1, [], 0],
    [1, null, 3],
    [8, [], 0],
    [8, null, 3],
    [12, [], 0],
    [12, null, 3],
  ] as [number, string[] | null, number][])('v%i asked for %j gives %i topics', async (version, topics, count) => {
    expect((await desk().ask(version, topics)).topics.length).toBe(count);
  });

  it('never creates a topic when asked for all of them', async () => {
    const asked = desk();
    await asked.ask(0, []);
    await asked.ask(4, null);
    expect(asked.created).toEqual([]);
  });

  it('marks internal topics and bears names that break plain objects', async () => {
    const { topics } = await desk().ask(9, ['__consumer_offsets', '__proto__', 'orders', 'orders']);
    expect(topics.map(({ name, isInternal }) => [name, isInternal])).toEqual([
      ['__consumer_offsets', true],
      ['__proto__', false],
      ['orders', false],
    ]);
  });

  it('tells each client the endpoints of its own listener', async () => {
    const { brokers } = await desk().ask(9, [], {}, 'INTERNAL');
    expect(brokers).toMatchObject([
      { host: 'internal1', port: 9011 },
      { host: 'internal2', port: 9012 },
    ]);
    expect((await desk().ask(9, [], {}, 'OTHER')).brokers).toEqual([]);
  });

  it.each(ALL_VERSIONS)('v%i says what is wrong with a leader', async (version) => {
    const cache = cacheOf({
      topicStates: [
        {
          topicName: 'orders',
          topicId: ORDERS_ID,
          partitionStates: [
            partition(0, { leader: -1 }),
            partition(1, { leader: 3, replicas: [3, 1], isr: [3], offlineReplicas: [3] }),
            partition(2, { leader: 2 }),
          ],
        },
      ],
      liveBrokers: [liveBroker(1), liveBroker(2, ['INTERNAL'])],
    });
    const { topics } = await desk({ cache }).ask(version, ['orders']);
    const [leaderless, dead, hidden] = topics[0]?.partitions ?? [];
    expect(leaderless).toMatchObject({ errorCode: Errors.LEADER_NOT_AVAILABLE, leaderId: -1 });
    expect(dead).toMatchObject({
      errorCode: Errors.LEADER_NOT_AVAILABLE,
      leaderId: -1,
      replicaNodes: version === 0 ? [1] : [3, 1],
      isrNodes: version === 0 ? [] : [3],
      offlineReplicas: version >= 5 ? [3] : [],
    });
    const errorCode = version >= 6 ? Errors.LISTENER_NOT_FOUND : Errors.LEADER_NOT_AVAILABLE;
    expect(hidden).toMatchObject({ errorCode, leaderId: -1 });
  });

  it.each([0, 1])('v%i of a topic with replicas that cannot be reached', async (version) => {
    const cache = cacheOf({ liveBrokers: [liveBroker(1)] });
    const { topics } = await desk({ cache }).ask(version, ['orders']);
    expect(topics[0]?.partitions[0]).toMatchObject(
      version === 0
        ? { errorCode: Errors.REPLICA_NOT_AVAILABLE, leaderId: 1, replicaNodes: [1], isrNodes: [1] }
        : { errorCode: Errors.NONE, leaderId: 1, replicaNodes: [1, 2], isrNodes: [1, 2] },
    );
  });

  it.each([
    [0, {}, true, Errors.LEADER_NOT_AVAILABLE],
    [3, {}, true, Errors.LEADER_NOT_AVAILABLE],
    [4, { allowAutoTopicCreation: true }, true, Errors.LEADER_NOT_AVAILABLE],
    [4, { allowAutoTopicCreation: false }, true, Errors.UNKNOWN_TOPIC_OR_PARTITION],
    [12, { allowAutoTopicCreation: true }, false, Errors.UNKNOWN_TOPIC_OR_PARTITION],
  ])(
    'v%i %j creates a missing topic only if both sides allow it (broker: %s)',
    async (version, extra, mayCreate, code) => {
      const asked = desk({ mayCreate });
      const { topics } = await asked.ask(version, ['orders', 'new'], extra);
      expect(topics.map(({ errorCode }) => errorCode)).toEqual([0, code]);
      expect(topics[1]).toMatchObject({ name: 'new', topicId: ZERO_TOPIC_ID, partitions: [] });
      expect(asked.created).toEqual(code === Errors.LEADER_NOT_AVAILABLE ? [['new']] : []);
    },
  );

  it('tells why a topic could not be created, and of one that is there already what it knows', async () => {
    const cache = cacheOf();
    const create = async (topics: readonly string[]): Promise<Map<string, ErrorName>> => {
      const made = { topicName: 'quick', topicId: ORDERS_ID, partitionStates: [partition(0)] };
      cache.applyUpdateMetadata({ ...EMPTY_UPDATE, topicStates: [made] });
      return new Map(topics.map((topic) => [topic, 'INVALID_REPLICATION_FACTOR']));
    };
    const { topics } = await desk({ cache, create }).ask(12, ['refused', 'quick']);
    expect(topics).toMatchObject([
      { name: 'refused', errorCode: Errors.INVALID_REPLICATION_FACTOR, partitions: [] },
      { name: 'quick', errorCode: Errors.NONE, partitions: [{ leaderId: 1 }] },
    ]);
  });

  it.each(['', '.', '..', 'a/b', 'x'.repeat(250), 'ä'])('refuses the name "%s"', async (name) => {
    const { topics } = await desk().ask(9, [name], { allowAutoTopicCreation: false });
    expect(topics).toMatchObject([{ name, errorCode: Errors.INVALID_TOPIC_EXCEPTION }]);
  });

  it('v12 can be asked by topic id', async () => {
    const unknown = 'dW5rbm93bi11bmtub3duLQ';
    const topics = [
      { topicId: ORDERS_ID, name: null },
      { topicId: unknown, name: null },
    ];
    const response = await desk().ask(12, null, { topics });
    expect(response.topics).toMatchObject([
      { errorCode: Errors.NONE, name: 'orders', topicId: ORDERS_ID },
      { errorCode: Errors.UNKNOWN_TOPIC_ID, name: null, topicId: unknown, partitions: [] },
    ]);
  });

  it.each([10, 11])('v%i can not be asked by topic id or without a name', async (version) => {
    for (const topic of [
      { topicId: ORDERS_ID, name: 'orders' },
      { topicId: ZERO_TOPIC_ID, name: null },
    ]) {
      const response = await desk().ask(version, null, { topics: [topic] });
      expect(response.topics).toMatchObject([{ errorCode: Errors.INVALID_REQUEST, name: topic.name ?? '' }]);
    }
  });

  it('v12 refuses a topic without name and id', async () => {
    const response = await desk().ask(12, null, { topics: [{ topicId: ZERO_TOPIC_ID, name: null }] });
    expect(response.topics).toMatchObject([{ errorCode: Errors.INVALID_REQUEST, name: '' }]);
  });

  it.each([8, 10, 11])('v%i says what may be done when it is asked to', async (version) => {
    const extra = {
      includeTopicAuthorizedOperations: true,
      ...(version <= 10 ? { includeClusterAuthorizedOperations: true } : {}),
    };
    const response = await desk().ask(version, ['orders'], extra);
    expect(response.topics[0]?.topicAuthorizedOperations).toBe(3576);
    expect(response.clusterAuthorizedOperations).toBe(version <= 10 ? 8096 : -2147483648);
  });
});

describe('Metadata of a large cluster', () => {
  const partitionStates = Array.from({ length: 1500 }, (_, index) => partition(index));
  const large = { topicName: 'large', topicId: ORDERS_ID, partitionStates };

  it('is the same however often it is asked for, and follows the image', async () => {
    const cache = cacheOf({ topicStates: [large] });
    const asked = desk({ cache });
    const first = await asked.ask(12, null);
    expect(first.topics[0]?.partitions.length).toBe(1500);
    expect(await asked.ask(12, null)).toEqual(first);
    expect(await asked.ask(12, ['large'])).toEqual(first);
    const change = { topicName: 'large', topicId: ORDERS_ID, partitionStates: [partition(7, { leader: 2 })] };
    cache.applyUpdateMetadata({ ...EMPTY_UPDATE, topicStates: [change] });
    expect((await asked.ask(12, null)).topics[0]?.partitions[7]?.leaderId).toBe(2);
  });

  it('fits each version, listener and wish', async () => {
    const asked = desk({ cache: cacheOf({ topicStates: [large] }) });
    for (let round = 0; round < 2; round++) {
      for (const version of ALL_VERSIONS.slice(1)) {
        const { topics } = await asked.ask(version, null);
        expect(topics[0]?.partitions[1499]?.leaderEpoch).toBe(version >= 7 ? 5 : -1);
      }
      const wish = { includeTopicAuthorizedOperations: true };
      expect((await asked.ask(9, null, wish)).topics[0]?.topicAuthorizedOperations).toBe(3576);
      expect((await asked.ask(9, null, {}, 'INTERNAL')).brokers[0]?.host).toBe('internal1');
    }
  });
});

const EMPTY_UPDATE: UpdateMetadataContent = {
  controllerId: 2,
  controllerEpoch: 1,
  type: 1,
  topicStates: [],
  liveBrokers: [liveBroker(1), liveBroker(2)],
};

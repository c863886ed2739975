/** ApiVersions, InitProducerId, DescribeConfigs and DescribeCluster, through their bytes. */
import { describe, expect, it } from 'vitest';
import type { Broker } from '../../../../src/broker/broker.ts';
import { apiVersions } from '../../../../src/broker/handlers/18-api-versions.ts';
import { initProducerId } from '../../../../src/broker/handlers/22-init-producer-id.ts';
import { describeConfigs } from '../../../../src/broker/handlers/32-describe-configs.ts';
import { describeCluster } from '../../../../src/broker/handlers/60-describe-cluster.ts';
import { ALL_HANDLERS, handlersOf } from '../../../../src/broker/handlers/index.ts';
import { brokerConfigFrom } from '../../../../src/config/broker-config.ts';
import { MetadataCache } from '../../../../src/metadata/metadata-cache.ts';
import { Errors, KafkaError } from '../../../../src/protocol/errors.ts';
import { ApiVersions } from '../../../../src/protocol/messages/18-api-versions.ts';
import { InitProducerId } from '../../../../src/protocol/messages/22-init-producer-id.ts';
import { DescribeConfigs } from '../../../../src/protocol/messages/32-describe-configs.ts';
import { DescribeCluster } from '../../../../src/protocol/messages/60-describe-cluster.ts';
import { apiByKey } from '../../../../src/protocol/messages/index.ts';
import { aConnection, brokerWith, deskOf } from '../../../support/requests.ts';

describe('the list of handlers', () => {
  it('has every api once, in the order of keys, within the versions of its message', () => {
    const keys = ALL_HANDLERS.map(({ apiKey }) => apiKey);
    expect(keys).toEqual([...new Set(keys)].sort((one, other) => one - other));
    for (const { apiKey, minVersion, maxVersion } of ALL_HANDLERS) {
      const api = apiByKey(apiKey);
      expect(minVersion).toBeGreaterThanOrEqual(api?.lowestVersion ?? Number.NaN);
      expect(maxVersion).toBeLessThanOrEqual(api?.highestVersion ?? Number.NaN);
      expect(minVersion).toBeLessThanOrEqual(maxVersion);
    }
  });

  it('has the consumer protocol of groups only where the broker is to speak it', () => {
    const keysWith = (protocols: string): number[] => {
      const config = brokerConfigFrom({
        'zookeeper.connect': 'localhost:2181',
        'group.coordinator.rebalance.protocols': protocols,
      });
      return handlersOf(config).map(({ apiKey }) => apiKey);
    };
    expect(keysWith('classic,consumer')).toEqual(expect.arrayContaining([11, 68, 69]));
    expect(keysWith('classic')).toContain(11);
    expect(keysWith('classic')).not.toEqual(expect.arrayContaining([68]));
    expect(keysWith('classic')).not.toEqual(expect.arrayContaining([69]));
  });
});

describe('ApiVersions', () => {
  const desk = deskOf([apiVersions, describeCluster], brokerWith({}));
  const list = [
    { apiKey: 18, minVersion: 0, maxVersion: 4 },
    { apiKey: 60, minVersion: 0, maxVersion: 1 },
  ];

  it.each([0, 1, 2])('v%i lists what there is', async (version) => {
    expect(await desk.ask(ApiVersions, version, {})).toMatchObject({ errorCode: 0, apiKeys: list });
  });

  it.each([3, 4])('v%i also learns who asks', async (version) => {
    const connection = aConnection();
    const request = { clientSoftwareName: 'apache-kafka-java', clientSoftwareVersion: '3.9.0' };
    expect(await desk.ask(ApiVersions, version, request, connection)).toMatchObject({
      errorCode: 0,
      apiKeys: list,
      supportedFeatures: [],
      finalizedFeaturesEpoch: -1,
      zkMigrationReady: false,
    });
    expect(connection.clientSoftware).toEqual({ name: 'apache-kafka-java', version: '3.9.0' });
  });

  it.each([
    ['', '1'],
    ['name', ''],
    ['-name', '1'],
    ['na me', '1'],
    ['name', '1.'],
    ['x'.repeat(257), '1'],
  ])('refuses the client name "%s" in version "%s"', async (clientSoftwareName, clientSoftwareVersion) => {
    const connection = aConnection();
    const answer = await desk.ask(ApiVersions, 3, { clientSoftwareName, clientSoftwareVersion }, connection);
    expect(answer).toMatchObject({ errorCode: Errors.INVALID_REQUEST, apiKeys: [] });
    expect(connection.clientSoftware).toBeNull();
  });
});

describe('InitProducerId', () => {
  function ask(version: number, request: object, next: () => Promise<number> = async () => 4000) {
    const producerIds = { next } as Broker['producerIds'];
    const full = { transactionalId: null, transactionTimeoutMs: 1000, ...request };
    return deskOf([initProducerId], brokerWith({ producerIds })).ask(InitProducerId, version, full);
  }

  it.each([0, 1, 2, 3, 4, 5])('v%i gives a new id with epoch 0', async (version) => {
    expect(await ask(version, {})).toEqual({ throttleTimeMs: 0, errorCode: 0, producerId: 4000, producerEpoch: 0 });
  });

  it('gives a new id also to a producer that has one', async () => {
    expect(await ask(3, { producerId: 1, producerEpoch: 5 })).toMatchObject({ producerId: 4000, producerEpoch: 0 });
  });

  it.each([
    [{ producerId: 1 }, Errors.INVALID_REQUEST],
    [{ producerEpoch: 1 }, Errors.INVALID_REQUEST],
    [{ transactionalId: '' }, Errors.INVALID_REQUEST],
    [{ transactionalId: 'tx' }, Errors.UNSUPPORTED_VERSION],
  ])('refuses %j', async (request, errorCode) => {
    expect(await ask(4, request)).toMatchObject({ errorCode, producerId: -1, producerEpoch: -1 });
  });

  it('lets clients try again when there are no ids', async () => {
    const none = (): Promise<number> => Promise.reject(new KafkaError('COORDINATOR_LOAD_IN_PROGRESS'));
    const errorCode = Errors.COORDINATOR_LOAD_IN_PROGRESS;
    expect(await ask(4, {}, none)).toMatchObject({ errorCode, producerId: -1, producerEpoch: -1 });
  });
});

function aCache(): MetadataCache {
  const cache = new MetadataCache();
  const state = { controllerEpoch: 1, leader: 1, leaderEpoch: 0, isr: [1], zkVersion: 0, replicas: [1] };
  const endpoint = { host: 'h', port: 9092, listener: 'PLAINTEXT', securityProtocol: 0 };
  cache.applyUpdateMetadata({
    controllerId: 1,
    controllerEpoch: 1,
    type: 2,
    topicStates: [
      {
        topicName: 't',
        topicId: 'dG9waWMtdG9waWMtdG9waQ',
        partitionStates: [{ ...state, partitionIndex: 0, offlineReplicas: [] }],
      },
    ],
    liveBrokers: [
      { id: 1, endpoints: [endpoint], rack: 'r' },
      { id: 2, endpoints: [{ ...endpoint, listener: 'OTHER' }], rack: null },
    ],
  });
  return cache;
}

describe('DescribeConfigs', () => {
  const config = brokerConfigFrom({
    'broker.id': '1',
    'zookeeper.connect': 'localhost:2181',
    'log.retention.ms': '5000',
    'ssl.key.password': 'secret',
  });
  const readOverrides = async (): Promise<Map<string, string>> => new Map([['segment.bytes', '2000']]);
  const topicConfigs = { readOverrides } as unknown as Broker['topicConfigs'];
  const broker = brokerWith({ metadata: aCache(), config, topicConfigs });
  const desk = deskOf([describeConfigs], broker);

  async function describeOne(
    version: number,
    resourceType: number,
    resourceName: string,
    configurationKeys: string[] | null = null,
    includes = {},
  ) {
    const resources = [{ resourceType, resourceName, configurationKeys }];
    const answer = await desk.ask(DescribeConfigs, version, { resources, ...includes });
    expect(desk.errors).toEqual([]);
    const result = answer?.results[0];
    if (result === undefined) throw new Error('no result');
    expect(result).toMatchObject({ resourceType, resourceName });
    return result;
  }

  it.each([0, 1, 2, 3, 4])('v%i tells where each value of a topic comes from', async (version) => {
    const keys = ['segment.bytes', 'retention.ms', 'cleanup.policy', 'no.such.key'];
    const { configs, errorCode } = await describeOne(version, 2, 't', keys);
    expect(errorCode).toBe(0);
    const expected = [
      { name: 'cleanup.policy', value: 'delete', configSource: 5 },
      { name: 'retention.ms', value: '5000', configSource: 4 },
      { name: 'segment.bytes', value: '2000', configSource: 1 },
    ].map(({ configSource, ...entry }) =>
      version === 0 ? { ...entry, isDefault: configSource === 5 } : { ...entry, configSource, synonyms: [] },
    );
    expect(configs).toMatchObject(expected);
    expect(configs.every(({ configType }) => configType > 0)).toBe(version >= 3);
    expect(configs.every(({ documentation }) => !documentation)).toBe(true);
  });

  it('tells synonyms and documentation only when they are wanted', async () => {
    const includes = { includeSynonyms: true, includeDocumentation: true };
    const { configs } = await describeOne(4, 2, 't', ['retention.ms'], includes);
    expect(configs[0]?.synonyms[0]).toEqual({ name: 'log.retention.ms', value: '5000', source: 4 });
    expect(configs[0]?.documentation).toContain('Age');
  });

  it('tells all keys when none is named', async () => {
    expect((await describeOne(4, 2, 't')).configs.length).toBeGreaterThan(25);
    expect((await describeOne(4, 2, 't', [])).configs.length).toBeGreaterThan(25);
    expect((await describeOne(4, 4, '1')).configs.length).toBeGreaterThan(100);
  });

  it('never tells a secret', async () => {
    const { configs } = await describeOne(4, 4, '1', ['ssl.key.password'], { includeSynonyms: true });
    expect(configs).toMatchObject([{ value: null, isSensitive: true }]);
    expect(JSON.stringify(configs)).not.toContain('secret');
  });

  it.each([
    [2, 'missing', Errors.UNKNOWN_TOPIC_OR_PARTITION, null],
    [2, 'a/b', Errors.INVALID_TOPIC_EXCEPTION, 'Topic name is invalid'],
    [4, '2', Errors.INVALID_REQUEST, 'Unexpected broker id, expected 1 or empty string, but received 2'],
    [4, 'one', Errors.INVALID_REQUEST, 'Broker id must be an integer, but it is: one'],
    [8, '', Errors.INVALID_REQUEST, 'Broker id must not be empty'],
    [16, 'x', Errors.INVALID_REQUEST, 'Unsupported resource type: 16'],
  ])('of resource type %i "%s" is refused', async (type, name, errorCode, message) => {
    const result = await describeOne(4, type, name);
    expect(result.errorCode).toBe(errorCode);
    expect(result.configs).toEqual([]);
    if (message === null) expect(result.errorMessage).toBeNull();
    else expect(result.errorMessage).toContain(message);
  });

  it('of the defaults of all brokers is empty', async () => {
    expect(await describeOne(4, 4, '')).toMatchObject({ errorCode: 0, configs: [] });
  });

  async function describeWhenReadingFails(error: Error) {
    const failing = { readOverrides: () => Promise.reject(error) };
    const unreachable = deskOf([describeConfigs], {
      ...broker,
      topicConfigs: failing as unknown as Broker['topicConfigs'],
    });
    const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: null }];
    const answer = await unreachable.ask(DescribeConfigs, 4, { resources });
    expect(unreachable.dispatch.faultCount).toBe(0);
    return answer?.results[0];
  }

  it('of a topic whose configuration is out of reach may be tried again, and is no fault of ours', async () => {
    const result = await describeWhenReadingFails(new Error('connection loss'));
    expect(result).toMatchObject({ errorCode: Errors.REQUEST_TIMED_OUT, configs: [] });
  });

  it('of many topics waits only once for what is out of reach', async () => {
    const asked: string[] = [];
    const readOverrides = (topic: string) => {
      asked.push(topic);
      return Promise.reject(new Error('connection loss'));
    };
    const unreachable = deskOf([describeConfigs], {
      ...broker,
      topicConfigs: { readOverrides } as unknown as Broker['topicConfigs'],
    });
    const resource = { resourceType: 2, configurationKeys: null };
    const resources = ['t', 'u', 't'].map((resourceName) => ({ ...resource, resourceName }));
    const defaults = { ...resource, resourceType: 4, resourceName: '' };
    const answer = await unreachable.ask(DescribeConfigs, 4, { resources: [...resources, defaults] });
    expect(answer?.results.map(({ errorCode, resourceName }) => [errorCode, resourceName])).toEqual([
      [Errors.REQUEST_TIMED_OUT, 't'],
      [Errors.REQUEST_TIMED_OUT, 'u'],
      [Errors.REQUEST_TIMED_OUT, 't'],
      [0, ''],
    ]);
    expect(asked).toEqual(['t']);
  });

  it('of a topic whose configuration cannot be understood is that of the broker, so that lists go on', async () => {
    const result = await describeWhenReadingFails(new KafkaError('INVALID_CONFIG', 'no JSON'));
    expect(result).toMatchObject({ errorCode: 0, errorMessage: null });
    expect(result?.configs.find(({ name }) => name === 'retention.ms')?.value).toBe('5000');
  });

  it('answers each resource for itself', async () => {
    const resource = { resourceType: 2, configurationKeys: ['retention.ms'] };
    const resources = ['missing', 't'].map((resourceName) => ({ ...resource, resourceName }));
    const answer = await desk.ask(DescribeConfigs, 2, { resources });
    expect(answer?.results.map(({ errorCode }) => errorCode)).toEqual([Errors.UNKNOWN_TOPIC_OR_PARTITION, 0]);
  });
});

describe('DescribeCluster', () => {
  const desk = deskOf([describeCluster], brokerWith({ metadata: aCache() }));
  const request = { includeClusterAuthorizedOperations: false };

  it.each([0, 1])('v%i tells the brokers of the listener and the controller among them', async (version) => {
    expect(await desk.ask(DescribeCluster, version, request)).toEqual({
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      endpointType: 1,
      clusterId: 'test-cluster',
      controllerId: 1,
      brokers: [{ brokerId: 1, host: 'h', port: 9092, rack: 'r' }],
      clusterAuthorizedOperations: -2147483648,
    });
    expect(await desk.ask(DescribeCluster, version, request, aConnection('OTHER'))).toMatchObject({
      controllerId: -1,
      brokers: [{ brokerId: 2 }],
    });
  });

  it('tells what may be done when it is asked to', async () => {
    const answer = await desk.ask(DescribeCluster, 0, { includeClusterAuthorizedOperations: true });
    expect(answer?.clusterAuthorizedOperations).toBe(8096);
  });

  it.each([
    [2, Errors.MISMATCHED_ENDPOINT_TYPE],
    [7, Errors.UNSUPPORTED_ENDPOINT_TYPE],
  ])('knows no endpoints of type %i', async (endpointType, errorCode) => {
    expect(await desk.ask(DescribeCluster, 1, { ...request, endpointType })).toMatchObject({ errorCode, brokers: [] });
  });
});

/**
 * The cluster of `npm start` on paper, the configuration files, and that docker-compose.yml describes the same cluster.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_PLAN, otherStartCommand, plannedBrokers, serverStartCommand } from '../../../src/cli/local-cluster.ts';
import { readZooKeeperConfig, zooKeeperWith } from '../../../src/cli/zookeeper-server.ts';
import { readBrokerConfig } from '../../../src/config/load.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SERVER_PROPERTIES = resolve(ROOT, 'config/server.properties');

/** The config of each broker that `npm start` runs. */
const local = plannedBrokers(DEFAULT_PLAN).map(({ overrides }) =>
  readBrokerConfig({ file: SERVER_PROPERTIES, overrides, environment: {} }),
);

/** A service of docker-compose.yml, with what it merges in from above, as the text of its lines. */
function service(name: string): string {
  const text = readFileSync(resolve(ROOT, 'docker-compose.yml'), 'utf8');
  const block = (key: string, indent: string): string =>
    new RegExp(`^${indent}${key}:.*\\n((?:${indent}  .*\\n|\\n)*)`, 'm').exec(text)?.[1] ?? '';
  const anchors = { kafka: 'x-kafka', zookeeper: 'x-zookeeper', 'kafka-environment': 'x-kafka-environment' };
  return block(name, '  ').replace(/<<: \*([a-z-]+)/g, (_, anchor: keyof typeof anchors) => block(anchors[anchor], ''));
}

function environmentOf(name: string): Record<string, string> {
  const pairs = [...service(name).matchAll(/^\s+(KAFKA_[A-Z_]+): (.*)$/gm)].map(([, key = '', value = '']) => [
    key,
    value.replace(/\$\{[A-Z_]+:-([^}]*)\}/, '$1'),
  ]);
  return Object.fromEntries(pairs);
}

const inContainers = [1, 2, 3].map((id) =>
  readBrokerConfig({ file: null, overrides: [], environment: environmentOf(`kafka${id}`) }),
);

test('config/server.properties is a configuration without a warning', () => {
  const { config, warnings } = readBrokerConfig({ file: SERVER_PROPERTIES, overrides: [], environment: {} });
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({ brokerId: 0, zookeeperConnect: 'localhost:2181', logDirs: ['data/kafka'] });
  expect(config.advertisedListeners).toEqual([
    { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: 'localhost', port: 9092 },
  ]);
});

test('what is started by hand shares no directory with npm start', () => {
  const { dataDirectory } = readZooKeeperConfig(resolve(ROOT, 'config/zookeeper.properties'));
  const byHand = readBrokerConfig({ file: SERVER_PROPERTIES, overrides: [], environment: {} }).config;
  const ours = [`${DEFAULT_PLAN.dataDirectory}/zookeeper`, ...local.flatMap(({ config }) => config.logDirs)];
  for (const directory of [dataDirectory, ...byHand.logDirs]) expect(ours).not.toContain(directory);
});

test('config/zookeeper.properties serves the port that config/server.properties asks for', () => {
  expect(readZooKeeperConfig(resolve(ROOT, 'config/zookeeper.properties'))).toEqual({
    clientPort: 2181,
    dataDirectory: 'data/zookeeper0',
  });
});

test('npm start runs three brokers at the well-known ports', () => {
  expect(local.flatMap(({ warnings }) => warnings)).toEqual([]);
  const places = local.map(({ config: { brokerId, listeners, httpListeners, logDirs } }) => [
    brokerId,
    listeners[0]?.port,
    httpListeners[0]?.port,
    logDirs[0],
  ]);
  expect(places).toEqual([
    [1, 9092, 8081, 'data/kafka1'],
    [2, 9093, 8082, 'data/kafka2'],
    [3, 9094, 8083, 'data/kafka3'],
  ]);
});

test('the command that brings one broker back has all its settings, each as one word of a shell', () => {
  const [, second] = plannedBrokers({ ...DEFAULT_PLAN, dataDirectory: "/home/o'neil/my data" });
  if (second === undefined) throw new Error('no second broker');
  const command = serverStartCommand(second);
  const words = spawnSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' })
    .stdout.trimEnd()
    .split('\n');
  const options = second.overrides.flatMap((override) => ['--override', override]);
  expect(words).toEqual(['bin/kafka-server-start.sh', 'config/server.properties', ...options]);
  expect(words).toContain("log.dirs=/home/o'neil/my data/kafka2");
});

test('the containers are the same cluster', () => {
  expect(inContainers.flatMap(({ warnings }) => warnings)).toEqual([]);
  for (const [index, { config }] of inContainers.entries()) {
    const twin = local[index]?.config;
    const outside = config.advertisedListeners.find(({ listenerName }) => listenerName === 'PLAINTEXT_HOST');
    expect(config.brokerId).toBe(twin?.brokerId);
    expect(outside).toMatchObject({ host: 'localhost', port: twin?.listeners[0]?.port });
    expect(config.httpListeners).toEqual([{ host: '', port: twin?.httpListeners[0]?.port }]);
    for (const key of [
      'defaultReplicationFactor',
      'minInsyncReplicas',
      'offsetsTopicReplicationFactor',
      'transactionStateLogReplicationFactor',
      'transactionStateLogMinIsr',
      'groupInitialRebalanceDelayMs',
      'zookeeperSessionTimeoutMs',
      'controlledShutdownRetryBackoffMs',
      'numPartitions',
      'logRetentionMs',
    ] as const)
      expect(config[key], key).toBe(twin?.[key]);
  }
});

test('inside the network of the containers each broker has its own name and port', () => {
  const inside = inContainers.map(({ config }) => config.advertisedListeners[0]);
  expect(inside.map((endpoint) => `${endpoint?.host}:${endpoint?.port}`)).toEqual([
    'kafka1:29091',
    'kafka2:29092',
    'kafka3:29093',
  ]);
  for (const { config } of inContainers) expect(config.interBrokerListenerName).toBe('PLAINTEXT');
  for (const id of [1, 2, 3]) {
    const text = service(`kafka${id}`);
    expect(text).toContain(`hostname: kafka${id}`);
    expect(text).toContain(`"127.0.0.1:909${id + 1}:909${id + 1}"`);
    expect(text).toContain(`"127.0.0.1:808${id}:808${id}"`);
    expect(text).toContain(`BARNABAS_ADDRESS: kafka${id}:2909${id}`);
    expect(text).toContain(`- kafka${id}:/var/lib/kafka/data`);
  }
});

test('the ensemble of the containers is named alike in all its files', () => {
  const env = readFileSync(resolve(ROOT, 'zookeeper/ensemble.env'), 'utf8');
  const cfg = readFileSync(resolve(ROOT, 'zookeeper/ensemble.cfg'), 'utf8');
  const servers = [...cfg.matchAll(/^server\.(\d)=(\w+):2888:3888$/gm)].map(([, id, host]) => `${id} ${host}`);
  expect(servers).toEqual(['1 zookeeper', '2 zookeeper2', '3 zookeeper3']);
  expect(env).toContain('ZOOKEEPER_CONNECT=zookeeper:2181,zookeeper2:2181,zookeeper3:2181');
  for (const name of ['zookeeper', 'zookeeper2', 'zookeeper3']) expect(service(name)).toContain(`hostname: ${name}`);
});

test('the image offers the scripts that the health checks call', () => {
  const dockerfile = readFileSync(resolve(ROOT, 'Dockerfile'), 'utf8');
  expect(dockerfile).toMatch(/^FROM node:24/m);
  expect(dockerfile).toContain('bin/docker-entrypoint.sh');
  expect(service('kafka1')).toContain('kafka-broker-api-versions --bootstrap-server');
});

test('another cluster beside one that runs gets other ports, and other data than those that are in use', () => {
  const ports = '--port 9192 --zookeeper-port 2281 --http-port 8181';
  expect(otherStartCommand(DEFAULT_PLAN, false)).toBe(`npm start -- ${ports}`);
  expect(otherStartCommand(DEFAULT_PLAN, true)).toBe(`npm start -- --data data2 ${ports}`);
  const mine = { ...DEFAULT_PLAN, dataDirectory: 'my data', brokerCount: 1, firstPort: 64_999 };
  expect(otherStartCommand(mine, false)).toBe(
    "npm start -- --data 'my data' --brokers 1 --port 64899 --zookeeper-port 2281 --http-port 8181",
  );
});

test('a ZooKeeper that runs with a configuration file is found, however its path was typed', () => {
  const java = ['/usr/bin/java', '-Xmx256m', 'org.apache.zookeeper.server.quorum.QuorumPeerMain'];
  const file = resolve(ROOT, 'data/zookeeper/zoo.cfg');
  const processes = [
    { pid: 7, command: ['vi', file] },
    { pid: 8, command: [...java, resolve(ROOT, 'data2/zookeeper/zoo.cfg')] },
    { pid: 9, command: [...java, file] },
  ];
  expect(zooKeeperWith(file, processes)?.pid).toBe(9);
  expect(zooKeeperWith(file, [{ pid: 10, command: [...java, 'data/zookeeper/zoo.cfg'] }])?.pid).toBe(10);
  expect(zooKeeperWith(file, processes.slice(0, 2))).toBeNull();
});

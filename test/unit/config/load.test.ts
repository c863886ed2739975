/** Where settings come from and how all problems are told at once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../../src/config/config-error.ts';
import { type ConfigSources, loadBrokerConfig, readBrokerConfig } from '../../../src/config/load.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'barnabas-config-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function file(text: string): string {
  const path = join(directory, 'server.properties');
  writeFileSync(path, text);
  return path;
}

function load(text: string, rest: Partial<ConfigSources> = {}) {
  return readBrokerConfig({
    file: file(`zookeeper.connect=localhost:2181\n${text}`),
    overrides: [],
    environment: {},
    canonicalHostname: 'host.example',
    ...rest,
  });
}

function problemsOf(text: string, rest: Partial<ConfigSources> = {}): string[] {
  try {
    load(text, rest);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ key, origin, message }) => `${key} @ ${origin?.replace(directory, '')}: ${message}`);
  }
}

test('an override beats an environment variable, which beats the file, which beats the default', () => {
  const environment = { KAFKA_NUM_PARTITIONS: '3', KAFKA_CFG_LOG_RETENTION_HOURS: '1', PATH: '/bin' };
  const { config } = load('num.partitions=2\nbroker.id=7\nlog.retention.hours=9', {
    environment,
    overrides: ['num.partitions=4'],
  });
  expect(config).toMatchObject({
    numPartitions: 4,
    brokerId: 7,
    nodeId: 7,
    logRetentionMs: 3_600_000,
    numIoThreads: 8,
  });
});

test('every problem is reported at once with its key, value and place', () => {
  const text = 'num.partitions=abc\nlog.retention.hour=5\nlog.dirs=,\nauto.create.topics.enable=perhaps';
  expect(problemsOf(text, { environment: { KAFKA_LOG_SEGMENT_BYTES: '2' }, overrides: ['nonsense'] })).toEqual([
    '--override @ undefined: --override nonsense: an override has the form property=value',
    'log.retention.hour @ /server.properties:3: ' +
      'Unknown configuration log.retention.hour: did you mean log.retention.hours?',
    'num.partitions @ /server.properties:2: ' +
      'Invalid value abc for configuration num.partitions: Not a number of type INT',
    'auto.create.topics.enable @ /server.properties:5: Invalid value perhaps for configuration ' +
      'auto.create.topics.enable: Expected value to be either true or false',
    'log.segment.bytes @ environment variable KAFKA_LOG_SEGMENT_BYTES: ' +
      'Invalid value 2 for configuration log.segment.bytes: Value must be at least 14',
    'log.dirs @ /server.properties:4: At least one log directory must be defined via log.dirs or log.dir.',
  ]);
});

test('the message of a ConfigError is a text to print', () => {
  expect(() => load('num.partitions=0\nfoo.bar=1')).toThrow(
    [
      'The configuration has 2 problems:',
      `  num.partitions=0  (${directory}/server.properties:2)`,
      '    Invalid value 0 for configuration num.partitions: Value must be at least 1',
      `  foo.bar=1  (${directory}/server.properties:3)`,
      "    These configurations '[foo.bar]' were supplied but are not used yet.",
    ].join('\n'),
  );
});

test('what the broker does is no warning: topics are compacted', () => {
  expect(load('log.cleanup.policy=compact').warnings).toEqual([]);
});

test('unknown keys alone are warnings, as in Kafka, and those of Confluent are not worth a word', () => {
  const { warnings } = load('plugin.key=1\nssl.keystore.location=/x\nconfluent.support.metrics.enable=false');
  expect(warnings).toEqual([
    "These configurations '[plugin.key, ssl.keystore.location]' were supplied but are not used yet.",
  ]);
});

test('a key set twice in the file is a warning and the last one counts', () => {
  const { config, warnings } = load('num.partitions=2\nnum.partitions=3');
  expect(config.numPartitions).toBe(3);
  expect(warnings).toEqual([
    `num.partitions is set twice: ${directory}/server.properties:3 counts, ${directory}/server.properties:2 does not.`,
  ]);
});

test('underscores of environment variables stand for dots, underscores and dashes', () => {
  const { warnings } = load('', { environment: { KAFKA_A_B__C___D: '1' } });
  expect(warnings).toEqual(["These configurations '[a.b_c-d]' were supplied but are not used yet."]);
});

test('variables of scripts, images and Kubernetes are not properties', () => {
  const environment = {
    KAFKA_HEAP_OPTS: '-Xmx1G',
    KAFKA_PORT: 'tcp://10.0.0.1:9092',
    KAFKA_PORT_9092_TCP_ADDR: '10.0.0.1',
    KAFKA_SERVICE_HOST: '10.0.0.1',
    KAFKA_LOG4J_LOGGERS: 'kafka.controller=INFO',
  };
  expect(load('', { environment }).warnings).toEqual([]);
});

test('a missing file and a file that is a directory are problems in Kafka’s words', () => {
  const missing = join(directory, 'none.properties');
  expect(() => readBrokerConfig({ file: missing, overrides: [], environment: {} })).toThrow(
    `${missing} (No such file or directory)`,
  );
  expect(() => readBrokerConfig({ file: directory, overrides: [], environment: {} })).toThrow(
    `${directory} (Is a directory)`,
  );
});

test('what this broker lacks is refused rather than passed over', () => {
  expect(problemsOf('listeners=SASL_SSL://:9092\ninter.broker.listener.name=SASL_SSL')).toEqual([
    'listeners @ /server.properties:2: Listener SASL_SSL uses the security protocol SASL_SSL, ' +
      'which this broker does not speak yet. Only PLAINTEXT listeners can be opened.',
  ]);
  expect(problemsOf('authorizer.class.name=kafka.security.authorizer.AclAuthorizer')).toHaveLength(1);
  expect(problemsOf('process.roles=broker,controller')).toHaveLength(1);
  expect(problemsOf('zookeeper.set.acl=true')).toHaveLength(1);
  expect(problemsOf('remote.log.storage.system.enable=true')).toHaveLength(1);
});

test('no value of a key that may hold a secret is printed', () => {
  expect(() =>
    load('zookeeper.ssl.keystore.password=hunter2\nlistener.name.x.sasl.jaas.config=hunter2\nnum.partitions=x'),
  ).toThrow(expect.not.stringContaining('hunter2'));
});

test('the server.properties of Kafka 3.9 and the variables of its images are accepted as they are', () => {
  const stock = [
    'broker.id=0',
    'num.network.threads=3',
    'num.io.threads=8',
    'socket.send.buffer.bytes=102400',
    'socket.receive.buffer.bytes=102400',
    'socket.request.max.bytes=104857600',
    'log.dirs=/tmp/kafka-logs',
    'num.partitions=1',
    'num.recovery.threads.per.data.dir=1',
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'log.retention.hours=168',
    'log.retention.check.interval.ms=300000',
    'zookeeper.connection.timeout.ms=18000',
    'group.initial.rebalance.delay.ms=0',
  ];
  const environment = {
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT',
    KAFKA_LISTENERS: 'PLAINTEXT://:29092,PLAINTEXT_HOST://:9092',
    KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://kafka1:29092,PLAINTEXT_HOST://localhost:9092',
    KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
    KAFKA_DELETE_TOPIC_ENABLE: 'true',
    KAFKA_CONFLUENT_SUPPORT_METRICS_ENABLE: 'false',
  };
  const { config, warnings } = load(stock.join('\n'), { environment });
  expect(warnings).toEqual([]);
  expect(config.advertisedListeners.map(({ host, port }) => `${host}:${port}`)).toEqual([
    'kafka1:29092',
    'localhost:9092',
  ]);
  expect(config.zookeeperConnectionTimeoutMs).toBe(18000);
});

test('a command line names a file and overrides', () => {
  const path = file('zookeeper.connect=z:2181');
  const load = (...args: string[]) => loadBrokerConfig({ arguments: args, environment: {} });
  expect(load(path, '--override', 'broker.id=4', '--override=num.partitions=2')).toMatchObject({
    kind: 'loaded',
    config: { brokerId: 4, numPartitions: 2 },
    warnings: [],
  });
  expect(load()).toEqual({ kind: 'usage', reason: null });
  expect(load('--help')).toEqual({ kind: 'usage', reason: null });
  expect(load('--version')).toEqual({ kind: 'version' });
  expect(load('--override', 'broker.id=4', path)).toEqual({
    kind: 'usage',
    reason: 'The properties file comes first, before --override',
  });
  expect(load(path, 'more')).toEqual({ kind: 'usage', reason: 'Found non argument parameters: more' });
  expect(load(path, '--overide', 'broker.id=4')).toEqual({
    kind: 'usage',
    reason: 'overide is not a recognized option',
  });
  expect(load(path, '--override')).toEqual({ kind: 'usage', reason: 'Option override requires an argument' });
  expect(load(path, '--override', 'broker.id=x')).toMatchObject({
    kind: 'problems',
    problems: ['The configuration has one problem:', '  broker.id=x  (--override)', expect.any(String)],
  });
});

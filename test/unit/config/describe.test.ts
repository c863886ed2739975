/** What DescribeConfigs and the log at the start say of a configuration. */
import { expect, test } from 'vitest';
import { brokerConfigFrom } from '../../../src/config/broker-config.ts';
import { brokerValuesText, describeBrokerConfig, describeTopicConfig } from '../../../src/config/describe.ts';

const broker = brokerConfigFrom({
  'zookeeper.connect': 'z:2181',
  'broker.id': '1',
  'log.retention.hours': '168',
  'log.segment.bytes': '1000',
  'log.retention.ms': '5',
  'zookeeper.ssl.keystore.password': 'hunter2',
  'somebody.else': 'hunter2',
});

const inShort = (entries: ReturnType<typeof describeBrokerConfig>) =>
  entries.map(({ name, value, source, synonyms }) => {
    const chain = synonyms.map((synonym) => `${synonym.name}=${synonym.value}@${synonym.source}`);
    return `${name}=${value}@${source} {${chain.join(', ')}}`;
  });

test('a topic’s value comes with the chain of what stands behind it', () => {
  const overrides = new Map([['segment.bytes', '500']]);
  expect(inShort(describeTopicConfig(broker, overrides, ['segment.bytes', 'min.insync.replicas']))).toEqual([
    'min.insync.replicas=1@5 {min.insync.replicas=1@5}',
    'segment.bytes=500@1 {segment.bytes=500@1, log.segment.bytes=1000@4, log.segment.bytes=1073741824@5}',
  ]);
});

test('retention set in hours alone is a default to DescribeConfigs, as in Kafka, and its value is converted', () => {
  const hours = brokerConfigFrom({ 'zookeeper.connect': 'z:2181', 'log.retention.hours': '1' });
  expect(inShort(describeTopicConfig(hours, new Map(), ['retention.ms']))).toEqual(['retention.ms=3600000@5 {}']);
});

test('what a broker of another kind stored for a topic is seen, so that it can be removed', () => {
  const overrides = new Map([['confluent.key.schema.validation', 'true']]);
  const entries = describeTopicConfig(broker, overrides, null).filter(({ name }) => overrides.has(name));
  expect(inShort(entries)).toEqual(['confluent.key.schema.validation=null@1 {confluent.key.schema.validation=null@1}']);
  expect(entries).toMatchObject([{ isSensitive: true, readOnly: false, type: 0, documentation: null }]);
});

test('a broker’s keys are described with their synonyms', () => {
  expect(inShort(describeBrokerConfig(broker, ['log.retention.ms', 'num.partitions']))).toEqual([
    'log.retention.ms=5@4 {log.retention.ms=5@4, log.retention.hours=168@4, log.retention.hours=168@5}',
    'num.partitions=1@5 {num.partitions=1@5}',
  ]);
});

test('passwords and keys nobody knows are sensitive and have no value', () => {
  const entries = describeBrokerConfig(broker, ['zookeeper.ssl.keystore.password', 'somebody.else']);
  expect(entries.map(({ value, isSensitive }) => [value, isSensitive])).toEqual([
    [null, true],
    [null, true],
  ]);
  expect(JSON.stringify(describeBrokerConfig(broker, null))).not.toContain('hunter2');
  expect(brokerValuesText(broker)).not.toContain('hunter2');
});

test('every key is documented and says whether it can be changed while the broker runs', () => {
  const entries = describeBrokerConfig(brokerConfigFrom({ 'zookeeper.connect': 'z:2181' }), null);
  expect(entries.length).toBeGreaterThan(170);
  expect(entries.filter(({ documentation }) => !documentation)).toEqual([]);
  const dynamic = entries.filter(({ readOnly }) => !readOnly).map(({ name }) => name);
  expect(dynamic).toContain('log.retention.ms');
  expect(dynamic).not.toContain('broker.id');
});

test('the start of a broker logs every effective value on a line', () => {
  expect(brokerValuesText(broker)).toContain('\n\tbroker.id = 1\n');
  expect(brokerValuesText(broker)).toContain('\n\tzookeeper.ssl.keystore.password = [hidden]\n');
});

/** The broker's keys about groups: Kafka's defaults, Kafka's refusals. */
import { expect, test } from 'vitest';
import { brokerConfigFrom, checkBrokerConfig } from '../../../../src/config/broker-config.ts';
import { ConfigError } from '../../../../src/config/config-error.ts';

const MINIMAL = { 'zookeeper.connect': 'localhost:2181' };

function problemsOf(values: Record<string, string>): string[] {
  try {
    brokerConfigFrom({ ...MINIMAL, ...values });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ key, message }) => `${key}: ${message}`);
  }
}

function warningsOf(values: Record<string, string>): readonly string[] {
  const settings = Object.entries({ ...MINIMAL, ...values }).map(([key, value]) => ({ key, value, origin: 'code' }));
  return checkBrokerConfig(settings, 'localhost').warnings;
}

test('the defaults are Kafka 4.0’s', () => {
  expect(brokerConfigFrom(MINIMAL)).toMatchObject({
    groupCoordinatorRebalanceProtocols: ['classic', 'consumer'],
    groupMinSessionTimeoutMs: 6000,
    groupMaxSessionTimeoutMs: 1_800_000,
    groupInitialRebalanceDelayMs: 3000,
    groupMaxSize: 2_147_483_647,
    groupConsumerSessionTimeoutMs: 45000,
    groupConsumerMinSessionTimeoutMs: 45000,
    groupConsumerMaxSessionTimeoutMs: 60000,
    groupConsumerHeartbeatIntervalMs: 5000,
    groupConsumerMinHeartbeatIntervalMs: 5000,
    groupConsumerMaxHeartbeatIntervalMs: 15000,
    groupConsumerMaxSize: 2_147_483_647,
    groupConsumerAssignors: ['uniform', 'range'],
    groupConsumerMigrationPolicy: 'bidirectional',
    groupConsumerRegexRefreshIntervalMs: 600_000,
    offsetMetadataMaxBytes: 4096,
    offsetsRetentionMinutes: 10080,
  });
});

test('assignors are named, by their names or by the classes of Kafka 3.9', () => {
  const assignors = (value: string) =>
    brokerConfigFrom({ ...MINIMAL, 'group.consumer.assignors': value }).groupConsumerAssignors;
  expect(assignors('range')).toEqual(['range']);
  const inPackage = (name: string) => `org.apache.kafka.coordinator.group.assignor.${name}`;
  expect(assignors(`${inPackage('RangeAssignor')}, ${inPackage('UniformAssignor')}`)).toEqual(['range', 'uniform']);
});

test('assignors nobody has, none at all and one twice are refused', () => {
  expect(problemsOf({ 'group.consumer.assignors': 'range,com.example.Mine' })).toEqual([
    'group.consumer.assignors: Invalid value range,com.example.Mine for configuration group.consumer.assignors: ' +
      'Class com.example.Mine cannot be found',
  ]);
  expect(problemsOf({ 'group.consumer.assignors': '' })).toEqual([expect.stringContaining('At least one assignor')]);
  expect(problemsOf({ 'group.consumer.assignors': 'range,range' })).toEqual([expect.stringContaining('named once')]);
});

test('the migration policy may be written in any case', () => {
  const policy = (value: string) =>
    brokerConfigFrom({ ...MINIMAL, 'group.consumer.migration.policy': value }).groupConsumerMigrationPolicy;
  expect(policy('UPGRADE')).toBe('upgrade');
  expect(policy('Disabled')).toBe('disabled');
  expect(problemsOf({ 'group.consumer.migration.policy': 'sideways' })).toEqual([
    'group.consumer.migration.policy: Invalid value sideways for configuration group.consumer.migration.policy: ' +
      'String must be one of (case insensitive): BIDIRECTIONAL, UPGRADE, DOWNGRADE, DISABLED',
  ]);
});

test('groups may use the classic protocol alone, but not without it', () => {
  const key = 'group.coordinator.rebalance.protocols';
  expect(problemsOf({ [key]: 'classic' })).toEqual([]);
  expect(problemsOf({ [key]: 'consumer' })).toEqual([`${key}: Disabling the 'classic' protocol is not supported.`]);
  expect(problemsOf({ [key]: 'classic,share' })).toEqual([
    `${key}: Invalid value classic,share for configuration ${key}: String must be one of: classic, consumer`,
  ]);
});

test.each([
  ['heartbeat.interval.ms', '4999', '5000', '15000'],
  ['session.timeout.ms', '44999', '45000', '60000'],
])('group.consumer.%s stays between its limits', (setting, below, min, max) => {
  const [key, minKey, maxKey] = ['', 'min.', 'max.'].map((limit) => `group.consumer.${limit}${setting}`) as [
    ...[string, string, string],
  ];
  expect(problemsOf({ [key]: below })).toEqual([`${key}: ${key} must be greater than or equal to ${minKey}`]);
  expect(problemsOf({ [key]: below, [minKey]: below })).toEqual([]);
  expect(problemsOf({ [key]: max, [maxKey]: min })).toEqual([`${key}: ${key} must be less than or equal to ${maxKey}`]);
  expect(problemsOf({ [maxKey]: below })).toContain(`${maxKey}: ${maxKey} must be greater than or equal to ${minKey}`);
  expect(problemsOf({ [key]: '0' })).toEqual([expect.stringContaining('Value must be at least 1')]);
});

test('a heartbeat must come before the session is over', () => {
  expect(
    problemsOf({
      'group.consumer.heartbeat.interval.ms': '45000',
      'group.consumer.max.heartbeat.interval.ms': '45000',
    }),
  ).toEqual([expect.stringContaining('must be less than group.consumer.session.timeout.ms')]);
});

test('what Kafka would only stumble over later is refused at the start', () => {
  expect(problemsOf({ 'offsets.topic.compression.codec': '5' })).toEqual([
    'offsets.topic.compression.codec: Invalid value 5 for configuration offsets.topic.compression.codec: ' +
      'Unknown compression type id: 5',
  ]);
  expect(problemsOf({ 'group.consumer.regex.refresh.interval.ms': '9999' })).toHaveLength(1);
  expect(problemsOf({ 'offsets.commit.required.acks': '4' })).toHaveLength(1);
});

test('what has no effect is said, and a typing error is an error', () => {
  expect(warningsOf({ 'offsets.commit.required.acks': '1' })).toEqual([expect.stringContaining('has no effect')]);
  expect(warningsOf({ 'group.coordinator.threads': '4', 'group.share.max.size': '9' })).toEqual([
    "These configurations '[group.coordinator.threads, group.share.max.size]' were supplied but are not used yet.",
  ]);
  expect(problemsOf({ 'group.consumer.sesion.timeout.ms': '9' })).toEqual([
    expect.stringContaining('did you mean group.consumer.session.timeout.ms?'),
  ]);
});

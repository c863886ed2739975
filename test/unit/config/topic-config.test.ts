/** Topic settings: defaults from the broker, overrides, refusals. */
import { expect, test } from 'vitest';
import { brokerConfigFrom } from '../../../src/config/broker-config.ts';
import { topicConfigFrom, validateTopicConfig } from '../../../src/config/topic-config.ts';

const broker = (values: Record<string, string> = {}) => brokerConfigFrom({ 'zookeeper.connect': 'z:2181', ...values });
const overrides = (values: Record<string, string | null>) => new Map(Object.entries(values));

test('a topic without overrides has Kafka’s defaults', () => {
  expect(topicConfigFrom(broker(), new Map())).toMatchObject({
    cleanupPolicy: ['delete'],
    compressionType: 'producer',
    flushMessages: Number.MAX_SAFE_INTEGER,
    maxMessageBytes: 1048588,
    messageTimestampType: 'CreateTime',
    minInsyncReplicas: 1,
    retentionMs: 604800000,
    segmentBytes: 1073741824,
    segmentMs: 604800000,
    uncleanLeaderElectionEnable: false,
  });
});

test('the broker’s keys are the defaults of a topic, converted to its units', () => {
  const values = {
    'log.retention.hours': '2',
    'log.retention.minutes': '3',
    'log.roll.hours': '1',
    'log.flush.interval.messages': '1',
    'message.max.bytes': '1000',
    'log.cleanup.policy': 'compact, delete',
  };
  expect(topicConfigFrom(broker(values), new Map())).toMatchObject({
    retentionMs: 180_000,
    segmentMs: 3_600_000,
    flushMessages: 1,
    maxMessageBytes: 1000,
    cleanupPolicy: ['compact', 'delete'],
  });
});

test('an override counts, an impossible one in ZooKeeper falls back to the default', () => {
  const stored = new Map([
    ['min.insync.replicas', '2'],
    ['segment.bytes', 'x'],
    ['nonsense', '1'],
    ['__proto__', '1'],
  ]);
  const config = topicConfigFrom(broker({ 'log.segment.bytes': '1000' }), stored);
  expect(config).toMatchObject({ minInsyncReplicas: 2, segmentBytes: 1000 });
});

test.each([
  [{ foo: '1' }, 'Unknown topic config name: foo'],
  [{ __proto__x: '1' }, 'Unknown topic config name: __proto__x'],
  [{ constructor: '1' }, 'Unknown topic config name: constructor'],
  [{ 'retention.ms': 'x' }, 'Invalid value x for configuration retention.ms: Not a number of type LONG'],
  [{ 'retention.ms': '-2' }, 'Invalid value -2 for configuration retention.ms: Value must be at least -1'],
  [
    { 'segment.bytes': '99999999999' },
    'Invalid value 99999999999 for configuration segment.bytes: Not a number of type INT',
  ],
  [
    { 'cleanup.policy': 'delete,shred' },
    'Invalid value delete,shred for configuration cleanup.policy: String must be one of: compact, delete',
  ],
  [{ 'retention.ms': null, 'segment.ms': null }, 'Null value not supported for topic configs: retention.ms,segment.ms'],
  [
    { 'min.compaction.lag.ms': '9', 'max.compaction.lag.ms': '8' },
    'conflict topic config setting min.compaction.lag.ms (9) > max.compaction.lag.ms (8)',
  ],
  [
    { 'remote.storage.enable': 'true' },
    'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
  ],
])('%j is refused in Kafka’s words', (values, message) => {
  expect(validateTopicConfig(overrides(values), broker())).toBe(message);
});

test('the older limit of timestamps counts where the newer ones say nothing', () => {
  const limits = (values: Record<string, string>, of = broker()) => {
    const config = topicConfigFrom(of, overrides(values) as Map<string, string>);
    return [config.messageTimestampBeforeMaxMs, config.messageTimestampAfterMaxMs];
  };
  const older = { 'message.timestamp.difference.max.ms': '1000' };
  expect(limits(older)).toEqual([1000, 1000]);
  expect(limits({ ...older, 'message.timestamp.after.max.ms': '5' })).toEqual([1000, 5]);
  const limited = broker({ 'log.message.timestamp.difference.max.ms': '7' });
  expect(limits({}, limited)).toEqual([7, 7]);
  expect(limits(older, limited)).toEqual([7, 7]);
});

test('possible overrides are accepted', () => {
  const values = {
    'retention.ms': '-1',
    'cleanup.policy': 'compact',
    'compression.type': 'zstd',
    'flush.messages': '1',
  };
  expect(validateTopicConfig(overrides(values))).toBeNull();
});

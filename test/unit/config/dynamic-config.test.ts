/** Broker keys that change while the broker runs: which, to what, and what comes of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brokerConfigFrom } from '../../../src/config/broker-config.ts';
import { ConfigRefusal } from '../../../src/config/config-operations.ts';
import { describeBrokerConfig, describeClusterDefaults, describeTopicConfig } from '../../../src/config/describe.ts';
import { brokerKey } from '../../../src/config/broker-config.ts';
import {
  checkAlteration,
  checkChange,
  DYNAMIC_BROKER_KEYS,
  type DynamicLevel,
  effectiveConfig,
  usableOverrides,
  withOverrides,
} from '../../../src/config/dynamic-config.ts';
import { topicConfigFrom } from '../../../src/config/topic-config.ts';

const started = (values: Record<string, string> = {}) =>
  brokerConfigFrom({ 'zookeeper.connect': 'z:2181', 'broker.id': '3', listeners: 'PLAINTEXT://h:1234', ...values });
const texts = (values: Record<string, string>) => new Map(Object.entries(values));
const levels = (broker: Record<string, string>, cluster: Record<string, string> = {}) => ({
  broker: texts(broker),
  cluster: texts(cluster),
});

describe('the configuration of all levels', () => {
  it('takes what is stored for the broker, then what is stored for all, then what it was started with', () => {
    const config = withOverrides(
      started({ 'log.segment.bytes': '1000', 'log.retention.bytes': '1', 'num.io.threads': '5' }),
      levels({ 'log.segment.bytes': '3000' }, { 'log.segment.bytes': '2000', 'log.retention.bytes': '2' }),
    );
    expect(config).toMatchObject({ logSegmentBytes: 3000, logRetentionBytes: 2, numIoThreads: 5, brokerId: 3 });
    expect(config.listeners).toMatchObject([{ port: 1234 }]);
    expect(topicConfigFrom(config, new Map())).toMatchObject({ segmentBytes: 3000, retentionBytes: 2 });
    const back = withOverrides(config, levels({}));
    expect(back).toMatchObject({ logSegmentBytes: 1000, logRetentionBytes: 1 });
  });

  it('lets a newer value win over an older one under a name that counts before it', () => {
    const config = withOverrides(started({ 'log.retention.ms': '5', 'log.roll.hours': '7' }), levels({}));
    expect(withOverrides(config, levels({}, { 'log.retention.ms': '9' })).logRetentionMs).toBe(9);
    expect(withOverrides(config, levels({ 'log.roll.ms': '9' })).logRollMs).toBe(9);
  });

  it('is described level by level', () => {
    const { config } = effectiveConfig(
      started({ 'log.segment.bytes': '1000' }),
      levels({ 'log.segment.bytes': '3000' }, { 'log.segment.bytes': '2000', 'log.cleaner.backoff.ms': '1' }),
    );
    const chain = [
      { name: 'log.segment.bytes', value: '3000', source: 2 },
      { name: 'log.segment.bytes', value: '2000', source: 3 },
      { name: 'log.segment.bytes', value: '1000', source: 4 },
      { name: 'log.segment.bytes', value: '1073741824', source: 5 },
    ];
    expect(describeBrokerConfig(config, ['log.segment.bytes'])).toMatchObject([
      { value: '3000', source: 2, readOnly: false, synonyms: chain },
    ]);
    expect(describeTopicConfig(config, texts({ 'segment.bytes': '4000' }), ['segment.bytes'])).toMatchObject([
      { value: '4000', source: 1, synonyms: [{ name: 'segment.bytes', value: '4000', source: 1 }, ...chain] },
    ]);
    expect(describeTopicConfig(config, new Map(), ['segment.bytes'])).toMatchObject([{ value: '3000', source: 2 }]);
    expect(describeClusterDefaults(config, null)).toMatchObject([
      { name: 'log.cleaner.backoff.ms', value: '1', source: 3 },
      { name: 'log.segment.bytes', value: '2000', source: 3, synonyms: [chain[1]] },
    ]);
  });
});

describe('a change', () => {
  it('may be of every key that is listed, to its default', () => {
    for (const name of DYNAMIC_BROKER_KEYS) {
      const value = brokerKey(name)?.defaultText ?? '3600000';
      expect(() => checkChange(started(), 'broker', texts({ [name]: value })), name).not.toThrow();
    }
  });

  it.each<[DynamicLevel, Record<string, string>, string]>([
    ['broker', { 'zookeeper.connect': 'x:1' }, 'Cannot update these configs dynamically: Set(zookeeper.connect)'],
    ['cluster', { 'log.retention.hours': '1' }, 'Cannot update these configs dynamically: Set(log.retention.hours)'],
    ['cluster', { a: '1', b: '2' }, 'Cannot update these configs dynamically: Set(a, b)'],
    ['broker', { listeners: 'PLAINTEXT://:1' }, 'Cannot update these configs dynamically: Set(listeners)'],
    ['broker', { 'log.segment.bytes': 'x' }, 'Invalid value x for configuration log.segment.bytes: Not a number of'],
    ['broker', { 'leader.replication.throttled.rate': '-1' }, 'Value must be at least 0'],
    ['broker', { 'log.retention.ms': '0' }, 'requirement failed: log.retention.ms must be unlimited (-1) or, greater'],
    ['broker', { 'num.io.threads': '3' }, 'num.io.threads=3, value should be at least half the current value 8'],
    ['broker', { 'num.io.threads': '17' }, 'should not be greater than double the current value 8'],
    ['cluster', { 'log.cleaner.threads': '3' }, 'cannot be increased to more than double the current value 1'],
    ['cluster', { 'log.cleaner.threads': '0' }, 'Log cleaner threads should be at least 1'],
  ])('of %s to %j is refused', (level, overrides, message) => {
    const change = () => checkChange(started(), level, texts(overrides));
    expect(change).toThrow(ConfigRefusal);
    expect(change).toThrow(expect.objectContaining({ message: expect.stringContaining(message) }));
  });

  it('of what all have in common is judged with what this broker has for itself', () => {
    const config = withOverrides(started(), levels({ 'log.cleaner.min.compaction.lag.ms': '1000' }));
    expect(() => checkChange(config, 'cluster', texts({ 'log.cleaner.max.compaction.lag.ms': '500' }))).toThrow(
      ConfigRefusal,
    );
  });
});

it('what brokers of another kind have stored is passed over', () => {
  const stored = texts({ 'log.segment.bytes': '1000', 'log.retention.ms': 'x', 'listener.name.a.ssl.x': 'y' });
  expect(usableOverrides(stored)).toEqual(texts({ 'log.segment.bytes': '1000' }));
});

describe('what is accepted', () => {
  it('gives topics possible defaults, whatever it is', () => {
    const hostile = [
      '',
      ' ',
      '-9223372036854775808',
      '-5',
      '-2',
      '-1',
      '0',
      '1',
      '9223372036854775807',
      'x',
      'compact,delete',
    ];
    for (const name of DYNAMIC_BROKER_KEYS)
      for (const text of hostile) {
        const overrides = texts({ [name]: text });
        const config = effectiveConfig(started(), { cluster: overrides, broker: new Map() }).config;
        expect(() => topicConfigFrom(config, new Map()), `${name}=${text}`).not.toThrow();
        if (config.dynamic.cluster.size === 0)
          expect(() => checkChange(started(), 'cluster', overrides), `${name}=${text}`).toThrow(ConfigRefusal);
      }
  });

  it('depends on what else is stored, and as little as possible on what does not go with it', () => {
    const stored = levels(
      { 'log.cleaner.min.compaction.lag.ms': '50', 'min.insync.replicas': '2' },
      { 'log.cleaner.max.compaction.lag.ms': '40', 'log.roll.ms': '0', 'log.segment.bytes': 'x' },
    );
    const { config, problem } = effectiveConfig(started(), stored);
    expect(problem).not.toBeNull();
    expect(config.dynamic).toEqual(
      levels({ 'min.insync.replicas': '2' }, { 'log.cleaner.max.compaction.lag.ms': '40' }),
    );
    expect(effectiveConfig(config, levels(Object.fromEntries(stored.broker))).config).toMatchObject({
      minInsyncReplicas: 2,
      logCleanerMinCompactionLagMs: 50,
    });
  });
});

describe('what is stored and left out', () => {
  const left = { 'log.retention.ms': 'x', other: '1', 'max.connections.per.ip': '0' };
  const live = effectiveConfig(started(), levels(left)).config;

  it('is seen, beside the value that counts', () => {
    expect(describeBrokerConfig(live, Object.keys(left))).toMatchObject([
      { name: 'log.retention.ms', value: null, source: 2, synonyms: [{ value: 'x', source: 2 }, {}] },
      { name: 'max.connections.per.ip', value: '2147483647', source: 2, synonyms: [{ value: '0', source: 2 }, {}] },
      { name: 'other', value: null, isSensitive: true, source: 2, synonyms: [{ value: null, source: 2 }] },
    ]);
    const common = effectiveConfig(started(), levels({}, left)).config;
    expect(describeClusterDefaults(common, null).map(({ name, value }) => [name, value])).toEqual([
      ['log.retention.ms', 'x'],
      ['max.connections.per.ip', '0'],
      ['other', null],
    ]);
  });

  const SOME_TEXTS = {
    'log.cleaner.min.compaction.lag.ms': ['20', '50', 'x'],
    'log.cleaner.max.compaction.lag.ms': ['10', '40', 'x'],
    'max.connections.per.ip': ['0', '5'],
    'max.connections.per.ip.overrides': ['', '127.0.0.1:5'],
    'log.segment.bytes': ['1', '2000'],
    other: ['1'],
  };
  const someOverrides = fc
    .record(
      Object.fromEntries(Object.entries(SOME_TEXTS).map(([name, values]) => [name, fc.constantFrom(...values)])),
      { requiredKeys: [] },
    )
    .map((values) => texts(values as Record<string, string>));

  it('is no obstacle: it can always be removed, and what is let through counts and throws out nothing', () => {
    fc.assert(
      fc.property(
        someOverrides,
        someOverrides,
        someOverrides,
        fc.subarray(Object.keys(SOME_TEXTS)),
        fc.constantFrom<DynamicLevel>('broker', 'cluster'),
        (own, common, set, removed, level) => {
          const all = { broker: own, cluster: common };
          const { config } = effectiveConfig(started(), all);
          const wanted = new Map([...all[level], ...set]);
          for (const name of removed) wanted.delete(name);
          const touched = new Set([...set.keys(), ...removed]);
          const isPlainRemoval = set.size === 0 && removed.every((name) => !config.dynamic[level].has(name));
          const check = () => checkAlteration(config, level, { stored: all[level], wanted, touched });
          let judged: ReadonlyMap<string, string>;
          try {
            judged = check();
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigRefusal);
            expect(isPlainRemoval).toBe(false);
            return;
          }
          const after = effectiveConfig(config, { ...all, [level]: wanted }).config.dynamic[level];
          for (const [name, text] of judged) expect(after.get(name)).toBe(text);
          for (const name of set.keys()) if (wanted.has(name)) expect(after.has(name)).toBe(true);
          for (const name of config.dynamic[level].keys()) if (wanted.has(name)) expect(after.has(name)).toBe(true);
        },
      ),
    );
  });
});

/**
 * @pure A topic's configuration: ONE table of Kafka's keys, each with the broker key that is its default, and the typed
 * config made from both (Kafka's LogConfig and ServerTopicConfigSynonyms).
 *
 * Guarantees: a TopicConfig is always complete and possible. What a client wants to store is judged by
 * `validateTopicConfig`; what lies in ZooKeeper already is read leniently, an impossible value falling back to the
 * default.
 */
import { BROKER_KEYS, type BrokerConfig } from './broker-config.ts';
import {
  atLeast,
  between,
  bool,
  type Check,
  type ConfigKey,
  camelCase,
  choice,
  choices,
  double,
  int,
  LONG_MAX,
  list,
  long,
  parseValue,
  string,
  type ValuesOf,
} from './definition.ts';
import {
  CLEANUP_POLICIES,
  COMPRESSION_TYPES,
  RECORD_VALIDATIONS,
  TIMESTAMP_TYPES,
  versionText,
} from './keys/log-keys.ts';
import { COMPRESSION_LEVEL_KEYS } from './keys/server-keys.ts';

const throttledReplicas: Check<string[]> = (entries) =>
  entries.length === 0 || entries.every((entry) => (entries.length === 1 && entry === '*') || /^\d+:\d+$/.test(entry))
    ? null
    : 'Must be the literal * or a list of partition:broker pairs';

export const TOPIC_KEYS = {
  'cleanup.policy': choices(CLEANUP_POLICIES, 'delete', 'What happens to old records: delete, compact or both.'),
  'compression.type': choice(COMPRESSION_TYPES, 'producer', 'Compression of stored batches; producer keeps them.'),
  ...COMPRESSION_LEVEL_KEYS,
  'delete.retention.ms': long(86400000, 'How long the marks of deleted keys are kept.', atLeast(0)),
  'file.delete.delay.ms': long(60000, 'Pause between taking a file out of use and removing it.', atLeast(0)),
  'flush.messages': long(LONG_MAX, 'Records after which the log is flushed; 1 makes each write durable.', atLeast(1)),
  'flush.ms': long(LONG_MAX, 'Age of unflushed records at which the log is flushed.', atLeast(0)),
  'follower.replication.throttled.replicas': list('', 'Followers that a throttle slows down.', throttledReplicas),
  'index.interval.bytes': int(4096, 'Bytes of log between two entries of an index.', atLeast(0)),
  'leader.replication.throttled.replicas': list('', 'Leaders that a throttle slows down.', throttledReplicas),
  'local.retention.bytes': long(-2, 'Size kept locally with remote storage.', atLeast(-2)),
  'local.retention.ms': long(-2, 'Age of records kept locally with remote storage.', atLeast(-2)),
  'max.compaction.lag.ms': long(LONG_MAX, 'Age at which a record is due for compaction.', atLeast(1)),
  'max.message.bytes': int(1048588, 'Largest record batch in bytes.', atLeast(0)),
  'message.downconversion.enable': bool(true, 'Accepted for compatibility: fetches from version 4 on need none.'),
  'message.format.version': string('3.0-IV1', 'Accepted for compatibility and ignored.', versionText),
  'message.timestamp.after.max.ms': long(LONG_MAX, 'How far a timestamp may lie in the future.', atLeast(0)),
  'message.timestamp.before.max.ms': long(LONG_MAX, 'How far a timestamp may lie in the past.', atLeast(0)),
  'message.timestamp.difference.max.ms': long(LONG_MAX, 'Older name of the two limits above.', atLeast(0)),
  'message.timestamp.type': choice(TIMESTAMP_TYPES, 'CreateTime', 'Whose clock the timestamps of records show.'),
  'min.cleanable.dirty.ratio': double('0.5', 'Share of new bytes from which the log is compacted.', between(0, 1)),
  'min.compaction.lag.ms': long(0, 'Age that a record reaches before compaction touches it.', atLeast(0)),
  'min.insync.replicas': int(1, 'In-sync replicas that a write with acks=all needs.', atLeast(1)),
  preallocate: bool(false, 'Accepted for compatibility: segments grow as they are written.'),
  // Ours, beyond Kafka: see docs/adr/0005.
  'record.validation': choice(
    RECORD_VALIDATIONS,
    'header',
    'Whether every record of a batch is looked at (full) or its header.',
  ),
  'remote.log.copy.disable': bool(false, 'Whether remote storage is read only.'),
  'remote.log.delete.on.disable': bool(false, 'Whether leaving remote storage deletes what is there.'),
  'remote.storage.enable': bool(false, 'Whether old segments go to remote storage.'),
  'retention.bytes': long(-1, 'Size of a partition above which its oldest segments go; -1 has no limit.'),
  'retention.ms': long(604800000, 'Age at which records may be removed; -1 keeps them.', atLeast(-1)),
  'segment.bytes': int(1073741824, 'Size at which a segment is closed and a new one begun.', atLeast(14)),
  'segment.index.bytes': int(10485760, 'Largest size of an offset index.', atLeast(4)),
  'segment.jitter.ms': long(0, 'Random part taken off segment.ms.', atLeast(0)),
  'segment.ms': long(604800000, 'Age at which a segment is closed.', atLeast(1)),
  'unclean.leader.election.enable': bool(false, 'Whether a replica that lags may lead when no other is left.'),
};

export type TopicKey = keyof typeof TOPIC_KEYS;
export type TopicConfig = ValuesOf<typeof TOPIC_KEYS>;

interface Synonym {
  /** A broker key. */
  readonly name: keyof typeof BROKER_KEYS;
  /** What turns its number into the topic key's unit. */
  readonly factor: number;
}

const same = (name: keyof typeof BROKER_KEYS): Synonym[] => [{ name, factor: 1 }];
const MS_PER_MINUTE = 60_000;
const MS_PER_HOUR = 3_600_000;

/** Topic key → the broker keys that give its default, the first that is set winning. Keys without a line have none. */
export const TOPIC_SYNONYMS: ReadonlyMap<string, readonly Synonym[]> = new Map([
  ['cleanup.policy', same('log.cleanup.policy')],
  ['compression.type', same('compression.type')],
  ['compression.gzip.level', same('compression.gzip.level')],
  ['compression.lz4.level', same('compression.lz4.level')],
  ['compression.zstd.level', same('compression.zstd.level')],
  ['delete.retention.ms', same('log.cleaner.delete.retention.ms')],
  ['file.delete.delay.ms', same('log.segment.delete.delay.ms')],
  ['flush.messages', same('log.flush.interval.messages')],
  ['flush.ms', [...same('log.flush.interval.ms'), ...same('log.flush.scheduler.interval.ms')]],
  ['index.interval.bytes', same('log.index.interval.bytes')],
  ['local.retention.bytes', same('log.local.retention.bytes')],
  ['local.retention.ms', same('log.local.retention.ms')],
  ['max.compaction.lag.ms', same('log.cleaner.max.compaction.lag.ms')],
  ['max.message.bytes', same('message.max.bytes')],
  ['message.downconversion.enable', same('log.message.downconversion.enable')],
  ['message.format.version', same('log.message.format.version')],
  [
    'message.timestamp.after.max.ms',
    [...same('log.message.timestamp.after.max.ms'), ...same('log.message.timestamp.difference.max.ms')],
  ],
  [
    'message.timestamp.before.max.ms',
    [...same('log.message.timestamp.before.max.ms'), ...same('log.message.timestamp.difference.max.ms')],
  ],
  ['message.timestamp.difference.max.ms', same('log.message.timestamp.difference.max.ms')],
  ['message.timestamp.type', same('log.message.timestamp.type')],
  ['min.cleanable.dirty.ratio', same('log.cleaner.min.cleanable.ratio')],
  ['min.compaction.lag.ms', same('log.cleaner.min.compaction.lag.ms')],
  ['min.insync.replicas', same('min.insync.replicas')],
  ['preallocate', same('log.preallocate')],
  ['record.validation', same('log.record.validation')],
  ['retention.bytes', same('log.retention.bytes')],
  [
    'retention.ms',
    [
      ...same('log.retention.ms'),
      { name: 'log.retention.minutes', factor: MS_PER_MINUTE },
      { name: 'log.retention.hours', factor: MS_PER_HOUR },
    ],
  ],
  ['segment.bytes', same('log.segment.bytes')],
  ['segment.index.bytes', same('log.index.size.max.bytes')],
  ['segment.jitter.ms', [...same('log.roll.jitter.ms'), { name: 'log.roll.jitter.hours', factor: MS_PER_HOUR }]],
  ['segment.ms', [...same('log.roll.ms'), { name: 'log.roll.hours', factor: MS_PER_HOUR }]],
  ['unclean.leader.election.enable', same('unclean.leader.election.enable')],
]);

export function topicKey(name: string): ConfigKey | undefined {
  return Object.hasOwn(TOPIC_KEYS, name) ? TOPIC_KEYS[name as TopicKey] : undefined;
}

/** The text of a topic key's default on this broker, in the unit of the topic key. */
export function topicDefaultText(broker: BrokerConfig, name: string): string | null {
  for (const { name: brokerName, factor } of TOPIC_SYNONYMS.get(name) ?? []) {
    const text = broker.originals.get(brokerName)?.trim();
    if (text === undefined || text === '') continue;
    const canonical = BROKER_KEYS[brokerName].canonical(text);
    if (name === 'retention.ms' && Number(canonical) < 0) return '-1';
    return factor === 1 ? canonical : String(Number(canonical) * factor);
  }
  return topicKey(name)?.defaultText ?? null;
}

/** @param overrides what is stored for the topic; unknown keys and impossible values in it are passed over */
export function topicConfigFrom(broker: BrokerConfig, overrides: ReadonlyMap<string, string>): TopicConfig {
  const defaults: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries<ConfigKey>(TOPIC_KEYS))
    defaults[camelCase(name)] = definition.parse(topicDefaultText(broker, name) ?? '');
  return topicConfigOver(defaults as TopicConfig, overrides);
}

/** The same for a topic of a broker whose defaults are known; those themselves when nothing counts before them. */
export function topicConfigOver(defaults: TopicConfig, overrides: ReadonlyMap<string, string>): TopicConfig {
  const values: Record<string, unknown> = {};
  for (const [name, text] of overrides) {
    const definition = topicKey(name);
    const parsed = definition === undefined ? null : parseValue(name, definition, text);
    if (parsed !== null && 'value' in parsed) values[camelCase(name)] = parsed.value;
  }
  if (Object.keys(values).length === 0) return defaults;
  const config: TopicConfig = { ...defaults, ...values };
  return overrides.has('message.timestamp.difference.max.ms') ? withOlderTimestampLimit(config) : config;
}

const NO_LIMIT = TOPIC_KEYS['message.timestamp.before.max.ms'].parse(LONG_MAX);

/** A topic's older limit counts where the newer ones say nothing (Kafka's LogConfig.getMessageTimestampBeforeMaxMs). */
function withOlderTimestampLimit(config: TopicConfig): TopicConfig {
  const older = config.messageTimestampDifferenceMaxMs;
  const { messageTimestampBeforeMaxMs: before, messageTimestampAfterMaxMs: after } = config;
  return {
    ...config,
    messageTimestampBeforeMaxMs: before === NO_LIMIT ? older : before,
    messageTimestampAfterMaxMs: after === NO_LIMIT ? older : after,
  };
}

/** Something wrong with a topic's overrides, in Kafka's words. */
export interface TopicConfigProblem {
  readonly message: string;
  /** Kafka throws it as a ConfigException: about a value. Everything else is an InvalidConfigurationException. */
  readonly isAboutValue: boolean;
}

/** The message of `topicConfigProblem`, or null. Overrides without a value are refused, too. */
export function validateTopicConfig(
  overrides: ReadonlyMap<string, string | null>,
  broker?: BrokerConfig,
): string | null {
  const withoutValue = [...overrides].filter(([, value]) => value === null).map(([name]) => name);
  if (withoutValue.length > 0) return `Null value not supported for topic configs: ${withoutValue.join(',')}`;
  return topicConfigProblem(overrides as ReadonlyMap<string, string>, broker)?.message ?? null;
}

/**
 * The first thing wrong with a topic's overrides, or null. A topic that would lose a guarantee here (remote storage) is
 * refused as Kafka refuses it when the broker has none.
 * @param broker defaults that count in rules between keys
 */
export function topicConfigProblem(
  overrides: ReadonlyMap<string, string>,
  broker?: BrokerConfig,
): TopicConfigProblem | null {
  for (const name of overrides.keys())
    if (topicKey(name) === undefined) return { message: `Unknown topic config name: ${name}`, isAboutValue: false };
  for (const [name, text] of overrides) {
    const definition = topicKey(name);
    const parsed = definition === undefined ? null : parseValue(name, definition, text);
    if (parsed !== null && 'message' in parsed) return { message: parsed.message, isAboutValue: true };
  }
  return ruleProblem(overrides, broker);
}

function ruleProblem(
  overrides: ReadonlyMap<string, string>,
  broker: BrokerConfig | undefined,
): TopicConfigProblem | null {
  const number = (name: TopicKey): number =>
    Number(overrides.get(name) ?? (broker && topicDefaultText(broker, name)) ?? TOPIC_KEYS[name].defaultText);
  const isOn = (name: TopicKey): boolean => overrides.get(name)?.trim().toLowerCase() === 'true';
  const minLag = number('min.compaction.lag.ms');
  const maxLag = number('max.compaction.lag.ms');
  if (minLag > maxLag) {
    const lags = `min.compaction.lag.ms (${minLag}) > max.compaction.lag.ms (${maxLag})`;
    return { message: `conflict topic config setting ${lags}`, isAboutValue: false };
  }
  if (isOn('remote.log.delete.on.disable') || isOn('remote.log.copy.disable')) {
    const keys = '`remote.log.delete.on.disable` or `remote.log.copy.disable`';
    return { message: `It is invalid to set ${keys} under Zookeeper's mode.`, isAboutValue: false };
  }
  if (!isOn('remote.storage.enable')) return null;
  const message =
    'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.';
  return { message, isAboutValue: true };
}

/**
 * @pure What DescribeConfigs says of a broker or a topic: each key with its value, where that comes from, and the
 * chain of synonyms behind it (Kafka's ConfigHelper).
 *
 * Guarantees: entries are sorted by name; the value of a password is null, as is that of a key nobody knows.
 */
import { BROKER_KEYS, type BrokerConfig, brokerKey } from './broker-config.ts';
import { CONFIG_TYPES, type ConfigKey } from './definition.ts';
import { TOPIC_KEYS, TOPIC_SYNONYMS, topicDefaultText } from './topic-config.ts';

/** The numbers are those of DescribeConfigs' configSource. */
export const CONFIG_SOURCES = {
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
} as const;

export interface DescribedSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

export interface DescribedConfig extends DescribedSynonym {
  readonly isSensitive: boolean;
  readonly readOnly: boolean;
  readonly synonyms: readonly DescribedSynonym[];
  /** 0 when unknown; see CONFIG_TYPES. */
  readonly type: number;
  readonly documentation: string | null;
}

/** Broker keys of which the first that is set counts. */
const BROKER_SYNONYM_CHAINS: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
];

/** Kafka's DynamicBrokerConfig.brokerConfigSynonyms. */
function brokerSynonymNames(name: string): readonly string[] {
  if (name === 'log.flush.interval.ms') return ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'];
  return BROKER_SYNONYM_CHAINS.find((chain) => chain.includes(name)) ?? [name];
}

/** Keys that Kafka can change while a broker runs; all others are read-only (DynamicBrokerConfig.AllDynamicConfigs). */
const DYNAMIC_KEYS: ReadonlySet<string> = new Set([
  ...[...TOPIC_SYNONYMS.values()].map((synonyms) => synonyms[0]?.name ?? '').filter(isDynamicLogKey),
  'log.cleaner.threads',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.io.buffer.load.factor',
  'log.cleaner.io.buffer.size',
  'log.cleaner.io.max.bytes.per.second',
  'log.cleaner.backoff.ms',
  'num.io.threads',
  'num.network.threads',
  'num.replica.fetchers',
  'num.recovery.threads.per.data.dir',
  'background.threads',
  'metric.reporters',
  'listeners',
  'advertised.listeners',
  'listener.security.protocol.map',
  'principal.builder.class',
  'sasl.enabled.mechanisms',
  'max.connections',
  'max.connection.creation.rate',
  'max.connections.per.ip',
  'max.connections.per.ip.overrides',
  'producer.id.expiration.ms',
  'transaction.partition.verification.enable',
  'ssl.client.auth',
]);

function isDynamicLogKey(name: string): boolean {
  return name !== 'log.message.format.version';
}

export function describeBrokerConfig(broker: BrokerConfig, names: readonly string[] | null): DescribedConfig[] {
  const all = new Set([...Object.keys(BROKER_KEYS), ...broker.originals.keys()]);
  return wanted(all, names).map((name) => describeBrokerKey(broker, name));
}

function describeBrokerKey(broker: BrokerConfig, name: string): DescribedConfig {
  const definition = brokerKey(name);
  const synonyms = brokerSynonyms(broker, name);
  return {
    name,
    value: definition === undefined ? null : brokerValue(broker, name, definition),
    source: synonyms[0]?.source ?? CONFIG_SOURCES.DEFAULT_CONFIG,
    isSensitive: definition === undefined || definition.type === 'PASSWORD',
    readOnly: !DYNAMIC_KEYS.has(name),
    synonyms,
    type: definition === undefined ? 0 : CONFIG_TYPES[definition.type],
    documentation: definition?.doc ?? null,
  };
}

/** The value in canonical text; null when unset or secret. */
function brokerValue(broker: BrokerConfig, name: string, definition: ConfigKey): string | null {
  if (definition.type === 'PASSWORD') return null;
  if (name === 'broker.id' || name === 'node.id') return String(broker.brokerId);
  const original = broker.originals.get(name);
  return original === undefined ? definition.defaultText : definition.canonical(original.trim());
}

/** First what is set, in the order of the chain, then the defaults; what stands before the key itself is left out. */
function brokerSynonyms(broker: BrokerConfig, name: string): DescribedSynonym[] {
  const chain = brokerSynonymNames(name);
  const synonyms: DescribedSynonym[] = [];
  for (const synonym of chain) {
    const text = broker.originals.get(synonym);
    if (text === undefined) continue;
    const secret = brokerKey(synonym) === undefined || brokerKey(synonym)?.type === 'PASSWORD';
    synonyms.push({ name: synonym, value: secret ? null : text, source: CONFIG_SOURCES.STATIC_BROKER_CONFIG });
  }
  for (const synonym of chain) {
    const text = brokerKey(synonym)?.defaultText ?? null;
    if (text !== null) synonyms.push({ name: synonym, value: text, source: CONFIG_SOURCES.DEFAULT_CONFIG });
  }
  const from = synonyms.findIndex((synonym) => synonym.name === name);
  return from < 0 ? [] : synonyms.slice(from);
}

export function describeTopicConfig(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
  names: readonly string[] | null,
): DescribedConfig[] {
  const all = new Map<string, ConfigKey>(Object.entries(TOPIC_KEYS));
  return wanted(all.keys(), names).map((name) => describeTopicKey(broker, overrides, name, all.get(name)));
}

function describeTopicKey(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
  name: string,
  definition: ConfigKey | undefined,
): DescribedConfig {
  const override = overrides.get(name);
  const value = override === undefined ? topicDefaultText(broker, name) : override.trim();
  const synonyms = TOPIC_SYNONYMS.get(name)?.[0];
  const chain = synonyms === undefined ? [] : brokerSynonyms(broker, synonyms.name);
  if (override !== undefined) chain.unshift({ name, value, source: CONFIG_SOURCES.TOPIC_CONFIG });
  return {
    name,
    value,
    source: chain[0]?.source ?? CONFIG_SOURCES.DEFAULT_CONFIG,
    isSensitive: false,
    readOnly: false,
    synonyms: chain,
    type: definition === undefined ? 0 : CONFIG_TYPES[definition.type],
    documentation: definition?.doc ?? null,
  };
}

function wanted(all: Iterable<string>, names: readonly string[] | null): string[] {
  const sorted = [...all].sort();
  return names === null || names.length === 0 ? sorted : sorted.filter((name) => names.includes(name));
}

/** The effective values as Kafka logs them at the start, one `\tkey = value` a line, secrets hidden. */
export function brokerValuesText(broker: BrokerConfig): string {
  const lines = Object.entries<ConfigKey>(BROKER_KEYS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, definition]) => {
      if (definition.type === 'PASSWORD') return `\t${name} = ${broker.originals.has(name) ? '[hidden]' : 'null'}`;
      const value = brokerValue(broker, name, definition);
      return `\t${name} = ${definition.type === 'LIST' && value !== null ? `[${value.replaceAll(',', ', ')}]` : value}`;
    });
  return `KafkaConfig values: \n${lines.join('\n')}\n`;
}

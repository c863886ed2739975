/**
 * @pure What DescribeConfigs says of a broker or a topic: each key with its value, where that comes from, and the
 * chain of synonyms behind it (Kafka's ConfigHelper).
 *
 * Guarantees: entries are sorted by name; the value of a password is null, as is that of a key nobody knows.
 */
import { BROKER_KEYS, type BrokerConfig, brokerKey } from './broker-config.ts';
import { CONFIG_TYPES, type ConfigKey } from './definition.ts';
import { alterableBrokerKey, brokerSynonymNames, isDynamicBrokerKey } from './dynamic-config.ts';
import { TOPIC_KEYS, TOPIC_SYNONYMS, topicDefaultText, topicKey } from './topic-config.ts';

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

export function describeBrokerConfig(broker: BrokerConfig, names: readonly string[] | null): DescribedConfig[] {
  // Also what is left out, or a broker of another kind stored: to be removed it must be seen.
  const all = new Set([...Object.keys(BROKER_KEYS), ...broker.originals.keys(), ...broker.stored.broker.keys()]);
  return wanted(all, names).map((name) => describeBrokerKey(broker, name));
}

function describeBrokerKey(broker: BrokerConfig, name: string): DescribedConfig {
  const definition = alterableBrokerKey(name);
  const synonyms = brokerSynonyms(broker, name);
  return {
    name,
    value: definition === undefined ? null : brokerValue(broker, name, definition),
    source: synonyms[0]?.source ?? CONFIG_SOURCES.DEFAULT_CONFIG,
    isSensitive: definition === undefined || definition.type === 'PASSWORD',
    readOnly: !isDynamicBrokerKey(name),
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

/** Level by level what is set, in the order of the chain, then the defaults; from the key itself on. */
function brokerSynonyms(broker: BrokerConfig, name: string): DescribedSynonym[] {
  const chain = brokerSynonymNames(name);
  const synonyms: DescribedSynonym[] = [];
  for (const [source, texts] of levelsOf(broker)) {
    for (const synonym of chain) {
      const text = texts.get(synonym);
      if (text === undefined) continue;
      const type = alterableBrokerKey(synonym)?.type;
      const isSecret = type === undefined || type === 'PASSWORD';
      synonyms.push({ name: synonym, value: isSecret ? null : text, source: CONFIG_SOURCES[source] });
    }
  }
  for (const synonym of chain) {
    const text = brokerKey(synonym)?.defaultText ?? null;
    if (text !== null) synonyms.push({ name: synonym, value: text, source: CONFIG_SOURCES.DEFAULT_CONFIG });
  }
  const from = synonyms.findIndex((synonym) => synonym.name === name);
  return from < 0 ? [] : synonyms.slice(from);
}

/** As in Kafka also what is stored and does not count: the value beside it says what does. */
function levelsOf({ stored, startedWith }: BrokerConfig) {
  return [
    ['DYNAMIC_BROKER_CONFIG', stored.broker],
    ['DYNAMIC_DEFAULT_BROKER_CONFIG', stored.cluster],
    ['STATIC_BROKER_CONFIG', startedWith],
  ] as const;
}

/** What all brokers have in common, under the empty name: nothing but what is stored. */
export function describeClusterDefaults(broker: BrokerConfig, names: readonly string[] | null): DescribedConfig[] {
  const { cluster } = broker.stored;
  return wanted(cluster.keys(), names).map((name) => {
    const described = describeBrokerKey(broker, name);
    const value = described.isSensitive ? null : (cluster.get(name) ?? null);
    const source = CONFIG_SOURCES.DYNAMIC_DEFAULT_BROKER_CONFIG;
    const synonyms = brokerSynonyms(broker, name).filter((synonym) => synonym.source === source);
    return { ...described, value, source, synonyms };
  });
}

export function describeTopicConfig(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
  names: readonly string[] | null,
): DescribedConfig[] {
  // Also what a broker of another kind stored: to be removed it must be seen.
  const all = new Set([...Object.keys(TOPIC_KEYS), ...overrides.keys()]);
  return wanted(all, names).map((name) => describeTopicKey(broker, overrides, name, topicKey(name)));
}

function describeTopicKey(
  broker: BrokerConfig,
  overrides: ReadonlyMap<string, string>,
  name: string,
  definition: ConfigKey | undefined,
): DescribedConfig {
  const override = overrides.get(name);
  const text = override === undefined ? topicDefaultText(broker, name) : override.trim();
  const value = definition === undefined ? null : text;
  const synonyms = TOPIC_SYNONYMS.get(name)?.[0];
  const chain = synonyms === undefined ? [] : brokerSynonyms(broker, synonyms.name);
  if (override !== undefined) chain.unshift({ name, value, source: CONFIG_SOURCES.TOPIC_CONFIG });
  return {
    name,
    value,
    source: chain[0]?.source ?? CONFIG_SOURCES.DEFAULT_CONFIG,
    isSensitive: definition === undefined,
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

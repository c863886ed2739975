/**
 * @pure The broker's configuration: ONE table of Kafka's keys, the typed config made from it, and the rules between
 * keys (Kafka's KafkaConfig).
 *
 * Guarantees: a BrokerConfig exists only when every value is possible and nothing that was asked for is passed over to
 * somebody's harm; what is wrong is reported all at once in a ConfigError. Fields are the camel-cased Kafka keys.
 */
import type { Endpoint } from '../model/broker.ts';
import { brokerRuleProblems } from './broker-rules.ts';
import { ConfigError, type ConfigProblem, type Setting } from './config-error.ts';
import { type ConfigKey, camelCase, parseList, parseValue, type ValuesOf } from './definition.ts';
import { isAcceptedKey, mayHoldSecret, replacementOf } from './keys/accepted-keys.ts';
import { GROUP_KEYS } from './keys/group-keys.ts';
import { HTTP_KEYS } from './keys/http-keys.ts';
import { LOG_KEYS } from './keys/log-keys.ts';
import { REPLICATION_KEYS, TRANSACTION_KEYS } from './keys/replication-keys.ts';
import {
  IDENTITY_KEYS,
  METRIC_KEYS,
  REFUSED_KEYS,
  REQUEST_KEYS,
  SOCKET_KEYS,
  ZOOKEEPER_KEYS,
} from './keys/server-keys.ts';
import { ListenerError, type ResolvedListeners, resolveListeners } from './listeners.ts';
import { nearestKey } from './nearest-key.ts';

export const BROKER_KEYS = {
  ...IDENTITY_KEYS,
  ...ZOOKEEPER_KEYS,
  ...SOCKET_KEYS,
  ...REQUEST_KEYS,
  ...LOG_KEYS,
  ...REPLICATION_KEYS,
  ...GROUP_KEYS,
  ...TRANSACTION_KEYS,
  ...METRIC_KEYS,
  ...HTTP_KEYS,
  ...REFUSED_KEYS,
};

/** One value per key of the table, before keys that mean the same are brought together. */
export type RawBrokerConfig = ValuesOf<typeof BROKER_KEYS>;

/** Keys whose effective value has another shape than their text, or depends on other keys. */
interface ResolvedBrokerConfig {
  readonly listeners: readonly Endpoint[];
  readonly advertisedListeners: readonly Endpoint[];
  readonly interBrokerListenerName: string;
  readonly logDirs: readonly string[];
  readonly zookeeperConnect: string;
  readonly zookeeperConnectionTimeoutMs: number;
  /** Of log.retention.ms, .minutes, .hours the first that is set; -1 keeps records for ever. */
  readonly logRetentionMs: number;
  readonly logRollMs: number;
  readonly logRollJitterMs: number;
  readonly logFlushIntervalMs: number;
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
}

export type BrokerConfig = Omit<RawBrokerConfig, keyof ResolvedBrokerConfig> &
  ResolvedBrokerConfig & {
    /** What somebody supplied at any level, key → text; of keys that stand for each other the one that counts. */
    readonly originals: ReadonlyMap<string, string>;
    /** What the broker was started with: the STATIC_BROKER_CONFIG level of DescribeConfigs. */
    readonly startedWith: ReadonlyMap<string, string>;
    /** What is stored for this broker, and for all, and of use here. */
    readonly dynamic: DynamicLevels;
    /** All that is stored for this broker, and for all: also what is left out because it makes no sense here. */
    readonly stored: DynamicLevels;
  };

/** Overrides by the two levels that are stored. */
export interface DynamicLevels {
  readonly broker: ReadonlyMap<string, string>;
  readonly cluster: ReadonlyMap<string, string>;
}

const NOTHING_STORED: DynamicLevels = { broker: new Map(), cluster: new Map() };

export interface CheckedBrokerConfig {
  readonly config: BrokerConfig;
  /** Lines for the log at WARN or INFO: keys that are not used, values that have no effect yet. */
  readonly warnings: readonly string[];
}

export function brokerKey(name: string): ConfigKey | undefined {
  return Object.hasOwn(BROKER_KEYS, name) ? BROKER_KEYS[name as keyof typeof BROKER_KEYS] : undefined;
}

/** A config from plain key-value pairs, for tests and tools. @throws ConfigError */
export function brokerConfigFrom(values: Readonly<Record<string, string>>): BrokerConfig {
  const settings = Object.entries(values).map(([key, value]) => ({ key, value, origin: 'code' }));
  return checkBrokerConfig(settings, 'localhost').config;
}

/**
 * @param settings at most one per key
 * @param canonicalHostname what an advertised listener without a host names
 * @throws ConfigError with every problem
 */
export function checkBrokerConfig(settings: readonly Setting[], canonicalHostname: string): CheckedBrokerConfig {
  const supplied = new Map(settings.map((setting) => [setting.key, setting]));
  const problems: ConfigProblem[] = [];
  const report = (key: string, message: string): void => {
    const setting = supplied.get(key);
    const value = setting === undefined ? null : mayHoldSecret(key) ? '[hidden]' : setting.value;
    problems.push({ key, value, origin: setting?.origin ?? null, message });
  };
  const unused = unknownKeys(settings, report);
  const raw = parseAll(supplied, report);
  const resolved = resolve(raw, supplied, canonicalHostname, report);
  const warnings = brokerRuleProblems(raw, supplied, resolved, report);
  if (problems.length > 0) {
    for (const key of unused) report(key, `These configurations '[${key}]' were supplied but are not used yet.`);
    throw new ConfigError(problems);
  }
  const used = unused.filter((key) => !key.startsWith('confluent.'));
  if (used.length > 0) warnings.push(`These configurations '[${used.join(', ')}]' were supplied but are not used yet.`);
  const originals = new Map(settings.map(({ key, value }) => [key, value]));
  const overrides = { dynamic: NOTHING_STORED, stored: NOTHING_STORED };
  return { config: { ...raw, ...resolved, originals, startedWith: originals, ...overrides }, warnings };
}

/** Reports likely typing errors; returns the other keys that nothing here reads. */
function unknownKeys(settings: readonly Setting[], report: (key: string, message: string) => void): string[] {
  const unused: string[] = [];
  for (const { key } of settings) {
    if (brokerKey(key) !== undefined) continue;
    const meant = isAcceptedKey(key) || key.length < 6 ? null : nearestKey(key, Object.keys(BROKER_KEYS));
    const replacement = replacementOf(key);
    if (meant !== null) report(key, `Unknown configuration ${key}: did you mean ${meant}?`);
    else if (replacement !== null) report(key, `${key} was removed in Kafka 3.0: use ${replacement} instead.`);
    else unused.push(key);
  }
  return unused;
}

function parseAll(
  supplied: ReadonlyMap<string, Setting>,
  report: (key: string, message: string) => void,
): RawBrokerConfig {
  const values: Record<string, unknown> = {};
  for (const [key, definition] of Object.entries<ConfigKey>(BROKER_KEYS)) {
    const field = camelCase(key);
    values[field] = definition.defaultText === null ? null : definition.parse(definition.defaultText);
    const text = supplied.get(key)?.value;
    if (text === undefined) continue;
    const parsed = parseValue(key, definition, text);
    if ('value' in parsed) values[field] = parsed.value;
    else report(key, parsed.message);
  }
  const raw = values as RawBrokerConfig;
  const brokerId = supplied.has('broker.id') ? raw.brokerId : raw.nodeId;
  return { ...raw, brokerId, nodeId: supplied.has('node.id') ? raw.nodeId : brokerId };
}

const MS_PER_MINUTE = 60_000;
const MS_PER_HOUR = 3_600_000;

function resolve(
  raw: RawBrokerConfig,
  supplied: ReadonlyMap<string, Setting>,
  canonicalHostname: string,
  report: (key: string, message: string) => void,
): ResolvedBrokerConfig {
  if (!raw.zookeeperConnect)
    report('zookeeper.connect', 'Missing required configuration `zookeeper.connect` which has no default value.');
  const retentionMs =
    raw.logRetentionMs ??
    (raw.logRetentionMinutes === null ? raw.logRetentionHours * MS_PER_HOUR : raw.logRetentionMinutes * MS_PER_MINUTE);
  return {
    ...listenersOf(raw, supplied, canonicalHostname, report),
    logDirs: parseList(raw.logDirs ?? raw.logDir).filter((directory) => directory !== ''),
    zookeeperConnect: raw.zookeeperConnect ?? '',
    zookeeperConnectionTimeoutMs: raw.zookeeperConnectionTimeoutMs ?? raw.zookeeperSessionTimeoutMs,
    logRetentionMs: retentionMs < 0 ? -1 : retentionMs,
    logRollMs: raw.logRollMs ?? raw.logRollHours * MS_PER_HOUR,
    logRollJitterMs: raw.logRollJitterMs ?? raw.logRollJitterHours * MS_PER_HOUR,
    logFlushIntervalMs: raw.logFlushIntervalMs ?? raw.logFlushSchedulerIntervalMs,
    maxConnectionsPerIpOverrides: connectionOverrides(raw.maxConnectionsPerIpOverrides, report),
  };
}

const NO_LISTENERS: ResolvedListeners = {
  listeners: [],
  advertisedListeners: [],
  interBrokerListenerName: 'PLAINTEXT',
};

function listenersOf(
  raw: RawBrokerConfig,
  supplied: ReadonlyMap<string, Setting>,
  canonicalHostname: string,
  report: (key: string, message: string) => void,
): ResolvedListeners {
  try {
    return resolveListeners(
      {
        listeners: raw.listeners,
        advertisedListeners: raw.advertisedListeners,
        protocolMap: raw.listenerSecurityProtocolMap,
        interBrokerListenerName: raw.interBrokerListenerName,
        securityInterBrokerProtocol: supplied.get('security.inter.broker.protocol')?.value.trim() ?? null,
      },
      canonicalHostname,
    );
  } catch (error) {
    if (!(error instanceof ListenerError)) throw error;
    report(blamedKey(error.message, raw), error.message);
    return NO_LISTENERS;
  }
}

/** The key whose text a listener problem quotes. */
function blamedKey(message: string, raw: RawBrokerConfig): string {
  if (message.includes('inter.broker.listener.name')) return 'inter.broker.listener.name';
  if (message.includes('listener.security.protocol.map')) return 'listener.security.protocol.map';
  if (message.startsWith('advertised.listeners')) return 'advertised.listeners';
  const quotesAdvertised = raw.advertisedListeners !== null && message.includes(raw.advertisedListeners);
  return quotesAdvertised && !message.includes(`'${raw.listeners}'`) ? 'advertised.listeners' : 'listeners';
}

function connectionOverrides(text: string, report: (key: string, message: string) => void): Map<string, number> {
  const overrides = new Map<string, number>();
  for (const entry of parseList(text)) {
    const match = /^([0-9a-zA-Z\-%._:]+):(\d+)$/.exec(entry);
    if (match === null)
      report(
        'max.connections.per.ip.overrides',
        `max.connections.per.ip.overrides contains invalid addresses : ${entry}`,
      );
    else overrides.set(match[1] ?? '', Number(match[2]));
  }
  return overrides;
}

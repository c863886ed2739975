/**
 * @pure Broker keys that are changed while the broker runs (KIP-226, Kafka's DynamicBrokerConfig): which there are,
 * what may be stored for them, and the configuration that results from all levels.
 *
 * What is stored for one broker counts before what is stored for all, that before what the broker was started with, and
 * that before the defaults. Kafka's keys for listeners, TLS, SASL, classes and remote storage, dynamic there, are not
 * here.
 */
import {
  type BrokerConfig,
  brokerKey,
  type CheckedBrokerConfig,
  checkBrokerConfig,
  type DynamicLevels,
} from './broker-config.ts';
import { ConfigError } from './config-error.ts';
import { ConfigRefusal } from './config-operations.ts';
import { atLeast, type ConfigKey, LONG_MAX, long, parseValue } from './definition.ts';
import { TOPIC_SYNONYMS } from './topic-config.ts';

/** The two levels that are stored; the names are those under which ZooKeeper keeps them. */
export type DynamicLevel = 'broker' | 'cluster';

/** Broker keys of which the first that is set counts. */
const SYNONYM_CHAINS: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
];

/** The key and what else may give its value, in the order in which it counts (Kafka's brokerConfigSynonyms). */
export function brokerSynonymNames(name: string): readonly string[] {
  if (name === 'log.flush.interval.ms') return ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'];
  return SYNONYM_CHAINS.find((chain) => chain.includes(name)) ?? [name];
}

/** Of a topic key, the broker key that counts first; hours and minutes cannot be changed. */
const TOPIC_DEFAULT_KEYS = [...TOPIC_SYNONYMS.values()].map((synonyms) => synonyms[0]?.name ?? '');

const THREAD_KEYS = [
  'num.io.threads',
  'num.network.threads',
  'num.replica.fetchers',
  'num.recovery.threads.per.data.dir',
  'background.threads',
] as const;

const DYNAMIC_KEYS: ReadonlySet<string> = new Set([
  ...TOPIC_DEFAULT_KEYS.filter((name) => name !== 'log.message.format.version'),
  'log.cleaner.threads',
  'log.cleaner.dedupe.buffer.size',
  'log.cleaner.io.buffer.load.factor',
  'log.cleaner.io.buffer.size',
  'log.cleaner.io.max.bytes.per.second',
  'log.cleaner.backoff.ms',
  ...THREAD_KEYS,
  'max.connections',
  'max.connection.creation.rate',
  'max.connections.per.ip',
  'max.connections.per.ip.overrides',
  'producer.id.expiration.ms',
  'transaction.partition.verification.enable',
]);

const rate = (doc: string): ConfigKey => long(LONG_MAX, doc, atLeast(0));
/** Keys that can only be stored, never stand in server.properties. Nothing is throttled here. */
const QUOTA_KEYS: ReadonlyMap<string, ConfigKey> = new Map([
  ['leader.replication.throttled.rate', rate('Bytes per second that throttled leaders send.')],
  ['follower.replication.throttled.rate', rate('Bytes per second that throttled followers fetch.')],
  ['replica.alter.log.dirs.io.max.bytes.per.second', rate('Bytes per second moved between log directories.')],
]);

/** Every key that can be changed while the broker runs. */
export const DYNAMIC_BROKER_KEYS: readonly string[] = [...DYNAMIC_KEYS, ...QUOTA_KEYS.keys()];

/** Whether the key can be changed while the broker runs. */
export function isDynamicBrokerKey(name: string): boolean {
  return DYNAMIC_KEYS.has(name) || QUOTA_KEYS.has(name);
}

/** The definition of a broker key, also of one that can only be stored. */
export function alterableBrokerKey(name: string): ConfigKey | undefined {
  return QUOTA_KEYS.get(name) ?? brokerKey(name);
}

/** @throws ConfigRefusal for keys that cannot be changed, and for values that are none */
export function checkDynamicOverrides(overrides: ReadonlyMap<string, string>): void {
  const fixed = [...overrides.keys()].filter((name) => !isDynamicBrokerKey(name));
  if (fixed.length > 0)
    throw new ConfigRefusal('INVALID_REQUEST', `Cannot update these configs dynamically: Set(${fixed.join(', ')})`);
  for (const [name, text] of overrides) {
    const message = valueProblem(name, text);
    if (message !== null) throw new ConfigRefusal('INVALID_REQUEST', message);
  }
}

function valueProblem(name: string, text: string): string | null {
  const definition = alterableBrokerKey(name);
  const parsed = definition === undefined ? null : parseValue(name, definition, text);
  return parsed !== null && 'message' in parsed ? parsed.message : null;
}

/** What this broker makes use of; in a cluster with others there may be more. */
export function usableOverrides(stored: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...stored].filter(([name, text]) => isDynamicBrokerKey(name) && valueProblem(name, text) === null));
}

/**
 * The configuration of a broker that was started with `config` and has these overrides; who it is and where it listens
 * stays.
 * @throws ConfigError
 */
export function withOverrides(config: BrokerConfig, dynamic: DynamicLevels): BrokerConfig {
  const { startedWith, stored } = config;
  const texts = new Map(startedWith);
  for (const level of [dynamic.cluster, dynamic.broker]) {
    for (const [name, text] of level) {
      // Else an older value under a name that counts before would win over the newer one.
      for (const synonym of brokerSynonymNames(name)) texts.delete(synonym);
      texts.set(name, text);
    }
  }
  const settings = [...texts].map(([key, value]) => ({ key, value, origin: 'dynamic configuration' }));
  const { config: next }: CheckedBrokerConfig = checkBrokerConfig(settings, 'localhost');
  const { brokerId, nodeId, listeners, advertisedListeners, interBrokerListenerName } = config;
  const identity = { brokerId, nodeId, listeners, advertisedListeners, interBrokerListenerName };
  return { ...next, ...identity, startedWith, dynamic, stored };
}

export interface EffectiveConfig {
  readonly config: BrokerConfig;
  /** What is wrong with all that is stored together; null when all of it that is usable counts. */
  readonly problem: ConfigError | null;
}

/**
 * The configuration of a broker for which this is stored. What cannot be used here is left out, and of what does not go
 * together as much as has to be. The result depends on nothing but what the broker was started with and what is stored:
 * not on the order in which it was read, and so it is the same after a restart.
 */
export function effectiveConfig(before: BrokerConfig, stored: DynamicLevels): EffectiveConfig {
  const config = { ...before, stored };
  const usable = { broker: usableOverrides(stored.broker), cluster: usableOverrides(stored.cluster) };
  try {
    return { config: withOverrides(config, usable), problem: null };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { config: withOverrides(config, compatibleOverrides(config, usable)), problem: error };
  }
}

/** One after the other is taken if it goes with those before it, as long as more of them do. */
function compatibleOverrides(config: BrokerConfig, usable: DynamicLevels): DynamicLevels {
  const taken = { cluster: new Map<string, string>(), broker: new Map<string, string>() };
  let waiting = (['cluster', 'broker'] as const).flatMap((level) =>
    [...usable[level]].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, text]) => ({ level, name, text })),
  );
  for (let before = Infinity; waiting.length < before; ) {
    before = waiting.length;
    waiting = waiting.filter(({ level, name, text }) => {
      taken[level].set(name, text);
      if (isPossible(config, taken)) return false;
      taken[level].delete(name);
      return true;
    });
  }
  return taken;
}

function isPossible(config: BrokerConfig, dynamic: DynamicLevels): boolean {
  try {
    withOverrides(config, dynamic);
    return true;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return false;
  }
}

/** Overrides that are to be stored at a level instead of those that are stored there now. */
export interface Alteration {
  readonly stored: ReadonlyMap<string, string>;
  readonly wanted: ReadonlyMap<string, string>;
  /** The names that somebody asked to change. */
  readonly touched: ReadonlySet<string>;
}

/**
 * Judges what is changed and what counts already. What is left out, because it makes no sense or belongs to a broker of
 * another kind, is no obstacle: it stays until somebody removes it, which is always possible. What is let through
 * counts from then on, and throws out nothing that did.
 * @returns what was judged
 * @throws ConfigRefusal
 */
export function checkAlteration(
  current: BrokerConfig,
  level: DynamicLevel,
  { stored, wanted, touched }: Alteration,
): ReadonlyMap<string, string> {
  const countingOf = (overrides: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
    effectiveConfig(current, { ...current.stored, [level]: overrides }).config.dynamic[level];
  const before = countingOf(stored);
  const judged = new Map([...wanted].filter(([name]) => touched.has(name) || before.has(name)));
  checkChange(current, level, judged);
  const after = countingOf(wanted);
  const displaced = [...judged.keys()].filter((name) => !after.has(name));
  if (displaced.length === 0) return judged;
  throw new ConfigRefusal(
    'INVALID_REQUEST',
    `requirement failed: ${displaced.join(', ')} would not go together with what is stored and left out so far`,
  );
}

/**
 * The configuration that would result; nothing is changed.
 * @param current what the broker has now: numbers of threads change by no more than a factor of two
 * @throws ConfigRefusal with what the broker would say if Kafka's own objected
 */
export function checkChange(current: BrokerConfig, level: DynamicLevel, overrides: ReadonlyMap<string, string>): void {
  checkDynamicOverrides(overrides);
  const next = checkedConfig(current, { ...current.dynamic, [level]: overrides });
  const reason = threadProblem(current, next) ?? cleanerProblem(current, next);
  if (reason !== null) {
    const cause = `org.apache.kafka.common.config.ConfigException: ${reason}`;
    throw new ConfigRefusal(
      'INVALID_REQUEST',
      `Invalid value ${cause} for configuration Invalid dynamic configuration`,
    );
  }
}

function checkedConfig(current: BrokerConfig, dynamic: DynamicLevels): BrokerConfig {
  try {
    return withOverrides(current, dynamic);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigRefusal('INVALID_REQUEST', `requirement failed: ${error.problems[0]?.message}`);
  }
}

function threadProblem(current: BrokerConfig, next: BrokerConfig): string | null {
  const threads: readonly [(typeof THREAD_KEYS)[number], number, number][] = [
    ['num.io.threads', current.numIoThreads, next.numIoThreads],
    ['num.network.threads', current.numNetworkThreads, next.numNetworkThreads],
    ['num.replica.fetchers', current.numReplicaFetchers, next.numReplicaFetchers],
    ['num.recovery.threads.per.data.dir', current.numRecoveryThreadsPerDataDir, next.numRecoveryThreadsPerDataDir],
    ['background.threads', current.backgroundThreads, next.backgroundThreads],
  ];
  for (const [name, before, after] of threads) {
    const problem = `Dynamic thread count update validation failed for ${name}=${after}, value should `;
    if (after === before) continue;
    if (after <= 0) return `${problem}be at least 1`;
    if (after < Math.floor(before / 2)) return `${problem}be at least half the current value ${before}`;
    if (after > before * 2) return `${problem}not be greater than double the current value ${before}`;
  }
  return null;
}

function cleanerProblem(current: BrokerConfig, next: BrokerConfig): string | null {
  const before = current.logCleanerThreads;
  const after = next.logCleanerThreads;
  if (after === before) return null;
  if (after < 1) return 'Log cleaner threads should be at least 1';
  if (after < Math.floor(before / 2))
    return `Log cleaner threads cannot be reduced to less than half the current value ${before}`;
  if (after > before * 2)
    return `Log cleaner threads cannot be increased to more than double the current value ${before}`;
  return null;
}

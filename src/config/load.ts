/**
 * Reads a broker's configuration from where people put it: `--override` before KAFKA_… environment variables before the
 * properties file before the defaults.
 *
 * Guarantees: either a possible configuration or a ConfigError that names every problem with its place. Environment
 * variables are those of the container images: KAFKA_LOG_DIRS or KAFKA_CFG_LOG_DIRS is log.dirs, `__` stands for `_`
 * and `___` for `-`.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type CheckedBrokerConfig, checkBrokerConfig } from './broker-config.ts';
import { ConfigError, type ConfigProblem, type Setting } from './config-error.ts';
import { MalformedProperties, parseProperties } from './properties.ts';

export interface ConfigSources {
  /** Path of the properties file as the user named it; null when there is none. */
  readonly file: string | null;
  /** `key=value` texts of --override, in order. */
  readonly overrides: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What an advertised listener without a host names; the machine's name when left out. */
  readonly canonicalHostname?: string;
}

export type LoadedBrokerConfig =
  | ({ readonly kind: 'loaded' } & CheckedBrokerConfig)
  /** What is wrong with the command line; null when help was asked for or nothing was said. */
  | { readonly kind: 'usage'; readonly reason: string | null }
  | { readonly kind: 'version' }
  /** Lines to print: a heading, then each problem. */
  | { readonly kind: 'problems'; readonly problems: readonly string[] };

/**
 * The configuration that a command line names, `server.properties [--override property=value]*` as in Kafka's
 * kafka-server-start.
 */
export function loadBrokerConfig(from: {
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}): LoadedBrokerConfig {
  const [file, ...rest] = from.arguments;
  if (file === undefined || from.arguments.includes('--help')) return { kind: 'usage', reason: null };
  if (from.arguments.includes('--version')) return { kind: 'version' };
  if (file.startsWith('-')) return { kind: 'usage', reason: `The properties file comes first, before ${file}` };
  const overrides: string[] = [];
  for (let index = 0; index < rest.length; index++) {
    const argument = rest[index] ?? '';
    if (argument.startsWith('--override=')) overrides.push(argument.slice('--override='.length));
    else if (argument === '--override' && index + 1 < rest.length) overrides.push(rest[++index] ?? '');
    else return { kind: 'usage', reason: misplaced(argument) };
  }
  try {
    return { kind: 'loaded', ...readBrokerConfig({ file, overrides, environment: from.environment }) };
  } catch (error) {
    if (error instanceof ConfigError) return { kind: 'problems', problems: error.message.split('\n') };
    throw error;
  }
}

function misplaced(argument: string): string {
  if (argument === '--override') return 'Option override requires an argument';
  if (argument.startsWith('-')) return `${argument.replace(/^--?/, '')} is not a recognized option`;
  return `Found non argument parameters: ${argument}`;
}

/** @throws ConfigError with every problem at once */
export function readBrokerConfig(sources: ConfigSources): CheckedBrokerConfig {
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  const settings = new Map<string, Setting>();
  for (const setting of sources.file === null ? [] : fileSettings(sources.file, problems)) {
    const earlier = settings.get(setting.key);
    if (earlier !== undefined)
      warnings.push(`${setting.key} is set twice: ${setting.origin} counts, ${earlier.origin} does not.`);
    settings.set(setting.key, setting);
  }
  // Without its file a configuration lacks most of what it needs: saying so for each key would only hide the reason.
  if (problems.length > 0) throw new ConfigError(problems);
  for (const setting of environmentSettings(sources.environment)) settings.set(setting.key, setting);
  for (const setting of overrideSettings(sources.overrides, problems)) settings.set(setting.key, setting);
  try {
    const checked = checkBrokerConfig([...settings.values()], sources.canonicalHostname ?? hostname());
    if (problems.length > 0) throw new ConfigError(problems);
    return { config: checked.config, warnings: [...warnings, ...checked.warnings] };
  } catch (error) {
    if (error instanceof ConfigError && error.problems !== problems)
      throw new ConfigError([...problems, ...error.problems]);
    throw error;
  }
}

function fileSettings(file: string, problems: ConfigProblem[]): Setting[] {
  try {
    const entries = parseProperties(readFileSync(file, 'utf8'));
    return entries.map(({ key, value, line }) => ({ key, value, origin: `${file}:${line}` }));
  } catch (error) {
    problems.push({ key: 'server.properties', value: null, origin: null, message: unreadable(file, error) });
    return [];
  }
}

function unreadable(file: string, error: unknown): string {
  if (error instanceof MalformedProperties) return `${file}:${error.line}: ${error.message}`;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return `${file} (No such file or directory)`;
    case 'EISDIR':
      return `${file} (Is a directory)`;
    case 'EACCES':
      return `${file} (Permission denied)`;
    default:
      throw error;
  }
}

function overrideSettings(overrides: readonly string[], problems: ConfigProblem[]): Setting[] {
  return overrides.flatMap((override) => {
    const equals = override.indexOf('=');
    if (equals > 0)
      return [{ key: override.slice(0, equals).trim(), value: override.slice(equals + 1), origin: '--override' }];
    problems.push({
      key: '--override',
      value: null,
      origin: null,
      message: `--override ${override}: an override has the form property=value`,
    });
    return [];
  });
}

/** Variables of Kafka's scripts and images that are not properties. */
const NOT_PROPERTIES: ReadonlySet<string> = new Set([
  'KAFKA_CLIENT_PASSWORDS',
  'KAFKA_CLIENT_USERS',
  'KAFKA_CREATE_TOPICS',
  'KAFKA_CUB_ZK_TIMEOUT',
  'KAFKA_DEBUG',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_HEAP_OPTS',
  'KAFKA_HOME',
  'KAFKA_INTER_BROKER_PASSWORD',
  'KAFKA_INTER_BROKER_USER',
  'KAFKA_JMX_HOSTNAME',
  'KAFKA_JMX_OPTS',
  'KAFKA_JMX_PORT',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_KRAFT_CLUSTER_ID',
  'KAFKA_LOG4J_LOGGERS',
  'KAFKA_LOG4J_OPTS',
  'KAFKA_LOG4J_ROOT_LOGLEVEL',
  'KAFKA_OPTS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_VERSION',
]);

/**
 * Docker links and Kubernetes put such variables beside a service named kafka: KAFKA_PORT=tcp://…,
 * KAFKA_SERVICE_HOST.
 */
const SERVICE_LINK = /^KAFKA_(SERVICE_(HOST|PORT).*|PORT(_\d+_(TCP|UDP).*)?|\d+_.*|ENV_.*|NAME)$/;

function environmentSettings(environment: Readonly<Record<string, string | undefined>>): Setting[] {
  const settings: Setting[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || !name.startsWith('KAFKA_')) continue;
    if (NOT_PROPERTIES.has(name) || SERVICE_LINK.test(name)) continue;
    settings.push({ key: propertyOf(name), value, origin: `environment variable ${name}` });
  }
  return settings.sort((a, b) => (a.key < b.key ? -1 : 1));
}

const SEPARATORS = new Map([
  ['_', '.'],
  ['__', '_'],
  ['___', '-'],
]);

function propertyOf(variable: string): string {
  if (variable === 'KAFKA_ZOOKEEPER_CLIENT_CNXN_SOCKET') return 'zookeeper.clientCnxnSocket';
  const name = variable.replace(/^KAFKA_(CFG_)?/, '').toLowerCase();
  return name.replace(/_{1,3}/g, (underscores) => SEPARATORS.get(underscores) ?? underscores);
}

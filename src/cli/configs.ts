/**
 * kafka-configs: shows and changes the configuration of topics and brokers while they are in use (Kafka's
 * ConfigCommand). Only what is named is changed; nothing is read and written back.
 */
import { listTopics } from '../client/admin-client.ts';
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import {
  type ConfigChange,
  type ConfigEntry,
  type ConfigResourceType,
  type ConfigSourceName,
  describeConfigs,
  incrementalAlterConfigs,
} from '../client/config-admin.ts';
import { TOPIC_KEYS } from '../config/topic-config.ts';
import { DYNAMIC_BROKER_KEYS } from '../config/dynamic-config.ts';
import { invalidTopicName } from '../model/topic-names.ts';
import { connectAdmin } from './admin-connection.ts';
import { CommandError, type CommandMain, defineCommand, refuseTogether, type Terminal, UsageError } from './command.ts';
import { readPropertiesFile } from './named-file.ts';
import type { Options } from './options.ts';

const listed = (names: Iterable<string>): string => [...names].sort().join(', ');

const OPTIONS = {
  'bootstrap-server': { argument: 'host:port', required: true, description: 'The Kafka server to connect to.' },
  'command-config': { argument: 'file', description: 'Properties for the connection to the server.' },
  describe: { description: 'List the settings of the given entity, or of all of its type.' },
  alter: { description: 'Change settings of the given entity.' },
  all: { description: 'When describing, also settings that are not the own ones of the entity, such as defaults.' },
  topic: { argument: 'topic', description: "The topic's name." },
  broker: { argument: 'id', description: "The broker's id." },
  'broker-defaults': { description: 'The settings that all brokers have in common.' },
  'broker-logger': { argument: 'id', description: 'The id of the broker whose loggers are meant.' },
  'entity-type': {
    argument: 'type',
    description: 'Type of the entity: topics, brokers or broker-loggers; the older way to name one.',
  },
  'entity-name': { argument: 'name', description: 'Name of the entity: that of a topic, the id of a broker.' },
  'entity-default': { description: 'What all brokers have in common, instead of --entity-name.' },
  'add-config': {
    argument: 'settings',
    description:
      'Settings to add or replace, with brackets around values that have commas: k1=v1,k2=[v1,v2],k3=v3.\n' +
      `Of topics: ${listed(Object.keys(TOPIC_KEYS))}.\n` +
      `Of brokers: ${listed(DYNAMIC_BROKER_KEYS)}.`,
  },
  'add-config-file': { argument: 'file', description: 'A properties file with settings to add or replace.' },
  'delete-config': { argument: 'names', description: 'Settings to remove: k1,k2.' },
  force: { description: 'Accepted for compatibility: nothing is asked back.' },
  client: { argument: 'id', hidden: true, description: 'Quotas are not supported.' },
  'client-defaults': { hidden: true, description: 'Quotas are not supported.' },
  user: { argument: 'principal', hidden: true, description: 'Quotas are not supported.' },
  'user-defaults': { hidden: true, description: 'Quotas are not supported.' },
  ip: { argument: 'ip', hidden: true, description: 'Quotas are not supported.' },
  'ip-defaults': { hidden: true, description: 'Quotas are not supported.' },
  'client-metrics': { argument: 'name', hidden: true, description: 'Client metrics are not supported.' },
};
type ConfigOptions = Options<keyof typeof OPTIONS | 'help' | 'version'>;

/** Each type with the options that stand for it and a name, and for it and what all have in common. */
const ENTITY_TYPES = new Map<string, { named: keyof typeof OPTIONS; common?: keyof typeof OPTIONS }>([
  ['topics', { named: 'topic' }],
  ['clients', { named: 'client', common: 'client-defaults' }],
  ['users', { named: 'user', common: 'user-defaults' }],
  ['brokers', { named: 'broker', common: 'broker-defaults' }],
  ['ips', { named: 'ip', common: 'ip-defaults' }],
  ['broker-loggers', { named: 'broker-logger' }],
  ['client-metrics', { named: 'client-metrics' }],
]);

const RESOURCE_TYPES = new Map<string, ConfigResourceType>([
  ['topics', 'TOPIC'],
  ['brokers', 'BROKER'],
  ['broker-loggers', 'BROKER_LOGGER'],
]);

/** What is shown or changed; the name is null for all of the type, and empty for what they have in common. */
interface Entity {
  readonly type: string;
  readonly resourceType: ConfigResourceType;
  readonly name: string | null;
}

export const main: CommandMain = (args, terminal) =>
  defineCommand({
    script: 'kafka-configs.sh',
    summary: 'This tool helps to manipulate and describe entity config for a topic or broker.',
    options: OPTIONS,
    examples: [
      [
        'Keep the records of a topic for an hour',
        'kafka-configs.sh --bootstrap-server localhost:9092 --alter --topic orders --add-config retention.ms=3600000',
      ],
      [
        'Go back to the default',
        'kafka-configs.sh --bootstrap-server localhost:9092 --alter --topic orders --delete-config retention.ms',
      ],
      [
        'Show all settings of a broker',
        'kafka-configs.sh --bootstrap-server localhost:9092 --describe --broker 1 --all',
      ],
    ],
    run: async (options) => {
      const entity = checkedEntity(options);
      const cluster = connectAdmin(terminal, {
        bootstrapServers: options.required('bootstrap-server'),
        commandConfig: options.text('command-config'),
      });
      try {
        if (options.has('alter')) await alter(options, cluster, entity, terminal);
        else await describe(options.has('all'), cluster, entity, terminal);
        return 0;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        terminal.error(`Error while executing config command with args '${args.join(' ')}'\n${error}\n`);
        return 1;
      } finally {
        cluster.close();
      }
    },
  })(args, terminal);

/** @throws UsageError, CommandError in Kafka's words */
function checkedEntity(options: ConfigOptions): Entity {
  if (options.has('alter') === options.has('describe'))
    throw new UsageError('Command must include exactly one action: --describe, --alter');
  refuseTogether(options, 'describe', 'add-config', 'delete-config');
  const entity = namedEntity(options);
  if (!options.has('bootstrap-server'))
    throw new CommandError('The required argument --bootstrap-server must be specified');
  const { type, name } = entity;
  if (type !== 'topics' && name !== null && name !== '' && !/^[+-]?\d{1,10}$/.test(name))
    throw new CommandError(`The entity name for ${type} must be a valid integer broker id, but it is: ${name}`);
  if (type === 'broker-loggers' && !name)
    throw new CommandError(
      `an entity name must be specified with --${options.has('alter') ? 'alter' : 'describe'} of ${type}`,
    );
  if (options.has('alter')) checkChanges(options, entity);
  return entity;
}

function namedEntity(options: ConfigOptions): Entity {
  const flags = [...ENTITY_TYPES].flatMap(([type, { named, common }]) => [
    ...(options.has(named) ? [{ type, name: options.required(named) }] : []),
    ...(common !== undefined && options.has(common) ? [{ type, name: '' }] : []),
  ]);
  const types = [...options.all('entity-type'), ...flags.map(({ type }) => type)];
  const twice = types.filter((type, index) => types.indexOf(type) < index);
  if (twice.length > 0) throw new CommandError(`Duplicate entity type(s) specified: ${twice.join(',')}`);
  for (const type of types)
    if (!ENTITY_TYPES.has(type)) {
      const known = [...ENTITY_TYPES.keys()].join(', ');
      throw new CommandError(
        `Invalid entity type ${type}, the entity type must be one of ${known} ` +
          'with a --bootstrap-server or --bootstrap-controller argument',
      );
    }
  const [type, ...others] = types;
  if (type === undefined) throw new CommandError('At least one entity type must be specified');
  const isOlderWay = options.has('entity-type') || options.has('entity-name') || options.has('entity-default');
  if (flags.length > 0 && isOlderWay)
    throw new CommandError('--entity-{type,name,default} should not be used in conjunction with specific entity flags');
  const resourceType = RESOURCE_TYPES.get(type);
  if (resourceType === undefined || others.some((other) => !RESOURCE_TYPES.has(other)))
    throw new CommandError(`The entity type ${type} is not supported: this cluster keeps no quotas and no users.`);
  if (others.length > 0) throw new CommandError("Only 'users' and 'clients' entity types may be specified together");
  const name = flags[0]?.name ?? options.text('entity-name') ?? (options.has('entity-default') ? '' : null);
  return { type, resourceType, name };
}

function checkChanges(options: ConfigOptions, { type, name }: Entity): void {
  if (type === 'brokers' && name === null)
    throw new CommandError(
      'an entity-name or default entity must be specified with --alter of users, clients, brokers or ips',
    );
  if (type === 'topics' && !name) throw new CommandError(`an entity name must be specified with --alter of ${type}`);
  if (options.has('add-config') && options.has('add-config-file'))
    throw new CommandError('Only one of --add-config or --add-config-file must be specified');
  if (!options.has('add-config') && !options.has('add-config-file') && !options.has('delete-config'))
    throw new CommandError(
      'At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter',
    );
}

async function alter(
  options: ConfigOptions,
  cluster: ClusterClient,
  { type, resourceType, name }: Entity,
  terminal: Terminal,
): Promise<void> {
  const added = addedConfigs(options);
  const format = added.get('message.format.version');
  if (format !== undefined)
    terminal.out(`WARNING: The configuration message.format.version=${format} is specified. It is ignored.\n`);
  const removed = options
    .all('delete-config')
    .flatMap((names) => names.split(','))
    .map((key) => key.trim());
  const entity = { type: resourceType, name: name ?? '' };
  const present = new Set((await entriesOf(cluster, resourceType, entity.name, false)).map((entry) => entry.name));
  // What is not there cannot be removed: it is likely a typing error.
  const missing = removed.filter((key) => !present.has(key));
  if (missing.length > 0) throw new CommandError(`Invalid config(s): ${missing.join(',')}`);
  const changes: ConfigChange[] = [
    ...[...added].map(([key, value]) => ({ name: key, operation: 'SET' as const, value })),
    ...removed.map((key) => ({ name: key, operation: 'DELETE' as const, value: null })),
  ];
  const [result] = await incrementalAlterConfigs(cluster, [{ ...entity, changes }]);
  if (result?.failure != null) throw result.failure;
  terminal.out(
    entity.name === ''
      ? `Completed updating default config for ${type} in the cluster.\n`
      : `Completed updating config for ${type.slice(0, -1)} ${entity.name}.\n`,
  );
}

/** A comma or an equals sign that is not between brackets. */
const COMMA = /,(?=[^\]]*(?:\[|$))/;
const EQUALS = /\s*=\s*(?=[^\]]*(?:\[|$))/;

/** @throws CommandError in Kafka's words */
function addedConfigs(options: ConfigOptions): Map<string, string> {
  const file = options.text('add-config-file');
  const text = options.text('add-config');
  const inLine = text === undefined ? new Map<string, string>() : parseSettings(text);
  const added = file === undefined ? inLine : readPropertiesFile(file);
  for (const key of added.keys())
    if (!/^[a-zA-Z0-9._-]*$/.test(key)) throw new CommandError(`Invalid character found for config key: ${key}`);
  return added;
}

/** `k1=v1,k2=[v1,v2]`, later ones winning. @throws CommandError */
export function parseSettings(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  const parts = text.split(COMMA);
  // As Java splits: nothing comes after the last comma.
  while (parts.length > 1 && parts.at(-1) === '') parts.pop();
  for (const part of parts) {
    const [key = '', value, ...more] = part.split(EQUALS);
    if (value === undefined || more.length > 0)
      throw new CommandError(
        'requirement failed: Invalid entity config: all configs to be added must be in the format "key=val".',
      );
    settings.set(key.trim(), value.replaceAll(/[[\]]/g, '').trim());
  }
  return settings;
}

async function describe(
  isAll: boolean,
  cluster: ClusterClient,
  { type, resourceType, name }: Entity,
  terminal: Terminal,
): Promise<void> {
  for (const entity of name === null ? await namesOfAll(cluster, resourceType) : [name]) {
    terminal.out(
      entity === ''
        ? `Default configs for ${type} in the cluster are:\n`
        : `${isAll ? 'All' : 'Dynamic'} configs for ${type.slice(0, -1)} ${entity} are:\n`,
    );
    for (const entry of await entriesOf(cluster, resourceType, entity, isAll)) {
      const synonyms = entry.synonyms.map((synonym) => `${synonym.source}:${synonym.name}=${synonym.value}`).join(', ');
      terminal.out(`  ${entry.name}=${entry.value} sensitive=${entry.isSensitive} synonyms={${synonyms}}\n`);
    }
  }
}

/** Of brokers also the empty name, for what they have in common. */
async function namesOfAll(cluster: ClusterClient, type: ConfigResourceType): Promise<string[]> {
  if (type === 'TOPIC') return (await listTopics(cluster)).map(({ name }) => name);
  await cluster.metadata([], 'listNodes');
  return [...cluster.nodes.map(({ id }) => `${id}`).sort((a, b) => Number(a) - Number(b)), ''];
}

/** By name; unless all are wanted, only those that are the entity's own. */
async function entriesOf(
  cluster: ClusterClient,
  type: ConfigResourceType,
  name: string,
  isAll: boolean,
): Promise<ConfigEntry[]> {
  const invalid = type === 'TOPIC' ? invalidTopicName(name) : null;
  if (invalid !== null) throw new ApiError('InvalidTopicException', invalid, 'INVALID_TOPIC_EXCEPTION');
  const [described] = await describeConfigs(cluster, [{ type, name }], { includeSynonyms: true });
  if (described?.failure != null) throw described.failure;
  const own = ownSource(type, name);
  return (described?.entries ?? [])
    .filter(({ source }) => isAll || own === null || source === own)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function ownSource(type: ConfigResourceType, name: string): ConfigSourceName | null {
  switch (type) {
    case 'TOPIC':
      return 'DYNAMIC_TOPIC_CONFIG';
    case 'BROKER':
      return name === '' ? 'DYNAMIC_DEFAULT_BROKER_CONFIG' : 'DYNAMIC_BROKER_CONFIG';
    case 'BROKER_LOGGER':
      return null;
  }
}

/**
 * What AlterConfigs and IncrementalAlterConfigs have in common (Kafka's ConfigAdminManager and ZkAdminManager): each
 * resource is checked and answered for itself, with Kafka's errors and words.
 *
 * Topics are changed by whichever broker is asked. A broker changes its own configuration and, under the empty name,
 * what all brokers have in common. Loggers cannot be changed: none is kept by name here.
 */
import {
  applyConfigOperations,
  CONFIG_OPERATIONS,
  type ConfigOperation,
  ConfigRefusal,
} from '../config/config-operations.ts';
import type { ConfigKey } from '../config/definition.ts';
import { alterableBrokerKey, checkAlteration, type DynamicLevel } from '../config/dynamic-config.ts';
import { topicConfigProblem, topicKey } from '../config/topic-config.ts';
import { invalidTopicName } from '../model/topic-names.ts';
import { Errors, KafkaError } from '../protocol/errors.ts';
import type { Broker } from './broker.ts';
import { checkLoggerOperations } from './broker-loggers.ts';
import type { StoredConfig } from './config-writer.ts';

/** Kafka's ConfigResource.Type. */
export const RESOURCE_TYPES = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16 } as const;

const LOGGER = 'kafka.server.ZkAdminManager';
/** Kafka's name in ZooKeeper for what counts for all entities of a kind. */
const CLUSTER_DEFAULTS = '<default>';

/** What is to be done to one resource. */
export interface Alteration {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly operations: readonly ConfigOperation[];
  /** The operations alone make the overrides: what was there before counts for nothing. */
  readonly isWhole: boolean;
}

export interface AlterationAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

/** An answer for each resource, in order. */
export async function alterResources(
  broker: Broker,
  alterations: readonly Alteration[],
  validateOnly: boolean,
): Promise<AlterationAnswer[]> {
  const counts = new Map<string, number>();
  for (const alteration of alterations)
    counts.set(resourceKey(alteration), (counts.get(resourceKey(alteration)) ?? 0) + 1);
  const answers: AlterationAnswer[] = [];
  let isOutOfReach = false;
  for (const alteration of alterations) {
    const { resourceType, resourceName } = alteration;
    try {
      // Else thousands would each wait out a timeout, for an answer that nobody waits for any more.
      if (isOutOfReach)
        throw new KafkaError('REQUEST_TIMED_OUT', 'Not tried, because another resource of the request took too long.');
      if ((counts.get(resourceKey(alteration)) ?? 0) > 1)
        throw new KafkaError('INVALID_REQUEST', 'Each resource must appear at most once.');
      await alterResource(broker, alteration, validateOnly);
      answers.push({ errorCode: Errors.NONE, errorMessage: null, resourceType, resourceName });
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      isOutOfReach ||= error.error === 'REQUEST_TIMED_OUT';
      broker.logger
        .named(LOGGER)
        .info(`Error processing alter configs request for ${describe(alteration)}: ${error.message}`);
      answers.push({ errorCode: error.errorCode, errorMessage: error.message, resourceType, resourceName });
    }
  }
  return answers;
}

function resourceKey({ resourceType, resourceName }: Alteration): string {
  return `${resourceType} ${resourceName}`;
}

/** As Java prints a ConfigResource. */
function describe({ resourceType, resourceName }: Alteration): string {
  const type = Object.entries(RESOURCE_TYPES).find(([, number]) => number === resourceType)?.[0] ?? 'UNKNOWN';
  return `ConfigResource(type=${type}, name='${resourceName}')`;
}

async function alterResource(broker: Broker, alteration: Alteration, validateOnly: boolean): Promise<void> {
  const { resourceType, operations, isWhole } = alteration;
  checkEntries(operations);
  switch (resourceType) {
    case RESOURCE_TYPES.TOPIC:
      return alterTopic(broker, alteration, validateOnly);
    case RESOURCE_TYPES.BROKER:
      return alterBroker(broker, alteration, validateOnly);
    case RESOURCE_TYPES.CLIENT_METRICS: {
      const type = 'AlterConfigs is only supported for topics and brokers, but resource type is CLIENT_METRICS';
      throw new KafkaError('INVALID_REQUEST', type);
    }
    case RESOURCE_TYPES.BROKER_LOGGER:
      // The older request never could.
      if (!isWhole) return checkLoggerOperations(broker.brokerId, alteration.resourceName, operations);
  }
  throw new KafkaError('INVALID_REQUEST', `Unknown resource type ${resourceType}`);
}

function checkEntries(operations: readonly ConfigOperation[]): void {
  if (new Set(operations.map(({ name }) => name)).size < operations.length)
    throw new KafkaError('INVALID_REQUEST', 'Error due to duplicate config keys');
  const withoutValue = operations.filter(
    ({ value, operation }) => value === null && operation !== CONFIG_OPERATIONS.DELETE,
  );
  if (withoutValue.length === 0) return;
  const names = withoutValue.map(({ name }) => name).join(', ');
  throw new KafkaError('INVALID_REQUEST', `Null value not supported for : ${names}`);
}

const NOTHING_STORED: StoredConfig = { config: new Map(), problem: null, version: null };

async function alterTopic(broker: Broker, alteration: Alteration, validateOnly: boolean): Promise<void> {
  const { resourceName: topic } = alteration;
  if (topic === '') throw new KafkaError('INVALID_REQUEST', 'Default topic resources are not allowed.');
  const decide = (stored: StoredConfig): ReadonlyMap<string, string> | null => {
    const config = changed(alteration, stored, topicKey);
    requireTopic(broker, topic);
    const problem = topicConfigProblem(config, broker.config);
    if (problem?.isAboutValue) throw invalidConfig(alteration, problem.message);
    if (problem) throw new KafkaError('INVALID_CONFIG', problem.message);
    if (validateOnly) return null;
    broker.logger.named(LOGGER).info(`Updating topic ${topic} with new configuration : ${loggable(config)}`);
    return config;
  };
  // Nothing is asked of ZooKeeper under a name that may be no name of a topic at all.
  if (!broker.metadata.image.topics.has(topic)) decide(NOTHING_STORED);
  const result = await broker.configWriter.change('topics', topic, decide);
  if (result === 'gone') throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic '${topic}' does not exist.`);
}

function requireTopic({ metadata }: Broker, topic: string): void {
  if (!metadata.image.topics.has(topic))
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${topic}' does not exist.`);
  const invalid = invalidTopicName(topic);
  if (invalid !== null) throw new KafkaError('INVALID_TOPIC_EXCEPTION', invalid);
}

function changed(
  alteration: Alteration,
  stored: StoredConfig,
  keyOf: (name: string) => ConfigKey | undefined,
): Map<string, string> {
  const { operations, isWhole } = alteration;
  if (isWhole) return new Map(operations.map(({ name, value }) => [name, value ?? '']));
  if (stored.problem !== null) throw invalidConfig(alteration, stored.problem);
  return refusing(() => applyConfigOperations(stored.config, operations, keyOf));
}

/** Lets the client hear of a refusal. */
function refusing<T>(decide: () => T): T {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof ConfigRefusal)) throw error;
    throw new KafkaError(error.error, error.message);
  }
}

/** What Kafka makes of a ConfigException. */
function invalidConfig(alteration: Alteration, message: string): KafkaError {
  return new KafkaError('INVALID_CONFIG', `Invalid config value for resource ${describe(alteration)}: ${message}`);
}

function loggable(config: ReadonlyMap<string, string>): string {
  return [...config].map(([name, value]) => `${name} -> ${value}`).join(',');
}

/** Under the empty name stands what all brokers have in common. */
async function alterBroker(broker: Broker, asked: Alteration, validateOnly: boolean): Promise<void> {
  const { resourceName, operations, isWhole } = asked;
  if (resourceName !== '') requireBrokerId(broker.brokerId, resourceName);
  const [level, entity]: [DynamicLevel, string] =
    resourceName === '' ? ['cluster', CLUSTER_DEFAULTS] : ['broker', String(broker.brokerId)];
  const decide = (stored: StoredConfig): ReadonlyMap<string, string> | null => {
    const config = changed(asked, stored, alterableBrokerKey);
    // Of a whole everything is judged.
    const touched = new Set(isWhole ? config.keys() : operations.map(({ name }) => name));
    const alteration = { stored: stored.config, wanted: config, touched };
    const judged = refusing(() => checkAlteration(broker.config, level, alteration));
    if (validateOnly) return null;
    broker.logger.named(LOGGER).info(`Updating brokers/${entity} with new configuration : ${loggable(judged)}`);
    return config;
  };
  await broker.configWriter.change('brokers', entity, decide);
}

function requireBrokerId(brokerId: number, name: string): void {
  if (!/^[+-]?\d{1,10}$/.test(name))
    throw new KafkaError('INVALID_REQUEST', `Node id must be an integer, but it is: ${name}`);
  if (Number(name) !== brokerId)
    throw new KafkaError('INVALID_REQUEST', `Unexpected broker id, expected ${brokerId}, but received ${name}`);
}

/**
 * What Kafka's Admin client does for configurations: describe and alter those of topics, brokers and loggers. What is
 * of one broker is asked of that broker; all else of any.
 */
import { Errors } from '../protocol/errors.ts';
import { AlterConfigs, DescribeConfigs, IncrementalAlterConfigs } from '../protocol/messages/index.ts';
import type { Api, RequestIn, ResponseOut } from '../protocol/schema.ts';
import { ApiError } from './api-error.ts';
import type { ClusterClient, RequestFor } from './cluster-client.ts';

/** The numbers are those of the protocol (ConfigResource.Type). */
export const CONFIG_RESOURCE_TYPES = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8 } as const;
export type ConfigResourceType = keyof typeof CONFIG_RESOURCE_TYPES;

/** By number, the names that Kafka's Admin client gives to where a value comes from (ConfigEntry.ConfigSource). */
const CONFIG_SOURCE_NAMES = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
  'DYNAMIC_CLIENT_METRICS_CONFIG',
] as const;
export type ConfigSourceName = (typeof CONFIG_SOURCE_NAMES)[number];

const CONFIG_TYPE_NAMES = [
  'UNKNOWN',
  'BOOLEAN',
  'STRING',
  'INT',
  'SHORT',
  'LONG',
  'DOUBLE',
  'LIST',
  'CLASS',
  'PASSWORD',
] as const;
export type ConfigTypeName = (typeof CONFIG_TYPE_NAMES)[number];

export interface ConfigResource {
  readonly type: ConfigResourceType;
  /** The empty name of a broker means what all brokers have in common. */
  readonly name: string;
}

export interface ConfigSynonym {
  readonly name: string;
  /** Null when it is secret. */
  readonly value: string | null;
  readonly source: ConfigSourceName;
}

export interface ConfigEntry extends ConfigSynonym {
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  readonly isDefault: boolean;
  readonly type: ConfigTypeName;
  readonly documentation: string | null;
  /** What the value comes from, the first that is set first. */
  readonly synonyms: readonly ConfigSynonym[];
}

export interface ConfigQuestion extends ConfigResource {
  /** Only these keys; all when left out. */
  readonly keys?: readonly string[];
}

export interface DescribedConfigs {
  readonly resource: ConfigResource;
  readonly entries: readonly ConfigEntry[];
  readonly failure: ApiError | null;
}

/** The numbers are those of the protocol (AlterConfigOp.OpType). */
export const ALTER_OPERATIONS = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;
export type AlterOperation = keyof typeof ALTER_OPERATIONS;

export interface ConfigChange {
  readonly name: string;
  readonly operation: AlterOperation;
  /** Null for DELETE. */
  readonly value: string | null;
}

export interface ConfigAlteration extends ConfigResource {
  readonly changes: readonly ConfigChange[];
}

export interface ConfigReplacement extends ConfigResource {
  /** All settings that the resource is to have of its own. */
  readonly config: ReadonlyMap<string, string>;
}

export interface AlterationResult {
  readonly resource: ConfigResource;
  readonly failure: ApiError | null;
}

export interface DescribeConfigsOptions {
  readonly includeSynonyms?: boolean;
  readonly includeDocumentation?: boolean;
}

/**
 * Each resource's configuration, in the order of the questions; the failure of one stands in its place.
 * @throws ApiError TimeoutException when nobody, or a broker that is asked about, answers in time
 */
export async function describeConfigs(
  cluster: ClusterClient,
  questions: readonly ConfigQuestion[],
  { includeSynonyms = false, includeDocumentation = false }: DescribeConfigsOptions = {},
): Promise<DescribedConfigs[]> {
  const answers = await askWhoKnows(questions, async (asked, brokerId) => {
    const resources = asked.map(({ type, name, keys }) => ({
      resourceType: CONFIG_RESOURCE_TYPES[type],
      resourceName: name,
      configurationKeys: keys === undefined ? null : [...keys],
    }));
    const request = (version: number): RequestIn<typeof DescribeConfigs> => ({
      resources,
      ...(version >= 1 ? { includeSynonyms } : {}),
      ...(version >= 3 ? { includeDocumentation } : {}),
    });
    const { results } = await send(cluster, brokerId, DescribeConfigs, request, 'describeConfigs');
    return results;
  });
  return answers.map(({ resource, answer }) => {
    const failure = failureOf(answer);
    return { resource, failure, entries: failure === null ? (answer?.configs.map(entryOf) ?? []) : [] };
  });
}

/**
 * Changes single settings, leaving all others as they are (IncrementalAlterConfigs).
 * @throws as describeConfigs
 */
export async function incrementalAlterConfigs(
  cluster: ClusterClient,
  alterations: readonly ConfigAlteration[],
  { validateOnly = false }: { validateOnly?: boolean } = {},
): Promise<AlterationResult[]> {
  const answers = await askWhoKnows(alterations, async (asked, brokerId) => {
    const resources = asked.map(({ type, name, changes }) => ({
      resourceType: CONFIG_RESOURCE_TYPES[type],
      resourceName: name,
      configs: changes.map(({ name: key, operation, value }) => ({
        name: key,
        configOperation: ALTER_OPERATIONS[operation],
        value,
      })),
    }));
    const request = { resources, validateOnly };
    const { responses } = await send(cluster, brokerId, IncrementalAlterConfigs, request, 'incrementalAlterConfigs');
    return responses;
  });
  return answers.map(({ resource, answer }) => ({ resource, failure: failureOf(answer) }));
}

/**
 * Replaces all settings of each resource: what is not named goes back to its default (AlterConfigs).
 * @throws as describeConfigs
 */
export async function alterConfigs(
  cluster: ClusterClient,
  replacements: readonly ConfigReplacement[],
  { validateOnly = false }: { validateOnly?: boolean } = {},
): Promise<AlterationResult[]> {
  const answers = await askWhoKnows(replacements, async (asked, brokerId) => {
    const resources = asked.map(({ type, name, config }) => ({
      resourceType: CONFIG_RESOURCE_TYPES[type],
      resourceName: name,
      configs: [...config].map(([key, value]) => ({ name: key, value })),
    }));
    const request = { resources, validateOnly };
    const { responses } = await send(cluster, brokerId, AlterConfigs, request, 'alterConfigs');
    return responses;
  });
  return answers.map(({ resource, answer }) => ({ resource, failure: failureOf(answer) }));
}

interface ResourceAnswer {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/**
 * Asks about the resources that are one broker's own of that broker, about all others of any (null), and brings the
 * answers into the order of the resources; null for one that was left out.
 */
async function askWhoKnows<R extends ConfigResource, A extends ResourceAnswer>(
  resources: readonly R[],
  ask: (resources: readonly R[], brokerId: number | null) => Promise<readonly A[]>,
): Promise<{ readonly resource: ConfigResource; readonly answer: A | null }[]> {
  const parts = Map.groupBy(resources, ownerOf);
  const answers = (await Promise.all([...parts].map(([brokerId, part]) => ask(part, brokerId)))).flat();
  const byKey = new Map(answers.map((answer) => [`${answer.resourceType} ${answer.resourceName}`, answer]));
  return resources.map(({ type, name }) => ({
    resource: { type, name },
    answer: byKey.get(`${CONFIG_RESOURCE_TYPES[type]} ${name}`) ?? null,
  }));
}

function ownerOf({ type, name }: ConfigResource): number | null {
  if (type === 'TOPIC' || (type === 'BROKER' && name === '')) return null;
  if (/^[+-]?\d{1,10}$/.test(name)) return Number(name);
  throw new ApiError('NumberFormatException', `For input string: "${name}"`);
}

function send<A extends Api>(
  cluster: ClusterClient,
  brokerId: number | null,
  api: A,
  request: RequestFor<A>,
  call: string,
): Promise<ResponseOut<A>> {
  return brokerId === null ? cluster.toAny(api, request, call) : cluster.toBroker(brokerId, api, request, call);
}

function failureOf(answer: ResourceAnswer | null): ApiError | null {
  if (answer === null) return new ApiError('UnknownServerException', 'The broker did not answer for the resource.');
  return answer.errorCode === Errors.NONE ? null : ApiError.of(answer.errorCode, answer.errorMessage);
}

type EntryAnswer = ResponseOut<typeof DescribeConfigs>['results'][number]['configs'][number];

function entryOf(answer: EntryAnswer): ConfigEntry {
  const { name, value, readOnly, isSensitive, synonyms, configType, documentation } = answer;
  // v0 knows nothing but whether it is the default.
  const source = answer.isDefault ? 'DEFAULT_CONFIG' : sourceName(answer.configSource);
  return {
    ...{ name, value, source, isSensitive, documentation },
    isReadOnly: readOnly,
    isDefault: source === 'DEFAULT_CONFIG',
    type: CONFIG_TYPE_NAMES[configType] ?? 'UNKNOWN',
    synonyms: synonyms.map((synonym) => ({
      name: synonym.name,
      value: synonym.value,
      source: sourceName(synonym.source),
    })),
  };
}

function sourceName(source: number): ConfigSourceName {
  return CONFIG_SOURCE_NAMES[source] ?? 'UNKNOWN';
}

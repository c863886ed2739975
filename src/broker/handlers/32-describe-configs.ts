/**
 * DescribeConfigs v0-4: the configuration of topics and of this broker.
 *
 * Behaviour: each resource is answered for itself. A topic's overrides are read from where they are stored, so the
 * answer is never older than the question; a broker can only be asked about itself. The empty broker name means what
 * is stored for all brokers. Secret values are null. Kinds of resources that do not exist here are
 * INVALID_REQUEST.
 * Versions: v0 has isDefault instead of the source. v1 adds the source and, if wanted, the synonyms. v3 adds the type
 * and, if wanted, the documentation.
 */
import {
  CONFIG_SOURCES,
  type DescribedConfig,
  describeBrokerConfig,
  describeClusterDefaults,
  describeTopicConfig,
} from '../../config/describe.ts';
import { invalidTopicName } from '../../model/topic-names.ts';
import { withTimeout } from '../../lib/clock.ts';
import { Errors, errorMessage, KafkaError } from '../../protocol/errors.ts';
import { DescribeConfigs } from '../../protocol/messages/32-describe-configs.ts';
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts';
import type { Broker } from '../broker.ts';
import { handler } from '../handler.ts';

type DescribeConfigsRequest = RequestOf<typeof DescribeConfigs>;
type Resource = DescribeConfigsRequest['resources'][number];
type ResourceAnswer = ResponseOf<typeof DescribeConfigs>['results'][number];
type ConfigAnswer = ResourceAnswer['configs'][number];

/** Kafka's ConfigResource.Type. */
const RESOURCE_TYPES = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8 } as const;

export const describeConfigs = handler(DescribeConfigs, { versions: '0-4' }, async ({ broker, version }, request) => {
  const results: ResourceAnswer[] = [];
  let outOfReach: ResourceAnswer | null = null;
  for (const resource of request.resources) {
    const { resourceType, resourceName } = resource;
    // Else thousands would each wait out a timeout, for an answer that nobody waits for any more.
    const result: ResourceAnswer =
      outOfReach !== null && resourceType === RESOURCE_TYPES.TOPIC
        ? { ...outOfReach, resourceName }
        : await describeResource(broker, resource, request, version);
    if (result.errorCode === Errors.REQUEST_TIMED_OUT) outOfReach = result;
    results.push(result);
  }
  return { results };
});

async function describeResource(
  broker: Broker,
  resource: Resource,
  request: DescribeConfigsRequest,
  version: number,
): Promise<ResourceAnswer> {
  const { resourceType, resourceName } = resource;
  try {
    const described = await describe(broker, resource);
    const configs = described.map((config) => answer(config, request, version));
    return { errorCode: Errors.NONE, errorMessage: null, resourceType, resourceName, configs };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    const isPlain = error.message === errorMessage(error.error);
    // Kafka says nothing more about a topic that is not there.
    const text = isPlain && error.error === 'UNKNOWN_TOPIC_OR_PARTITION' ? null : error.message;
    return { errorCode: error.errorCode, errorMessage: text, resourceType, resourceName, configs: [] };
  }
}

async function describe(broker: Broker, resource: Resource): Promise<DescribedConfig[]> {
  const { resourceType, resourceName, configurationKeys } = resource;
  switch (resourceType) {
    case RESOURCE_TYPES.TOPIC: {
      const invalid = invalidTopicName(resourceName);
      if (invalid !== null) throw new KafkaError('INVALID_TOPIC_EXCEPTION', invalid);
      if (!broker.metadata.image.topics.has(resourceName)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION');
      const overrides = await readOverrides(broker, resourceName);
      return describeTopicConfig(broker.config, overrides, configurationKeys);
    }
    case RESOURCE_TYPES.BROKER:
      if (resourceName === '') return describeClusterDefaults(broker.config, configurationKeys);
      checkBrokerName(broker.brokerId, resourceName, 'or empty string, ');
      return describeBrokerConfig(broker.config, configurationKeys);
    case RESOURCE_TYPES.BROKER_LOGGER:
      if (resourceName === '') throw new KafkaError('INVALID_REQUEST', 'Broker id must not be empty');
      checkBrokerName(broker.brokerId, resourceName, '');
      // Log levels are not kept by name here, so there is no logger to tell of.
      return [];
    default:
      throw new KafkaError('INVALID_REQUEST', `Unsupported resource type: ${resourceType}`);
  }
}

/** Where they are stored may be out of reach: that is no fault of ours, and worth another try. */
async function readOverrides(broker: Broker, topic: string): Promise<ReadonlyMap<string, string>> {
  const { clock, config, logger, topicConfigs } = broker;
  const timedOut = new KafkaError(
    'REQUEST_TIMED_OUT',
    `The configuration of topic ${topic} could not be read in time.`,
  );
  try {
    return await withTimeout(clock, config.requestTimeoutMs, topicConfigs.readOverrides(topic), () => timedOut);
  } catch (error) {
    const isNonsense = error instanceof KafkaError && error.error === 'INVALID_CONFIG';
    logger.warn(`The configuration of topic ${topic} could not be read`, isNonsense ? undefined : error);
    // As Kafka: a list of all topics is not to fail over one that cannot be understood.
    if (isNonsense) return new Map();
    throw timedOut;
  }
}

function checkBrokerName(brokerId: number, name: string, alternative: string): void {
  if (!/^[+-]?\d{1,10}$/.test(name)) {
    throw new KafkaError('INVALID_REQUEST', `Broker id must be an integer, but it is: ${name}`);
  }
  if (Number(name) === brokerId) return;
  const expected = `Unexpected broker id, expected ${brokerId} ${alternative}but received ${name}`;
  throw new KafkaError('INVALID_REQUEST', expected);
}

function answer(config: DescribedConfig, request: DescribeConfigsRequest, version: number): ConfigAnswer {
  const { name, value, readOnly, isSensitive, source, type } = config;
  const common = { name, value, readOnly, isSensitive };
  if (version === 0) {
    return { ...common, isDefault: source === CONFIG_SOURCES.DEFAULT_CONFIG, synonyms: [], documentation: null };
  }
  return {
    ...common,
    configSource: source,
    synonyms: request.includeSynonyms ? config.synonyms : [],
    configType: type,
    documentation: request.includeDocumentation ? config.documentation : null,
  };
}

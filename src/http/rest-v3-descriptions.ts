/** @pure What the API v3 takes and answers, for its description. */
import {
  BOOLEAN,
  describer,
  INT32,
  INT64,
  type JsonSchema,
  listOf,
  mapOf,
  nullable,
  oneOf,
  STRING,
  shape,
  withExample,
} from './api-description.ts';

export const describeV3 = describer('REST Proxy v3', {
  consumes: ['application/json'],
  produces: ['application/json'],
});

const CLUSTER = "The cluster's id; GET /v3/clusters tells it";
/** Parts of paths. */
export const PARAMS = {
  cluster_id: CLUSTER,
  topic_name: STRING,
  partition_id: INT32,
  broker_id: INT32,
  name: "The setting's name",
  consumer_group_id: STRING,
  consumer_id: STRING,
} as const;

/** Those of a path. */
export function paramsOf<N extends keyof typeof PARAMS>(...names: N[]): { [name: string]: JsonSchema | string } {
  return Object.fromEntries(['cluster_id' as const, ...names].map((name) => [name, PARAMS[name]]));
}

const RELATION = shape({ related: STRING }, ['related']);
const METADATA = shape({ self: STRING, resource_name: STRING }, ['self']);

type Fields = { readonly [name: string]: JsonSchema };

function thing(kind: string, fields: Fields): JsonSchema {
  const all = { kind: { ...STRING, enum: [kind] }, metadata: METADATA, cluster_id: STRING, ...fields };
  return shape(all, Object.keys(all));
}

export function listOfThings(item: JsonSchema): JsonSchema {
  const metadata = shape({ self: STRING, next: { type: 'null' } }, ['self', 'next']);
  return shape({ kind: STRING, metadata, data: listOf(item) }, ['kind', 'metadata', 'data']);
}

export const CLUSTER_THING = thing('KafkaCluster', {
  controller: nullable(RELATION),
  acls: RELATION,
  brokers: RELATION,
  broker_configs: RELATION,
  consumer_groups: RELATION,
  topics: RELATION,
  partition_reassignments: RELATION,
});

export const BROKER = thing('KafkaBroker', {
  broker_id: INT32,
  host: STRING,
  port: INT32,
  rack: nullable(STRING),
  configs: RELATION,
  partition_replicas: RELATION,
});

export const TOPIC = thing('KafkaTopic', {
  topic_name: STRING,
  is_internal: BOOLEAN,
  replication_factor: INT32,
  partitions_count: INT32,
  partitions: RELATION,
  configs: RELATION,
  partition_reassignments: RELATION,
  authorized_operations: listOf(STRING),
});

const PARTITION_FIELDS = { topic_name: STRING, partition_id: INT32 };

export const PARTITION = thing('KafkaPartition', {
  ...PARTITION_FIELDS,
  leader: nullable(RELATION),
  replicas: RELATION,
  reassignment: RELATION,
});

export const PARTITION_OFFSETS = thing('KafkaPartitionWithOffsets', {
  ...PARTITION_FIELDS,
  earliest_offset: INT64,
  latest_offset: INT64,
});

export const REPLICA = thing('KafkaReplica', {
  ...PARTITION_FIELDS,
  broker_id: INT32,
  is_leader: BOOLEAN,
  is_in_sync: BOOLEAN,
  broker: RELATION,
});

export const REASSIGNMENT = thing('KafkaReassignment', {
  ...PARTITION_FIELDS,
  adding_replicas: listOf(INT32),
  removing_replicas: listOf(INT32),
  replicas: RELATION,
});

const VALUE = { name: STRING, value: nullable(STRING), source: STRING };
const CONFIG_FIELDS = {
  name: STRING,
  value: { ...nullable(STRING), description: 'null when it is secret' },
  is_default: BOOLEAN,
  is_read_only: BOOLEAN,
  is_sensitive: BOOLEAN,
  source: STRING,
  synonyms: listOf(shape(VALUE, Object.keys(VALUE))),
};
export const TOPIC_CONFIG = thing('KafkaTopicConfig', { ...CONFIG_FIELDS, topic_name: STRING });
export const BROKER_CONFIG = thing('KafkaBrokerConfig', { ...CONFIG_FIELDS, broker_id: INT32 });
export const CLUSTER_CONFIG = thing('KafkaClusterConfig', { ...CONFIG_FIELDS, config_type: oneOf('BROKER') });

const GROUP_FIELDS = { consumer_group_id: STRING };

export const GROUP = thing('KafkaConsumerGroup', {
  ...GROUP_FIELDS,
  is_simple: BOOLEAN,
  partition_assignor: STRING,
  state: STRING,
  type: STRING,
  is_mixed_consumer_group: BOOLEAN,
  coordinator: RELATION,
  consumers: RELATION,
  lag_summary: RELATION,
});

export const CONSUMER = thing('KafkaConsumer', {
  ...GROUP_FIELDS,
  consumer_id: STRING,
  instance_id: nullable(STRING),
  client_id: STRING,
  assignments: RELATION,
});

export const ASSIGNMENT = thing('KafkaConsumerAssignment', {
  ...GROUP_FIELDS,
  consumer_id: STRING,
  ...PARTITION_FIELDS,
  partition: RELATION,
  lag: RELATION,
});

export const LAG = thing('KafkaConsumerLag', {
  ...GROUP_FIELDS,
  ...PARTITION_FIELDS,
  consumer_id: STRING,
  instance_id: nullable(STRING),
  client_id: STRING,
  current_offset: INT64,
  log_end_offset: INT64,
  lag: INT64,
});

export const LAG_SUMMARY = thing('KafkaConsumerGroupLagSummary', {
  ...GROUP_FIELDS,
  max_lag: INT64,
  total_lag: INT64,
  max_lag_consumer_id: STRING,
  max_lag_consumer: RELATION,
  max_lag_client_id: STRING,
  max_lag_instance_id: nullable(STRING),
  max_lag_topic_name: STRING,
  max_lag_partition_id: INT32,
  max_lag_partition: RELATION,
});

export const NEW_TOPIC = withExample(
  shape(
    {
      topic_name: STRING,
      partitions_count: INT32,
      replication_factor: INT32,
      replicas_assignments: { ...mapOf(listOf(INT32)), description: 'The brokers of each partition' },
      configs: listOf(shape({ name: STRING, value: nullable(STRING) }, ['name'])),
      validate_only: BOOLEAN,
    },
    ['topic_name'],
  ),
  { topic_name: 'users', partitions_count: 3, configs: [{ name: 'retention.ms', value: '86400000' }] },
);

export const CONFIG_VALUE = withExample(shape({ value: nullable(STRING) }), { value: 'gzip' });

const CHANGE = shape({ name: STRING, value: nullable(STRING), operation: oneOf('SET', 'DELETE') }, ['name']);
/** A setting of topics, and of brokers. */
const SOME_CHANGES = [{ name: 'compression.type', value: 'gzip' }];
export const CONFIG_CHANGES = withExample(shape({ data: listOf(CHANGE), validate_only: BOOLEAN }, ['data']), {
  data: SOME_CHANGES,
});
export const TOPICS_CHANGES = withExample(
  shape(
    {
      data: listOf(shape({ topic_name: STRING, configs: listOf(CHANGE) }, ['topic_name', 'configs'])),
      validate_only: BOOLEAN,
    },
    ['data'],
  ),
  { data: [{ topic_name: 'users', configs: SOME_CHANGES }] },
);
export const FAILED_TOPICS = shape({
  failures: listOf(shape({ topic_name: STRING, error_code: INT32, message: STRING })),
});

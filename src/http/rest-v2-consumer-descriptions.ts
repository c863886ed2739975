/** How the routes of consumer instances describe themselves. */
import {
  describer,
  INT32,
  INT64,
  type JsonSchema,
  listOf,
  named,
  nullable,
  oneOf,
  shape,
  STRING,
  withExample,
} from './api-description.ts';
import { V2_TYPE } from './rest-v2-media.ts';

/** In which records come, the one first that is meant when nothing is said. Those without a registry here never fit. */
export const RECORD_TYPES: readonly string[] = [
  'application/vnd.kafka.binary.v2+json',
  V2_TYPE,
  'application/json',
  'application/vnd.kafka.json.v2+json',
  'application/vnd.kafka.avro.v2+json',
  'application/vnd.kafka.jsonschema.v2+json',
  'application/vnd.kafka.protobuf.v2+json',
];
/** For everything but records it is of no matter which of them a client takes. */
export const ANSWER_TYPES: readonly string[] = [V2_TYPE, ...RECORD_TYPES.filter((type) => type !== V2_TYPE)];

const describe = describer('REST Proxy v2', { consumes: [V2_TYPE], produces: [V2_TYPE] });
const describeRecords = describer('REST Proxy v2', { produces: ANSWER_TYPES });

const GROUP = { group: 'The id of the consumer group' };
const PARAMS = { ...GROUP, instance: 'The name of the instance, which lives in the broker that made it' };
const PARTITION = { topic: STRING, partition: INT32 };
const PARTITIONS = shape({ partitions: listOf(shape(PARTITION, ['topic', 'partition'])) }, ['partitions']);
const FIRST = { topic: 'users', partition: 0 };
const SOME_PARTITIONS = withExample(PARTITIONS, { partitions: [FIRST] });
const METADATA: JsonSchema = { ...nullable(STRING), description: 'Any words, kept with the offset' };
const OFFSETS = shape({
  offsets: listOf(shape({ ...PARTITION, offset: INT64, metadata: METADATA }, ['topic', 'partition', 'offset'])),
});
const DONE = { answers: { 204: null } };

const INSTANCE = shape({
  name: { ...STRING, description: 'Made up when left out' },
  format: { ...oneOf('binary', 'json', 'avro'), description: 'In which records are answered', default: 'binary' },
  'auto.offset.reset': { ...oneOf('earliest', 'latest', 'none'), description: 'Where the group has no offset' },
  'auto.commit.enable': { ...oneOf('true', 'false'), description: 'Commits what was returned every five seconds' },
  'fetch.min.bytes': { ...INT32, description: 'With more it is not waited for more; -1 waits the time out' },
  'consumer.request.timeout.ms': { ...INT32, description: 'How long a read waits, 300000 at most', default: 1000 },
});
const RECORD = shape({ topic: STRING, key: {}, value: {}, partition: INT32, offset: INT64 });

export const CONSUMER_ROUTES = {
  create: describe('Create a consumer instance in a group', {
    params: GROUP,
    body: withExample(INSTANCE, { name: 'one', format: 'json', 'auto.offset.reset': 'earliest' }),
    answer: named(
      'The instance',
      shape({ instance_id: STRING, base_uri: { ...STRING, description: 'Where all else is asked' } }),
    ),
  }),
  remove: describe('Delete a consumer instance; it commits and leaves its group', { params: PARAMS, ...DONE }),
  subscribe: describe('Subscribe to topics, or to all that match a pattern', {
    params: PARAMS,
    body: withExample(
      shape({ topics: listOf(STRING), topic_pattern: { ...STRING, description: 'A regular expression' } }),
      { topics: ['users'] },
    ),
    ...DONE,
  }),
  subscription: describe('The topics subscribed to', { params: PARAMS, answer: shape({ topics: listOf(STRING) }) }),
  unsubscribe: describe('End the subscription, and any assignment', { params: PARAMS, ...DONE }),
  assign: describe('Read these partitions instead of sharing some in the group', {
    params: PARAMS,
    body: SOME_PARTITIONS,
    ...DONE,
  }),
  assignment: describe('The partitions of the instance', { params: PARAMS, answer: PARTITIONS }),
  records: describeRecords('Read records', {
    description: 'Waits for consumer.request.timeout.ms. The Accept header must name the format of the instance.',
    params: PARAMS,
    query: {
      timeout: { ...INT32, description: 'Milliseconds to wait, where that is shorter than the time of the instance' },
      max_bytes: { ...INT64, description: 'Of keys and values; one record comes whatever its size' },
    },
    answer: named('The records that came, perhaps none', listOf(RECORD)),
  }),
  commit: describe('Commit offsets: of the records that were processed last or, without a body, all that was read', {
    params: PARAMS,
    query: { async: { ...oneOf('true', 'false'), description: 'Answers before it is done' } },
    body: withExample(OFFSETS, { offsets: [{ ...FIRST, offset: 1 }] }),
    answer: named('Done; the list is empty', listOf({})),
  }),
  committed: describe('The offsets that the group has committed', {
    description: 'The partitions stand in the body of the request: {"partitions": [{"topic": …, "partition": …}]}.',
    params: PARAMS,
    answer: OFFSETS,
  }),
  seek: describe('Go on reading elsewhere', {
    params: PARAMS,
    body: withExample(
      shape({
        ...OFFSETS.properties,
        timestamps: listOf(
          shape({ ...PARTITION, timestamp: { ...STRING, description: 'ISO-8601, or seconds since 1970' } }),
        ),
      }),
      { offsets: [{ ...FIRST, offset: 0 }] },
    ),
    ...DONE,
  }),
  beginning: describe('Go on reading from the first record', { params: PARAMS, body: SOME_PARTITIONS, ...DONE }),
  end: describe('Go on reading from the end', { params: PARAMS, body: SOME_PARTITIONS, ...DONE }),
} as const;

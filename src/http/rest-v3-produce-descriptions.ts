/** @pure How producing in v3 describes itself. */
import {
  ANYTHING,
  INT32,
  INT64,
  type JsonSchema,
  listOf,
  named,
  oneOf,
  STRING,
  shape,
  withExample,
} from './api-description.ts';
import { describeV3, paramsOf } from './rest-v3-descriptions.ts';

const DATA: JsonSchema = {
  ...shape({
    type: {
      ...oneOf('BINARY', 'JSON', 'STRING', 'AVRO'),
      description: 'BINARY is base64. AVRO goes with schema; without a type the registry has the schema already',
    },
    subject: { ...STRING, description: 'Of the registry; <topic>-key or <topic>-value when left out' },
    subject_name_strategy: oneOf('TOPIC_NAME', 'RECORD_NAME', 'TOPIC_RECORD_NAME'),
    schema_id: INT32,
    schema_version: { ...INT32, description: 'The latest when nothing is said of a schema' },
    schema: { ...STRING, description: 'Is registered if need be' },
    data: ANYTHING,
  }),
  description: 'A key or a value',
};
const HEADER = shape({ name: STRING, value: { ...STRING, format: 'byte' } }, ['name']);
const RECORD = {
  partition_id: INT32,
  headers: listOf(HEADER),
  key: DATA,
  value: DATA,
  timestamp: { ...STRING, format: 'date-time' },
};
const WRITTEN = shape({ type: STRING, subject: STRING, schema_id: INT32, schema_version: INT32, size: INT64 }, [
  'size',
]);
const PLACE = {
  cluster_id: STRING,
  topic_name: STRING,
  partition_id: INT32,
  offset: INT64,
  timestamp: { ...STRING, format: 'date-time' },
  key: WRITTEN,
  value: WRITTEN,
};
const REPORT: JsonSchema = {
  ...shape({ error_code: INT32, message: STRING, ...PLACE }, ['error_code']),
  description: 'One report for each record, in their order; error_code is 200 when it was written',
};

const SOME_RECORD = { key: { type: 'STRING', data: 'ann' }, value: { type: 'JSON', data: { id: 1, name: 'Ann' } } };

/** For fastify's `schema`. */
export const DESCRIPTIONS = {
  stream: describeV3('Produces records', {
    description: 'One record, or any number of them one after the other while the connection is open.',
    params: paramsOf('topic_name'),
    body: withExample(shape(RECORD), SOME_RECORD),
    answer: REPORT,
  }),
  batch: describeV3('Produces up to ten records, each under an id', {
    params: paramsOf('topic_name'),
    body: withExample(shape({ entries: listOf(shape({ id: STRING, ...RECORD }, ['id'])) }, ['entries']), {
      entries: [{ id: '1', ...SOME_RECORD }],
    }),
    answers: {
      207: named(
        'What became of each record, by its id',
        shape({
          successes: listOf(shape({ id: STRING, ...PLACE }, ['id'])),
          failures: listOf(shape({ id: STRING, error_code: INT32, message: STRING }, ['id', 'error_code'])),
        }),
      ),
    },
  }),
};

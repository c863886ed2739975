/** @pure What the endpoints of the Schema Registry say of themselves, by the method and the path that they have. */
import { COMPATIBILITY_LEVELS } from '../registry/compatibility-level.ts';
import { MODES } from '../registry/registry-record.ts';
import {
  BOOLEAN,
  describer,
  INT32,
  type JsonSchema,
  listOf,
  mapOf,
  ANYTHING,
  named,
  oneOf,
  type RouteParts,
  STRING,
  shape,
  withExample,
} from './api-description.ts';

export const CONTENT_TYPE = 'application/vnd.schemaregistry.v1+json';
/** What answers may be called; it is the same JSON. */
export const MEDIA_TYPES: readonly string[] = [CONTENT_TYPE, 'application/vnd.schemaregistry+json', 'application/json'];
/** Of the root, where clients of the REST Proxy look too. */
export const ROOT_TYPES: readonly string[] = [
  ...MEDIA_TYPES,
  'application/vnd.kafka.v2+json',
  'application/vnd.kafka+json',
];
/** Of bodies: clients send this one too. */
export const BODY_TYPES: readonly string[] = [...MEDIA_TYPES, 'application/octet-stream'];

const describe = describer('Schema Registry', { consumes: BODY_TYPES, produces: MEDIA_TYPES });

const flag = (description: string): JsonSchema => ({ ...BOOLEAN, default: false, description });
const SUBJECT = 'The subject; of the values of topic t it is usually t-value';
const PARAMS = {
  subject: { subject: SUBJECT },
  version: { subject: SUBJECT, version: 'A number from 1 on, latest or -1' },
  id: { id: { ...INT32, description: 'The id of a schema, as it is in records' } },
};
const DELETED = { deleted: flag('Those that are softly deleted too') };
const PAGE = {
  offset: { ...INT32, default: 0, description: 'How many to leave out' },
  limit: { ...INT32, default: -1, description: 'How many to tell at most; -1 for as many as there may be' },
};
const NORMALIZE = { normalize: flag('Compare schemas in their normal form') };
const FORMAT = { format: { ...STRING, description: 'resolved: with the schemas it refers to put in' } };
const DEFAULT_TO_GLOBAL = { defaultToGlobal: flag('That of all subjects where the subject has none') };
const PREFIX = { subjectPrefix: { ...STRING, description: 'Of subjects that begin so' } };
const PERMANENT = { permanent: flag('For good: it must have been deleted softly before') };

const REFERENCE = shape({ name: STRING, subject: STRING, version: INT32 }, ['name', 'subject', 'version']);
const SCHEMA_MEMBERS = {
  schema: { ...STRING, description: 'The schema as a text of JSON' },
  schemaType: { ...oneOf('AVRO'), default: 'AVRO' },
  references: { ...listOf(REFERENCE), description: 'Schemas whose named types this one uses' },
  metadata: mapOf(ANYTHING),
  ruleSet: mapOf(ANYTHING),
};
const REGISTRATION = {
  ...shape(
    {
      ...SCHEMA_MEMBERS,
      id: { ...INT32, description: 'Of a schema that is imported' },
      version: { ...INT32, description: 'The one that it is to be' },
    },
    ['schema'],
  ),
  examples: [{ schema: '{"type":"record","name":"User","fields":[{"name":"id","type":"int"}]}' }],
};
const SCHEMA = shape(SCHEMA_MEMBERS, ['schema']);
const VERSION = shape({ subject: STRING, version: INT32, id: INT32, ...SCHEMA_MEMBERS }, [
  'subject',
  'version',
  'id',
  'schema',
]);
const RAW = { ...ANYTHING, description: 'The schema itself' };
const OTHER_SETTINGS = {
  normalize: { ...BOOLEAN, description: 'Whether schemas are always compared in their normal form' },
  compatibilityGroup: { ...STRING, description: 'A property of metadata: only schemas with the same are compared' },
};
const LEVEL = oneOf(...COMPATIBILITY_LEVELS);
const LEVEL_ANSWER = shape({ compatibilityLevel: LEVEL, ...OTHER_SETTINGS });
const LEVEL_CHANGE = shape({ compatibility: LEVEL, ...OTHER_SETTINGS });
const MODE = shape({ mode: oneOf(...MODES) }, ['mode']);
const COMPATIBILITY = shape({ is_compatible: BOOLEAN, messages: listOf(STRING) }, ['is_compatible']);
const VERBOSE = { verbose: flag('Say what does not go together, and where') };

export const SUBJECTS = {
  list: describe('The subjects that have schemas', {
    query: { ...PREFIX, ...DELETED, deletedOnly: flag('Those alone'), ...PAGE },
    answer: listOf(STRING),
  }),
  lookUp: describe('Which version of a subject a schema is', {
    params: PARAMS.subject,
    query: { ...NORMALIZE, ...FORMAT, ...DELETED },
    body: REGISTRATION,
    answer: VERSION,
  }),
  delete: describe('Delete a subject with all its versions', {
    params: PARAMS.subject,
    query: PERMANENT,
    answer: named('The versions that were deleted', listOf(INT32)),
  }),
  metadata: describe('The latest version that has the given metadata', {
    params: PARAMS.subject,
    query: { key: 'Of a property; as often as there are values', value: 'Of the property', ...FORMAT, ...DELETED },
    answer: VERSION,
  }),
};

export const VERSIONS = {
  list: describe('The versions of a subject', {
    params: PARAMS.subject,
    query: { ...DELETED, deletedOnly: flag('Those alone'), deletedAsNegative: flag('-3 for a deleted 3'), ...PAGE },
    answer: listOf(INT32),
  }),
  register: describe('Register a schema under a subject', {
    description:
      'The same schema has the same id everywhere. One that does not go with the earlier ones, by the level of ' +
      'compatibility, is refused with error_code 409 and what differs where.',
    params: PARAMS.subject,
    query: { ...NORMALIZE, force: flag('Whatever the compatibility') },
    body: REGISTRATION,
    answer: named('The id of the schema', shape({ id: INT32 }, ['id'])),
  }),
  one: describe('A version of a subject', {
    params: PARAMS.version,
    query: { ...FORMAT, ...DELETED },
    answer: VERSION,
  }),
  schema: describe('The schema of a version, as it is', {
    params: PARAMS.version,
    query: { ...FORMAT, ...DELETED },
    answer: RAW,
  }),
  referencedBy: describe('The ids of the schemas that refer to a version', {
    params: PARAMS.version,
    query: { ...DELETED, ...PAGE },
    answer: listOf(INT32),
  }),
  delete: describe('Delete a version', {
    params: PARAMS.version,
    query: PERMANENT,
    answer: named('The version that was deleted', INT32),
  }),
};

export const SCHEMAS = {
  list: describe('All schemas of all subjects', {
    query: { ...PREFIX, ...DELETED, latestOnly: flag('The latest of each subject'), ...PAGE },
    answer: listOf(VERSION),
  }),
  one: describe('The schema with an id', {
    params: PARAMS.id,
    query: { ...FORMAT, fetchMaxId: flag('Tell the greatest id too') },
    answer: SCHEMA,
  }),
  schema: describe('The schema with an id, as it is', { params: PARAMS.id, query: FORMAT, answer: RAW }),
  subjects: describe('The subjects that have the schema with an id', {
    params: PARAMS.id,
    query: { subject: 'This one alone', ...DELETED, ...PAGE },
    answer: listOf(STRING),
  }),
  versions: describe('The versions that are the schema with an id', {
    params: PARAMS.id,
    query: { subject: 'Of this subject alone', ...DELETED, ...PAGE },
    answer: listOf(shape({ subject: STRING, version: INT32 })),
  }),
  types: describe('The types of schemas that are understood', { answer: listOf(STRING) }),
};

const TEST: Pick<RouteParts, 'body' | 'answer' | 'query'> = {
  query: { ...VERBOSE, ...NORMALIZE },
  body: REGISTRATION,
  answer: COMPATIBILITY,
};
export const COMPATIBILITIES = {
  withAll: describe('Whether a schema goes with those of a subject, by its level', { params: PARAMS.subject, ...TEST }),
  withOne: describe('Whether a schema goes with a version', { params: PARAMS.version, ...TEST }),
};

/** Of all subjects, and of one. */
export const SETTINGS = {
  all: settingsOf('of all subjects', {}),
  subject: settingsOf('of a subject', { params: PARAMS.subject }),
};

function settingsOf(whose: string, params: RouteParts) {
  const query = { ...DEFAULT_TO_GLOBAL };
  return {
    config: describe(`The level of compatibility ${whose}`, { ...params, query, answer: LEVEL_ANSWER }),
    setConfig: describe(`Set the level of compatibility ${whose}`, {
      ...params,
      body: withExample(LEVEL_CHANGE, { compatibility: 'FULL' }),
      answer: named('What is set', LEVEL_CHANGE),
    }),
    deleteConfig: describe(`Take back the level of compatibility ${whose}`, {
      ...params,
      answer: named('What it was', LEVEL_ANSWER),
    }),
    mode: describe(`Whether schemas ${whose} may change`, { ...params, query, answer: MODE }),
    setMode: describe(`Set whether schemas ${whose} may change`, {
      ...params,
      query: { force: flag('Also to IMPORT while there are schemas') },
      body: withExample(MODE, { mode: 'READONLY' }),
      answer: named('What is set', MODE),
    }),
    deleteMode: describe(`Take back whether schemas ${whose} may change`, {
      ...params,
      answer: named('What it was', MODE),
    }),
  };
}

export const ABOUT = {
  contexts: describe('The contexts that subjects are in: one', { answer: listOf(STRING) }),
  id: describe('Which cluster it is', { answer: mapOf(ANYTHING) }),
  version: describe('Which program it is', { answer: shape({ version: STRING, commitId: STRING }) }),
  root: describe('An empty object: somebody is here', { answer: shape({}) }),
};

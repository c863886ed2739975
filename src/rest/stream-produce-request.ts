/**
 * @pure One record as v3 of the REST Proxy takes it (kafka-rest's ProduceRequest), looked at once.
 *
 * Throws RestError 400 for what is no such record, and 404 for a partition that cannot be.
 */
import type { RecordHeader } from '../protocol/records/build.ts';
import {
  isJsonArray,
  isJsonObject,
  JsonError,
  JsonNumber,
  type JsonObject,
  type JsonValue,
  parseJson,
  writeJson,
} from '../registry/json-text.ts';
import { encodeBinary } from './embedded-format.ts';
import { partitionNotFound, type RestError, refusedBody } from './rest-errors.ts';

export const PLAIN_TYPES = ['BINARY', 'JSON', 'STRING'] as const;
export type PlainType = (typeof PLAIN_TYPES)[number];
const SCHEMA_TYPES = ['AVRO', 'JSONSCHEMA', 'PROTOBUF'] as const;
export type SchemaType = (typeof SCHEMA_TYPES)[number];
const STRATEGIES = ['TOPIC_NAME', 'RECORD_NAME', 'TOPIC_RECORD_NAME'] as const;
export type SubjectNameStrategy = (typeof STRATEGIES)[number];

/** Which schema, and where the subject is named after: the topic when nothing is said. */
export interface SchemaOfRecord {
  readonly subject: string | null;
  readonly strategy: SubjectNameStrategy | null;
  readonly choice:
    | { readonly id: number }
    | { readonly version: number | 'latest' }
    | { readonly type: SchemaType; readonly text: string };
}

/** A key or a value. */
export type DataOfRecord =
  | { readonly type: PlainType; readonly data: JsonValue }
  | { readonly type: null; readonly schema: SchemaOfRecord; readonly data: JsonValue };

export interface RecordOfStream {
  readonly partition: number | null;
  readonly headers: readonly RecordHeader[];
  readonly key: DataOfRecord | null;
  readonly value: DataOfRecord | null;
  /** Null for the present. */
  readonly timestampMs: number | null;
}

const RECORD_MEMBERS = ['partition_id', 'headers', 'key', 'value', 'timestamp'];
const DATA_MEMBERS = ['type', 'subject', 'subject_name_strategy', 'schema_id', 'schema_version', 'schema', 'data'];
const HEADER_MEMBERS = ['name', 'value'];
const INT_BITS = 32;
const MILLISECONDS = 1000;
/** What a JavaScript date can tell. */
const MAX_TIMESTAMP_MS = 8.64e15;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/;

/** @throws JsonError when the text is no JSON at all */
export function parseRecord(text: string): RecordOfStream {
  return recordOf(parseJson(text, { allowsComments: false }));
}

/** Whether the text is no JSON: nothing that follows it in a stream can be trusted. */
export function isMalformed(error: unknown): error is JsonError {
  return error instanceof JsonError;
}

/** @param more members that it may have besides */
export function recordOf(json: JsonValue, ...more: readonly string[]): RecordOfStream {
  const record = objectOf(json, 'ProduceRequest', [...more, ...RECORD_MEMBERS]);
  const partition = intOf(record, 'partition_id');
  if (partition !== null && partition < 0) throw partitionNotFound();
  return {
    partition,
    headers: headersOf(record.get('headers') ?? null),
    key: dataOf(record.get('key') ?? null),
    value: dataOf(record.get('value') ?? null),
    timestampMs: timestampOf(record.get('timestamp') ?? null),
  };
}

function dataOf(json: JsonValue): DataOfRecord | null {
  if (json === null) return null;
  const members = objectOf(json, 'ProduceRequestData', DATA_MEMBERS);
  const type = wordOf(members, 'type', [...PLAIN_TYPES, ...SCHEMA_TYPES]);
  const schema = {
    subject: textOf(members, 'subject'),
    strategy: wordOf(members, 'subject_name_strategy', STRATEGIES),
    id: intOf(members, 'schema_id'),
    version: intOf(members, 'schema_version'),
    text: textOf(members, 'schema'),
  };
  const data = members.get('data') ?? null;
  const isPlain = PLAIN_TYPES.find((plain) => plain === type);
  if (isPlain === undefined) return { type: null, schema: schemaOf(type as SchemaType | null, schema), data };
  const named = { subject_strategy: schema.strategy, subject: schema.subject, schema_id: schema.id };
  for (const [name, value] of Object.entries({ ...named, schema_version: schema.version, schema: schema.text }))
    if (value !== null) throw invalid(`'type=${type}' cannot be used with '${name}'.`);
  return { type: isPlain, data };
}

interface SchemaMembers {
  readonly subject: string | null;
  readonly strategy: SubjectNameStrategy | null;
  readonly id: number | null;
  readonly version: number | null;
  readonly text: string | null;
}

/** The rules of Confluent, in its words. */
function schemaOf(type: SchemaType | null, { subject, strategy, id, version, text }: SchemaMembers): SchemaOfRecord {
  if (subject !== null && strategy !== null)
    throw invalid("Only one of 'subject_name_strategy' or 'subject' can be used.");
  if ([id, version, text].filter((given) => given !== null).length > 1)
    throw invalid("Only one of 'schema_id', 'schema_version' or 'schema' can be used.");
  if (type !== null) {
    if (id !== null) throw invalid(`'schema_id=${id}' cannot be used with 'serializer'.`);
    if (version !== null) throw invalid(`'schema_version=${version}' cannot be used with 'serializer'.`);
    if (text === null) throw invalid("'schema_version=latest' cannot be used with 'serializer'.");
    return { subject, strategy, choice: { type, text } };
  }
  if (id !== null) return { subject, strategy, choice: { id } };
  if (text !== null) throw invalid("'schema' cannot be used without 'type'.");
  return { subject, strategy, choice: { version: version ?? 'latest' } };
}

function headersOf(json: JsonValue): RecordHeader[] {
  if (json === null) return [];
  if (!isJsonArray(json)) throw unreadable('headers', json, 'an array');
  return json.map((each) => {
    const header = objectOf(each, 'ProduceRequestHeader', HEADER_MEMBERS);
    const key = textOf(header, 'name');
    if (key === null) throw invalid('A header has no name.');
    return { key, value: encodeBinary(header.get('value') ?? null) };
  });
}

/** ISO 8601 or, as Jackson reads numbers, seconds since 1970. */
function timestampOf(json: JsonValue): number | null {
  if (json === null) return null;
  const timestampMs =
    json instanceof JsonNumber
      ? Number(json.text) * MILLISECONDS
      : typeof json === 'string' && INSTANT.test(json)
        ? Date.parse(json)
        : Number.NaN;
  if (Number.isNaN(timestampMs) || timestampMs > MAX_TIMESTAMP_MS) throw unreadable('timestamp', json, 'a time');
  if (timestampMs < 0)
    throw invalid(`Invalid timestamp: ${timestampMs}. Timestamp should always be non-negative or null.`);
  return Math.trunc(timestampMs);
}

function objectOf(json: JsonValue, what: string, members: readonly string[]): JsonObject {
  if (!isJsonObject(json)) throw refusedBody(`Cannot deserialize value of type \`${what}\`: it is not an object`);
  for (const name of json.keys())
    if (!members.includes(name)) {
      const known = members.map((member) => `"${member}"`).join(', ');
      const told = `not marked as ignorable (${members.length} known properties: ${known})`;
      throw refusedBody(`Unrecognized field ${JSON.stringify(name)} (class ${what}), ${told}`);
    }
  return json;
}

function intOf(members: JsonObject, name: string): number | null {
  const json = members.get(name) ?? null;
  if (json === null) return null;
  if (json instanceof JsonNumber && json.fitsInBits(INT_BITS)) return Number(json.text);
  if (typeof json === 'string' && /^-?\d{1,9}$/.test(json)) return Number(json);
  throw unreadable(name, json, 'a whole number of 32 bits');
}

function textOf(members: JsonObject, name: string): string | null {
  const json = members.get(name) ?? null;
  if (json === null || typeof json === 'string') return json;
  throw unreadable(name, json, 'a string');
}

function wordOf<W extends string>(members: JsonObject, name: string, words: readonly W[]): W | null {
  const text = textOf(members, name);
  if (text === null) return null;
  const word = words.find((each) => each === text);
  if (word === undefined) throw unreadable(name, text, `one of ${words.join(', ')}`);
  return word;
}

const MAX_SHOWN = 100;

function unreadable(name: string, json: JsonValue, expected: string): RestError {
  const shown = writeJson(json);
  const start = shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown;
  return refusedBody(`Cannot deserialize '${name}' from ${start}: not ${expected}`);
}

function invalid(problem: string): RestError {
  return refusedBody(`Cannot construct instance of \`ProduceRequestData\`, problem: ${problem}`);
}

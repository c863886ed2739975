/**
 * @pure The body of a produce request of v2, looked at once. Throws RestError with the status that Confluent's has: 400
 * for what is no JSON or has members that nobody knows, 422 for what is missing.
 */
import { isJsonArray, isJsonObject, JsonNumber, type JsonValue } from '../registry/json-text.ts';
import { parseJsonBodyInSteps } from './json-body.ts';
import { refusedBody, unprocessable } from './rest-errors.ts';

/** By id, or by a text that is registered if need be. */
export type SchemaChoice = { readonly id: number } | { readonly text: string };

export interface RecordToProduce {
  readonly partition: number | null;
  readonly key: JsonValue;
  readonly value: JsonValue;
}

export interface ProduceRequest {
  readonly records: readonly RecordToProduce[];
  readonly keySchema: SchemaChoice | null;
  readonly valueSchema: SchemaChoice | null;
}

const INT_BITS = 32;
const REQUEST_MEMBERS: ReadonlySet<string> = new Set([
  'records',
  'key_schema',
  'key_schema_id',
  'value_schema',
  'value_schema_id',
]);
const RECORD_MEMBERS: ReadonlySet<string> = new Set(['partition', 'key', 'value']);

/** With pauses for others; while it reads JSON, each gives how many values it has read so far. */
export function* parseProduceRequest(body: string): Generator<number | null, ProduceRequest, undefined> {
  if (body.trim() === '') throw unprocessable('Null input provided. Data is required.');
  const json = yield* parseJsonBodyInSteps(body);
  const request = objectOf(json, REQUEST_MEMBERS, 'ProduceRequest');
  const records = request.get('records') ?? null;
  if (records !== null && !isJsonArray(records)) throw refusedBody('Cannot deserialize `records`: it is not an array');
  if (records === null || records.length === 0) throw unprocessable('records must not be empty');
  const read: RecordToProduce[] = [];
  for (const record of records) {
    read.push(recordOf(record));
    yield null;
  }
  return {
    records: read,
    keySchema: schemaOf(request, 'key_schema'),
    valueSchema: schemaOf(request, 'value_schema'),
  };
}

function recordOf(json: JsonValue): RecordToProduce {
  const record = objectOf(json, RECORD_MEMBERS, 'ProduceRecord');
  const partition = intOf(record.get('partition'), 'partition');
  if (partition !== null && partition < 0) throw unprocessable('partition must be greater than or equal to 0');
  return { partition, key: record.get('key') ?? null, value: record.get('value') ?? null };
}

function schemaOf(request: ReadonlyMap<string, JsonValue>, name: string): SchemaChoice | null {
  const id = intOf(request.get(`${name}_id`), `${name}_id`);
  const text = request.get(name) ?? null;
  if (text !== null && typeof text !== 'string')
    throw refusedBody(`Cannot deserialize \`${name}\`: it is not a string`);
  if (id !== null && text !== null) throw refusedBody(`Unsupported argument: both ${name} and ${name}_id are given`);
  if (id !== null) return { id };
  return text === null ? null : { text };
}

function objectOf(json: JsonValue, members: ReadonlySet<string>, what: string): ReadonlyMap<string, JsonValue> {
  if (!isJsonObject(json)) throw refusedBody(`Cannot deserialize ${what}: it is not an object`);
  for (const name of json.keys())
    if (!members.has(name)) throw refusedBody(`Unrecognized field ${JSON.stringify(name)} (class ${what})`);
  return json;
}

function intOf(json: JsonValue | undefined, name: string): number | null {
  if (json === undefined || json === null) return null;
  if (!(json instanceof JsonNumber) || !json.fitsInBits(INT_BITS))
    throw refusedBody(`Cannot deserialize \`${name}\`: it is not an int`);
  return Number(json.text);
}

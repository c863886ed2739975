/**
 * @pure Bodies of requests to the API v3, from anybody, looked at once: what cannot be meant is refused in the words of
 * the JSON mapper that Confluent's clients know (Jackson).
 */
import type { ConfigChange } from '../client/config-admin.ts';
import { invalidTopicName } from '../model/topic-names.ts';
import {
  isJsonArray,
  isJsonObject,
  JsonNumber,
  type JsonObject,
  type JsonValue,
  writeJson,
} from '../registry/json-text.ts';
import { parseJsonBody } from './json-body.ts';
import { invalidPayload, RestError } from './rest-errors.ts';
import type { NewTopic } from './v3-admin.ts';

const BAD_REQUEST = 400;
const UNPROCESSABLE = 422;
const INT32_MAX = 0x7fff_ffff;
const INT16_MAX = 0x7fff;
/** Characters of what somebody sent, in a refusal. */
const MAX_SHOWN = 50;
const TOPIC_MEMBERS = [
  'topic_name',
  'partitions_count',
  'replication_factor',
  'replicas_assignments',
  'configs',
  'validate_only',
];

/** Undefined for an empty body. @throws RestError 400 */
export function readBody(text: string): JsonValue | undefined {
  return text.trim() === '' ? undefined : parseJsonBody(text);
}

/** Of POST /topics. */
export function newTopicOf(body: JsonValue | undefined): NewTopic {
  if (isAbsent(body)) throw invalidPayload('Request body is empty. Data is required.');
  const members = membersOf(body, 'CreateTopicRequest', TOPIC_MEMBERS);
  const name = requiredText(members, 'topic_name', 'CreateTopicRequest', 'topicName');
  if (invalidTopicName(name) !== null) throw invalidPayload('Invalid topic name.');
  return {
    name,
    partitionsCount: intOf(members.get('partitions_count'), INT32_MAX),
    replicationFactor: intOf(members.get('replication_factor'), INT16_MAX),
    replicas: replicasOf(members.get('replicas_assignments')),
    configs: settingsOf(members.get('configs')),
    validateOnly: flagOf(members.get('validate_only')),
  };
}

function settingsOf(value: JsonValue | undefined): Map<string, string | null> {
  const byName = new Map<string, string | null>();
  for (const entry of listOf(value)) {
    const setting = membersOf(entry, 'ConfigEntry', ['name', 'value']);
    const name = requiredText(setting, 'name', 'ConfigEntry', 'name');
    if (byName.has(name)) throw duplicate(name);
    byName.set(name, textOf(setting.get('value')));
  }
  return byName;
}

/** Brokers by partition, whose number is a member's name. */
function replicasOf(value: JsonValue | undefined): Map<number, number[]> {
  if (isAbsent(value)) return new Map();
  const byPartition = new Map<number, number[]>();
  for (const [key, brokers] of membersOf(value, 'Map')) {
    const partition = intOf(key, INT32_MAX) ?? -1;
    if (byPartition.has(partition)) throw duplicate(String(partition));
    const brokerIds = listOf(brokers).map((broker) => intOf(broker, INT32_MAX));
    if (brokerIds.includes(null)) throw new RestError(BAD_REQUEST, `A broker of partition ${partition} is null`);
    byPartition.set(
      partition,
      brokerIds.filter((id) => id !== null),
    );
  }
  return byPartition;
}

/** Of PATCH /topics/{topic}. */
export function partitionsCountOf(body: JsonValue | undefined): number {
  const empty = 'Request body is empty. Partitions_count is required.';
  if (isAbsent(body)) throw invalidPayload(empty);
  const members = membersOf(body, 'PartitionsCountRequest', ['partitions_count']);
  return intOf(members.get('partitions_count'), INT32_MAX) ?? refuseNull('PartitionsCountRequest', 'partitionsCount');
}

/** Of PUT …/configs/{name}. */
export function configValueOf(body: JsonValue | undefined): string | null {
  if (isAbsent(body)) throw noPayload();
  return textOf(membersOf(body, 'UpdateConfigRequest', ['value']).get('value'));
}

export interface ConfigChanges {
  readonly changes: readonly ConfigChange[];
  readonly validateOnly: boolean;
}

/** Of POST …/configs:alter. */
export function configChangesOf(body: JsonValue | undefined): ConfigChanges {
  if (isAbsent(body)) throw noPayload();
  const type = 'AlterConfigBatchRequestData';
  const members = membersOf(body, type, ['data', 'validate_only']);
  return {
    changes: requiredList(members, 'data', type).map(changeOf),
    validateOnly: flagOf(members.get('validate_only')),
  };
}

export interface TopicsChanges {
  readonly byTopic: ReadonlyMap<string, readonly ConfigChange[]>;
  readonly validateOnly: boolean;
}

/** Of POST /topics/-/configs:alter. */
export function topicsChangesOf(body: JsonValue | undefined): TopicsChanges {
  if (isAbsent(body)) throw noPayload();
  const type = 'AlterMultipleTopicsConfigsBatchRequestData';
  const members = membersOf(body, type, ['data', 'validate_only']);
  const byTopic = new Map<string, ConfigChange[]>();
  for (const entry of requiredList(members, 'data', type)) {
    const topic = membersOf(entry, 'TopicAlterEntry', ['topic_name', 'configs']);
    const name = requiredText(topic, 'topic_name', 'TopicAlterEntry', 'topicName');
    if (byTopic.has(name)) throw duplicate(name);
    byTopic.set(name, requiredList(topic, 'configs', 'TopicAlterEntry').map(changeOf));
  }
  return { byTopic, validateOnly: flagOf(members.get('validate_only')) };
}

function changeOf(entry: JsonValue): ConfigChange {
  const members = membersOf(entry, 'AlterEntry', ['name', 'value', 'operation']);
  const operation = members.get('operation') ?? 'SET';
  if (operation !== 'SET' && operation !== 'DELETE')
    throw cannotRead('AlterOperation', operation, 'not one of the values accepted for Enum class: [DELETE, SET]');
  const name = requiredText(members, 'name', 'AlterEntry', 'name');
  return { name, operation, value: operation === 'SET' ? textOf(members.get('value')) : null };
}

/** For requests whose body is not looked into. */
export function requireBody(body: JsonValue | undefined): void {
  if (isAbsent(body)) throw noPayload();
}

function duplicate(name: string): RestError {
  return new RestError(BAD_REQUEST, `Duplicate key ${name.slice(0, MAX_SHOWN)}`);
}

function noPayload(): RestError {
  return invalidPayload('Null input provided. Data is required.');
}

function isAbsent(value: JsonValue | undefined): boolean {
  return value === undefined || value === null;
}

/** @param known names that may come; any when left out */
function membersOf(value: JsonValue | undefined, type: string, known?: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw cannotRead(type, value, 'no object');
  const unknown = known === undefined ? undefined : [...value.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) throw new RestError(UNPROCESSABLE, `Unrecognized field: ${unknown.slice(0, MAX_SHOWN)}`);
  return value;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined || value === null) return [];
  if (!isJsonArray(value)) throw cannotRead('List', value, 'no array');
  return value;
}

function requiredList(members: JsonObject, name: string, type: string): readonly JsonValue[] {
  const value = members.get(name);
  if (isAbsent(value)) refuseNull(type, name);
  return listOf(value);
}

function requiredText(members: JsonObject, name: string, type: string, javaName: string): string {
  return textOf(members.get(name)) ?? refuseNull(type, javaName);
}

/** Numbers and booleans are taken as they are written. */
function textOf(value: JsonValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (value instanceof JsonNumber) return value.text;
  throw cannotRead('String', value, 'no text');
}

/** A number, or the text of one. */
function intOf(value: JsonValue | undefined, max: number): number | null {
  if (value === undefined || value === null) return null;
  const written = value instanceof JsonNumber && value.isIntegral ? value.text : value;
  const number = typeof written === 'string' && /^-?\d{1,10}$/.test(written) ? Number(written) : Number.NaN;
  const type = max === INT16_MAX ? 'Short' : 'Integer';
  if (!(Math.abs(number) <= max)) throw cannotRead(type, value, `not a valid \`${type}\` value`);
  return number;
}

function flagOf(value: JsonValue | undefined): boolean {
  if (isAbsent(value)) return false;
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'false') return value === 'true';
  throw cannotRead('Boolean', value, 'only "true" or "false" recognized');
}

function cannotRead(type: string, value: JsonValue | undefined, why: string): RestError {
  const shown = writeJson(value ?? null).slice(0, MAX_SHOWN);
  return new RestError(BAD_REQUEST, `Cannot deserialize value of type \`${type}\` from ${shown}: ${why}`);
}

function refuseNull(type: string, name: string): never {
  throw new RestError(BAD_REQUEST, `Cannot construct instance of \`${type}\`, problem: Null ${name}`);
}

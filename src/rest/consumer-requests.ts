/**
 * @pure Bodies of requests to consumer instances, as kafka-rest's entities take them.
 *
 * Guarantees: what comes out is whole and of the right type; the number of partitions in a request is bounded.
 */
import type { GroupOffset } from '../client/group-admin.ts';
import type { OffsetQuestion } from '../client/offset-lookup.ts';
import { invalidTopicName } from '../model/topic-names.ts';
import type { TopicPartition } from '../model/topic-partition.ts';
import type { PartitionPlace } from './consumer-state.ts';
import { badRequest, invalidTopic, partitionNotFound, unprocessable } from './rest-errors.ts';

export interface SubscriptionRequest {
  readonly topics: readonly string[] | null;
  readonly pattern: string | null;
}

export interface SeekRequest {
  readonly places: readonly PartitionPlace[];
  readonly times: readonly OffsetQuestion[];
}

const MAX_ENTRIES = 10_000;
const MAX_INT = 0x7fff_ffff;
/** Of one offset. The coordinator has a smaller limit by its configuration. */
const MAX_METADATA_LENGTH = 32_767;
/** In seconds this is the year 5138: a larger number is meant as milliseconds. */
const MAX_SECONDS = 1e11;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$/;

type Fields = ReadonlyMap<string, unknown>;

/** @throws RestError */
export function subscriptionRequest(body: unknown): SubscriptionRequest {
  const fields = fieldsOf(body, ['topics', 'topic_pattern']);
  const topics = fields.get('topics') ?? null;
  const pattern = fields.get('topic_pattern') ?? null;
  if (pattern !== null && typeof pattern !== 'string') throw badRequest('topic_pattern is not a string.');
  return { topics: topics === null ? null : entriesOf(topics, 'topics').map(topicNameOf), pattern };
}

/** @throws RestError */
export function partitionsRequest(body: unknown): readonly TopicPartition[] {
  const fields = fieldsOf(body, ['partitions']);
  return entriesOf(fields.get('partitions') ?? [], 'partitions').map((entry) =>
    partitionOf(fieldsOf(entry, ['topic', 'partition'])),
  );
}

/** Partitions to look up: without any, there are none to be found. @throws RestError 40402 */
export function committedRequest(body: unknown): readonly TopicPartition[] {
  if (body === null || body === undefined) throw partitionNotFound();
  return partitionsRequest(body);
}

/**
 * Offsets to commit, null for all that is consumed. The request names the last records that were processed; the next
 * ones are committed.
 * @throws RestError
 */
export function commitRequest(body: unknown): readonly GroupOffset[] | null {
  if (body === null || body === undefined) return null;
  const offsets = fieldsOf(body, ['offsets']).get('offsets') ?? null;
  if (offsets === null) return null;
  return entriesOf(offsets, 'offsets').map((entry) => {
    const fields = fieldsOf(entry, ['topic', 'partition', 'offset', 'metadata']);
    return { ...partitionOf(fields), offset: offsetOf(fields) + 1, metadata: metadataOf(fields) };
  });
}

/** @throws RestError */
export function seekRequest(body: unknown): SeekRequest {
  const fields = fieldsOf(body, ['offsets', 'timestamps']);
  return {
    places: entriesOf(fields.get('offsets') ?? [], 'offsets').map((entry) => {
      const place = fieldsOf(entry, ['topic', 'partition', 'offset', 'metadata']);
      metadataOf(place);
      return { ...partitionOf(place), start: offsetOf(place) };
    }),
    times: entriesOf(fields.get('timestamps') ?? [], 'timestamps').map((entry) => {
      const time = fieldsOf(entry, ['topic', 'partition', 'timestamp', 'metadata']);
      metadataOf(time);
      return { ...partitionOf(time), timestampMs: timestampOf(time.get('timestamp')) };
    }),
  };
}

function fieldsOf(value: unknown, known: readonly string[]): Fields {
  if (value === null || value === undefined) throw unprocessable('Null input provided. Data is required.');
  if (typeof value !== 'object' || Array.isArray(value)) throw badRequest(`${show(value)} is not an object.`);
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const name of fields.keys()) if (!known.includes(name)) throw unprocessable(`Unrecognized field: ${name}`);
  return fields;
}

function entriesOf(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw badRequest(`${name} is not an array.`);
  if (value.length > MAX_ENTRIES) throw unprocessable(`${name} may have at most ${MAX_ENTRIES} entries`);
  return value;
}

function topicNameOf(value: unknown): string {
  if (typeof value !== 'string') throw badRequest(`topic=${show(value)} is not a string.`);
  const reason = invalidTopicName(value);
  if (reason !== null) throw invalidTopic(reason);
  return value;
}

function partitionOf(fields: Fields): TopicPartition {
  const topic = topicNameOf(fields.get('topic') ?? null);
  return { topic, partition: wholeNumber(fields.get('partition'), 'partition', MAX_INT) };
}

function offsetOf(fields: Fields): number {
  return wholeNumber(fields.get('offset'), 'offset', Number.MAX_SAFE_INTEGER - 1);
}

/** As a number or, as Jackson takes it, in a string. */
function wholeNumber(value: unknown, name: string, max: number): number {
  const number = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number))
    throw badRequest(`${name}=${show(value)} is not a number.`);
  if (number < 0) throw unprocessable(`${name} must be greater than or equal to 0`);
  if (number > max) throw unprocessable(`${name} must be less than or equal to ${max}`);
  return number;
}

function metadataOf(fields: Fields): string {
  const metadata = fields.get('metadata') ?? '';
  if (typeof metadata !== 'string') throw badRequest('metadata is not a string.');
  if (metadata.length > MAX_METADATA_LENGTH) throw unprocessable('metadata is too long');
  return metadata;
}

/** An instant in ISO-8601 or, as Jackson writes it, in seconds since 1970; milliseconds come out. */
function timestampOf(value: unknown): number {
  if (typeof value === 'string' && INSTANT.test(value)) {
    const timestampMs = Date.parse(value.replace(',', '.'));
    if (timestampMs >= 0) return timestampMs;
  }
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !(number >= 0) || number > Number.MAX_SAFE_INTEGER)
    throw badRequest(`timestamp=${show(value)} is not an instant.`);
  return Math.floor(number > MAX_SECONDS ? number : number * 1000);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

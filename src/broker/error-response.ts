/**
 * @pure "All of it failed", derived from a message's declaration, so that every API has an answer for a fault without
 * writing one: errors at every level that has an `errorCode`, and one entry for each thing the request asked about.
 *
 * An array of the response mirrors an array of the request when both hold structs that share a naming field (Kafka's
 * own getErrorResponse methods do the same by hand); else it is empty. Errors always stand at the outermost level that
 * can carry them and, below it, in every mirrored entry.
 */
import { type ErrorName, Errors } from '../protocol/errors.ts';
import type { Api, Field, Fields, ResponseOf } from '../protocol/schema.ts';
import { inRange } from '../protocol/versions.ts';

/** The fields by which requests and responses name the same thing. */
const NAMING_FIELDS: ReadonlySet<string> = new Set([
  'name',
  'topic',
  'topicName',
  'topicId',
  'partition',
  'partitionIndex',
  'index',
  'partitionId',
  'resourceType',
  'resourceName',
  'groupId',
  'memberId',
  'key',
]);

interface Failure {
  readonly errorCode: number;
  readonly message: string | null;
  readonly version: number;
}

export function deriveErrorResponse<A extends Api>(
  api: A,
  version: number,
  request: unknown,
  error: ErrorName,
  message: string | null,
): ResponseOf<A> {
  const failure: Failure = { errorCode: Errors[error], message, version };
  return fill(api.response, api.request, isRecord(request) ? request : {}, failure) as ResponseOf<A>;
}

function fill(
  response: Fields,
  requestFields: Fields,
  request: Record<string, unknown>,
  failure: Failure,
): Record<string, unknown> {
  const filled: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(response)) {
    if (!inRange(field.options.versions, failure.version)) filled[name] = undefined;
    else if (name === 'errorCode') filled[name] = failure.errorCode;
    else if (name === 'errorMessage') filled[name] = failure.message;
    else if (field.kind === 'array') filled[name] = mirrored(field, requestFields, request, failure);
    else if (NAMING_FIELDS.has(name) && request[name] !== undefined) filled[name] = request[name];
    else if (field.kind === 'struct' && isRequired(field)) filled[name] = fill(field.fields ?? {}, {}, {}, failure);
    // What is missing below is not on the wire in this version or has a default.
    if (filled[name] === undefined && isRequired(field))
      filled[name] = isNullable(field, failure.version) ? null : field.zero;
  }
  return filled;
}

function mirrored(
  field: Field,
  requestFields: Fields,
  request: Record<string, unknown>,
  failure: Failure,
): readonly unknown[] {
  const element = field.element?.fields ?? null;
  if (element === null || !carriesError(element)) return [];
  for (const [name, candidate] of Object.entries(requestFields)) {
    const asked = request[name];
    if (candidate.element === null || !Array.isArray(asked) || asked.length === 0) continue;
    const askedFields = candidate.element.fields;
    if (askedFields === null) {
      // A plain list of names or numbers, such as the partitions of a topic.
      const namingField = namingFieldOf(element, candidate.element);
      if (namingField === null) continue;
      return asked.map((item: unknown) => fill(element, {}, { [namingField]: item }, failure));
    }
    if (!sharesName(element, askedFields)) continue;
    return asked.map((item: unknown) => fill(element, askedFields, isRecord(item) ? item : {}, failure));
  }
  return [];
}

function carriesError(fields: Fields): boolean {
  return Object.entries(fields).some(
    ([name, field]) => name === 'errorCode' || (field.element?.fields != null && carriesError(field.element.fields)),
  );
}

function sharesName(one: Fields, other: Fields): boolean {
  return Object.keys(one).some((name) => NAMING_FIELDS.has(name) && other[name] !== undefined);
}

/** The naming field of the entry that can hold an element of the list. */
function namingFieldOf(entry: Fields, listed: Field): string | null {
  const found = Object.entries(entry).find(([name, { kind }]) => NAMING_FIELDS.has(name) && kind === listed.kind);
  return found?.[0] ?? null;
}

function isRequired(field: Field): boolean {
  return field.options.default === undefined && field.options.tag === undefined;
}

function isNullable({ options }: Field, version: number): boolean {
  return options.nullable !== undefined && inRange(options.nullable, version);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

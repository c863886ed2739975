/**
 * A few records produced together in v3 of the REST Proxy, each under an id that the client gives it (kafka-rest's
 * ProduceBatchAction).
 *
 * Guarantees: a batch that is not well formed is refused as a whole and nothing of it is written; otherwise every entry
 * is either among the successes or among the failures, in the order of the request.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { isJsonArray, isJsonObject, type JsonValue } from '../registry/json-text.ts';
import { parseJsonBodyInSteps } from './json-body.ts';
import { refusedBody, RestError, unprocessable } from './rest-errors.ts';
import { type ErrorReport, errorReportOf, faultReport, placeReport } from './stream-produce-report.ts';
import { type RecordOfStream, recordOf } from './stream-produce-request.ts';
import type { StreamedRecords } from './streamed-records.ts';
import { inTurns } from './turns.ts';

export interface BatchReport {
  readonly successes: readonly object[];
  readonly failures: readonly Failure[];
}

export interface BatchTools {
  readonly records: StreamedRecords;
  readonly logger: Logger;
  readonly clock: Clock;
}

type Failure = ErrorReport & { readonly id: string };
type FailureReport = (id: string, error: unknown) => Failure;

/** What becomes of an entry. */
interface Begun {
  readonly report: Promise<object>;
}

interface Entry {
  readonly id: string;
  readonly record: RecordOfStream | RestError;
}

export const MAX_ENTRIES = 10;
const ID = /^[\w-]{1,80}$/;
const BATCH_ERROR = 42208;
const NOT_FOUND = 404;

/**
 * Hands the entries on, one after the other, so that their order is kept.
 * @param onValues is told how many values of JSON are in memory; what it throws ends the work
 * @throws RestError when the batch as a whole is refused
 */
export async function beginBatch(
  { records, logger, clock }: BatchTools,
  topic: string,
  body: string,
  onValues: (count: number) => void,
): Promise<readonly Begun[]> {
  const entries = await inTurns(clock, parseBatch(body), onValues);
  const failureReport: FailureReport = (id, error) => {
    const report = errorReportOf(error);
    if (report === null) logger.error(`An entry for ${topic} could not be produced`, error);
    return { id, ...(report ?? faultReport()) };
  };
  const begun: Begun[] = [];
  for (const entry of entries) begun.push(await begin(records, topic, entry, failureReport));
  return begun;
}

/** All are waited for together. */
export async function endBatch(begun: readonly Begun[]): Promise<BatchReport> {
  const told = await Promise.all(begun.map(({ report }) => report));
  const isFailure = (report: object): report is Failure => 'error_code' in report;
  return { successes: told.filter((report) => !isFailure(report)), failures: told.filter(isFailure) };
}

function* parseBatch(body: string): Generator<number, readonly Entry[], undefined> {
  if (body.trim() === '') throw refused('Request body is empty. Data is required.');
  const batch = yield* parseJsonBodyInSteps(body);
  if (!isJsonObject(batch)) throw refusedBody('Cannot deserialize value of type `ProduceBatchRequest`');
  for (const name of batch.keys()) if (name !== 'entries') throw unprocessable(`Unrecognized field: ${name}`);
  const written = batch.get('entries') ?? [];
  if (!isJsonArray(written)) throw refusedBody("Cannot deserialize 'entries': it is not an array");
  const entries = written.map(entryOf);
  if (new Set(entries.map(({ id }) => id)).size < entries.length) throw refused('Batch entry IDs are not distinct.');
  if (entries.length === 0) throw refused('Empty batch.');
  if (entries.length > MAX_ENTRIES) throw refused('Too many entries in batch.');
  return entries;
}

function entryOf(json: JsonValue): Entry {
  const id = isJsonObject(json) ? json.get('id') : undefined;
  if (typeof id !== 'string' || !ID.test(id)) throw refused('Batch entry identifier is not a valid string.');
  try {
    return { id, record: recordOf(json, 'id') };
  } catch (error) {
    // A partition that cannot be is the entry's own affair; what cannot be read is that of the whole.
    if (!(error instanceof RestError) || error.status !== NOT_FOUND) throw error;
    return { id, record: error };
  }
}

/** The report comes later; it is in an object, since a promise of a promise would be waited for. */
async function begin(
  records: StreamedRecords,
  topic: string,
  { id, record }: Entry,
  failureReport: FailureReport,
): Promise<Begun> {
  if (record instanceof RestError) return { report: Promise.resolve(failureReport(id, record)) };
  try {
    const { done } = await records.begin(topic, record);
    const report = done.then(
      (written) => ({ id, ...placeReport(written) }),
      (error: unknown) => failureReport(id, error),
    );
    return { report };
  } catch (error) {
    return { report: Promise.resolve(failureReport(id, error)) };
  }
}

function refused(message: string): RestError {
  return new RestError(BATCH_ERROR, message);
}

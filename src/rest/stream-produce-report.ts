/** @pure What v3 of the REST Proxy says of a record that it was given (kafka-rest's ProduceResponse, ErrorResponse). */
import type { RecordPlace } from '../client/batch-queue.ts';
import { type RestError, restErrorOf } from './rest-errors.ts';
import type { RegisteredSchema } from './schema-lookup.ts';

/** Of a key or a value that was written. */
export interface WrittenData {
  readonly type: string;
  readonly schema: RegisteredSchema | null;
  /** -1 for null. */
  readonly size: number;
}

export interface WrittenRecord {
  readonly clusterId: string;
  readonly topic: string;
  readonly place: RecordPlace;
  readonly key: WrittenData | null;
  readonly value: WrittenData | null;
}

export interface ErrorReport {
  readonly error_code: number;
  readonly message: string;
}

type Json = { readonly [name: string]: unknown };

const UNPROCESSABLE = 422;
const FAULT: ErrorReport = { error_code: 500, message: 'Internal Server Error' };

export function successReport(written: WrittenRecord): Json {
  return { error_code: 200, ...placeReport(written) };
}

/** Without a code, as an entry of a batch has it. */
export function placeReport({ clusterId, topic, place, key, value }: WrittenRecord): Json {
  const { partition, offset, timestampMs } = place;
  return {
    cluster_id: clusterId,
    topic_name: topic,
    partition_id: partition,
    offset,
    ...(timestampMs < 0 ? {} : { timestamp: instantText(timestampMs) }),
    ...(key === null ? {} : { key: dataReport(key) }),
    ...(value === null ? {} : { value: dataReport(value) }),
  };
}

/** Null for a fault of ours that nobody expects. */
export function errorReportOf(error: unknown): ErrorReport | null {
  const refusal = restErrorOf(error);
  return refusal === null ? null : refusalReport(refusal);
}

export function faultReport(): ErrorReport {
  return FAULT;
}

/** Within streams a status of 422 keeps its finer code in the words; and all is said in one line. */
function refusalReport({ status, code, message }: RestError): ErrorReport {
  const line = message.split('\n', 1)[0]?.trim() ?? '';
  return status === UNPROCESSABLE
    ? { error_code: status, message: `Error: ${code} : ${line}` }
    : { error_code: code, message: line };
}

function dataReport({ type, schema, size }: WrittenData): Json {
  if (schema === null) return { type, size };
  return { type, subject: schema.subject, schema_id: schema.id, schema_version: schema.version, size };
}

/** As Java's Instant writes itself: without a fraction of zero. */
function instantText(timestampMs: number): string {
  return new Date(timestampMs).toISOString().replace('.000Z', 'Z');
}

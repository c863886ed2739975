/**
 * Produces what a client of v2 posts (kafka-rest's AbstractProduceAction): schemas first, then all records are made,
 * and when that went well all are written.
 *
 * Guarantees: nothing is written when one of the records cannot be made; the answer tells of each record, in their
 * order, where it got to or why not; long requests let others in between.
 */
import type { Clock } from '../lib/clock.ts';
import type { JsonValue } from '../registry/json-text.ts';
import { encodeAvro, encodeBinary, encodeJson, type FormatName } from './embedded-format.ts';
import type { ProduceRequest, SchemaChoice } from './produce-request.ts';
import type { RecordWriter } from './record-writer.ts';
import { keySchemaMissing, recordErrorCode, type RestError, valueSchemaMissing } from './rest-errors.ts';
import type { RegisteredSchema, SchemaLookup } from './schema-lookup.ts';

export interface ProductionTools {
  readonly writer: Pick<RecordWriter, 'write'>;
  readonly schemas: SchemaLookup;
  readonly clock: Clock;
}

export interface ProducedRecord {
  readonly partition: number | null;
  readonly offset: number | null;
  readonly error_code: number | null;
  readonly error: string | null;
}

export interface ProduceResponse {
  readonly offsets: readonly ProducedRecord[];
  readonly key_schema_id: number | null;
  readonly value_schema_id: number | null;
}

interface MadeRecord {
  readonly partition: number | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestampMs: number;
}

/** What the cluster did not say, and no client shall hear. */
interface Fault {
  readonly fault: unknown;
}

type Encode = (data: JsonValue) => Buffer | null;

/** After how many bytes others get their turn. */
const TURN_BYTES = 512 * 1024;
const TURN_RECORDS = 1000;

/**
 * @param partition where records go that do not say it themselves; null leaves it to their keys
 * @throws RestError when the request as a whole is refused
 */
export async function produce(
  tools: ProductionTools,
  format: FormatName,
  topic: string,
  partition: number | null,
  request: ProduceRequest,
): Promise<ProduceResponse> {
  const [keySchema, valueSchema] =
    format === 'avro'
      ? await Promise.all([
          registered(tools.schemas, `${topic}-key`, request.keySchema),
          registered(tools.schemas, `${topic}-value`, request.valueSchema),
        ])
      : [null, null];
  const encodeKey = encoderOf(format, keySchema, keySchemaMissing);
  const encodeValue = encoderOf(format, valueSchema, valueSchemaMissing);
  const records = await make(tools.clock, partition, request, encodeKey, encodeValue);
  const offsets = await writeAll(tools, topic, records);
  return { offsets, key_schema_id: keySchema?.id ?? null, value_schema_id: valueSchema?.id ?? null };
}

/** That of HTTP: 200 also when records failed, unless that was for want of rights. */
export function statusOf({ offsets }: ProduceResponse): number {
  for (const { error_code: code } of offsets) {
    const status = Math.floor((code ?? 0) / 100);
    if (status === 401 || status === 403) return status;
  }
  return 200;
}

async function registered(
  schemas: SchemaLookup,
  subject: string,
  choice: SchemaChoice | null,
): Promise<RegisteredSchema | null> {
  if (choice === null) return null;
  return 'id' in choice ? schemas.ofSubject(subject, choice.id) : schemas.ofText(subject, choice.text);
}

function encoderOf(format: FormatName, schema: RegisteredSchema | null, missing: () => RestError): Encode {
  if (format === 'binary') return encodeBinary;
  if (format === 'json') return encodeJson;
  return (data) => {
    if (schema !== null) return encodeAvro(data, schema);
    if (data !== null) throw missing();
    return null;
  };
}

async function make(
  clock: Clock,
  partition: number | null,
  { records }: ProduceRequest,
  encodeKey: Encode,
  encodeValue: Encode,
): Promise<MadeRecord[]> {
  const made: MadeRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const [key, value] = [encodeKey(record.key), encodeValue(record.value)];
    made.push({ partition: record.partition ?? partition, key, value, timestampMs: clock.nowMs() });
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
    if (bytes < TURN_BYTES && made.length % TURN_RECORDS !== 0) continue;
    bytes = 0;
    await new Promise<void>((resolve) => clock.soon(resolve));
  }
  return made;
}

/** All are given to the producer before the first has arrived; others get their turn in between. */
async function writeAll(
  { writer, clock }: ProductionTools,
  topic: string,
  records: readonly MadeRecord[],
): Promise<ProducedRecord[]> {
  const writes: Promise<ProducedRecord | Fault>[] = [];
  for (const record of records) {
    writes.push(produced(writer, topic, record));
    if (writes.length % TURN_RECORDS === 0) await new Promise<void>((resolve) => clock.soon(resolve));
  }
  const outcomes = await Promise.all(writes);
  return outcomes.map((outcome) => {
    if ('fault' in outcome) throw outcome.fault;
    return outcome;
  });
}

/** Never rejects: nobody listens before all have been given. */
async function produced(
  writer: ProductionTools['writer'],
  topic: string,
  record: MadeRecord,
): Promise<ProducedRecord | Fault> {
  try {
    const { partition, offset } = await writer.write(topic, record);
    return { partition, offset, error_code: null, error: null };
  } catch (error) {
    const code = recordErrorCode(error);
    if (code === null || !(error instanceof Error)) return { fault: error };
    return { partition: null, offset: null, error_code: code, error: error.message };
  }
}

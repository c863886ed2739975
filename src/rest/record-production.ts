/**
 * Produces what a client of v2 posts (kafka-rest's AbstractProduceAction): schemas first, then all records are made,
 * and when that went well all are written.
 *
 * Guarantees: nothing is written when one of the records cannot be made; the answer tells of each record, in their
 * order, where it got to or why not; long requests let others in between, and have so many records under way at once;
 * where the cluster does not answer in time, what is left is not tried any more.
 */
import { ApiError } from '../client/api-error.ts';
import type { Clock } from '../lib/clock.ts';
import type { JsonValue } from '../registry/json-text.ts';
import { encodeAvro, encodeBinary, encodeJson, type FormatName } from './embedded-format.ts';
import { parseProduceRequest, type ProduceRequest, type SchemaChoice } from './produce-request.ts';
import type { RecordWriter } from './record-writer.ts';
import { keySchemaMissing, recordErrorCode, type RestError, valueSchemaMissing } from './rest-errors.ts';
import type { RegisteredSchema, SchemaLookup } from './schema-lookup.ts';
import { inTurns } from './turns.ts';

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

/** What a client posts: records in a format, for a topic. */
export interface PostedRecords {
  readonly format: FormatName;
  readonly topic: string;
  /** Where records go that do not say it themselves; null leaves it to their keys. */
  readonly partition: number | null;
  /** JSON. */
  readonly body: string;
}

/** Records as bytes. */
export interface MadeRecords {
  readonly records: readonly MadeRecord[];
  readonly keySchemaId: number | null;
  readonly valueSchemaId: number | null;
}

export interface MadeRecord {
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
/** Of one request. A record on its way is a kilobyte of objects, however small it is. */
const MAX_UNDER_WAY = 5000;
/** Whoever fails so late has waited for the cluster; a partition that is not there is known sooner. */
const EXPIRED_MS = 10_000;

/**
 * @param onValues is told how many values of JSON are in memory; what it throws ends the work
 * @throws RestError when the request as a whole is refused
 */
export async function makeRecords(
  { schemas, clock }: ProductionTools,
  { format, topic, partition, body }: PostedRecords,
  onValues: (count: number) => void,
): Promise<MadeRecords> {
  const request = await inTurns(clock, parseProduceRequest(body), (count) => {
    if (count !== null) onValues(count);
  });
  const [keySchema, valueSchema] =
    format === 'avro'
      ? await Promise.all([
          registered(schemas, `${topic}-key`, request.keySchema),
          registered(schemas, `${topic}-value`, request.valueSchema),
        ])
      : [null, null];
  const encodeKey = encoderOf(format, keySchema, keySchemaMissing);
  const encodeValue = encoderOf(format, valueSchema, valueSchemaMissing);
  const records = await make(clock, partition, request, encodeKey, encodeValue);
  return { records, keySchemaId: keySchema?.id ?? null, valueSchemaId: valueSchema?.id ?? null };
}

export async function writeRecords(
  tools: ProductionTools,
  topic: string,
  { records, keySchemaId, valueSchemaId }: MadeRecords,
): Promise<ProduceResponse> {
  const offsets = await new RecordWrites(tools, topic).write(records);
  return { offsets, key_schema_id: keySchemaId, value_schema_id: valueSchemaId };
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

/** The writes of one request. */
class RecordWrites {
  readonly #tools: ProductionTools;
  readonly #topic: string;
  readonly #outcomes: (ProducedRecord | Fault)[] = [];
  #underWay = 0;
  /** Called when there is room for more, or at the end of all. */
  #resume: (() => void) | null = null;
  /** The cluster did not answer in time. */
  #expired: ProducedRecord | null = null;

  constructor(tools: ProductionTools, topic: string) {
    this.#tools = tools;
    this.#topic = topic;
  }

  /** Rejects with the first fault of ours when all have ended. */
  async write(records: readonly MadeRecord[]): Promise<readonly ProducedRecord[]> {
    const { clock } = this.#tools;
    for (const [index, record] of records.entries()) {
      if (this.#expired !== null) {
        this.#outcomes[index] = this.#expired;
        continue;
      }
      this.#underWay++;
      void this.#begin(index, record);
      if (this.#underWay >= MAX_UNDER_WAY) await this.#whenUnderWay(MAX_UNDER_WAY / 2);
      else if ((index + 1) % TURN_RECORDS === 0) await new Promise<void>((resolve) => clock.soon(resolve));
    }
    await this.#whenUnderWay(0);
    return this.#outcomes.map((outcome) => {
      if ('fault' in outcome) throw outcome.fault;
      return outcome;
    });
  }

  /** No more than so many. */
  async #whenUnderWay(count: number): Promise<void> {
    while (this.#underWay > count)
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
  }

  /** Never rejects: what became of the record is among the outcomes. */
  async #begin(index: number, record: MadeRecord): Promise<void> {
    const { clock, writer } = this.#tools;
    const sinceMs = clock.monotonicMs();
    try {
      const { partition, offset } = await writer.write(this.#topic, record);
      this.#outcomes[index] = { partition, offset, error_code: null, error: null };
    } catch (error) {
      const failure = failureOf(error);
      this.#outcomes[index] = failure ?? { fault: error };
      const isExpired = error instanceof ApiError && error.exception === 'TimeoutException';
      if (isExpired && clock.monotonicMs() - sinceMs >= EXPIRED_MS) this.#expired = failure;
    }
    this.#underWay--;
    this.#resume?.();
  }
}

/** Null for a fault of ours. */
function failureOf(error: unknown): ProducedRecord | null {
  const code = recordErrorCode(error);
  if (code === null || !(error instanceof Error)) return null;
  return { partition: null, offset: null, error_code: code, error: error.message };
}

/**
 * Makes and writes single records for v3 of the REST Proxy: bytes by type or by a schema of the registry (kafka-rest's
 * SchemaManager and RecordSerializer).
 *
 * Guarantees: records are handed on in the order in which begin() resolved; what is refused was not written.
 */
import type { Clock } from '../lib/clock.ts';
import { type AvroNode, fullName, isNamed } from '../registry/avro-node.ts';
import { AvroSchemaError } from '../registry/avro-parser.ts';
import { parseAvroSchema } from '../registry/avro-schema.ts';
import { RegistryError } from '../registry/registry-errors.ts';
import { encodeAvro, encodeBinary, encodeJson, encodeString } from './embedded-format.ts';
import type { RecordWriter } from './record-writer.ts';
import { badRequest, invalidSchema, serializationFailed } from './rest-errors.ts';
import type { RegisteredSchema, SchemaLookup } from './schema-lookup.ts';
import type { WrittenData, WrittenRecord } from './stream-produce-report.ts';
import type { DataOfRecord, PlainType, RecordOfStream, SchemaOfRecord } from './stream-produce-request.ts';

export interface StreamedRecordsOptions {
  readonly clusterId: string;
  readonly writer: Pick<RecordWriter, 'write'>;
  readonly schemas: SchemaLookup;
  readonly clock: Clock;
}

/** A record that was handed on. */
export interface Writing {
  /** @throws ApiError, ConnectionError or RestError: what became of it instead */
  readonly done: Promise<WrittenRecord>;
}

interface Made {
  readonly bytes: Buffer | null;
  /** Null where there is no key, or no value. */
  readonly written: WrittenData | null;
}

type Part = 'key' | 'value';

const ENCODERS = { BINARY: encodeBinary, JSON: encodeJson, STRING: encodeString } as const satisfies Record<
  PlainType,
  unknown
>;
const NOTHING: Made = { bytes: null, written: null };

export class StreamedRecords {
  readonly #options: StreamedRecordsOptions;

  constructor(options: StreamedRecordsOptions) {
    this.#options = options;
  }

  /** Resolves when the record has its place among those that are to be written. @throws RestError */
  async begin(topic: string, record: RecordOfStream): Promise<Writing> {
    const key = await this.#make(topic, 'key', record.key);
    const value = await this.#make(topic, 'value', record.value);
    return { done: this.#write(topic, record, key, value) };
  }

  async #write(topic: string, { partition, headers, timestampMs }: RecordOfStream, key: Made, value: Made) {
    const { writer, clock, clusterId } = this.#options;
    const record = { partition, key: key.bytes, value: value.bytes, headers };
    const place = await writer.write(topic, { ...record, timestampMs: timestampMs ?? clock.nowMs() });
    return { clusterId, topic, place, key: key.written, value: value.written };
  }

  async #make(topic: string, part: Part, data: DataOfRecord | null): Promise<Made> {
    if (data === null) return NOTHING;
    if (data.type !== null) return made(ENCODERS[data.type](data.data), data.type, null);
    const schema = await this.#schema(topic, part, data.schema);
    return made(encodeAvro(data.data, schema), 'AVRO', schema);
  }

  async #schema(topic: string, part: Part, { subject, strategy, choice }: SchemaOfRecord): Promise<RegisteredSchema> {
    const { schemas } = this.#options;
    const usual = `${topic}-${part}`;
    const named = subject ?? (strategy === null || strategy === 'TOPIC_NAME' ? usual : null);
    if ('version' in choice) {
      if (named === null)
        throw badRequest(`Cannot use schema_subject_strategy=${strategy} without schema_id or schema.`);
      return schemas.atVersion(named, choice.version);
    }
    const ofRecord = (root: AvroNode): string => {
      const record = recordName(root, part);
      return strategy === 'RECORD_NAME' ? record : `${topic}-${record}`;
    };
    if ('id' in choice) return schemas.ofSubject(named ?? ofRecord(await this.#rootOf(choice.id)), choice.id);
    if (choice.type !== 'AVRO') throw badRequest(`Raw schema not supported with format = ${choice.type}`);
    return schemas.ofText(named ?? ofRecord(rootOf(choice.text)), choice.text);
  }

  async #rootOf(id: number): Promise<AvroNode> {
    try {
      return (await this.#options.schemas.byId(id)).root;
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      throw serializationFailed(`Error when fetching schema by id. schemaId = ${id}`);
    }
  }
}

function made(bytes: Buffer | null, type: string, schema: RegisteredSchema | null): Made {
  return { bytes, written: { type, schema, size: bytes?.length ?? -1 } };
}

function rootOf(text: string): AvroNode {
  try {
    return parseAvroSchema(text, [], { isNew: true, isNormalized: false }).root;
  } catch (error) {
    if (!(error instanceof AvroSchemaError)) throw error;
    throw invalidSchema(`Error when parsing raw schema. format = AVRO, schema = ${text}`);
  }
}

function recordName(root: AvroNode, part: Part): string {
  if (isNamed(root) && root.type === 'record') return fullName(root.name);
  const strategy = `${part}.subject.name.strategy = io.confluent.kafka.serializers.subject.RecordNameStrategy`;
  throw serializationFailed(`In configuration ${strategy}, the message ${part} must only be a record schema`);
}

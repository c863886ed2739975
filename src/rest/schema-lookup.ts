/**
 * The Schema Registry as the REST Proxy uses it (kafka-rest's SchemaManager over CachedSchemaRegistryClient): schemas
 * by id, and those that a record is written with, by id, version or text under a subject.
 *
 * Guarantees: a bounded number of answers is kept. What an id stands for never changes and is kept as long as there is
 * room; what a subject has may change and is asked again after half a minute.
 */
import type { Clock } from '../lib/clock.ts';
import type { AvroNode } from '../registry/avro-node.ts';
import { AvroSchemaError } from '../registry/avro-parser.ts';
import { type AvroSchema, parseAvroSchema } from '../registry/avro-schema.ts';
import { RegistryError } from '../registry/registry-errors.ts';
import { badRequest, invalidSchema, serializationFailed } from './rest-errors.ts';

/** A schema that bytes are read or written with. */
export interface DatumSchema {
  readonly id: number;
  readonly root: AvroNode;
}

/** The place of a schema under a subject. */
export interface RegisteredSchema extends DatumSchema {
  readonly subject: string;
  readonly version: number;
}

/**
 * Asks the registry in the words of its own HTTP API, wherever its leader is; resolves with the answer's JSON.
 * @throws RegistryError as the registry refuses
 */
export type AskRegistry = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

export interface SchemaLookup {
  /** Of whatever subject, deleted ones included. @throws RegistryError 40403 when there is none */
  byId(id: number): Promise<DatumSchema>;
  /** The same under a subject. @throws RestError 42207 when the subject does not have it */
  ofSubject(subject: string, id: number): Promise<RegisteredSchema>;
  /** @throws RestError 42207 when there is none */
  atVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema>;
  /** Registers the text unless the subject has it. @throws RestError 42205 when it is no schema, 42207 when refused */
  ofText(subject: string, text: string): Promise<RegisteredSchema>;
}

const MAX_KEPT = 1000;
const KEPT_MS = 30_000;
/** Longer texts would be too much to keep a thousand of. */
const MAX_KEPT_TEXT = 64 * 1024;

interface Kept {
  readonly answer: Promise<RegisteredSchema>;
  readonly untilMs: number;
}

export class RegistrySchemas implements SchemaLookup {
  readonly #ask: AskRegistry;
  readonly #clock: Clock;
  readonly #byId = new Map<number, Promise<DatumSchema>>();
  readonly #kept = new Map<string, Kept>();

  constructor(ask: AskRegistry, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  byId(id: number): Promise<DatumSchema> {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const answer = this.#fetchById(id);
    makeRoom(this.#byId);
    this.#byId.set(id, answer);
    // It may be registered yet, or the registry reached.
    answer.catch(() => this.#byId.delete(id));
    return answer;
  }

  ofSubject(subject: string, id: number): Promise<RegisteredSchema> {
    return this.#keep(`id ${id} ${subject}`, async () => {
      const schema = await explaining(this.byId(id), `Error when fetching schema by id. schemaId = ${id}`);
      const told = `Error when fetching schema version. subject = ${subject}, schema id = ${id}`;
      const path = `/schemas/ids/${id}/versions?subject=${encodeURIComponent(subject)}`;
      const places = await explaining(this.#ask('GET', path), told);
      const version = Array.isArray(places) ? numberIn(places.at(-1), 'version') : null;
      if (version === null) throw serializationFailed(`${told}\nSchema not found; error code: 40403`);
      return { ...schema, subject, version };
    });
  }

  atVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema> {
    return this.#keep(`version ${version} ${subject}`, async () => {
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}?format=resolved`;
      const told = `Error when fetching schema by version. subject = ${subject}, version = ${version}`;
      const answer = await explaining(this.#ask('GET', path), told);
      return { ...datumSchemaOf(answer), subject, version: numberIn(answer, 'version') ?? 0 };
    });
  }

  ofText(subject: string, text: string): Promise<RegisteredSchema> {
    const find = (): Promise<RegisteredSchema> => this.#register(subject, text);
    return text.length > MAX_KEPT_TEXT ? find() : this.#keep(`text ${subject} ${text}`, find);
  }

  async #register(subject: string, text: string): Promise<RegisteredSchema> {
    const schema = parseNew(text);
    const told = `Error when registering schema. format = AVRO, subject = ${subject}, schema = ${schema.text}`;
    const place = await explaining(this.#place(subject, schema.text), told);
    const [id, version] = [numberIn(place, 'id'), numberIn(place, 'version')];
    if (id === null || version === null) throw new Error(`the registry answered ${JSON.stringify(place)}`);
    return { id, version, subject, root: schema.root };
  }

  /** Under which version the subject has it: most of the time it does already. */
  async #place(subject: string, schema: string): Promise<unknown> {
    const path = `/subjects/${encodeURIComponent(subject)}`;
    try {
      return await this.#ask('POST', path, { schema });
    } catch (error) {
      if (!(error instanceof RegistryError) || error.status !== 404) throw error;
    }
    await this.#ask('POST', `${path}/versions`, { schema });
    return this.#ask('POST', path, { schema });
  }

  async #fetchById(id: number): Promise<DatumSchema> {
    return { ...datumSchemaOf(await this.#ask('GET', `/schemas/ids/${id}?format=resolved`)), id };
  }

  #keep(key: string, find: () => Promise<RegisteredSchema>): Promise<RegisteredSchema> {
    const nowMs = this.#clock.monotonicMs();
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.untilMs > nowMs) return kept.answer;
    const answer = find();
    this.#kept.delete(key);
    makeRoom(this.#kept);
    this.#kept.set(key, { answer, untilMs: nowMs + KEPT_MS });
    answer.catch(() => {
      if (this.#kept.get(key)?.answer === answer) this.#kept.delete(key);
    });
    return answer;
  }
}

/** The oldest goes. */
function makeRoom<K>(map: Map<K, unknown>): void {
  if (map.size < MAX_KEPT) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

function datumSchemaOf(answer: unknown): DatumSchema {
  const { schema, schemaType } = answer as { schema?: unknown; schemaType?: unknown };
  if (schemaType !== undefined && schemaType !== 'AVRO')
    throw badRequest(`Schema type ${schemaType} is not supported.`);
  if (typeof schema !== 'string') throw new Error('the registry answered without a schema');
  try {
    const { root } = parseAvroSchema(schema, [], { isNew: false, isNormalized: false });
    return { id: numberIn(answer, 'id') ?? 0, root };
  } catch (error) {
    if (!(error instanceof AvroSchemaError)) throw error;
    throw invalidSchema(error.message);
  }
}

function parseNew(text: string): AvroSchema {
  try {
    return parseAvroSchema(text, [], { isNew: true, isNormalized: false });
  } catch (error) {
    if (!(error instanceof AvroSchemaError)) throw error;
    throw invalidSchema(`Error when parsing raw schema. format = AVRO, schema = ${text}`);
  }
}

/** Refusals of the registry under what was to be done, as its Java client tells them; failures of it as they are. */
async function explaining<T>(answer: Promise<T>, told: string): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof RegistryError) || error.status >= 500) throw error;
    throw serializationFailed(`${told}\n${error.message}; error code: ${error.code}`);
  }
}

function numberIn(value: unknown, name: string): number | null {
  const found = typeof value === 'object' && value !== null ? (value as { [name: string]: unknown })[name] : undefined;
  return typeof found === 'number' ? found : null;
}

/**
 * How keys, values and headers of any records are shown to people: by their schema where they have one, else as what
 * their bytes can be read as.
 *
 * Guarantees: whatever the bytes, there is a way to show them; a JSON value is shown as it was written, so that no
 * number loses digits; nothing is shown as text that is no UTF-8.
 */
import type { Buffer } from 'node:buffer';
import type { Clock } from '../lib/clock.ts';
import type { RecordHeader } from '../protocol/records/build.ts';
import { readDatum } from './avro-datum-reader.ts';
import { DatumError } from './avro-datum-writer.ts';
import { avroSchemaId } from './embedded-format.ts';
import { restErrorOf } from './rest-errors.ts';
import type { DatumSchema, SchemaLookup } from './schema-lookup.ts';

export const VIEW_FORMATS = ['avro', 'json', 'string', 'binary'] as const;
export type ViewFormat = (typeof VIEW_FORMATS)[number];

export interface Shown {
  /** Null for a null, which has none. */
  readonly format: ViewFormat | null;
  /** The text of a JSON value; `binary` is base64 in a string. */
  readonly json: string;
}

export interface RecordViewOptions {
  readonly schemas: Pick<SchemaLookup, 'byId'>;
  /** Without one it is not asked, since asking would bring its topic into being. */
  readonly hasRegistry: () => boolean;
  readonly clock: Clock;
}

const AVRO_HEAD_BYTES = 5;
const MAX_MISSING = 1000;
/** A schema that was missing is looked for again after that. */
const MISSING_MS = 10_000;
const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;
const NULL: Shown = { format: null, json: 'null' };

export class RecordView {
  readonly #options: RecordViewOptions;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** Ids without a schema, and until when that is believed. */
  readonly #missing = new Map<number, number>();

  constructor(options: RecordViewOptions) {
    this.#options = options;
  }

  /**
   * Shows key or value. A promise only where a schema has to be asked for; it rejects when the registry cannot be.
   * @param wanted read as this or, where that is impossible, as binary; null for what it seems to be
   */
  show(bytes: Buffer | null, wanted: ViewFormat | null): Shown | Promise<Shown> {
    if (bytes === null) return NULL;
    const id = wanted === null || wanted === 'avro' ? avroSchemaId(bytes) : null;
    if (id === null || id < 0 || !this.#options.hasRegistry()) return this.#showPlain(bytes, wanted);
    return this.#showAvro(bytes, id, wanted);
  }

  /** Text where it is some. */
  showHeader({ key, value }: RecordHeader): string {
    const { format, json } = value === null ? NULL : this.#showPlain(value, 'string');
    return `{"name":${JSON.stringify(key)},"value":${json},"format":${JSON.stringify(format)}}`;
  }

  async #showAvro(bytes: Buffer, id: number, wanted: ViewFormat | null): Promise<Shown> {
    const schema = await this.#schema(id);
    const json = schema === null ? null : datumText(schema, bytes);
    return json === null ? this.#showPlain(bytes, wanted) : { format: 'avro', json };
  }

  async #schema(id: number): Promise<DatumSchema | null> {
    const { schemas, clock } = this.#options;
    if ((this.#missing.get(id) ?? 0) > clock.monotonicMs()) return null;
    try {
      return await schemas.byId(id);
    } catch (error) {
      if (!isForGood(error)) throw error;
      for (const oldest of this.#missing.size < MAX_MISSING ? [] : this.#missing.keys()) {
        this.#missing.delete(oldest);
        break;
      }
      this.#missing.set(id, clock.monotonicMs() + MISSING_MS);
      return null;
    }
  }

  #showPlain(bytes: Buffer, wanted: ViewFormat | null): Shown {
    const text = wanted === 'binary' || wanted === 'avro' ? null : this.#text(bytes);
    if (text !== null && wanted !== 'string' && isJson(text)) return { format: 'json', json: text };
    if (text !== null && wanted !== 'json') return { format: 'string', json: JSON.stringify(text) };
    return { format: 'binary', json: `"${bytes.toString('base64')}"` };
  }

  /** Null when the bytes are no UTF-8. */
  #text(bytes: Buffer): string | null {
    try {
      return this.#decoder.decode(bytes);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return null;
    }
  }
}

/** There is none, or none for Avro: asking again at once is in vain. */
function isForGood(error: unknown): boolean {
  const status = restErrorOf(error)?.status ?? SERVER_ERROR;
  return status >= 400 && status < SERVER_ERROR && status !== REQUEST_TIMEOUT && status !== TOO_MANY_REQUESTS;
}

/** Null when the bytes are none of the schema. */
function datumText({ root }: DatumSchema, bytes: Buffer): string | null {
  try {
    return readDatum(root, bytes, AVRO_HEAD_BYTES);
  } catch (error) {
    if (!(error instanceof DatumError)) throw error;
    return null;
  }
}

function isJson(text: string): boolean {
  // Most texts that are none show it at once, without the price of an exception.
  if (!/^[\s{["\-0-9tfn]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return false;
  }
}

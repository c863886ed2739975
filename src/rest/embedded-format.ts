/**
 * Keys and values of records as they stand in JSON, by format: `binary` is base64, `json` any JSON, `string` (v3 alone)
 * a text in UTF-8, `avro` Avro's JSON encoding, stored as 0x00, the schema's id in four bytes, and Avro's bytes.
 *
 * Requests are read with `parseJson(text, { allowsComments: false })` of registry/json-text.ts, so that no digit is
 * lost; what comes out is a text of JSON, to be put into an answer as it is.
 */
import { Buffer } from 'node:buffer';
import { Writer } from '../protocol/writer.ts';
import { JsonError, type JsonValue, parseJson, writeJson } from '../registry/json-text.ts';
import { readDatum } from './avro-datum-reader.ts';
import { acceptsNull, DatumError, writeDatum } from './avro-datum-writer.ts';
import { badRequest, restErrorOf, unreadable } from './rest-errors.ts';
import type { DatumSchema, SchemaLookup } from './schema-lookup.ts';

/** Of v2. */
export type FormatName = 'binary' | 'json' | 'avro';

const MAGIC_BYTE = 0;
const HEADER_BYTES = 5;
const NO_BASE64 = /[^A-Za-z0-9+/]/;

/** Throws RestError 400. */
export function encodeBinary(data: JsonValue): Buffer | null {
  if (data === null) return null;
  if (typeof data !== 'string') throw badRequest(`data=${writeJson(data)} is not a base64 string.`);
  if (!isBase64(data)) throw badRequest(`data=${writeJson(data)} is not a valid base64 string.`);
  return Buffer.from(data, 'base64');
}

/** With or without what fills it up; a pattern for all of it would exhaust its stack on megabytes. */
function isBase64(text: string): boolean {
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  if (padding > 0 && text.length % 4 !== 0) return false;
  const digits = padding === 0 ? text : text.slice(0, -padding);
  return digits.length % 4 !== 1 && !NO_BASE64.test(digits);
}

export function encodeJson(data: JsonValue): Buffer | null {
  return data === null ? null : Buffer.from(writeJson(data));
}

/** Throws RestError 400. */
export function encodeString(data: JsonValue): Buffer | null {
  if (data === null) return null;
  if (typeof data !== 'string') throw badRequest(`data=${writeJson(data)} is not a string.`);
  return Buffer.from(data);
}

/** Null, where the schema has it, is a record without a value. Throws RestError 400. */
export function encodeAvro(data: JsonValue, { id, root }: DatumSchema): Buffer | null {
  if (data === null && acceptsNull(root)) return null;
  const writer = new Writer();
  writer.int8(MAGIC_BYTE);
  writer.int32(id);
  try {
    writeDatum(root, data, writer);
  } catch (error) {
    if (!(error instanceof DatumError)) throw error;
    throw badRequest(error.message);
  }
  return writer.finish();
}

/**
 * JSON of a record's key or value, `null` when it has none.
 * @throws RestError 40801 when the bytes are not of the format
 */
export async function decodeAs(format: FormatName, bytes: Buffer | null, schemas: SchemaLookup): Promise<string> {
  if (bytes === null) return 'null';
  switch (format) {
    case 'binary':
      return `"${bytes.toString('base64')}"`;
    case 'json':
      return decodeJson(bytes);
    case 'avro':
      return decodeAvro(bytes, schemas);
  }
}

/** Written anew: nothing but JSON comes out, whatever the bytes are. Throws RestError 40801. */
export function decodeJson(bytes: Buffer): string {
  try {
    return writeJson(parseJson(bytes.toString(), { allowsComments: false }));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw unreadable(`Error deserializing JSON message: ${error.message}`);
  }
}

/** Throws RestError 40801. */
export async function decodeAvro(bytes: Buffer, schemas: SchemaLookup): Promise<string> {
  const id = avroSchemaId(bytes);
  if (id === null) throw unreadable('Unknown magic byte!');
  const schema = await schemas.byId(id).catch((error: unknown) => {
    const refusal = restErrorOf(error);
    if (refusal === null) throw error;
    throw unreadable(`Error retrieving Avro schema for id ${id}: ${refusal.message}`);
  });
  try {
    return readDatum(schema.root, bytes, HEADER_BYTES);
  } catch (error) {
    if (!(error instanceof DatumError)) throw error;
    throw unreadable(`Error deserializing Avro message for id ${id}: ${error.message}`);
  }
}

/** What the bytes say that they were written with; null when they say nothing. */
export function avroSchemaId(bytes: Buffer): number | null {
  return bytes.length >= HEADER_BYTES && bytes[0] === MAGIC_BYTE ? bytes.readInt32BE(1) : null;
}

/**
 * @pure Values in Avro's JSON encoding to Avro's bytes, as Avro Java's JsonDecoder takes them: unions are tagged with
 * the branch's name, bytes and fixed are strings with one character for each byte, every field of a record is given
 * (defaults are for readers). Logical types are what they are made of.
 *
 * Guarantees: no digit of a long is lost; what does not fit its type is a DatumError, never something else that does.
 */
import { Buffer } from 'node:buffer';
import type { Writer } from '../protocol/writer.ts';
import { type AvroField, type AvroNode, branchName, fullName, type UnionNode } from '../registry/avro-node.ts';
import { isJsonArray, isJsonObject, JsonNumber, type JsonObject, type JsonValue } from '../registry/json-text.ts';

/** The value is none of the schema, or the bytes are. In Avro Java's words where it has some. */
export class DatumError extends Error {
  override readonly name = 'DatumError';
}

const INT_BITS = 32;
const LONG_BITS = 64;
/** What JSON has no number for; the encoding writes it as a text. */
const NON_FINITE = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** Throws DatumError; what was written until then is for nothing. */
export function writeDatum(node: AvroNode, value: JsonValue, writer: Writer): void {
  switch (node.type) {
    case 'null':
      if (value !== null) throw expected('null', value);
      break;
    case 'boolean':
      if (typeof value !== 'boolean') throw expected('boolean', value);
      writer.int8(value ? 1 : 0);
      break;
    case 'int':
      writer.varint(Number(wholeNumber('int', INT_BITS, value)));
      break;
    case 'long':
      writeLong(wholeNumber('long', LONG_BITS, value), writer);
      break;
    case 'float':
      writeFloat(floatingPoint('float', value), writer);
      break;
    case 'double':
      writeDouble(floatingPoint('double', value), writer);
      break;
    case 'string':
      if (typeof value !== 'string') throw expected('string', value);
      writeSized(Buffer.from(value), writer);
      break;
    case 'bytes':
      writeSized(bytesOf('bytes', value), writer);
      break;
    case 'fixed':
      writeFixed(node.size, value, writer);
      break;
    case 'enum':
      if (typeof value !== 'string') throw expected('enum', value);
      writer.varint(symbolIndex(node.symbols, value, fullName(node.name)));
      break;
    case 'array':
      writeArray(node.items, value, writer);
      break;
    case 'map':
      writeMap(node.values, value, writer);
      break;
    case 'union':
      writeUnion(node, value, writer);
      break;
    case 'record':
      writeRecord(node.fields, value, writer);
      break;
  }
}

/** Whether a record without a value is one of the schema. */
export function acceptsNull(schema: AvroNode): boolean {
  if (schema.type === 'union') return schema.branches.some(({ type }) => type === 'null');
  return schema.type === 'null';
}

function wholeNumber(type: string, bits: number, value: JsonValue): bigint {
  if (!(value instanceof JsonNumber)) throw expected(type, value);
  const isWhole = value.isIntegral || Number.isSafeInteger(Number(value.text));
  if (!isWhole) throw expected(type, value);
  const whole = BigInt(value.isIntegral ? value.text : Number(value.text));
  if (whole !== BigInt.asIntN(bits, whole))
    throw new DatumError(`Numeric value (${value.text}) out of range of ${type}`);
  return whole;
}

function writeLong(value: bigint, writer: Writer): void {
  const number = Number(value);
  if (Number.isSafeInteger(number)) {
    writer.varlong(number);
    return;
  }
  let rest = BigInt.asUintN(LONG_BITS, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  writer.raw(Buffer.from([...bytes, Number(rest)]));
}

function floatingPoint(type: string, value: JsonValue): number {
  const number = value instanceof JsonNumber ? Number(value.text) : NON_FINITE.get(String(value));
  if (number === undefined || (typeof value !== 'string' && !(value instanceof JsonNumber)))
    throw expected(type, value);
  return number;
}

function writeFloat(value: number, writer: Writer): void {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeFloatLE(value);
  writer.raw(bytes);
}

function writeDouble(value: number, writer: Writer): void {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(value);
  writer.raw(bytes);
}

function writeSized(bytes: Buffer, writer: Writer): void {
  writer.varint(bytes.length);
  writer.raw(bytes);
}

/** One byte for each character, which must not be beyond ISO-8859-1. */
function bytesOf(type: string, value: JsonValue): Buffer {
  if (typeof value !== 'string') throw expected(type, value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are all that a byte can be.
  if (!/^[\u0000-\u00ff]*$/.test(value)) throw new DatumError(`Expected ${type}. Got a character beyond one byte`);
  return Buffer.from(value, 'latin1');
}

function writeFixed(size: number, value: JsonValue, writer: Writer): void {
  const bytes = bytesOf('fixed', value);
  if (bytes.length !== size) throw new DatumError(`Expected fixed length ${size}, but got ${bytes.length}`);
  writer.raw(bytes);
}

function symbolIndex(symbols: readonly string[], symbol: string, name: string): number {
  const index = symbols.indexOf(symbol);
  if (index < 0) throw new DatumError(`Unknown symbol in enum ${name}: ${symbol}`);
  return index;
}

function writeArray(items: AvroNode, value: JsonValue, writer: Writer): void {
  if (!isJsonArray(value)) throw expected('array-start', value);
  if (value.length > 0) {
    writer.varint(value.length);
    for (const item of value) writeDatum(items, item, writer);
  }
  writer.varint(0);
}

function writeMap(values: AvroNode, value: JsonValue, writer: Writer): void {
  if (!isJsonObject(value)) throw expected('map-start', value);
  if (value.size > 0) {
    writer.varint(value.size);
    for (const [name, member] of value) {
      writeSized(Buffer.from(name), writer);
      writeDatum(values, member, writer);
    }
  }
  writer.varint(0);
}

function writeUnion({ branches }: UnionNode, value: JsonValue, writer: Writer): void {
  const [label, tagged] = value === null ? ['null', null] : onlyMember(value);
  const index = branches.findIndex((branch) => branchName(branch) === label);
  const branch = branches[index];
  if (branch === undefined) throw new DatumError(`Unknown union branch ${label}`);
  writer.varint(index);
  writeDatum(branch, tagged, writer);
}

function onlyMember(value: JsonValue): readonly [string, JsonValue] {
  const [member] = isJsonObject(value) && value.size === 1 ? value : [];
  if (member === undefined) throw expected('start-union', value);
  return member;
}

/** In any order; what the schema does not know is passed over. */
function writeRecord(fields: readonly AvroField[], value: JsonValue, writer: Writer): void {
  if (!isJsonObject(value)) throw expected('record-start', value);
  for (const { name, aliases, type } of fields) writeDatum(type, fieldOf(value, name, aliases), writer);
}

function fieldOf(record: JsonObject, name: string, aliases: readonly string[]): JsonValue {
  const written = record.has(name) ? name : aliases.find((alias) => record.has(alias));
  const value = written === undefined ? undefined : record.get(written);
  if (value === undefined) throw new DatumError(`Expected field name not found: ${name}`);
  return value;
}

function expected(type: string, value: JsonValue): DatumError {
  return new DatumError(`Expected ${type}. Got ${tokenOf(value)}`);
}

/** As Jackson calls what comes next in the text. */
function tokenOf(value: JsonValue): string {
  if (value === null) return 'VALUE_NULL';
  if (typeof value === 'string') return 'VALUE_STRING';
  if (typeof value === 'boolean') return value ? 'VALUE_TRUE' : 'VALUE_FALSE';
  if (value instanceof JsonNumber) return value.isIntegral ? 'VALUE_NUMBER_INT' : 'VALUE_NUMBER_FLOAT';
  return isJsonArray(value) ? 'START_ARRAY' : 'START_OBJECT';
}

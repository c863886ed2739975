/**
 * @pure Avro's bytes to Avro's JSON encoding, as a text: what kafka-rest's AvroConverter makes of them. Unions are
 * tagged with the branch's name, but for one that is the whole of the value; bytes and fixed are strings with one
 * character for each byte; logical types are what they are made of.
 *
 * Guarantees: no digit of a long is lost; bytes of any kind are read or refused with a DatumError, in time and space
 * that are linear in them.
 */
import type { Buffer } from 'node:buffer';
import { type AvroNode, branchName, type RecordNode, type UnionNode } from '../registry/avro-node.ts';
import { javaDouble } from '../registry/json-text.ts';
import { DatumError } from './avro-datum-writer.ts';

const MAX_DEPTH = 500;
/**
 * Values that take no bytes (null, records of such) could be without end: a list of as many as it says, or records that
 * hold the next one twice each. So many more than there are bytes are read.
 */
const MAX_EMPTY_VALUES = 10_000;
/** Of names, which the schema has and the bytes have not: a field's may be much longer than the field. */
const MAX_NAME_CHARACTERS = 64 * 1024 * 1024;
const MAX_LONG_BYTES = 10;
/** Bytes whose bits fit in a number without rounding. */
const EXACT_BYTES = 7;
const BYTE_FACTOR = 128;
const INT_MIN = -(2 ** 31);
const INT_MAX = 2 ** 31 - 1;
const MAX_FLOAT_DIGITS = 9;

/** The value that begins at `start`, as JSON. What follows it is not looked at. Throws DatumError. */
export function readDatum(schema: AvroNode, bytes: Buffer, start: number): string {
  const reader = new DatumReader(bytes, start);
  // Avro Java does not see that the value came from a union, and tags it no more.
  const node = schema.type === 'union' ? reader.branch(schema) : schema;
  return reader.value(node, 0);
}

class DatumReader {
  readonly #bytes: Buffer;
  #position: number;
  #emptyValues = 0;
  #nameCharacters = 0;

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#position = start;
  }

  value(node: AvroNode, depth: number): string {
    if (depth > MAX_DEPTH) throw new DatumError(`nested more than ${MAX_DEPTH} levels deep`);
    const before = this.#position;
    const text = this.#text(node, depth);
    if (this.#position === before && ++this.#emptyValues > MAX_EMPTY_VALUES + this.#position)
      throw new DatumError(`more than ${MAX_EMPTY_VALUES} values without content`);
    return text;
  }

  #text(node: AvroNode, depth: number): string {
    switch (node.type) {
      case 'null':
        return 'null';
      case 'boolean':
        return this.#take(1)[0] === 0 ? 'false' : 'true';
      case 'int':
        return String(this.#int());
      case 'long':
        return String(this.#long());
      case 'float':
        return floatText(this.#take(4).readFloatLE());
      case 'double':
        return numberText(this.#take(8).readDoubleLE());
      case 'string':
        return JSON.stringify(this.#sized().toString());
      case 'bytes':
        return JSON.stringify(this.#sized().toString('latin1'));
      case 'fixed':
        return JSON.stringify(this.#take(node.size).toString('latin1'));
      case 'enum':
        return this.#name(chosen(node.symbols, this.#int(), 'symbol'));
      case 'array':
        return `[${this.#elements(() => this.value(node.items, depth + 1)).join(',')}]`;
      case 'map':
        return `{${this.#elements(() => this.#member(node.values, depth)).join(',')}}`;
      case 'union':
        return this.#tagged(node, depth);
      case 'record':
        return this.#record(node, depth);
    }
  }

  branch({ branches }: UnionNode): AvroNode {
    return chosen(branches, this.#int(), 'branch');
  }

  #tagged(node: UnionNode, depth: number): string {
    const branch = this.branch(node);
    const value = this.value(branch, depth + 1);
    return branch.type === 'null' ? value : `{${this.#name(branchName(branch))}:${value}}`;
  }

  #record({ fields }: RecordNode, depth: number): string {
    return `{${fields.map(({ name, type }) => `${this.#name(name)}:${this.value(type, depth + 1)}`).join(',')}}`;
  }

  #name(name: string): string {
    this.#nameCharacters += name.length;
    if (this.#nameCharacters > MAX_NAME_CHARACTERS)
      throw new DatumError(`more than ${MAX_NAME_CHARACTERS} characters of names`);
    return JSON.stringify(name);
  }

  #member(values: AvroNode, depth: number): string {
    return `${JSON.stringify(this.#sized().toString())}:${this.value(values, depth + 1)}`;
  }

  /** Block after block until an empty one; a block with a negative count is preceded by its size. */
  #elements(read: () => string): string[] {
    const elements: string[] = [];
    for (let count = this.#count(); count > 0; count = this.#count())
      for (let left = count; left > 0; left--) elements.push(read());
    return elements;
  }

  #count(): number {
    const count = Number(this.#long());
    if (count >= 0) return count;
    this.#long();
    return -count;
  }

  #sized(): Buffer {
    const size = this.#int();
    if (size < 0) throw new DatumError(`Malformed data. Length is negative: ${size}`);
    return this.#take(size);
  }

  #int(): number {
    const value = Number(this.#long());
    if (value < INT_MIN || value > INT_MAX) throw new DatumError('Invalid int encoding');
    return value;
  }

  #long(): number | bigint {
    const start = this.#position;
    let value = 0;
    for (let index = 0, factor = 1; index < EXACT_BYTES; index++, factor *= BYTE_FACTOR) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < BYTE_FACTOR) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    this.#position = start;
    return this.#bigLong();
  }

  #bigLong(): bigint {
    let value = 0n;
    for (let index = 0; index < MAX_LONG_BYTES; index++) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < BYTE_FACTOR) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw new DatumError('Invalid long encoding');
  }

  #byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw new DatumError('the bytes end within the value');
    this.#position++;
    return byte;
  }

  #take(size: number): Buffer {
    const start = this.#position;
    if (start + size > this.#bytes.length) throw new DatumError('the bytes end within the value');
    this.#position += size;
    return this.#bytes.subarray(start, start + size);
  }
}

function chosen<T>(options: readonly T[], index: number, what: string): T {
  const found = options[index];
  if (found === undefined) throw new DatumError(`${what} ${index} of ${options.length}`);
  return found;
}

/** The shortest text that is this number among floats, as Float.toString gives it. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return numberText(value);
  for (let digits = 1; digits < MAX_FLOAT_DIGITS; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return javaDouble(shorter);
  }
  return javaDouble(Number(value.toPrecision(MAX_FLOAT_DIGITS)));
}

/** JSON has no NaN and no infinity: Avro Java writes them as texts. */
function numberText(value: number): string {
  return Number.isFinite(value) ? javaDouble(value) : JSON.stringify(javaDouble(value));
}

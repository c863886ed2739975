/**
 * @pure JSON as Avro Java reads and writes it in schemas (Jackson with comments allowed), where JSON.parse would change
 * what is there: the order of members is kept whatever their names, the last of two members with one name wins in the
 * place of the first, numbers stay what they are (1.0 is not 1, a long is not rounded), `__proto__` is a name like any
 * other.
 *
 * Guarantees: linear in the text; nesting is bounded, so that a hostile text cannot exhaust the stack, and so is the
 * number of values, each of which takes more memory than the two bytes that may stand for it.
 */

/** A number in the words of Java: integers of any size, or the text that Double.toString gives. */
export class JsonNumber {
  readonly text: string;
  readonly isIntegral: boolean;

  constructor(text: string, isIntegral: boolean) {
    this.text = text;
    this.isIntegral = isIntegral;
  }

  /** From the number as it stands in a JSON text. */
  static of(written: string): JsonNumber {
    // JSON has no leading zeros: an integer is written as Java would.
    if (/^-?\d+$/.test(written)) return new JsonNumber(written === '-0' ? '0' : written, true);
    return new JsonNumber(javaDouble(Number(written)), false);
  }

  /** Whether it is a whole number that fits in so many bits, with its sign. */
  fitsInBits(bits: number): boolean {
    if (!this.isIntegral) return false;
    const value = BigInt(this.text);
    return value === BigInt.asIntN(bits, value);
  }
}

export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/** Jackson's limit is a thousand; no schema that a person wrote comes near. */
const MAX_DEPTH = 500;
const MAX_NUMBER_LENGTH = 1000;
const MAX_VALUES = 1_000_000;
/** Characters of a text in what is said of it. */
const MAX_SHOWN = 40;
const JAVA_PLAIN_FROM = 1e-3;
const JAVA_PLAIN_BELOW = 1e7;

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Throws JsonError. Comments are let pass where they may be: in schemas, not in records. */
export function parseJson(text: string, { allowsComments = true, maxValues = MAX_VALUES } = {}): JsonValue {
  const reader = new JsonReader(text, allowsComments ? BLANKS_AND_COMMENTS : BLANKS, maxValues);
  const value = reader.value(0);
  reader.end();
  return value;
}

/**
 * As parseJson without comments, with pauses in which others may have their turn: after every element of a list that is
 * a member of the outermost object. Gives how many values it has read so far.
 */
export function* parseJsonInSteps(text: string): Generator<number, JsonValue, undefined> {
  const reader = new JsonReader(text, BLANKS, MAX_VALUES);
  const value = yield* reader.valueInSteps();
  reader.end();
  return value;
}

/** JSON.parse with the bounds of parseJson, and with what is wrong in its words. Throws JsonError. */
export function parsePlainJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    parseJson(text, { allowsComments: false });
    throw new JsonError(error.message);
  }
  if (isDeeper(value, MAX_DEPTH)) throw tooDeep();
  return value;
}

/** Than so many levels. What is deeper could be read, and nobody could write it any more. */
function isDeeper(value: unknown, levels: number): boolean {
  if (levels < 0) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some((member) => isDeeper(member, levels - 1));
}

function tooDeep(): JsonError {
  return new JsonError(`nested more than ${MAX_DEPTH} levels deep`);
}

/** Without white space, as Jackson writes it. */
export function writeJson(value: JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quote(value);
  // Java's words for what is no number in JSON stand in quotes, as Jackson writes them.
  if (value instanceof JsonNumber) return /[a-z]/.test(value.text) ? quote(value.text) : value.text;
  if (isJsonArray(value)) return `[${value.map(writeJson).join(',')}]`;
  return `{${[...value].map(([name, member]) => `${quote(name)}:${writeJson(member)}`).join(',')}}`;
}

/** Double.toString: plain between a thousandth and ten million, else one digit before the point and an exponent. */
export function javaDouble(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  if (value === 0) return '0.0';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value < 0 ? '-Infinity' : 'Infinity';
  const size = Math.abs(value);
  if (size >= JAVA_PLAIN_FROM && size < JAVA_PLAIN_BELOW) {
    const plain = String(value);
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`;
}

function quote(text: string): string {
  const quoted = JSON.stringify(text);
  if (!quoted.includes('\\u00')) return quoted;
  // Jackson writes the digits of escapes as capitals; no other escape holds digits.
  return quoted.replace(/\\(\\|u00[0-9a-f]{2})/g, (written) =>
    written === '\\\\' ? written : `\\u${written.slice(2).toUpperCase()}`,
  );
}

class JsonReader {
  readonly #text: string;
  readonly #blanks: RegExp;
  readonly #maxValues: number;
  #position = 0;
  #valuesLeft: number;

  constructor(text: string, blanks: RegExp, maxValues: number) {
    this.#text = text;
    this.#blanks = blanks;
    this.#maxValues = maxValues;
    this.#valuesLeft = maxValues;
  }

  value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw tooDeep();
    if (--this.#valuesLeft < 0) throw new JsonError('too many values');
    this.#skipBlanks();
    switch (this.#text[this.#position]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #word(word: string, value: JsonValue): JsonValue {
    if (!this.#text.startsWith(word, this.#position)) throw this.#unexpected('a value');
    this.#position += word.length;
    return value;
  }

  end(): void {
    this.#skipBlanks();
    if (this.#position < this.#text.length)
      throw new JsonError(
        `dangling content after the end: ${this.#text.slice(this.#position, this.#position + MAX_SHOWN)}`,
      );
  }

  /** The outermost value. */
  *valueInSteps(): Generator<number, JsonValue, undefined> {
    if (!this.#begins('{')) return this.value(0);
    this.#valuesLeft--;
    const members = new Map<string, JsonValue>();
    this.#position++;
    if (this.#takes('}')) return members;
    do {
      const name = this.#name();
      members.set(name, this.#begins('[') ? yield* this.#listInSteps() : this.value(1));
    } while (this.#takes(','));
    if (!this.#takes('}')) throw this.#unexpected('a comma or the end of the object');
    return members;
  }

  *#listInSteps(): Generator<number, JsonValue[], undefined> {
    this.#valuesLeft--;
    const elements: JsonValue[] = [];
    this.#position++;
    if (this.#takes(']')) return elements;
    do {
      elements.push(this.value(2));
      yield this.#maxValues - this.#valuesLeft;
    } while (this.#takes(','));
    if (!this.#takes(']')) throw this.#unexpected('a comma or the end of the array');
    return elements;
  }

  #object(depth: number): JsonObject {
    const members = new Map<string, JsonValue>();
    this.#position++;
    if (this.#takes('}')) return members;
    do members.set(this.#name(), this.value(depth + 1));
    while (this.#takes(','));
    if (!this.#takes('}')) throw this.#unexpected('a comma or the end of the object');
    return members;
  }

  /** Of a member, with the colon behind it. */
  #name(): string {
    this.#skipBlanks();
    const name = this.#string();
    if (!this.#takes(':')) throw this.#unexpected('a colon');
    return name;
  }

  #array(depth: number): JsonValue[] {
    const elements: JsonValue[] = [];
    this.#position++;
    if (this.#takes(']')) return elements;
    do elements.push(this.value(depth + 1));
    while (this.#takes(','));
    if (!this.#takes(']')) throw this.#unexpected('a comma or the end of the array');
    return elements;
  }

  #string(): string {
    if (this.#text[this.#position] !== '"') throw this.#unexpected('a string');
    const start = this.#position;
    const plainEnd = this.#text.indexOf('"', start + 1);
    const plain = this.#text.slice(start + 1, plainEnd);
    if (plainEnd > 0 && !NOT_PLAIN.test(plain)) {
      this.#position = plainEnd + 1;
      return plain;
    }
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    if (end >= this.#text.length)
      throw new JsonError(`the text ends within the string that begins at position ${start}`);
    this.#position = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new JsonError(`the string that begins at position ${start} has a character or an escape that JSON has not`);
    }
  }

  #number(): JsonNumber {
    NUMBER.lastIndex = this.#position;
    const written = NUMBER.exec(this.#text)?.[0];
    if (written === undefined) throw this.#unexpected('a value');
    // Reading a number takes time that grows with the square of its length.
    if (written.length > MAX_NUMBER_LENGTH) throw new JsonError(`a number of ${written.length} characters`);
    this.#position += written.length;
    return JsonNumber.of(written);
  }

  #takes(character: string): boolean {
    if (!this.#begins(character)) return false;
    this.#position++;
    return true;
  }

  #begins(character: string): boolean {
    this.#skipBlanks();
    return this.#text[this.#position] === character;
  }

  #skipBlanks(): void {
    const code = this.#text.charCodeAt(this.#position);
    if (code > SPACE && code !== SLASH) return;
    this.#blanks.lastIndex = this.#position;
    this.#position += this.#blanks.exec(this.#text)?.[0].length ?? 0;
  }

  #unexpected(expected: string): JsonError {
    const found = this.#text[this.#position];
    return new JsonError(
      found === undefined
        ? `the text ends where ${expected} should be`
        : `unexpected character '${found}' at position ${this.#position}, where ${expected} should be`,
    );
  }
}

const SPACE = 0x20;
const SLASH = 0x2f;
/** Begins an escape, or may stand in no string. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON forbids.
const NOT_PLAIN = /[\u0000-\u001f\\]/;
const NUMBER = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const BLANKS = /[ \t\r\n]*/y;
/** With the comments that Avro Java lets pass. */
const BLANKS_AND_COMMENTS = /(?:[ \t\r\n]|\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/)*/y;

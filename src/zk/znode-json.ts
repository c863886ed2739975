/**
 * @pure Reading the JSON of a znode. A znode may have been written by an older Kafka, by a tool, by hand or by nobody:
 * whatever does not have the expected shape throws a ZnodeFormatError that names the znode, and unknown keys are
 * ignored.
 */
export class ZnodeFormatError extends Error {
  override readonly name = 'ZnodeFormatError';
  readonly path: string;

  constructor(path: string, problem: string, bytes: Buffer | null) {
    super(`Failed to parse the data of znode ${path}: ${problem}: ${bytes === null ? 'null' : bytes.toString('utf8')}`);
    this.path = path;
  }
}

export function encodeJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** The members of one JSON object, read by name and checked. A name is looked up as an own member only. */
export class ZnodeJson {
  readonly #path: string;
  readonly #bytes: Buffer;
  readonly #members: object;

  private constructor(path: string, bytes: Buffer, members: object) {
    this.#path = path;
    this.#bytes = bytes;
    this.#members = members;
  }

  static parse(path: string, bytes: Buffer | null): ZnodeJson {
    if (bytes === null) throw new ZnodeFormatError(path, 'no data', bytes);
    let value: unknown;
    try {
      value = JSON.parse(bytes.toString('utf8'));
    } catch (error) {
      throw new ZnodeFormatError(path, error instanceof Error ? error.message : String(error), bytes);
    }
    return ZnodeJson.#of(path, bytes, value, 'the data');
  }

  static #of(path: string, bytes: Buffer, value: unknown, what: string): ZnodeJson {
    if (!isObject(value)) throw new ZnodeFormatError(path, `${what} must be a JSON object`, bytes);
    return new ZnodeJson(path, bytes, value);
  }

  refuse(problem: string): never {
    throw new ZnodeFormatError(this.#path, problem, this.#bytes);
  }

  /** The raw member, or null when it is missing or null. */
  raw(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? ((this.#members as Record<string, unknown>)[name] ?? null) : null;
  }

  optionalInt(name: string): number | null {
    const value = this.raw(name);
    if (value === null) return null;
    return isInt(value) ? value : this.refuse(`${name} must be an integer`);
  }

  int(name: string): number {
    return this.optionalInt(name) ?? this.refuse(`${name} is missing`);
  }

  optionalString(name: string): string | null {
    const value = this.raw(name);
    if (value === null) return null;
    return typeof value === 'string' ? value : this.refuse(`${name} must be a string`);
  }

  string(name: string): string {
    return this.optionalString(name) ?? this.refuse(`${name} is missing`);
  }

  /** A whole number that Kafka stores as a decimal string; a bare number is read too. */
  decimal(name: string): number {
    const value = this.raw(name);
    const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
    return isInt(number) ? number : this.refuse(`${name} must be a decimal number`);
  }

  ints(name: string): number[] {
    const value = this.raw(name);
    return isIntArray(value) ? value : this.refuse(`${name} must be an array of integers`);
  }

  strings(name: string): string[] {
    const value = this.raw(name);
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? value
      : this.refuse(`${name} must be an array of strings`);
  }

  /** The members of an object whose values are strings; empty when it is missing. */
  stringMap(name: string): Map<string, string> {
    const result = new Map<string, string>();
    for (const [key, value] of this.#entries(name)) {
      if (typeof value !== 'string') this.refuse(`${name}.${key} must be a string`);
      else result.set(key, value);
    }
    return result;
  }

  /**
   * The members of an object whose names are partition numbers and whose values are lists of broker ids; empty when
   * missing.
   */
  intsByPartition(name: string): Map<number, number[]> {
    const result = new Map<number, number[]>();
    for (const [key, value] of this.#entries(name)) {
      if (!/^\d{1,10}$/.test(key)) this.refuse(`${name} has a member ${key} that is not a partition number`);
      else if (!isIntArray(value)) this.refuse(`${name}.${key} must be an array of integers`);
      else result.set(Number(key), value);
    }
    return result;
  }

  /** A member that is itself an object; null when it is missing. */
  optionalObject(name: string): ZnodeJson | null {
    const value = this.raw(name);
    return value === null ? null : ZnodeJson.#of(this.#path, this.#bytes, value, name);
  }

  /** A member that is an array of objects. */
  objects(name: string): ZnodeJson[] {
    const value = this.raw(name);
    if (!Array.isArray(value)) this.refuse(`${name} must be an array`);
    return (value as unknown[]).map((item) => ZnodeJson.#of(this.#path, this.#bytes, item, `each of ${name}`));
  }

  /** The names of this object's members. */
  names(): string[] {
    return Object.keys(this.#members);
  }

  #entries(name: string): [string, unknown][] {
    const value = this.raw(name);
    if (value === null) return [];
    return isObject(value) ? Object.entries(value) : this.refuse(`${name} must be a JSON object`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isInt(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

function isIntArray(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isInt);
}

/**
 * @pure What a configuration key is: its type, default, limits and a sentence about it (Kafka's ConfigDef).
 *
 * Guarantees: parsing follows Java (trimmed text, 32-bit INT, 64-bit LONG) and every refusal has ConfigDef's words,
 * so that the text a user finds on the web is the text he sees here. A LONG beyond 2^53 is kept exactly in its text
 * form and saturates as a number.
 */
export const CONFIG_TYPES = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  SHORT: 4,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  CLASS: 8,
  PASSWORD: 9,
} as const;
/** The numbers are those of DescribeConfigs' configType; 0 stands for a key that nobody defined. */
export type ConfigType = keyof typeof CONFIG_TYPES;

/** Java's Long.MAX_VALUE and Double.MAX_VALUE as Kafka prints them. */
export const LONG_MAX = '9223372036854775807';
export const DOUBLE_MAX = '1.7976931348623157E308';
export const INT_MAX = 2147483647;

/** Says what is wrong with a value in ConfigDef's words, or null. */
export type Check<T> = (value: T) => string | null;

export interface ConfigKey<out T = unknown> {
  readonly type: ConfigType;
  /** The default as Kafka prints it; null when the key has none. */
  readonly defaultText: string | null;
  readonly doc: string;
  /** Turns trimmed text into the typed value; throws InvalidValue. */
  readonly parse: (text: string) => T;
  /** The value in the form in which Kafka prints it (`007` → `7`). */
  readonly canonical: (text: string) => string;
}

export type ConfigTable = Readonly<Record<string, ConfigKey>>;
export type ValueOf<K> = K extends ConfigKey<infer T> ? T : never;

/** `log.dirs` → `logDirs`. */
export type CamelCase<S extends string> = S extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;
export type ValuesOf<Table> = { readonly [K in keyof Table & string as CamelCase<K>]: ValueOf<Table[K]> };

export function camelCase(key: string): string {
  return key.replace(/\.([^.])/g, (_, letter: string) => letter.toUpperCase());
}

/** The part of a ConfigException after the name of the key. */
export class InvalidValue extends Error {}

/** Kafka's ConfigException(name, value, message). */
export function invalidValueMessage(key: string, value: string, reason: string): string {
  return `Invalid value ${value} for configuration ${key}: ${reason}`;
}

function keyOf<T>(
  type: ConfigType,
  defaultText: string | null,
  doc: string,
  parse: (text: string) => T,
  check?: Check<T>,
  canonical: (text: string) => string = (text) => text,
): ConfigKey<T> {
  const checked = (text: string): T => {
    const value = parse(text);
    const reason = check?.(value) ?? null;
    if (reason !== null) throw new InvalidValue(reason);
    return value;
  };
  return { type, defaultText, doc, parse: checked, canonical };
}

type OrNull<T, D> = D extends null ? T | null : T;
const textOf = (value: string | number | boolean | null): string | null => (value === null ? null : String(value));

export function bool(byDefault: boolean, doc: string): ConfigKey<boolean> {
  return keyOf('BOOLEAN', String(byDefault), doc, parseBoolean, undefined, (text) => text.toLowerCase());
}

function parseBoolean(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw new InvalidValue('Expected value to be either true or false');
  return lower === 'true';
}

export function string<D extends string | null>(
  byDefault: D,
  doc: string,
  check?: Check<string>,
): ConfigKey<OrNull<string, D>> {
  return keyOf('STRING', byDefault, doc, (text) => text, check) as ConfigKey<OrNull<string, D>>;
}

export function password(doc: string): ConfigKey<string | null> {
  return keyOf<string | null>('PASSWORD', null, doc, (text) => text);
}

/**
 * A Java class name. Classes cannot be loaded here; the key is known so that it can be refused or passed over
 * knowingly.
 */
export function className(doc: string): ConfigKey<string | null> {
  return keyOf<string | null>('CLASS', null, doc, (text) => text);
}

/** A STRING out of a closed list. */
export function choice<const C extends string>(choices: readonly C[], byDefault: C, doc: string): ConfigKey<C> {
  return keyOf('STRING', byDefault, doc, (text) => oneOf(choices, text));
}

/** The same, written in upper or lower case; the value is as in `choices`. */
export function choiceIgnoringCase<const C extends string>(
  choices: readonly C[],
  byDefault: C,
  doc: string,
): ConfigKey<C> {
  return keyOf('STRING', byDefault, doc, (text) => {
    const found = choices.find((candidate) => candidate === text.toLowerCase());
    if (found !== undefined) return found;
    throw new InvalidValue(`String must be one of (case insensitive): ${choices.join(', ').toUpperCase()}`);
  });
}

/** A LIST whose entries are out of a closed list. */
export function choices<const C extends string>(of: readonly C[], byDefault: string, doc: string): ConfigKey<C[]> {
  return listOf(byDefault, doc, (entry) => oneOf(of, entry));
}

/** A LIST of what `parseEntry` makes of its entries; it throws InvalidValue. */
export function listOf<T>(
  byDefault: string,
  doc: string,
  parseEntry: (entry: string) => T,
  check?: Check<T[]>,
): ConfigKey<T[]> {
  const parse = (text: string): T[] => parseList(text).map(parseEntry);
  return keyOf('LIST', byDefault, doc, parse, check, (text) => parseList(text).join(','));
}

function oneOf<C extends string>(choices: readonly C[], text: string): C {
  const found = choices.find((candidate) => candidate === text);
  if (found === undefined) throw new InvalidValue(`String must be one of: ${choices.join(', ')}`);
  return found;
}

export function list(byDefault: string, doc: string, check?: Check<string[]>): ConfigKey<string[]> {
  return keyOf('LIST', byDefault, doc, parseList, check, (text) => parseList(text).join(','));
}

export function parseList(text: string): string[] {
  return text === '' ? [] : text.split(/\s*,\s*/);
}

function integer(type: 'INT' | 'SHORT' | 'LONG', bits: number) {
  const limit = 1n << BigInt(bits - 1);
  const exact = (text: string): bigint => {
    if (!/^[+-]?\d+$/.test(text)) throw new InvalidValue(`Not a number of type ${type}`);
    const value = BigInt(text.replace('+', ''));
    if (value >= limit || value < -limit) throw new InvalidValue(`Not a number of type ${type}`);
    return value;
  };
  return <D extends number | string | null>(byDefault: D, doc: string, check?: Check<number>) =>
    keyOf(
      type,
      textOf(byDefault),
      doc,
      (text) => saturate(exact(text)),
      check,
      (text) => String(exact(text)),
    ) as ConfigKey<OrNull<number, D>>;
}

function saturate(value: bigint): number {
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  if (value < Number.MIN_SAFE_INTEGER) return Number.MIN_SAFE_INTEGER;
  return Number(value);
}

export const int = integer('INT', 32);
export const short = integer('SHORT', 16);
export const long = integer('LONG', 64);

export function double(byDefault: string, doc: string, check?: Check<number>): ConfigKey<number> {
  return keyOf('DOUBLE', byDefault, doc, parseDouble, check, (text) => {
    const value = parseDouble(text);
    return Number.isInteger(value) && Math.abs(value) < 1e7 ? value.toFixed(1) : String(value).replace('e+', 'E');
  });
}

function parseDouble(text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw new InvalidValue('Not a number of type DOUBLE');
  return Number(text);
}

export function atLeast(min: number): Check<number> {
  return (value) => (value < min ? `Value must be at least ${min}` : null);
}

export function between(min: number, max: number): Check<number> {
  return (value) => {
    if (value < min) return `Value must be at least ${min}`;
    return value > max ? `Value must be no more than ${max}` : null;
  };
}

/** Parses one value; a refusal comes back as the whole ConfigException text. */
export function parseValue<T>(key: string, definition: ConfigKey<T>, text: string): { value: T } | { message: string } {
  try {
    return { value: definition.parse(text.trim()) };
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error;
    return { message: invalidValueMessage(key, text.trim(), error.message) };
  }
}

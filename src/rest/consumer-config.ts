/**
 * @pure The settings of a consumer instance as its creator writes them, in the names, defaults and words of the REST
 * Proxy (kafka-rest's CreateConsumerInstanceRequest) and of Kafka's ConsumerConfig. Scalars may be strings, as Jackson
 * takes them.
 */
import type { FormatName } from './embedded-format.ts';
import {
  badRequest,
  invalidConsumerConfig,
  type RestError,
  unboundedConsumerConfig,
  unprocessable,
} from './rest-errors.ts';

export interface ConsumerConfig {
  /** Null for one that nobody has. */
  readonly name: string | null;
  readonly format: FormatName;
  readonly reset: 'earliest' | 'latest' | 'none';
  readonly isCommitting: boolean;
  /** -1 to wait until the time is over. */
  readonly minBytes: number;
  /** How long a client waits at most. */
  readonly requestTimeoutMs: number;
}

/** The REST Proxy's fetch.min.bytes and consumer.request.timeout.ms. */
const DEFAULTS = { minBytes: -1, requestTimeoutMs: 1000 } as const;
const MAX_MIN_BYTES = 10_000_000;
/** As long as an instance lives that nobody asks: while somebody seems to wait, one whose client is gone lives on. */
const MAX_REQUEST_TIMEOUT_MS = 300_000;
const MAX_INT = 0x7fff_ffff;
/** It becomes a part of an address. */
const MAX_NAME_LENGTH = 255;

const FIELDS = {
  id: ['id'],
  name: ['name'],
  format: ['format'],
  reset: ['auto.offset.reset'],
  autoCommit: ['auto.commit.enable'],
  minBytes: ['fetch.min.bytes', 'responseMinBytes'],
  requestTimeoutMs: ['consumer.request.timeout.ms', 'requestWaitMs'],
} as const;
const KNOWN: ReadonlySet<string> = new Set(Object.values(FIELDS).flat());
const FORMATS: ReadonlySet<string> = new Set<FormatName>(['binary', 'json', 'avro']);

/** @param body of the request; null or undefined for none. @throws RestError 400, 422, 42204, 40001 */
export function consumerConfig(body: unknown): ConsumerConfig {
  const fields = fieldsOf(body);
  return {
    name: nameOf(fields),
    format: formatOf(textOf(fields, 'format')),
    reset: resetOf(textOf(fields, 'reset') ?? 'latest'),
    isCommitting: commitOf(textOf(fields, 'autoCommit') ?? 'true'),
    minBytes: minBytesOf(intOf(fields, 'minBytes') ?? DEFAULTS.minBytes),
    requestTimeoutMs: requestTimeoutOf(intOf(fields, 'requestTimeoutMs') ?? DEFAULTS.requestTimeoutMs),
  };
}

type Fields = ReadonlyMap<string, unknown>;

function fieldsOf(body: unknown): Fields {
  if (body === null || body === undefined) return new Map();
  if (typeof body !== 'object' || Array.isArray(body)) throw badRequest('the settings of a consumer are an object.');
  const fields = new Map<string, unknown>(Object.entries(body));
  for (const name of fields.keys()) if (!KNOWN.has(name)) throw unprocessable(`Unrecognized field: ${name}`);
  return fields;
}

/** Under whichever of its names it was given. */
function scalarOf(fields: Fields, field: keyof typeof FIELDS): string | number | boolean | null {
  for (const name of FIELDS[field]) {
    const value = fields.get(name) ?? null;
    if (value === null) continue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    throw badRequest(`${name} cannot be ${Array.isArray(value) ? 'an array' : 'an object'}.`);
  }
  return null;
}

function textOf(fields: Fields, field: keyof typeof FIELDS): string | null {
  const value = scalarOf(fields, field);
  return value === null ? null : String(value);
}

function intOf(fields: Fields, field: keyof typeof FIELDS): number | null {
  const text = textOf(fields, field)?.trim();
  if (text === undefined || text === '') return null;
  const value = Number(text);
  if (/^[-+]?\d+$/.test(text) && Math.abs(value) <= MAX_INT) return value;
  throw badRequest(`${FIELDS[field][0]}=${text} is not a number of type INT.`);
}

/** The id, a name of old, goes before the name. */
function nameOf(fields: Fields): string | null {
  const name = textOf(fields, 'id') ?? textOf(fields, 'name');
  if (name === null) return null;
  const reason =
    name === '' || name === '.' || name === '..'
      ? `'${name}' is not allowed as the name of a consumer instance`
      : name.length > MAX_NAME_LENGTH
        ? `the name of a consumer instance may have at most ${MAX_NAME_LENGTH} characters`
        : name.isWellFormed()
          ? null
          : 'the name of a consumer instance has half of a character';
  if (reason !== null) throw unprocessable(reason);
  return name;
}

function formatOf(text: string | null): FormatName {
  const format = (text ?? 'binary').toLowerCase();
  if (FORMATS.has(format)) return format as FormatName;
  throw unprocessable('Invalid format type.');
}

function resetOf(text: string): ConsumerConfig['reset'] {
  if (text === 'earliest' || text === 'latest' || text === 'none') return text;
  throw invalidValue(text, 'auto.offset.reset', 'String must be one of: latest, earliest, none');
}

function commitOf(text: string): boolean {
  const value = text.trim().toLowerCase();
  if (value === 'true' || value === 'false') return value === 'true';
  throw invalidValue(text, 'enable.auto.commit', 'Expected value to be either true or false');
}

function minBytesOf(value: number): number {
  const bound = value < -1 ? 'at least -1' : value > MAX_MIN_BYTES ? `no more than ${MAX_MIN_BYTES}` : null;
  if (bound === null) return value;
  throw unboundedConsumerConfig(`Invalid value ${value} for configuration fetch.min.bytes: Value must be ${bound}`);
}

/** Any is taken, as by the REST Proxy: it is how long a client waits at most. */
function requestTimeoutOf(value: number): number {
  return Math.min(Math.max(0, value), MAX_REQUEST_TIMEOUT_MS);
}

function invalidValue(text: string, key: string, reason: string): RestError {
  return invalidConsumerConfig(`Invalid value ${text} for configuration ${key}: ${reason}`);
}

/**
 * @pure How a record is printed: Kafka's DefaultMessageFormatter with its print.* properties and the deserializers of
 * its clients that make sense as text. Parts come in the order timestamp, partition, offset, headers, key, value.
 */
import type { ConsumedRecord } from '../client/consumed-record.ts';
import type { RecordHeader } from '../protocol/records/build.ts';
import { ApiError } from '../client/api-error.ts';
import { CommandError } from './command.ts';
import { groupMetadataFormatter, offsetsFormatter } from './group-formatters.ts';
import { groupMetadataTextFormatter, offsetsTextFormatter } from './group-text-formatters.ts';

/** The record as bytes: values go through untouched, whatever they are. */
export type RecordFormatter = (record: ConsumedRecord) => Buffer;

type Deserializer = (bytes: Buffer) => Buffer;

/** Bytes that a deserializer cannot read; printed under Java's name. */
export class DeserializationError extends ApiError {
  constructor(message: string) {
    super('SerializationException', message);
  }
}

const DEFAULT_FORMATTER = 'org.apache.kafka.tools.consumer.DefaultMessageFormatter';
export const DEFAULT_FORMATTER_NAME = DEFAULT_FORMATTER;

const FORMATTERS = new Map<string, (properties: ReadonlyMap<string, string>) => RecordFormatter>([
  [DEFAULT_FORMATTER, defaultFormatter],
  ['kafka.tools.DefaultMessageFormatter', defaultFormatter],
  ['org.apache.kafka.tools.consumer.LoggingMessageFormatter', defaultFormatter],
  ['kafka.tools.LoggingMessageFormatter', defaultFormatter],
  ['org.apache.kafka.tools.consumer.NoOpMessageFormatter', () => () => Buffer.alloc(0)],
  ['kafka.tools.NoOpMessageFormatter', () => () => Buffer.alloc(0)],
  ['org.apache.kafka.tools.consumer.OffsetsMessageFormatter', () => offsetsFormatter],
  ['kafka.coordinator.group.GroupMetadataManager$OffsetsMessageFormatter', () => readable(offsetsTextFormatter)],
  ['org.apache.kafka.tools.consumer.GroupMetadataMessageFormatter', () => groupMetadataFormatter],
  [
    'kafka.coordinator.group.GroupMetadataManager$GroupMetadataMessageFormatter',
    () => readable(groupMetadataTextFormatter),
  ],
]);

/** What Kafka 3.9 says of the names of before; null for a name of today. */
export function deprecationOf(name: string): string | null {
  if (!name.startsWith('kafka.') || !FORMATTERS.has(name)) return null;
  const successor = name.replace(/^.*[.$]/, 'org.apache.kafka.tools.consumer.');
  const fate = 'is deprecated and will be removed in the next major release';
  return `WARNING: ${name} ${fate}. Please use ${successor} instead`;
}

/** Bytes that such a formatter cannot read are an error of their record. */
function readable(format: RecordFormatter): RecordFormatter {
  return (record) => {
    try {
      return format(record);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new DeserializationError(`${record.topic}-${record.partition} at ${record.offset}: ${error.message}`);
    }
  };
}

/** @param name Java's class name */
export function recordFormatter(name: string, properties: ReadonlyMap<string, string>): RecordFormatter {
  const make = FORMATTERS.get(name);
  if (make === undefined)
    throw new CommandError(`There is no formatter ${name} here. Formatters: ${[...FORMATTERS.keys()].join(', ')}`);
  return make(properties);
}

function defaultFormatter(properties: ReadonlyMap<string, string>): RecordFormatter {
  const prints = (part: string, byDefault: boolean): boolean =>
    (properties.get(`print.${part}`) ?? String(byDefault)).trim().toLowerCase() === 'true';
  const text = (key: string, byDefault: string): Buffer => Buffer.from(properties.get(key) ?? byDefault);
  const deserializer = (key: string): Deserializer => deserializerOf(properties.get(key));
  const keySeparator = text('key.separator', '\t');
  const lineSeparator = text('line.separator', '\n');
  const headersSeparator = text('headers.separator', ',');
  const nullLiteral = text('null.literal', 'null');
  const readKey = deserializer('key.deserializer');
  const readValue = deserializer('value.deserializer');
  const readHeader = deserializer('headers.deserializer');
  const parts: ((record: ConsumedRecord) => Buffer[])[] = [];
  if (prints('timestamp', false)) parts.push(timestampPart);
  if (prints('partition', false)) parts.push(({ partition }) => [Buffer.from(`Partition:${partition}`)]);
  if (prints('offset', false)) parts.push(({ offset }) => [Buffer.from(`Offset:${offset}`)]);
  if (prints('headers', false))
    parts.push(({ headers }) => headersPart(headers, headersSeparator, (value) => readHeader(value ?? nullLiteral)));
  if (prints('key', false)) parts.push(({ key }) => [readKey(key ?? nullLiteral)]);
  if (prints('value', true)) parts.push(({ value }) => [readValue(value ?? nullLiteral)]);
  return (record) => {
    const bytes: Buffer[] = [];
    for (const [index, part] of parts.entries())
      bytes.push(...part(record), index === parts.length - 1 ? lineSeparator : keySeparator);
    return Buffer.concat(bytes);
  };
}

function timestampPart({ timestampType, timestampMs }: ConsumedRecord): Buffer[] {
  return [Buffer.from(timestampType === null ? 'NO_TIMESTAMP' : `${timestampType}:${timestampMs}`)];
}

function headersPart(
  headers: readonly RecordHeader[],
  separator: Buffer,
  read: (value: Buffer | null) => Buffer,
): Buffer[] {
  if (headers.length === 0) return [Buffer.from('NO_HEADERS')];
  return headers.flatMap(({ key, value }, index) => [
    ...(index === 0 ? [] : [separator]),
    Buffer.from(`${key}:`),
    read(value),
  ]);
}

const PACKAGE = 'org.apache.kafka.common.serialization.';
const asIs: Deserializer = (bytes) => bytes;

function sized(name: string, sizeBytes: number, read: (bytes: Buffer) => string): [string, Deserializer] {
  return [
    `${PACKAGE}${name}Deserializer`,
    (bytes) => {
      if (bytes.length !== sizeBytes)
        throw new DeserializationError(`Size of data received by ${name}Deserializer is not ${sizeBytes}`);
      return Buffer.from(read(bytes));
    },
  ];
}

const DESERIALIZERS = new Map<string, Deserializer>([
  [`${PACKAGE}StringDeserializer`, asIs],
  [`${PACKAGE}ByteArrayDeserializer`, asIs],
  [`${PACKAGE}BytesDeserializer`, asIs],
  [`${PACKAGE}ByteBufferDeserializer`, asIs],
  sized('Short', 2, (bytes) => String(bytes.readInt16BE())),
  sized('Integer', 4, (bytes) => String(bytes.readInt32BE())),
  sized('Long', 8, (bytes) => String(bytes.readBigInt64BE())),
  sized('Float', 4, (bytes) => javaFloat(bytes.readFloatBE())),
  sized('Double', 8, (bytes) => javaFloat(bytes.readDoubleBE())),
  sized('Boolean', 1, (bytes) => String(bytes[0] === 1)),
]);

/** Java prints a whole number with its point. */
function javaFloat(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function deserializerOf(name: string | undefined): Deserializer {
  if (name === undefined || name === '') return asIs;
  const deserializer = DESERIALIZERS.get(name);
  if (deserializer === undefined)
    throw new CommandError(
      `There is no deserializer ${name} here. Deserializers: ${[...DESERIALIZERS.keys()].join(', ')}`,
    );
  return deserializer;
}

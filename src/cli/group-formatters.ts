/**
 * @pure What is in __consumer_offsets as lines of JSON: Kafka's OffsetsMessageFormatter and
 * GroupMetadataMessageFormatter. (Kafka 3.9 puts no line break between them.)
 */
import { GroupMetadataKey, GroupMetadataValue } from '../protocol/internal/group-metadata-record.ts';
import { OffsetCommitKey, OffsetCommitValue } from '../protocol/internal/offset-commit-record.ts';
import type { Field, Fields } from '../protocol/schema.ts';
import { type StoredRecord, storedVersion } from '../protocol/stored-record.ts';
import { inRange } from '../protocol/versions.ts';
import type { RecordFormatter } from './record-formatter.ts';

const UNKNOWN = 'unknown';

/** Committed offsets; records of groups themselves are passed over. */
export const offsetsFormatter: RecordFormatter = formatterOf(OffsetCommitKey, OffsetCommitValue, GroupMetadataKey);

/** Members of classic groups; committed offsets are passed over. */
export const groupMetadataFormatter: RecordFormatter = formatterOf(
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
);

/** Prints records with that kind of key, passes over those of the other kind, and says of any other that it is. */
function formatterOf(keys: StoredRecord, values: StoredRecord, passedOver: StoredRecord): RecordFormatter {
  return ({ key, value }) => {
    const version = key === null || key.length < 2 ? null : storedVersion(key);
    if (version !== null && speaks(passedOver, version)) return Buffer.alloc(0);
    const isKnown = version !== null && speaks(keys, version);
    const line = {
      key: key === null ? null : { version, data: isKnown ? contentOf(keys, key) : UNKNOWN },
      value: value === null ? null : versioned(isKnown ? values : null, value),
    };
    return Buffer.from(`${JSON.stringify(line)}\n`);
  };
}

function speaks({ lowestVersion, highestVersion }: StoredRecord, version: number): boolean {
  return version >= lowestVersion && version <= highestVersion;
}

function versioned(record: StoredRecord | null, bytes: Buffer): object {
  const version = bytes.length < 2 ? null : storedVersion(bytes);
  const isKnown = record !== null && version !== null && speaks(record, version);
  return { version, data: isKnown ? contentOf(record, bytes) : UNKNOWN };
}

/** Damaged bytes are unknown, too. */
function contentOf(record: StoredRecord, bytes: Buffer): unknown {
  try {
    const { version, value } = record.decode(bytes);
    return jsonOfFields(record.fields, value, version);
  } catch (error) {
    if (error instanceof RangeError) return UNKNOWN;
    throw error;
  }
}

/** The fields that the version has, in their order. */
function jsonOfFields(fields: Fields, value: unknown, version: number): object {
  const content = value as Readonly<Record<string, unknown>>;
  const known = Object.entries(fields).filter(([, { options }]) => inRange(options.versions, version));
  return Object.fromEntries(known.map(([name, field]) => [name, jsonOf(field, content[name], version)]));
}

function jsonOf({ element, fields }: Field, value: unknown, version: number): unknown {
  if (value === null) return null;
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map((item) => (element === null ? item : jsonOf(element, item, version)));
  return fields === null ? value : jsonOfFields(fields, value, version);
}

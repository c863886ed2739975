/**
 * @pure Values that a broker stores in its own topics (__consumer_offsets, __transaction_state, control records) or
 * that consumers hand through it: an int16 version, then a message of the DSL. Kafka: the generated ...Key and ...Value
 * classes and MessageUtil.
 */
import { Reader } from './reader.ts';
import { type Codec, compile, type Decoded, type Encodable, type Fields } from './schema.ts';
import { inRange, type Versions, versionRange } from './versions.ts';
import { Writer } from './writer.ts';

export interface StoredRecord<F extends Fields = Fields> {
  readonly name: string;
  readonly fields: F;
  readonly lowestVersion: number;
  readonly highestVersion: number;
  readonly isFlexible: (version: number) => boolean;
  /** Version and body; the newest version unless told otherwise. */
  encode(value: Encodable<F>, version?: number): Buffer;
  /**
   * The version it claims and the value; what follows the body is passed over. Throws RangeError for an unknown version
   * or a body that is not of it. Nothing in the result aliases `bytes`.
   */
  decode(bytes: Buffer): { version: number; value: Decoded<F> };
}

/** The version that a stored record claims to have; in keys it also tells which kind of record it is. */
export function storedVersion(bytes: Buffer): number {
  return new Reader(bytes).int16();
}

export function defineStoredRecord<const F extends Fields>(declaration: {
  readonly name: string;
  readonly validVersions: Versions;
  readonly flexibleVersions?: Versions;
  /** Reads versions that are newer than the newest as the newest: for a format that will only ever be appended to. */
  readonly readsNewer?: true;
  readonly fields: F;
}): StoredRecord<F> {
  const { name, fields, validVersions, flexibleVersions, readsNewer = false } = declaration;
  const { lowest, highest } = versionRange(validVersions);
  const isFlexible = (version: number) => flexibleVersions !== undefined && inRange(flexibleVersions, version);
  const compiled: Codec<Decoded<F>, Encodable<F>>[] = [];
  const codec = (version: number) => {
    const known = compiled[version];
    if (known !== undefined) return known;
    if (!inRange(validVersions, version)) throw new RangeError(`${name} has no version ${version}`);
    const made = compile(name, fields, version, isFlexible(version));
    compiled[version] = made;
    return made;
  };
  return {
    name,
    fields,
    lowestVersion: lowest,
    highestVersion: highest,
    isFlexible,
    encode(value, version = highest) {
      const writer = new Writer();
      writer.int16(version);
      codec(version).write(writer, value);
      return writer.finish();
    },
    decode(bytes) {
      const reader = new Reader(bytes);
      const version = reader.int16();
      const known = readsNewer ? Math.min(version, highest) : version;
      return { version, value: codec(known).read(reader) };
    },
  };
}

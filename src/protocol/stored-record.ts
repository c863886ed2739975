/**
 * @pure Values that a broker stores in its own topics (__consumer_offsets, __transaction_state, control records): an
 * int16 version, then a message of the DSL. Kafka: the generated ...Key and ...Value classes and MessageUtil.
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
  /** Version and body; the newest version unless told otherwise. */
  encode(value: Encodable<F>, version?: number): Buffer;
  /** Throws RangeError for an unknown version or a body that is not of it. Nothing in the result aliases `bytes`. */
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
  readonly fields: F;
}): StoredRecord<F> {
  const { name, fields, validVersions, flexibleVersions } = declaration;
  const { lowest, highest } = versionRange(validVersions);
  const compiled: Codec<Decoded<F>, Encodable<F>>[] = [];
  const codec = (version: number) => {
    const known = compiled[version];
    if (known !== undefined) return known;
    if (!inRange(validVersions, version)) throw new RangeError(`${name} has no version ${version}`);
    const isFlexible = flexibleVersions !== undefined && inRange(flexibleVersions, version);
    const made = compile(name, fields, version, isFlexible);
    compiled[version] = made;
    return made;
  };
  return {
    name,
    fields,
    lowestVersion: lowest,
    highestVersion: highest,
    encode(value, version = highest) {
      const writer = new Writer();
      writer.int16(version);
      codec(version).write(writer, value);
      return writer.finish();
    },
    decode(bytes) {
      const reader = new Reader(bytes);
      const version = reader.int16();
      return { version, value: codec(version).read(reader) };
    },
  };
}

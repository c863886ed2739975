/**
 * @pure The message DSL. A message is declared once, as an object literal: key order is wire order, and Kafka's own
 * field vocabulary (versions, nullable, default, ignorable, tag) is kept. compile() turns a declaration and ONE
 * version into a straight-line reader and writer, so nothing asks "which version?" per field at run time.
 *
 * Decoding: a field that is not on the wire in a version takes its default, so handlers see one shape for all
 * versions. Encoding: a field that may be left out is one with a default, a tagged one, or one whose versions have
 * ended. A value other than the default for a field that the version does not carry is refused (KafkaError
 * UNSUPPORTED_VERSION), unless the field is `ignorable`.
 *
 * This is the only place in the project that builds functions from text; the text comes from codec-source.ts and
 * contains nothing but our own declarations.
 */
import { type TopicId, ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import { CODEC_ENVIRONMENT, codecSource } from './codec-source.ts';
import type { Reader } from './reader.ts';
import { inRange, type Versions, versionRange } from './versions.ts';
import type { RecordsSource, Writer } from './writer.ts';

export interface FieldOptions<T> {
  /** The versions that have the field on the wire; all of the message's when absent. */
  readonly versions?: Versions;
  /** The versions in which null is a legal value. */
  readonly nullable?: Versions;
  readonly default?: T;
  /** May be dropped silently where the version does not have it. */
  readonly ignorable?: boolean;
  /** Number in the tagged section of flexible versions. */
  readonly tag?: number;
  /** The versions in which the field is a tagged one; the same as `versions` when absent. */
  readonly tagged?: Versions;
  /** int64 only: values a number cannot hold exactly become ±(2^53 - 1) instead of refusing the message. */
  readonly saturating?: true;
}

export type Kind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'
  | 'array'
  | 'struct';

/**
 * Out is what a decoder yields, In what an encoder accepts, Optional whether an encoder accepts the field's absence.
 */
export interface Field<Out = unknown, In = unknown, Optional extends boolean = boolean> {
  readonly kind: Kind;
  readonly options: FieldOptions<unknown>;
  /** The element of an array. */
  readonly element: Field | null;
  /** The fields of a struct. */
  readonly fields: Fields | null;
  /** The default when the options name none. */
  readonly zero: unknown;
  /** Never set: carries the types. */
  readonly type?: { readonly out: Out; readonly in: In; readonly optional: Optional };
}
export type Fields = { readonly [name: string]: Field };

type TypeOf<F extends Field> = NonNullable<F['type']>;
type Nullish<T, O> = O extends { nullable: Versions } ? T | null : T;
type IsOptional<O> = O extends
  | { default: unknown }
  | { tag: number }
  | { versions: `${number}` | `${number}-${number}` }
  ? true
  : false;
type NoOptions = Record<never, never>;

/** What a decoder yields: every field present. */
export type Decoded<F extends Fields> = { -readonly [K in keyof F]: TypeOf<F[K]>['out'] };

/** What an encoder accepts: fields with a default may be left out or undefined. */
export type Encodable<F extends Fields> = {
  readonly [K in keyof F as TypeOf<F[K]>['optional'] extends true ? never : K]: TypeOf<F[K]>['in'];
} & {
  readonly [K in keyof F as TypeOf<F[K]>['optional'] extends true ? K : never]?: TypeOf<F[K]>['in'] | undefined;
};

type Scalar<T> = <const O extends FieldOptions<T | null> = NoOptions>(
  options?: O,
) => Field<Nullish<T, O>, Nullish<T, O>, IsOptional<O>>;

function scalar<T>(kind: Kind, zero: T): Scalar<T> {
  return (options) => ({ kind, options: options ?? {}, element: null, fields: null, zero });
}

export const bool = scalar<boolean>('bool', false);
export const int8 = scalar<number>('int8', 0);
export const int16 = scalar<number>('int16', 0);
export const uint16 = scalar<number>('uint16', 0);
export const int32 = scalar<number>('int32', 0);
export const uint32 = scalar<number>('uint32', 0);
/** A number: values beyond ±(2^53 - 1) refuse the message with a RangeError, unless the field is `saturating`. */
export const int64 = scalar<number>('int64', 0);
export const float64 = scalar<number>('float64', 0);
export const uuid = scalar<TopicId>('uuid', ZERO_TOPIC_ID);
export const string = scalar<string>('string', '');
/** Copied out of the frame, so it may be kept. */
export const bytes = scalar<Buffer>('bytes', Buffer.alloc(0));
/** An int16 that names one of the errors of errors.ts. */
export const errorCode = int16;

/**
 * Record batches, never looked into by this layer. Decoded, they alias the frame: valid as long as the frame's memory
 * is. Encoded, they are a Buffer or something that copies itself into the message.
 */
export function records<const O extends FieldOptions<null> = NoOptions>(
  options?: O,
): Field<Buffer | null, Buffer | RecordsSource | null, IsOptional<O>> {
  return { kind: 'records', options: { nullable: '0+', ...options }, element: null, fields: null, zero: null };
}

type ArrayOptions = FieldOptions<null | readonly never[]>;
export function array<F extends Fields, const O extends ArrayOptions = NoOptions>(
  element: F,
  options?: O,
): Field<Nullish<Decoded<F>[], O>, Nullish<readonly Encodable<F>[], O>, IsOptional<O>>;
export function array<Out, In, const O extends ArrayOptions = NoOptions>(
  element: Field<Out, In>,
  options?: O,
): Field<Nullish<Out[], O>, Nullish<readonly In[], O>, IsOptional<O>>;
export function array(element: Fields | Field, options: ArrayOptions = {}): Field<unknown, unknown> {
  return { kind: 'array', options, element: isField(element) ? element : struct(element), fields: null, zero: [] };
}

export function struct<F extends Fields, const O extends FieldOptions<null> = NoOptions>(
  fields: F,
  options?: O,
): Field<Nullish<Decoded<F>, O>, Nullish<Encodable<F>, O>, IsOptional<O>> {
  return { kind: 'struct', options: options ?? {}, element: null, fields, zero: undefined };
}

/** A message may have a field called `kind`; that one is a Field, never a string. */
function isField(declaration: Fields | Field): declaration is Field {
  return typeof declaration.kind === 'string';
}

export interface Codec<Out, In = Out> {
  /** Throws RangeError when the bytes are not such a message. */
  read(reader: Reader): Out;
  write(writer: Writer, value: In): void;
  /** The bytes of all record fields of the value: what makes a message large. */
  recordsSizeBytes(value: In): number;
}

export function compile<F extends Fields>(
  name: string,
  fields: F,
  version: number,
  flexible: boolean,
): Codec<Decoded<F>, Encodable<F>> {
  const source = codecSource(name, fields, version, flexible);
  return new Function('environment', source)(CODEC_ENVIRONMENT) as Codec<Decoded<F>, Encodable<F>>;
}

export interface Api<Q extends Fields = Fields, S extends Fields = Fields> {
  readonly key: number;
  readonly name: string;
  readonly validVersions: Versions;
  readonly lowestVersion: number;
  readonly highestVersion: number;
  readonly flexibleVersions: Versions | null;
  readonly request: Q;
  readonly response: S;
  /** Also answers for versions this API does not have (yet): a header must be read before its version is judged. */
  isFlexible(version: number): boolean;
  /** Compiled on first use. Throws RangeError for a version that the API does not have. */
  requestCodec(version: number): Codec<Decoded<Q>, Encodable<Q>>;
  responseCodec(version: number): Codec<Decoded<S>, Encodable<S>>;
}

/** A decoded request. */
export type RequestOf<A extends Api> = Decoded<A['request']>;
/** What an encoder of requests accepts. */
export type RequestIn<A extends Api> = Encodable<A['request']>;
/** What an encoder of responses accepts. */
export type ResponseOf<A extends Api> = Encodable<A['response']>;
/** A decoded response. */
export type ResponseOut<A extends Api> = Decoded<A['response']>;

export function defineApi<const Q extends Fields, const S extends Fields>(declaration: {
  readonly key: number;
  readonly name: string;
  readonly validVersions: Versions;
  readonly flexibleVersions?: Versions;
  readonly request: Q;
  readonly response: S;
}): Api<Q, S> {
  const { name, validVersions, flexibleVersions = null } = declaration;
  const { lowest, highest } = versionRange(validVersions);
  const isFlexible = (version: number) => flexibleVersions !== null && inRange(flexibleVersions, version);
  const codecs = <F extends Fields>(message: string, fields: F) => {
    const compiled: Codec<Decoded<F>, Encodable<F>>[] = [];
    return (version: number) => {
      const known = compiled[version];
      if (known !== undefined) return known;
      if (!inRange(validVersions, version)) throw new RangeError(`${name} has no version ${version}`);
      const codec = compile(message, fields, version, isFlexible(version));
      compiled[version] = codec;
      return codec;
    };
  };
  return {
    ...declaration,
    flexibleVersions,
    lowestVersion: lowest,
    highestVersion: highest,
    isFlexible,
    requestCodec: codecs(`${name}Request`, declaration.request),
    responseCodec: codecs(`${name}Response`, declaration.response),
  };
}

/**
 * What a handler of one API is, and how it is declared. A handler never sees a version difference that the schema can
 * hide, holds no state, and answers with one of:
 *  - a response, or a promise of one: the next request of the connection starts when it is there (Kafka's own rule);
 *  - `staged(reply)`: this request's place in the log is fixed already, so the next one may start; the reply comes
 *    later;
 *  - `NO_RESPONSE`: nothing is sent (Produce with acks=0).
 *
 * A thrown KafkaError becomes the whole response's error (by `onError`, derived from the schema unless the handler
 * brings its own); any other error is a fault of ours and answers UNKNOWN_SERVER_ERROR.
 *
 * Byte fields of `records()` type alias the receive buffer: they are valid until the handler returns or first awaits.
 */
import type { ErrorName } from '../protocol/errors.ts';
import { encodeResponse } from '../protocol/frame.ts';
import type { Reader } from '../protocol/reader.ts';
import type { Api, RequestOf, ResponseOf } from '../protocol/schema.ts';
import type { Broker } from './broker.ts';
import { deriveErrorResponse } from './error-response.ts';

/** The connection a request came on, as handlers may know it. */
export interface ConnectionInfo {
  /** Kafka's form: localHost:localPort-remoteHost:remotePort-index. */
  readonly id: string;
  readonly clientHost: string;
  /** The name of the listener decides which of the brokers' endpoints the client is told. */
  readonly listenerName: string;
  /** What the client said of itself in ApiVersions v3+ (KIP-511); null until it did. */
  clientSoftware: { readonly name: string; readonly version: string } | null;
  /** Calls back once when the connection has ended, unless the function that it returns was called before. */
  onClose(callback: () => void): () => void;
}

/** One advertised API. */
export interface ApiRange {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface RequestContext {
  readonly broker: Broker;
  readonly version: number;
  readonly clientId: string | null;
  readonly connection: ConnectionInfo;
  /** Everything this broker answers; what ApiVersions tells. */
  readonly supportedApis: readonly ApiRange[];
  /** Wall clock when the request was taken up. */
  readonly nowMs: number;
  /** Monotonic clock at the same moment, for deadlines. */
  readonly monotonicMs: number;
}

export const NO_RESPONSE = Symbol('no response');
export type NoResponse = typeof NO_RESPONSE;

/** See `staged`. */
export class Staged<R> {
  readonly reply: Promise<R | NoResponse>;
  constructor(reply: Promise<R | NoResponse>) {
    this.reply = reply;
  }
}

/** My place in the log is fixed, the next request of this connection may start; the reply comes later. */
export function staged<R>(reply: Promise<R | NoResponse>): Staged<R> {
  return new Staged(reply);
}

/**
 * A response frame that was encoded before, for the same version: only the correlation id differs from one answer to
 * the next. For large answers that many clients ask for.
 */
export class EncodedBefore {
  readonly frame: Buffer;
  constructor(frame: Buffer) {
    this.frame = frame;
  }
}

export type HandlerResult<R> = R | NoResponse | EncodedBefore | Staged<R> | Promise<R | NoResponse>;

export interface HandlerOptions<Request, Response> {
  /** The versions this broker answers, `min-max` or a single one; within the message's own valid versions. */
  readonly versions: string;
  /**
   * "All of it failed" in this API's words, where the derived default does not fit; NO_RESPONSE closes the
   * connection.
   */
  readonly onError?: (
    request: Request,
    error: ErrorName,
    message: string | null,
    version: number,
  ) => Response | NoResponse;
}

/** A handler with its types erased: what the dispatch table holds. */
export interface Handler extends ApiRange {
  readonly name: string;
  readonly isFlexible: (version: number) => boolean;
  readonly decode: (reader: Reader, version: number) => unknown;
  readonly handle: (context: RequestContext, request: unknown) => HandlerResult<unknown>;
  readonly onError: (request: unknown, error: ErrorName, message: string | null, version: number) => unknown;
  readonly encode: (version: number, correlationId: number, response: unknown, buffer?: Buffer) => Buffer;
  /** The bytes of all record fields of a response: what makes one large. */
  readonly recordsSizeBytes: (version: number, response: unknown) => number;
}

/** Declares the handler of one API; the types of request and response come from the message. */
export function handler<A extends Api>(
  api: A,
  options: HandlerOptions<RequestOf<A>, ResponseOf<A>>,
  handle: (context: RequestContext, request: RequestOf<A>) => HandlerResult<ResponseOf<A>>,
): Handler {
  const [minVersion = 0, maxVersion = minVersion] = options.versions.split('-').map(Number);
  const { onError } = options;
  // The casts below undo the erasure of the types: dispatch only ever passes on what `decode` and `handle` gave it.
  return {
    apiKey: api.key,
    name: api.name,
    minVersion,
    maxVersion,
    isFlexible: (version) => api.isFlexible(version),
    decode: (reader, version) => api.requestCodec(version).read(reader),
    handle: (context, request) => handle(context, request as RequestOf<A>),
    onError: (request, error, message, version) =>
      onError === undefined
        ? deriveErrorResponse(api, version, request, error, message)
        : onError(request as RequestOf<A>, error, message, version),
    recordsSizeBytes: (version, response) => api.responseCodec(version).recordsSizeBytes(response as ResponseOf<A>),
    encode: (version, correlationId, response, buffer) =>
      encodeResponse(api, version, correlationId, response as ResponseOf<A>, buffer),
  };
}

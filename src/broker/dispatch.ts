/**
 * From a frame to its answer: header, version check, decoding, the handler, encoding. The only catch-all of the desk.
 *
 *  - A frame that cannot be read, an unknown API or an unsupported version throws InvalidRequestError, upon which the
 *    connection is closed. Only ApiVersions is answered in its version 0 with UNSUPPORTED_VERSION, as clients rely on
 *    it.
 *  - What brokers say to each other is taken on every listener, as Kafka without an authorizer takes it (all of a
 *    broker's listeners are of the type zkBroker): while the brokers change inter.broker.listener.name one by one,
 *    those that were not restarted yet speak by the old one, and a broker that did not listen would know of no topic.
 *    Who may reach any listener may delete every topic anyway; only the network keeps strangers away.
 *  - A KafkaError of a handler becomes the response's error.
 *  - Any other error of a handler is a fault of ours: logged as `handler fault`, counted, answered
 *    UNKNOWN_SERVER_ERROR.
 *  - A failed assertion ends the process through `onFatal`.
 */
import { AssertionError } from '../lib/assert.ts';
import { BufferPool } from '../lib/buffer-pool.ts';
import type { Logger } from '../lib/logger.ts';
import { errorMessage, Errors, type ErrorName, KafkaError } from '../protocol/errors.ts';
import { encodeResponse, readRequestHeader } from '../protocol/frame.ts';
import { ApiVersions } from '../protocol/messages/18-api-versions.ts';
import { Reader } from '../protocol/reader.ts';
import type { Broker } from './broker.ts';
import {
  type ApiRange,
  type ConnectionInfo,
  EncodedBefore,
  type Handler,
  NO_RESPONSE,
  type RequestContext,
  Staged,
} from './handler.ts';
import type { RequestCounters, RequestTrace } from './request-counters.ts';

/** Bytes from outside that are no request we answer: the connection is closed. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError';
}

export interface ReadyResponse {
  readonly kind: 'ready';
  /** A whole response frame with its length. */
  readonly bytes: Buffer;
  /** To be called when the bytes have left (or never will): they lie in a pooled buffer. */
  readonly release: (() => void) | null;
  /** Told when the bytes have left; null when nobody counts. */
  readonly trace: RequestTrace | null;
}
export interface PendingResponse {
  readonly kind: 'pending';
  /** Null when nothing is to be sent. Rejects when the connection must be closed. */
  readonly reply: Promise<ReadyResponse | null>;
  /** The next request of the connection may be dispatched before this reply is there. */
  readonly isStaged: boolean;
}
/** Null: nothing is to be sent. */
export type DispatchOutcome = ReadyResponse | PendingResponse | null;

export interface DispatchOptions {
  readonly handlers: readonly Handler[];
  readonly broker: Broker;
  readonly logger: Logger;
  readonly onFatal: (what: string, error: unknown) => void;
  readonly responseBuffers?: BufferPool;
  /** Where requests are counted, if anybody reads it. */
  readonly counters?: RequestCounters | undefined;
}

interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** A request that was understood, for whoever answers it. */
interface AskedRequest {
  readonly handler: Handler;
  readonly header: RequestHeader;
  readonly request: unknown;
  readonly connection: ConnectionInfo;
  readonly trace: RequestTrace | null;
}

/** Responses with more record bytes than this are encoded into a pooled buffer. */
const POOLED_RESPONSE_BYTES = 8 * 1024;
/** Room for everything around the records of a response: a fixed part, and one that grows with the partitions. */
const RESPONSE_HEADROOM_BYTES = 8 * 1024;
const RESPONSE_HEADROOM_SHARE = 1 / 16;
const LENGTH_BYTES = 4;
/** apiKey, apiVersion, correlationId and the length of clientId. */
const SHORTEST_HEADER_BYTES = 10;

export class Dispatch {
  readonly supportedApis: readonly ApiRange[];
  readonly #handlers = new Map<number, Handler>();
  readonly #broker: Broker;
  readonly #logger: Logger;
  readonly #onFatal: (what: string, error: unknown) => void;
  readonly #buffers: BufferPool;
  readonly #counters: RequestCounters | null;
  #faultCount = 0;

  constructor(options: DispatchOptions) {
    this.#broker = options.broker;
    this.#logger = options.logger;
    this.#onFatal = options.onFatal;
    this.#buffers = options.responseBuffers ?? new BufferPool();
    this.#counters = options.counters ?? null;
    for (const handler of options.handlers) this.#handlers.set(handler.apiKey, handler);
    this.supportedApis = [...this.#handlers.values()]
      .map(({ apiKey, minVersion, maxVersion }) => ({ apiKey, minVersion, maxVersion }))
      .sort((one, other) => one.apiKey - other.apiKey);
  }

  /** Requests that met a fault of ours. */
  get faultCount(): number {
    return this.#faultCount;
  }

  /**
   * Handles one request. The frame (without its length) is only looked at until this returns; what a handler keeps, it
   * copies. Throws InvalidRequestError when the connection must be closed.
   * @param receivedMs when its last byte came, monotonic; now, when nobody says
   */
  handleFrame(frame: Buffer, connection: ConnectionInfo, receivedMs = -1): DispatchOutcome {
    if (frame.length < SHORTEST_HEADER_BYTES) throw new InvalidRequestError(`a request of ${frame.length} bytes`);
    const apiKey = frame.readInt16BE(0);
    const version = frame.readInt16BE(2);
    const handler = this.#handlers.get(apiKey);
    if (handler === undefined) throw new InvalidRequestError(`unknown api key ${apiKey}`);
    if (version < handler.minVersion || version > handler.maxVersion) {
      if (apiKey === ApiVersions.key) return this.#refuseApiVersions(handler, frame.readInt32BE(4));
      throw new InvalidRequestError(`${handler.name} version ${version} is not supported`);
    }
    const { header, request } = decode(handler, frame);
    const context: RequestContext = {
      broker: this.#broker,
      version,
      clientId: header.clientId,
      connection,
      supportedApis: this.supportedApis,
      nowMs: this.#broker.clock.nowMs(),
      monotonicMs: this.#broker.clock.monotonicMs(),
    };
    const trace = this.#begin(handler, context, request, frame.length, receivedMs);
    const asked: AskedRequest = { handler, header, request, connection, trace };
    try {
      const result = handler.handle(context, request);
      if (result === NO_RESPONSE) {
        trace?.onNoReply(this.#nowMs);
        return null;
      }
      if (result instanceof Staged) return this.#pending(asked, result.reply, true);
      if (result instanceof EncodedBefore) return this.#answerAgain(asked, result.frame);
      if (result instanceof Promise) return this.#pending(asked, result, false);
      return this.#encode(asked, result);
    } catch (error) {
      return this.#answerError(asked, error);
    }
  }

  get #nowMs(): number {
    return this.#broker.clock.monotonicMs();
  }

  #begin(
    handler: Handler,
    { version, monotonicMs }: RequestContext,
    request: unknown,
    frameBytes: number,
    receivedMs: number,
  ): RequestTrace | null {
    if (this.#counters === null) return null;
    const times = { receivedMs: receivedMs < 0 ? monotonicMs : receivedMs, startedMs: monotonicMs };
    return this.#counters.begin(handler, version, request, frameBytes, times);
  }

  #pending(asked: AskedRequest, reply: Promise<unknown>, isStaged: boolean): PendingResponse {
    const { trace } = asked;
    trace?.onPending(this.#nowMs);
    const encoded = reply
      .then((response) => {
        trace?.onResumed(this.#nowMs);
        if (response !== NO_RESPONSE) return this.#encode(asked, response);
        trace?.onNoReply(this.#nowMs);
        return null;
      })
      .catch((error: unknown) => {
        trace?.onResumed(this.#nowMs);
        return this.#answerError(asked, error);
      });
    return { kind: 'pending', reply: encoded, isStaged };
  }

  #encode({ handler, header, trace }: AskedRequest, response: unknown): ReadyResponse {
    const { apiVersion, correlationId } = header;
    const recordsSizeBytes = handler.recordsSizeBytes(apiVersion, response);
    if (recordsSizeBytes <= POOLED_RESPONSE_BYTES) {
      const bytes = handler.encode(apiVersion, correlationId, response);
      trace?.onEncoded(this.#nowMs, bytes.length, response);
      return { kind: 'ready', bytes, release: null, trace };
    }
    const headroomBytes = RESPONSE_HEADROOM_BYTES + Math.floor(recordsSizeBytes * RESPONSE_HEADROOM_SHARE);
    const buffer = this.#buffers.take(recordsSizeBytes + headroomBytes);
    const release = (): void => this.#buffers.give(buffer);
    try {
      const bytes = handler.encode(apiVersion, correlationId, response, buffer);
      trace?.onEncoded(this.#nowMs, bytes.length, response);
      return { kind: 'ready', bytes, release, trace };
    } catch (error) {
      release();
      throw error;
    }
  }

  #answerAgain({ header, trace }: AskedRequest, frame: Buffer): ReadyResponse {
    const buffer = this.#buffers.take(frame.length);
    frame.copy(buffer);
    buffer.writeInt32BE(header.correlationId, LENGTH_BYTES);
    trace?.onEncoded(this.#nowMs, frame.length, null);
    return { kind: 'ready', bytes: buffer.subarray(0, frame.length), release: () => this.#buffers.give(buffer), trace };
  }

  /** Always an answer: that a request which expects no response has failed can only be told by closing. */
  #answerError(asked: AskedRequest, error: unknown): ReadyResponse {
    const { handler, header, request, connection } = asked;
    const asker = `${header.clientId ?? 'an unnamed client'} at ${connection.id}`;
    const what = `${handler.name} v${header.apiVersion} from ${asker}`;
    if (error instanceof AssertionError) {
      this.#onFatal(`An invariant broke in ${what}`, error);
      throw error;
    }
    let name: ErrorName = 'UNKNOWN_SERVER_ERROR';
    let message: string | null = null;
    if (error instanceof KafkaError) {
      name = error.error;
      if (error.message !== errorMessage(name)) message = error.message;
    } else {
      this.#faultCount++;
      this.#logger.error(`handler fault: ${what}`, error);
    }
    const response = handler.onError(request, name, message, header.apiVersion);
    if (response === NO_RESPONSE) throw new InvalidRequestError(`${what} failed (${name}) and expects no response`);
    return this.#encode(asked, response);
  }

  /** KIP-511: the client learns our range from a reply in the oldest layout, and asks again. */
  #refuseApiVersions({ apiKey, minVersion, maxVersion }: Handler, correlationId: number): ReadyResponse {
    const response = { errorCode: Errors.UNSUPPORTED_VERSION, apiKeys: [{ apiKey, minVersion, maxVersion }] };
    return {
      kind: 'ready',
      bytes: encodeResponse(ApiVersions, 0, correlationId, response),
      release: null,
      trace: null,
    };
  }
}

function decode(handler: Handler, frame: Buffer): { header: RequestHeader; request: unknown } {
  try {
    const reader = new Reader(frame);
    const header = readRequestHeader(reader, () => handler);
    return { header, request: handler.decode(reader, header.apiVersion) };
  } catch (error) {
    throw new InvalidRequestError(`${handler.name} v${frame.readInt16BE(2)} cannot be read`, { cause: error });
  }
}

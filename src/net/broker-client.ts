/**
 * A connection to another broker: send(api, version, request) gives the typed response.
 *
 * Connects on the first send and again after a loss, at most once per `reconnectBackoffMs`. Requests are pipelined up
 * to `maxInFlightRequests`; the broker answers them in order. A request that gets no answer within its timeout costs
 * the connection, since its answer could come any time later; everything in flight fails with a ConnectionError then,
 * and so it does when the connection is lost: whether the broker acted is unknown. What a broken network has not
 * delivered by then never arrives: a controller's order that did would undo what was ordered since.
 *
 * Record slices of a response are valid until the next send() on this client.
 */
import type * as net from 'node:net';
import { BufferPool } from '../lib/buffer-pool.ts';
import { type Clock, type Timer, withTimeout } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import type { Logger } from '../lib/logger.ts';
import { decodeResponse, encodeRequest } from '../protocol/frame.ts';
import type { Api, RequestIn, ResponseOut } from '../protocol/schema.ts';
import { FrameReader } from './frame-reader.ts';
import { connectReceiving } from './receiving-socket.ts';

/** The other broker could not be reached, or was lost before it answered. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

export interface BrokerClientOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs?: number;
  readonly reconnectBackoffMs?: number;
  readonly maxInFlightRequests?: number;
  readonly maxResponseBytes?: number;
  /** Room for one read; a connection that fetches records does better with a megabyte. */
  readonly receiveBufferBytes?: number;
  readonly buffers?: BufferPool;
}

interface RequestInFlight {
  readonly correlationId: number;
  readonly name: string;
  readonly timer: Timer;
  readonly onFrame: (frame: Buffer) => void;
  readonly onFailed: (error: ConnectionError) => void;
}

interface Link {
  readonly socket: net.Socket;
  readonly reader: FrameReader;
  /** The oldest first. */
  readonly inFlight: RequestInFlight[];
  isConnected: boolean;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_RECONNECT_BACKOFF_MS = 50;
const DEFAULT_MAX_IN_FLIGHT = 100;
const DEFAULT_MAX_RESPONSE_BYTES = 256 * 1024 * 1024;
const DEFAULT_RECEIVE_BUFFER_BYTES = 64 * 1024;
/** A large response and the one after it. */
const DEFAULT_IDLE_BUFFER_BYTES = 8 * 1024 * 1024;
const MAX_CORRELATION_ID = 0x7fff_ffff;

export class BrokerClient {
  readonly host: string;
  readonly port: number;
  readonly #options: BrokerClientOptions;
  readonly #buffers: BufferPool;
  #link: Link | null = null;
  #connecting: Promise<Link> | null = null;
  #lastAttemptMs = Number.NEGATIVE_INFINITY;
  #receiveBuffer: Buffer | null = null;
  #waitingForLinkCount = 0;
  #nextCorrelationId = 0;
  /** Sends that wait for the connection or its answer. */
  #pendingCount = 0;
  #isClosed = false;

  constructor(options: BrokerClientOptions) {
    this.host = options.host;
    this.port = options.port;
    this.#options = options;
    this.#buffers = options.buffers ?? new BufferPool(DEFAULT_IDLE_BUFFER_BYTES);
  }

  get isConnected(): boolean {
    return this.#link?.isConnected ?? false;
  }

  /** Rejects with ConnectionError; with RangeError or KafkaError when the request cannot be encoded in that version. */
  async send<A extends Api>(
    api: A,
    version: number,
    request: RequestIn<A>,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<ResponseOut<A>> {
    const { clock, requestTimeoutMs, maxInFlightRequests = DEFAULT_MAX_IN_FLIGHT } = this.#options;
    if (this.#isClosed) throw this.#error('the client is closed');
    if (this.#pendingCount >= maxInFlightRequests)
      throw this.#error(`${this.#pendingCount} requests in flight already`);
    const deadlineMs = clock.monotonicMs() + (options.timeoutMs ?? requestTimeoutMs);
    this.#pendingCount++;
    try {
      const link = await this.#linkBy(deadlineMs);
      return await this.#exchange(link, api, version, request, deadlineMs);
    } finally {
      this.#pendingCount--;
    }
  }

  /** Sends what no broker answers (Produce with acks 0); resolves when the bytes have left for the system. */
  async post<A extends Api>(api: A, version: number, request: RequestIn<A>): Promise<void> {
    const { clock, clientId, requestTimeoutMs } = this.#options;
    if (this.#isClosed) throw this.#error('the client is closed');
    const link = await this.#linkBy(clock.monotonicMs() + requestTimeoutMs);
    const bytes = encodeRequest(api, version, this.#takeCorrelationId(), clientId, request);
    await new Promise<void>((resolve, reject) =>
      link.socket.write(bytes, (error) => (error ? reject(this.#error(error.message, error)) : resolve())),
    );
  }

  /** Fails everything in flight. */
  close(): void {
    this.#isClosed = true;
    if (this.#link !== null) this.#lose(this.#link, this.#error('the client was closed'));
  }

  #exchange<A extends Api>(
    link: Link,
    api: A,
    version: number,
    request: RequestIn<A>,
    deadlineMs: number,
  ): Promise<ResponseOut<A>> {
    const { clock, clientId } = this.#options;
    const correlationId = this.#takeCorrelationId();
    const bytes = encodeRequest(api, version, correlationId, clientId, request);
    if (this.#link !== link) throw this.#error('the connection was lost');
    if (link.inFlight.length === 0) link.reader.releaseKept();
    const answered = new Deferred<ResponseOut<A>>();
    const timer = clock.schedule(deadlineMs - clock.monotonicMs(), () => {
      // The system would go on sending what it holds, for minutes.
      link.socket.resetAndDestroy();
      this.#lose(link, this.#error(`${api.name} was not answered in time`));
    });
    link.inFlight.push({
      correlationId,
      name: api.name,
      timer,
      onFrame: (frame) => answered.resolve(decodeResponse(api, version, frame).response),
      onFailed: (error) => answered.reject(error),
    });
    link.socket.write(bytes);
    return answered.promise;
  }

  #takeCorrelationId(): number {
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = correlationId === MAX_CORRELATION_ID ? 0 : correlationId + 1;
    return correlationId;
  }

  /** The connection, made if there is none. Requests get it in the order of their sends. */
  async #linkBy(deadlineMs: number): Promise<Link> {
    const { clock } = this.#options;
    if (this.#link?.isConnected && this.#waitingForLinkCount === 0) return this.#link;
    this.#waitingForLinkCount++;
    try {
      const isThere = this.#link?.isConnected && this.#connecting === null;
      const link = isThere && this.#link !== null ? Promise.resolve(this.#link) : this.#connect();
      return await withTimeout(clock, deadlineMs - clock.monotonicMs(), link, () =>
        this.#error('no connection in time'),
      );
    } finally {
      this.#waitingForLinkCount--;
    }
  }

  #connect(): Promise<Link> {
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #open(): Promise<Link> {
    const { clock, host, port, reconnectBackoffMs = DEFAULT_RECONNECT_BACKOFF_MS } = this.#options;
    const waitMs = this.#lastAttemptMs + reconnectBackoffMs - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs);
    if (this.#isClosed) throw this.#error('the client is closed');
    this.#lastAttemptMs = clock.monotonicMs();
    this.#receiveBuffer ??= Buffer.allocUnsafeSlow(this.#options.receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES);
    const receiveBuffer = this.#receiveBuffer;
    const reader = new FrameReader(
      { mayTake: () => this.#link === link, take: (frame) => this.#onFrame(link, frame) },
      {
        maxFrameBytes: this.#options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
        buffers: this.#buffers,
        keepsFrames: true,
      },
    );
    const socket = connectReceiving(host, port, {
      buffer: () => reader.landing() ?? receiveBuffer,
      received: (count, buffer) => this.#onReceived(link, count, buffer),
    });
    const link: Link = { socket, reader, inFlight: [], isConnected: false };
    this.#link = link;
    return this.#whenConnected(link);
  }

  #whenConnected(link: Link): Promise<Link> {
    const { clock, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = this.#options;
    const connected = new Deferred<Link>();
    const timer = clock.schedule(connectTimeoutMs, () => {
      const error = this.#error(`no connection within ${connectTimeoutMs} ms`);
      this.#lose(link, error);
      connected.reject(error);
    });
    link.socket.once('connect', () => {
      timer.cancel();
      link.isConnected = true;
      connected.resolve(link);
    });
    link.socket.on('error', (cause) => {
      const error = this.#error(cause.message, cause);
      this.#lose(link, error);
      connected.reject(error);
    });
    link.socket.on('close', () => {
      timer.cancel();
      const error = this.#error('the connection was closed');
      this.#lose(link, error);
      connected.reject(error);
    });
    return connected.promise;
  }

  #onReceived(link: Link, count: number, buffer: Buffer): void {
    if (this.#link !== link) return;
    try {
      const landing = link.reader.landing();
      if (landing !== null && landing.buffer === buffer.buffer && landing.byteOffset === buffer.byteOffset) {
        link.reader.landed(count);
      } else link.reader.push(buffer.subarray(0, count));
    } catch (cause) {
      this.#lose(link, this.#error('what it sent cannot be read', cause));
    }
  }

  #onFrame(link: Link, frame: Buffer): void {
    const request = link.inFlight.shift();
    const correlationId = frame.length < 4 ? null : frame.readInt32BE(0);
    if (request === undefined || request.correlationId !== correlationId) {
      const error = this.#error(`a response with correlation id ${correlationId} that nothing waits for`);
      request?.timer.cancel();
      request?.onFailed(error);
      throw error;
    }
    request.timer.cancel();
    try {
      request.onFrame(frame);
    } catch (cause) {
      request.onFailed(this.#error(`the response to ${request.name} cannot be read`, cause));
      throw cause;
    }
  }

  /** Ends this connection; the next send opens another. */
  #lose(link: Link, error: ConnectionError): void {
    if (this.#link !== link) return;
    this.#link = null;
    const wasConnected = link.isConnected;
    link.isConnected = false;
    link.socket.destroy();
    link.reader.close();
    if (wasConnected && !this.#isClosed) this.#options.logger.debug(error.message);
    for (const request of link.inFlight.splice(0)) {
      request.timer.cancel();
      request.onFailed(error);
    }
  }

  #error(message: string, cause?: unknown): ConnectionError {
    return new ConnectionError(`${this.host}:${this.port}: ${message}`, cause === undefined ? {} : { cause });
  }
}

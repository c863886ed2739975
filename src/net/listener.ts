/**
 * One configured endpoint: listens, and hands each accepted connection on with the name of its listener.
 * Kafka's Acceptor.
 */
import * as net from 'node:net';
import type { Endpoint } from '../model/broker.ts';

export interface ListenerOptions {
  readonly endpoint: Endpoint;
  readonly backlog: number;
  /** The socket is paused; nothing has been read from it. */
  readonly onAccepted: (socket: net.Socket) => void;
  /** After it listened: accepting failed (no file descriptors, for example). */
  readonly onError: (error: Error) => void;
}

/** The address cannot be bound; `code` is the system's (EADDRINUSE, EACCES …). */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string;

  constructor({ host, port }: Endpoint, cause: NodeJS.ErrnoException) {
    super(`Socket server failed to bind to ${host}:${port}: ${cause.message}.`, { cause });
    this.code = cause.code ?? '';
  }
}

export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: net.Server;
  #port = -1;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = net.createServer({ pauseOnConnect: true, noDelay: true, keepAlive: true });
    this.#server.on('connection', options.onAccepted);
  }

  get name(): string {
    return this.#options.endpoint.listenerName;
  }

  get host(): string {
    return this.#options.endpoint.host || '0.0.0.0';
  }

  /** The port it really listens on: the configured one, or the one the system chose for port 0. */
  get port(): number {
    return this.#port;
  }

  /** Rejects with ListenError when the address cannot be bound. */
  listen(): Promise<void> {
    const { host, port } = this.#options.endpoint;
    return new Promise((resolve, reject) => {
      const onFailed = (error: Error): void => reject(new ListenError(this.#options.endpoint, error));
      this.#server.once('error', onFailed);
      // An empty host means every address, as in Kafka's `PLAINTEXT://:9092`.
      this.#server.listen({ port, backlog: this.#options.backlog, ...(host === '' ? {} : { host }) }, () => {
        this.#server.off('error', onFailed);
        this.#server.on('error', this.#options.onError);
        const address = this.#server.address();
        if (address !== null && typeof address !== 'string') this.#port = address.port;
        resolve();
      });
    });
  }

  /** Accepts nothing more. Resolves when its connections are gone too: close those first or meanwhile. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#server.listening) this.#server.close(() => resolve());
      else resolve();
    });
  }
}

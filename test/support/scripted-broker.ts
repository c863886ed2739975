/**
 * A broker on a real socket that answers what a test tells it to: a function for each API. Requests and responses go
 * through the project's codecs in every version that both sides know.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { encodeResponse, readRequestHeader } from '../../src/protocol/frame.ts';
import { ApiVersions, apiByKey } from '../../src/protocol/messages/index.ts';
import { Reader } from '../../src/protocol/reader.ts';
import type { Api, RequestOf, ResponseOf } from '../../src/protocol/schema.ts';

/** Null closes the connection instead of answering; undefined answers nothing. */
type Answer<A extends Api> = ResponseOf<A> | null | undefined;
type Handler = (request: unknown, version: number) => unknown;

export class ScriptedBroker {
  port = 0;
  /** Names and versions of the requests that came, ApiVersions left out. */
  readonly received: string[] = [];
  readonly #handlers = new Map<number, { api: Api; max: number; handle: Handler }>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #failures: unknown[] = [];

  constructor() {
    this.#server = createServer((socket) => this.#onConnection(socket));
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** @param maxVersion what this broker says it speaks at most */
  on<A extends Api>(
    api: A,
    handle: (request: RequestOf<A>, version: number) => Answer<A> | Promise<Answer<A>>,
    maxVersion = api.highestVersion,
  ): this {
    // The codecs check at run time what the map forgets.
    this.#handlers.set(api.key, { api, max: maxVersion, handle: handle as Handler });
    return this;
  }

  listen(port = 0): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(port, '127.0.0.1', () => {
        const address = this.#server.address();
        this.port = typeof address === 'object' && address !== null ? address.port : 0;
        resolve();
      });
    });
  }

  /** Throws what a scripted answer threw. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    for (const failure of this.#failures.splice(0)) throw failure;
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // The client may be gone when the answer comes.
    socket.on('error', () => socket.destroy());
    let pending = Buffer.alloc(0);
    let turn: Promise<void> = Promise.resolve();
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const frame = pending.subarray(4, 4 + pending.readInt32BE(0));
        pending = pending.subarray(4 + frame.length);
        turn = turn
          .then(() => this.#answer(socket, frame))
          .catch((error: unknown) => {
            this.#failures.push(error);
            socket.destroy();
          });
      }
    });
  }

  async #answer(socket: Socket, frame: Buffer): Promise<void> {
    const reader = new Reader(frame);
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader, apiByKey);
    if (apiKey === ApiVersions.key) {
      const apiKeys = [...this.#handlers.values(), { api: ApiVersions, max: ApiVersions.highestVersion }].map(
        ({ api, max }) => ({ apiKey: api.key, minVersion: api.lowestVersion, maxVersion: max }),
      );
      socket.write(encodeResponse(ApiVersions, apiVersion, correlationId, { errorCode: 0, apiKeys }));
      return;
    }
    const handler = this.#handlers.get(apiKey);
    if (handler === undefined) throw new Error(`no answer was scripted for API ${apiKey}`);
    this.received.push(`${handler.api.name} v${apiVersion}`);
    const request = handler.api.requestCodec(apiVersion).read(reader);
    const response = await handler.handle(request, apiVersion);
    if (response === null) socket.destroy();
    else if (response !== undefined)
      socket.write(encodeResponse(handler.api, apiVersion, correlationId, response as ResponseOf<Api>));
  }
}

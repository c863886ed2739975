/**
 * How many bytes of bodies may be under way at the same time in the routes of a scope: each body is in memory, more
 * than once, until its request is answered or, when its client went away, until the work for it is over.
 *
 * Guarantees: what has not come takes no room, whatever a client says that it will send.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type RestError, tooManyRequests } from '../rest/rest-errors.ts';
import { HttpProblem } from './problem.ts';
import { wholeBody } from './whole-body.ts';

/** What one request has of the budget, and how many still need it. */
interface Share {
  bytes: number;
  holders: number;
}

export class BodyBudget {
  readonly #maxBytes: number;
  /** Of one body. */
  readonly #maxBodyBytes: number;
  readonly #shares = new WeakMap<FastifyRequest, Share>();
  #usedBytes = 0;

  constructor(maxBytes: number, maxBodyBytes: number) {
    this.#maxBytes = maxBytes;
    this.#maxBodyBytes = maxBodyBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * Reads the bodies of the scope, of these content types alone, as texts. Refuses those that are too long with 413,
   * and with 429 those for which there is no room; both unread where their length is told beforehand.
   */
  watch(app: FastifyInstance, contentTypes: readonly string[]): void {
    app.addHook('onRequest', async (request, { raw }) => {
      const refusal = this.#refusal(0, Number(request.headers['content-length'] ?? 0) || 0);
      if (refusal !== null) throw refusal;
      const share = { bytes: 0, holders: 1 };
      this.#shares.set(request, share);
      raw.once('close', () => this.#leave(share));
    });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser([...contentTypes], (request: FastifyRequest, body: IncomingMessage) =>
      this.#read(request, body),
    );
  }

  #read(request: FastifyRequest, body: IncomingMessage): Promise<string> {
    const share = this.#shares.get(request) ?? { bytes: 0, holders: 0 };
    return wholeBody(body, (bytes) => {
      const refusal = this.#refusal(share.bytes, bytes);
      if (refusal !== null) return refusal;
      share.bytes += bytes;
      // Of a request that is over nothing more is given back.
      if (share.holders > 0) this.#usedBytes += bytes;
      return null;
    });
  }

  /** Null when a body of which so many bytes have come may have so many more. */
  #refusal(bytes: number, more: number): HttpProblem | RestError | null {
    if (bytes + more > this.#maxBodyBytes) return new HttpProblem(413);
    const hasRoom = this.#usedBytes + more <= this.#maxBytes;
    return hasRoom ? null : tooManyRequests('Too many bytes are being produced; try later.');
  }

  /** The request keeps its share as long as the work lasts, whether somebody waits for the answer or not. */
  async whileWorking<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
    const share = this.#shares.get(request);
    if (share === undefined) return work();
    share.holders++;
    try {
      return await work();
    } finally {
      this.#leave(share);
    }
  }

  #leave(share: Share): void {
    if (--share.holders === 0) this.#usedBytes -= share.bytes;
  }
}

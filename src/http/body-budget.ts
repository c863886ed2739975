/**
 * How many bytes of bodies may be under way at the same time in the routes of a scope: each body is in memory, more
 * than once, until its request is answered or, when its client went away, until the work for it is over.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { tooManyRequests } from '../rest/rest-errors.ts';

/** What one request has of the budget, and how many still need it. */
interface Share {
  readonly bytes: number;
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

  /** Refuses requests of the scope with 429 while there is no room for their bodies. */
  watch(app: FastifyInstance): void {
    app.addHook('onRequest', async (request, { raw }) => {
      const bytes = this.#expected(request);
      if (this.#usedBytes + bytes > this.#maxBytes)
        throw tooManyRequests('Too many bytes are being produced; try later.');
      this.#usedBytes += bytes;
      const share = { bytes, holders: 1 };
      this.#shares.set(request, share);
      raw.once('close', () => this.#leave(share));
    });
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

  /** A body that does not say its length may be as long as any; one that is too long is refused unread. */
  #expected({ headers }: FastifyRequest): number {
    if (headers['transfer-encoding'] !== undefined) return this.#maxBodyBytes;
    return Math.min(Number(headers['content-length'] ?? 0) || 0, this.#maxBodyBytes);
  }
}

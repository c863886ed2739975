/**
 * How many bytes of bodies may be under way at the same time in the routes of a scope: each body is in memory, more
 * than once, until its request is answered.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { tooManyRequests } from '../rest/rest-errors.ts';

export class BodyBudget {
  readonly #maxBytes: number;
  /** Of one body. */
  readonly #maxBodyBytes: number;
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
      raw.once('close', () => {
        this.#usedBytes -= bytes;
      });
    });
  }

  /** A body that does not say its length may be as long as any; one that is too long is refused unread. */
  #expected({ headers }: FastifyRequest): number {
    if (headers['transfer-encoding'] !== undefined) return this.#maxBodyBytes;
    return Math.min(Number(headers['content-length'] ?? 0), this.#maxBodyBytes);
  }
}

/**
 * What bodies may take of the memory at the same time in the routes of a scope: so many bytes, each body from its
 * arrival until its request is answered or, when its client went away, until the work for it is over; and so many
 * pieces, which are values of JSON and records. A value of two bytes takes two hundred in memory.
 *
 * Guarantees: what has not come takes no room, whatever a client says that it will send; one client alone does not take
 * all of it; of long bodies few are in pieces at the same time, and the others wait.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { tooManyRequests } from '../rest/rest-errors.ts';
import { SharedRoom } from '../rest/shared-room.ts';
import { Turnstile } from '../rest/turnstile.ts';
import { clientOf } from './client-address.ts';
import { HttpProblem } from './problem.ts';
import { wholeBody } from './whole-body.ts';

/** What one request has of the budget, and how many still need it. */
interface Share {
  readonly client: string;
  bytes: number;
  pieces: number;
  holders: number;
}

/** Shorter ones are taken to pieces within one turn, or nearly so. */
const LONG_BODY = 256 * 1024;
/** One body may have a million. */
const MAX_PIECES = 1_500_000;
const REFUSAL = 'Too many bytes are being produced; try later.';
/** Many more than there is room for. */
const LONG_BODIES = { atOnce: 1, waiting: 1000, refusal: REFUSAL };

export class BodyBudget {
  readonly #bytes: SharedRoom;
  readonly #pieces: SharedRoom;
  /** Of one body. */
  readonly #maxBodyBytes: number;
  readonly #shares = new WeakMap<FastifyRequest, Share>();
  /** Those that ask the registry may have to wait for it. */
  readonly #turnstiles = { own: new Turnstile(LONG_BODIES), registry: new Turnstile(LONG_BODIES) };

  constructor(maxBytes: number, maxBodyBytes: number, maxPieces = MAX_PIECES) {
    this.#bytes = new SharedRoom(maxBytes);
    this.#pieces = new SharedRoom(maxPieces);
    this.#maxBodyBytes = maxBodyBytes;
  }

  get usedBytes(): number {
    return this.#bytes.used;
  }

  get usedPieces(): number {
    return this.#pieces.used;
  }

  /**
   * Reads the bodies of the scope, of these content types alone, as texts. Refuses those that are too long with 413,
   * and with 429 those for which there is no room; both unread where their length is told beforehand.
   */
  watch(app: FastifyInstance, contentTypes: readonly string[]): void {
    app.addHook('onRequest', async (request, { raw }) => {
      const client = clientOf(request.ip);
      const announced = Number(request.headers['content-length'] ?? 0) || 0;
      if (announced > this.#maxBodyBytes) throw new HttpProblem(413);
      if (!this.#bytes.hasRoom(client, announced)) throw tooManyRequests(REFUSAL);
      const share = { client, bytes: 0, pieces: 0, holders: 1 };
      this.#shares.set(request, share);
      raw.once('close', () => this.#leave(share));
    });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser([...contentTypes], (request: FastifyRequest, body: IncomingMessage) =>
      this.#read(request, body),
    );
  }

  #read(request: FastifyRequest, body: IncomingMessage): Promise<string> {
    const share = this.#shares.get(request) ?? { client: '', bytes: 0, pieces: 0, holders: 0 };
    const room = this.#bytes.of(share.client);
    return wholeBody(body, (bytes) => {
      if (share.bytes + bytes > this.#maxBodyBytes) return new HttpProblem(413);
      // Of a request that is over nothing more is given back.
      if (share.holders > 0 && !room.take(bytes)) return tooManyRequests(REFUSAL);
      share.bytes += bytes;
      return null;
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

  /**
   * Takes the body to pieces when it is its turn.
   * @param needsRegistry the work may wait for the registry
   */
  async whenInTurn<T>(body: string, needsRegistry: boolean, work: () => Promise<T>): Promise<T> {
    if (body.length <= LONG_BODY) return work();
    const leave = await this.#turnstiles[needsRegistry ? 'registry' : 'own'].enter();
    try {
      return await work();
    } finally {
      leave();
    }
  }

  /** So many pieces, in all, are in memory for the request as long as it has its share. @throws RestError 42901 */
  holdPieces(request: FastifyRequest, count: number): void {
    const share = this.#shares.get(request);
    if (share === undefined || share.holders === 0) return;
    const room = this.#pieces.of(share.client);
    const growth = count - share.pieces;
    if (growth < 0) room.give(-growth);
    else if (!room.take(growth)) throw tooManyRequests(REFUSAL);
    share.pieces = count;
  }

  #leave(share: Share): void {
    if (--share.holders > 0) return;
    this.#bytes.of(share.client).give(share.bytes);
    this.#pieces.of(share.client).give(share.pieces);
  }
}

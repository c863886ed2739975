/**
 * What the routes of the API v3 have in common: one request as they see it, and lists as they answer with them.
 *
 * Guarantees: a path leads nowhere when it names another cluster, or has words where a number belongs; a list takes
 * no more memory than its things did before they were shown, is not made faster than it is read, and ends with its
 * client; few long lists are made at once. A list that fails half way is cut off, so that nobody takes it for whole.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, HTTPMethods } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { JsonValue } from '../registry/json-text.ts';
import { RestError } from '../rest/rest-errors.ts';
import type { Turnstile } from '../rest/turnstile.ts';
import { type ListHead, V3Links } from '../rest/v3-links.ts';
import { askedAddress } from './asked-address.ts';
import { HttpProblem } from './problem.ts';
import { BROKER_PREFIX } from './server.ts';

export interface V3RoutesOptions {
  readonly clusterId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** In front of lists of all that the cluster has. */
  readonly turnstile: Turnstile;
}

export type V3Handler = (call: V3Call, reply: FastifyReply) => Promise<unknown>;
type Things = Iterable<object> | AsyncIterable<object>;

const INT32_MAX = 0x7fff_ffff;
const PIECE_LENGTH = 64 * 1024;
/** Of a client that reads nothing of a long list any more. */
const STALL_TIMEOUT_MS = 30_000;
const JSON_TYPE = 'application/json; charset=utf-8';

/** The routes of one cluster. */
export class V3Routes {
  readonly #app: FastifyInstance;
  readonly #options: V3RoutesOptions;

  constructor(app: FastifyInstance, options: V3RoutesOptions) {
    this.#app = app;
    this.#options = options;
  }

  get clusterId(): string {
    return this.#options.clusterId;
  }

  /** @param path below the cluster's own */
  on(method: HTTPMethods, path: string, schema: FastifySchema, handler: V3Handler): void {
    const url = `/v3/clusters/:cluster_id${path}`;
    this.#app.route({
      method,
      url,
      schema,
      handler: (request, reply) => handler(new V3Call(request, this.clusterId, path), reply),
    });
  }

  /** The list of all clusters. */
  onClusters(schema: FastifySchema, handler: V3Handler): void {
    this.#app.get('/v3/clusters', { schema }, (request, reply) =>
      handler(new V3Call(request, this.clusterId, ''), reply),
    );
  }

  /** A list of all that the cluster has of a kind: of such lists a few are made at once. */
  async listAll(reply: FastifyReply, head: ListHead, things: () => Promise<Things>): Promise<FastifyReply> {
    const leave = await this.#options.turnstile.enter();
    if (reply.raw.destroyed) {
      leave();
      return reply.send('');
    }
    try {
      return await this.list(reply, head, things, leave);
    } catch (error) {
      leave();
      throw error;
    }
  }

  /**
   * A list: whole when it is short, made while it is read when it is long.
   * @param onEnd is called when there is no more to be made, unless this rejects
   */
  async list(
    reply: FastifyReply,
    head: ListHead,
    things: () => Promise<Things>,
    onEnd: () => void = () => undefined,
  ): Promise<FastifyReply> {
    const texts = this.#texts(head, things);
    const first = await texts.next();
    const next = first.done === true ? first : await texts.next();
    reply.header('content-type', JSON_TYPE);
    if (next.done === true) {
      onEnd();
      return reply.send(first.value ?? '');
    }
    const pieces = this.#watched([first.value ?? '', next.value], texts, () => reply.raw.destroy());
    const stream = Readable.from(pieces, { objectMode: false });
    stream.once('close', onEnd);
    return reply.send(stream);
  }

  /** The list as it is sent, in pieces of some size; others have their turn in between. */
  async *#texts({ kind, metadata }: ListHead, things: () => Promise<Things>): AsyncGenerator<string, void, undefined> {
    let text = `{"kind":${JSON.stringify(kind)},"metadata":${JSON.stringify(metadata)},"data":[`;
    let separator = '';
    for await (const thing of await things()) {
      text += separator + JSON.stringify(thing);
      separator = ',';
      if (text.length < PIECE_LENGTH) continue;
      yield text;
      text = '';
      await new Promise<void>((resolve) => this.#options.clock.soon(resolve));
    }
    yield `${text}]}`;
  }

  /** @param onStalled is called when nobody takes what is there */
  async *#watched(
    begun: readonly string[],
    texts: AsyncGenerator<string, void, undefined>,
    onStalled: () => void,
  ): AsyncGenerator<string, void, undefined> {
    const { clock, logger } = this.#options;
    async function* all(): AsyncGenerator<string, void, undefined> {
      yield* begun;
      yield* texts;
    }
    try {
      for await (const text of all()) {
        const timer = clock.schedule(STALL_TIMEOUT_MS, onStalled);
        try {
          yield text;
        } finally {
          timer.cancel();
        }
      }
    } catch (error) {
      logger.warn('A list could not be answered to its end', error);
      throw error;
    }
  }
}

/** Each as it is shown, when its turn comes. */
export function* shown<T>(things: Iterable<T>, view: (thing: T) => object): Generator<object, void, undefined> {
  for (const thing of things) yield view(thing);
}

/** One request. */
export class V3Call {
  readonly links: V3Links;
  /** Undefined when there is none. */
  readonly body: JsonValue | undefined;
  readonly #params: ReadonlyMap<string, string>;
  readonly #query: unknown;

  /** @throws RestError 404 when the request is for another cluster */
  constructor(request: FastifyRequest, clusterId: string, path: string) {
    this.#params = new Map(Object.entries(request.params as { [name: string]: string }));
    this.#query = request.query;
    // As the parser of these routes made it.
    this.body = request.body as JsonValue | undefined;
    const asked = this.#params.get('cluster_id') ?? clusterId;
    if (asked !== clusterId) throw clusterNotFound(asked, path);
    this.links = new V3Links(baseOf(request), clusterId);
  }

  text(name: string): string {
    return this.#params.get(name) ?? '';
  }

  /** @throws HttpProblem 404 for anything but a number */
  int(name: string): number {
    const written = this.text(name);
    if (!/^\d{1,10}$/.test(written) || Number(written) > INT32_MAX) throw new HttpProblem(404);
    return Number(written);
  }

  query(name: string): string | undefined {
    const value = new Map(Object.entries(this.#query as { [name: string]: string | string[] })).get(name);
    return Array.isArray(value) ? value[0] : value;
  }
}

/** With the prefix under which the client asked. */
function baseOf(request: FastifyRequest): string {
  return `${askedAddress(request)}${request.originalUrl.startsWith(`${BROKER_PREFIX}/`) ? BROKER_PREFIX : ''}`;
}

/** In the words of the manager that Confluent's would have asked. */
function clusterNotFound(asked: string, path: string): Error {
  if (path === '') return new HttpProblem(404);
  const verb = path.startsWith('/consumer-groups') ? 'could not' : 'cannot';
  return new RestError(404, `Cluster ${asked} ${verb} be found.`);
}

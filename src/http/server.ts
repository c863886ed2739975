/**
 * HTTP beside the binary port: one fastify for every address of http.listeners, all with the same plugins.
 *
 * Guarantees: a header, a body or a request that takes too long is refused and its connection closed; every answer has
 * the request's id and cannot be taken for another content type than it has; everything unknown gets the one problem
 * body; a fault of ours is logged and not shown; after close() no route runs any more. Other origins are let in by
 * name alone.
 */
import { Buffer } from 'node:buffer';
import dns from 'node:dns';
import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyReply, type FastifySchema } from 'fastify';
import type { HttpListener } from '../config/keys/http-keys.ts';
import { type Clock, SystemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { limitBodyTime } from './body-timeout.ts';
import { type CrossOrigin, corsOptions } from './cross-origin.ts';
import { HttpListenError } from './http-listen-error.ts';
import { HttpProblem, isFault, problemBody, problemOf } from './problem.ts';
import { newNodeServer } from './node-server.ts';
import { RouteTable } from './route-table.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the client takes of what the route offers, where it offers a choice: refusals are of that type, too. */
    agreedType: string | null;
  }
}

export interface HttpServerOptions {
  readonly listeners: readonly HttpListener[];
  /** Each in a scope of its own: hooks and error handlers of one do not reach another. */
  readonly plugins: readonly FastifyPluginAsync[];
  readonly random: Random;
  readonly logger: Logger;
  /** The machine's when left out. */
  readonly clock?: Clock;
  /** Pages about the routes of all plugins, its own among them. */
  readonly documentation?: (routes: RouteTable) => FastifyPluginAsync;
  /** Pages of other origins that may read the answers; nobody when left out. */
  readonly crossOrigin?: CrossOrigin;
  /** For tests: shorter times than the usual, and less room. */
  readonly timeouts?: Partial<HttpTimeouts>;
  readonly maxConnections?: number;
}

type ServerLimits = Pick<HttpServerOptions, 'timeouts' | 'maxConnections'>;

export interface HttpTimeouts {
  /** For the body of a request to arrive, unless its route takes a stream. */
  readonly requestMs: number;
  /** For its headers. */
  readonly headersMs: number;
  /** A connection without a request. */
  readonly keepAliveMs: number;
  /** A client that takes nothing of what there is for it: up to twice as long, as Node looks twice. */
  readonly stallMs: number;
}

const DEFAULT_TIMEOUTS: HttpTimeouts = {
  requestMs: 30_000,
  headersMs: 10_000,
  keepAliveMs: 60_000,
  stallMs: 20_000,
};
/** A route that takes more says so itself. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Of one part of a path: subjects are longer than topic names, which have at most 249 characters. */
const MAX_PARAM_LENGTH = 1000;
/** Of one address of ours. */
const MAX_CONNECTIONS = 1000;
const LOCALHOST = 'localhost';
const NO_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);
const REQUEST_ID = /^[\w.-]{1,64}$/;
const REQUEST_ID_BYTES = 8;
const REQUEST_TIMEOUT = Object.assign(new Error('The request took too long'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });

/** Before paths that are the API of brokers themselves, for clients that know them so. */
export const BROKER_PREFIX = '/kafka';

export class HttpServer {
  readonly #apps: readonly FastifyInstance[];
  /** What answers at further addresses of the same name. */
  readonly #twins: Server[] = [];
  readonly #options: HttpServerOptions;

  private constructor(options: HttpServerOptions) {
    this.#apps = options.listeners.map(() => newHttpApp(options));
    this.#options = options;
  }

  /** Listens on every address; rejects when one cannot be bound, and listens on none then. */
  static async start(options: HttpServerOptions): Promise<HttpServer> {
    const server = new HttpServer(options);
    try {
      for (const [index, app] of server.#apps.entries()) {
        const listener = options.listeners[index];
        if (listener === undefined) continue;
        options.logger.info(`Awaiting HTTP requests on ${await bind(app, listener)}`);
        if (listener.host === LOCALHOST) await server.#bindTwins(app);
      }
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  /** `localhost` stands for an address of IPv4 and for one of IPv6, and clients try whichever they like. */
  async #bindTwins(app: FastifyInstance): Promise<void> {
    const bound = app.server.address();
    if (typeof bound !== 'object' || bound === null) return;
    for (const { address: host } of await dns.promises.lookup(LOCALHOST, { all: true })) {
      if (host === bound.address) continue;
      const twin = newServer(this.#options, (request, response) => app.routing(request, response));
      try {
        await once(twin.listen({ host, port: bound.port }), 'listening');
        this.#twins.push(twin);
      } catch (error) {
        if (!(error instanceof Error) || !('code' in error)) throw error;
        this.#options.logger.debug(`HTTP cannot be served on ${host}, too: ${error.message}`);
      }
    }
  }

  /** In the order of the listeners. */
  get ports(): number[] {
    return this.#apps.map(({ server }) => {
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : -1;
    });
  }

  /** Answers that are under way are cut off: nothing may be asked of a broker that is being taken down. */
  async close(): Promise<void> {
    const closed = this.#twins.map((twin) => new Promise((resolve) => twin.close(resolve)));
    await Promise.all(this.#apps.map((app) => app.close()));
    for (const twin of this.#twins) twin.closeAllConnections();
    await Promise.all(closed);
    this.#options.logger.debug('HTTP is closed');
  }
}

/** Without a host: every address, IPv6 and IPv4; those of IPv4 alone where the machine has no IPv6. */
async function bind(app: FastifyInstance, listener: HttpListener): Promise<string> {
  const { host, port } = listener;
  try {
    if (host !== '') return await app.listen({ host, port });
    return await app.listen({ host: '::', port }).catch((error: NodeJS.ErrnoException) => {
      if (!NO_IPV6.has(error.code ?? '')) throw error;
      return app.listen({ host: '0.0.0.0', port });
    });
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw new HttpListenError(listener, error as NodeJS.ErrnoException);
  }
}

function newServer({ timeouts, maxConnections }: ServerLimits, handler: RequestListener): Server {
  const limits = { maxConnections: maxConnections ?? MAX_CONNECTIONS, refuse: refuseBytes };
  return newNodeServer(handler, { ...DEFAULT_TIMEOUTS, ...timeouts, ...limits });
}

/** Without a socket of its own, for tests: `inject` asks it. */
export function newHttpApp(options: Omit<HttpServerOptions, 'listeners'>): FastifyInstance {
  const { plugins, random, logger, crossOrigin } = options;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const app = fastify({
    bodyLimit: MAX_BODY_BYTES,
    serverFactory: (handler) => newServer(options, handler),
    forceCloseConnections: true,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: true },
    // Confluent's brokers have the API v3 there, the REST Proxy beside them has it at the root.
    rewriteUrl: ({ url = '/' }) => (url.startsWith(`${BROKER_PREFIX}/v3/`) ? url.slice(BROKER_PREFIX.length) : url),
    genReqId: ({ headers }) => {
      const theirs = headers['x-request-id'];
      if (typeof theirs === 'string' && REQUEST_ID.test(theirs)) return theirs;
      return random.bytes(REQUEST_ID_BYTES).toString('hex');
    },
    // The server sees to them itself.
    clientErrorHandler: () => undefined,
    frameworkErrors: (error, _request, reply: FastifyReply) => void answerProblem(reply, problemOf(error)),
  });
  limitBodyTime(app, {
    clock: options.clock ?? new SystemClock(),
    timeoutMs: timeouts.requestMs,
    refuse: (socket) => refuseBytes(REQUEST_TIMEOUT, socket),
  });
  // Schemas of routes describe them, and do no more: bodies are looked at by our own code, answers go out as they are.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.decorateRequest('agreedType', null);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff' });
  });
  const routes = new RouteTable();
  app.addHook('onRoute', ({ method, url, schema }) => {
    // What answers browsers that ask beforehand belongs to no path.
    if (url === '*') return;
    for (const each of typeof method === 'string' ? [method] : method) routes.add({ method: each, url, schema });
  });
  app.setNotFoundHandler(({ method, url }, reply) => refuseUnrouted(routes, method, url, reply));
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (isFault(problem)) logger.error(`Request ${request.id} (${request.method}) failed`, error);
    return answerProblem(reply, problem, request.routeOptions.schema);
  });
  if (crossOrigin !== undefined && crossOrigin.origins.length > 0)
    void app.register(import('@fastify/cors'), corsOptions(crossOrigin));
  for (const plugin of plugins) void app.register(plugin);
  if (options.documentation !== undefined) void app.register(options.documentation(routes));
  return app;
}

/** 405 where the path is known with another method, in the content type that the path answers with. */
function refuseUnrouted(routes: RouteTable, method: string, url: string, reply: FastifyReply): FastifyReply {
  const known = routes.of(url.split('?')[0] ?? '');
  const methods = [...new Set(known.map((route) => route.method))].sort();
  if (methods.length === 0 || methods.includes(method)) return answerProblem(reply, new HttpProblem(404));
  return answerProblem(reply.header('allow', methods.join(', ')), new HttpProblem(405), known[0]?.schema);
}

/** In the content type that was agreed on, else in that of the route's other answers, where that is one of JSON. */
function answerProblem(reply: FastifyReply, problem: HttpProblem, schema?: FastifySchema): FastifyReply {
  const contentType = reply.request.agreedType ?? schema?.produces?.[0] ?? '';
  if (contentType.endsWith('json')) reply.header('content-type', contentType);
  return reply.code(problem.statusCode).send(problemBody(problem));
}

/** What came is no request that has a route: it is answered by hand, and the connection ends. */
function refuseBytes(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const problem = new HttpProblem(status);
  const body = JSON.stringify(problemBody(problem));
  socket.end(
    `HTTP/1.1 ${problem.message.slice('HTTP '.length)}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

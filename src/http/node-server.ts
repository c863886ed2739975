/**
 * Node's HTTP server with the limits that every address of ours has, whoever makes the answers.
 *
 * Guarantees: connections are bounded in number, and one client cannot keep the others out; one without a request, and
 * one whose client takes nothing of what there is for it, ends; a refusal stands where an answer is expected, or
 * nowhere.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ConnectionPlaces } from './connection-places.ts';

export interface NodeServerOptions {
  readonly headersMs: number;
  readonly keepAliveMs: number;
  /** Of a client that takes nothing of what there is for it. */
  readonly stallMs: number;
  readonly maxConnections: number;
  /** Answers what is no request on the bare connection and ends it. */
  readonly refuse: (error: Error, socket: Duplex) => void;
}

const MAX_HEADER_BYTES = 16 * 1024;
/** How often Node looks whether headers have taken too long. */
const CHECK_INTERVAL_MS = 1000;

export function newNodeServer(handler: RequestListener, options: NodeServerOptions): Server {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: options.headersMs,
      keepAliveTimeout: options.keepAliveMs,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      // Node would end streams, too: see body-timeout.ts.
      requestTimeout: 0,
    },
    handler,
  );
  const places = new ConnectionPlaces<Duplex>(options.maxConnections);
  /** The request that came last, and its answer. */
  const latest = new WeakMap<Duplex, { readonly request: IncomingMessage; readonly response: ServerResponse }>();
  server.on('clientError', (error, socket) => {
    const requests = places.requestsOf(socket);
    const inIt = latest.get(socket);
    // Any words would be taken for a part of an answer that has begun, or for the answer to something else.
    const isHeard = requests === 1 && inIt?.request.complete === false && !inIt.response.headersSent;
    if (requests === 0 || isHeard) options.refuse(error, socket);
    else socket.destroy();
  });
  server.on('connection', (socket) => {
    socket.once('close', () => places.close(socket));
    places.open(socket, socket.remoteAddress ?? '')?.destroy();
  });
  server.prependListener('request', (request, response) => {
    const { socket } = request;
    latest.set(socket, { request, response });
    places.begin(socket);
    response.once('close', () => places.end(socket));
  });
  // Called when nothing came or left for so long. Whoever waits for his answer may do so.
  server.setTimeout(options.stallMs, (socket) => {
    if (places.requestsOf(socket) === 0 || socket.writableLength > 0) socket.destroy();
  });
  return server;
}

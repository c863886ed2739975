/**
 * How long the body of a request may take to arrive. Node's own limit knows no exceptions; here a route whose body is a
 * stream (`config: { streamsBody: true }`) sees to its time itself.
 *
 * Guarantees: the connection of a body that is not whole in time is ended, with 408 when nothing was answered yet, also
 * when the route does not want the body or there is no such route; that of a stream ends with the answer when the
 * stream has not ended by then.
 */
import { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { closeLingering } from './lingering-close.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body comes as long as the client likes; the route limits how long nothing may come. */
    streamsBody?: boolean;
  }
}

export interface BodyTimeout {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Answers 408 on the bare connection and ends it. */
  readonly refuse: (socket: Duplex) => void;
}

export function limitBodyTime(app: FastifyInstance, options: BodyTimeout): void {
  app.addHook('onRequest', async (request, { raw }) => {
    if (!hasBody(request)) return;
    const body = request.raw;
    if (request.routeOptions.config.streamsBody === true) {
      // Nobody will read the rest, and it may never end.
      raw.once('finish', () => {
        if (!body.complete) closeLingering(body.socket, options.clock);
      });
      return;
    }
    const timer = options.clock.schedule(options.timeoutMs, () => onTimeout(body.socket, raw.headersSent, options));
    body.once('end', () => timer.cancel()).once('close', () => timer.cancel());
  });
}

function hasBody({ headers, raw }: FastifyRequest): boolean {
  // What comes without a connection is at hand as a whole.
  if (raw.complete || !(raw.socket instanceof Duplex)) return false;
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function onTimeout(socket: Duplex, isAnswered: boolean, { clock, refuse }: BodyTimeout): void {
  if (isAnswered) {
    socket.destroy();
    return;
  }
  refuse(socket);
  closeLingering(socket, clock);
}

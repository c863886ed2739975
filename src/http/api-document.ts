/**
 * `/openapi.json`, what the routes of this server say of themselves, and `/docs`, the same for people. What makes them
 * is heavy, so it is loaded when somebody first asks, and never when nobody does.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiPages } from './api-pages.ts';
import { describer, mapOf, ANYTHING } from './api-description.ts';
import type { RouteTable } from './route-table.ts';

const describe = describer('Health and metrics');
/** The page is put together from files of its own, and asks nobody but this server. */
const PAGE_RULES = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
/** What a client may call this server: anything else is not repeated to it. */
const HOST = /^[\w.-]{1,255}(:\d{1,5})?$|^\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?$/;

/** @param version of Barnabas */
export function apiDocument(routes: RouteTable, version: string): FastifyPluginAsync {
  let opening: Promise<ApiPages> | null = null;
  const pages = (): Promise<ApiPages> => {
    opening ??= import('./api-pages.ts').then(({ openApiPages }) => openApiPages(routes, version, PAGE_RULES));
    return opening;
  };
  return async (app) => {
    app.get(
      '/openapi.json',
      { schema: describe('This document', { answer: mapOf(ANYTHING) }) },
      async (request, reply) => {
        reply.header('content-type', 'application/json; charset=utf-8');
        return (await pages()).documentFor(addressOf(request));
      },
    );
    pageRoutes(app, pages);
    app.addHook('onClose', async () => {
      if (opening !== null) await (await opening).close();
    });
  };
}

function pageRoutes(app: FastifyInstance, pages: () => Promise<ApiPages>): void {
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { show } = await pages();
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value);
    show(request.raw, reply.raw);
  };
  app.get('/docs', { schema: { hide: true } }, show);
  app.get('/docs/*', { schema: { hide: true } }, show);
}

/** As the client wrote it. */
function addressOf({ protocol, headers }: FastifyRequest): string {
  const host = headers.host ?? '';
  return HOST.test(host) ? `${protocol}://${host}` : '/';
}

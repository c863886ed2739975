/**
 * `/openapi.json`, what the routes of this server say of themselves, and `/docs`, the same for people. What makes them
 * is heavy, so it is loaded when somebody first asks, and never when nobody does.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { ANYTHING, describer, mapOf } from './api-description.ts';
import type { ApiPage } from './api-page.ts';
import { askedAddress } from './asked-address.ts';
import type { RouteTable } from './route-table.ts';

const describe = describer('Health and metrics');

/** @param version of Barnabas */
export function apiDocument(routes: RouteTable, version: string): FastifyPluginAsync {
  const text = once(async () => (await import('./open-api.ts')).openApiText(routes, version));
  const documentFor = async (address: string): Promise<string> =>
    `{"servers":${JSON.stringify([{ url: address }])},${(await text()).slice(1)}`;
  return async (app) => {
    const schema = describe('This document', { answer: mapOf(ANYTHING) });
    app.get('/openapi.json', { schema }, async (request, reply) => {
      reply.header('content-type', 'application/json; charset=utf-8');
      return documentFor(askedAddress(request));
    });
    pageRoutes(app, () => documentFor('/'));
  };
}

function pageRoutes(app: FastifyInstance, documentText: () => Promise<string>): void {
  let opened: ApiPage | null = null;
  const page = once(async () => {
    const { openApiPage } = await import('./api-page.ts');
    opened = await openApiPage(await documentText());
    return opened;
  });
  const show = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { show } = await page();
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value);
    show(request.raw, reply.raw);
  };
  app.get('/docs', { schema: { hide: true } }, show);
  app.get('/docs/*', { schema: { hide: true } }, show);
  // Browsers ask for it whatever they show.
  app.get('/favicon.ico', { schema: { hide: true } }, (_request, reply) =>
    reply.code(204).header('cache-control', 'max-age=86400').send(),
  );
  app.addHook('onClose', async () => {
    await opened?.close();
  });
}

/** What it makes is made when first asked for; again when that has failed. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}

/**
 * The page of the API for people, by fastify's own plugin and from its files alone: a fastify of its own, made when
 * somebody first wants to read, which no port leads to. Loaded by api-document.ts alone.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify from 'fastify';
import { HttpProblem, problemBody } from './problem.ts';

export interface ApiPage {
  /** Answers what is asked of `/docs`. */
  show(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

type Document = ReturnType<ReturnType<typeof fastify>['swagger']>;

/** The page is put together from files of its own, and asks nobody but this server. */
const RULES = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 150 40" height="40"><text x="0" y="28" fill="#fff" ' +
  'font-family="sans-serif" font-size="24">Barnabas</text></svg>';

/** @param documentText the OpenAPI document */
export async function openApiPage(documentText: string): Promise<ApiPage> {
  const app = fastify();
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(problemBody(new HttpProblem(404))));
  await app.register(swagger, { mode: 'static', specification: { document: JSON.parse(documentText) as Document } });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: RULES,
    theme: { title: 'Barnabas: the API over HTTP' },
    logo: { type: 'image/svg+xml', content: LOGO, href: '/docs' },
    uiConfig: { docExpansion: 'list', defaultModelsExpandDepth: -1 },
  });
  await app.ready();
  return {
    show: (request, response) => app.routing(request, response),
    close: () => app.close(),
  };
}

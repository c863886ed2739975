/**
 * Makes the OpenAPI document and its page, by fastify's own plugins. They want to be there before the routes are; so
 * they get a fastify of their own, which is told of the routes when somebody first wants to read, and which no port
 * leads to. Loaded by api-document.ts alone.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyInstance, type FastifySchema } from 'fastify';
import { TAGS } from './api-description.ts';
import { HttpProblem, problemBody } from './problem.ts';
import type { RouteTable } from './route-table.ts';

export interface ApiPages {
  /** The text of the document for a client that came to this address. */
  documentFor(address: string): string;
  /** Answers what is asked of `/docs`. */
  show(request: IncomingMessage, response: ServerResponse): void;
  close(): Promise<void>;
}

const ABOUT =
  "What this broker answers over HTTP: Confluent's Schema Registry and REST Proxy, health, metrics. " +
  'Every refusal has the same body, `{"error_code": …, "message": …}`.';

/** @param pageRules Content-Security-Policy of the page */
export async function openApiPages(routes: RouteTable, version: string, pageRules: string): Promise<ApiPages> {
  const app = fastify({ exposeHeadRoutes: false });
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(problemBody(new HttpProblem(404))));
  await app.register(swagger, documentOptions(version));
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: pageRules,
    theme: { title: 'Barnabas: the API over HTTP' },
    logo: { type: 'image/svg+xml', content: LOGO, href: '/docs' },
    // The server is the one that was asked: the page says so by itself.
    uiConfig: { tryItOutEnabled: false, docExpansion: 'list', defaultModelsExpandDepth: -1 },
    transformSpecification: (document) => ({ ...document, servers: [{ url: '/' }] }),
  });
  for (const { method, url, schema } of routes.routes)
    if (method !== 'HEAD' && schema?.hide !== true) tellOf(app, method, url, schema);
  await app.ready();
  const document = app.swagger();
  return {
    documentFor: (address) => JSON.stringify({ ...document, servers: [{ url: address }] }),
    show: (request, response) => app.routing(request, response),
    close: () => app.close(),
  };
}

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 150 40" height="40"><text x="0" y="28" fill="#fff" ' +
  'font-family="sans-serif" font-size="24">Barnabas</text></svg>';

/** Nobody can ask for it: it is here to be described. */
function tellOf(app: FastifyInstance, method: string, url: string, schema: FastifySchema | undefined): void {
  app.route({ method, url, ...(schema === undefined ? {} : { schema }), handler: async () => null });
}

function documentOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Barnabas',
        version,
        description: ABOUT,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: TAGS.map(({ name, description }) => ({ name, description })),
    },
    transform: ({ schema, url, route }) => ({
      schema: { ...schema, operationId: operationId(String(route.method), url) },
      url,
    }),
  };
}

/** `getSubjectsBySubjectVersions`: the method and the path with its parts, so that no two are the same. */
function operationId(method: string, url: string): string {
  const words = url.replace(/(?<!:):(\w+)/g, '-by-$1').match(/[A-Za-z0-9]+/g) ?? ['root'];
  return method.toLowerCase() + words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('');
}

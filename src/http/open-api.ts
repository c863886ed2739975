/**
 * Makes the OpenAPI document by fastify's own plugin. It wants to be there before the routes are; so it gets a fastify
 * of its own, which is told of the routes when somebody first wants to read, which no port leads to, and of which
 * nothing is kept but the text. Loaded by api-document.ts alone.
 */
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import fastify, { type FastifyInstance, type FastifySchema } from 'fastify';
import { TAGS } from './api-description.ts';
import type { RouteTable } from './route-table.ts';

const ABOUT =
  "What this broker answers over HTTP: Confluent's Schema Registry and REST Proxy, health, metrics. " +
  'Every refusal has the same body, `{"error_code": …, "message": …}`.';

/** The text of the document, without the servers that it is about. */
export async function openApiText(routes: RouteTable, version: string): Promise<string> {
  const app = fastify({ exposeHeadRoutes: false });
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
  await app.register(swagger, documentOptions(version));
  for (const { method, url, schema } of routes.routes)
    if (method !== 'HEAD' && schema?.hide !== true) tellOf(app, method, url, schema);
  await app.ready();
  const text = JSON.stringify(app.swagger());
  await app.close();
  return text;
}

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

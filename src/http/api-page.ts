/**
 * The page of the API for people, to read and to try it out, by fastify's own plugin and from its files alone: a
 * fastify of its own, made when somebody first wants to read, which no port leads to. Loaded by api-document.ts alone.
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

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1b1b1b"/>' +
  '<text x="8" y="12.5" fill="#fff" font-family="sans-serif" font-size="12" text-anchor="middle">B</text></svg>';

/** There is one server, the one that was asked, and no links; and what stands in columns needs the room of a desk. */
const STYLE = `
.swagger-ui .scheme-container, .swagger-ui .responses-table .response-col_links { display: none; }
@media (max-width: 640px) {
  .swagger-ui .info { margin: 20px 0; }
  .swagger-ui .wrapper { padding: 0 10px; }
  .swagger-ui .opblock-tag { flex-wrap: wrap; padding: 10px 0; }
  .swagger-ui .opblock-tag a.nostyle { flex: 1; }
  .swagger-ui .opblock-tag small { flex: 1 0 100%; order: 1; padding: 4px 0 0; }
  .swagger-ui .opblock .opblock-summary-method { min-width: 60px; padding: 6px 0; }
  .swagger-ui .opblock-summary-path { max-width: none; }
  .swagger-ui .opblock .opblock-section-header { flex-wrap: wrap; gap: 8px; padding: 8px 10px; }
  .swagger-ui .opblock-description-wrapper, .swagger-ui .table-container,
  .swagger-ui .responses-inner { padding: 10px; }
  .swagger-ui .parameters, .swagger-ui .parameters tbody, .swagger-ui .parameters tr, .swagger-ui .parameters td,
  .swagger-ui .responses-table, .swagger-ui .responses-table tbody, .swagger-ui .responses-table tr,
  .swagger-ui .responses-table td { display: block; width: auto; min-width: 0; max-width: none; }
  .swagger-ui .parameters thead, .swagger-ui .responses-table thead { display: none; }
  .swagger-ui .responses-table td.response-col_description { padding: 4px 0 16px; }
  .swagger-ui input, .swagger-ui select, .swagger-ui textarea { max-width: 100%; min-width: 0; }
  .swagger-ui .markdown code { word-break: break-word; }
}
`;

/** @param documentText the OpenAPI document */
export async function openApiPage(documentText: string): Promise<ApiPage> {
  const app = fastify();
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(problemBody(new HttpProblem(404))));
  await app.register(swagger, { mode: 'static', specification: { document: JSON.parse(documentText) as Document } });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: RULES,
    theme: {
      title: 'Barnabas: the API over HTTP',
      css: [{ filename: 'page.css', content: STYLE }],
      favicon: [{ filename: 'icon.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: ICON }],
    },
    // Without the bar above, which asks for the address of a document, and whose logo has a style that RULES forbid.
    uiConfig: { layout: 'BaseLayout', docExpansion: 'list', defaultModelsExpandDepth: -1 },
  });
  await app.ready();
  return {
    show: (request, response) => app.routing(request, response),
    close: () => app.close(),
  };
}

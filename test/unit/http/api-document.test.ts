/** The OpenAPI document and its page, over a server with routes of all kinds. */
import { Validator } from '@seriousme/openapi-schema-validator';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describer, INT32, shape } from '../../../src/http/api-description.ts';
import { apiDocument } from '../../../src/http/api-document.ts';
import { BodyBudget } from '../../../src/http/body-budget.ts';
import { healthRoutes } from '../../../src/http/health.ts';
import { metricsRoute } from '../../../src/http/metrics.ts';
import { restV2Produce } from '../../../src/http/rest-v2-produce.ts';
import { schemaRegistryRoutes } from '../../../src/http/schema-registry.ts';
import { newHttpApp } from '../../../src/http/server.ts';
import { SystemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { SystemRandom } from '../../../src/lib/random.ts';
import type { SchemaLookup } from '../../../src/rest/schema-lookup.ts';
import { type ApiOperation, operationsOf, type OpenApi } from '../../support/open-api.ts';

let app: FastifyInstance;

beforeEach(() => {
  const never = async (): Promise<never> => {
    throw new Error('nobody asks');
  };
  const unwell = () => {
    throw new Error('nobody asks');
  };
  const registry = { read: never, change: never, isLeader: true };
  const describe = describer('REST Proxy v3');
  app = newHttpApp({
    plugins: [
      healthRoutes(unwell),
      metricsRoute('/metrics', 'Metrics', unwell, silentLogger),
      restV2Produce(
        { writer: { write: never }, schemas: {} as SchemaLookup, clock: new SystemClock() },
        new BodyBudget(1, 1),
      ),
      schemaRegistryRoutes({ registry, forward: never, clusterId: 'c', version: '1' }),
      async (routes) => {
        routes.post('/v3/topics/:topic_name/records::batch', { schema: describe('Many') }, never);
        routes.get('/v3/topics/:topic_name', { schema: describe('One', { params: { topic_name: 'It' } }) }, never);
        const schema = describe('None', { answers: { 204: null }, body: shape({ a: INT32 }) });
        routes.delete('/v3/topics/:topic_name', { schema }, never);
        const events = describer('Tail', { produces: ['text/event-stream'] });
        routes.get('/events', { schema: events('Events', { answer: shape({}) }) }, never);
      },
    ],
    documentation: (routes) => apiDocument(routes, '1.2.3'),
    random: new SystemRandom(),
    logger: silentLogger,
  });
});
afterEach(() => app.close());

async function documentAt(host: string): Promise<OpenApi> {
  const response = await app.inject({ url: '/openapi.json', headers: { host } });
  expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
  return response.json();
}

test('the document is valid OpenAPI 3.1', async () => {
  const document = await documentAt('localhost:8081');
  expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Barnabas', version: '1.2.3' } });
  expect(await new Validator().validate(structuredClone({ ...document }))).toEqual({ valid: true });
});

test('every route is in it once, with a summary, a tag and the problem body', async () => {
  const operations = operationsOf(await documentAt('localhost'));
  expect(operations.length).toBeGreaterThan(35);
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { summary, tags, responses } of operations) {
    expect(summary).not.toBe('');
    expect(tags).toHaveLength(1);
    const [problem] = Object.values(responses['default']?.content ?? {});
    expect(problem).toMatchObject({ schema: { required: ['error_code', 'message'] } });
  }
});

test('paths, ids and bodies are those of the routes', async () => {
  const operations = operationsOf(await documentAt('localhost'));
  const named = (id: string): ApiOperation | undefined => operations.find(({ operationId }) => operationId === id);
  expect(named('postV3TopicsByTopicNameRecordsBatch')?.path).toBe('/v3/topics/{topic_name}/records:batch');
  expect(named('deleteV3TopicsByTopicName')?.responses['204']).not.toHaveProperty('content');
  expect(named('postSubjectsBySubjectVersions')?.requestBody?.content).toHaveProperty(
    ['application/vnd.schemaregistry.v1+json', 'schema', 'properties', 'schema', 'type'],
    'string',
  );
  expect(named('getRoot')?.path).toBe('/');
});

test('each content type has a body of its own, with an example', async () => {
  const operations = operationsOf(await documentAt('localhost'));
  const content = operations.find(({ operationId }) => operationId === 'postTopicsByTopic')?.requestBody?.content;
  expect(content).toMatchObject({
    'application/vnd.kafka.binary.v2+json': { example: { records: [{ key: 'a2V5', value: 'aGVsbG8=' }] } },
    'application/vnd.kafka.json.v2+json': { example: { records: [{ value: { name: 'Ann' } }] } },
    'application/vnd.kafka.avro.v2+json': { example: { value_schema_id: 1 } },
  });
  expect(JSON.stringify(content?.['application/vnd.kafka.json.v2+json'])).not.toContain('value_schema');
});

test('answers are named, and refusals are JSON whatever the others are', async () => {
  const operations = operationsOf(await documentAt('localhost'));
  for (const { operationId, responses } of operations) {
    for (const { description } of Object.values(responses))
      expect(description, operationId).not.toMatch(/^(|Default.*)$/);
    for (const type of Object.keys(responses['default']?.content ?? {})) expect(type, operationId).toMatch(/json$/);
  }
  const events = operations.find(({ path }) => path === '/events')?.responses;
  expect(Object.keys(events?.['200']?.content ?? {})).toEqual(['text/event-stream']);
});

test('the server is the one that was asked, and what is no address is not repeated', async () => {
  expect((await documentAt('kafka1:8081')).servers).toEqual([{ url: 'http://kafka1:8081' }]);
  expect((await documentAt('[::1]:8081')).servers).toEqual([{ url: 'http://[::1]:8081' }]);
  expect((await documentAt('a"><script>')).servers).toEqual([{ url: 'http://localhost:0' }]);
});

test('the page and all that it wants come from here, under rules that let nothing else in', async () => {
  const page = await app.inject({ url: '/docs', headers: { 'x-request-id': 'r1' } });
  expect(page.statusCode).toBe(200);
  expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-request-id': 'r1' });
  expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
  expect(page.body).not.toMatch(/<script>[^<]*\S|style=|https?:/);
  const wanted = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
  expect(wanted.length).toBeGreaterThan(4);
  for (const url of [...wanted, '/docs/json']) {
    const { statusCode, headers } = await app.inject(url);
    expect([url, statusCode]).toEqual([url, 200]);
    expect(headers['x-content-type-options'], url).toBe('nosniff');
  }
  expect((await app.inject('/docs/json')).json()).toMatchObject({ openapi: '3.1.0', servers: [{ url: '/' }] });
  // The bar that asks for the address of a document has a style within the page, which the rules forbid.
  expect((await app.inject('/docs/static/swagger-initializer.js')).body).toMatch(/"?layout"?: *"BaseLayout"/);
  expect((await app.inject('/favicon.ico')).statusCode).toBe(204);
});

test('what is not there is told in the one problem body', async () => {
  const missing = await app.inject('/docs/static/nothing.js');
  expect(missing.statusCode).toBe(404);
  expect(missing.json()).toEqual({ error_code: 404, message: 'HTTP 404 Not Found' });
  expect((await app.inject('/docs/static/../../package.json')).statusCode).toBe(404);
});

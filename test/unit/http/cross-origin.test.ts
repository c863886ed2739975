/** Pages of other origins: who may read the answers, and what a browser is told that asks beforehand. */
import type { FastifyInstance } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import type { CrossOrigin } from '../../../src/http/cross-origin.ts';
import { newHttpApp } from '../../../src/http/server.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { SystemRandom } from '../../../src/lib/random.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

function appFor(allowed: Partial<CrossOrigin>): FastifyInstance {
  const crossOrigin = { origins: [], methods: [], headers: [], ...allowed };
  const plugins = [async (app: FastifyInstance) => void app.get('/here', async () => ({ yes: true }))];
  const app = newHttpApp({ plugins, crossOrigin, random: new SystemRandom(), logger: silentLogger });
  apps.push(app);
  return app;
}

async function allowedFor(app: FastifyInstance, origin: string, url = '/here') {
  const { headers } = await app.inject({ url, headers: { origin } });
  return headers['access-control-allow-origin'];
}

test('an origin that is named is let in, another is not', async () => {
  const app = appFor({ origins: ['https://a.example', 'https://*.b.example:8443'] });
  expect(await allowedFor(app, 'https://a.example')).toBe('https://a.example');
  expect(await allowedFor(app, 'https://x.y.b.example:8443')).toBe('https://x.y.b.example:8443');
  for (const other of [
    'https://a.example.evil',
    'http://a.example',
    'https://b.example:8443',
    'https://evil/b.example',
  ])
    expect(await allowedFor(app, other), other).toBeUndefined();
  expect((await app.inject({ url: '/here', headers: { origin: 'https://a.example' } })).headers['vary']).toBe('Origin');
});

test('refusals can be read too', async () => {
  expect(await allowedFor(appFor({ origins: ['*'] }), 'https://a.example', '/nowhere')).toBe('*');
});

test('who asks beforehand is told the methods and the headers', async () => {
  const ask = (app: FastifyInstance) =>
    app.inject({
      method: 'OPTIONS',
      url: '/here',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'PUT' },
    });
  const usual = await ask(appFor({ origins: ['https://a.example'] }));
  expect(usual.statusCode).toBe(204);
  expect(usual.headers).toMatchObject({
    'access-control-allow-origin': 'https://a.example',
    'access-control-allow-methods': 'GET, POST, HEAD',
    'access-control-allow-headers': 'X-Requested-With, Content-Type, Accept, Origin',
    'x-content-type-options': 'nosniff',
  });
  const set = await ask(appFor({ origins: ['*'], methods: ['PUT'], headers: ['Content-Type'] }));
  expect(set.headers).toMatchObject({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'PUT',
    'access-control-allow-headers': 'Content-Type',
  });
  expect(set.headers['access-control-allow-credentials']).toBeUndefined();
});

test('what is not there is not there with CORS either', async () => {
  const app = appFor({ origins: ['*'] });
  expect((await app.inject('/nowhere')).statusCode).toBe(404);
  const refused = await app.inject({ method: 'DELETE', url: '/here' });
  expect([refused.statusCode, refused.headers['allow']]).toEqual([405, 'GET, HEAD']);
});

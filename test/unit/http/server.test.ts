/** The HTTP server's limits, ids and problem bodies, by inject and over a real socket. */
import dns from 'node:dns';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { afterEach, expect, test, vi } from 'vitest';
import { describer, INT32, STRING, shape } from '../../../src/http/api-description.ts';
import { HttpProblem } from '../../../src/http/problem.ts';
import { HttpServer, type HttpServerOptions, newHttpApp } from '../../../src/http/server.ts';
import { type Logger, silentLogger } from '../../../src/lib/logger.ts';
import { SystemRandom } from '../../../src/lib/random.ts';

const random = new SystemRandom();
const servers: HttpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

function newApp(logger: Logger = silentLogger) {
  return newHttpApp({
    random,
    logger,
    plugins: [
      async (app) => {
        app.get('/fault', async () => {
          throw new Error('a secret of ours');
        });
        app.get('/refusal', async () => {
          throw new HttpProblem(422, 'Too short a name', 42_201);
        });
        app.post('/echo', async ({ body }) => body);
        app.get('/topics/:topic', async ({ params }) => params);
        const schema = describer('Tail')('Described', {
          params: { id: INT32 },
          query: { few: { type: 'integer', maximum: 3 } },
          body: shape({ name: STRING }, ['name']),
          answer: shape({ name: STRING }),
        });
        app.post('/described/:id', { schema }, async ({ params, query, body }) => ({ params, query, body }));
        app.post('/text', { schema }, async (_request, reply) => {
          reply.header('content-type', 'application/vnd.schemaregistry.v1+json');
          return '{"is":  "as it is"}';
        });
      },
    ],
  });
}

async function startServer(
  timeouts: NonNullable<HttpServerOptions['timeouts']>,
  more: Partial<HttpServerOptions> = {},
): Promise<number> {
  const server = await HttpServer.start({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    plugins: [routes],
    random,
    logger: silentLogger,
    timeouts,
    ...more,
  });
  servers.push(server);
  return server.ports[0] ?? -1;
}

async function routes(app: FastifyInstance): Promise<void> {
  app.post('/echo', async ({ body }) => body);
  app.get('/here', async () => 'yes');
}

function* manyBytes(): Generator<string> {
  for (;;) yield 'x'.repeat(64 * 1024);
}

/** Its address on this machine, to be told apart from other clients. */
async function openFrom(localAddress: string, port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function askHere(socket: Socket): Promise<string> {
  socket.write('GET /here HTTP/1.1\r\nHost: a\r\n\r\n');
  return String((await once(socket, 'data'))[0]);
}

/** All that the server says before it ends the connection. */
async function answerTo(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect(port, host);
  await once(socket, 'connect');
  let answer = '';
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString();
  });
  socket.on('error', () => socket.destroy());
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

test('what is unknown gets the problem body', async () => {
  const response = await newApp().inject('/nothing');
  expect(response.statusCode).toBe(404);
  expect(response.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(response.json()).toEqual({ error_code: 404, message: 'HTTP 404 Not Found' });
});

test('descriptions of routes neither refuse what comes nor change what goes', async () => {
  const app = newApp();
  const asked = { method: 'POST', url: '/described/x?few=many', payload: { other: [1] } } as const;
  const answer = { params: { id: 'x' }, query: { few: 'many' }, body: { other: [1] } };
  expect((await app.inject(asked)).json()).toEqual(answer);
  expect((await app.inject({ method: 'POST', url: '/text', payload: {} })).body).toBe('{"is":  "as it is"}');
});

test('a path that is known with other methods says which', async () => {
  const response = await newApp().inject({ method: 'DELETE', url: '/topics/a%20b/?x=1' });
  expect(response.statusCode).toBe(405);
  expect(response.headers['allow']).toBe('GET, HEAD');
  expect(response.json()).toEqual({ error_code: 405, message: 'HTTP 405 Method Not Allowed' });
  expect((await newApp().inject({ method: 'DELETE', url: '/topics/a/b' })).statusCode).toBe(404);
});

test('a refusal of a route keeps its code and its words', async () => {
  const response = await newApp().inject('/refusal');
  expect(response.statusCode).toBe(422);
  expect(response.json()).toEqual({ error_code: 42_201, message: 'Too short a name' });
});

test('a fault of ours is logged with the id of its request, and not shown', async () => {
  const logged: string[] = [];
  const logger: Logger = { ...silentLogger, error: (message) => void logged.push(message) };
  const response = await newApp(logger).inject({ url: '/fault', headers: { 'x-request-id': 'abc-1' } });
  expect(response.statusCode).toBe(500);
  expect(response.json()).toEqual({ error_code: 50_001, message: 'Internal Server Error' });
  expect(logged).toEqual(['Request abc-1 (GET) failed']);
});

test('every answer names its request; an id that could do harm is replaced', async () => {
  const app = newApp();
  const theirs = await app.inject({ url: '/nothing', headers: { 'x-request-id': 'trace.42' } });
  expect(theirs.headers['x-request-id']).toBe('trace.42');
  const hostile = await app.inject({ url: '/nothing', headers: { 'x-request-id': 'a b<script>' } });
  expect(hostile.headers['x-request-id']).toMatch(/^[0-9a-f]{16}$/);
});

test('answers cannot be taken for another content type, and no other origin may read them', async () => {
  const { headers } = await newApp().inject({ url: '/topics/t', headers: { origin: 'https://elsewhere.example' } });
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
});

test.each([
  ['a body that is no JSON', { payload: '{"a":', headers: { 'content-type': 'application/json' } }, 400],
  [
    'a body that would change prototypes',
    {
      payload: '{"__proto__":{"a":1}}',
      headers: { 'content-type': 'application/json' },
    },
    400,
  ],
  ['a content type that nobody reads', { payload: '<a/>', headers: { 'content-type': 'application/xml' } }, 415],
  [
    'a body beyond the limit',
    {
      payload: `"${'x'.repeat(1024 * 1024)}"`,
      headers: { 'content-type': 'application/json' },
    },
    413,
  ],
])('%s is refused', async (_what, request, status) => {
  const response = await newApp().inject({ method: 'POST', url: '/echo', ...request });
  expect(response.statusCode).toBe(status);
  expect(response.json()).toMatchObject({ error_code: status });
  expect(Object.keys(response.json())).toEqual(['error_code', 'message']);
});

test('a path that cannot be decoded is refused', async () => {
  const response = await newApp().inject('/topics/%zz');
  expect(response.statusCode).toBe(400);
  expect(response.json()).toMatchObject({ error_code: 400 });
});

test('headers beyond the limit are refused, and the connection ends', async () => {
  const port = await startServer({ requestMs: 10_000, headersMs: 10_000 });
  const answer = await answerTo(port, `GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  expect(answer).toContain('{"error_code":431,"message":"HTTP 431 Request Header Fields Too Large"}');
});

test('a body that comes too slowly is not waited for', async () => {
  const port = await startServer({ requestMs: 200, headersMs: 100 });
  const head = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n';
  expect(await answerTo(port, `${head}"a`)).toMatch(/^HTTP\/1\.1 408 Request Timeout/);
});

test('bytes that are no HTTP are refused', async () => {
  const port = await startServer({ requestMs: 10_000, headersMs: 10_000 });
  expect(await answerTo(port, '\0\0\0\x10hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request/);
});

test('what is no HTTP is not refused in the middle of an answer, nor in the place of another', async () => {
  const plugin = async (app: FastifyInstance) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('text/plain', (_request, _payload, done) => done(null));
    app.get('/never', () => new Promise(() => undefined));
    app.post('/early', { config: { streamsBody: true } }, (_request, reply) => {
      const begun = new Readable({ read: () => undefined });
      begun.push('begun');
      return reply.send(begun);
    });
  };
  const port = await startServer({}, { plugins: [plugin] });
  expect(await answerTo(port, 'GET /never HTTP/1.1\r\nHost: a\r\n\r\nno HTTP\r\n\r\n')).toBe('');
  const socket = await openFrom('127.0.0.1', port);
  socket.write(
    'POST /early HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n',
  );
  let answer = '';
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString();
    if (answer.endsWith('begun\r\n')) socket.write('no length of a chunk\r\n');
  });
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(answer.endsWith('5\r\nbegun\r\n')).toBe(true);
});

test('a body that is no HTTP is refused', async () => {
  const port = await startServer({});
  const head = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
  expect(await answerTo(port, `${head}1\r\n"\r\nno length\r\n`)).toMatch(/^HTTP\/1\.1 400 Bad Request/);
});

test('an address that is taken is named, and nothing listens then', async () => {
  const port = await startServer({ requestMs: 1000, headersMs: 1000 });
  const listeners = [
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.1', port },
  ];
  const second = HttpServer.start({ listeners, plugins: [], random, logger: silentLogger });
  await expect(second).rejects.toMatchObject({ name: 'HttpListenError', code: 'EADDRINUSE' });
});

test('without a host every address of the machine answers', async () => {
  const listeners = [{ host: '', port: 0 }];
  const plugins = [async (app: FastifyInstance) => void app.get('/here', async () => 'yes')];
  const server = await HttpServer.start({ listeners, plugins, random, logger: silentLogger });
  servers.push(server);
  expect(await (await fetch(`http://127.0.0.1:${server.ports[0]}/here`)).text()).toBe('yes');
});

test('two listeners have the same routes, and none is open after close', async () => {
  const server = await HttpServer.start({
    listeners: [
      { host: '127.0.0.1', port: 0 },
      { host: 'localhost', port: 0 },
    ],
    plugins: [async (app) => void app.get('/here', async () => 'yes')],
    random,
    logger: silentLogger,
  });
  const { ports } = server;
  expect(new Set(ports).size).toBe(2);
  for (const port of ports) expect(await (await fetch(`http://127.0.0.1:${port}/here`)).text()).toBe('yes');
  await server.close();
  for (const port of ports) await expect(fetch(`http://127.0.0.1:${port}/here`)).rejects.toThrow('fetch failed');
});

test('a client with more connections than there is room for keeps nobody else out', async () => {
  const port = await startServer({}, { maxConnections: 3 });
  const other = await openFrom('127.0.0.3', port);
  expect(await askHere(other)).toMatch(/^HTTP\/1\.1 200 /);
  const greedy = [];
  for (let count = 0; count < 6; count++) greedy.push(await openFrom('127.0.0.2', port));
  const [oldest] = greedy;
  if (oldest?.closed === false) await once(oldest, 'close');
  const late = await openFrom('127.0.0.4', port);
  for (const socket of [late, other]) expect(await askHere(socket)).toMatch(/^HTTP\/1\.1 200 /);
});

test('an answer is waited for; whoever takes nothing of it is given up', async () => {
  const endless = Readable.from(manyBytes(), { objectMode: false });
  const plugin = async (app: FastifyInstance) => {
    app.get('/endless', (_request, reply) => reply.send(endless));
    app.get('/never', () => new Promise(() => undefined));
  };
  const port = await startServer({ stallMs: 100 }, { plugins: [plugin] });
  const [waiting, stalled] = [await openFrom('127.0.0.1', port), await openFrom('127.0.0.1', port)];
  waiting.resume();
  waiting.write('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
  stalled.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(endless, 'close');
  expect(waiting.closed).toBe(false);
  stalled.destroy();
  waiting.destroy();
});

test('a connection without a request ends', async () => {
  const port = await startServer({ stallMs: 100 });
  const socket = await openFrom('127.0.0.1', port);
  socket.resume();
  await once(socket, 'close');
});

test('localhost is served at each of its addresses, with the same limits', async () => {
  const lookup = vi.spyOn(dns.promises, 'lookup');
  const found = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
  lookup.mockResolvedValue(found as never);
  try {
    const port = await startServer({}, { listeners: [{ host: 'localhost', port: 0 }] });
    for (const { address } of found) {
      expect(await (await fetch(`http://${address}:${port}/here`)).text()).toBe('yes');
      expect(await answerTo(port, 'no HTTP\r\n\r\n', address)).toContain('"error_code":400');
    }
    for (const server of servers.splice(0)) await server.close();
    for (const { address } of found)
      await expect(fetch(`http://${address}:${port}/here`)).rejects.toThrow('fetch failed');
  } finally {
    lookup.mockRestore();
  }
});

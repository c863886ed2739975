/** How long bodies may take, over real sockets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { HttpServer } from '../../../src/http/server.ts';
import { SystemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { SystemRandom } from '../../../src/lib/random.ts';

const REQUEST_MS = 150;
const clock = new SystemClock();
const servers: HttpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function openConnection(): Promise<Socket> {
  const server = await HttpServer.start({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    plugins: [
      async (app) => {
        app.post('/echo', async ({ body }) => body);
        app.get('/here', async () => 'yes');
      },
      async (app) => {
        app.removeAllContentTypeParsers();
        app.addContentTypeParser('application/json', (_request, _payload, done) => done(null));
        app.post('/stream', { config: { streamsBody: true } }, async ({ raw }) => `got ${await text(raw)}`);
      },
    ],
    random: new SystemRandom(),
    logger: silentLogger,
    timeouts: { requestMs: REQUEST_MS },
  });
  servers.push(server);
  const socket = connect({ port: server.ports[0] ?? -1, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All that the server says before it ends the connection. */
async function answerOf(socket: Socket): Promise<string> {
  let answer = '';
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString();
  });
  await once(socket, 'end');
  return answer;
}

const head = (path: string, ...fields: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'Host: a', 'Content-Type: application/json', ...fields].join('\r\n');

test('a body that is not whole in time is refused, and the connection ends whatever the client does', async () => {
  const socket = await openConnection();
  socket.write(`${head('/echo', 'Content-Length: 10')}\r\n\r\n"a`);
  expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*"error_code":408/);
  // This client never ends its half.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  while (socket.writable) {
    socket.write('a');
    await clock.sleep(50);
  }
  await closed;
});

test('nor may the body of a request that was answered already trickle for ever', async () => {
  const socket = await openConnection();
  socket.write(`${head('/echo', 'Content-Length: 9999999')}\r\n\r\n"`);
  expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 413 Payload Too Large/);
});

test('a route that takes a stream waits as long as it likes', async () => {
  const socket = await openConnection();
  socket.write(`${head('/stream', 'Transfer-Encoding: chunked', 'Connection: close')}\r\n\r\n`);
  const answer = answerOf(socket);
  for (const part of ['1', '2', '3']) {
    await clock.sleep(REQUEST_MS);
    socket.write(`1\r\n${part}\r\n`);
  }
  socket.write('0\r\n\r\n');
  expect(await answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*got 123/);
});

test('a stream that was answered is not read to its end', async () => {
  const socket = await openConnection();
  const type = head('/stream', 'Transfer-Encoding: chunked').replace('json', 'xml');
  socket.write(`${type}\r\n\r\n1\r\n1\r\n`);
  expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 415 Unsupported Media Type/);
});

test('a connection outlives the time of a body that came', async () => {
  const socket = await openConnection();
  socket.write(`${head('/echo', 'Content-Length: 3')}\r\n\r\n"a"`);
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 OK/);
  await clock.sleep(2 * REQUEST_MS);
  socket.write('GET /here HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(await answerOf(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*yes/);
});

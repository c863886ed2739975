/** Producing in v3 over real sockets, with a broker that acknowledges at once. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { BodyBudget } from '../../../src/http/body-budget.ts';
import { restV3Produce } from '../../../src/http/rest-v3-produce.ts';
import { HttpServer } from '../../../src/http/server.ts';
import { SystemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { SystemRandom } from '../../../src/lib/random.ts';
import { RestError } from '../../../src/rest/rest-errors.ts';
import type { StreamLimits } from '../../../src/rest/stream-produce.ts';
import { StreamedRecords } from '../../../src/rest/streamed-records.ts';
import { eventually } from '../../support/eventually.ts';

const PATH = '/v3/clusters/c/topics/t/records';
const RECORD = `{"value":{"type":"STRING","data":"${'x'.repeat(1000)}"}}`;
const clock = new SystemClock();
const servers: HttpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

interface Desk {
  readonly port: number;
  readonly server: HttpServer;
  /** Records that were handed on. */
  written: number;
  /** While it is set, nothing is acknowledged. */
  isSilent: boolean;
}

async function openDesk({ limits = {} as Partial<StreamLimits> } = {}): Promise<Desk> {
  const noSchemas = () => Promise.reject(new RestError(404, 'there are no schemas'));
  const desk = { port: 0, written: 0, isSilent: false };
  const records = new StreamedRecords({
    clusterId: 'c',
    schemas: { byId: noSchemas, ofSubject: noSchemas, atVersion: noSchemas, ofText: noSchemas },
    writer: {
      write: async () => {
        const offset = desk.written++;
        if (desk.isSilent) await new Promise(() => undefined);
        return { partition: 0, offset, timestampMs: -1 };
      },
    },
    clock,
  });
  const budget = new BodyBudget(1_000_000, 16_000_000);
  const server = await HttpServer.start({
    listeners: [{ host: '127.0.0.1', port: 0 }],
    plugins: [restV3Produce({ records, budget, clusterId: 'c', clock, logger: silentLogger, limits })],
    random: new SystemRandom(),
    logger: silentLogger,
    timeouts: { requestMs: 200 },
  });
  servers.push(server);
  return Object.assign(desk, { server, port: server.ports[0] ?? -1 });
}

/** A connection on which a stream has begun. */
async function openStream({ port }: Desk, path = PATH): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  return socket;
}

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

async function post({ port }: Desk, path: string, body: string, type = 'application/json') {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  return { status: response.status, body: await response.text() };
}

test('a client that reads no reports is not read for ever, and loses none', async () => {
  const desk = await openDesk();
  const socket = await openStream(desk);
  socket.pause();
  const count = 120_000;
  const text = chunk(RECORD.repeat(100));
  let sent = 0;
  const sending = (async () => {
    for (; sent < count; sent += 100) if (!socket.write(text)) await once(socket, 'drain');
    socket.end('0\r\n\r\n');
  })();
  let last = -1;
  let stillness = 0;
  await eventually(() => {
    stillness = desk.written === last ? stillness + 1 : 0;
    last = desk.written;
    return stillness >= 5;
  });
  expect(desk.written).toBeLessThan(count);
  let reports = 0;
  socket.on('data', (bytes: Buffer) => {
    reports += bytes.toString('latin1').split('"error_code":200').length - 1;
  });
  socket.resume();
  await sending;
  await once(socket, 'end');
  // A report that two reads cut in its middle is not counted.
  expect(reports).toBeGreaterThan(count * 0.98);
  expect(desk.written).toBe(count);
});

test('a stream outlives the time that other bodies have', async () => {
  const desk = await openDesk();
  const socket = await openStream(desk);
  for (let index = 0; index < 3; index++) {
    await clock.sleep(150);
    socket.write(chunk(RECORD));
    const [bytes] = await once(socket, 'data');
    expect(String(bytes)).toContain(`"offset":${index}`);
  }
});

test('a stream in which nothing comes is ended with a report that says so, and so is its connection', async () => {
  const desk = await openDesk({ limits: { idleMs: 100 } });
  const socket = await openStream(desk);
  socket.write(chunk(RECORD));
  let answer = '';
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString();
  });
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(answer).toContain('"error_code":408,"message":"Streaming connection idle for longer than allowed');
});

test('after bytes that are no JSON the rest is not read', async () => {
  const desk = await openDesk();
  const socket = await openStream(desk);
  socket.write(chunk(`${RECORD}oops `));
  let answer = '';
  socket.on('data', (bytes: Buffer) => {
    answer += bytes.toString();
  });
  await once(socket, 'close');
  expect(answer).toContain('"error_code":400');
  expect(desk.written).toBe(1);
});

test('a server that closes waits a moment for reports, and not for ever', async () => {
  const desk = await openDesk();
  const socket = await openStream(desk);
  socket.write(chunk(RECORD));
  await once(socket, 'data');
  desk.isSilent = true;
  socket.write(chunk(RECORD));
  await eventually(() => desk.written === 2);
  const closed = once(socket, 'close');
  const startMs = clock.monotonicMs();
  await desk.server.close();
  await closed;
  expect(clock.monotonicMs() - startMs).toBeLessThan(5000);
});

test.each([
  [
    'nothing',
    PATH,
    '',
    422,
    '{"error_code":42206,"message":"Payload error. Request body is empty. Data is required."}',
  ],
  [
    'white space',
    PATH,
    ' \n',
    422,
    '{"error_code":42206,"message":"Payload error. Request body is empty. Data is required."}',
  ],
  [
    'another cluster',
    '/v3/clusters/other/topics/t/records',
    RECORD,
    404,
    '{"error_code":404,"message":"Cluster other cannot be found."}',
  ],
  [
    'a batch that has members that nobody knows',
    `${PATH}:batch`,
    '{"records":[]}',
    422,
    '{"error_code":422,"message":"Unrecognized field: records"}',
  ],
  [
    'a batch of nothing',
    `${PATH}:batch`,
    '',
    422,
    '{"error_code":42208,"message":"Request body is empty. Data is required."}',
  ],
])('%s is refused', async (_what, path, body, status, told) => {
  expect(await post(await openDesk(), path, body)).toEqual({ status, body: told });
});

test('only JSON is taken', async () => {
  const desk = await openDesk();
  expect((await post(desk, PATH, RECORD, 'text/plain')).status).toBe(415);
  expect((await post(desk, `${PATH}:batch`, '{}', 'application/x-www-form-urlencoded')).status).toBe(415);
});

test('a batch without room for it is refused', async () => {
  const desk = await openDesk();
  const { status } = await post(desk, `${PATH}:batch`, `{"entries":[${' '.repeat(2_000_000)}]}`);
  expect(status).toBe(429);
  const response = await post(desk, `${PATH}:batch`, `{"entries":[{"id":"a","value":{"type":"STRING","data":"x"}}]}`);
  expect(response).toMatchObject({ status: 207, body: expect.stringContaining('"successes":[{"id":"a"') });
});

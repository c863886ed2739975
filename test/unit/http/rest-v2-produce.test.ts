/** What a client of v2 posts and is told, without a cluster behind it: golden bodies, refusals and limits. */
import { request } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { afterEach, expect, it, vi } from 'vitest';
import { ApiError } from '../../../src/client/api-error.ts';
import type { RecordToSend } from '../../../src/client/record-producer.ts';
import { BodyBudget } from '../../../src/http/body-budget.ts';
import { MAX_PRODUCE_BYTES, restV2Produce } from '../../../src/http/rest-v2-produce.ts';
import { newHttpApp } from '../../../src/http/server.ts';
import { SystemClock } from '../../../src/lib/clock.ts';
import { Deferred } from '../../../src/lib/deferred.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { SystemRandom } from '../../../src/lib/random.ts';
import type { ErrorName } from '../../../src/protocol/errors.ts';
import { parseAvroSchema } from '../../../src/registry/avro-schema.ts';
import { serializationFailed } from '../../../src/rest/rest-errors.ts';
import type { RegisteredSchema, SchemaLookup } from '../../../src/rest/schema-lookup.ts';

const apps: FastifyInstance[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

type Written = [topic: string, partition: number | null, key: string | null, value: string | null];

interface Desk {
  readonly app: FastifyInstance;
  readonly written: Written[];
  readonly asked: string[];
  readonly budget: BodyBudget;
  post(
    path: string,
    format: string,
    body: unknown,
    client?: string,
  ): Promise<{ status: number; type: string; body: unknown }>;
}

const registered = (subject: string, text: string, id: number): RegisteredSchema => {
  const { root } = parseAvroSchema(text, [], { isNew: true, isNormalized: false });
  return { subject, id, version: 1, root };
};

/** @param fate what becomes of the record with that value; it arrives when nothing is said */
function newDesk(
  fate: (value: string) => Error | Promise<void> | undefined = () => undefined,
  maxPieces?: number,
  lookUp: () => Promise<void> = async () => undefined,
): Desk {
  const written: Written[] = [];
  const asked: string[] = [];
  const write = async (topic: string, { partition = null, key, value, timestampMs }: RecordToSend) => {
    written.push([topic, partition, key?.toString() ?? null, value?.toString('latin1') ?? null]);
    const offset = written.length + 9;
    const became = fate(value?.toString() ?? '');
    if (became instanceof Error) throw became;
    await became;
    return { partition: partition ?? 0, offset, timestampMs };
  };
  const schemas: SchemaLookup = {
    byId: async () => {
      throw new Error('nobody asks');
    },
    atVersion: async () => {
      throw new Error('nobody asks');
    },
    ofSubject: async (subject, id) => {
      asked.push(`${subject} ${id}`);
      if (id === 404) throw serializationFailed('Error when fetching schema by id. schemaId = 404');
      return registered(subject, '["null","string"]', id);
    },
    ofText: async (subject, text) => {
      asked.push(`${subject} ${text}`);
      await lookUp();
      return registered(subject, text, 7);
    },
  };
  const budget = new BodyBudget(2 * MAX_PRODUCE_BYTES, MAX_PRODUCE_BYTES, maxPieces);
  const app = newHttpApp({
    plugins: [restV2Produce({ writer: { write }, schemas, clock: new SystemClock() }, budget)],
    random: new SystemRandom(),
    logger: silentLogger,
  });
  apps.push(app);
  return {
    app,
    written,
    asked,
    budget,
    post: async (path, format, body, remoteAddress = '192.0.2.1') => {
      const headers = { 'content-type': `application/vnd.kafka.${format}v2+json`, accept: '*/*' };
      const payload = typeof body === 'string' ? body : JSON.stringify(body);
      const answer = await app.inject({ method: 'POST', url: path, headers, payload, remoteAddress });
      const type = String(answer.headers['content-type']);
      return { status: answer.statusCode, type, body: JSON.parse(answer.payload) };
    },
  };
}

it('golden: two records of json, one by key and one for a partition', async () => {
  const desk = newDesk();
  const body = { records: [{ key: 'k', value: { a: 1 } }, { value: [true], partition: 3 }, { partition: null }] };
  expect(await desk.post('/topics/t', 'json.', body)).toEqual({
    status: 200,
    type: 'application/vnd.kafka.v2+json; charset=utf-8',
    body: {
      offsets: [
        { partition: 0, offset: 10, error_code: null, error: null },
        { partition: 3, offset: 11, error_code: null, error: null },
        { partition: 0, offset: 12, error_code: null, error: null },
      ],
      key_schema_id: null,
      value_schema_id: null,
    },
  });
  expect(desk.written).toEqual([
    ['t', null, '"k"', '{"a":1}'],
    ['t', 3, null, '[true]'],
    ['t', null, null, null],
  ]);
});

it('golden: binary to one partition, by whichever type says nothing else', async () => {
  for (const type of ['application/vnd.kafka.v2+json', 'application/json', 'application/vnd.kafka.binary.v2+json']) {
    const desk = newDesk();
    const { payload, headers } = await desk.app.inject({
      method: 'POST',
      url: '/topics/t/partitions/2',
      headers: { 'content-type': `${type}; charset=utf-8`, accept: 'application/json' },
      payload: '{"records":[{"key":"aw==","value":"dg=="}]}',
    });
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(payload).toBe(
      '{"offsets":[{"partition":2,"offset":10,"error_code":null,"error":null}],' +
        '"key_schema_id":null,"value_schema_id":null}',
    );
    expect(desk.written).toEqual([['t', 2, 'k', 'v']]);
  }
});

it('golden: avro by id and by text', async () => {
  const desk = newDesk();
  const body = { key_schema_id: 3, value_schema: '"int"', records: [{ key: { string: 'k' }, value: 1 }, { value: 2 }] };
  expect(await desk.post('/topics/t', 'avro.', body)).toMatchObject({
    status: 200,
    body: { key_schema_id: 3, value_schema_id: 7 },
  });
  expect(desk.asked.sort()).toEqual(['t-key 3', 't-value "int"']);
  expect(desk.written).toEqual([
    ['t', null, '\0\0\0\0\u0003\u0002\u0002k', '\0\0\0\0\u0007\u0002'],
    ['t', null, null, '\0\0\0\0\u0007\u0004'],
  ]);
});

it('what became of a record is told in its place', async () => {
  const failures: readonly (readonly [string, Error])[] = [
    ['"timeout"', new ApiError('TimeoutException', 'Topic t not present in metadata after 60000 ms.')],
    ['"replicas"', ApiError.named('NOT_ENOUGH_REPLICAS')],
    ['"large"', ApiError.named('MESSAGE_TOO_LARGE')],
    ['"java"', new ApiError('RecordTooLargeException', 'The message is large.')],
  ];
  const desk = newDesk((value) => new Map(failures).get(value));
  const records = [...failures.map(([value]) => ({ value: JSON.parse(value) })), { value: 'fine' }];
  const { status, body } = await desk.post('/topics/t', 'json.', { records });
  expect(status).toBe(200);
  const offsets = (body as { offsets: { error_code: number | null; error: string | null }[] }).offsets;
  expect(offsets.map(({ error_code: code }) => code)).toEqual([50003, 50003, 50002, 50002, null]);
  expect(offsets[0]).toEqual({
    partition: null,
    offset: null,
    error_code: 50003,
    error: 'Topic t not present in metadata after 60000 ms.',
  });
});

it.each([
  ['TOPIC_AUTHORIZATION_FAILED', 403],
  ['SASL_AUTHENTICATION_FAILED', 401],
] as const)('who may not write (%s) is told so by the status too', async (error: ErrorName, status) => {
  const desk = newDesk((value) => (value === '"secret"' ? ApiError.named(error) : undefined));
  const answer = await desk.post('/topics/t', 'json.', { records: [{ value: 1 }, { value: 'secret' }] });
  expect(answer).toMatchObject({ status, body: { offsets: [{ error_code: null }, { error_code: status * 100 + 1 }] } });
});

it('a fault of ours is told as one, and no more of it', async () => {
  const desk = newDesk(() => new Error('a secret'));
  expect(await desk.post('/topics/t', 'json.', { records: [{ value: 1 }] })).toMatchObject({
    status: 500,
    body: { error_code: 50001, message: 'Internal Server Error' },
  });
});

it.each<[format: string, body: unknown, status: number, code: number, message: string]>([
  ['json.', '', 422, 422, 'Null input provided. Data is required.'],
  ['json.', '{}', 422, 422, 'records must not be empty'],
  ['json.', { records: [] }, 422, 422, 'records must not be empty'],
  ['json.', '{"records":[', 400, 400, 'Malformed JSON: '],
  ['json.', '{"records":[{}]} x', 400, 400, 'Malformed JSON: '],
  ['json.', '[]', 400, 400, 'Cannot deserialize ProduceRequest: it is not an object'],
  ['json.', { records: [1] }, 400, 400, 'Cannot deserialize ProduceRecord: it is not an object'],
  ['json.', { records: {} }, 400, 400, 'Cannot deserialize `records`: it is not an array'],
  ['json.', { record: [] }, 400, 400, 'Unrecognized field "record" (class ProduceRequest)'],
  ['json.', { records: [{ timestamp: 1 }] }, 400, 400, 'Unrecognized field "timestamp" (class ProduceRecord)'],
  ['json.', { records: [{ partition: '0' }] }, 400, 400, 'Cannot deserialize `partition`: it is not an int'],
  ['json.', { records: [{ partition: 1.5 }] }, 400, 400, 'Cannot deserialize `partition`: it is not an int'],
  ['json.', { records: [{ partition: -1 }] }, 422, 422, 'partition must be greater than or equal to 0'],
  ['binary.', { records: [{ value: {} }] }, 400, 400, 'Bad Request: data={} is not a base64 string.'],
  ['avro.', { records: [{ key: 1 }] }, 422, 42201, 'Request includes keys but does not include key schema'],
  ['avro.', { records: [{ value: 1 }] }, 422, 42202, 'Request includes values but does not include value schema'],
  ['avro.', { value_schema_id: 404, records: [{ value: 1 }] }, 422, 42207, 'Error serializing message. '],
  ['avro.', { value_schema: {}, records: [{ value: 1 }] }, 400, 400, 'Cannot deserialize `value_schema`'],
  ['avro.', { value_schema_id: 1, value_schema: '"int"', records: [{}] }, 400, 400, 'Unsupported argument: '],
  ['avro.', { value_schema: '"int"', records: [{}] }, 400, 400, 'Bad Request: Expected int. Got VALUE_NULL'],
  ['protobuf.', { records: [{}] }, 400, 400, 'Bad Request: Raw schema not supported with format = PROTOBUF'],
  ['jsonschema.', { records: [{}] }, 400, 400, 'Bad Request: Raw schema not supported with format = JSONSCHEMA'],
  ['xml.', { records: [{}] }, 415, 415, 'HTTP 415 Unsupported Media Type'],
])('refused, and nothing written: %s %j', async (format, sent, status, code, message) => {
  const desk = newDesk();
  const answer = await desk.post('/topics/t', format, sent);
  expect(answer).toMatchObject({ status, body: { error_code: code, message: expect.stringContaining(message) } });
  expect(answer.type).toContain('application/vnd.kafka.v2+json');
  expect(desk.written).toEqual([]);
});

it('one record that cannot be made keeps all from being written', async () => {
  const desk = newDesk();
  const body = { records: [{ value: 'Zm9v' }, { value: '!' }] };
  expect(await desk.post('/topics/t', 'binary.', body)).toMatchObject({ status: 400 });
  expect(desk.written).toEqual([]);
});

it('names that no topic can have, and partitions that are no numbers', async () => {
  const desk = newDesk();
  const body = { records: [{ value: 1 }] };
  for (const name of ['..', 'a b', 'a%2Fb', 'ä', 'x'.repeat(250)])
    expect(await desk.post(`/topics/${name.replace('..', '%2E%2E')}`, 'json.', body), name).toMatchObject({
      status: name === '..' ? 404 : 400,
    });
  for (const partition of ['x', '-1', '1.5', '99999999999'])
    expect(await desk.post(`/topics/t/partitions/${partition}`, 'json.', body)).toMatchObject({ status: 404 });
  expect(desk.written).toEqual([]);
});

it('a body that is too large is refused, and so is one too many', async () => {
  const desk = newDesk();
  const whole = 'x'.repeat(MAX_PRODUCE_BYTES + 1);
  expect(await desk.post('/topics/t', 'json.', whole)).toMatchObject({ status: 413, body: { error_code: 413 } });
  const gate = new Deferred();
  const slow = newDesk(() => gate.promise);
  const body = `{"records":[{"value":"${'x'.repeat(MAX_PRODUCE_BYTES - 100)}"}]}`;
  const open = ['192.0.2.1', '192.0.2.2'].map((client) => slow.post('/topics/t', 'json.', body, client));
  while (slow.written.length < 2) await new Promise((resolve) => setImmediate(resolve));
  expect(slow.budget.usedBytes).toBeGreaterThan(2 * MAX_PRODUCE_BYTES - 200);
  const refused = await slow.post('/topics/t', 'json.', body, '192.0.2.3');
  expect(refused).toMatchObject({ status: 429, body: { error_code: 42901 } });
  gate.resolve();
  for (const answer of await Promise.all(open)) expect(answer.status).toBe(200);
  expect(slow.budget.usedBytes).toBe(0);
  expect(desk.budget.usedBytes).toBe(0);
});

it('one client alone does not fill the memory: there is room for another', async () => {
  const gate = new Deferred();
  const desk = newDesk(() => gate.promise);
  const body = `{"records":[{"value":"${'x'.repeat(MAX_PRODUCE_BYTES - 100)}"}]}`;
  const first = desk.post('/topics/t', 'json.', body, '2001:db8::1');
  while (desk.written.length < 1) await new Promise((resolve) => setImmediate(resolve));
  expect(await desk.post('/topics/t', 'json.', body, '2001:db8::2')).toMatchObject({ status: 429 });
  const other = desk.post('/topics/t', 'json.', body, '2001:db8:0:1::1');
  while (desk.written.length < 2) await new Promise((resolve) => setImmediate(resolve));
  gate.resolve();
  for (const answer of await Promise.all([first, other])) expect(answer.status).toBe(200);
  expect(desk.budget.usedBytes).toBe(0);
});

it('many small values are too much, too, though they are few bytes', async () => {
  const gate = new Deferred();
  const desk = newDesk(() => gate.promise, 30);
  const records = (count: number) => ({ records: Array.from({ length: count }, () => ({ value: 1 })) });
  const first = desk.post('/topics/t', 'json.', records(10));
  while (desk.written.length < 10) await new Promise((resolve) => setImmediate(resolve));
  // The values are gone, the records are there.
  expect(desk.budget.usedPieces).toBe(10);
  const refused = await desk.post('/topics/t', 'json.', records(10));
  expect(refused).toMatchObject({ status: 429, body: { error_code: 42901 } });
  gate.resolve();
  expect(await first).toMatchObject({ status: 200 });
  expect(desk.written.length).toBe(10);
  expect(desk.budget.usedPieces).toBe(0);
  expect(await desk.post('/topics/t', 'json.', records(10))).toMatchObject({ status: 200 });
});

it('long bodies are taken to pieces one after the other; a short one need not wait for them', async () => {
  const looking: Deferred[] = [];
  const desk = newDesk(undefined, undefined, async () => {
    const found = new Deferred();
    looking.push(found);
    await found.promise;
  });
  const body = (length: number) => ({ value_schema: '"string"', records: [{ value: 'x'.repeat(length) }] });
  const long = [1, 2].map(() => desk.post('/topics/t', 'avro.', body(300_000)));
  const isLooking = (count: number) => vi.waitFor(() => expect(looking.length).toBe(count));
  await isLooking(1);
  const short = desk.post('/topics/t', 'avro.', body(1));
  await isLooking(2);
  looking[1]?.resolve();
  expect(await short).toMatchObject({ status: 200 });
  expect(await desk.post('/topics/t', 'json.', { records: body(300_000).records })).toMatchObject({ status: 200 });
  expect(looking.length).toBe(2);
  looking[0]?.resolve();
  await isLooking(3);
  looking[2]?.resolve();
  for (const answer of await Promise.all(long)) expect(answer).toMatchObject({ status: 200 });
});

it('what became of very many records is told like that of few', async () => {
  const desk = newDesk();
  const count = 2500;
  const { status, type, body } = await desk.post('/topics/t', 'json.', {
    records: Array.from({ length: count }, () => ({ value: 1 })),
  });
  expect([status, type]).toEqual([200, 'application/vnd.kafka.v2+json']);
  const offsets = Array.from({ length: count }, (_, index) => ({
    partition: 0,
    offset: 10 + index,
    error_code: null,
    error: null,
  }));
  expect(body).toEqual({ offsets, key_schema_id: null, value_schema_id: null });
});

it('a client that goes away in the middle of its body leaves nothing behind', async () => {
  const desk = newDesk();
  await desk.app.listen({ host: '127.0.0.1', port: 0 });
  const address = desk.app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const headers = { 'content-type': 'application/vnd.kafka.json.v2+json', 'content-length': '1000' };
  const sent = request({ port, host: '127.0.0.1', method: 'POST', path: '/topics/t', headers });
  sent.on('error', () => sent.destroy());
  sent.write('{"records":[');
  while (desk.budget.usedBytes === 0) await new Promise((resolve) => setImmediate(resolve));
  sent.destroy();
  while (desk.budget.usedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(desk.written).toEqual([]);
});

it('what has not come yet takes no room, whatever it may become', async () => {
  const desk = newDesk();
  await desk.app.listen({ host: '127.0.0.1', port: 0 });
  const address = desk.app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const type = { 'content-type': 'application/vnd.kafka.json.v2+json' };
  const begin = (length: object) => {
    const headers = { ...type, ...length };
    const sent = request({ port, host: '127.0.0.1', method: 'POST', path: '/topics/t', headers });
    const status = new Promise<number | undefined>((resolve, reject) =>
      sent.once('response', (answer) => resolve(answer.resume().statusCode)).once('error', reject),
    );
    sent.write('{"records":[{"value":1}');
    return { sent, status };
  };
  const open = Array.from({ length: 40 }, (_, index) =>
    begin(index % 2 === 0 ? { 'transfer-encoding': 'chunked' } : { 'content-length': MAX_PRODUCE_BYTES }),
  );
  while (desk.budget.usedBytes < 40 * 23) await new Promise((resolve) => setImmediate(resolve));
  expect(await desk.post('/topics/t', 'json.', { records: [{ value: 1 }] })).toMatchObject({ status: 200 });
  const written = desk.budget.usedBytes;
  expect(written).toBe(40 * 23);
  for (const [index, { sent }] of open.entries()) sent.end(']}'.padEnd(index % 2 === 0 ? 2 : MAX_PRODUCE_BYTES - 23));
  const told = await Promise.all(open.map(({ status }) => status));
  expect(new Set(told)).toEqual(new Set([200, 429]));
  while (desk.budget.usedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
});

it('a body that turns out to be too long is refused where it does', async () => {
  const desk = newDesk();
  await desk.app.listen({ host: '127.0.0.1', port: 0 });
  const address = desk.app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const headers = { 'content-type': 'application/vnd.kafka.json.v2+json', 'transfer-encoding': 'chunked' };
  const sent = request({ port, host: '127.0.0.1', method: 'POST', path: '/topics/t', headers });
  const answered = new Promise<number | undefined>((resolve, reject) =>
    sent.once('response', (answer) => resolve(answer.resume().statusCode)).once('error', reject),
  );
  sent.write('x'.repeat(MAX_PRODUCE_BYTES));
  sent.write('x');
  expect(await answered).toBe(413);
  sent.destroy();
  while (desk.budget.usedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
});

it('what a client left behind stays in the books until it is written', async () => {
  const gate = new Deferred();
  const desk = newDesk(() => gate.promise);
  await desk.app.listen({ host: '127.0.0.1', port: 0 });
  const address = desk.app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const closed = new Deferred();
  desk.app.server.once('connection', (socket) => socket.once('close', () => closed.resolve()));
  const headers = { 'content-type': 'application/vnd.kafka.json.v2+json' };
  const sent = request({ port, host: '127.0.0.1', method: 'POST', path: '/topics/t', headers });
  sent.on('error', () => sent.destroy());
  sent.end('{"records":[{"value":1}]}');
  while (desk.written.length === 0) await new Promise((resolve) => setImmediate(resolve));
  sent.destroy();
  await closed.promise;
  await new Promise((resolve) => setImmediate(resolve));
  expect(desk.budget.usedBytes).toBeGreaterThan(0);
  gate.resolve();
  while (desk.budget.usedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
});

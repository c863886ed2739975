/** Records produced over one connection of HTTP, with reports while they come. */
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createTopic, kafkaClient } from '../support/admin.ts';
import type { BrokerProcess } from '../support/broker-process.ts';
import { eventually } from '../support/eventually.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { useCluster } from '../support/use-cluster.ts';
import { readPartition, whenLed } from '../support/wire-client.ts';

interface Report {
  readonly error_code: number;
  readonly message?: string;
  readonly partition_id?: number;
  readonly offset?: number;
}

/** One connection: what is written goes out at once, what comes is read as reports. */
class RecordStream {
  readonly #sent: ClientRequest;
  readonly #reports: Report[] = [];
  #text = '';
  #waiting: (() => void)[] = [];
  response: IncomingMessage | null = null;
  failure: Error | null = null;
  isClosed = false;

  constructor(url: string) {
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    this.#sent = request(url, { method: 'POST', headers, agent: false });
    this.#sent.once('response', (response) => {
      this.response = response;
      response.setEncoding('utf8').on('data', (text: string) => this.#read(text));
      response.once('error', (error) => this.#close(error));
      response.once('end', () => this.#close(null));
    });
    this.#sent.on('error', (error) => this.#close(error)).on('drain', () => this.#wake());
    this.#sent.flushHeaders();
  }

  /** Resolves when more may be written. */
  write(record: unknown): Promise<void> {
    return this.writeText(JSON.stringify(record));
  }

  async writeText(text: string): Promise<void> {
    if (this.#sent.write(text)) return;
    while (this.#sent.writableNeedDrain && !this.isClosed) await new Promise<void>((wake) => this.#waiting.push(wake));
  }

  end(): void {
    this.#sent.end();
  }

  destroy(): void {
    this.#sent.destroy();
  }

  async take(count: number): Promise<Report[]> {
    while (this.#reports.length < count && !this.isClosed) await new Promise<void>((wake) => this.#waiting.push(wake));
    return this.#reports.splice(0, count);
  }

  /** Everything until the end. */
  async rest(): Promise<Report[]> {
    return this.take(Number.POSITIVE_INFINITY);
  }

  #read(text: string): void {
    const lines = (this.#text + text).split('\r\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) this.#reports.push(JSON.parse(line) as Report);
    this.#wake();
  }

  #close(error: Error | null): void {
    this.failure ??= error;
    this.isClosed = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

const text = (data: string) => ({ type: 'STRING', data });

describe('streams of records', () => {
  const cluster = useCluster({ overrides: WITH_HTTP });
  let clusterId = '';

  async function url(broker: BrokerProcess, topic: string, path = 'records'): Promise<string> {
    if (clusterId === '') {
      const response = await fetch(`${httpAddress(broker)}/v3/clusters`);
      clusterId = ((await response.json()) as { data: { cluster_id: string }[] }).data[0]?.cluster_id ?? '';
    }
    return `${httpAddress(broker)}/v3/clusters/${clusterId}/topics/${topic}/${path}`;
  }

  async function produce(topic: string, body: string): Promise<{ status: number; reports: Report[] }> {
    const address = await url(cluster().broker(1), topic);
    const response = await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const lines = (await response.text()).split('\r\n').filter((line) => line !== '');
    return { status: response.status, reports: lines.map((line) => JSON.parse(line) as Report) };
  }

  it('one record is answered with one object', async () => {
    await createTopic(cluster(), 'single', { partitions: 2 });
    const record = {
      partition_id: 1,
      headers: [{ name: 'Header-1', value: 'SGVhZGVyLTE=' }, { name: 'none' }],
      key: { type: 'BINARY', data: 'Zm9vYmFy' },
      value: { type: 'JSON', data: { foo: 'bar' } },
      timestamp: '2021-02-05T19:14:42Z',
    };
    expect(await produce('single', JSON.stringify(record))).toEqual({
      status: 200,
      reports: [
        {
          error_code: 200,
          cluster_id: clusterId,
          topic_name: 'single',
          partition_id: 1,
          offset: 0,
          timestamp: '2021-02-05T19:14:42Z',
          key: { type: 'BINARY', size: 6 },
          value: { type: 'JSON', size: 13 },
        },
      ],
    });
    expect(await readPartition(cluster(), 'single', 1)).toMatchObject([
      {
        key: 'foobar',
        value: '{"foo":"bar"}',
        timestampMs: Date.parse('2021-02-05T19:14:42Z'),
        headers: [['Header-1', 'Header-1'], expect.anything()],
      },
    ]);
  });

  it('a report comes while the next record has not been sent', async () => {
    await createTopic(cluster(), 'talk');
    const stream = new RecordStream(await url(cluster().broker(2), 'talk'));
    for (let offset = 0; offset < 5; offset++) {
      await stream.writeText('{"value": {"type": "STR');
      await stream.writeText('ING", "data": "x"}}');
      expect(await stream.take(1)).toMatchObject([{ error_code: 200, offset }]);
    }
    stream.end();
    expect(await stream.rest()).toEqual([]);
    expect(stream.failure).toBeNull();
  });

  it('ten thousand records are written in order, with their reports in order', async () => {
    await createTopic(cluster(), 'many', { partitions: 3 });
    const stream = new RecordStream(await url(cluster().broker(1), 'many'));
    const count = 10_000;
    const written = (async () => {
      for (let index = 0; index < count; index++)
        await stream.write({ partition_id: index % 3, value: text(`value ${index}`) });
      stream.end();
    })();
    const reports = await stream.rest();
    await written;
    expect(reports).toHaveLength(count);
    for (const [index, { error_code, partition_id, offset }] of reports.entries())
      expect([error_code, partition_id, offset]).toEqual([200, index % 3, Math.floor(index / 3)]);
    const read = await readWithKafkajs('many', count);
    expect(read.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  async function readWithKafkajs(topic: string, count: number): Promise<number[]> {
    const consumer = kafkaClient(cluster()).consumer({ groupId: `readers-of-${topic}` });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const values: number[] = [];
    await consumer.run({
      eachMessage: async ({ message }) => void values.push(Number(message.value?.toString().split(' ')[1])),
    });
    await eventually(() => values.length >= count);
    await consumer.disconnect();
    return values;
  }

  it('what cannot be written is told in its place, and costs the others nothing', async () => {
    await createTopic(cluster(), 'mixed');
    const good = JSON.stringify({ value: text('good') });
    const bodies = [
      good,
      '{"value":{"type":"BINARY","data":1}}',
      '{"value":{"type":"BINARY","data":"*"}}',
      '{"records":[]}',
      '{"partition_id":-1}',
      '{"value":{"type":"PROTOBUF","schema":"syntax","data":{}}}',
      '{"value":{"type":"AVRO","schema":"{}","data":{}}}',
      '{"value":{"type":"STRING","schema_id":1,"data":"x"}}',
      '[1]',
      JSON.stringify({ value: text('x'.repeat(1_100_000)) }),
      good,
    ];
    const { status, reports } = await produce('mixed', bodies.join(''));
    expect(status).toBe(200);
    expect(reports.map(({ error_code, message }) => [error_code, message?.slice(0, 60)])).toEqual([
      [200, undefined],
      [400, 'Bad Request: data=1 is not a base64 string.'],
      [400, 'Bad Request: data="*" is not a valid base64 string.'],
      [400, 'Unrecognized field "records" (class ProduceRequest), not mar'],
      [40402, 'Partition not found.'],
      [400, 'Bad Request: Raw schema not supported with format = PROTOBUF'],
      [422, expect.stringMatching(/^Error: 42205 : Invalid schema: /)],
      [400, expect.stringContaining('Cannot construct instance of `ProduceRequestData`, problem')],
      [400, 'Cannot deserialize value of type `ProduceRequest`: it is not'],
      [413, expect.stringMatching(/^The record batch size in the append to mixed-0 is/)],
      [200, undefined],
    ]);
    expect((await readPartition(cluster(), 'mixed', 0)).map(({ value }) => value)).toEqual(['good', 'good']);
  });

  it('bytes that are no JSON end the stream after what came before', async () => {
    await createTopic(cluster(), 'broken');
    const stream = new RecordStream(await url(cluster().broker(1), 'broken'));
    await stream.write({ value: text('before') });
    await stream.writeText('{"value": oops} {"value"');
    const reports = await stream.rest();
    expect(reports.map(({ error_code }) => error_code)).toEqual([200, 400]);
    expect(reports[1]?.message).toMatch(/^Bad Request: Error processing message: /);
    expect((await produce('broken', '{')).reports).toMatchObject([{ error_code: 400 }]);
    const nothing = await produce('broken', '');
    expect(nothing).toEqual({
      status: 422,
      reports: [{ error_code: 42206, message: 'Payload error. Request body is empty. Data is required.' }],
    });
  });

  it('reads values by schemas of the registry, however they are named', async () => {
    await createTopic(cluster(), 'users');
    const schema = JSON.stringify({ type: 'record', name: 'ns.User', fields: [{ name: 'id', type: 'long' }] });
    const body =
      `{"key":{"type":"AVRO","schema":"\\"string\\"","data":"k"},` +
      `"value":{"type":"AVRO","schema":${JSON.stringify(schema)},"data":{"id":9007199254740993}}}` +
      `{"key":{"data":"latest"},"value":{"schema_version":1,"data":{"id":2}}}` +
      `{"value":{"schema_id":2,"data":{"id":3}}}` +
      `{"value":{"type":"AVRO","subject_name_strategy":"RECORD_NAME","schema":${JSON.stringify(schema)},` +
      `"data":{"id":4}}}` +
      `{"value":{"schema_id":2,"subject":"ns.User","data":{"id":5}}}` +
      `{"value":{"schema_id":99,"data":{"id":6}}}` +
      `{"value":{"schema_version":1,"data":{"id":"six"}}}`;
    const { reports } = await produce('users', body);
    expect(reports).toMatchObject([
      {
        error_code: 200,
        key: { type: 'AVRO', subject: 'users-key', schema_id: 1, schema_version: 1, size: 7 },
        value: { type: 'AVRO', subject: 'users-value', schema_id: 2, schema_version: 1 },
      },
      { error_code: 200, key: { schema_id: 1 }, value: { schema_id: 2 } },
      { error_code: 200, offset: 2 },
      { error_code: 200, value: { subject: 'ns.User', schema_id: 2 } },
      { error_code: 200, value: { subject: 'ns.User' } },
      {
        error_code: 422,
        message: expect.stringMatching(/^Error: 42207 : Error serializing message\. Error when fetching/),
      },
      { error_code: 400 },
    ]);
    const response = await fetch(`${httpAddress(cluster().broker(3))}/topics/users/tail?from=earliest&limit=1`);
    expect(await response.text()).toContain('"value":{"id":9007199254740993},"value_format":"avro"');
  });

  it('a batch tells of each entry under its id', async () => {
    await createTopic(cluster(), 'batched');
    const address = await url(cluster().broker(1), 'batched', 'records:batch');
    const ask = async (body: unknown) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: response.status, body: await response.json() };
    };
    const entry = (id: string) => ({ id, value: text(id) });
    expect(
      await ask({ entries: [entry('1'), { id: '2', value: { type: 'BINARY', data: 1 } }, entry('3')] }),
    ).toMatchObject({
      status: 207,
      body: {
        successes: [
          { id: '1', cluster_id: clusterId, topic_name: 'batched', offset: 0 },
          { id: '3', offset: 1 },
        ],
        failures: [{ id: '2', error_code: 400, message: 'Bad Request: data=1 is not a base64 string.' }],
      },
    });
    const refusals: [unknown, string][] = [
      [{ entries: [] }, 'Empty batch.'],
      [{ entries: [entry('1'), entry('1')] }, 'Batch entry IDs are not distinct.'],
      [{ entries: [{ value: text('x') }] }, 'Batch entry identifier is not a valid string.'],
      [{ entries: Array.from({ length: 11 }, (_, id) => entry(String(id))) }, 'Too many entries in batch.'],
    ];
    for (const [body, message] of refusals)
      expect(await ask(body)).toEqual({ status: 422, body: { error_code: 42208, message } });
    expect(await readPartition(cluster(), 'batched', 0)).toHaveLength(2);
  });

  it('a client that leaves in the middle leaves what was acknowledged, and nothing else behind', async () => {
    await createTopic(cluster(), 'left');
    for (let round = 0; round < 20; round++) {
      const stream = new RecordStream(await url(cluster().broker(1), 'left'));
      await stream.write({ value: text('whole') });
      await stream.writeText('{"value": {"type": "STRING", "data": "ha');
      expect(await stream.take(1)).toMatchObject([{ error_code: 200, offset: round }]);
      stream.destroy();
    }
    const values = (await readPartition(cluster(), 'left', 0)).map(({ value }) => value);
    expect(values).toEqual(Array.from({ length: 20 }, () => 'whole'));
  });

  it('a leader dies in the middle: what was reported as written is there, in order', async () => {
    await createTopic(cluster(), 'survived', { assignment: [[2, 3, 1]], configs: { 'min.insync.replicas': '2' } });
    const stream = new RecordStream(await url(cluster().broker(1), 'survived'));
    const reports: Report[] = [];
    let isOver = false;
    let sent = 0;
    const writing = (async () => {
      for (; !isOver; sent++) await stream.write({ value: text(String(sent)) });
      stream.end();
    })();
    const reading = (async () => {
      for (;;) {
        const [report] = await stream.take(1);
        if (report === undefined) return;
        reports.push(report);
      }
    })();
    await eventually(() => reports.length > 1000);
    await cluster().broker(2).kill('SIGKILL');
    const before = reports.length;
    await eventually(() => reports.length > before + 2000);
    isOver = true;
    await Promise.all([writing, reading]);
    expect(reports).toHaveLength(sent);
    await cluster().broker(2).start();
    await whenLed(cluster(), 'survived', 0);
    const stored = new Map((await readPartition(cluster(), 'survived', 0)).map(({ offset, value }) => [offset, value]));
    for (const [index, report] of reports.entries())
      if (report.error_code === 200) expect(stored.get(report.offset ?? -1)).toBe(String(index));
    const offsets = reports.flatMap(({ error_code, offset }) => (error_code === 200 ? [offset ?? -1] : []));
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
  });

  it('a broker that stops does not wait for streams', async () => {
    await createTopic(cluster(), 'stopped', { assignment: [[1, 2]] });
    const stream = new RecordStream(await url(cluster().broker(3), 'stopped'));
    await stream.write({ value: text('before') });
    expect(await stream.take(1)).toMatchObject([{ error_code: 200 }]);
    await cluster().broker(3).stop();
    expect(await stream.rest()).toEqual([]);
    await cluster().broker(3).start();
  });
});

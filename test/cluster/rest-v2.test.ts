/**
 * REST Proxy v2 without consumers, on three brokers: the curl lines of Confluent's documentation, whichever broker is
 * asked; what is posted is read by kafkajs.
 */
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { KafkaMessage } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { createTopic, kafkaClient } from '../support/admin.ts';
import type { BrokerProcess } from '../support/broker-process.ts';
import { eventually } from '../support/eventually.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { useCluster } from '../support/use-cluster.ts';
import { readPartition, whenFullyReplicated, whenLed } from '../support/wire-client.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

interface Produced {
  readonly offsets: readonly { partition: number; offset: number; error_code: number | null; error: string | null }[];
  readonly key_schema_id: number | null;
  readonly value_schema_id: number | null;
}

const V2 = 'application/vnd.kafka.v2+json';
const typeOf = (format: string) => `application/vnd.kafka.${format}.v2+json`;
const USER = JSON.stringify({ type: 'record', name: 'User', fields: [{ name: 'name', type: 'string' }] });

async function ask(broker: BrokerProcess, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(httpAddress(broker) + path, init);
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  return { status: response.status, type, body: await response.json() };
}

function post(broker: BrokerProcess, path: string, format: string, body: object | string): Promise<Answer> {
  const headers = { 'content-type': typeOf(format), accept: V2 };
  return ask(broker, path, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
}

async function posted(broker: BrokerProcess, path: string, format: string, body: object | string): Promise<Produced> {
  const { status, body: answered } = await post(broker, path, format, body);
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(answered)}`);
  const failed = (answered as Produced).offsets.find(({ error }) => error !== null);
  if (failed !== undefined) throw new Error(failed.error ?? '');
  return answered as Produced;
}

describe('REST Proxy v2 of three brokers', () => {
  const cluster = useCluster({ overrides: WITH_HTTP });
  const broker = (id: number) => cluster().broker(id);
  /** What a consumer of kafkajs finds, by partition and in order. */
  const consumed = async (topic: string, count: number): Promise<KafkaMessage[][]> => {
    const consumer = kafkaClient(cluster()).consumer({ groupId: `readers-of-${topic}`, maxWaitTimeInMs: 200 });
    const found: KafkaMessage[][] = [];
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        const eachMessage = async ({ partition, message }: { partition: number; message: KafkaMessage }) => {
          found[partition] = [...(found[partition] ?? []), message];
          if (found.flat().length >= count) resolve();
        };
        consumer.run({ eachMessage }).catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
    return found;
  };
  const values = async (topic: string, count: number) =>
    ((await consumed(topic, count))[0] ?? []).map(({ value }) => value);

  it('the lines of the documentation: topics, partitions, offsets, brokers', async () => {
    await createTopic(cluster(), 'jsontest', { partitions: 2, configs: { 'retention.ms': '86400000' } });
    await whenFullyReplicated(cluster(), 'jsontest');
    for (const asked of cluster().brokers) {
      expect(await ask(asked, '/brokers')).toEqual({ status: 200, type: V2, body: { brokers: [1, 2, 3] } });
      const { body: names } = await ask(asked, '/topics', { headers: { accept: V2 } });
      expect(names).toContain('jsontest');
      expect(names).not.toContain('__consumer_offsets');
      const { body: topic, type } = await ask(asked, '/topics/jsontest');
      expect(type).toBe(V2);
      expect(topic).toMatchObject({
        name: 'jsontest',
        configs: { 'cleanup.policy': 'delete', 'retention.ms': '86400000' },
        partitions: [{ partition: 0 }, { partition: 1 }],
      });
      const { body: partitions } = await ask(asked, '/topics/jsontest/partitions');
      expect(partitions).toEqual((topic as { partitions: unknown }).partitions);
      const { body: partition } = await ask(asked, '/topics/jsontest/partitions/1');
      expect(partition).toEqual((partitions as unknown[])[1]);
      const leader = await whenLed(cluster(), 'jsontest', 1);
      expect(partition).toMatchObject({ partition: 1, leader });
      const { replicas } = partition as { replicas: { broker: number; leader: boolean; in_sync: boolean }[] };
      expect(replicas.map(({ broker: id }) => id).sort()).toEqual([1, 2, 3]);
      for (const replica of replicas) expect(replica.leader).toBe(replica.broker === leader);
      expect(replicas.every(({ in_sync: isInSync }) => isInSync)).toBe(true);
      expect(await ask(asked, '/topics/jsontest/partitions/1/offsets')).toMatchObject({
        body: { beginning_offset: 0, end_offset: 0 },
      });
    }
    expect(await ask(broker(1), '/', { method: 'POST', headers: { 'content-type': V2 }, body: '{}' })).toMatchObject({
      status: 200,
      body: {},
    });
  });

  it('json: what is posted is stored as it was meant, to the last digit', async () => {
    await createTopic(cluster(), 'json');
    const record = '{"value":{"foo":"bar","big":9007199254740993,"__proto__":1,"2":1.0,"1":[]}}';
    expect(await post(broker(2), '/topics/json', 'json', `{"records":[${record}]}`)).toEqual({
      status: 200,
      type: V2,
      body: {
        offsets: [{ partition: 0, offset: 0, error_code: null, error: null }],
        key_schema_id: null,
        value_schema_id: null,
      },
    });
    expect(await values('json', 1)).toEqual([
      Buffer.from('{"foo":"bar","big":9007199254740993,"__proto__":1,"2":1.0,"1":[]}'),
    ]);
  });

  it('binary: keys, values and none of them, in the partition that is named', async () => {
    await createTopic(cluster(), 'binary', { partitions: 3 });
    const records = [
      { key: 'a2V5', value: 'Y29uZmx1ZW50', partition: 2 },
      { value: 'S2Fma2E=', partition: 1 },
      { key: 'a2V5', partition: 2 },
    ];
    const { offsets } = await posted(broker(3), '/topics/binary', 'binary', { records });
    expect(offsets).toMatchObject([
      { partition: 2, offset: 0 },
      { partition: 1, offset: 0 },
      { partition: 2, offset: 1 },
    ]);
    expect(
      await posted(broker(1), '/topics/binary/partitions/1', 'binary', { records: [{ value: '' }] }),
    ).toMatchObject({ offsets: [{ partition: 1, offset: 1 }] });
    const found = await consumed('binary', 4);
    expect(found[2]).toMatchObject([
      { key: Buffer.from('key'), value: Buffer.from('confluent') },
      { key: Buffer.from('key'), value: null },
    ]);
    expect(found[1]).toMatchObject([
      { key: null, value: Buffer.from('Kafka') },
      { key: null, value: Buffer.alloc(0) },
    ]);
  });

  it('avro: by schema and by id, read by kafkajs with its registry client', async () => {
    await createTopic(cluster(), 'avro');
    const byText = { value_schema: USER, key_schema: '"int"', records: [{ key: 7, value: { name: 'testUser' } }] };
    const { key_schema_id: keyId, value_schema_id: id } = await posted(broker(1), '/topics/avro', 'avro', byText);
    for (const asked of cluster().brokers) {
      const byId = { value_schema_id: id, records: [{ value: { name: `by ${asked.id}` } }] };
      expect(await posted(asked, '/topics/avro', 'avro', byId)).toMatchObject({ value_schema_id: id });
    }
    const registry = new SchemaRegistry({ host: httpAddress(broker(2)) });
    expect(await registry.getLatestSchemaId('avro-value')).toBe(id);
    expect(await registry.getLatestSchemaId('avro-key')).toBe(keyId);
    const read = (await consumed('avro', 4))[0] ?? [];
    expect(await registry.decode(read[0]?.key ?? Buffer.alloc(0))).toBe(7);
    expect(await Promise.all(read.map(({ value }) => registry.decode(value ?? Buffer.alloc(0))))).toEqual([
      { name: 'testUser' },
      { name: 'by 1' },
      { name: 'by 2' },
      { name: 'by 3' },
    ]);
  });

  it('avro: a schema that refers to others, unions, and longs beyond what JavaScript counts', async () => {
    const address = JSON.stringify({ type: 'record', name: 'Address', fields: [{ name: 'city', type: 'string' }] });
    const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
    const register = (subject: string, body: object) =>
      ask(broker(3), `/subjects/${subject}/versions`, { method: 'POST', headers, body: JSON.stringify(body) });
    await register('address', { schema: address });
    const person = JSON.stringify({
      type: 'record',
      name: 'Person',
      fields: [
        { name: 'id', type: 'long' },
        { name: 'home', type: ['null', 'Address'] },
      ],
    });
    const references = [{ name: 'Address', subject: 'address', version: 1 }];
    const { body } = await register('people-value', { schema: person, references });
    const { id } = body as { id: number };
    await createTopic(cluster(), 'people');
    const records = '[{"value":{"id":9223372036854775807,"home":{"Address":{"city":"Oslo"}}}}]';
    await posted(broker(1), '/topics/people', 'avro', `{"value_schema_id":${id},"records":${records}}`);
    const datum = Buffer.from([0, 0, 0, 0, id, ...Array(9).fill(255), 1, 2, 8, ...Buffer.from('Oslo')]);
    datum[5] = 254;
    expect(await values('people', 1)).toEqual([datum]);
  });

  it('what is wrong is told in the words of the documentation', async () => {
    await createTopic(cluster(), 'errors');
    const told = async (asked: Promise<Answer>) => {
      const { status, body } = await asked;
      return [status, body];
    };
    const one = { records: [{ value: 'x' }] };
    expect(await told(ask(broker(1), '/topics/nowhere'))).toEqual([
      404,
      { error_code: 40401, message: 'Topic not found.' },
    ]);
    expect(await told(ask(broker(1), '/topics/nowhere/partitions'))).toMatchObject([404, { error_code: 40401 }]);
    for (const path of ['', '/offsets'])
      expect(await told(ask(broker(2), `/topics/errors/partitions/9${path}`))).toEqual([
        404,
        { error_code: 40402, message: 'Partition not found.' },
      ]);
    expect(await told(ask(broker(2), '/topics/errors/partitions/x'))).toMatchObject([404, { error_code: 404 }]);
    expect(await told(ask(broker(2), '/topics/a%2Fb'))).toMatchObject([400, { error_code: 40002 }]);
    expect(await told(ask(broker(2), '/topics', { headers: { accept: 'text/html' } }))).toMatchObject([406, {}]);
    expect(await told(post(broker(2), '/topics/errors', 'xml', one))).toEqual([
      415,
      { error_code: 415, message: 'HTTP 415 Unsupported Media Type' },
    ]);
    expect(await told(post(broker(2), '/topics/errors', 'protobuf', one))).toMatchObject([400, { error_code: 400 }]);
    expect(await told(post(broker(2), '/topics/errors', 'avro', one))).toEqual([
      422,
      { error_code: 42202, message: 'Request includes values but does not include value schema' },
    ]);
    expect(await told(post(broker(2), '/topics/errors', 'avro', { ...one, value_schema_id: 9999 }))).toMatchObject([
      422,
      { error_code: 42207, message: expect.stringContaining('Schema 9999 not found; error code: 40403') },
    ]);
    expect(await told(post(broker(2), '/topics/errors', 'avro', { ...one, value_schema: '{' }))).toMatchObject([
      422,
      { error_code: 42205 },
    ]);
    expect(await told(post(broker(2), '/topics/errors', 'avro', { ...one, value_schema: '["null","int"]' }))).toEqual([
      400,
      { error_code: 400, message: 'Bad Request: Expected start-union. Got VALUE_STRING' },
    ]);
    expect(await told(post(broker(2), '/topics/errors', 'binary', { records: [{ value: 1 }] }))).toEqual([
      400,
      { error_code: 400, message: 'Bad Request: data=1 is not a base64 string.' },
    ]);
    expect(await told(post(broker(2), '/topics/errors', 'json', '{"records":'))).toMatchObject([400, {}]);
    expect(await told(post(broker(2), '/topics/errors', 'json', { records: [] }))).toMatchObject([422, {}]);
    const astray = { records: [{ value: 1, partition: 5 }, { value: 2 }] };
    expect(await told(post(broker(3), '/topics/errors', 'json', astray))).toEqual([
      200,
      {
        offsets: [
          {
            partition: null,
            offset: null,
            error_code: 50003,
            error: expect.stringContaining('Partition 5 of topic errors with partition count 1 is not present'),
          },
          { partition: 0, offset: 0, error_code: null, error: null },
        ],
        key_schema_id: null,
        value_schema_id: null,
      },
    ]);
  });

  it('a broker that dies between two posts loses nothing, and what comes after finds the new leader', async () => {
    const { brokers } = cluster();
    await createTopic(cluster(), 'killed', { configs: { 'min.insync.replicas': '2' } });
    const leader = await whenLed(cluster(), 'killed', 0);
    const others = brokers.filter(({ id }) => id !== leader);
    const [one, other] = others;
    if (one === undefined || other === undefined) throw new Error('there are three');
    for (const asked of brokers)
      await posted(asked, '/topics/killed', 'json', { records: [{ value: `before ${asked.id}` }] });
    await broker(leader).kill();
    const during = await Promise.all(
      others.map((asked) => posted(asked, '/topics/killed', 'json', { records: [{ value: `after ${asked.id}` }] })),
    );
    expect(during.flatMap(({ offsets }) => offsets.map(({ offset }) => offset)).sort()).toEqual([3, 4]);
    expect((await readPartition(cluster(), 'killed', 0)).map(({ value }) => value).sort()).toEqual(
      [...brokers.map(({ id }) => `"before ${id}"`), ...others.map(({ id }) => `"after ${id}"`)].sort(),
    );
    await broker(leader).start();
    await eventually(() => posted(broker(leader), '/topics/killed', 'json', { records: [{ value: 'again' }] }));
    expect(await ask(one, '/topics/killed/partitions/0/offsets')).toMatchObject({ body: { end_offset: 6 } });
  });
});

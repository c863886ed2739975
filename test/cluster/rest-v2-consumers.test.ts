/**
 * Consumer instances of the REST Proxy on three brokers: the curl lines of Confluent's documentation, and their lives
 * beside other members of their groups.
 */
import { describe, expect, it } from 'vitest';
import { createTopic, kafkaClient } from '../support/admin.ts';
import type { BrokerProcess } from '../support/broker-process.ts';
import { groupRows } from '../support/consumer-groups-tool.ts';
import { eventually } from '../support/eventually.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { httpRequest } from '../support/http-request.ts';
import { rangeAssigner } from '../support/kafkajs-range.ts';
import { RestConsumer, type RestRecord, V2, v2TypeOf } from '../support/rest-consumer.ts';
import { useCluster } from '../support/use-cluster.ts';

const USER = JSON.stringify({ type: 'record', name: 'User', fields: [{ name: 'name', type: 'string' }] });
const FORMATS = {
  json: { records: [{ key: 1, value: { foo: 'bar' } }], extra: {} },
  binary: { records: [{ key: 'a2V5', value: 'S2Fma2E=' }], extra: {} },
  avro: { records: [{ key: null, value: { name: 'testUser' } }], extra: { value_schema: USER } },
} as const;

async function produce(broker: BrokerProcess, topic: string, format: string, body: object): Promise<void> {
  const response = await fetch(`${httpAddress(broker)}/topics/${topic}`, {
    method: 'POST',
    headers: { 'content-type': v2TypeOf(format), accept: V2 },
    body: JSON.stringify(body),
  });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
}

describe('consumer instances of three brokers', () => {
  const cluster = useCluster({
    overrides: { ...WITH_HTTP, 'offsets.topic.replication.factor': '3', 'offsets.topic.num.partitions': '3' },
  });
  const broker = (id: number) => cluster().broker(id);
  const produceTo = (topic: string, partition: number, values: readonly unknown[]) =>
    produce(broker(1), topic, 'json', { records: values.map((value) => ({ value, partition })) });
  const create = (id: number, group: string, settings: Readonly<Record<string, string>> = {}) =>
    RestConsumer.create(httpAddress(broker(id)), group, {
      format: 'json',
      'auto.offset.reset': 'earliest',
      'fetch.min.bytes': '0',
      ...settings,
    });
  const read = async (instance: RestConsumer, count: number): Promise<RestRecord[]> => {
    const found: RestRecord[] = [];
    await eventually(async () => {
      found.push(...(await instance.records()));
      return found.length >= count;
    });
    return found;
  };
  const offsets = (records: readonly RestRecord[]) => records.map(({ offset }) => offset);

  it.each(['json', 'binary', 'avro'] as const)('the lines of the documentation for %s', async (format) => {
    const topic = `${format}test`;
    const { records, extra } = FORMATS[format];
    await createTopic(cluster(), topic);
    await produce(broker(1), topic, format, { records, ...extra });
    const base = httpAddress(broker(2));
    const created = await httpRequest('POST', `${base}/consumers/my_${format}_consumer`, V2, {
      name: 'my_consumer_instance',
      format,
      'auto.offset.reset': 'earliest',
    });
    const uri = `${base}/consumers/my_${format}_consumer/instances/my_consumer_instance`;
    expect(created).toEqual({
      status: 200,
      type: V2,
      body: { instance_id: 'my_consumer_instance', base_uri: uri },
    });
    expect(await httpRequest('POST', `${uri}/subscription`, V2, { topics: [topic] })).toMatchObject({ status: 204 });
    const instance = new RestConsumer(uri, format);
    const [record] = await read(instance, 1);
    expect(record).toEqual({ topic, ...records[0], partition: 0, offset: 0 });
    expect(await instance.ask('POST', '/offsets')).toEqual({ status: 200, type: V2, body: [] });
    expect(await instance.committed({ topic, partition: 0 })).toEqual([
      { topic, partition: 0, offset: 1, metadata: '' },
    ]);
    expect(await instance.ask('DELETE', '')).toMatchObject({ status: 204, body: null });
    expect(await instance.ask('GET', '/records', undefined, v2TypeOf(format))).toMatchObject({
      status: 404,
      body: { error_code: 40403, message: 'Consumer instance not found.' },
    });
  });

  it('two instances and a member of kafkajs share the partitions of a topic', async () => {
    const [topic, group] = ['shared', 'sharing'];
    await createTopic(cluster(), topic, { partitions: 6 });
    const first = await create(1, group);
    const second = await create(2, group);
    await first.subscribe(topic);
    await eventually(async () => (await first.assignment()).length === 6);
    await second.subscribe(topic);
    await eventually(async () => (await first.assignment()).length === 3 && (await second.assignment()).length === 3);
    const seen: number[] = [];
    const third = kafkaClient(cluster()).consumer({ groupId: group, partitionAssigners: [rangeAssigner] });
    await third.connect();
    try {
      await third.subscribe({ topic, fromBeginning: true });
      await third.run({ eachMessage: async ({ partition }) => void seen.push(partition) });
      await eventually(async () => (await first.assignment()).length === 2 && (await second.assignment()).length === 2);
      for (let partition = 0; partition < 6; partition++) await produceTo(topic, partition, [partition]);
      const [ofFirst, ofSecond] = await Promise.all([read(first, 2), read(second, 2)]);
      await eventually(() => seen.length === 2);
      const partitions = [...ofFirst, ...ofSecond].map(({ partition }) => partition);
      expect([...partitions, ...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    } finally {
      await third.disconnect();
    }
    await first.delete();
    await eventually(async () => (await second.assignment()).length === 6);
    await second.delete();
  });

  it('what was returned is committed when an instance is deleted, and the next goes on there', async () => {
    const [topic, group] = ['continued', 'continuing'];
    await createTopic(cluster(), topic);
    await produceTo(topic, 0, ['a', 'b', 'c']);
    const first = await create(1, group, { 'fetch.min.bytes': '-1' });
    await first.subscribe(topic);
    await eventually(async () => (await first.assignment()).length === 1);
    expect(offsets(await read(first, 1))).toEqual([0, 1, 2]);
    await produceTo(topic, 0, ['d', 'e']);
    const [one] = await first.records('?max_bytes=1');
    expect(one?.offset).toBe(3);
    await first.delete();
    expect(
      await groupRows('barnabas', cluster().bootstrap, ['--describe', '--group', group, '--offsets']),
    ).toMatchObject([{ TOPIC: topic, PARTITION: '0', 'CURRENT-OFFSET': '4', 'LOG-END-OFFSET': '5', LAG: '1' }]);
    const second = await create(3, group);
    await second.subscribe(topic);
    expect(offsets(await read(second, 1))).toEqual([4]);
    await second.delete();
  });

  it('what a read returns because the group changes can be committed, and nobody else gets it', async () => {
    const [topic, group] = ['handed', 'handing'];
    const settings = {
      'auto.commit.enable': 'false',
      'fetch.min.bytes': '-1',
      'consumer.request.timeout.ms': '30000',
    };
    await createTopic(cluster(), topic, { partitions: 2 });
    for (const partition of [0, 1]) await produceTo(topic, partition, ['a', 'b']);
    const first = await create(1, group, settings);
    await first.subscribe(topic);
    await eventually(async () => (await first.assignment()).length === 2);
    const reading = first.records();
    const second = await create(2, group, settings);
    await second.subscribe(topic);
    expect(offsets(await reading).sort()).toEqual([0, 0, 1, 1]);
    await first.commit();
    await eventually(async () => (await second.assignment()).length === 1);
    const again = await Promise.all([first, second].map((instance) => instance.records('?timeout=1000')));
    expect(again).toEqual([[], []]);
    await first.delete();
    await second.delete();
  });

  it('goes where it is told: offsets, beginning, end and timestamps', async () => {
    const topic = 'sought';
    await createTopic(cluster(), topic);
    await produceTo(topic, 0, ['a', 'b']);
    const between = Date.now() + 1;
    await eventually(() => Date.now() > between);
    await produceTo(topic, 0, ['c']);
    const partition = { topic, partition: 0 };
    const instance = await create(1, 'seeking');
    expect(await instance.ask('POST', '/positions/end', { partitions: [partition] })).toMatchObject({
      status: 409,
      body: { error_code: 40903, message: 'Illegal state: No current assignment for partition sought-0' },
    });
    await instance.assign(partition);
    await instance.seek({ ...partition, offset: 1 });
    expect(offsets(await read(instance, 2))).toEqual([1, 2]);
    await instance.seekTo('beginning', partition);
    expect(offsets(await read(instance, 3))).toEqual([0, 1, 2]);
    const timestamp = new Date(between).toISOString();
    expect(await instance.ask('POST', '/positions', { timestamps: [{ ...partition, timestamp }] })).toMatchObject({
      status: 204,
    });
    expect(offsets(await read(instance, 1))).toEqual([2]);
    await instance.seekTo('beginning');
    await instance.seekTo('end');
    expect(await instance.records()).toEqual([]);
    await produceTo(topic, 0, ['d']);
    expect(offsets(await read(instance, 1))).toEqual([3]);
    await instance.commit([{ ...partition, offset: 0, metadata: 'noted' }]);
    expect(await instance.committed(partition, { topic, partition: 7 })).toEqual([
      { ...partition, offset: 1, metadata: 'noted' },
    ]);
    await instance.delete();
  });

  it('leaves its group when its broker is stopped, and what was returned is committed', async () => {
    const [topic, group] = ['farewell', 'parting'];
    await createTopic(cluster(), topic);
    await produceTo(topic, 0, ['a', 'b']);
    const instance = await create(3, group);
    await instance.subscribe(topic);
    await read(instance, 2);
    await broker(3).stop();
    const [row] = await groupRows('barnabas', cluster().bootstrap, ['--describe', '--group', group, '--state']);
    expect(row).toMatchObject({ STATE: 'Empty', '#MEMBERS': '0' });
    await broker(3).start();
    const next = await create(3, group, { 'consumer.request.timeout.ms': '200' });
    await next.subscribe(topic);
    expect(await next.committed({ topic, partition: 0 })).toMatchObject([{ offset: 2 }]);
    await next.delete();
  });

  it('lives on when the coordinator of its group dies', async () => {
    const [topic, group] = ['outliving', 'outlived'];
    await createTopic(cluster(), topic, { partitions: 2 });
    await produceTo(topic, 0, ['a']);
    const probe = await create(1, group);
    await probe.subscribe(topic);
    await read(probe, 1);
    await probe.delete();
    const state = await groupRows('barnabas', cluster().bootstrap, ['--describe', '--group', group, '--state']);
    const coordinatorId = Number(/\((\d)\)/.exec(state[0]?.['COORDINATOR (ID)'] ?? '')?.[1]);
    const [home] = cluster().brokers.filter(({ id }) => id !== coordinatorId);
    const instance = await create(home?.id ?? 0, group);
    await instance.subscribe(topic);
    await eventually(async () => (await instance.assignment()).length === 2);
    await broker(coordinatorId).kill('SIGKILL');
    const answers = await eventually(async () => {
      await produce(home ?? broker(1), topic, 'json', { records: [{ value: 'b', partition: 0 }] });
      return instance.records();
    });
    expect(answers).toBeDefined();
    await eventually(async () => {
      await instance.commit();
      return true;
    });
    await instance.delete();
    await broker(coordinatorId).start();
  });
});

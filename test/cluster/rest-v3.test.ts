/**
 * The API v3 of three brokers: what it tells of the cluster, of configurations and of groups is what Kafka's own tools
 * tell. The life of a topic is in scripts/http/rest-v3.txt.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createTopic } from '../support/admin.ts';
import type { BrokerProcess } from '../support/broker-process.ts';
import { ConsoleMember } from '../support/console-member.ts';
import { consumerGroups, groupRows } from '../support/consumer-groups-tool.ts';
import { eventually } from '../support/eventually.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { scriptLines } from '../support/scripts.ts';
import { commitOffsets } from '../support/simple-commit.ts';
import { useCluster } from '../support/use-cluster.ts';
import { whenControlled } from '../support/wire-client.ts';

type Json = Readonly<Record<string, unknown>>;

const cluster = useCluster({
  overrides: {
    ...WITH_HTTP,
    'offsets.topic.num.partitions': '4',
    'group.coordinator.rebalance.protocols': 'classic,consumer',
    'group.consumer.heartbeat.interval.ms': '200',
    'group.consumer.min.heartbeat.interval.ms': '100',
  },
});

async function ask(url: string, method = 'GET', body?: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

async function get(url: string): Promise<Json> {
  const { status, body } = await ask(url);
  expect(status, `${url}: ${JSON.stringify(body)}`).toBe(200);
  return body as Json;
}

async function clusterId(): Promise<string> {
  const { data } = (await get(`${httpAddress(cluster().broker(1))}/v3/clusters`)) as { data: { cluster_id: string }[] };
  return data[0]?.cluster_id ?? '';
}

/** Of the cluster, as that broker serves it. */
async function baseOf(broker: BrokerProcess = cluster().broker(1)): Promise<string> {
  return `${httpAddress(broker)}/v3/clusters/${await clusterId()}`;
}

const dataOf = async (url: string): Promise<readonly Json[]> => (await get(url))['data'] as Json[];

describe('the cluster', () => {
  it('is the same whichever broker is asked, and leads to all it has', async () => {
    const controller = await whenControlled(cluster());
    for (const broker of cluster().brokers) {
      const base = await baseOf(broker);
      const found = await get(base);
      expect(found).toMatchObject({
        kind: 'KafkaCluster',
        metadata: { self: base, resource_name: `crn:///kafka=${await clusterId()}` },
        controller: { related: `${base}/brokers/${controller}` },
      });
      const links = Object.values(found).filter((value): value is { related: string } => Object(value)['related']);
      expect(links).toHaveLength(7);
      for (const { related } of links)
        expect((await ask(related)).status, related).toBe(related.endsWith('/acls') ? 400 : 200);
    }
  });

  it('has brokers', async () => {
    const base = await baseOf(cluster().broker(2));
    expect(await dataOf(`${base}/brokers`)).toEqual(
      cluster().brokers.map(({ id, port }) => ({
        kind: 'KafkaBroker',
        metadata: {
          self: `${base}/brokers/${id}`,
          resource_name: `crn:///kafka=${base.split('/').at(-1)}/broker=${id}`,
        },
        cluster_id: base.split('/').at(-1),
        broker_id: id,
        host: expect.stringMatching(/^(localhost|127\.0\.0\.1)$/),
        port,
        rack: null,
        configs: { related: `${base}/brokers/${id}/configs` },
        partition_replicas: { related: `${base}/brokers/${id}/partition-replicas` },
      })),
    );
    expect(await ask(`${base}/brokers/9`)).toMatchObject({ status: 404 });
  });

  it('whose replicas are listed', async () => {
    await createTopic(cluster(), 'placed', {
      assignment: [
        [1, 2],
        [3, 1],
        [2, 3],
      ],
    });
    const base = await baseOf(cluster().broker(3));
    const replicas = (await dataOf(`${base}/brokers/2/partition-replicas`)).filter(
      ({ topic_name }) => topic_name === 'placed',
    );
    expect(replicas.map(({ partition_id, is_leader, is_in_sync }) => [partition_id, is_leader, is_in_sync])).toEqual([
      [0, false, true],
      [2, true, true],
    ]);
  });
});

describe('configurations', () => {
  it('of a topic are those that kafka-topics shows', async () => {
    const configs = { 'cleanup.policy': 'compact', 'max.message.bytes': '2000' };
    await createTopic(cluster(), 'configured', { configs });
    const base = await baseOf();
    const entries = await dataOf(`${base}/topics/configured/configs`);
    const own = entries.filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG');
    expect(Object.fromEntries(own.map(({ name, value }) => [name, value]))).toEqual(configs);
    expect(entries.map(({ name }) => name)).toEqual(entries.map(({ name }) => name).toSorted());
    const all = await dataOf(`${base}/topics/-/configs`);
    expect(all.filter(({ topic_name }) => topic_name === 'configured').map(({ name }) => name)).toEqual(
      entries.map(({ name }) => name),
    );
  });

  it('several topics change at once, each for itself', async () => {
    for (const topic of ['several-1', 'several-2']) await createTopic(cluster(), topic);
    const base = await baseOf(cluster().broker(3));
    const of = (topic_name: string, value: string) => ({ topic_name, configs: [{ name: 'retention.ms', value }] });
    const data = [of('several-1', '1000'), of('several-2', 'soon')];
    expect(await ask(`${base}/topics/-/configs:alter`, 'POST', { data })).toMatchObject({
      status: 207,
      body: { failures: [{ topic_name: 'several-2', error_code: 40002 }] },
    });
    expect(await get(`${base}/topics/several-1/configs/retention.ms`)).toMatchObject({ value: '1000' });
    expect(await get(`${base}/topics/several-2/configs/retention.ms`)).toMatchObject({ is_default: true });
    const valid = { data: [of('several-2', '5')], validate_only: true };
    expect(await ask(`${base}/topics/-/configs:alter`, 'POST', valid)).toMatchObject({ status: 204 });
    expect(await get(`${base}/topics/several-2/configs/retention.ms`)).toMatchObject({ is_default: true });
  });

  it('of each broker are asked of that broker', async () => {
    const base = await baseOf();
    for (const { id } of cluster().brokers)
      expect(await get(`${base}/brokers/${id}/configs/broker.id`)).toMatchObject({
        kind: 'KafkaBrokerConfig',
        value: String(id),
        is_read_only: true,
        broker_id: id,
      });
    const all = await dataOf(`${base}/brokers/-/configs`);
    const ids = all.filter(({ name }) => name === 'broker.id').map(({ broker_id, value }) => [broker_id, value]);
    expect(ids).toEqual(cluster().brokers.map(({ id }) => [id, String(id)]));
    expect(await ask(`${base}/brokers/1/configs/broker.id`, 'PUT', { value: '7' })).toMatchObject({
      status: 400,
      body: { error_code: 40002 },
    });
  });

  it('of all brokers are changed in one place, and each broker may have its own', async () => {
    const base = await baseOf(cluster().broker(3));
    const name = 'log.retention.ms';
    const set = (owner: string, value: string) => ask(`${base}${owner}/${name}`, 'PUT', { value });
    const told = (id: number) => get(`${base}/brokers/${id}/configs/${name}`);
    expect(await set('/broker-configs', '3600000')).toEqual({ status: 204, body: null });
    const shared = {
      kind: 'KafkaClusterConfig',
      name,
      value: '3600000',
      source: 'DYNAMIC_DEFAULT_BROKER_CONFIG',
      config_type: 'BROKER',
    };
    // Brokers hear of it: as in Kafka, that takes a moment.
    await eventually(async () => expect(await dataOf(`${base}/broker-configs`)).toMatchObject([shared]));
    expect(await set('/brokers/2/configs', '7200000')).toEqual({ status: 204, body: null });
    const both = { 1: '3600000', 2: '7200000' };
    await eventually(async () => {
      for (const [id, value] of Object.entries(both))
        expect(await told(Number(id))).toMatchObject({ value, is_default: false });
    });
    expect(await told(2)).toMatchObject({
      source: 'DYNAMIC_BROKER_CONFIG',
      synonyms: [
        { name, value: '7200000', source: 'DYNAMIC_BROKER_CONFIG' },
        { name, value: '3600000', source: 'DYNAMIC_DEFAULT_BROKER_CONFIG' },
        { source: 'DEFAULT_CONFIG' },
      ],
    });
    const remove = { data: [{ name, operation: 'DELETE' }] };
    expect(await ask(`${base}/brokers/2/configs:alter`, 'POST', remove)).toMatchObject({ status: 204 });
    expect(await ask(`${base}/broker-configs/${name}`, 'DELETE')).toMatchObject({ status: 204 });
    await eventually(async () => expect(await dataOf(`${base}/broker-configs`)).toEqual([]));
    expect(await ask(`${base}/broker-configs/${name}`, 'DELETE')).toMatchObject({ status: 404 });
    expect(await ask(`${base}/broker-configs/no.such`, 'PUT', { value: '1' })).toMatchObject({ status: 400 });
  });
});

describe('groups', () => {
  const GROUP_PROTOCOLS = {
    CLASSIC: ['--consumer-property', 'heartbeat.interval.ms=200'],
    CONSUMER: ['--consumer-property', 'group.protocol=consumer'],
  };

  async function produce(topic: string, count: number): Promise<void> {
    const lines = Array.from({ length: count }, (_, index) => `k${index}:${index}\n`).join('');
    const properties = ['--property', 'parse.key=true', '--property', 'key.separator=:'];
    const at = ['--bootstrap-server', cluster().bootstrap, '--topic', topic];
    await scriptLines('kafka-console-producer.sh', [...at, ...properties], { input: lines });
  }

  it.each(Object.entries(GROUP_PROTOCOLS))(
    'of the %s protocol are what kafka-consumer-groups says',
    async (type, args) => {
      const [topic, group] = [`read-${type}`, `readers ${type}`];
      await createTopic(cluster(), topic, { partitions: 3 });
      await produce(topic, 30);
      const instance = ['--consumer-property', `group.instance.id=one-of-${type}`];
      const member = new ConsoleMember(cluster().bootstrap, group, ['--topic', topic, ...args, ...instance]);
      onTestFinished(async () => {
        await member.stop('SIGKILL');
      });
      await eventually(() => expect(member.lines).toHaveLength(30));
      const base = `${await baseOf(cluster().broker(2))}/consumer-groups/${encodeURIComponent(group)}`;
      const rows = await eventually(async () => {
        const found = await groupRows('barnabas', cluster().bootstrap, ['--describe', '--group', group]);
        expect(found.map((row) => row['LAG'])).toEqual(['0', '0', '0']);
        return found;
      });

      expect(await get(base)).toMatchObject({
        kind: 'KafkaConsumerGroup',
        metadata: { self: base },
        consumer_group_id: group,
        state: 'STABLE',
        type,
        is_simple: false,
        is_mixed_consumer_group: false,
      });
      const [consumer, ...others] = await dataOf(`${base}/consumers`);
      expect(others).toEqual([]);
      const id = String(consumer?.['consumer_id']);
      expect(consumer).toMatchObject({ client_id: rows[0]?.['CLIENT-ID'], instance_id: `one-of-${type}` });
      expect(rows[0]?.['CONSUMER-ID']).toBe(id);
      const assignments = await dataOf(`${base}/consumers/${id}/assignments`);
      expect(assignments.map(({ topic_name, partition_id }) => [topic_name, partition_id])).toEqual(
        [0, 1, 2].map((partition) => [topic, partition]),
      );
      const lags = await dataOf(`${base}/lags`);
      expect(lags.map(cellsOf).toSorted()).toEqual(rows.map(rowCells).toSorted());
      for (const { lag } of assignments)
        expect(await get((lag as { related: string }).related)).toMatchObject({ lag: 0, consumer_id: id });
      const listed = (await dataOf(`${await baseOf()}/consumer-groups`)).map(
        ({ consumer_group_id }) => consumer_group_id,
      );
      expect(listed).toContain(group);
    },
  );

  const cellsOf = (lag: Json): string =>
    ['topic_name', 'partition_id', 'current_offset', 'log_end_offset', 'lag', 'consumer_id']
      .map((name) => String(lag[name]))
      .join(' ');
  const rowCells = (row: Readonly<Record<string, string>>): string =>
    ['TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG', 'CONSUMER-ID']
      .map((name) => (row[name] === '-' ? '' : row[name]))
      .join(' ');

  it('that nobody is a member of are behind all the same', async () => {
    await createTopic(cluster(), 'left', { partitions: 2 });
    await produce('left', 40);
    await commitOffsets(cluster(), 'gone', [
      { topic: 'left', partition: 0, offset: 1 },
      { topic: 'left', partition: 1, offset: 2 },
    ]);
    const base = `${await baseOf(cluster().broker(3))}/consumer-groups/gone`;
    expect(await get(base)).toMatchObject({ state: 'EMPTY', is_simple: true, partition_assignor: '' });
    const lags = await dataOf(`${base}/lags`);
    const numbers = lags.map(({ lag }) => Number(lag));
    expect(numbers.reduce((sum, lag) => sum + lag, 0)).toBe(40 - 3);
    expect(await get(`${base}/lag-summary`)).toMatchObject({
      max_lag: Math.max(...numbers),
      total_lag: 37,
      max_lag_consumer_id: '',
      max_lag_instance_id: null,
      max_lag_topic_name: 'left',
    });
    const { rows } = await consumerGroups('barnabas', cluster().bootstrap, ['--describe', '--group', 'gone']);
    expect(lags.map(cellsOf).toSorted()).toEqual(rows.map(rowCells).toSorted());
  });

  it('that do not exist are not found', async () => {
    const base = `${await baseOf()}/consumer-groups/nobody`;
    expect(await ask(base)).toEqual({ status: 404, body: { error_code: 404, message: 'HTTP 404 Not Found' } });
    expect(await ask(`${base}/lags`)).toEqual({
      status: 404,
      body: { error_code: 404, message: 'Consumer Group nobody could not be found.' },
    });
    expect(await ask(`${base}/consumers`)).toEqual({
      status: 404,
      body: { error_code: 404, message: 'Consumer Group nobody does not exist.' },
    });
  });
});

describe('many topics', () => {
  it('created one by one through all brokers at once, all are there', async () => {
    const bases = await Promise.all(cluster().brokers.map((broker) => baseOf(broker)));
    const names = Array.from({ length: 30 }, (_, index) => `many-${index}`);
    const statuses = await Promise.all(
      names.map(async (topic_name, index) => {
        const base = bases[index % bases.length] ?? '';
        const created = await ask(`${base}/topics`, 'POST', { topic_name, partitions_count: 3, replication_factor: 2 });
        const elsewhere = bases[(index + 1) % bases.length] ?? '';
        expect(await get(`${elsewhere}/topics/${topic_name}`)).toMatchObject({
          partitions_count: 3,
          replication_factor: 2,
        });
        return created.status;
      }),
    );
    expect(new Set(statuses)).toEqual(new Set([201]));
    const deleted = await Promise.all(
      names.map((name, index) => ask(`${bases[index % bases.length]}/topics/${name}`, 'DELETE')),
    );
    expect(new Set(deleted.map(({ status }) => status))).toEqual(new Set([204]));
    for (const base of bases)
      expect((await dataOf(`${base}/topics`)).filter(({ topic_name }) => /^many-/.test(String(topic_name)))).toEqual(
        [],
      );
  });
});

describe('a broker that dies', () => {
  it('is missing, and what it alone had has no leader, until it is back', async () => {
    await createTopic(cluster(), 'alone', { assignment: [[3], [1]] });
    const base = await baseOf(cluster().broker(1));
    const leaders = async () =>
      (await dataOf(`${base}/topics/alone/partitions`)).map(({ leader }) => (leader === null ? null : 'somebody'));
    expect(await leaders()).toEqual(['somebody', 'somebody']);
    await cluster().broker(3).kill('SIGKILL');
    await eventually(async () => expect(await leaders()).toEqual([null, 'somebody']));
    expect((await dataOf(`${base}/brokers`)).map(({ broker_id }) => broker_id)).toEqual([1, 2]);
    expect(await ask(`${base}/brokers/3/configs`)).toMatchObject({ status: 404 });
    expect(await get(`${base}/topics/alone/partitions/0/replicas/3`)).toMatchObject({ is_leader: false });
    const created = await ask(`${base}/topics`, 'POST', { topic_name: 'without', replication_factor: 2 });
    expect(created).toMatchObject({ status: 201 });
    expect((await ask(`${base}/consumer-groups`)).status).toBe(200);
    await cluster().broker(3).start();
    await eventually(async () => expect(await leaders()).toEqual(['somebody', 'somebody']));
  });
});

/** What /metrics tells of three real brokers, against what was done to them. */
import { beforeAll, describe, expect, test } from 'vitest';
import { createTopic, kafkaClient } from '../support/admin.ts';
import { eventually } from '../support/eventually.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { COMMON_NAMES, CONFLUENT_NAMES, EXPORTER_NAMES, JMX_NAMES } from '../support/metric-names.ts';
import { numberAt, type Scraped, scrape } from '../support/scrape.ts';
import { useCluster, withCluster } from '../support/use-cluster.ts';

const RECORDS = 1000;
const VALUE = 'x'.repeat(100);

describe('the metrics of a cluster', () => {
  const cluster = useCluster({
    overrides: { ...WITH_HTTP, 'offsets.topic.num.partitions': '3', 'offsets.topic.replication.factor': '3' },
  });
  const scrapeAll = (path = '/metrics'): Promise<Scraped[]> =>
    Promise.all(cluster().brokers.map((broker) => scrape(httpAddress(broker) + path)));
  const sum = (scraped: readonly Scraped[], name: string, labels = ''): number =>
    scraped.reduce((total, one) => total + numberAt(one, name, labels), 0);

  beforeAll(async () => {
    await createTopic(cluster(), 'measured', { partitions: 6, replicationFactor: 3 });
    const kafka = kafkaClient(cluster());
    const producer = kafka.producer();
    await producer.connect();
    const messages = Array.from({ length: RECORDS }, (_, index) => ({ partition: index % 6, value: VALUE }));
    await producer.send({ topic: 'measured', messages });
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: 'readers' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'measured', fromBeginning: true });
    let read = 0;
    await consumer.run({ eachMessage: async () => void read++ });
    await eventually(() => read === RECORDS);
    await consumer.disconnect();
  });

  test('every name that dashboards ask a broker for is there, in both dialects', async () => {
    for (const { series } of await scrapeAll()) {
      const missing = [...COMMON_NAMES, ...JMX_NAMES, ...CONFLUENT_NAMES].filter((name) => !series.has(name));
      expect(missing).toEqual([]);
    }
  });

  test('records and bytes are counted once, by topic and in all', async () => {
    const scraped = await scrapeAll();
    const prefix = 'kafka_server_brokertopicmetrics_';
    expect(sum(scraped, `${prefix}messagesin_total`, '{topic="measured"}')).toBe(RECORDS);
    expect(sum(scraped, `${prefix}messagesinpersec`, '{topic="measured"}')).toBe(RECORDS);
    expect(sum(scraped, `${prefix}messagesin_total`)).toBeGreaterThan(RECORDS); // The offsets of the group, too.
    const bytesIn = sum(scraped, `${prefix}bytesin_total`, '{topic="measured"}');
    expect(bytesIn).toBeGreaterThan(RECORDS * VALUE.length);
    expect(sum(scraped, `${prefix}bytesout_total`, '{topic="measured"}')).toBe(bytesIn);
    await eventually(async () => {
      const again = await scrapeAll();
      expect(sum(again, `${prefix}replicationbytesin_total`)).toBe(2 * sum(again, `${prefix}bytesin_total`));
      expect(sum(again, `${prefix}replicationbytesout_total`)).toBe(2 * sum(again, `${prefix}bytesin_total`));
    });
  });

  test('one broker is the controller, and it alone counts what is one for all', async () => {
    const scraped = await scrapeAll();
    expect(sum(scraped, 'kafka_controller_kafkacontroller_activecontrollercount')).toBe(1);
    expect(sum(scraped, 'kafka_controller_kafkacontroller_globaltopiccount')).toBe(2);
    expect(sum(scraped, 'kafka_controller_kafkacontroller_activebrokercount')).toBe(3);
    expect(sum(scraped, 'kafka_controller_kafkacontroller_offlinepartitionscount')).toBe(0);
    expect(sum(scraped, 'kafka_server_replicamanager_leadercount')).toBe(6 + 3);
    expect(sum(scraped, 'kafka_server_replicamanager_partitioncount')).toBe((6 + 3) * 3);
    expect(sum(scraped, 'kafka_server_kafkaserver_brokerstate')).toBe(3 * 3);
  });

  test('requests are counted by API and version, their times have quantiles that add up', async () => {
    const [first] = await scrapeAll();
    if (first === undefined) throw new Error('no broker was scraped');
    const prefix = 'kafka_network_requestmetrics_';
    for (const request of ['Produce', 'FetchFollower', 'FetchConsumer', 'Metadata']) {
      const { series } = first;
      const labels = [...(series.get(`${prefix}requests_total`)?.keys() ?? [])];
      expect(labels.some((each) => each.startsWith(`{request="${request}",version=`))).toBe(true);
      const quantile = (name: string, share: string): number =>
        numberAt(first, prefix + name, `{request="${request}",quantile="${share}"}`);
      expect(quantile('totaltimems', '0.99')).toBeGreaterThanOrEqual(quantile('totaltimems', '0.50'));
      expect(quantile('requestbytes', '0.50')).toBeGreaterThan(10);
      expect(quantile('responsebytes', '0.50')).toBeGreaterThan(10);
    }
    expect(numberAt(first, `${prefix}errors_total`, '{request="Produce",error="NONE"}')).toBeGreaterThan(0);
    // A follower waits for news most of the time.
    const waiting = numberAt(first, `${prefix}remotetimems`, '{request="FetchFollower",quantile="0.50"}');
    expect(waiting).toBeGreaterThan(10);
    expect(numberAt(first, `${prefix}localtimems`, '{request="FetchFollower",quantile="0.50"}')).toBeLessThan(waiting);
  });

  test('any broker tells the same of the whole cluster, lag included', async () => {
    const scraped = await scrapeAll('/metrics/exporter');
    for (const one of scraped) {
      expect(EXPORTER_NAMES.filter((name) => !one.series.has(name))).toEqual([]);
      expect(numberAt(one, 'kafka_brokers')).toBe(3);
      expect(numberAt(one, 'kafka_topic_partitions', '{topic="measured"}')).toBe(6);
      expect(
        numberAt(one, 'kafka_consumergroup_current_offset_sum', '{consumergroup="readers",topic="measured"}'),
      ).toBe(RECORDS);
      expect(numberAt(one, 'kafka_consumergroup_lag_sum', '{consumergroup="readers",topic="measured"}')).toBe(0);
      expect(numberAt(one, 'kafka_consumergroup_members', '{consumergroup="readers"}')).toBe(0);
    }
    const offsets = scraped.map(({ series }) =>
      [...(series.get('kafka_topic_partition_current_offset') ?? [])].toSorted(),
    );
    expect(offsets[1]).toEqual(offsets[0]);
    expect(offsets[2]).toEqual(offsets[0]);
  });
});

test('a broker that is away shows in the numbers of the others', () =>
  withCluster({ overrides: WITH_HTTP }, async (cluster) => {
    await createTopic(cluster, 'watched', {
      partitions: 3,
      replicationFactor: 3,
      configs: { 'min.insync.replicas': '3' },
    });
    await cluster.broker(3).kill();
    await eventually(async () => {
      const scraped = await Promise.all([1, 2].map((id) => scrape(`${httpAddress(cluster.broker(id))}/metrics`)));
      const total = (name: string): number => scraped.reduce((sum, one) => sum + numberAt(one, name), 0);
      expect(total('kafka_server_replicamanager_leadercount')).toBe(3);
      expect(total('kafka_server_replicamanager_underreplicatedpartitions')).toBe(3);
      expect(total('kafka_server_replicamanager_underminisrpartitioncount')).toBe(3);
      expect(total('kafka_controller_kafkacontroller_activebrokercount')).toBe(2);
      expect(total('kafka_controller_kafkacontroller_preferredreplicaimbalancecount')).toBe(1);
    });
    const one = await scrape(`${httpAddress(cluster.broker(1))}/metrics/exporter`);
    expect(numberAt(one, 'kafka_brokers')).toBe(2);
    expect(numberAt(one, 'kafka_topic_partition_under_replicated_partition', '{topic="watched",partition="0"}')).toBe(
      1,
    );

    await cluster.broker(3).start();
    await eventually(async () => {
      const scraped = await Promise.all([1, 2].map((id) => scrape(`${httpAddress(cluster.broker(id))}/metrics`)));
      const expands = scraped.map((each) => numberAt(each, 'kafka_server_replicamanager_isrexpands_total'));
      expect(Math.max(...expands)).toBeGreaterThan(0);
    });
  }));

test('the dialect that nobody reads can be left out', () =>
  withCluster({ brokers: 1, overrides: { ...WITH_HTTP, 'metrics.dialects': 'jmx' } }, async (cluster) => {
    const { series } = await scrape(`${httpAddress(cluster.broker(1))}/metrics`);
    expect(JMX_NAMES.filter((name) => !series.has(name))).toEqual([]);
    expect(CONFLUENT_NAMES.filter((name) => series.has(name))).toEqual([]);
  }));

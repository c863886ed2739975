/** A real Prometheus with our configuration scrapes a real cluster: every panel and every rule has what it asks for. */
import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTopic, kafkaClient } from '../support/admin.ts';
import { runOk } from '../support/child-process.ts';
import { eventually } from '../support/eventually.ts';
import { WITH_HTTP } from '../support/http-address.ts';
import { PROMETHEUS_CONFIG, Prometheus } from '../support/prometheus.ts';
import { useCluster } from '../support/use-cluster.ts';

const DASHBOARDS = path.resolve(import.meta.dirname, '../../config/grafana/dashboards');

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: { query: string } }[] };
}

const dashboards = readdirSync(DASHBOARDS).map(
  (file) => JSON.parse(readFileSync(path.join(DASHBOARDS, file), 'utf8')) as Dashboard,
);
const panels = dashboards.flatMap(({ uid, panels: of }) =>
  of.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ name: `${uid}: ${title}`, expr: asAsked(expr) }))),
);
const variables = dashboards.flatMap(({ uid, templating }) =>
  templating.list.map(({ name, query }) => ({ name: `${uid}: ${name}`, query: query.query })),
);
const recorded = expressionsOf('recording.yml', 'record');
const alerts = expressionsOf('alerts.yml', 'alert');

/** As Grafana fills it in when all is chosen. */
function asAsked(expr: string): string {
  return expr.replaceAll('$__rate_interval', '15s').replaceAll(/\$(topic|group|instance)/g, '.+');
}

function expressionsOf(file: string, kind: 'record' | 'alert'): { name: string; expr: string }[] {
  const text = readFileSync(path.join(PROMETHEUS_CONFIG, 'rules', file), 'utf8');
  const rules = new RegExp(`- ${kind}: (\\S+)\\n\\s+expr: (.+)\\n`, 'g');
  return [...text.matchAll(rules)].map(([, name = '', expr = '']) => ({ name, expr }));
}

test('promtool finds nothing wrong with the configuration and its rules', async () => {
  const { stdout } = await runOk('promtool', ['check', 'config', path.join(PROMETHEUS_CONFIG, 'prometheus.yml')]);
  expect(stdout).toContain(`${alerts.length} rules found`);
  expect(stdout).toContain(`${recorded.length} rules found`);
});

describe('Prometheus and a cluster', () => {
  const cluster = useCluster({ overrides: { ...WITH_HTTP, 'offsets.topic.num.partitions': '3' } });
  let prometheus: Prometheus;
  let stopTraffic: () => Promise<void>;

  beforeAll(async () => {
    await createTopic(cluster(), 'watched', { partitions: 3, replicationFactor: 3 });
    stopTraffic = await startTraffic();
    prometheus = await Prometheus.start(cluster());
  });
  afterAll(async () => {
    await stopTraffic();
    await prometheus.close();
  });

  /** Somebody writes and a group reads, all the time. */
  async function startTraffic(): Promise<() => Promise<void>> {
    const kafka = kafkaClient(cluster());
    const consumer = kafka.consumer({ groupId: 'watchers' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'watched', fromBeginning: true });
    await consumer.run({ eachMessage: async () => undefined, autoCommitInterval: 200 });
    const producer = kafka.producer();
    await producer.connect();
    let isOver = false;
    const write = async (): Promise<void> => {
      while (!isOver) {
        await producer.send({ topic: 'watched', messages: [{ value: 'a' }, { value: 'b' }, { value: 'c' }] });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const writing = write();
    return async () => {
      isOver = true;
      await writing;
      await producer.disconnect();
      await consumer.disconnect();
    };
  }

  const whenAnswered = (expr: string): Promise<unknown> =>
    eventually(async () => expect(await prometheus.query(expr)).not.toEqual([]), { what: `${expr} has data` });

  test('all brokers are scraped, and one of them for the whole cluster', async () => {
    await eventually(async () => {
      expect(await prometheus.query('up{job="kafka"} == 1')).toHaveLength(3);
      expect(await prometheus.query('up{job="kafka-exporter"} == 1')).toHaveLength(1);
    });
  });

  test('every panel of every dashboard has data', async () => {
    expect(panels.length).toBeGreaterThan(60);
    for (const { expr } of panels) await whenAnswered(expr);
  });

  test('every variable of a dashboard has something to choose', async () => {
    for (const { query } of variables) {
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
      const found = await prometheus.query(`count by (${label}) (${metric})`);
      expect(found.map((labels) => labels[label]).filter(Boolean), query).not.toEqual([]);
    }
  });

  test('every recording rule has data', async () => {
    for (const { name } of recorded) await whenAnswered(name);
  });

  test('every alert is understood and asks for metrics that are there', async () => {
    for (const { name, expr } of alerts) {
      await prometheus.query(expr);
      for (const [metric] of expr.matchAll(/\b(kafka|process|up)[a-z_]*\b(?=[{[)\s])/g))
        expect(await prometheus.query(metric), `${name} asks for ${metric}`).not.toEqual([]);
    }
  });

  test('lag is told once, not by every broker', async () => {
    const [lag, ...others] = await prometheus.query('sum by (consumergroup) (kafka_consumergroup_lag)');
    expect(lag).toEqual({ consumergroup: 'watchers' });
    expect(others).toEqual([]);
    expect(await prometheus.query('count(kafka_consumergroup_lag{topic="watched"}) == 3')).toHaveLength(1);
  });

  test('a broker that dies raises alerts', async () => {
    await cluster().broker(3).kill();
    await whenAnswered('ALERTS{alertname="BrokerDown"}');
    await whenAnswered('ALERTS{alertname="UnderReplicatedPartitions"}');
    await cluster().broker(3).start();
    await eventually(async () =>
      expect(await prometheus.query('ALERTS{alertname="UnderReplicatedPartitions"}')).toEqual([]),
    );
  });
});

/** The files of config/prometheus and config/grafana fit each other, the cluster of npm start and the containers. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { DEFAULT_PLAN, plannedBrokers } from '../../../src/cli/local-cluster.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const textOf = (file: string): string => readFileSync(resolve(ROOT, file), 'utf8');

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly templating: { readonly list: readonly { readonly name: string }[] };
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly datasource: { readonly uid: string };
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const dashboards = readdirSync(resolve(ROOT, 'config/grafana/dashboards')).map((file) => ({
  file,
  dashboard: JSON.parse(textOf(`config/grafana/dashboards/${file}`)) as Dashboard,
}));

function targetsIn(file: string): string[] {
  return [...textOf(file).matchAll(/targets: \[(.+)\]/g)].map(([, target = '']) => target);
}

test('Prometheus scrapes the brokers of npm start, and one of them for the whole cluster', () => {
  const ports = plannedBrokers(DEFAULT_PLAN).map(({ httpPort }) => `localhost:${httpPort}`);
  expect(targetsIn('config/prometheus/targets/brokers.yml')).toEqual(ports);
  expect(textOf('config/prometheus/targets/brokers.yml').match(/exporter: "yes"/g)).toHaveLength(1);
});

test('in the containers it scrapes the same brokers by their names', () => {
  const ports = plannedBrokers(DEFAULT_PLAN).map(({ id, httpPort }) => `kafka${id}:${httpPort}`);
  expect(targetsIn('config/prometheus/targets/containers.yml')).toEqual(ports);
  const compose = textOf('docker-compose.yml');
  for (const [, source = ''] of compose.matchAll(/- \.\/(config\/[\w./-]+):/g))
    expect(existsSync(resolve(ROOT, source)), source).toBe(true);
  expect(compose.match(/profiles: \["monitoring"\]/g)).toHaveLength(2);
});

test.each(dashboards)(
  '$file is a dashboard whose panels do not overlap and use the source that is provisioned',
  ({ file, dashboard }) => {
    const { uid, panels, templating } = dashboard;
    expect(`${uid}.json`).toBe(file);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const source = /uid: (\w+)/.exec(textOf('config/grafana/provisioning/datasources/prometheus.yml'))?.[1];
    const taken = new Set<string>();
    for (const { title, datasource, gridPos, targets } of panels) {
      expect(datasource.uid, title).toBe(source);
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x}-${y}`), title).toBe(false);
          taken.add(`${x}-${y}`);
        }
      const names = ['__rate_interval', ...templating.list.map(({ name }) => name)];
      for (const { expr } of targets)
        for (const [, name] of expr.matchAll(/\$(\w+)/g)) expect(names, `${title}: ${expr}`).toContain(name);
    }
  },
);

test('per-topic sums leave the totals out, which have no topic', () => {
  const sums = dashboards.flatMap(({ dashboard }) =>
    dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  );
  const ofTopics = sums.filter((expr) => /brokertopicmetrics_(messagesin|bytesin|bytesout)/.test(expr));
  expect(ofTopics.length).toBeGreaterThan(4);
  for (const expr of ofTopics) expect(expr).toMatch(/topic(!=""|=~)/);
});

/** What a scrape of /metrics costs a broker with many partitions, and whoever waits for its event loop meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createTopic } from '../test/support/admin.ts';
import { startCluster } from '../test/support/cluster.ts';
import { httpAddress, WITH_HTTP } from '../test/support/http-address.ts';
import { median } from './at-rest.ts';
import { cpuSeconds, memoryMb } from './process-stat.ts';
import { RUNTIME } from './runtime.ts';

type Row = Record<string, string | number>;

const TOPICS = 100;
const SCRAPES = 10;
const PAUSE_MS = 200;
/** Kernels count the CPU in hundredths of a second: one scrape is too short for that. */
const PRECISION = 10;

/** @param scale of 10,000 partitions */
export async function measureScrape(scale: number): Promise<Row[]> {
  const perTopic = Math.max(1, Math.round(100 * scale));
  const cluster = await startCluster({ brokers: 1, overrides: WITH_HTTP, runtime: RUNTIME });
  const broker = cluster.broker(1);
  const address = httpAddress(broker);
  try {
    for (let topic = 0; topic < TOPICS; topic++)
      await createTopic(cluster, `scraped-${topic}`, { partitions: perTopic, replicationFactor: 1 });
    await sleep(2000);
    for (let warmUp = 0; warmUp < 3; warmUp++) await scrapeOnce(`${address}/metrics`);
    const before = { cpu: cpuSeconds(broker.pid), rss: memoryMb(broker.pid).rss };
    const tookMs: number[] = [];
    let bytes = 0;
    let longestLagMs = 0;
    for (let scrape = 0; scrape < SCRAPES; scrape++) {
      const startedAt = performance.now();
      const text = await scrapeOnce(`${address}/metrics`);
      tookMs.push(performance.now() - startedAt);
      bytes = text.length;
      // Node measures it itself, from one scrape to the next.
      const lagSeconds = Number(/^nodejs_eventloop_lag_max_seconds (.*)$/m.exec(text)?.[1]);
      longestLagMs = Math.max(longestLagMs, lagSeconds * 1000);
      await sleep(PAUSE_MS);
    }
    const cpuMs = ((cpuSeconds(broker.pid) - before.cpu) * 1000) / SCRAPES;
    const exporterMs = performance.now();
    const exported = await scrapeOnce(`${address}/metrics/exporter`);
    return [
      {
        scrape: '/metrics',
        partitions: TOPICS * perTopic,
        'median ms': median(tookMs),
        'CPU ms': Math.round(cpuMs / PRECISION) * PRECISION,
        MB: (bytes / 1e6).toFixed(1),
        'longest wait of others ms': Math.round(longestLagMs),
        'RSS growth MB': memoryMb(broker.pid).rss - before.rss,
      },
      {
        scrape: '/metrics/exporter',
        partitions: TOPICS * perTopic,
        'median ms': Math.round(performance.now() - exporterMs),
        MB: (exported.length / 1e6).toFixed(1),
      },
    ];
  } finally {
    await cluster.close();
  }
}

async function scrapeOnce(url: string): Promise<string> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

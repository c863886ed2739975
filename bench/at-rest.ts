/** What a broker costs before it does anything: time to start, memory at rest and with many partitions. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createTopic } from '../test/support/admin.ts';
import { RUNTIME } from './runtime.ts';
import { startCluster } from '../test/support/cluster.ts';
import type { Implementation } from '../test/support/implementation.ts';
import { memoryMb } from './process-stat.ts';

type Row = Record<string, string | number>;

/** From the spawn of the process to its ready line, six times: an empty broker, then after kill -9. */
export async function measureStart(implementation: Implementation): Promise<Row[]> {
  const cluster = await startCluster({ brokers: 1, implementation, runtime: RUNTIME });
  const broker = cluster.broker(1);
  const clean: number[] = [];
  const killed: number[] = [];
  try {
    for (let run = 0; run < 6; run++) {
      await broker.stop();
      await broker.start();
      clean.push(broker.startupMs);
    }
    for (let run = 0; run < 3; run++) {
      await broker.kill();
      await sleep(4000); // Past the session of 3 s, so that the wait for its end is not what is measured.
      await broker.start();
      killed.push(broker.startupMs);
    }
  } finally {
    await cluster.close();
  }
  return [
    {
      implementation,
      start: 'after a clean stop',
      'median ms': median(clean),
      'best ms': Math.round(Math.min(...clean)),
    },
    { implementation, start: 'after kill -9', 'median ms': median(killed), 'best ms': Math.round(Math.min(...killed)) },
  ];
}

export async function measureRest(implementation: Implementation): Promise<Row[]> {
  const cluster = await startCluster({ brokers: 3, implementation, runtime: RUNTIME });
  try {
    await sleep(5000); // What starting has left behind is given back by then.
    return cluster.brokers.map((broker) => {
      const { rss, pss } = memoryMb(broker.pid);
      return { implementation, broker: broker.id, 'RSS MB': rss, 'PSS MB': pss };
    });
  } finally {
    await cluster.close();
  }
}

const PARTITIONS = 1000;

export async function measureMemoryOfPartitions(implementation: Implementation): Promise<Row[]> {
  const cluster = await startCluster({ brokers: 1, implementation, runtime: RUNTIME });
  const broker = cluster.broker(1);
  try {
    const startedAt = performance.now();
    for (let topic = 0; topic < 10; topic++)
      await createTopic(cluster, `many-${topic}`, { partitions: PARTITIONS / 10, replicationFactor: 1 });
    const createdMs = Math.round(performance.now() - startedAt);
    await sleep(5000);
    const { rss, pss } = memoryMb(broker.pid);
    await broker.restart();
    return [
      {
        implementation,
        partitions: PARTITIONS,
        'created in ms': createdMs,
        'RSS MB': rss,
        'PSS MB': pss,
        'restart to ready ms': Math.round(broker.startupMs),
      },
    ];
  } finally {
    await cluster.close();
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN);
}

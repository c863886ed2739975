/**
 * Throughput: real producers and consumers against one broker or three, with the brokers' CPU time per million records.
 */
import { existsSync } from 'node:fs';
import { createTopic } from '../test/support/admin.ts';
import { RUNTIME } from './runtime.ts';
import { startCluster, type TestCluster } from '../test/support/cluster.ts';
import type { Implementation } from '../test/support/implementation.ts';
import { median } from './at-rest.ts';
import { type Client, newClient } from './clients.ts';
import { cpuSeconds, memoryMb } from './process-stat.ts';

export interface Load {
  readonly acks: '1' | 'all';
  readonly recordBytes: number;
  readonly records: number;
}

type Row = Record<string, string | number>;

interface Setup {
  readonly implementation: Implementation;
  readonly brokers: number;
  readonly loads: readonly Load[];
  readonly repeat: number;
}

const PARTITIONS = 3;

export async function measureLoad({ implementation, brokers, loads, repeat }: Setup): Promise<Row[]> {
  const cluster = await startCluster({ brokers, implementation, runtime: RUNTIME });
  const rows: Row[] = [];
  try {
    const client = await newClient();
    await warmUp(cluster, client, brokers);
    for (const load of loads) {
      const name = `${load.recordBytes} B acks ${load.acks}`;
      const topics = Array.from({ length: repeat }, (_, run) => `load-${load.recordBytes}-${run}`);
      const written: Sample[] = [];
      const read: Sample[] = [];
      for (const topic of topics) {
        await createTopic(cluster, topic, { partitions: PARTITIONS, replicationFactor: brokers });
        written.push(await sample(cluster, load, () => client.produce(cluster, topic, load)));
        read.push(await sample(cluster, load, () => client.consume(cluster, topic, PARTITIONS, load.records)));
      }
      rows.push(rowOf(`produce ${name}`, client.producerName, load, written));
      rows.push(rowOf(`fetch ${name}`, client.consumerName, load, read));
    }
    const resident = Math.max(...cluster.brokers.map(({ pid }) => memoryMb(pid).rss));
    rows.push({ load: `RSS of the largest broker afterwards: ${resident} MB` });
  } finally {
    await cluster.close();
  }
  return rows;
}

interface Sample {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** A first load that counts for nothing: compilers on both sides have something to learn. */
async function warmUp(cluster: TestCluster, client: Client, replicationFactor: number): Promise<void> {
  await createTopic(cluster, 'warm-up', { partitions: PARTITIONS, replicationFactor });
  const load: Load = { acks: 'all', recordBytes: 100, records: 200_000 };
  await client.produce(cluster, 'warm-up', load);
  await client.consume(cluster, 'warm-up', PARTITIONS, load.records);
}

async function sample(cluster: TestCluster, load: Load, work: () => Promise<number>): Promise<Sample> {
  const before = brokerCpuSeconds(cluster);
  const seconds = await work();
  return { seconds, cpuSeconds: ((brokerCpuSeconds(cluster) - before) / load.records) * 1e6 };
}

function brokerCpuSeconds(cluster: TestCluster): number {
  return cluster.brokers.reduce((sum, { pid }) => sum + (existsSync(`/proc/${pid}`) ? cpuSeconds(pid) : 0), 0);
}

function rowOf(load: string, client: string, { records, recordBytes }: Load, samples: readonly Sample[]): Row {
  const rates = samples.map(({ seconds }) => records / seconds);
  const middle = median(rates);
  return {
    load,
    client,
    'records/s median': middle,
    'records/s best': Math.round(Math.max(...rates)),
    'MB/s median': Math.round((middle * recordBytes) / 1e6),
    'broker CPU s per million': (median(samples.map((one) => one.cpuSeconds * 1000)) / 1000).toFixed(2),
  };
}

/** Where a broker's time goes while it is written to and read from: V8's sampling profile, by self time. */
import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { createTopic } from '../test/support/admin.ts';
import { startCluster, type TestCluster } from '../test/support/cluster.ts';
import { newClient } from './clients.ts';
import type { Load } from './load.ts';

type Row = Record<string, string | number>;

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const TOP = 20;

export async function measureProfile(scale: number): Promise<{ produce: Row[]; fetch: Row[] }> {
  const load: Load = { acks: '1', recordBytes: 100, records: Math.round(2_000_000 * scale) };
  const client = await newClient();
  const cluster = await startCluster({ brokers: 1, runtime: { node: ['--cpu-prof'] } });
  try {
    await createTopic(cluster, 'profiled', { partitions: 3 });
    await client.produce(cluster, 'profiled', load);
    const produce = await takeProfile(cluster);
    await cluster.broker(1).start();
    await client.consume(cluster, 'profiled', 3, load.records);
    return { produce, fetch: await takeProfile(cluster) };
  } finally {
    await cluster.close();
  }
}

/** Stops the broker, which writes its profile, and reads the newest. */
async function takeProfile(cluster: TestCluster): Promise<Row[]> {
  await cluster.broker(1).stop();
  const directory = path.join(cluster.directory, 'broker-1');
  const [newest] = readdirSync(directory)
    .filter((name) => name.endsWith('.cpuprofile'))
    .sort()
    .toReversed();
  if (newest === undefined) throw new Error(`no profile in ${directory}`);
  return topOf(JSON.parse(readFileSync(path.join(directory, newest), 'utf8')) as CpuProfile);
}

function topOf({ nodes, samples, timeDeltas }: CpuProfile): Row[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const micros = new Map<string, number>();
  for (const [index, node] of samples.entries()) {
    const name = names.get(node) ?? '?';
    micros.set(name, (micros.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const idle = ['(idle)', '(program)'];
  const busy = [...micros].filter(([name]) => name !== '(idle)');
  const total = busy.reduce((sum, [, time]) => sum + time, 0);
  return busy
    .toSorted(([, left], [, right]) => right - left)
    .slice(0, TOP)
    .map(([name, time]) => ({
      function: idle.includes(name) ? `${name} native code and system calls` : name,
      'self ms': Math.round(time / 1000),
      'of busy time': `${((100 * time) / total).toFixed(1)} %`,
    }));
}

function nameOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const file = url.replace(/^.*\/(src|node_modules)\//, (_match, root: string) => (root === 'src' ? '' : '~/'));
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${file}:${lineNumber + 1}`;
}

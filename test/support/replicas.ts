/** What lies on the disks of the replicas of a partition: once all have caught up it must be the same bytes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';

/** The record batches of a partition on one broker, all segments one after the other. */
export function logBytes(cluster: TestCluster, brokerId: number, topic: string, partition: number): Buffer {
  const directory = path.join(cluster.broker(brokerId).logDirectory, `${topic}-${partition}`);
  return Buffer.concat(segmentsOf(directory).map((file) => readFileSync(path.join(directory, file))));
}

/** Names of the .log files, oldest first. */
export function segmentsOf(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((file) => file.endsWith('.log'))
    .sort();
}

/** Waits until all replicas hold the same bytes; the writers must have stopped. */
export async function whenIdentical(
  cluster: TestCluster,
  topic: string,
  partition: number,
  replicas: readonly number[] = [1, 2, 3],
): Promise<void> {
  await eventually(
    () => {
      const [first = Buffer.alloc(0), ...others] = replicas.map((id) => logBytes(cluster, id, topic, partition));
      const sizes = [first, ...others].map(({ length }) => length).join(' ');
      for (const other of others)
        if (!other.equals(first)) throw new Error(`sizes ${sizes}, first difference at ${difference(first, other)}`);
    },
    { what: `the replicas of ${topic}-${partition} are identical`, timeoutMs: 30_000 },
  );
}

function difference(left: Buffer, right: Buffer): number {
  const shared = Math.min(left.length, right.length);
  for (let position = 0; position < shared; position++) if (left[position] !== right[position]) return position;
  return shared;
}

/**
 * The files of a log, read by the tools of the other make: Apache Kafka's kafka-dump-log over what Barnabas wrote, ours
 * over what Apache Kafka wrote. Both must find nothing wrong and print the same.
 */
import { readdirSync } from 'node:fs';
import * as path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import type { TestCluster } from '../support/cluster.ts';
import { dumpWithBoth } from '../support/dump-log.ts';
import { useCluster } from '../support/use-cluster.ts';
import type { Implementation } from '../support/implementation.ts';
import { kcat } from '../support/kcat.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const TOPICS = [...CODECS.map((codec) => `files-${codec}`), 'files-append-time'];
/** Small on purpose: many segments, many index entries. */
const CONFIGS = { 'segment.bytes': '20000', 'index.interval.bytes': '400', 'segment.index.bytes': '1000' };
/** What kafka-dump-log says when something is wrong. */
const COMPLAINTS =
  /isvalid: false|mismatch|non-?consecutive|out of order|sanity check failed|exception|corrupt|error|invalid|warn/i;

/** Writes topics of every kind and stops the brokers, so that everything is on disk. */
async function writeEverything(cluster: TestCluster): Promise<void> {
  for (const codec of CODECS) {
    const topic = `files-${codec}`;
    await createTopic(cluster, topic, { configs: CONFIGS });
    const lines = Array.from(
      { length: 600 },
      (_, index) => `key ${index % 7}|value ${index} ${'.'.repeat(index % 90)}`,
    );
    const settings = [
      '-K',
      '|',
      '-z',
      codec,
      '-H',
      'h=1',
      '-X',
      'batch.num.messages=20',
      '-X',
      'enable.idempotence=true',
    ];
    await kcat(cluster.bootstrap, ['-P', '-t', topic, '-p', '0', ...settings], { input: `${lines.join('\n')}\n` });
  }
  await createTopic(cluster, 'files-append-time', {
    configs: { ...CONFIGS, 'message.timestamp.type': 'LogAppendTime' },
  });
  const input = `${Array.from({ length: 300 }, (_, index) => `stamped by the broker ${index}`).join('\n')}\n`;
  await kcat(cluster.bootstrap, ['-P', '-t', 'files-append-time', '-X', 'batch.num.messages=10'], { input });
  for (const broker of cluster.brokers) await broker.stop();
}

function filesOf(cluster: TestCluster, brokerId: number, topic: string, extension: string): string[] {
  const directory = path.join(cluster.broker(brokerId).logDirectory, `${topic}-0`);
  return readdirSync(directory)
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => path.join(directory, name));
}

describe.each(['barnabas', 'apache-kafka'] as Implementation[])('the files of %s', (implementation) => {
  const cluster = useCluster({ brokers: 2, implementation });
  beforeAll(() => writeEverything(cluster()));

  function allOf(brokerId: number, ...extensions: string[]): string[] {
    return TOPICS.flatMap((topic) => extensions.flatMap((extension) => filesOf(cluster(), brokerId, topic, extension)));
  }

  it.each([1, 2])('are in order and read alike by both tools, on broker %i', async (id) => {
    for (const extension of ['.log', '.index', '.timeindex', '.snapshot'])
      expect(allOf(id, extension).length).toBeGreaterThan(TOPICS.length);
    const logs = await dumpWithBoth(allOf(id, '.log'), '--deep-iteration', '--print-data-log');
    expect(logs).not.toMatch(COMPLAINTS);
    expect(logs.match(/\| offset: /g)).toHaveLength(CODECS.length * 600 + 300);
    expect(await dumpWithBoth(allOf(id, '.index', '.timeindex', '.snapshot'))).not.toMatch(COMPLAINTS);
    const indexes = allOf(id, '.index', '.timeindex');
    expect(await dumpWithBoth(indexes, '--verify-index-only')).not.toMatch(COMPLAINTS);
    expect(await dumpWithBoth(indexes, '--index-sanity-check')).not.toMatch(COMPLAINTS);
  });
});

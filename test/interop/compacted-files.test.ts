/**
 * Compacted logs, read by the tools of the other make: Apache Kafka's kafka-dump-log over what our cleaner left, ours
 * over what Kafka's left. Both find nothing wrong, print the same, and the same records are left by both cleaners.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import type { TestCluster } from '../support/cluster.ts';
import { dumpWithBoth } from '../support/dump-log.ts';
import { eventually } from '../support/eventually.ts';
import type { Implementation } from '../support/implementation.ts';
import { kcat } from '../support/kcat.ts';
import { useCluster } from '../support/use-cluster.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const RECORDS = 3000;
const KEYS = 20;
const CONFIGS = {
  'cleanup.policy': 'compact',
  'segment.bytes': '20000',
  'index.interval.bytes': '400',
  'min.cleanable.dirty.ratio': '0.01',
};
const COMPLAINTS =
  /isvalid: false|mismatch|non-?consecutive|out of order|sanity check failed|exception|corrupt|error|invalid|warn/i;

async function writeEverything(cluster: TestCluster): Promise<void> {
  for (const codec of CODECS) {
    const topic = `compacted-${codec}`;
    await createTopic(cluster, topic, { configs: CONFIGS });
    // Every seventh record deletes its key. Values that no codec makes small, so that there are several segments.
    const lines = Array.from({ length: RECORDS }, (_, index) => {
      const noise = Array.from({ length: 12 }, (_each, at) => ((index * 7919 + at * 104_729) % 65_521).toString(36));
      return `key ${index % KEYS}|${index % 7 === 0 ? '' : `value ${index} ${noise.join('')}`}`;
    });
    const settings = ['-K', '|', '-Z', '-z', codec, '-H', 'h=1', '-X', 'batch.num.messages=20'];
    const idempotence = ['-X', 'enable.idempotence=true'];
    await kcat(cluster.bootstrap, ['-P', '-t', topic, '-p', '0', ...settings, ...idempotence], {
      input: `${lines.join('\n')}\n`,
    });
  }
  for (const codec of CODECS)
    await eventually(() => cleanedOffset(cluster, `compacted-${codec}`) > RECORDS / 2, {
      what: `the compaction of compacted-${codec}`,
    });
  for (const broker of cluster.brokers) await broker.stop();
}

function cleanedOffset(cluster: TestCluster, topic: string): number {
  const file = path.join(cluster.broker(1).logDirectory, 'cleaner-offset-checkpoint');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return Number(new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

function filesOf(
  cluster: TestCluster,
  extension: string,
  topics = CODECS.map((codec) => `compacted-${codec}`),
): string[] {
  return topics.flatMap((topic) => {
    const directory = path.join(cluster.broker(1).logDirectory, `${topic}-0`);
    const names = readdirSync(directory).filter((name) => name.endsWith(extension));
    return names.sort().map((name) => path.join(directory, name));
  });
}

describe.each(['barnabas', 'apache-kafka'] as Implementation[])('the compacted files of %s', (implementation) => {
  const cluster = useCluster({
    brokers: 1,
    implementation,
    overrides: { 'log.cleaner.backoff.ms': '500', 'log.cleaner.dedupe.buffer.size': '4194304' },
  });
  beforeAll(() => writeEverything(cluster()));

  it('are in order and read alike by both tools', async () => {
    expect(await dumpWithBoth(filesOf(cluster(), '.log'), '--deep-iteration', '--print-data-log')).not.toMatch(
      COMPLAINTS,
    );
    expect(await dumpWithBoth(filesOf(cluster(), 'index'))).not.toMatch(COMPLAINTS);
    expect(await dumpWithBoth(filesOf(cluster(), '.snapshot'))).not.toMatch(COMPLAINTS);
    expect(await dumpWithBoth(filesOf(cluster(), 'index'), '--verify-index-only')).not.toMatch(COMPLAINTS);
    expect(await dumpWithBoth(filesOf(cluster(), 'index'), '--index-sanity-check')).not.toMatch(COMPLAINTS);
  });

  it.each(CODECS)('hold the last record of each key below what is clean, and all above: %s', async (codec) => {
    const topic = `compacted-${codec}`;
    const printed = await dumpWithBoth(filesOf(cluster(), '.log', [topic]), '--deep-iteration', '--print-data-log');
    const records = [...printed.matchAll(/^\| offset: (\d+) .*? key: key (\d+)( payload: value (\d+))?/gm)];
    const clean = cleanedOffset(cluster(), topic);
    const offsets = records.map(([, offset]) => Number(offset));
    const expected = Array.from({ length: RECORDS }, (_, index) => index).filter(
      (index) => index >= clean || index + KEYS >= clean,
    );
    expect(offsets).toEqual(expected);
    for (const [line, offset, key, , value] of records) {
      expect(Number(key)).toBe(Number(offset) % KEYS);
      expect(value ?? null, line).toBe(Number(offset) % 7 === 0 ? null : offset);
    }
  });
});

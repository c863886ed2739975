/**
 * Apache Kafka 3.9's own kafka-configs against a cluster of three, and ours beside it: the same arguments, the same
 * lines, the same exit codes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import { createTopic } from '../support/admin.ts';
import type { TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kafkaTool, kafkaToolLines } from '../support/java-tools.ts';
import { script } from '../support/scripts.ts';
import { useCluster, withCluster } from '../support/use-cluster.ts';

const cluster = useCluster();
const all = (args: readonly string[]): string[] => ['--bootstrap-server', cluster().bootstrap, ...args];
const java = (...args: string[]): Promise<string[]> => kafkaToolLines('configs', all(args));

/** Runs both and compares; returns what ours printed. Of failures only the lines that are no stack trace count. */
async function both(...args: string[]): Promise<string[]> {
  const [theirs, ours] = [await kafkaTool('configs', all(args)), await script('kafka-configs.sh', all(args))];
  expect(ours.stdout).toBe(theirs.stdout);
  expect(ours.exitCode).toBe(theirs.exitCode);
  if (ours.exitCode === 0) return ours.stdout.split('\n').slice(0, -1);
  const withoutTrace = (text: string): string[] =>
    text
      .split('\n')
      .filter((line) => line !== '' && !/^\s+at |^Caused by|^\s*\.\.\. |WARN|--help/.test(line))
      .map((line) => line.replace('java.util.concurrent.ExecutionException: ', ''));
  expect(withoutTrace(ours.stderr)).toEqual(withoutTrace(theirs.stderr));
  return withoutTrace(ours.stderr);
}

it('changes and describes topics', async () => {
  await createTopic(cluster(), 'java-configs', { configs: { 'retention.ms': '1000000' } });
  const topic = ['--entity-type', 'topics', '--entity-name', 'java-configs'];
  const added = 'segment.bytes=2000000,cleanup.policy=[compact,delete],retention.ms=5000000';
  expect(await java('--alter', ...topic, '--add-config', added)).toEqual([
    'Completed updating config for topic java-configs.',
  ]);
  expect(await both('--describe', ...topic)).toEqual([
    'Dynamic configs for topic java-configs are:',
    '  cleanup.policy=compact,delete sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete, ' +
      'DEFAULT_CONFIG:log.cleanup.policy=delete}',
    expect.stringContaining(
      '  retention.ms=5000000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=5000000',
    ),
    expect.stringContaining('  segment.bytes=2000000 sensitive=false'),
  ]);
  expect((await both('--describe', '--all', '--topic', 'java-configs')).length).toBeGreaterThan(30);
  expect(await both('--alter', '--topic', 'java-configs', '--add-config', 'min.insync.replicas=2')).toEqual([
    'Completed updating config for topic java-configs.',
  ]);
  await java('--alter', ...topic, '--delete-config', 'min.insync.replicas,segment.bytes');
  expect((await both('--describe', ...topic)).length).toBe(3);
});

it('changes and describes brokers', async () => {
  expect(await java('--alter', '--broker', '2', '--add-config', 'log.retention.ms=7000000')).toEqual([
    'Completed updating config for broker 2.',
  ]);
  const common = ['--entity-type', 'brokers', '--entity-default'];
  expect(await java('--alter', ...common, '--add-config', 'message.max.bytes=900000,num.io.threads=4')).toEqual([
    'Completed updating default config for brokers in the cluster.',
  ]);
  // Theirs reads all and writes all, ours only what is named.
  expect(await both('--alter', '--broker', '2', '--add-config', 'log.segment.bytes=3000000')).toHaveLength(1);
  expect(await both('--describe', ...common)).toHaveLength(3);
  expect(await both('--describe', '--broker', '2')).toEqual([
    'Dynamic configs for broker 2 are:',
    expect.stringContaining(
      '  log.retention.ms=7000000 sensitive=false synonyms={DYNAMIC_BROKER_CONFIG:log.retention.ms',
    ),
    expect.stringContaining('  log.segment.bytes=3000000 sensitive=false'),
  ]);
  expect((await both('--describe', '--entity-type', 'brokers')).length).toBeGreaterThan(6);
  await java('--alter', '--broker', '2', '--delete-config', 'log.retention.ms,log.segment.bytes');
  await java('--alter', ...common, '--delete-config', 'message.max.bytes,num.io.threads');
  expect(await both('--describe', '--entity-type', 'brokers')).toHaveLength(4);
});

it('takes settings from a file', async () => {
  await createTopic(cluster(), 'java-file');
  const directory = mkdtempSync(path.join(tmpdir(), 'barnabas-configs-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'topic.properties');
  writeFileSync(file, 'cleanup.policy=compact,delete\n# a comment\nretention.ms = 60000\n');
  await both('--alter', '--topic', 'java-file', '--add-config-file', file);
  expect(await both('--describe', '--topic', 'java-file')).toHaveLength(3);
});

it('is refused in the same words', async () => {
  await createTopic(cluster(), 'java-refused');
  const topic = ['--alter', '--topic', 'java-refused'];
  await both(...topic, '--add-config', 'segment.bytes=many');
  await both(...topic, '--add-config', 'no.such.key=1');
  await both(...topic, '--delete-config', 'segment.bytes,retention.ms');
  await both(...topic, '--add-config', 'segment.bytes');
  await both(...topic, '--add-config', 'a b=1');
  await both(...topic);
  await both('--alter', '--topic', 'java-nowhere', '--add-config', 'segment.bytes=1000000');
  await both('--describe', '--topic', 'java-nowhere');
  await both('--alter', '--broker', '1', '--add-config', 'zookeeper.connect=x:1');
  await both('--alter', '--broker', '1', '--add-config', 'log.retention.ms=0');
  await both('--alter', '--broker', '1', '--add-config', 'num.replica.fetchers=9');
  await both('--alter', '--broker', '1', '--add-config', 'background.threads=0');
  await both('--alter', '--broker', 'one', '--add-config', 'log.retention.ms=1');
  await both('--alter', '--entity-type', 'brokers', '--add-config', 'log.retention.ms=1');
  await both('--describe', '--entity-type', 'nonsense');
  await both('--describe');
  await both('--describe', '--entity-type', 'topics', '--topic', 'java-refused');
  await both('--describe', '--entity-name', 'other', '--topic', 'java-refused');
  await both('--describe', '--broker', '1', '--topic', 'java-refused');
});

it('what a broker of either make stores counts for those of the other', async () => {
  // What Apache Kafka needs to believe that all brokers speak its newest inter-broker protocol.
  // It makes the map of its cleaner anew with each change, and its notifications end when the heap cannot hold two.
  const overrides = { 'inter.broker.protocol.version': '3.9', 'log.cleaner.dedupe.buffer.size': '2097152' };
  await withCluster({ overrides }, async (mixed) => {
    const apache = mixed.broker(3);
    await apache.stop();
    apache.turnInto('apache-kafka');
    await apache.start();
    await createTopic(mixed, 'mixed', { assignment: [[1], [3]] });
    const changedAt = (broker: number, ...args: string[]): Promise<string[]> =>
      kafkaToolLines('configs', ['--bootstrap-server', mixed.broker(broker).address, '--alter', ...args]);
    const written = (partition: number, sizeBytes: number): Promise<string> => tryProduce(mixed, partition, sizeBytes);
    // By ours, for a leader of theirs; and the other way round.
    await changedAt(1, '--topic', 'mixed', '--add-config', 'max.message.bytes=1000');
    for (const partition of [0, 1])
      await eventually(async () => (await written(partition, 5000)) === 'MESSAGE_TOO_LARGE');
    await changedAt(3, '--topic', 'mixed', '--delete-config', 'max.message.bytes');
    for (const partition of [0, 1]) await eventually(async () => (await written(partition, 5000)) === 'written');
    const common = ['--entity-type', 'brokers', '--entity-default'];
    await changedAt(1, ...common, '--add-config', 'message.max.bytes=2000');
    for (const partition of [0, 1])
      await eventually(async () => (await written(partition, 5000)) === 'MESSAGE_TOO_LARGE');
    await changedAt(3, ...common, '--add-config', 'message.max.bytes=9000');
    for (const partition of [0, 1]) await eventually(async () => (await written(partition, 5000)) === 'written');
  });
});

async function tryProduce(of: TestCluster, partition: number, sizeBytes: number): Promise<string> {
  const kafka = new Kafka({ brokers: of.addresses, logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  try {
    await producer.send({ topic: 'mixed', messages: [{ partition, value: Buffer.alloc(sizeBytes) }] });
    return 'written';
  } catch (error) {
    return (error as { type?: string }).type ?? String(error);
  } finally {
    await producer.disconnect();
  }
}

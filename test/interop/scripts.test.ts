/** Our scripts and Apache Kafka's tools, given the same arguments on the same cluster, print the same. */
import { describe, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { useCluster } from '../support/use-cluster.ts';
import { type KafkaTool, kafkaTool } from '../support/java-tools.ts';
import { script } from '../support/scripts.ts';
import { whenFullyReplicated } from '../support/wire-client.ts';

const cluster = useCluster();

/** Runs both and compares exit code and standard output; returns what they said. */
async function both(name: string, tool: KafkaTool, args: readonly string[], input = ''): Promise<string> {
  const all = ['--bootstrap-server', cluster().bootstrap, ...args];
  const theirs = await kafkaTool(tool, all, { input });
  const ours = await script(name, all, { input });
  // The order of topics and of their configurations is that of a hash map there.
  const sorted = (text: string, separator: string): string => text.split(separator).toSorted().join(separator);
  const inOrder = (text: string): string =>
    args[0] === '--describe'
      ? sorted(text, '\n').replace(/Configs: (.*)/g, (_all, configs: string) => `Configs: ${sorted(configs, ',')}`)
      : text;
  expect(inOrder(ours.stdout)).toBe(inOrder(theirs.stdout));
  expect(ours.exitCode).toBe(theirs.exitCode);
  return ours.stdout;
}

describe('our scripts print what Apache Kafka prints', () => {
  it('kafka-topics.sh --list and --describe', async () => {
    await createTopic(cluster(), 'like-one', {
      assignment: [
        [3, 1],
        [2, 3],
        [1, 2],
      ],
      configs: { 'retention.ms': '1000000' },
    });
    await createTopic(cluster(), 'like.two', {
      partitions: 1,
      configs: { 'cleanup.policy': 'compact', 'segment.bytes': '2000000' },
    });
    expect(await both('kafka-topics.sh', 'topics', ['--list'])).toContain('like-one\nlike.two\n');
    expect(await both('kafka-topics.sh', 'topics', ['--describe', '--topic', 'like-one'])).toContain(
      'PartitionCount: 3',
    );
    await both('kafka-topics.sh', 'topics', ['--describe', '--topic', 'like.two']);
    await both('kafka-topics.sh', 'topics', ['--describe', '--topics-with-overrides']);
    await both('kafka-topics.sh', 'topics', ['--describe', '--under-replicated-partitions']);
  });

  it('kafka-topics.sh when it fails, on the first line', async () => {
    const first = async (args: readonly string[]): Promise<[string, string]> => {
      const all = ['--bootstrap-server', cluster().bootstrap, ...args];
      const [ours, theirs] = await Promise.all([script('kafka-topics.sh', all), kafkaTool('topics', all)]);
      expect(ours.exitCode).toBe(theirs.exitCode);
      return [ours.stdout.split('\n')[0] ?? '', theirs.stdout.split('\n')[0] ?? ''];
    };
    for (const args of [
      ['--create', '--topic', 'like-one'],
      ['--create', '--topic', 'like-wide', '--replication-factor', '9'],
      ['--alter', '--topic', 'like-one', '--partitions', '2'],
      ['--create', '--topic', 'not allowed'],
    ]) {
      const [ours, theirs] = await first(args);
      expect(ours).toBe(theirs);
    }
  });

  it('kafka-get-offsets.sh, kafka-console-consumer.sh and kafka-console-producer.sh', async () => {
    await createTopic(cluster(), 'like-data', { partitions: 1 });
    const producer = ['--topic', 'like-data', '--property', 'parse.key=true', '--property', 'key.separator=:'];
    const input = 'a:one\nb:two\nc:three\n';
    await both('kafka-console-producer.sh', 'consoleProducer', producer, input); // Six records in all.
    expect(await both('kafka-get-offsets.sh', 'getOffsets', ['--topic', 'like-data'])).toBe('like-data:0:6\n');
    await both('kafka-get-offsets.sh', 'getOffsets', ['--topic-partitions', 'like-data:0', '--time', '-2']);
    const consumer = ['--topic', 'like-data', '--partition', '0', '--offset', '1', '--max-messages', '4'];
    const properties = ['print.key=true', 'print.partition=true', 'print.offset=true', 'print.timestamp=true'];
    const shown = properties.flatMap((property) => ['--property', property]);
    const said = await both('kafka-console-consumer.sh', 'consoleConsumer', [...consumer, ...shown]);
    expect(said).toMatch(/^CreateTime:\d{13}\tPartition:0\tOffset:1\tb\ttwo$/m);
  });

  it('kafka-leader-election.sh', async () => {
    await createTopic(cluster(), 'like-election', {
      assignment: [
        [1, 2],
        [2, 1],
      ],
    });
    const args = ['--election-type', 'preferred', '--topic', 'like-election', '--partition', '0'];
    expect(await both('kafka-leader-election.sh', 'leaderElection', args)).toMatch(/already elected/i);
    await whenFullyReplicated(cluster(), 'like-election');
  });

  it('kafka-log-dirs.sh', async () => {
    const args = ['--describe', '--topic-list', 'like-data'];
    expect(await both('kafka-log-dirs.sh', 'logDirs', args)).toContain('"partition":"like-data-0"');
  });

  it('kafka-broker-api-versions.sh lists the same APIs of the same brokers', async () => {
    const all = ['--bootstrap-server', cluster().bootstrap];
    const [ours, theirs] = await Promise.all([
      script('kafka-broker-api-versions.sh', all),
      kafkaTool('brokerApiVersions', all),
    ]);
    // Theirs adds what the Java client can use of it, and lists what the broker has not as UNSUPPORTED.
    const offered = (text: string): string[] =>
      [...text.matchAll(/(\w+)\((\d+)\): (\d+(?: to \d+)?)/g)].map(
        ([, name, key, range]) => `${name}(${key}): ${range}`,
      );
    expect(offered(ours.stdout)).toEqual(offered(theirs.stdout));
    expect(ours.exitCode).toBe(0);
  });
});

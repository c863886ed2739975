/** Apache Kafka 3.9's own tools, unchanged, against a cluster of three. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { useCluster } from '../support/use-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kafkaTool, kafkaToolLines, startKafkaTool } from '../support/java-tools.ts';
import { describePartition, readPartition, whenFullyReplicated, whenLed } from '../support/wire-client.ts';

const cluster = useCluster();
const server = (): string[] => ['--bootstrap-server', cluster().bootstrap];

describe('TopicCommand', () => {
  it('creates, lists, describes, alters and deletes', async () => {
    const topic = ['--topic', 'java-topic'];
    const sizes = ['--partitions', '3', '--replication-factor', '3', '--config', 'retention.ms=3600000'];
    expect(await kafkaToolLines('topics', [...server(), '--create', ...topic, ...sizes])).toEqual([
      'Created topic java-topic.',
    ]);
    await whenFullyReplicated(cluster(), 'java-topic');
    const [head = '', ...lines] = await kafkaToolLines('topics', [...server(), '--describe', ...topic]);
    expect(head).toMatch(/^Topic: java-topic\tTopicId: [\w-]{22}\tPartitionCount: 3\tReplicationFactor: 3\tConfigs: /);
    expect(head).toContain('retention.ms=3600000');
    expect(lines).toHaveLength(3);
    for (const line of lines)
      expect(line).toMatch(/^\tTopic: java-topic\tPartition: \d\tLeader: [123]\tReplicas: [123,]{5}\tIsr: [123,]{5}/);
    await kafkaToolLines('topics', [...server(), '--alter', ...topic, '--partitions', '5']);
    await eventually(async () => (await whenFullyReplicated(cluster(), 'java-topic')).partitions.length === 5);
    expect(await kafkaToolLines('topics', [...server(), '--list'])).toContain('java-topic');
    await kafkaToolLines('topics', [...server(), '--delete', ...topic]);
    await eventually(async () => !(await kafkaToolLines('topics', [...server(), '--list'])).includes('java-topic'));
  });

  it("is told in Kafka's words why something cannot be", async () => {
    await createTopic(cluster(), 'java-taken');
    const refused = async (...args: string[]): Promise<string> => {
      const { exitCode, stdout } = await kafkaTool('topics', [...server(), ...args]);
      expect(exitCode).toBe(1);
      return stdout.split('\n')[0] ?? '';
    };
    expect(await refused('--create', '--topic', 'java-taken')).toBe(
      "Error while executing topic command : Topic 'java-taken' already exists.",
    );
    expect(await refused('--create', '--topic', 'java-wide', '--replication-factor', '4')).toMatch(
      /Replication factor: 4/,
    );
    expect(await refused('--alter', '--topic', 'java-taken', '--partitions', '1')).toMatch(/already has 1 partition/);
    expect(await refused('--describe', '--topic', 'java-nowhere')).toMatch(/java-nowhere.*does not exist as expected/);
    expect(await refused('--create', '--topic', 'java-odd', '--config', 'segment.bytes=5')).toMatch(/segment\.bytes/);
  });
});

describe('ConsoleProducer and ConsoleConsumer', () => {
  it('write and read lines, by partition and offset', async () => {
    await createTopic(cluster(), 'java-console', { partitions: 2 });
    const input = `${Array.from({ length: 20 }, (_, index) => `k${index}:line ${index}`).join('\n')}\n`;
    const keys = ['--property', 'parse.key=true', '--property', 'key.separator=:'];
    const { exitCode, stderr } = await kafkaTool('consoleProducer', [...server(), '--topic', 'java-console', ...keys], {
      input,
    });
    expect([exitCode, stderr]).toEqual([0, '']);
    const read = await Promise.all([0, 1].map((partition) => readPartition(cluster(), 'java-console', partition)));
    expect(read.flat()).toHaveLength(20);
    const consume = (partition: number, offset: string, count: number): Promise<string[]> =>
      kafkaToolLines('consoleConsumer', [
        ...[...server(), '--topic', 'java-console', '--partition', `${partition}`, '--offset', offset],
        ...['--max-messages', `${count}`, '--property', 'print.key=true', '--property', 'print.offset=true'],
        ...['--timeout-ms', '30000'],
      ]);
    for (const partition of [0, 1]) {
      const records = read[partition] ?? [];
      const lines = records.map(({ offset, key, value }) => `Offset:${offset}\t${key}\t${value}`);
      expect(await consume(partition, 'earliest', records.length)).toEqual(lines);
      if (lines.length > 2) expect(await consume(partition, '2', 1)).toEqual(lines.slice(2, 3));
    }
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('write and read batches packed with %s', async (codec) => {
    const topic = `java-${codec}`;
    await createTopic(cluster(), topic);
    const lines = Array.from({ length: 200 }, (_, index) => `${'long '.repeat(20)}${index}`);
    await kafkaToolLines('consoleProducer', [...server(), '--topic', topic, '--compression-codec', codec], {
      input: `${lines.join('\n')}\n`,
    });
    const range = ['--partition', '0', '--offset', 'earliest', '--max-messages', '200', '--timeout-ms', '30000'];
    expect(await kafkaToolLines('consoleConsumer', [...server(), '--topic', topic, ...range])).toEqual(lines);
    expect((await readPartition(cluster(), topic, 0)).map(({ value }) => value)).toEqual(lines);
  });
});

describe('VerifiableProducer', () => {
  interface Line {
    readonly name: string;
    readonly value?: string;
    readonly partition?: number;
    readonly offset?: number;
    readonly acked?: number;
    readonly sent?: number;
  }
  const parse = (lines: readonly string[]): Line[] =>
    lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);

  it('has every record acknowledged where it is then found', async () => {
    await createTopic(cluster(), 'java-verified', { partitions: 3 });
    const args = [...server(), '--topic', 'java-verified', '--max-messages', '5000', '--acks', '-1'];
    const lines = parse(await kafkaToolLines('verifiableProducer', args));
    expect(lines.find(({ name }) => name === 'tool_data')).toMatchObject({ sent: 5000, acked: 5000 });
    await expectAllRead('java-verified', lines, 3);
  });

  it('loses and doubles nothing while leaders are killed: the Java producer with its defaults', async () => {
    await createTopic(cluster(), 'java-tormented', { partitions: 3 });
    const settings = path.join(mkdtempSync(path.join(tmpdir(), 'barnabas-')), 'producer.properties');
    // The tool turns retries off; everything else that makes a producer safe is the Java client's default.
    writeFileSync(settings, 'retries=2147483647\nenable.idempotence=true\nrequest.timeout.ms=3000\nlinger.ms=5\n');
    const args = [...server(), '--topic', 'java-tormented', '--throughput', '2000', '--producer.config', settings];
    const producer = await startKafkaTool('verifiableProducer', args);
    const acknowledged = () => producer.lines.filter((line) => line.includes('producer_send_success')).length;
    const advance = async (): Promise<void> => {
      const before = acknowledged();
      await eventually(() => acknowledged() > before + 3000, { timeoutMs: 90_000, what: 'the Java producer goes on' });
    };
    await advance();
    for (const partition of [0, 1]) {
      const leader = cluster().broker(await whenLed(cluster(), 'java-tormented', partition));
      await leader.kill();
      await advance();
      await leader.start();
      await whenFullyReplicated(cluster(), 'java-tormented');
    }
    await producer.stop();
    const lines = parse(producer.lines);
    expect(lines.filter(({ name }) => name === 'producer_send_error')).toEqual([]);
    await expectAllRead('java-tormented', lines, 3);
  });

  /** Every acknowledged value is where the acknowledgement said, once. */
  async function expectAllRead(topic: string, lines: readonly Line[], partitions: number): Promise<void> {
    const places = new Map<string, string[]>();
    for (let partition = 0; partition < partitions; partition++)
      for (const { value, offset } of await readPartition(cluster(), topic, partition))
        places.set(value, [...(places.get(value) ?? []), `${partition}:${offset}`]);
    const wrong = lines
      .filter(({ name }) => name === 'producer_send_success')
      .filter(({ value = '', partition, offset }) => places.get(value)?.join() !== `${partition}:${offset}`);
    expect(wrong).toEqual([]);
  }
});

describe('the other tools', () => {
  it('ProducerPerformance runs through', async () => {
    await createTopic(cluster(), 'java-speed', { partitions: 3 });
    const load = ['--num-records', '50000', '--record-size', '100', '--throughput', '-1'];
    const properties = ['--producer-props', `bootstrap.servers=${cluster().bootstrap}`, 'acks=all'];
    const lines = await kafkaToolLines('producerPerformance', ['--topic', 'java-speed', ...load, ...properties]);
    expect(lines.at(-1)).toMatch(/^50000 records sent, /);
  });

  it('BrokerApiVersionsCommand can use every broker', async () => {
    const lines = await kafkaToolLines('brokerApiVersions', server());
    for (const broker of cluster().brokers)
      expect(lines.some((line) => line.startsWith(`${broker.address} (id: ${broker.id}`))).toBe(true);
    expect(lines.some((line) => /Produce\(0\): 0 to 11 \[usable: 11\]/.test(line))).toBe(true);
    expect(lines.some((line) => /Fetch\(1\): [04] to 17 \[usable: 17\]/.test(line))).toBe(true);
    expect(lines.some((line) => /Metadata\(3\): 0 to 12 \[usable: 12\]/.test(line))).toBe(true);
  });

  it('GetOffsetShell finds both ends, a time and the largest timestamp', async () => {
    await createTopic(cluster(), 'java-offsets', { partitions: 2 });
    await kafkaToolLines('consoleProducer', [...server(), '--topic', 'java-offsets'], { input: 'a\nb\nc\n' });
    const ask = async (time: string): Promise<number> => {
      const args = [...server(), '--topic', 'java-offsets', '--time', time];
      const lines = (await kafkaToolLines('getOffsets', args)).filter((line) => line.startsWith('java-offsets:'));
      expect(lines.every((line) => /^java-offsets:[01]:\d*$/.test(line))).toBe(true);
      return lines.reduce((sum, line) => sum + Number(line.split(':')[2]), 0);
    };
    expect(await ask('latest')).toBe(3);
    expect(await ask('earliest')).toBe(0);
    expect(await ask('0')).toBe(0);
    expect(await ask('max-timestamp')).toBeGreaterThanOrEqual(0);
  });

  it('LeaderElectionCommand brings the preferred leader back', async () => {
    await createTopic(cluster(), 'java-election', { assignment: [[3, 1, 2]] });
    await cluster().broker(3).restart();
    await whenFullyReplicated(cluster(), 'java-election');
    expect(await whenLed(cluster(), 'java-election', 0)).toBe(1);
    const election = ['--election-type', 'preferred', '--topic', 'java-election', '--partition', '0'];
    const lines = await kafkaToolLines('leaderElection', [...server(), ...election]);
    expect(lines.join(' ')).toMatch(
      /Successfully completed leader election \(PREFERRED\) for partitions java-election-0/,
    );
    await eventually(async () => (await describePartition(cluster(), 'java-election', 0)).leader === 3);
  });

  it('LogDirsCommand measures every replica', async () => {
    await createTopic(cluster(), 'java-directories');
    await kafkaToolLines('consoleProducer', [...server(), '--topic', 'java-directories'], { input: 'a\n' });
    const lines = await kafkaToolLines('logDirs', [...server(), '--describe', '--topic-list', 'java-directories']);
    const { brokers } = JSON.parse(lines.at(-1) ?? '') as {
      brokers: { broker: number; logDirs: { error: null; partitions: { partition: string; size: number }[] }[] }[];
    };
    expect(brokers.map(({ broker }) => broker).toSorted()).toEqual([1, 2, 3]);
    for (const { logDirs } of brokers) {
      expect(logDirs[0]?.error).toBe(null);
      expect(logDirs[0]?.partitions[0]?.partition).toBe('java-directories-0');
      expect(logDirs[0]?.partitions[0]?.size).toBeGreaterThan(60);
    }
  });

  it('ClusterTool reads the cluster id that the brokers wrote down', async () => {
    const lines = await kafkaToolLines('cluster', ['cluster-id', ...server()]);
    const properties = readFileSync(path.join(cluster().broker(1).logDirectory, 'meta.properties'), 'utf8');
    const clusterId = /^cluster\.id=(.*)$/m.exec(properties)?.[1];
    expect(lines).toContain(`Cluster ID: ${clusterId}`);
  });

  it('ConfigCommand describes the configuration of a topic', async () => {
    await createTopic(cluster(), 'java-configured', { configs: { 'max.message.bytes': '123456' } });
    const args = [...server(), '--describe', '--entity-type', 'topics', '--entity-name', 'java-configured'];
    const lines = await kafkaToolLines('configs', args);
    expect(lines.join('\n')).toMatch(/max\.message\.bytes=123456/);
  });
});

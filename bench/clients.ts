/** The clients that make the load; whichever of the real ones the machine has. */
import { spawnSync } from 'node:child_process';
import { fetchV12, Producer, stringSerializer } from '@platformatic/kafka';
import { runOk } from '../test/support/child-process.ts';
import type { TestCluster } from '../test/support/cluster.ts';
import { kafkaToolLines } from '../test/support/java-tools.ts';
import { whenLed, withConnection } from '../test/support/wire-client.ts';
import type { Load } from './load.ts';

export interface Client {
  readonly producerName: string;
  readonly consumerName: string;
  /** Both resolve to the seconds the work itself took, without the start of the client. */
  produce(cluster: TestCluster, topic: string, load: Load): Promise<number>;
  consume(cluster: TestCluster, topic: string, partitions: number, records: number): Promise<number>;
}

export async function newClient(): Promise<Client> {
  const hasMaven = spawnSync('mvn', ['--version']).status === 0;
  const hasKcat = spawnSync('kcat', ['-V']).status === 0;
  return {
    producerName: hasMaven ? 'Java' : '@platformatic',
    consumerName: hasKcat ? 'kcat' : '@platformatic',
    produce: hasMaven ? produceWithJava : produceWithPlatformatic,
    consume: hasKcat ? consumeWithKcat : consumeWithPlatformatic,
  };
}

async function produceWithJava(cluster: TestCluster, topic: string, load: Load): Promise<number> {
  const settings = [
    `bootstrap.servers=${cluster.bootstrap}`,
    `acks=${load.acks}`,
    'linger.ms=5',
    'batch.size=65536',
    `enable.idempotence=${load.acks === 'all'}`,
  ];
  const size = ['--num-records', `${load.records}`, '--record-size', `${load.recordBytes}`, '--throughput', '-1'];
  const lines = await kafkaToolLines(
    'producerPerformance',
    ['--topic', topic, ...size, '--producer-props', ...settings],
    {
      timeoutMs: 600_000,
    },
  );
  // "N records sent, R records/sec (…)" is the last line.
  const rate = Number(/sent, ([\d.]+) records\/sec/.exec(lines.at(-1) ?? '')?.[1]);
  if (!(rate > 0)) throw new Error(`no rate in: ${lines.at(-1)}`);
  return load.records / rate;
}

async function produceWithPlatformatic(cluster: TestCluster, topic: string, load: Load): Promise<number> {
  const producer = new Producer({
    clientId: 'bench',
    bootstrapBrokers: cluster.addresses,
    serializers: { value: stringSerializer },
  });
  const value = 'x'.repeat(load.recordBytes);
  const perBatch = Math.max(1, Math.floor(60_000 / load.recordBytes));
  const startedAt = performance.now();
  for (let sent = 0; sent < load.records; sent += perBatch * 3) {
    const batch = (partition: number) => Array.from({ length: perBatch }, () => ({ topic, partition, value }));
    const acks = load.acks === 'all' ? -1 : 1;
    await Promise.all([0, 1, 2].map((partition) => producer.send({ acks, messages: batch(partition) })));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await producer.close();
  return seconds;
}

/** All partitions at once from the beginning to the end, one process. The time is the process's, with its start. */
async function consumeWithKcat(
  cluster: TestCluster,
  topic: string,
  _partitions: number,
  records: number,
): Promise<number> {
  // librdkafka 2.0 rests for a second whenever its queue is full, so the queue gets room for everything.
  const room = ['-X', 'queued.min.messages=10000000', '-X', 'queued.max.messages.kbytes=2000000'];
  const settings = ['-X', 'fetch.wait.max.ms=100', ...room];
  const args = [
    '-b',
    cluster.bootstrap,
    '-C',
    '-t',
    topic,
    '-o',
    'beginning',
    '-c',
    `${records}`,
    '-q',
    '-f',
    '',
    ...settings,
  ];
  const { durationMs } = await runOk('kcat', args, { timeoutMs: 600_000 });
  return durationMs / 1000;
}

async function consumeWithPlatformatic(
  cluster: TestCluster,
  topic: string,
  partitions: number,
  _records: number,
): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: partitions }, (_, partition) => readAll(cluster, topic, partition)));
  return (performance.now() - startedAt) / 1000;
}

async function readAll(cluster: TestCluster, topic: string, partition: number): Promise<void> {
  const leader = cluster.broker(await whenLed(cluster, topic, partition));
  await withConnection(leader.address, async (connection) => {
    let fetchOffset = 0n;
    for (;;) {
      const asked = {
        partition,
        currentLeaderEpoch: -1,
        fetchOffset,
        lastFetchedEpoch: -1,
        partitionMaxBytes: 1 << 20,
      };
      const topics = [{ topicId: topic, partitions: [asked] }];
      const response = await fetchV12.api.async(connection, 100, 1, 50 << 20, 0, 0, -1, topics, [], '');
      const last = response.responses[0]?.partitions[0]?.records?.at(-1);
      if (last === undefined) return;
      fetchOffset = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n;
    }
  });
}

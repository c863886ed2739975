/** Records that are deleted are gone from every replica, and stay so whoever leads and whatever is restarted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { Partitioners } from 'kafkajs';
import { expect, it, onTestFinished } from 'vitest';
import { createTopic, kafkaClient, withAdmin } from '../support/admin.ts';
import { script } from '../support/scripts.ts';
import { useCluster } from '../support/use-cluster.ts';
import { EARLIEST, listOffset, readPartition, whenFullyReplicated, whenLed } from '../support/wire-client.ts';

const cluster = useCluster();

async function produce(topic: string, count: number): Promise<void> {
  const producer = kafkaClient(cluster()).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  for (let first = 0; first < count; first += 10) {
    const messages = Array.from({ length: 10 }, (_, index) => ({ partition: 0, value: `v${first + index}` }));
    await producer.send({ topic, acks: -1, messages });
  }
  await producer.disconnect();
}

async function remove(topic: string, offset: number): Promise<string[]> {
  const directory = mkdtempSync(path.join(tmpdir(), 'barnabas-delete-records-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'offsets.json');
  writeFileSync(file, JSON.stringify({ partitions: [{ topic, partition: 0, offset }], version: 1 }));
  const args = ['--bootstrap-server', cluster().bootstrap, '--offset-json-file', file];
  const { exitCode, stdout } = await script('kafka-delete-records.sh', args);
  expect(exitCode).toBe(0);
  return stdout.split('\n').slice(2, -1);
}

it('in each replica the log begins where the leader was told to', async () => {
  const topic = 'deleted';
  await createTopic(cluster(), topic, { partitions: 1, replicationFactor: 3 });
  await produce(topic, 100);
  expect(await remove(topic, 42)).toEqual(['partition: deleted-0\tlow_watermark: 42']);
  expect((await readPartition(cluster(), topic, 0)).map(({ value }) => value).slice(0, 2)).toEqual(['v42', 'v43']);
  expect(await remove(topic, 101)).toEqual([
    'partition: deleted-0\terror: org.apache.kafka.common.errors.OffsetOutOfRangeException: ' +
      'The requested offset is not within the range of offsets maintained by the server.',
  ]);
  const leader = await whenLed(cluster(), topic, 0);
  await cluster().broker(leader).kill();
  expect(await whenLed(cluster(), topic, 0)).not.toBe(leader);
  expect(await listOffset(cluster(), topic, 0, EARLIEST)).toBe(42);
  // A replica that is dead is not waited for; it hears of it when it comes back.
  expect(await remove(topic, 50)).toEqual(['partition: deleted-0\tlow_watermark: 50']);
  await cluster().broker(leader).start();
  await whenFullyReplicated(cluster(), topic);
  // Nothing is left to delete; the answer says that all three know.
  expect(await remove(topic, 50)).toEqual(['partition: deleted-0\tlow_watermark: 50']);
  const others = cluster().brokers.filter(({ id }) => id !== leader);
  await Promise.all(others.map((broker) => broker.kill()));
  expect(await whenLed(cluster(), topic, 0)).toBe(leader);
  expect(await listOffset(cluster(), topic, 0, EARLIEST)).toBe(50);
  await Promise.all(others.map((broker) => broker.start()));
  await whenFullyReplicated(cluster(), topic);
});

it('the new start outlives a restart of all brokers', async () => {
  const topic = 'restarted';
  await createTopic(cluster(), topic, { partitions: 1, replicationFactor: 3 });
  await produce(topic, 20);
  await withAdmin(cluster(), async (admin) => {
    await admin.fetchTopicOffsets(topic); // kafkajs must know the leader first.
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '-1' }] });
  });
  expect(await listOffset(cluster(), topic, 0, EARLIEST)).toBe(20);
  await Promise.all(cluster().brokers.map((broker) => broker.stop()));
  await Promise.all(cluster().brokers.map((broker) => broker.start()));
  await whenFullyReplicated(cluster(), topic);
  expect(await listOffset(cluster(), topic, 0, EARLIEST)).toBe(20);
  await produce(topic, 10);
  expect((await readPartition(cluster(), topic, 0)).map(({ offset }) => offset)[0]).toBe(20);
});

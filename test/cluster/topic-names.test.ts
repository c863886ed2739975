/** Names that have broken brokers and the programs around them: each behaves as in Kafka. */
import { randomBytes } from 'node:crypto';
import { KafkaJSProtocolError } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { createTopic, kafkaClient, withAdmin } from '../support/admin.ts';
import { useCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { describeCluster, readPartition } from '../support/wire-client.ts';

const cluster = useCluster();

async function write(topic: string, value: string): Promise<void> {
  const producer = kafkaClient(cluster()).producer();
  await producer.connect();
  await producer.send({ topic, acks: -1, messages: [{ value }] });
  await producer.disconnect();
}

async function creationError(topic: string): Promise<string> {
  const attempt = withAdmin(cluster(), (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
  const error = await attempt.then(
    () => null,
    (reason: Error & { errors?: Error[] }) => reason.errors?.[0] ?? reason,
  );
  return error instanceof KafkaJSProtocolError ? error.type : String(error);
}

describe('a topic name', () => {
  // kafkajs keeps topics in objects and cannot be asked for every one of these; the wire client can.
  it.each(['constructor', 'toString', 'hasOwnProperty', '-', '_', '...', '.a', '0', 'a'.repeat(249), 'A-b_c.9'])(
    'may be %s: such a topic is created, written, read and deleted',
    async (topic) => {
      await createTopic(cluster(), topic);
      await write(topic, `in ${topic}`);
      expect((await readPartition(cluster(), topic, 0)).map(({ value }) => value)).toEqual([`in ${topic}`]);
      await withAdmin(cluster(), (admin) => admin.deleteTopics({ topics: [topic] }));
      for (const { address } of cluster().live)
        await eventually(async () => !(await describeCluster(address)).topics.some(({ name }) => name === topic));
    },
  );

  it('may be __proto__', async () => {
    await createTopic(cluster(), '__proto__', { partitions: 2 });
    const names = (await describeCluster(cluster().broker(1).address)).topics.map(({ name }) => name);
    expect(names).toContain('__proto__');
    expect(await readPartition(cluster(), '__proto__', 1)).toEqual([]);
    await withAdmin(cluster(), (admin) => admin.deleteTopics({ topics: ['__proto__'] }));
    await eventually(async () => {
      const { topics } = await describeCluster(cluster().broker(1).address);
      return !topics.some(({ name }) => name === '__proto__');
    });
    await createTopic(cluster(), '__proto__');
  });

  it.each(['..', '.', '', 'a b', 'a/b', 'ä', 'a\u0000b', 'a'.repeat(250), 'a:b', '../../etc/passwd'])(
    'may not be %j',
    async (topic) => {
      expect(await creationError(topic)).toBe('INVALID_TOPIC_EXCEPTION');
      const [described] = (await describeCluster(cluster().broker(1).address, [topic])).topics;
      expect(described?.errorCode).toBe(17);
    },
  );

  it('may not differ from another only in a dot and an underscore', async () => {
    const unique = randomBytes(4).toString('hex');
    await createTopic(cluster(), `a.b.${unique}`);
    expect(await creationError(`a_b.${unique}`)).toBe('INVALID_TOPIC_EXCEPTION');
    expect(await creationError(`a.b_${unique}`)).toBe('INVALID_TOPIC_EXCEPTION');
  });
});

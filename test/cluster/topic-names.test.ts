/** Names that have broken brokers and the programs around them: each behaves as in Kafka. */
import { randomBytes } from 'node:crypto';
import { produceV9 } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { createTopic, deleteTopic, tryCreateTopic } from '../support/admin.ts';
import { useCluster } from '../support/use-cluster.ts';
import { eventually } from '../support/eventually.ts';
import {
  describeCluster,
  readPartition,
  whenFullyReplicated,
  whenLed,
  withConnection,
} from '../support/wire-client.ts';

const cluster = useCluster();
const INVALID_TOPIC = 17;

async function write(topic: string, value: string): Promise<void> {
  const leader = cluster().broker(await whenLed(cluster(), topic, 0));
  await withConnection(leader.address, (connection) =>
    produceV9.api.async(connection, -1, 10_000, [{ topic, partition: 0, value: Buffer.from(value) }]),
  );
}

describe('a topic name', () => {
  it.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '-',
    '_',
    '...',
    '.a',
    '0',
    'a-1',
    'a'.repeat(249),
    'A-b_c.9',
  ])('may be %s: such a topic is created, written, read, deleted and created again', async (topic) => {
    for (const round of ['first', 'second']) {
      // The brokers forget a deleted topic a moment before its last znode is gone.
      await eventually(async () => (await tryCreateTopic(cluster(), topic, { partitions: 2 })) === 0);
      await whenFullyReplicated(cluster(), topic);
      await write(topic, `${round} in ${topic}`);
      expect((await readPartition(cluster(), topic, 0)).map(({ value }) => value)).toEqual([`${round} in ${topic}`]);
      expect(await readPartition(cluster(), topic, 1)).toEqual([]);
      await deleteTopic(cluster(), topic);
    }
  });

  it.each(['..', '.', '', 'a b', 'a/b', 'ä', 'a\u0000b', 'a'.repeat(250), 'a:b', '../../etc/passwd'])(
    'may not be %j',
    async (topic) => {
      expect(await tryCreateTopic(cluster(), topic)).toBe(INVALID_TOPIC);
      const [described] = (await describeCluster(cluster().broker(1).address, [topic])).topics;
      expect(described?.errorCode).toBe(INVALID_TOPIC);
    },
  );

  it('may not differ from another only in a dot and an underscore', async () => {
    const unique = randomBytes(4).toString('hex');
    await createTopic(cluster(), `a.b.${unique}`);
    expect(await tryCreateTopic(cluster(), `a_b.${unique}`)).toBe(INVALID_TOPIC);
    expect(await tryCreateTopic(cluster(), `a.b_${unique}`)).toBe(INVALID_TOPIC);
  });
});

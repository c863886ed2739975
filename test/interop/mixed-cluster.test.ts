/**
 * Barnabas and Apache Kafka 3.9 as brokers of one cluster: the same znodes, the same calls between brokers, the same
 * files. A cluster can be moved from one to the other, broker by broker, while it is written to.
 */
import { expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import type { TestCluster } from '../support/cluster.ts';
import type { Implementation } from '../support/implementation.ts';
import { whenIdentical } from '../support/replicas.ts';
import { startWriter } from '../support/steady-writer.ts';
import { withCluster } from '../support/use-cluster.ts';
import { whenControlled, whenFullyReplicated, whenLed } from '../support/wire-client.ts';

const TOPIC = 'moving';
const ASSIGNMENT = [
  [1, 2, 3],
  [2, 3, 1],
  [3, 1, 2],
];
/** What Apache Kafka needs to believe that all brokers speak its newest inter-broker protocol. */
const overrides = { 'inter.broker.protocol.version': '3.9' };

async function turnInto(cluster: TestCluster, brokerId: number, implementation: Implementation): Promise<void> {
  const broker = cluster.broker(brokerId);
  await broker.stop();
  broker.turnInto(implementation);
  await broker.start();
  await whenFullyReplicated(cluster, TOPIC);
}

it.each([
  ['apache-kafka', 'barnabas'],
  ['barnabas', 'apache-kafka'],
] as const)('a cluster of %s becomes one of %s while it is written to', async (from, to) => {
  await withCluster({ implementation: from, overrides }, async (cluster) => {
    await createTopic(cluster, TOPIC, { assignment: ASSIGNMENT });
    const writer = startWriter(cluster, TOPIC, [0, 1, 2]);
    await writer.advance(20);
    for (const brokerId of [1, 2, 3]) {
      await turnInto(cluster, brokerId, to);
      await writer.advance(20);
      // Leaders of the other make die, too, and whoever controls the cluster has to cope.
      const leader = cluster.broker(await whenLed(cluster, TOPIC, 0));
      await leader.kill();
      await writer.advance(20);
      await leader.start();
      await whenFullyReplicated(cluster, TOPIC);
    }
    await whenControlled(cluster);
    expect(await writer.judge()).toEqual([]);
    for (const partition of [0, 1, 2]) await whenIdentical(cluster, TOPIC, partition);
  });
});

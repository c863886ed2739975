/**
 * Barnabas and Apache Kafka 3.9 as brokers of one cluster: the same znodes, the same calls between brokers, the same
 * files. A cluster can be moved from one to the other, broker by broker, while it is written to.
 */
import { expect, it, onTestFinished } from 'vitest';
import { createTopic } from '../support/admin.ts';
import type { TestCluster } from '../support/cluster.ts';
import { eventually } from '../support/eventually.ts';
import { kafkajs } from '../support/group-clients.ts';
import { GroupMember } from '../support/group-member.ts';
import { committedOffsets, describeClassicGroup } from '../support/group-watch.ts';
import type { Implementation } from '../support/implementation.ts';
import { OffsetCommitter } from '../support/offset-committer.ts';
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
const overrides = {
  // Each broker would compact for itself, at a time of its own.
  'log.cleaner.enable': 'false',
  'inter.broker.protocol.version': '3.9',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '5',
};
const OFFSETS_TOPIC = '__consumer_offsets';
const GROUPS = 6;

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

/** Members whose group moves with its coordinator, and the partitions that they say they own. */
async function startMembers(cluster: TestCluster, group: string): Promise<GroupMember[]> {
  const settings = {
    bootstrap: cluster.bootstrap,
    group,
    topics: [TOPIC],
    protocol: 'classic',
    isCooperative: false,
    sessionTimeoutMs: 20_000,
  } as const;
  const members = await Promise.all(
    ['a', 'b'].map((name) => GroupMember.start(name, kafkajs, settings, () => undefined)),
  );
  onTestFinished(async () => {
    await Promise.all(members.map((member) => member.kill()));
  });
  return members;
}

it.each([
  ['apache-kafka', 'barnabas'],
  ['barnabas', 'apache-kafka'],
] as const)('groups and their offsets go from coordinators of %s to those of %s', async (from, to) => {
  await withCluster({ implementation: from, overrides }, async (cluster) => {
    await createTopic(cluster, TOPIC, { assignment: ASSIGNMENT });
    const committers = Array.from({ length: GROUPS }, (_, index) =>
      new OffsetCommitter(cluster, `group-${index}`, TOPIC).start(),
    );
    const stop = async (): Promise<void> => {
      await Promise.all(committers.map((committer) => committer.stop()));
    };
    onTestFinished(stop);
    const advance = () => Promise.all(committers.map((committer) => committer.advance(20)));
    await advance();
    await startMembers(cluster, 'members');
    const whenShared = () =>
      eventually(async () => {
        const { state, owned } = await describeClassicGroup(cluster, 'members');
        expect([state, owned.length]).toEqual(['Stable', ASSIGNMENT.length]);
      });
    await whenShared();
    for (const brokerId of [1, 2, 3]) {
      await turnInto(cluster, brokerId, to);
      await whenFullyReplicated(cluster, OFFSETS_TOPIC);
      await advance();
      await whenShared();
    }
    await stop();
    expect(committers.flatMap(({ problems }) => problems)).toEqual([]);
    for (const { group, acknowledged } of committers) {
      const committed = await eventually(() => committedOffsets(cluster, group));
      expect(committed.get(`${TOPIC}-0`)).toBeGreaterThanOrEqual(acknowledged);
    }
    for (const partition of [0, 1, 2, 3, 4]) await whenIdentical(cluster, OFFSETS_TOPIC, partition);
  });
});

/** What the controller does about the errors with which a broker answers a LeaderAndIsr. */
import { expect, it } from 'vitest';
import { ControlledCluster } from '../../support/controlled-cluster.ts';

it('a broker that has the log of an earlier topic is told everything once, and puts it aside', async () => {
  const cluster = await ControlledCluster.create();
  for (const id of [1, 2, 3]) await cluster.start(id);
  await cluster.quiet();
  const broker = cluster.fake(3);
  for (const key of ['t-0', 't-1', 'u-0']) broker.strays.add(key);
  broker.told = [];
  const topicOf = (name: string, partitions: readonly number[]) => {
    const assignments = partitions.map((partitionIndex) => ({ partitionIndex, brokerIds: [2, 3] }));
    return { name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] };
  };
  await cluster.controller.createTopics([topicOf('t', [0, 1])], false);
  await cluster.quiet();
  await cluster.controller.createTopics([topicOf('u', [0])], false);
  await cluster.quiet();
  expect([...broker.hosted.keys()]).toEqual([]);
  await cluster.pass(20_000);
  expect([...broker.hosted.keys()].sort()).toEqual(['t-0', 't-1', 'u-0']);
  expect(broker.told.filter((line) => line.startsWith('LeaderAndIsr full'))).toHaveLength(1);
  await cluster.close();
});

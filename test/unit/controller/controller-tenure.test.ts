/**
 * The moments at which one tenure ends and another begins, each of them: a step may be interrupted wherever it waits.
 */
import { expect, it } from 'vitest';
import { NO_LEADER } from '../../../src/model/leader-and-isr.ts';
import { ZooKeeperError } from '../../../src/zk/operations.ts';
import { ControlledCluster } from '../../support/controlled-cluster.ts';

const LAST_MOMENT = 60;

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Four brokers of which 1 is the controller, and a topic that everybody has. */
async function newCluster(): Promise<ControlledCluster> {
  const cluster = await ControlledCluster.create();
  for (const id of [1, 2, 3, 4]) await cluster.start(id);
  await cluster.quiet();
  const assignments = [
    { partitionIndex: 0, brokerIds: [2, 3, 4] },
    { partitionIndex: 1, brokerIds: [3, 4, 2] },
  ];
  const topic = { name: 't', numPartitions: -1, replicationFactor: -1, assignments, configs: [] };
  await cluster.controller.createTopics([topic], false);
  await cluster.quiet();
  return cluster;
}

/** Runs the story once for each moment at which its second act can begin. */
async function atEveryMoment(story: (cluster: ControlledCluster, moment: number) => Promise<void>): Promise<void> {
  for (let moment = 0; moment < LAST_MOMENT; moment++) {
    const cluster = await newCluster();
    try {
      await story(cluster, moment);
    } finally {
      await cluster.close();
    }
  }
}

function expectLedByTheLiving(cluster: ControlledCluster, moment: number): void {
  for (const { topic, partition } of cluster.partitions()) {
    const state = cluster.partitionState(topic, partition);
    expect(state?.leader, `${topic}-${partition} at ${moment}`).not.toBe(NO_LEADER);
    for (const id of state?.isr ?? []) expect(cluster.nodes.has(id), `${id} in isr at ${moment}`).toBe(true);
  }
}

it('a broker that dies at any moment of an election is missed by whoever wins', async () => {
  await atEveryMoment(async (cluster, moment) => {
    await cluster.client().delete('/controller', -1);
    cluster.kill(2);
    await turns(moment);
    cluster.kill(3);
    await cluster.quiet();
    expectLedByTheLiving(cluster, moment);
  });
});

it('a session that is lost at any moment of an election leaves a cluster with one controller', async () => {
  await atEveryMoment(async (cluster, moment) => {
    cluster.kill(2);
    await cluster.client().delete('/controller', -1);
    await turns(moment);
    const loser = cluster.active ?? cluster.nodes.get(1);
    loser?.zk.expire();
    expect(loser?.controller.isActive).toBe(false);
    await turns(3);
    loser?.zk.reconnect();
    await cluster.quiet();
    expect([...cluster.nodes.values()].filter(({ controller }) => controller.isActive)).toHaveLength(1);
    expect(cluster.zk.list('/brokers/ids')?.sort()).toEqual(['1', '3', '4']);
    expectLedByTheLiving(cluster, moment);
  });
});

it('a controller that is stopped at any moment writes nothing more', async () => {
  await atEveryMoment(async (cluster, moment) => {
    for (const id of [3, 4]) cluster.kill(id);
    const alone = cluster.nodes.get(1)?.controller;
    await cluster.nodes.get(2)?.controller.stop();
    await turns(moment);
    const stopped = alone?.stop();
    await turns(4);
    const written = cluster.zk.history.length;
    await stopped;
    await turns(30);
    expect(cluster.zk.history.slice(written), `at ${moment}`).toEqual([]);
  });
});

it('a request that is cut short by the end of the tenure says that this is not the controller', async () => {
  await atEveryMoment(async (cluster, moment) => {
    const { controller } = cluster;
    const assignments = [{ partitionIndex: 0, brokerIds: [2, 3] }];
    const topic = { name: `late-${moment}`, numPartitions: -1, replicationFactor: -1, assignments, configs: [] };
    const outcome = controller.createTopics([topic], false).then(
      ([created]) => created?.error,
      (error: { error: string }) => error.error,
    );
    await turns(moment % 20);
    cluster.active?.zk.expire();
    await cluster.quiet();
    const isThere = cluster.zk.list('/brokers/topics')?.includes(topic.name) ?? false;
    expect(['NONE', 'NOT_CONTROLLER'], `at ${moment}`).toContain(await outcome);
    if ((await outcome) === 'NONE') expect(isThere, `at ${moment}`).toBe(true);
    // Whoever is controller now finishes what was begun.
    if (isThere) expect(cluster.partitionState(topic.name, 0)?.leader, `at ${moment}`).toBe(2);
  });
});

it('a request that fails half way leaves no topic without a leader', async () => {
  const cluster = await newCluster();
  const { controller, active } = cluster;
  const exists = active?.zk.exists.bind(active.zk);
  if (active === undefined || exists === undefined) throw new Error('there is no controller');
  active.zk.exists = (path) =>
    path === '/brokers/topics/second' ? Promise.reject(new ZooKeeperError('THROTTLED', path)) : exists(path);
  const assignments = [{ partitionIndex: 0, brokerIds: [2, 3] }];
  const topics = ['first', 'second'].map((name) => ({
    name,
    numPartitions: -1,
    replicationFactor: -1,
    assignments,
    configs: [],
  }));
  await expect(controller.createTopics(topics, false)).rejects.toThrow('THROTTLED');
  await cluster.quiet();
  for (const { name } of topics) expect(cluster.partitionState(name, 0)?.leader, name).toBe(2);
  await cluster.close();
});

it('a broker that nobody can speak to does not keep the others from having a controller', async () => {
  const cluster = await newCluster();
  cluster.fake(4).connect = () => {
    throw new Error('no listener INTERNAL');
  };
  await cluster.client().delete('/controller', -1);
  await cluster.quiet();
  cluster.kill(2);
  await cluster.quiet();
  expect(cluster.active).toBeDefined();
  expect(cluster.partitionState('t', 0)?.leader).toBe(3);
  await cluster.close();
});

/**
 * Controllers on a real ZooKeeper: who is elected, who is refused, and what remains of topics. The brokers are fakes.
 */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { brokerConfigFrom } from '../../src/config/broker-config.ts';
import { Controller } from '../../src/controller/controller.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import { SystemClock } from '../../src/lib/clock.ts';
import { SystemRandom } from '../../src/lib/random.ts';
import { NO_LEADER } from '../../src/model/leader-and-isr.ts';
import { getOrCreateClusterId } from '../../src/zk/bootstrap.ts';
import { registerBroker } from '../../src/zk/brokers.ts';
import { readTopicConfig } from '../../src/zk/configs.ts';
import { readControllerEpoch, readControllerId } from '../../src/zk/election.ts';
import { readPartitionStates } from '../../src/zk/partition-states.ts';
import { readTopicAssignments } from '../../src/zk/topics.ts';
import type { ZooKeeper } from '../../src/zk/zookeeper.ts';
import { eventually } from '../support/eventually.ts';
import { FakeBroker } from '../support/fake-broker.ts';
import { context, type EmptyCluster, newCluster, registration } from '../support/zookeeper-cluster.ts';
import { startZooKeeper, type TestZooKeeper } from '../support/zookeeper-server.ts';

let server: TestZooKeeper;
beforeAll(async () => {
  server = await startZooKeeper();
});
afterAll(() => server.close());

interface Node {
  readonly controller: Controller;
  readonly fake: FakeBroker;
  readonly zk: ZooKeeper;
}

class TestCluster {
  readonly #fakes = new Map<number, FakeBroker>();
  readonly cluster: EmptyCluster;
  readonly warnings: string[] = [];

  constructor(cluster: EmptyCluster) {
    this.cluster = cluster;
  }

  fake(brokerId: number): FakeBroker {
    const fake = this.#fakes.get(brokerId) ?? new FakeBroker(brokerId);
    this.#fakes.set(brokerId, fake);
    return fake;
  }

  async start(brokerId: number, zk?: ZooKeeper): Promise<Node> {
    const client = zk ?? (await this.cluster.another());
    const fake = this.fake(brokerId);
    const register = async () => {
      fake.brokerEpoch = await registerBroker(client, brokerId, registration(9000 + brokerId), context);
    };
    await register();
    const logger: Logger = { ...silentLogger, error: (message, error) => this.warnings.push(`${message} ${error}`) };
    const controller = new Controller({
      brokerId,
      clusterId: await getOrCreateClusterId(client, new SystemRandom()),
      config: brokerConfigFrom({ 'zookeeper.connect': 'unused', 'broker.id': String(brokerId) }),
      zk: client,
      connect: (broker) => this.fake(broker.brokerId).connect(),
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger,
      registerBroker: register,
    });
    onTestFinished(() => controller.stop());
    controller.start();
    return { controller, fake, zk: client };
  }
}

async function newTestCluster(): Promise<TestCluster> {
  return new TestCluster(await newCluster(server));
}

const topic = (name: string, ...replicas: number[][]) => ({
  name,
  numPartitions: -1,
  replicationFactor: -1,
  assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
  configs: [{ name: 'retention.ms', value: '1000' }],
});

it('elects one of several brokers, and another one when that one leaves', async () => {
  const test = await newTestCluster();
  const nodes = [await test.start(1), await test.start(2), await test.start(3)];
  const active = () => nodes.filter(({ controller }) => controller.isActive);
  await eventually(() => expect(active()).toHaveLength(1));
  const [first] = active();
  await eventually(() =>
    expect(nodes.map(({ controller }) => controller.activeControllerId())).toEqual(
      nodes.map(() => first?.fake.brokerId),
    ),
  );
  await first?.controller.stop();
  await eventually(() => expect(active()).toHaveLength(1));
  expect(active()[0]).not.toBe(first);
  expect((await readControllerEpoch(test.cluster.zk))?.controllerEpoch).toBe(2);
  expect(test.warnings).toEqual([]);
});

it('creates a topic with its configuration, tells the brokers, and removes every trace of it again', async () => {
  const test = await newTestCluster();
  const { controller, fake } = await test.start(1);
  const other = await test.start(2);
  await eventually(() => expect(controller.isActive).toBe(true));
  await eventually(() => expect(fake.liveBrokers).toEqual([1, 2]));

  const [created] = await controller.createTopics([topic('orders', [1, 2], [2, 1])], false);
  expect(created).toMatchObject({ name: 'orders', error: 'NONE' });
  const { zk } = test.cluster;
  expect((await readTopicAssignments(zk, ['orders'])).get('orders')?.topicId).toBe(created?.topicId);
  expect(await readTopicConfig(zk, 'orders')).toEqual(new Map([['retention.ms', '1000']]));
  const states = await readPartitionStates(zk, [
    { topic: 'orders', partition: 0 },
    { topic: 'orders', partition: 1 },
  ]);
  expect([...states.values()]).toMatchObject([
    { leader: 1, leaderEpoch: 0, isr: [1, 2], partitionEpoch: 0 },
    { leader: 2, leaderEpoch: 0, isr: [2, 1], partitionEpoch: 0 },
  ]);
  await eventually(() => expect([...other.fake.hosted.keys()].sort()).toEqual(['orders-0', 'orders-1']));
  await eventually(() => expect(fake.metadata.get('orders-1')?.leader).toBe(2));
  expect((await controller.createTopics([topic('orders', [1])], false))[0]).toMatchObject({
    error: 'TOPIC_ALREADY_EXISTS',
    message: "Topic 'orders' already exists.",
  });

  expect(await controller.deleteTopics(['orders'])).toMatchObject([{ error: 'NONE' }]);
  await eventually(async () => expect(await zk.children('/admin/delete_topics')).toEqual([]));
  expect(await zk.children('/brokers/topics')).toEqual([]);
  expect(await zk.exists('/config/topics/orders')).toBeNull();
  expect(other.fake.deleted.sort()).toEqual(['orders-0', 'orders-1']);
  await eventually(() => expect(fake.metadata.size).toBe(0));
  expect(test.warnings).toEqual([]);
});

it('takes up topics and partitions that somebody else wrote, and gives topics without an id one', async () => {
  const test = await newTestCluster();
  const { controller, fake } = await test.start(1);
  await eventually(() => expect(controller.isActive).toBe(true));
  const { zk } = test.cluster;
  const write = (partitions: Record<string, number[]>) =>
    Buffer.from(JSON.stringify({ version: 2, partitions, adding_replicas: {}, removing_replicas: {} }));
  await zk.create('/brokers/topics/old', write({ 0: [1] }));
  await eventually(() => expect(fake.metadata.get('old-0')?.leader).toBe(1));
  const { topicId } = (await readTopicAssignments(zk, ['old'])).get('old') ?? {};
  expect(topicId).toHaveLength(22);

  const json = JSON.parse(String((await zk.get('/brokers/topics/old'))?.data)) as { partitions: object };
  const wider = { ...json, partitions: { ...json.partitions, 1: [1] } };
  await zk.set('/brokers/topics/old', Buffer.from(JSON.stringify(wider)), -1);
  await eventually(() => expect(fake.metadata.get('old-1')?.leader).toBe(1));
  expect(test.warnings).toEqual([]);
});

it('hands over within moments of the loss of a session, and the loser comes back as a new incarnation', async () => {
  const test = await newTestCluster();
  const { proxy, zk } = await test.cluster.throughProxy({ sessionTimeoutMs: 1000 });
  const first = await test.start(1, zk);
  await eventually(() => expect(first.controller.isActive).toBe(true));
  const second = await test.start(2);
  // Only a broker that the controller has seen gets into the first isr, and only what is written can be handed over.
  await eventually(() => expect(first.fake.liveBrokers).toEqual([1, 2]));
  await first.controller.createTopics([topic('t', [1, 2])], false);
  await eventually(() => expect(first.fake.metadata.get('t-0')?.leader).toBe(1));
  const epochBefore = first.fake.brokerEpoch;

  proxy.blackHole();
  await eventually(() => expect(second.controller.isActive).toBe(true));
  await eventually(async () => {
    const states = await readPartitionStates(test.cluster.zk, [{ topic: 't', partition: 0 }]);
    expect(states.get('t-0')).toMatchObject({ leader: 2, leaderEpoch: 1, isr: [2], controllerEpoch: 2 });
  });
  proxy.heal();
  await eventually(() => expect(first.controller.isActive).toBe(false));
  await eventually(() => expect(first.fake.brokerEpoch).toBeGreaterThan(epochBefore));
  await eventually(() => expect(first.fake.metadata.get('t-0')?.leader).toBe(2));
  await eventually(() => expect(first.controller.activeControllerId()).toBe(2));
  await expect(first.controller.deleteTopics(['t'])).rejects.toMatchObject({ error: 'NOT_CONTROLLER' });
});

it('refuses the writes of a controller that was deposed and has not heard of it', async () => {
  const test = await newTestCluster();
  const { proxy, zk } = await test.cluster.throughProxy({ sessionTimeoutMs: 10_000 });
  const first = await test.start(1, zk);
  await eventually(() => expect(first.controller.isActive).toBe(true));
  const second = await test.start(2);
  await eventually(() => expect(first.fake.liveBrokers).toEqual([1, 2]));
  // The order waits for the connection when its sender loses the office.
  proxy.refuse();
  const refused = expect(first.controller.createTopics([topic('late', [1])], false)).rejects.toMatchObject({
    error: 'NOT_CONTROLLER',
  });
  await test.cluster.zk.delete('/controller', -1);
  await eventually(() => expect(second.controller.isActive).toBe(true));
  proxy.heal();
  await refused;
  expect(await test.cluster.zk.exists('/brokers/topics/late')).toBeNull();
  expect(await test.cluster.zk.exists('/config/topics/late')).toBeNull();
  await eventually(() => expect(first.controller.isActive).toBe(false));
  expect(await readControllerId(test.cluster.zk)).toBe(2);
});

it('gives a topic that is too large for a znode back to its sender and goes on', async () => {
  const test = await newTestCluster();
  const { controller } = await test.start(1);
  await eventually(() => expect(controller.isActive).toBe(true));
  const huge = { ...topic('huge'), assignments: [], numPartitions: 50_001, replicationFactor: 1 };
  expect((await controller.createTopics([huge], false))[0]).toMatchObject({ error: 'INVALID_PARTITIONS' });
  const long = {
    ...topic('long', [1]),
    configs: [{ name: 'follower.replication.throttled.replicas', value: `${'0:1,'.repeat(300_000)}0:1` }],
  };
  expect((await controller.createTopics([long], false))[0]?.error).toBe('INVALID_REQUEST');
  expect((await controller.createTopics([topic('small', [1])], false))[0]?.error).toBe('NONE');
});

it('moves thousands of partitions without holding up its process for long', { timeout: 120_000 }, async () => {
  const test = await newTestCluster();
  const { controller } = await test.start(1);
  await eventually(() => expect(controller.isActive).toBe(true));
  const second = await test.start(2);
  const third = await test.start(3);
  await eventually(() => expect(third.fake.liveBrokers).toEqual([1, 2, 3]));
  const replicas = Array.from({ length: 1000 }, (_, partition) => (partition % 2 === 0 ? [2, 3] : [3, 2]));
  for (const name of ['a', 'b', 'c']) await controller.createTopics([topic(name, ...replicas)], false);
  await eventually(() => expect(second.fake.metadata.size).toBe(3000));

  await second.controller.stop();
  await second.zk.close();
  await eventually(() => {
    for (const name of ['a', 'b', 'c'])
      for (let partition = 0; partition < 1000; partition += 99)
        expect(third.fake.metadata.get(`${name}-${partition}`)).toMatchObject({ leader: 3, isr: [3] });
  });
  expect(controller.metrics()).toMatchObject({ globalPartitionCount: 3000, offlinePartitionsCount: 0 });
  const states = await readPartitionStates(test.cluster.zk, [{ topic: 'b', partition: 500 }]);
  expect(states.get('b-500')?.leader).not.toBe(NO_LEADER);
  expect(test.warnings).toEqual([]);
});

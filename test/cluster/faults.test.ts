/**
 * What may happen to a cluster while it is written to. In every story an idempotent producer with acks=all goes on
 * writing; afterwards every acknowledged record is read back exactly once, in order, where the acknowledgement said,
 * the replicas hold the same bytes, and nobody had to help.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import type { ClusterOptions, TestCluster } from '../support/cluster.ts';
import { freePort } from '../support/free-port.ts';
import { whenIdentical } from '../support/replicas.ts';
import { type SteadyWriter, startWriter } from '../support/steady-writer.ts';
import { withCluster } from '../support/use-cluster.ts';
import { describePartition, whenControlled, whenFullyReplicated, whenLed } from '../support/wire-client.ts';

const TOPIC = 'torment';
const PARTITIONS = [0, 1, 2];
/** Each partition prefers another leader, so every broker leads one and follows two. */
const ASSIGNMENT = [
  [1, 2, 3],
  [2, 3, 1],
  [3, 1, 2],
];
/** Enough to see that writing goes on, in each partition. */
const BATCHES = 25;

interface Story {
  readonly name: string;
  readonly cluster?: ClusterOptions;
  readonly assignment?: readonly (readonly number[])[];
  /** What is done; when it returns, writing must go on by itself. */
  readonly fault: (cluster: TestCluster, writer: SteadyWriter) => Promise<void>;
  /** Brings back what the fault took, so that all replicas can catch up. */
  readonly heal?: (cluster: TestCluster) => Promise<void>;
}

async function startStopped(cluster: TestCluster): Promise<void> {
  await Promise.all(cluster.brokers.filter(({ isRunning }) => !isRunning).map((broker) => broker.start()));
}

async function restartInTurn(cluster: TestCluster, writer: SteadyWriter): Promise<void> {
  for (const broker of cluster.brokers) {
    await broker.restart();
    await whenFullyReplicated(cluster, TOPIC);
    await writer.advance(5);
  }
}

const STORIES: readonly Story[] = [
  {
    name: 'the leader of a partition is killed',
    fault: async (cluster) => cluster.broker(await whenLed(cluster, TOPIC, 0)).kill(),
    heal: startStopped,
  },
  {
    name: 'the controller is killed',
    fault: async (cluster) => cluster.broker(await whenControlled(cluster)).kill(),
    heal: startStopped,
  },
  {
    name: 'a follower that leads nothing is killed and comes back',
    assignment: [
      [1, 2, 3],
      [3, 2, 1],
      [1, 3, 2],
    ],
    fault: async (cluster, writer) => {
      const follower = cluster.broker(2);
      await follower.kill();
      await writer.advance(BATCHES);
      await follower.start();
      await writer.advance(BATCHES);
      await follower.kill(); // And once more, now that it follows what others have written meanwhile.
    },
    heal: startStopped,
  },
  {
    name: 'two brokers are killed, one after the other, and come back',
    fault: async (cluster, writer) => {
      await cluster.broker(1).kill();
      await writer.advance(BATCHES);
      await cluster.broker(2).kill();
    },
    heal: startStopped,
  },
  {
    name: 'two brokers are killed at the same moment',
    fault: async (cluster) => {
      await Promise.all([cluster.broker(2).kill(), cluster.broker(3).kill()]);
    },
    heal: startStopped,
  },
  {
    name: 'a leader is killed again and again as soon as it is back',
    fault: async (cluster, writer) => {
      for (let round = 0; round < 3; round++) {
        const leader = cluster.broker(await whenLed(cluster, TOPIC, 0));
        await leader.kill();
        await writer.advance(5);
        await leader.start();
        await whenFullyReplicated(cluster, TOPIC);
      }
    },
  },
  {
    name: 'a broker is killed while it starts, later each time',
    fault: async (cluster) => {
      const broker = cluster.broker(1);
      for (const afterMs of [50, 100, 200, 400, 800]) {
        await broker.kill();
        await broker.launch();
        await sleep(afterMs); // How far it has come by then is the machine's business: each moment has to be good.
      }
      await broker.kill();
    },
    heal: startStopped,
  },
  {
    name: 'a leader is frozen past its session and wakes up as if nothing had happened',
    fault: async (cluster, writer) => {
      const leader = cluster.broker(1);
      const { leaderEpoch } = await describePartition(cluster, TOPIC, 0);
      await leader.kill('SIGSTOP');
      await writer.advance(BATCHES);
      await leader.kill('SIGCONT');
      const view = await whenFullyReplicated(cluster, TOPIC);
      expect(view.partitions[0]?.leaderEpoch).toBeGreaterThan(leaderEpoch);
    },
  },
  {
    name: 'the controller is frozen past its session and wakes up as if nothing had happened',
    fault: async (cluster, writer) => {
      const controller = cluster.broker(await whenControlled(cluster));
      await controller.kill('SIGSTOP');
      await writer.advance(BATCHES);
      await controller.kill('SIGCONT');
      await whenControlled(cluster, controller.id);
    },
  },
  {
    name: 'the ZooKeeper server in use is killed, each of an ensemble of three in turn',
    cluster: { zookeeperServers: 3, sessionTimeoutMs: 6000 },
    fault: async (cluster, writer) => {
      for (const server of cluster.zookeeper.servers) {
        await server.kill();
        await writer.advance(BATCHES);
        await server.start();
      }
      expect(cluster.live).toHaveLength(3);
    },
  },
  {
    name: 'a single ZooKeeper is away past all sessions and a leader dies when it is back',
    fault: async (cluster, writer) => {
      const [server] = cluster.zookeeper.servers;
      await server?.kill();
      await sleep(5000); // Longer than the session timeout of 3 s: this is the fault, not a wait for something.
      await server?.start();
      await writer.advance(BATCHES);
      await whenFullyReplicated(cluster, TOPIC);
      await cluster.broker(await whenLed(cluster, TOPIC, 0)).kill();
    },
    heal: startStopped,
  },
  {
    name: 'all brokers are stopped and started again',
    fault: async (cluster) => {
      await Promise.all(cluster.brokers.map((broker) => broker.stop()));
      await startStopped(cluster);
    },
  },
  {
    name: 'all brokers are killed at the same moment and started again',
    fault: async (cluster) => {
      await Promise.all(cluster.brokers.map((broker) => broker.kill()));
      await startStopped(cluster);
    },
  },
  {
    name: 'every broker is restarted in turn, as in an upgrade',
    fault: restartInTurn,
  },
  {
    // As Kafka's documentation has it: first all listen there, then one after the other speaks there.
    name: 'the brokers take to another listener',
    fault: async (cluster, writer) => {
      for (const broker of cluster.brokers) {
        const listeners = `PLAINTEXT://${broker.address},INTERNAL://127.0.0.1:${await freePort()}`;
        broker.override('listeners', listeners);
        broker.override('advertised.listeners', listeners);
        broker.override('listener.security.protocol.map', 'PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT');
        broker.override('inter.broker.listener.name', 'PLAINTEXT');
      }
      await restartInTurn(cluster, writer);
      for (const broker of cluster.brokers) broker.override('inter.broker.listener.name', 'INTERNAL');
      await restartInTurn(cluster, writer);
    },
  },
  {
    name: 'the leader is killed while each acknowledgement waits for the disk (flush.messages=1)',
    cluster: { overrides: { 'log.flush.interval.messages': '1' } },
    fault: async (cluster) => cluster.broker(await whenLed(cluster, TOPIC, 0)).kill(),
    heal: startStopped,
  },
];

it.each(STORIES)('nothing acknowledged is lost when $name', async (story) => {
  const { name, fault, heal, assignment = ASSIGNMENT } = story;
  await withCluster(story.cluster ?? {}, async (cluster) => {
    await createTopic(cluster, TOPIC, { assignment });
    const writer = startWriter(cluster, TOPIC, PARTITIONS);
    await writer.advance(BATCHES);
    const momentMs = performance.now();
    await fault(cluster, writer);
    await writer.advance(BATCHES);
    const silenceMs = Math.round(writer.longestSilenceMs(momentMs));
    await heal?.(cluster);
    await whenFullyReplicated(cluster, TOPIC);
    await writer.advance(BATCHES);
    const problems = await writer.judge();
    console.log(`${name}: first acknowledged write after ${silenceMs} ms; ${writer.acknowledgedCount} records in all`);
    expect(problems).toEqual([]);
    for (const partition of PARTITIONS) await whenIdentical(cluster, TOPIC, partition);
  });
});

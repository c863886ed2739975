/** Leadership, in-sync replicas and what acks=all promises, seen from outside. */
import { existsSync, readdirSync } from 'node:fs';
import { produceV9 } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { createTopic, deleteTopic, kafkaClient, tryCreateTopic, withAdmin } from '../support/admin.ts';
import type { TestCluster } from '../support/cluster.ts';
import { useCluster } from '../support/use-cluster.ts';
import { electLeaders } from '../support/elect-leaders.ts';
import { eventually } from '../support/eventually.ts';
import { whenIdentical } from '../support/replicas.ts';
import { startWriter } from '../support/steady-writer.ts';
import {
  describePartition,
  evenWithErrors,
  readPartition,
  whenControlled,
  whenFullyReplicated,
  whenLed,
  whenWhole,
  withConnection,
} from '../support/wire-client.ts';

const NOT_ENOUGH_REPLICAS = 19;
const ELECTION_NOT_NEEDED = 84;
const PREFERRED_LEADER_NOT_AVAILABLE = 80;
const PREFERRED = 0;
const UNCLEAN = 1;

const cluster = useCluster();

/** Writes one record with acks=all to whoever leads and returns the error code. */
async function produce(on: TestCluster, topic: string, value: string, partition = 0): Promise<number> {
  const leader = await whenLed(on, topic, partition);
  const response = await withConnection(on.broker(leader).address, (connection) =>
    evenWithErrors(produceV9.api.async(connection, -1, 8000, [{ topic, partition, value: Buffer.from(value) }])),
  );
  if (typeof response === 'boolean') throw new Error('no answer');
  return response.responses[0]?.partitionResponses[0]?.errorCode ?? 0;
}

async function valuesOf(on: TestCluster, topic: string): Promise<string[]> {
  return (await readPartition(on, topic, 0)).map(({ value }) => value);
}

async function whenIsr(on: TestCluster, topic: string, expected: readonly number[]): Promise<void> {
  await eventually(async () => {
    const { isr } = await describePartition(on, topic, 0);
    if (isr.toSorted().join(' ') !== expected.join(' ')) throw new Error(`the ISR is ${isr.join(' ')}`);
  });
}

describe('a controlled shutdown', () => {
  it('moves the leaders away first, so that a writer sees no pause', async () => {
    const assignment = [
      [1, 2, 3],
      [1, 3, 2],
      [1, 2, 3],
    ];
    await createTopic(cluster(), 'shutdown', { assignment });
    const writer = startWriter(cluster(), 'shutdown', [0, 1, 2]);
    await writer.advance(10);
    const momentMs = performance.now();
    expect(await cluster().broker(1).stop()).toBe(0);
    for (const partition of [0, 1, 2]) expect(await whenLed(cluster(), 'shutdown', partition)).not.toBe(1);
    await writer.advance(10);
    // A death would be noticed only when the session of 3 s ends; a shutdown that moves leaders does not wait for it.
    console.log(`a controlled shutdown: longest silence ${Math.round(writer.longestSilenceMs(momentMs))} ms`);
    const { leaderEpoch } = await describePartition(cluster(), 'shutdown', 0);
    expect(leaderEpoch).toBeLessThanOrEqual(2);
    await cluster().broker(1).start();
    await whenFullyReplicated(cluster(), 'shutdown');
    expect(await writer.judge()).toEqual([]);
    for (const partition of [0, 1, 2]) await whenIdentical(cluster(), 'shutdown', partition);
  });

  it('writes the mark that spares the next start a recovery', async () => {
    const broker = cluster().broker(3);
    await broker.stop();
    const files = readdirSync(broker.logDirectory);
    expect(files).toContain('.kafka_cleanshutdown');
    expect(files).toContain('meta.properties');
    expect(files).toContain('recovery-point-offset-checkpoint');
    expect(files).toContain('replication-offset-checkpoint');
    expect(files).toContain('log-start-offset-checkpoint');
    await broker.start();
    expect(readdirSync(broker.logDirectory)).not.toContain('.kafka_cleanshutdown');
    await whenWhole(cluster());
  });
});

describe('the preferred leader', () => {
  it('comes back when it is asked for', async () => {
    await createTopic(cluster(), 'preferred', { assignment: [[2, 1, 3]] });
    await cluster().broker(2).stop();
    expect(await whenLed(cluster(), 'preferred', 0)).toBe(1);
    const tooEarly = await electLeaders(cluster(), PREFERRED, 'preferred', 0);
    expect(tooEarly).toBe(PREFERRED_LEADER_NOT_AVAILABLE);
    await cluster().broker(2).start();
    await whenFullyReplicated(cluster(), 'preferred');
    expect((await describePartition(cluster(), 'preferred', 0)).leader).toBe(1);
    expect(await electLeaders(cluster(), PREFERRED, 'preferred', 0)).toBe(0);
    await eventually(async () => (await whenLed(cluster(), 'preferred', 0)) === 2);
    expect(await electLeaders(cluster(), PREFERRED, 'preferred', 0)).toBe(ELECTION_NOT_NEEDED);
    expect(await produce(cluster(), 'preferred', 'under the old leader')).toBe(0);
  });
});

describe('min.insync.replicas', () => {
  it('refuses acks=all while too few replicas are in sync, and accepts again when they are back', async () => {
    await createTopic(cluster(), 'min-isr', { assignment: [[1, 2, 3]], configs: { 'min.insync.replicas': '2' } });
    expect(await produce(cluster(), 'min-isr', 'by three')).toBe(0);
    await cluster().broker(2).kill();
    await whenIsr(cluster(), 'min-isr', [1, 3]);
    expect(await produce(cluster(), 'min-isr', 'by two')).toBe(0);
    await cluster().broker(3).kill();
    await whenIsr(cluster(), 'min-isr', [1]);
    expect(await produce(cluster(), 'min-isr', 'by one')).toBe(NOT_ENOUGH_REPLICAS);
    const producer = kafkaClient(cluster()).producer();
    await producer.connect();
    await producer.send({ topic: 'min-isr', acks: 1, messages: [{ value: 'acks 1 does not ask' }] });
    await producer.disconnect();
    await cluster().broker(2).start();
    await cluster().broker(3).start();
    await whenFullyReplicated(cluster(), 'min-isr');
    expect(await produce(cluster(), 'min-isr', 'by three again')).toBe(0);
    expect(await valuesOf(cluster(), 'min-isr')).toEqual([
      'by three',
      'by two',
      'acks 1 does not ask',
      'by three again',
    ]);
  });
});

describe('a follower that was away', () => {
  it('catches up with all that was written meanwhile and holds the same bytes', async () => {
    await createTopic(cluster(), 'catch-up', { assignment: [[1, 2, 3]], configs: { 'segment.bytes': '100000' } });
    await cluster().broker(3).kill();
    await whenIsr(cluster(), 'catch-up', [1, 2]);
    const producer = kafkaClient(cluster()).producer();
    await producer.connect();
    for (let batch = 0; batch < 100; batch++) {
      const messages = Array.from({ length: 10 }, (_, index) => ({ value: `${batch}:${index}:${'z'.repeat(500)}` }));
      await producer.send({ topic: 'catch-up', acks: -1, messages });
    }
    await producer.disconnect();
    await cluster().broker(3).start();
    await whenFullyReplicated(cluster(), 'catch-up');
    await whenIdentical(cluster(), 'catch-up', 0);
    expect(await valuesOf(cluster(), 'catch-up')).toHaveLength(1000);
  });

  it('drops out of the ISR when it is frozen but not dead, and comes back in', async () => {
    await createTopic(cluster(), 'lagging', { assignment: [[1, 2]] });
    const writer = startWriter(cluster(), 'lagging', [0]);
    await writer.advance(5);
    await cluster().broker(2).kill('SIGSTOP');
    await whenIsr(cluster(), 'lagging', [1]);
    await writer.advance(5);
    await cluster().broker(2).kill('SIGCONT');
    await whenFullyReplicated(cluster(), 'lagging');
    expect(await writer.judge()).toEqual([]);
    await whenIdentical(cluster(), 'lagging', 0, [1, 2]);
    await whenWhole(cluster());
  });
});

describe('an unclean election', () => {
  /** Broker 2 misses a record, then broker 1, the only one that has it, dies. */
  async function loseTheLastInSync(topic: string, configs: Record<string, string>): Promise<void> {
    await createTopic(cluster(), topic, { assignment: [[1, 2]], configs });
    expect(await produce(cluster(), topic, 'both have it')).toBe(0);
    await cluster().broker(2).kill();
    await whenIsr(cluster(), topic, [1]);
    expect(await produce(cluster(), topic, 'only 1 has it')).toBe(0);
    await cluster().broker(1).kill();
    await cluster().broker(2).start();
  }

  it('does not happen by itself: the partition waits for the replica that has everything', async () => {
    await loseTheLastInSync('unclean-refused', {});
    await eventually(async () => (await describePartition(cluster(), 'unclean-refused', 0)).leader === -1);
    await cluster().broker(1).start();
    await whenFullyReplicated(cluster(), 'unclean-refused');
    expect(await valuesOf(cluster(), 'unclean-refused')).toEqual(['both have it', 'only 1 has it']);
    await whenIdentical(cluster(), 'unclean-refused', 0, [1, 2]);
  });

  it('happens when the topic allows it, and the replica that comes back gives up what is gone', async () => {
    await loseTheLastInSync('unclean-allowed', { 'unclean.leader.election.enable': 'true' });
    await eventually(async () => (await whenLed(cluster(), 'unclean-allowed', 0)) === 2);
    expect(await produce(cluster(), 'unclean-allowed', 'written by 2')).toBe(0);
    await cluster().broker(1).start();
    await whenFullyReplicated(cluster(), 'unclean-allowed');
    expect(await valuesOf(cluster(), 'unclean-allowed')).toEqual(['both have it', 'written by 2']);
    await whenIdentical(cluster(), 'unclean-allowed', 0, [1, 2]);
  });

  it('happens when an administrator orders it', async () => {
    await loseTheLastInSync('unclean-ordered', {});
    await eventually(async () => (await describePartition(cluster(), 'unclean-ordered', 0)).leader === -1);
    expect(await electLeaders(cluster(), UNCLEAN, 'unclean-ordered', 0)).toBe(0);
    await eventually(async () => (await whenLed(cluster(), 'unclean-ordered', 0)) === 2);
    await cluster().broker(1).start();
    await whenFullyReplicated(cluster(), 'unclean-ordered');
    expect(await valuesOf(cluster(), 'unclean-ordered')).toEqual(['both have it']);
  });
});

describe('the deletion of a topic', () => {
  function directoriesOf(brokerId: number, topic: string): string[] {
    const directory = cluster().broker(brokerId).logDirectory;
    return existsSync(directory) ? readdirSync(directory).filter((name) => name.startsWith(topic)) : [];
  }

  it('removes it from metadata and from every disk', async () => {
    await createTopic(cluster(), 'doomed', { partitions: 4 });
    expect(await produce(cluster(), 'doomed', 'gone soon')).toBe(0);
    await deleteTopic(cluster(), 'doomed');
    for (const { id } of cluster().brokers) await eventually(() => directoriesOf(id, 'doomed').length === 0);
    await eventually(async () => (await tryCreateTopic(cluster(), 'doomed', { partitions: 1 })) === 0);
    await whenFullyReplicated(cluster(), 'doomed');
    expect(await valuesOf(cluster(), 'doomed')).toEqual([]);
  });

  it('waits for a broker that is down and ends when it is back', async () => {
    await createTopic(cluster(), 'waiting', { partitions: 3 });
    await cluster().broker(3).stop();
    // It may have been the controller, and kafkajs does not ask again when it finds nobody where it was sent.
    await whenControlled(cluster());
    await withAdmin(cluster(), (admin) => admin.deleteTopics({ topics: ['waiting'], timeout: 1000 })).catch(
      (error: Error) => expect(error.message).toMatch(/timed out/i), // It is not over, and that is what it says.
    );
    await cluster().broker(3).start();
    for (const { id } of cluster().brokers) await eventually(() => directoriesOf(id, 'waiting').length === 0);
    await eventually(async () => !(await withAdmin(cluster(), (admin) => admin.listTopics())).includes('waiting'));
  });
});

/** What is committed stays committed, whatever becomes of the broker that coordinates a group. */
import { Partitioners } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeResponse, encodeRequest } from '../../src/protocol/frame.ts';
import { OffsetCommit } from '../../src/protocol/messages/08-offset-commit.ts';
import { OffsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts';
import type { Api, RequestIn, ResponseOut } from '../../src/protocol/schema.ts';
import { createTopic, deleteTopic, kafkaClient } from '../support/admin.ts';
import { eventually } from '../support/eventually.ts';
import { FrameClient } from '../support/frame-client.ts';
import { committedOffsets, coordinatorOf } from '../support/group-watch.ts';
import { OffsetCommitter } from '../support/offset-committer.ts';
import { useCluster, withCluster } from '../support/use-cluster.ts';
import { describeCluster, whenFullyReplicated } from '../support/wire-client.ts';

const OFFSETS_TOPIC = '__consumer_offsets';
const GROUPS = 12;
const COORDINATOR_NOT_AVAILABLE = 15;

const cluster = useCluster({
  overrides: {
    'offsets.topic.replication.factor': '3',
    'offsets.topic.num.partitions': '6',
    'offsets.commit.timeout.ms': '3000',
  },
});

function startCommitters(topic: string): OffsetCommitter[] {
  const committers = Array.from({ length: GROUPS }, (_, index) =>
    new OffsetCommitter(cluster(), `${topic}-group-${index}`, topic).start(),
  );
  onTestFinished(async () => {
    await Promise.all(committers.map((committer) => committer.stop()));
  });
  return committers;
}

/** The broker that coordinates most of the groups. */
async function busiest(committers: readonly OffsetCommitter[]): Promise<number> {
  const counts = new Map<number, number>();
  for (const { group } of committers) {
    const id = await eventually(() => coordinatorOf(cluster(), group));
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one)[0]?.[0] ?? -1;
}

async function judge(committers: readonly OffsetCommitter[]): Promise<void> {
  await Promise.all(committers.map((committer) => committer.stop()));
  expect(committers.flatMap(({ problems }) => problems)).toEqual([]);
  for (const committer of committers) {
    expect(await committer.committed()).toBeGreaterThanOrEqual(committer.acknowledged);
    expect(committer.looks).toBeGreaterThan(10);
  }
  const count = committers.reduce((sum, { acknowledgedCount }) => sum + acknowledgedCount, 0);
  console.info(`${count} commits acknowledged to ${committers.length} groups`);
}

const advance = (committers: readonly OffsetCommitter[], count = 20): Promise<unknown> =>
  Promise.all(committers.map((committer) => committer.advance(count)));

async function makeOffsetsTopic(committers: readonly OffsetCommitter[]): Promise<void> {
  await advance(committers, 1);
  await whenFullyReplicated(cluster(), OFFSETS_TOPIC);
}

describe('committed offsets', () => {
  it('come into a topic that is made when the first group asks for its coordinator', async () => {
    await createTopic(cluster(), 'first');
    const committer = new OffsetCommitter(cluster(), 'first-group', 'first').start();
    onTestFinished(() => committer.stop());
    await committer.advance(1);
    const view = await whenFullyReplicated(cluster(), OFFSETS_TOPIC);
    expect(view.partitions).toHaveLength(6);
    for (const { replicas } of view.partitions) expect(replicas).toHaveLength(3);
    expect(new Set(view.partitions.map(({ leader }) => leader))).toEqual(new Set([1, 2, 3]));
    await committer.stop();
  });

  it('do not go back when the coordinator is killed with commits in flight, again and again', async () => {
    await createTopic(cluster(), 'killed');
    const committers = startCommitters('killed');
    await makeOffsetsTopic(committers);
    for (let round = 0; round < 3; round++) {
      await advance(committers);
      const victim = cluster().broker(await busiest(committers));
      await victim.kill('SIGKILL');
      await advance(committers);
      await victim.start();
      await whenFullyReplicated(cluster(), OFFSETS_TOPIC);
    }
    await judge(committers);
  });

  it('do not go back when the coordinator is asked to stop', async () => {
    await createTopic(cluster(), 'stopped');
    const committers = startCommitters('stopped');
    await makeOffsetsTopic(committers);
    await advance(committers);
    const victim = cluster().broker(await busiest(committers));
    expect(await victim.stop()).toBe(0);
    await advance(committers);
    await victim.start();
    await whenFullyReplicated(cluster(), OFFSETS_TOPIC);
    await judge(committers);
  });

  it('of a coordinator that was frozen are not acknowledged by it when another has taken over', async () => {
    await createTopic(cluster(), 'frozen');
    const committers = startCommitters('frozen');
    await makeOffsetsTopic(committers);
    await advance(committers);
    const id = await busiest(committers);
    const victim = cluster().broker(id);
    await victim.kill('SIGSTOP');
    await advance(committers);
    await victim.kill('SIGCONT');
    await advance(committers);
    await whenFullyReplicated(cluster(), OFFSETS_TOPIC);
    await judge(committers);
  });

  it('survive the end of all brokers', async () => {
    await createTopic(cluster(), 'all-gone');
    const committers = startCommitters('all-gone');
    await makeOffsetsTopic(committers);
    await advance(committers);
    await Promise.all(committers.map((committer) => committer.stop()));
    await Promise.all(cluster().brokers.map((broker) => broker.stop()));
    await Promise.all(cluster().brokers.map((broker) => broker.start()));
    await whenFullyReplicated(cluster(), OFFSETS_TOPIC);
    for (const committer of committers) {
      const committed = await committer.committed();
      expect(committed).toBeGreaterThanOrEqual(committer.acknowledged);
      expect(committer.problems).toEqual([]);
    }
  });

  it('go with the topic that they are of', async () => {
    await createTopic(cluster(), 'deleted');
    const committers = startCommitters('deleted');
    await advance(committers, 1);
    await Promise.all(committers.map((committer) => committer.stop()));
    await deleteTopic(cluster(), 'deleted');
    await eventually(() => createTopic(cluster(), 'deleted')); // The name may be taken until the last log is gone.
    for (const { group } of committers)
      await eventually(async () => (await committedOffsets(cluster(), group)).size === 0);
  });
});

describe('a consumer of before Kafka 0.9', () => {
  it('has its offsets in ZooKeeper, whichever broker it asks', async () => {
    await createTopic(cluster(), 'ancient');
    const ask = async <A extends Api>(id: number, api: A, request: RequestIn<A>): Promise<ResponseOut<A>> => {
      const client = await FrameClient.connect(cluster().broker(id).port);
      client.send(encodeRequest(api, 0, 1, 'ancient', request).subarray(4));
      await client.whenFrames(1);
      client.close();
      return decodeResponse(api, 0, client.frames[0] ?? Buffer.alloc(0)).response;
    };
    const partitions = [{ partitionIndex: 0, committedOffset: 41, committedMetadata: '' }];
    const committed = await ask(1, OffsetCommit, { groupId: 'old', topics: [{ name: 'ancient', partitions }] });
    expect(committed.topics[0]?.partitions).toEqual([{ partitionIndex: 0, errorCode: 0 }]);
    const asked = { groupId: 'old', topics: [{ name: 'ancient', partitionIndexes: [0] }] };
    const fetched = await ask(2, OffsetFetch, asked);
    expect(fetched.topics[0]?.partitions).toMatchObject([{ partitionIndex: 0, committedOffset: 41, errorCode: 0 }]);
    const climbing = await ask(3, OffsetFetch, { ...asked, groupId: '../../brokers' });
    const [refused] = climbing.topics[0]?.partitions ?? [];
    expect(refused?.committedOffset).toBe(-1);
    expect(refused?.errorCode).not.toBe(0);
  });
});

describe('the offsets topic', () => {
  it('is no place for the records of clients', async () => {
    await eventually(() => coordinatorOf(cluster(), 'any'));
    const producer = kafkaClient(cluster(), { retries: 0 }).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const sent = producer.send({ topic: OFFSETS_TOPIC, messages: [{ key: 'a', value: 'b' }] });
    await expect(sent).rejects.toMatchObject({ type: 'INVALID_TOPIC_EXCEPTION' });
    await producer.disconnect();
  });

  it('is not made while fewer brokers live than it shall have replicas', async () => {
    await withCluster({ brokers: 1, overrides: { 'offsets.topic.replication.factor': '3' } }, async (one) => {
      const committer = new OffsetCommitter(one, 'lonely-group', 'lonely').start();
      onTestFinished(() => committer.stop());
      await eventually(() => String(committer.lastError).includes(`no coordinator: ${COORDINATOR_NOT_AVAILABLE}`));
      expect((await describeCluster(one.broker(1).address)).topics).toEqual([]);
      await committer.stop();
    });
  });
});

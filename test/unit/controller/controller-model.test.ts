/**
 * Whatever happens, and in whatever order: brokers die, bounce and shut down, sessions expire, /controller is deleted
 * by hand, replies are lost, leaders propose true and stale ISRs, topics come and go. What is written to ZooKeeper
 * and what brokers are told must keep the rules at every moment, and when peace returns the cluster must come to
 * agree.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ELECTION_TYPE } from '../../../src/controller/state-changes.ts';
import { LeaderRecoveryState, NO_LEADER } from '../../../src/model/leader-and-isr.ts';
import { KafkaError } from '../../../src/protocol/errors.ts';
import { type PartitionState, TopicPartitionStateZnode, TopicZnode } from '../../../src/zk/znodes.ts';
import { ControlledCluster } from '../../support/controlled-cluster.ts';

const BROKERS = [1, 2, 3, 4];
const TOPICS = ['clean', 'unclean'];
const REPLICAS = [
  [1, 2, 3],
  [2, 3, 4],
  [4, 1],
];
const STATE_PATH = /^\/brokers\/topics\/([^/]+)\/partitions\/(\d+)\/state$/;

type Action =
  | { kind: 'start' | 'kill' | 'bounce' | 'shutdown' | 'expire' | 'slow watches'; broker: number }
  | { kind: 'lose replies' | 'cut off'; broker: number; count: number }
  | { kind: 'isr'; topic: number; partition: number; isr: number[]; staleness: number }
  | { kind: 'create' | 'delete'; topic: number }
  | { kind: 'elect'; unclean: boolean }
  | { kind: 'delete controller' | 'quiet' }
  | { kind: 'turns' | 'time'; count: number };

const broker = fc.constantFrom(...BROKERS);
const topic = fc.nat(TOPICS.length - 1);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('start' as const, 'kill' as const), broker }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('bounce' as const, 'shutdown' as const), broker }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('expire' as const, 'slow watches' as const), broker }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('lose replies' as const, 'cut off' as const),
      broker,
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('isr' as const),
      topic,
      partition: fc.nat(REPLICAS.length - 1),
      isr: fc.subarray(BROKERS),
      staleness: fc.nat(7),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('create' as const), topic }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), topic }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('elect' as const), unclean: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('delete controller' as const, 'quiet' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('turns' as const, 'time' as const),
      count: fc.integer({ min: 1, max: 12 }),
    }),
  },
);

/** The rules, over the history of each partition's state. */
class Judge {
  readonly #cluster: ControlledCluster;
  readonly #states = new Map<string, PartitionState>();
  readonly #leaders = new Map<string, number>();
  #read = 0;
  /** Somebody asked for unclean elections of all topics: from then on they are allowed. */
  isUncleanAllowed = false;
  /** Brokers that announced their end: they do end. */
  readonly doomed = new Set<number>();

  constructor(cluster: ControlledCluster) {
    this.#cluster = cluster;
  }

  check(): void {
    const { history } = this.#cluster.zk;
    for (; this.#read < history.length; this.#read++) {
      const entry = history[this.#read];
      const [, name = '', number = ''] = STATE_PATH.exec(entry?.path ?? '') ?? [];
      if (entry === undefined || name === '') continue;
      const partition = Number(number);
      const state = TopicPartitionStateZnode.decode(name, partition, entry.data, entry.version);
      this.#checkState(name, partition, state);
      this.#states.set(`${name}-${partition}`, state);
    }
    this.#checkBrokers();
  }

  #checkState(name: string, partition: number, state: PartitionState): void {
    const where = `${name}-${partition} ${JSON.stringify(state)}`;
    expect(state.isr.length, where).toBeGreaterThan(0);
    expect(new Set(state.isr).size, where).toBe(state.isr.length);
    expect(
      state.isr.every((id) => REPLICAS[partition]?.includes(id)),
      where,
    ).toBe(true);
    if (state.leader !== NO_LEADER) expect(state.isr, where).toContain(state.leader);
    if (state.leaderRecoveryState === LeaderRecoveryState.RECOVERING) expect(state.isr.length, where).toBe(1);
    const before = this.#states.get(`${name}-${partition}`);
    if (state.partitionEpoch === 0 || before === undefined) return;
    const change = `${where} after ${JSON.stringify(before)}`;
    expect(state.partitionEpoch, change).toBe(before.partitionEpoch + 1);
    expect(state.controllerEpoch, change).toBeGreaterThanOrEqual(before.controllerEpoch);
    expect(state.leaderEpoch - before.leaderEpoch, change).toBeGreaterThanOrEqual(0);
    expect(state.leaderEpoch - before.leaderEpoch, change).toBeLessThanOrEqual(1);
    if (state.leader !== before.leader) expect(state.leaderEpoch, change).toBe(before.leaderEpoch + 1);
    const isClean = state.leader === NO_LEADER || before.isr.includes(state.leader);
    if (isClean) return;
    expect(name === 'unclean' || this.isUncleanAllowed, change).toBe(true);
    expect(state.leaderRecoveryState, change).toBe(LeaderRecoveryState.RECOVERING);
  }

  /** No two brokers were ever told of different leaders for one leader epoch. */
  #checkBrokers(): void {
    for (const fake of this.#cluster.brokers.values())
      for (const [key, { topicId, state }] of fake.hosted) {
        if (state.leader === NO_LEADER) continue;
        const claim = `${topicId} ${key} ${state.leaderEpoch}`;
        const known = this.#leaders.get(claim) ?? state.leader;
        expect(state.leader, claim).toBe(known);
        this.#leaders.set(claim, known);
      }
  }
}

/** A refusal is an answer; whoever is not there cannot answer. */
async function ask(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof KafkaError) && !String(error).includes('SESSION_EXPIRED')) throw error;
  }
}

async function act(cluster: ControlledCluster, judge: Judge, step: Action, pending: Promise<void>[]): Promise<void> {
  const controller = cluster.active?.controller;
  const request = (work: () => Promise<unknown>): void => {
    pending.push(ask(work));
  };
  switch (step.kind) {
    case 'start':
      if (!cluster.nodes.has(step.broker)) await cluster.start(step.broker);
      return;
    case 'kill':
      return cluster.kill(step.broker);
    case 'bounce':
      if (cluster.active !== undefined && cluster.active.brokerId !== step.broker) await cluster.bounce(step.broker);
      return;
    case 'shutdown':
      judge.doomed.add(step.broker);
      return request(async () => controller?.controlledShutdown(step.broker, cluster.brokerEpoch(step.broker)));
    case 'expire': {
      const node = cluster.nodes.get(step.broker);
      node?.zk.expire();
      node?.zk.reconnect();
      return;
    }
    case 'slow watches': {
      const zk = cluster.nodes.get(step.broker)?.zk;
      if (zk === undefined) return;
      if (zk.holdsWatches) zk.releaseWatches();
      else zk.holdsWatches = true;
      return;
    }
    case 'lose replies':
      cluster.fake(step.broker).lostReplies = step.count;
      return;
    case 'cut off':
      cluster.fake(step.broker).isReachable = !cluster.fake(step.broker).isReachable;
      return;
    case 'isr':
      return request(async () => proposeIsr(cluster, step));
    case 'create':
      return request(async () => createTopic(cluster, TOPICS[step.topic] ?? ''));
    case 'delete':
      return request(async () => controller?.deleteTopics([TOPICS[step.topic] ?? '']));
    case 'elect':
      judge.isUncleanAllowed ||= step.unclean;
      return request(async () =>
        controller?.electLeaders(null, step.unclean ? ELECTION_TYPE.UNCLEAN : ELECTION_TYPE.PREFERRED),
      );
    case 'delete controller':
      if (cluster.zk.read('/controller') !== null) await cluster.client().delete('/controller', -1);
      return;
    case 'quiet':
      return cluster.quiet();
    case 'turns':
      for (let turn = 0; turn < step.count; turn++) await new Promise((resolve) => setImmediate(resolve));
      return;
    case 'time':
      return cluster.clock.advance(step.count * 200);
  }
}

/** As the leader knows it, or off by one epoch, version or incarnation. */
async function proposeIsr(cluster: ControlledCluster, step: Extract<Action, { kind: 'isr' }>): Promise<void> {
  const name = TOPICS[step.topic] ?? '';
  const state = cluster.partitionState(name, step.partition);
  const content = cluster.zk.read(TopicZnode.path(name));
  if (state === null || content === null) return;
  const { topicId } = TopicZnode.decode(name, content.data);
  const isr = step.staleness === 0 ? step.isr : [...new Set([state.leader, ...step.isr])];
  await cluster.active?.controller.alterPartition({
    brokerId: state.leader,
    brokerEpoch: cluster.brokerEpoch(state.leader) - (step.staleness === 1 ? 1 : 0),
    topics: [
      {
        topicId: topicId ?? '',
        partitions: [
          {
            partitionIndex: step.partition,
            leaderEpoch: state.leaderEpoch - (step.staleness === 2 ? 1 : 0),
            partitionEpoch: state.partitionEpoch - (step.staleness === 3 ? 1 : 0),
            leaderRecoveryState: LeaderRecoveryState.RECOVERED,
            newIsr: isr.map((id) => ({
              brokerId: id,
              brokerEpoch: cluster.brokerEpoch(id) - (step.staleness === 4 ? 1 : 0),
            })),
          },
        ],
      },
    ],
  });
}

async function createTopic(cluster: ControlledCluster, name: string): Promise<void> {
  const configs = [{ name: 'unclean.leader.election.enable', value: String(name === 'unclean') }];
  const assignments = REPLICAS.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }));
  const sameSize = assignments.map(({ partitionIndex, brokerIds }) => ({
    partitionIndex,
    brokerIds: brokerIds.slice(0, 2),
  }));
  const topic = { name, numPartitions: -1, replicationFactor: -1, configs, assignments: sameSize };
  await cluster.active?.controller.createTopics([topic], false);
}

/** All brokers are back and can be reached, all watches are delivered, and time goes by. */
async function heal(cluster: ControlledCluster, doomed: ReadonlySet<number>): Promise<void> {
  for (const id of doomed) cluster.kill(id);
  for (const id of BROKERS) {
    const node = cluster.nodes.get(id) ?? (await cluster.start(id));
    node.zk.releaseWatches();
    cluster.fake(id).isReachable = true;
    cluster.fake(id).lostReplies = 0;
  }
  await cluster.quiet();
  await cluster.pass(12_000, 500);
}

function expectAgreement(cluster: ControlledCluster): void {
  expect([...cluster.nodes.values()].filter(({ controller }) => controller.isActive)).toHaveLength(1);
  expect(cluster.zk.list('/admin/delete_topics')).toEqual([]);
  const hosted = new Map(BROKERS.map((id) => [id, new Set(cluster.fake(id).hosted.keys())]));
  for (const { topic: name, partition } of cluster.partitions()) {
    const key = `${name}-${partition}`;
    const state = cluster.partitionState(name, partition);
    expect(state?.leader, key).not.toBe(NO_LEADER);
    for (const id of BROKERS) {
      const { leader, leaderEpoch, isr } = state ?? {};
      expect(cluster.fake(id).metadata.get(key), `${key} on ${id}`).toEqual({ leader, leaderEpoch, isr });
      const replica = cluster.fake(id).hosted.get(key);
      const isReplica = REPLICAS[partition]?.slice(0, 2).includes(id) ?? false;
      expect(replica !== undefined, `${key} on ${id}`).toBe(isReplica);
      if (isReplica) expect(replica?.state.leaderEpoch, `${key} on ${id}`).toBe(leaderEpoch);
      hosted.get(id)?.delete(key);
    }
  }
  for (const [id, rest] of hosted) expect([...rest], `left on ${id}`).toEqual([]);
}

describe('the controllers of a cluster', () => {
  it('keep the rules of leadership whatever happens, and agree when peace returns', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
        const cluster = await ControlledCluster.create();
        const judge = new Judge(cluster);
        const pending: Promise<void>[] = [];
        try {
          for (const id of [1, 2, 3]) await cluster.start(id);
          await cluster.quiet();
          for (const name of TOPICS) await createTopic(cluster, name);
          for (const step of steps) {
            await act(cluster, judge, step, pending);
            judge.check();
          }
          await heal(cluster, judge.doomed);
          await Promise.all(pending);
          judge.check();
          expectAgreement(cluster);
        } finally {
          await cluster.close();
        }
      }),
      { numRuns: Number(process.env['RUNS'] ?? 100) },
    );
  });
});

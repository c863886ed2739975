/**
 * The controllers of a whole cluster over one ZooKeeper in memory, with brokers that only take note of what they are
 * told. Time stands still unless the test moves it.
 */
import { type BrokerConfig, brokerConfigFrom } from '../../src/config/broker-config.ts';
import { Controller } from '../../src/controller/controller.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Random } from '../../src/lib/random.ts';
import type { TopicPartition } from '../../src/model/topic-partition.ts';
import { ensurePersistentPaths } from '../../src/zk/bootstrap.ts';
import { registerBroker } from '../../src/zk/brokers.ts';
import { ClusterIdZnode, type PartitionState, TopicPartitionStateZnode } from '../../src/zk/znodes.ts';
import { FakeBroker } from './fake-broker.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryZooKeeper, type MemoryZooKeeperClient } from './memory-zookeeper.ts';

export interface ClusterNode {
  readonly brokerId: number;
  readonly zk: MemoryZooKeeperClient;
  readonly controller: Controller;
}

const CLUSTER_ID = 'vPeOCWypqUOSepEvx0cbog';
/** Rounds of the event loop without anything going on that count as quiet. */
const QUIET_TURNS = 12;
const MAX_TURNS = 20_000;

export class ControlledCluster {
  readonly zk = new MemoryZooKeeper();
  readonly clock = new ManualClock();
  readonly brokers = new Map<number, FakeBroker>();
  readonly nodes = new Map<number, ClusterNode>();
  readonly #clients: MemoryZooKeeperClient[] = [];
  readonly config: BrokerConfig;
  readonly #random: Random;
  readonly #racks = new Map<number, string>();

  private constructor(settings: Readonly<Record<string, string>>) {
    this.config = brokerConfigFrom({
      'zookeeper.connect': 'localhost:2181',
      'broker.id': '1',
      'auto.leader.rebalance.enable': 'false',
      ...settings,
    });
    let drawn = 0;
    this.#random = {
      int: (bound) => drawn++ % bound,
      bytes: (length) => {
        const bytes = Buffer.alloc(length);
        bytes.writeUInt32BE(++drawn, 1);
        return bytes;
      },
    };
  }

  static async create(settings: Readonly<Record<string, string>> = {}): Promise<ControlledCluster> {
    const cluster = new ControlledCluster(settings);
    const founder = cluster.client();
    await ensurePersistentPaths(founder);
    await founder.createRecursive('/cluster');
    await founder.create(ClusterIdZnode.path, ClusterIdZnode.encode(CLUSTER_ID));
    return cluster;
  }

  /** A client that nobody else uses, as that of a tool. */
  client(): MemoryZooKeeperClient {
    const client = this.zk.client();
    this.#clients.push(client);
    return client;
  }

  setRack(brokerId: number, rack: string): void {
    this.#racks.set(brokerId, rack);
  }

  fake(brokerId: number): FakeBroker {
    const broker = this.brokers.get(brokerId) ?? new FakeBroker(brokerId);
    this.brokers.set(brokerId, broker);
    return broker;
  }

  /** Registers the broker and lets it contend for the office. */
  async start(brokerId: number): Promise<ClusterNode> {
    const zk = this.client();
    this.fake(brokerId).restart();
    const register = () => this.#register(brokerId, zk);
    await register();
    const controller = new Controller({
      brokerId,
      clusterId: CLUSTER_ID,
      config: this.config,
      zk,
      connect: (broker) => this.fake(broker.brokerId).connect(),
      clock: this.clock,
      random: this.#random,
      logger: silentLogger,
      registerBroker: register,
    });
    controller.start();
    const node = { brokerId, zk, controller };
    this.nodes.set(brokerId, node);
    this.fake(brokerId).isReachable = true;
    return node;
  }

  async #register(brokerId: number, zk: MemoryZooKeeperClient): Promise<void> {
    const endpoints = [
      { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT' as const, host: 'localhost', port: 9000 + brokerId },
    ];
    const registration = { endpoints, rack: this.#racks.get(brokerId) ?? null };
    const context = { clock: this.clock, logger: silentLogger };
    const brokerEpoch = await registerBroker(zk, brokerId, registration, context);
    this.fake(brokerId).brokerEpoch = brokerEpoch;
  }

  /** The process is gone and its session has expired. */
  kill(brokerId: number): void {
    const node = this.nodes.get(brokerId);
    if (node === undefined) return;
    this.nodes.delete(brokerId);
    this.fake(brokerId).isReachable = false;
    node.zk.expire();
    void node.controller.stop();
  }

  /** Gone and back before the controller could look. */
  async bounce(brokerId: number): Promise<void> {
    const active = this.active;
    if (active === undefined || active.brokerId === brokerId)
      throw new Error('the controller itself cannot bounce unseen');
    active.zk.holdsWatches = true;
    this.kill(brokerId);
    await this.start(brokerId);
    active.zk.releaseWatches();
  }

  get active(): ClusterNode | undefined {
    return [...this.nodes.values()].find(({ controller }) => controller.isActive);
  }

  get controller(): Controller {
    const { active } = this;
    if (active === undefined) throw new Error('there is no controller');
    return active.controller;
  }

  brokerEpoch(brokerId: number): number {
    return this.fake(brokerId).brokerEpoch;
  }

  partitionState(topic: string, partition: number): PartitionState | null {
    const content = this.zk.read(TopicPartitionStateZnode.path(topic, partition));
    return content === null
      ? null
      : TopicPartitionStateZnode.decode(topic, partition, content.data, content.stat.version);
  }

  /** Every partition that has a state, sorted. */
  partitions(): TopicPartition[] {
    return (this.zk.list('/brokers/topics') ?? []).sort().flatMap((topic) =>
      (this.zk.list(`/brokers/topics/${topic}/partitions`) ?? [])
        .map(Number)
        .sort((a, b) => a - b)
        .map((partition) => ({ topic, partition })),
    );
  }

  /** Resolves when nothing goes on any more; whatever waits for a timer waits still. */
  async quiet(): Promise<void> {
    let quietTurns = 0;
    for (let turn = 0; turn < MAX_TURNS && quietTurns < QUIET_TURNS; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      quietTurns = this.#isBusy() ? 0 : quietTurns + 1;
    }
    if (quietTurns < QUIET_TURNS) throw new Error('the cluster does not come to rest');
  }

  #isBusy(): boolean {
    return (
      this.#clients.some(({ inFlight }) => inFlight > 0) ||
      [...this.brokers.values()].some(({ inFlight }) => inFlight > 0)
    );
  }

  /** Lets time go by, in steps, so that what waits for a pause goes on. */
  async pass(durationMs: number, stepMs = 250): Promise<void> {
    for (let passed = 0; passed < durationMs; passed += stepMs) {
      this.clock.advance(Math.min(stepMs, durationMs - passed));
      await this.quiet();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.nodes.values()].map(({ controller }) => controller.stop()));
  }
}

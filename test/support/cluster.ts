/**
 * A real cluster for a test: ZooKeeper and brokers as processes on free ports with their data in a temporary folder.
 *
 * Whatever happens, nothing is left running. When a test fails, the brokers' last log lines are printed. When the
 * cluster is closed, a broker that died unasked or logged a fault of its own fails the test too. KEEP=1 keeps the
 * folder.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { BrokerProcess } from './broker-process.ts';
import { type Ensemble, startEnsemble } from './ensemble.ts';
import { freePort } from './free-port.ts';
import { type Implementation, implementationUnderTest, type RuntimeArguments } from './implementation.ts';
import { whenWhole } from './wire-client.ts';

export interface ClusterOptions {
  readonly brokers?: number;
  readonly zookeeperServers?: 1 | 3;
  /** Properties of every broker, over those that keep the tests quick. */
  readonly overrides?: Readonly<Record<string, string>>;
  readonly implementation?: Implementation;
  readonly tickTimeMs?: number;
  readonly sessionTimeoutMs?: number;
  readonly runtime?: RuntimeArguments;
}

/** Kafka's defaults are made for production; these make failures visible within seconds. */
const QUICK: Readonly<Record<string, string>> = {
  'replica.lag.time.max.ms': '4000',
  'replica.fetch.wait.max.ms': '100',
  'replica.fetch.backoff.ms': '100',
  'replica.socket.timeout.ms': '3000',
  'controller.socket.timeout.ms': '3000',
  'controlled.shutdown.retry.backoff.ms': '200',
  'auto.create.topics.enable': 'false',
  'auto.leader.rebalance.enable': 'false',
  'num.partitions': '1',
  'default.replication.factor': '1',
  'offsets.topic.replication.factor': '1',
  'group.initial.rebalance.delay.ms': '0',
  'log.segment.delete.delay.ms': '1000',
};

export class TestCluster {
  readonly zookeeper: Ensemble;
  readonly brokers: readonly BrokerProcess[];
  readonly directory: string;

  constructor(directory: string, zookeeper: Ensemble, brokers: readonly BrokerProcess[]) {
    this.directory = directory;
    this.zookeeper = zookeeper;
    this.brokers = brokers;
  }

  /** host:port of every broker, as clients take it. */
  get bootstrap(): string {
    return this.addresses.join(',');
  }

  get addresses(): string[] {
    return this.brokers.map((broker) => broker.address);
  }

  get live(): BrokerProcess[] {
    return this.brokers.filter((broker) => broker.isLive);
  }

  broker(id: number): BrokerProcess {
    const broker = this.brokers.find((candidate) => candidate.id === id);
    if (broker === undefined) throw new Error(`there is no broker ${id}`);
    return broker;
  }

  /** The last log lines of every broker, for a person who looks for the reason of a failure. */
  report(): string {
    return this.brokers
      .map((broker) => `=== broker ${broker.id} (${broker.isRunning ? 'running' : 'down'})\n${broker.tail()}`)
      .join('\n');
  }

  /** Wakes and starts what a failed test left frozen or dead. */
  async repair(): Promise<void> {
    for (const broker of this.brokers) {
      await broker.kill('SIGCONT');
      if (!broker.isRunning) await broker.start();
    }
    await whenWhole(this);
  }

  /** Ends everything. Throws when a broker had a fault that no test asked for. */
  async close(): Promise<void> {
    const faults = this.brokers.flatMap((broker) => broker.faults);
    try {
      await Promise.all(this.brokers.map((broker) => broker.close()));
    } finally {
      await this.zookeeper.close();
      if (process.env['KEEP'] === undefined) rmSync(this.directory, { recursive: true, force: true });
    }
    if (faults.length > 0) throw new Error(`faults in the brokers:\n${faults.join('\n')}`);
  }
}

export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const directory = mkdtempSync(path.join(tmpdir(), `barnabas-${process.pid}-`));
  const zookeeper = await startEnsemble(directory, options.zookeeperServers ?? 1, options.tickTimeMs ?? 300);
  const ids = Array.from({ length: options.brokers ?? 3 }, (_, index) => index + 1);
  const brokers = await Promise.all(
    ids.map(async (id) => newBroker(id, await freePort(), path.join(directory, `broker-${id}`), zookeeper, options)),
  );
  const cluster = new TestCluster(directory, zookeeper, brokers);
  try {
    await Promise.all(brokers.map((broker) => broker.start()));
    await whenWhole(cluster);
  } catch (error) {
    console.error(cluster.report());
    await cluster.close();
    throw error;
  }
  return cluster;
}

function newBroker(
  id: number,
  port: number,
  directory: string,
  zookeeper: Ensemble,
  options: ClusterOptions,
): BrokerProcess {
  mkdirSync(directory, { recursive: true });
  const properties = new Map(
    Object.entries({
      'broker.id': String(id),
      listeners: `PLAINTEXT://127.0.0.1:${port}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'zookeeper.connect': `${zookeeper.connectString}/barnabas`,
      'zookeeper.session.timeout.ms': String(options.sessionTimeoutMs ?? 3000),
      'zookeeper.connection.timeout.ms': '20000',
      ...QUICK,
      ...options.overrides,
    }),
  );
  const implementation = options.implementation ?? implementationUnderTest();
  return new BrokerProcess({
    id,
    port,
    directory,
    implementation,
    properties,
    ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
  });
}

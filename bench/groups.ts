/** What consumer groups cost their coordinator: time until all have their share, CPU and memory. */
import { createTopic } from '../test/support/admin.ts';
import { startCluster, type TestCluster } from '../test/support/cluster.ts';
import { eventually } from '../test/support/eventually.ts';
import { coordinatorOf } from '../test/support/group-watch.ts';
import type { Implementation } from '../test/support/implementation.ts';
import { median } from './at-rest.ts';
import { BenchMember } from './group-member.ts';
import { cpuSeconds, memoryMb } from './process-stat.ts';
import { RUNTIME } from './runtime.ts';

type Row = Record<string, string | number>;

/** A member learns of a rebalance by its heartbeat; Kafka's default is 3 s, which would hide everything else. */
const HEARTBEAT_MS = 500;
const TOPIC = 'grouped';
const PARTITIONS = 100;
const REBALANCE_TIMEOUT_MS = 120_000;

interface Plan {
  readonly groups: number;
  readonly members: number;
}

/** Many small groups, then one large one, each on a broker of its own. */
export async function measureGroups(implementation: Implementation): Promise<Row[]> {
  const rows: Row[] = [];
  for (const plan of [
    { groups: 100, members: 10 },
    { groups: 1, members: 100 },
  ])
    rows.push(await measurePlan(implementation, plan));
  return rows;
}

async function measurePlan(implementation: Implementation, plan: Plan): Promise<Row> {
  const cluster = await startCluster({ brokers: 1, implementation, runtime: RUNTIME });
  const broker = cluster.broker(1);
  try {
    await createTopic(cluster, TOPIC, { partitions: PARTITIONS, replicationFactor: 1 });
    const names = Array.from({ length: plan.groups }, (_, index) => `bench-${index}`);
    await whenCoordinated(cluster, names);
    const before = memoryMb(broker.pid);
    const groups = names.map((name) => new MeasuredGroup(cluster, name));
    const cpuBefore = cpuSeconds(broker.pid);
    const joins = await Promise.all(groups.map((group) => group.grow(plan.members)));
    const rebalances = await Promise.all(groups.map((group) => group.grow(1)));
    const cpu = cpuSeconds(broker.pid) - cpuBefore;
    const after = memoryMb(broker.pid);
    const leaves = await Promise.all(groups.map((group) => group.shrink()));
    await Promise.all(groups.map((group) => group.close()));
    return {
      implementation,
      groups: plan.groups,
      members: plan.members,
      'all join ms median': median(joins),
      'max ms': Math.round(Math.max(...joins)),
      'one more ms median': median(rebalances),
      'max ms ': Math.round(Math.max(...rebalances)),
      'one less ms median': median(leaves),
      'broker CPU s': cpu.toFixed(2),
      'RSS MB before': before.rss,
      after: after.rss,
    };
  } finally {
    await cluster.close();
  }
}

async function whenCoordinated(cluster: TestCluster, names: readonly string[]): Promise<void> {
  await eventually(async () => {
    for (const name of names) if ((await coordinatorOf(cluster, name)) !== 1) return false;
    return true;
  });
}

/** A group whose members tell when they have their share of a generation. */
class MeasuredGroup {
  readonly #cluster: TestCluster;
  readonly #name: string;
  readonly #members: BenchMember[] = [];
  /** How many members have their share, by generation. */
  readonly #settled = new Map<number, number>();

  constructor(cluster: TestCluster, name: string) {
    this.#cluster = cluster;
    this.#name = name;
  }

  /** Adds members and resolves to the milliseconds until everybody has a share in the same generation. */
  async grow(count: number): Promise<number> {
    const [host = '', port = ''] = this.#cluster.broker(1).address.split(':');
    const startedAt = performance.now();
    const settings = { group: this.#name, topic: TOPIC, partitions: PARTITIONS, heartbeatMs: HEARTBEAT_MS };
    const starting = Array.from({ length: count }, () =>
      BenchMember.start({ host, port: Number(port) }, settings, (generation) =>
        this.#settled.set(generation, (this.#settled.get(generation) ?? 0) + 1),
      ),
    );
    this.#members.push(...(await Promise.all(starting)));
    await this.#whenSettled();
    return performance.now() - startedAt;
  }

  /** One leaves; the same for the others. */
  async shrink(): Promise<number> {
    const member = this.#members.pop();
    if (member === undefined) throw new Error('nobody is left');
    const before = this.#lastGeneration;
    await member.leave();
    const startedAt = performance.now();
    await this.#whenSettled(before);
    return performance.now() - startedAt;
  }

  get #lastGeneration(): number {
    return Math.max(-1, ...this.#settled.keys());
  }

  async #whenSettled(after = -1): Promise<void> {
    await eventually(
      () => {
        const last = this.#lastGeneration;
        return last > after && this.#settled.get(last) === this.#members.length;
      },
      { intervalMs: 5, timeoutMs: REBALANCE_TIMEOUT_MS, what: `the shares of ${this.#name}` },
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.leave()));
  }
}

/**
 * The life of a consumer group, told with any client: members join, leave, are killed and frozen, the topic grows, a
 * member with another subscription comes, the coordinator dies. The watch looks on all the time; at the end the group
 * must have processed every record at least once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createPartitionsV3 } from '@platformatic/kafka';
import { onTestFailed, onTestFinished } from 'vitest';
import { createTopic } from './admin.ts';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { type GroupClient, GroupMember, type MemberSettings } from './group-member.ts';
import {
  committedOffsets,
  coordinatorOf,
  describeClassicGroup,
  describeConsumerGroup,
  type GroupView,
} from './group-watch.ts';
import { startWriter, type SteadyWriter } from './steady-writer.ts';
import { LATEST, listOffset, whenControlled, whenFullyReplicated, withConnection } from './wire-client.ts';

/** What a group looks at from outside. Slower than the members' heartbeats would only hide something. */
const WATCH_PAUSE_MS = 100;
/** A load that leaves the machine to the members. */
const WRITER_PAUSE_MS = 150;
export const PARTITIONS = 6;
const MORE_PARTITIONS = 9;
const OTHER_PARTITIONS = 2;
export const SESSION_TIMEOUT_MS = 6000;

/** Brokers whose group coordinator survives any one of them. */
export const GROUP_CLUSTER = {
  overrides: {
    'offsets.topic.replication.factor': '3',
    'offsets.topic.num.partitions': '5',
    'group.initial.rebalance.delay.ms': '300',
    'group.consumer.session.timeout.ms': String(SESSION_TIMEOUT_MS),
    'group.consumer.min.session.timeout.ms': '1000',
    'group.consumer.heartbeat.interval.ms': '500',
    'group.consumer.min.heartbeat.interval.ms': '500',
  },
} as const;

export interface Variant {
  readonly protocol: 'classic' | 'consumer';
  readonly isCooperative?: boolean;
  readonly isStatic?: boolean;
}

export class GroupStory {
  readonly topic: string;
  readonly otherTopic: string;
  readonly group: string;
  readonly #cluster: TestCluster;
  readonly #client: GroupClient;
  readonly #variant: Variant;
  readonly #members: GroupMember[] = [];
  readonly #processed = new Map<string, Set<number>>();
  readonly #committed = new Map<string, number>();
  readonly #problems: string[] = [];
  #lastView: GroupView | null = null;
  #isOver = false;
  #isFailingOver = false;
  #watching: Promise<void> = Promise.resolve();

  static async begin(cluster: TestCluster, client: GroupClient, variant: Variant): Promise<GroupStory> {
    const kind = variant.isStatic
      ? `${variant.protocol}-static`
      : variant.isCooperative
        ? 'cooperative'
        : variant.protocol;
    const story = new GroupStory(cluster, client, variant, `${client.name.replaceAll(' ', '-')}-${kind}`);
    await createTopic(cluster, story.topic, { partitions: PARTITIONS });
    await createTopic(cluster, story.otherTopic, { partitions: OTHER_PARTITIONS });
    story.#watching = story.#watch();
    onTestFinished(() => story.#end());
    onTestFailed(() => console.error(story.#report()));
    return story;
  }

  private constructor(cluster: TestCluster, client: GroupClient, variant: Variant, name: string) {
    this.#cluster = cluster;
    this.#client = client;
    this.#variant = variant;
    this.topic = `${name}-topic`;
    this.otherTopic = `${name}-other`;
    this.group = `${name}-group`;
  }

  /** A writer into the partitions that the topic has from its beginning. */
  write(): SteadyWriter {
    return startWriter(this.#cluster, this.topic, [...Array(PARTITIONS).keys()], WRITER_PAUSE_MS);
  }

  async join(name: string, topics = [this.topic]): Promise<GroupMember> {
    const { protocol, isCooperative = false, isStatic = false } = this.#variant;
    const settings: MemberSettings = {
      bootstrap: this.#cluster.bootstrap,
      group: this.group,
      topics,
      protocol,
      isCooperative,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      ...(isStatic ? { instanceId: `instance-${name}` } : {}),
    };
    const member = await GroupMember.start(name, this.#client, settings, (recordTopic, partition, offset) => {
      const key = `${recordTopic}-${partition}`;
      const offsets = this.#processed.get(key) ?? new Set();
      this.#processed.set(key, offsets.add(offset));
    });
    this.#members.push(member);
    return member;
  }

  #describe(): Promise<GroupView> {
    const describe = this.#variant.protocol === 'classic' ? describeClassicGroup : describeConsumerGroup;
    return describe(this.#cluster, this.group);
  }

  /** Waits until this many members own, together, every partition of the topics: each at least one of them. */
  async whenShared(memberCount: number, topics: Readonly<Record<string, number>>): Promise<GroupView> {
    const wanted = Object.entries(topics).flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => `${topic}-${partition}`),
    );
    const startedAt = performance.now();
    const view = await eventually(
      async () => {
        const now = await this.#describe();
        const owned = now.owned.map(({ topic, partition }) => `${topic}-${partition}`).toSorted();
        const idle = now.memberIds.filter((id) => !now.owned.some(({ memberId }) => memberId === id));
        if (now.state !== 'Stable' || now.memberIds.length !== memberCount || idle.length > 0)
          throw new Error(`${now.state} with ${now.memberIds.length} members, ${idle.length} of them idle`);
        if (owned.join() !== wanted.toSorted().join()) throw new Error(`owned: ${owned.join(' ')}`);
        return now;
      },
      { what: `a group of ${memberCount} that shares ${JSON.stringify(topics)}`, intervalMs: WATCH_PAUSE_MS },
    );
    console.info(`${this.group}: shared by ${memberCount} after ${Math.round(performance.now() - startedAt)} ms`);
    return view;
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      await Promise.all([this.#lookAtOwners(), this.#lookAtCommits()]);
      await sleep(WATCH_PAUSE_MS);
    }
  }

  async #lookAtOwners(): Promise<void> {
    const view = await this.#describe().catch(() => null); // Nobody coordinates at this moment.
    if (view === null) return;
    this.#lastView = view;
    const owners = new Map<string, string>();
    for (const { memberId, topic, partition } of view.owned) {
      const key = `${topic}-${partition}`;
      const other = owners.get(key);
      if (other !== undefined) this.#problems.push(`${key} is owned by ${other} and ${memberId} at once`);
      owners.set(key, memberId);
    }
  }

  async #lookAtCommits(): Promise<void> {
    const now = await committedOffsets(this.#cluster, this.group).catch(() => null);
    if (now === null || this.#client.commitsOldOffsets || this.#isFailingOver) return;
    for (const [key, offset] of this.#committed)
      if ((now.get(key) ?? -1) < offset)
        this.#problems.push(`${key}: ${offset} was committed, later it is ${now.get(key) ?? 'not there'}`);
    for (const [key, offset] of now) this.#committed.set(key, offset);
  }

  async addPartitions(): Promise<void> {
    const controller = this.#cluster.broker(await whenControlled(this.#cluster));
    const wanted = [{ name: this.topic, count: MORE_PARTITIONS, assignments: null }];
    await withConnection(controller.address, (connection) =>
      createPartitionsV3.api.async(connection, wanted, 8000, false),
    );
    await whenFullyReplicated(this.#cluster, this.topic);
  }

  get allTopics(): Record<string, number> {
    return { [this.topic]: MORE_PARTITIONS, [this.otherTopic]: OTHER_PARTITIONS };
  }

  /**
   * From here on commits are not compared until `judgeCommits`: a client with two of them under way may repeat the
   * older one last. What a new coordinator may not lose is judged by committers with one at a time, in
   * groups-coordinator.test.ts.
   */
  async killCoordinator(): Promise<number> {
    this.#isFailingOver = true;
    const id = await coordinatorOf(this.#cluster, this.group);
    await this.#cluster.broker(id).kill('SIGKILL');
    return id;
  }

  judgeCommits(): void {
    this.#committed.clear();
    this.#isFailingOver = false;
  }

  /** Waits until all that was written is committed, then returns what is wrong. */
  async judge(topics: Readonly<Record<string, number>>): Promise<string[]> {
    const ends = new Map<string, number>();
    for (const [topic, count] of Object.entries(topics))
      for (let partition = 0; partition < count; partition++)
        ends.set(`${topic}-${partition}`, await listOffset(this.#cluster, topic, partition, LATEST));
    await eventually(
      async () => {
        const committed = await committedOffsets(this.#cluster, this.group);
        for (const [key, end] of ends)
          if (end > 0 && committed.get(key) !== end)
            throw new Error(`${key} ends at ${end}, committed is ${committed.get(key)}`);
      },
      { what: 'the commit of everything' },
    );
    this.#isOver = true;
    await this.#watching;
    const missed: string[] = [];
    for (const [key, end] of ends)
      for (let offset = 0; offset < end; offset++)
        if (this.#processed.get(key)?.has(offset) !== true) missed.push(`${key} offset ${offset} was never processed`);
    const dropped = this.#members.reduce((sum, member) => sum + member.droppedCount, 0);
    return [...this.#problems, ...(missed.length > dropped ? missed.slice(0, 20) : [])];
  }

  /** Everyone leaves as a user would leave, and the group is empty. */
  async disband(): Promise<void> {
    for (const member of this.#members) member.askToStop();
    if (this.#variant.isStatic) return; // Static members do not say good-bye.
    await eventually(async () => (await this.#describe()).memberIds.length === 0, { what: 'an empty group' });
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    for (const member of this.#members) member.thaw();
    await Promise.all(this.#members.map((member) => member.kill()));
    await this.#watching;
  }

  #report(): string {
    const view = JSON.stringify(this.#lastView);
    return [`=== ${this.group}: ${view}`, ...this.#members.map((member) => member.report())].join('\n');
  }
}

/**
 * Java's newer consumer is no member to torment while it takes over a share: given up between the share and the offsets
 * of it, it dies; asked to stop then, it may forget that.
 */
async function whenReading(...members: readonly GroupMember[]): Promise<void> {
  await eventually(() => members.every(({ isReading }) => isReading), { what: 'records from every partition' });
}

/** Members come, go, die and freeze; the topic grows; a stranger comes; the coordinator dies. */
export async function tellGroupStory(cluster: TestCluster, client: GroupClient, variant: Variant): Promise<string[]> {
  const story = await GroupStory.begin(cluster, client, variant);
  const writer = story.write();
  const { topic } = story;
  const first = await story.join('a');
  const second = await story.join('b');
  const third = await story.join('c');
  await story.whenShared(3, { [topic]: PARTITIONS });
  await whenReading(third);
  third.askToStop();
  await story.whenShared(2, { [topic]: PARTITIONS });
  let fourth = await story.join('d');
  await story.whenShared(3, { [topic]: PARTITIONS });
  await second.kill();
  await story.whenShared(2, { [topic]: PARTITIONS });
  await whenReading(fourth);
  if (client.diesWhenGivenUp === variant.protocol) {
    await fourth.kill();
    await story.whenShared(1, { [topic]: PARTITIONS });
    fourth = await story.join('d');
  } else {
    fourth.freeze();
    await story.whenShared(1, { [topic]: PARTITIONS });
    fourth.thaw();
  }
  await story.whenShared(2, { [topic]: PARTITIONS });
  await story.addPartitions();
  if (client.allowsDifferentTopics) {
    await story.join('e', [story.otherTopic]);
  } else {
    for (const name of ['e', 'f', 'g']) await story.join(name, [topic, story.otherTopic]);
    for (const member of [first, fourth]) member.askToStop();
  }
  await story.whenShared(3, story.allTopics);
  const dead = await story.killCoordinator();
  await writer.advance(3);
  await story.whenShared(3, story.allTopics);
  await cluster.broker(dead).start();
  story.judgeCommits();
  await writer.stop();
  const problems = await story.judge(story.allTopics);
  await story.disband();
  return problems;
}

/** Static members: one that comes back in time is not missed, a second one of the same name puts the first out. */
export async function tellStaticStory(cluster: TestCluster, client: GroupClient, variant: Variant): Promise<string[]> {
  const story = await GroupStory.begin(cluster, client, { ...variant, isStatic: true });
  const writer = story.write();
  const topics = { [story.topic]: PARTITIONS };
  const first = await story.join('a');
  const second = await story.join('b');
  const third = await story.join('c');
  await story.whenShared(3, topics);
  // The coordinator knows of a share before its member does.
  await eventually(() => new Set([first, second, third].flatMap(({ held }) => [...held])).size === PARTITIONS);
  await whenReading(first, second, third);
  const changesBefore = [first, third].map(({ changes }) => changes.length);
  // In the newer protocol the name of a member that died is free only when its session is over.
  await (variant.protocol === 'classic' ? second.kill() : second.stop());
  const again = await story.join('b');
  await eventually(() => new Set([first, again, third].flatMap(({ held }) => [...held])).size === PARTITIONS);
  const changesAfter = [first, third].map(({ changes }) => changes.length);
  const problems: string[] = [];
  if (changesAfter.join() !== changesBefore.join())
    problems.push(`a and c were disturbed: ${changesBefore.join()} changes before, ${changesAfter.join()} after`);
  if (client.diesWhenGivenUp === variant.protocol) {
    await again.kill();
    await story.whenShared(2, topics);
    await story.join('b');
  } else {
    await whenReading(again);
    again.freeze();
    await story.whenShared(2, topics);
    again.thaw();
  }
  await story.whenShared(3, topics);
  await writer.stop();
  problems.push(...(await story.judge(topics)));
  await story.disband();
  return problems;
}

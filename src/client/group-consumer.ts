/**
 * Reads topics as a member of a group: takes part in dealing out the partitions, reads its own from the group's
 * offsets on, commits how far it has come, and makes room when the group changes (Kafka's KafkaConsumer that has
 * subscribed or, with partitions that stay its own, that has them assigned).
 *
 * Guarantees: what is committed is exactly what the sink was given (or what of it the listener says is consumed): from
 * stop() or the loss of a partition on, it gets no more of it. Offsets are committed every auto.commit.interval.ms,
 * before partitions are given up and at the end; then the member leaves, within a few seconds even if nobody answers.
 */
import { Deferred } from '../lib/deferred.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import { type TopicId, type TopicPartition, topicPartitionKey } from '../model/topic-partition.ts';
import { Errors, errorName, isRetriable } from '../protocol/errors.ts';
import { ApiError } from './api-error.ts';
import { AssignedMembership } from './assigned-membership.ts';
import { ClassicMembership, type ClassicSettings } from './classic-membership.ts';
import type { ClusterClient } from './cluster-client.ts';
import type { GroupOffset } from './group-admin.ts';
import type { Membership } from './membership.ts';
import { ModernMembership, type ModernSettings } from './modern-membership.ts';
import {
  type ConsumerSettings,
  type Demand,
  type PartitionStart,
  RecordConsumer,
  type RecordSink,
} from './record-consumer.ts';
import { RepeatingTask } from './repeating-task.ts';

export interface GroupSettings {
  readonly membership:
    | ({ readonly protocol: 'classic' } & ClassicSettings)
    | ({ readonly protocol: 'consumer'; readonly memberId: string } & ModernSettings)
    | { readonly protocol: 'assigned'; readonly groupId: string; readonly partitions: readonly TopicPartition[] };
  /** Null when no offsets are to be committed. */
  readonly autoCommitIntervalMs: number | null;
}

/** Hears which partitions are read, and says what of them is consumed. */
export interface AssignmentListener {
  /** These are this member's from now on; none of their records has been handed over yet. */
  onAssigned(partitions: readonly TopicPartition[]): void;
  /**
   * The group deals its partitions out anew, and waits for this member: until this resolves, which it must before the
   * others lose patience. What is committed meanwhile counts.
   */
  mayBeRevoked?(): Promise<void>;
  /** They are not any more, or will not be in a moment: the sink gets nothing more of them. A last commit follows. */
  onRevoked(): void;
  /** What may be committed of what the sink was given. */
  consumed(positions: readonly GroupOffset[]): readonly GroupOffset[];
}

export interface GroupConsumerOptions {
  /** For metadata and the ends of logs. */
  readonly cluster: ClusterClient;
  /** A client for fetches, whose connections are closed when the partitions are given up: a fetch may wait long. */
  readonly connectFetching: () => ClusterClient;
  /** A client of its own for the group. */
  readonly connect: () => ClusterClient;
  readonly settings: ConsumerSettings;
  readonly group: GroupSettings;
  readonly sink: RecordSink;
  /** Of a sink that does not take records all the time. */
  readonly demand?: Demand;
  readonly listener?: AssignmentListener;
}

/** How long the end may take: the last commit and the farewell. */
const CLOSE_TIMEOUT_MS = 5000;
/** Offsets expire by the time of their commit: where nothing is read, they are committed again so often. */
const COMMIT_REFRESH_MS = 30_000;
/** A topic that does not exist yet is looked for so often. */
const MISSING_TOPIC_RETRY_MS = 1000;
const LOGGER = 'org.apache.kafka.clients.consumer.internals.ConsumerCoordinator';

/** From one dealing out of the partitions to the next. */
interface Round {
  /** Null when this member has no partitions. */
  readonly consumer: RecordConsumer | null;
  readonly fetching: ClusterClient;
  readonly isOver: Deferred;
}

export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #groupCluster: ClusterClient;
  readonly #membership: Membership;
  #topics: readonly string[] = [];
  /** What the partitions were dealt out by, if this member did it. */
  #counts: ReadonlyMap<string, number> = new Map();
  #round: Round | null = null;
  #reading: Promise<void> = Promise.resolve();
  /** One after the other: what is tried again must not come after what was committed later. */
  readonly #commits = new SerialQueue();
  #lastCommit: { readonly text: string; readonly atMs: number } | null = null;
  #failure: unknown = null;
  #isStopped = false;
  /** Some broker could be talked to when the end came. */
  #isHeard = true;
  readonly #stopping = new Deferred();

  constructor(options: GroupConsumerOptions) {
    this.#options = options;
    this.#groupCluster = options.connect();
    this.#membership = this.#newMembership(options.group.membership);
  }

  #newMembership(settings: GroupSettings['membership']): Membership {
    const cluster = this.#groupCluster;
    if (settings.protocol === 'assigned') return new AssignedMembership(cluster, settings.groupId, settings.partitions);
    if (settings.protocol === 'consumer')
      return new ModernMembership(cluster, settings, settings.memberId, (topics) => this.#topicIds(topics));
    return new ClassicMembership(cluster, settings, async (topics) => {
      this.#counts = await this.#countPartitions(topics);
      return this.#counts;
    });
  }

  /** Reads until stop() is called. @throws what the sink throws, or an ApiError that trying again cannot mend */
  async run(): Promise<void> {
    try {
      while (!this.#isStopped) await this.#takePart();
    } catch (error) {
      // Who has been stopped while it waited for an answer has closed the connection itself.
      if (!this.#isStopped) this.#fail(error);
    }
    await this.#leave();
    await this.#reading;
    if (this.#failure !== null) throw this.#failure;
  }

  /** From now on the sink gets nothing more. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#isHeard = this.#groupCluster.isConnected || this.#options.cluster.isConnected;
    this.#stopping.resolve();
    if (this.#round === null) this.#groupCluster.close();
    this.#round?.consumer?.stop();
    this.#round?.fetching.close();
    this.#round?.isOver.resolve();
  }

  /** The demand has changed. */
  proceed(): void {
    this.#round?.consumer?.proceed();
  }

  /** Goes on reading a partition of this member from there. */
  seek({ topic, partition }: TopicPartition, start: PartitionStart): void {
    this.#round?.consumer?.seek(topic, partition, start);
  }

  /** Keeps nothing that was fetched, and no connection for it, until there is a demand again. */
  rest(): void {
    this.#round?.consumer?.dropFetched();
    this.#round?.fetching.disconnect();
  }

  /** The topics that are subscribed to, as far as they are known. */
  get topics(): readonly string[] {
    return this.#topics;
  }

  /** The offset that comes next, of each partition where that is known, as far as it is consumed. */
  consumed(): readonly GroupOffset[] {
    const positions = this.#round?.consumer?.positions() ?? [];
    return this.#options.listener?.consumed(positions) ?? positions;
  }

  /** @throws ApiError REBALANCE_IN_PROGRESS while this member has no place in its group */
  async commitOffsets(offsets: readonly GroupOffset[], deadline: number): Promise<void> {
    const failure = await this.#commits.run(() => this.#membership.tryCommit(offsets, deadline));
    // The next time, how far this member has come is told again.
    this.#lastCommit = null;
    if (failure !== null) throw failure;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.stop();
  }

  async #takePart(): Promise<void> {
    await this.#subscribe();
    if (this.#topics.length === 0) return this.#pause();
    const partitions = await this.#membership.join(this.#topics);
    const starts = await this.#starts(partitions);
    if (this.#isStopped) return;
    const fetching = this.#options.connectFetching();
    const consumer = partitions.length === 0 ? null : this.#reader(partitions, starts, fetching);
    const round = { consumer, fetching, isOver: new Deferred() };
    this.#round = round;
    this.#options.listener?.onAssigned(partitions);
    this.#tellMissing(round, partitions);
    const tasks = this.#startTasks(round);
    this.#reading = this.#read(round);
    await round.isOver.promise;
    await this.#whenMayBeRevoked();
    for (const task of tasks) task.stop();
    consumer?.stop();
    fetching.close();
    this.#options.listener?.onRevoked();
    await this.#commit(round);
    if (!this.#isStopped) this.#round = null;
  }

  /** Says meanwhile that this member is alive. */
  async #whenMayBeRevoked(): Promise<void> {
    if (this.#isStopped || this.#membership.isLost) return;
    await Promise.race([this.#options.listener?.mayBeRevoked?.(), this.#stopping.promise]);
  }

  /** No topic fits: a group is not joined for nothing. */
  async #pause(): Promise<void> {
    await Promise.race([this.#options.cluster.clock.sleep(MISSING_TOPIC_RETRY_MS), this.#stopping.promise]);
  }

  #reader(
    partitions: readonly TopicPartition[],
    assigned: ReadonlyMap<string, PartitionStart | null>,
    fetching: ClusterClient,
  ): RecordConsumer {
    const { cluster, settings, sink, demand = null } = this.#options;
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    return new RecordConsumer(cluster, fetching, { ...settings, topics, partition: null, assigned }, sink, demand);
  }

  async #read(round: Round): Promise<void> {
    try {
      await round.consumer?.run();
    } catch (error) {
      if (!this.#isStopped) this.#fail(error);
    }
  }

  #startTasks(round: Round): RepeatingTask[] {
    const { cluster, group, settings } = this.#options;
    const every = (delayMs: number, task: () => Promise<number>): RepeatingTask =>
      new RepeatingTask(cluster.clock, delayMs, task, (error) => {
        if (!this.#isStopped) this.#fail(error);
      });
    const heartbeat = async (): Promise<number> => {
      if (!(await this.#membership.heartbeat())) round.isOver.resolve();
      return this.#membership.heartbeatIntervalMs;
    };
    const look = async (): Promise<number> => {
      if (await this.#hasChanged()) round.isOver.resolve();
      return this.#isMissingTopics() ? MISSING_TOPIC_RETRY_MS : settings.metadataMaxAgeMs;
    };
    const tasks = [
      every(this.#membership.heartbeatIntervalMs, heartbeat),
      every(this.#isMissingTopics() ? MISSING_TOPIC_RETRY_MS : settings.metadataMaxAgeMs, look),
    ];
    const { autoCommitIntervalMs } = group;
    if (autoCommitIntervalMs === null) return tasks;
    const commit = async (): Promise<number> => {
      await this.#commit(round);
      return autoCommitIntervalMs;
    };
    return [...tasks, every(autoCommitIntervalMs, commit)];
  }

  /** The listener may have sought some. */
  #tellMissing({ consumer }: Round, partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const error = noOffset([topicPartitionKey(topic, partition)]);
      if (consumer?.isLost(topic, partition)) this.#options.demand?.onNoOffset({ topic, partition }, error);
    }
  }

  /** Where each partition begins: at the group's offset, else where auto.offset.reset says. */
  async #starts(partitions: readonly TopicPartition[]): Promise<Map<string, PartitionStart | null>> {
    const starts = new Map<string, PartitionStart | null>();
    if (partitions.length === 0) return starts;
    const { reset, isReadCommitted } = this.#options.settings;
    const committed = await this.#membership.committed(partitions, isReadCommitted);
    for (const { topic, partition } of partitions) {
      const key = topicPartitionKey(topic, partition);
      starts.set(key, committed.get(key) ?? (reset === 'none' ? null : reset));
    }
    const missing = [...starts].flatMap(([key, start]) => (start === null ? [key] : []));
    if (missing.length > 0 && this.#options.demand === undefined) throw noOffset(missing);
    return starts;
  }

  /** Waits for its turn no longer than it may last itself: what a client commits may be tried for a minute. */
  async #commit(round: Round): Promise<void> {
    const { cluster, group } = this.#options;
    if (group.autoCommitIntervalMs === null) return;
    const deadline = cluster.deadline(CLOSE_TIMEOUT_MS);
    const turn = new Deferred<boolean>();
    const timer = cluster.clock.schedule(CLOSE_TIMEOUT_MS, () => turn.resolve(false));
    const commit = this.#commits.run(async () => {
      timer.cancel();
      turn.resolve(true);
      if (await turn.promise) await this.#commitConsumed(round, deadline);
    });
    if (await turn.promise) return commit;
    const { groupId } = group.membership;
    cluster.warn(`Auto-commit of offsets of group ${groupId} failed: another commit was not answered`, LOGGER);
  }

  /** What the group knows already is not told again for a while. */
  async #commitConsumed({ consumer }: Round, deadline: number): Promise<void> {
    const { cluster, listener } = this.#options;
    if (consumer === null || !this.#isHeard) return;
    const positions = listener?.consumed(consumer.positions()) ?? consumer.positions();
    const text = JSON.stringify(positions);
    const atMs = cluster.clock.monotonicMs();
    const last = this.#lastCommit;
    if (text === last?.text && atMs - last.atMs < COMMIT_REFRESH_MS) return;
    const isDone = await this.#membership.commit(positions, deadline);
    if (isDone) this.#lastCommit = { text, atMs };
  }

  async #leave(): Promise<void> {
    const { cluster, connect } = this.#options;
    // While the whole cluster is away, the session's timeout has to do.
    if (!this.#isHeard) return this.#groupCluster.close();
    const deadline = cluster.deadline(CLOSE_TIMEOUT_MS);
    // A join that waits for the others occupies its connection, and is closed with it.
    const leaving = this.#round === null ? connect() : this.#groupCluster;
    await this.#membership.leave(leaving, deadline);
    leaving.close();
    this.#groupCluster.close();
  }

  /** Learns which topics there are to read. */
  async #subscribe(): Promise<void> {
    const { topics } = this.#options.settings;
    const names = typeof topics === 'function' ? null : topics;
    const counts = await this.#countPartitions(names);
    this.#topics = names ?? [...counts.keys()].filter(topics as (name: string) => boolean).sort();
  }

  /** @param names null for all topics, and none of them is made */
  async #countPartitions(names: readonly string[] | null): Promise<Map<string, number>> {
    const { cluster, settings } = this.#options;
    const allowAutoTopicCreation = names !== null && settings.mayCreateTopics !== false;
    const response = await cluster.metadata(names, 'metadata', { allowAutoTopicCreation });
    const counts = new Map<string, number>();
    for (const { name, errorCode, partitions } of response.topics) {
      if (errorCode === Errors.NONE) counts.set(name ?? '', partitions.length);
      else if (names !== null) this.#onTopicError(name ?? '', errorCode);
    }
    return counts;
  }

  async #topicIds(names: readonly string[]): Promise<Map<TopicId, string>> {
    const { topics } = await this.#options.cluster.metadata(names, 'metadata');
    return new Map(topics.map(({ topicId, name }) => [topicId, name ?? '']));
  }

  #onTopicError(topic: string, errorCode: number): void {
    const error = errorName(errorCode);
    this.#options.cluster.warn(
      `Error while fetching metadata : {${topic}=${error}}`,
      'org.apache.kafka.clients.NetworkClient',
    );
    if (!isRetriable(error))
      throw ApiError.of(errorCode, error === 'INVALID_TOPIC_EXCEPTION' ? `Invalid topics: [${topic}]` : null);
  }

  #isMissingTopics(): boolean {
    return this.#membership.isLeader && this.#topics.some((topic) => !this.#counts.has(topic));
  }

  /** Other topics to read, or for the leader of the group other numbers of partitions. */
  async #hasChanged(): Promise<boolean> {
    const before = this.#topics;
    await this.#subscribe();
    const hasOtherTopics = before.join() !== this.#topics.join();
    if (hasOtherTopics || !this.#membership.isLeader) return hasOtherTopics;
    const counts = await this.#countPartitions([...new Set([...this.#topics, ...this.#counts.keys()])]);
    const hasOtherCounts = [...counts].some(([topic, count]) => this.#counts.get(topic) !== count);
    if (hasOtherCounts) this.#options.cluster.warn('Partitions have been added, they are dealt out anew', LOGGER);
    return hasOtherCounts;
  }
}

function noOffset(partitions: readonly string[]): ApiError {
  return new ApiError(
    'NoOffsetForPartitionException',
    `Undefined offset with no reset policy for partitions: [${partitions.join(', ')}]`,
  );
}

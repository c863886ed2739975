/**
 * The coordinator of groups on this broker: finds the partition of __consumer_offsets that a group lives on, lets that
 * partition's shard decide, and puts what goes wrong on the way into the words of each API. Kafka's
 * GroupCoordinatorService is the reference.
 *
 * Guarantees: no method rejects for a reason that a client could be told; a request is decided in the turn in which it
 * is asked; what is answered is committed.
 */
import type { CoordinatedPartition } from '../coordinator/coordinated-partition.ts';
import { CoordinatorRuntime } from '../coordinator/runtime.ts';
import type { Outcome, Ticket } from '../coordinator/shard.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { type ErrorName, Errors, errorMessage, KafkaError } from '../protocol/errors.ts';
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from '../protocol/internal/group-record.ts';
import type { OffsetCommit } from '../protocol/messages/08-offset-commit.ts';
import type { OffsetFetch } from '../protocol/messages/09-offset-fetch.ts';
import type { JoinGroup } from '../protocol/messages/11-join-group.ts';
import type { Heartbeat } from '../protocol/messages/12-heartbeat.ts';
import type { LeaveGroup } from '../protocol/messages/13-leave-group.ts';
import type { SyncGroup } from '../protocol/messages/14-sync-group.ts';
import type { DescribeGroups } from '../protocol/messages/15-describe-groups.ts';
import type { ListGroups } from '../protocol/messages/16-list-groups.ts';
import type { DeleteGroups } from '../protocol/messages/42-delete-groups.ts';
import type { OffsetDelete } from '../protocol/messages/47-offset-delete.ts';
import type { ConsumerGroupHeartbeat } from '../protocol/messages/68-consumer-group-heartbeat.ts';
import type { ConsumerGroupDescribe } from '../protocol/messages/69-consumer-group-describe.ts';
import { COMPRESSION_TYPES } from '../protocol/records/codecs.ts';
import type { RequestOf, ResponseOf } from '../protocol/schema.ts';
import { ClusterTopics, deletedTopics, type TopicsImage } from './cluster-topics.ts';
import { type GroupLag, type GroupOffset, groupLags, type LogEnd } from './group-lag.ts';
import type { MemberContext } from './group-settings.ts';
import { GroupShard, type GroupShardOptions } from './group-shard.ts';
import { partitionFor } from './java-hash.ts';
import { newMemberId } from './member-id.ts';
import { TopicRegexes } from './topic-regexes.ts';

/** BrokerConfig fits. */
export type GroupCoordinatorSettings = GroupShardOptions['settings'] & {
  readonly offsetsTopicCompressionCodec: number;
  readonly offsetsCommitTimeoutMs: number;
  readonly offsetsLoadBufferSize: number;
  readonly offsetsRetentionCheckIntervalMs: number;
};

export interface GroupCoordinatorOptions {
  /** __consumer_offsets. */
  readonly topic: string;
  readonly settings: GroupCoordinatorSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The end of a log that this broker leads. */
  readonly endOf: (topic: string, partition: number) => LogEnd | undefined;
}

type OffsetFetchGroup = RequestOf<typeof OffsetFetch>['groups'][number];
type FetchedGroup = NonNullable<ResponseOf<typeof OffsetFetch>['groups']>[number];
type DescribedGroup = ResponseOf<typeof DescribeGroups>['groups'][number];
type DescribedConsumerGroup = ResponseOf<typeof ConsumerGroupDescribe>['groups'][number];
type DeletedGroup = ResponseOf<typeof DeleteGroups>['results'][number];
type ListedGroup = ResponseOf<typeof ListGroups>['groups'][number];
type Decide = (shard: GroupShard, ticket: Ticket, nowMs: number) => Outcome<GroupRecord>;

const NO_GENERATION = -1;
const UUID_BYTES = 16;
/** A slice of the log takes some turns of the event loop: more at once would only take more memory. */
const MAX_LOAD_SLICE_BYTES = 1024 * 1024;

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions;
  readonly #runtime: CoordinatorRuntime<GroupShard, GroupRecord>;
  #topics = new ClusterTopics({ topics: new Map(), topicNameById: new Map() });
  #expiryTimer: Timer | null = null;

  constructor(options: GroupCoordinatorOptions) {
    const { settings, clock, random, logger } = options;
    this.#options = options;
    const regexes = new TopicRegexes(() => clock.monotonicMs());
    this.#runtime = new CoordinatorRuntime<GroupShard, GroupRecord>({
      newShard: () =>
        new GroupShard({
          settings,
          topics: () => this.#topics,
          newMemberId: (prefix) => newMemberId(prefix, random.bytes(UUID_BYTES)),
          regexes,
          logger,
        }),
      codec: { encode: encodeGroupRecord, decode: decodeGroupRecord },
      clock,
      logger,
      commitTimeoutMs: settings.offsetsCommitTimeoutMs,
      loadSliceBytes: Math.min(settings.offsetsLoadBufferSize, MAX_LOAD_SLICE_BYTES),
      compression: COMPRESSION_TYPES[settings.offsetsTopicCompressionCodec] ?? 'none',
    });
  }

  /** From now on offsets expire. */
  start(): void {
    const { clock, settings, logger } = this.#options;
    this.#expiryTimer = clock.schedule(settings.offsetsRetentionCheckIntervalMs, () => {
      this.start();
      this.#expireOffsets().catch((error: unknown) => logger.error('Offsets could not be expired', error));
    });
  }

  /** Everybody who waits is sent elsewhere, and nothing is coordinated any more. */
  async close(): Promise<void> {
    this.#expiryTimer?.cancel();
    await this.#runtime.close();
  }

  /** This broker leads a partition of the coordinator's topic at a new epoch. That it does no more, it finds itself. */
  onElected(partition: CoordinatedPartition): void {
    this.#runtime.onElected(partition);
  }

  /** To be called in the turn in which the broker learns of it. */
  onMetadataChange(image: TopicsImage, changedTopics: ReadonlySet<string>): void {
    const former = this.#topics;
    this.#topics = new ClusterTopics(image);
    if (changedTopics.size === 0) return;
    const deleted = deletedTopics(former, this.#topics, changedTopics);
    // All at once, since every shard looks at all its offsets; and not in the place of those that went before.
    if (deleted.length > 0)
      this.#runtime.tellAll(`deleted ${deleted.join()}`, (shard, nowMs) => shard.onTopicsDeleted(deleted, nowMs));
    this.#runtime.tellAll('topics changed', (shard, nowMs) => shard.onTopicsChanged(changedTopics, nowMs));
  }

  /**
   * The partition of the coordinator's topic on which the group lives; null while this broker has not heard of the
   * topic, or not of all its partitions. A guess by offsets.topic.num.partitions, or by those it has heard of, could
   * send the group to a partition that is not its own, and later away from what it has committed there.
   */
  partitionFor(groupId: string): number | null {
    const { topic } = this.#options;
    const count = this.#topics.partitionCount(topic);
    return count === 0 || this.#topics.hasGaps(topic) ? null : partitionFor(groupId, count);
  }

  async joinGroup(context: MemberContext, request: RequestOf<typeof JoinGroup>): Promise<ResponseOf<typeof JoinGroup>> {
    const refuse = (error: ErrorName): ResponseOf<typeof JoinGroup> => ({
      errorCode: Errors[error],
      generationId: NO_GENERATION,
      protocolName: '',
      leader: '',
      memberId: request.memberId,
      members: [],
    });
    if (request.groupId === '') return refuse('INVALID_GROUP_ID');
    const decide: Decide = (shard, ticket, nowMs) => shard.joinGroup(context, request, ticket, nowMs);
    return this.#ask(request.groupId, decide, refuse);
  }

  async syncGroup(context: MemberContext, request: RequestOf<typeof SyncGroup>): Promise<ResponseOf<typeof SyncGroup>> {
    const refuse = (error: ErrorName): ResponseOf<typeof SyncGroup> => ({
      errorCode: Errors[error],
      assignment: Buffer.alloc(0),
    });
    if (request.groupId === '') return refuse('INVALID_GROUP_ID');
    const decide: Decide = (shard, ticket, nowMs) => shard.syncGroup(context, request, ticket, nowMs);
    return this.#ask(request.groupId, decide, refuse);
  }

  /** While the group is loaded its members are told that all is well: they need not join again for that. */
  async heartbeat(context: MemberContext, request: RequestOf<typeof Heartbeat>): Promise<ResponseOf<typeof Heartbeat>> {
    const refuse = (error: ErrorName): ResponseOf<typeof Heartbeat> => ({
      errorCode: error === 'COORDINATOR_LOAD_IN_PROGRESS' ? Errors.NONE : Errors[error],
    });
    if (request.groupId === '') return refuse('INVALID_GROUP_ID');
    const decide: Decide = (shard, ticket, nowMs) => shard.heartbeat(context, request, ticket, nowMs);
    return this.#ask(request.groupId, decide, refuse);
  }

  /** The members are always in `members`, as from v3 on. */
  async leaveGroup(
    context: MemberContext,
    request: RequestOf<typeof LeaveGroup>,
  ): Promise<ResponseOf<typeof LeaveGroup>> {
    const refuse = (error: ErrorName): ResponseOf<typeof LeaveGroup> => ({ errorCode: Errors[error], members: [] });
    if (request.groupId === '') return refuse('INVALID_GROUP_ID');
    const decide: Decide = (shard, ticket, nowMs) => shard.leaveGroup(context, request, ticket, nowMs);
    return this.#ask(request.groupId, decide, refuse);
  }

  async consumerGroupHeartbeat(
    context: MemberContext,
    request: RequestOf<typeof ConsumerGroupHeartbeat>,
  ): Promise<ResponseOf<typeof ConsumerGroupHeartbeat>> {
    const refuse = (error: ErrorName, message: string | null): ResponseOf<typeof ConsumerGroupHeartbeat> => ({
      errorCode: Errors[error],
      errorMessage: message,
    });
    const decide: Decide = (shard, ticket, nowMs) => shard.consumerGroupHeartbeat(context, request, ticket, nowMs);
    return this.#ask(request.groupId, decide, refuse);
  }

  async describeConsumerGroup(context: MemberContext, groupId: string): Promise<DescribedConsumerGroup> {
    const refuse = (error: ErrorName, message: string | null = null): DescribedConsumerGroup => ({
      errorCode: Errors[error],
      errorMessage: message,
      groupId,
      groupState: '',
      groupEpoch: 0,
      assignmentEpoch: 0,
      assignorName: '',
      members: [],
    });
    if (groupId === '') return refuse('INVALID_GROUP_ID');
    const decide: Decide = (shard, ticket, nowMs) => shard.consumerGroupDescribe(context, groupId, ticket, nowMs);
    return this.#ask(groupId, decide, refuse);
  }

  /** The empty group id may commit, for the sake of old clients. */
  async commitOffsets(
    context: MemberContext,
    request: RequestOf<typeof OffsetCommit>,
  ): Promise<ResponseOf<typeof OffsetCommit>> {
    const refuse = (error: ErrorName): ResponseOf<typeof OffsetCommit> => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: Errors[error] })),
      })),
    });
    const decide: Decide = (shard, ticket, nowMs) => shard.commitOffsets(context, request, ticket, nowMs);
    return this.#ask(request.groupId, decide, refuse);
  }

  async fetchOffsets(context: MemberContext, group: OffsetFetchGroup, requireStable: boolean): Promise<FetchedGroup> {
    const refuse = (error: ErrorName): FetchedGroup => ({
      groupId: group.groupId,
      topics: [],
      // Consumers before 3.9 take COORDINATOR_NOT_AVAILABLE for fatal here, and would not look elsewhere.
      errorCode: error === 'COORDINATOR_NOT_AVAILABLE' ? Errors.NOT_COORDINATOR : Errors[error],
    });
    const decide: Decide = (shard, ticket, nowMs) => shard.fetchOffsets(context, group, requireStable, ticket, nowMs);
    return this.#ask(group.groupId, decide, refuse);
  }

  async deleteOffsets(
    context: MemberContext,
    request: RequestOf<typeof OffsetDelete>,
  ): Promise<ResponseOf<typeof OffsetDelete>> {
    const refuse = (error: ErrorName): ResponseOf<typeof OffsetDelete> => ({ errorCode: Errors[error], topics: [] });
    if (request.groupId === '') return refuse('INVALID_GROUP_ID');
    const decide: Decide = (shard, ticket, nowMs) => shard.deleteOffsets(context, request, ticket, nowMs);
    return this.#ask(request.groupId, decide, refuse);
  }

  async describeGroup(context: MemberContext, groupId: string): Promise<DescribedGroup> {
    const refuse = (error: ErrorName): DescribedGroup => ({
      errorCode: Errors[error],
      groupId,
      groupState: '',
      protocolType: '',
      protocolData: '',
      members: [],
    });
    const decide: Decide = (shard, ticket, nowMs) => shard.describeGroup(context, groupId, ticket, nowMs);
    return this.#ask(groupId, decide, refuse);
  }

  async deleteGroup(groupId: string): Promise<DeletedGroup> {
    const refuse = (error: ErrorName): DeletedGroup => ({ groupId, errorCode: Errors[error] });
    const decide: Decide = (shard, ticket, nowMs) => shard.deleteGroup(groupId, ticket, nowMs);
    return this.#ask(groupId, decide, refuse);
  }

  /** The groups that this broker coordinates: all or, while some are loaded, an error. */
  async listGroups(
    filter: Pick<RequestOf<typeof ListGroups>, 'statesFilter' | 'typesFilter'>,
  ): Promise<ResponseOf<typeof ListGroups>> {
    const decide: Decide = (shard, ticket, nowMs) => shard.listGroups(filter, ticket, nowMs);
    let failure: ErrorName = 'NONE';
    const listed = this.#runtime.partitions().map((partition) =>
      this.#answer<readonly ListedGroup[]>(partition, decide, (error) => {
        // What has just gone elsewhere is listed there.
        if (error !== 'NOT_COORDINATOR') failure = error;
        return [];
      }),
    );
    const groups = (await Promise.all(listed)).flat();
    return { errorCode: Errors[failure], groups: failure === 'NONE' ? groups : [] };
  }

  /** Of the groups that are loaded: how many are in each state. For metrics. */
  groupCounts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const shard of this.#runtime.active())
      for (const [state, count] of shard.groupCounts()) counts.set(state, (counts.get(state) ?? 0) + count);
    return counts;
  }

  /** Of the groups that are loaded. For metrics. */
  *committedOffsets(): Generator<GroupOffset, void, undefined> {
    for (const shard of this.#runtime.active()) yield* shard.committedOffsets();
  }

  /** How far the groups coordinated here are behind on the partitions led here. For metrics. */
  lags(): Generator<GroupLag, void, undefined> {
    return groupLags(this.committedOffsets(), this.#options.endOf);
  }

  /** Requests that wait, members that wait for others to join among them. */
  get waitingCount(): number {
    return this.#runtime.ticketCount;
  }

  #ask<T>(groupId: string, decide: Decide, refuse: (error: ErrorName, message: string | null) => T): Promise<T> {
    const partition = this.partitionFor(groupId);
    if (partition === null) return Promise.resolve(refuse('NOT_COORDINATOR', null));
    return this.#answer(partition, decide, refuse);
  }

  #answer<T>(partition: number, decide: Decide, refuse: (error: ErrorName, message: string | null) => T): Promise<T> {
    return this.#runtime.request<T>(partition, decide).catch((failure: unknown) => {
      if (!(failure instanceof KafkaError)) throw failure;
      const { error, message } = failure;
      return refuse(error, message === errorMessage(error) ? null : message);
    });
  }

  /** One partition each turn: others want their heartbeats answered meanwhile. */
  async #expireOffsets(): Promise<void> {
    for (const partition of this.#runtime.partitions()) {
      this.#runtime.tell(partition, 'expire offsets', (shard, nowMs) => shard.expireOffsets(nowMs));
      await new Promise<void>((resolve) => this.#options.clock.soon(resolve));
    }
  }
}

/**
 * A member of a classic group: joins, deals partitions out when it is made the leader, says that it is alive, commits
 * offsets and leaves (Kafka's ConsumerCoordinator with the eager protocol).
 *
 * Guarantees: errors that another try can mend are tried again until the ClusterClient is closed; what is thrown ends
 * the membership. Offsets are committed under the member's own generation, so that whoever has the partitions by then
 * is not disturbed.
 */
import { type TopicPartition, topicPartitionKey } from '../model/topic-partition.ts';
import { type ErrorName, Errors, errorName, isRetriable } from '../protocol/errors.ts';
import {
  CONSUMER_PROTOCOL_TYPE,
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../protocol/internal/consumer-protocol.ts';
import { Heartbeat, JoinGroup, LeaveGroup, OffsetCommit, OffsetFetch, SyncGroup } from '../protocol/messages/index.ts';
import type { ResponseOut } from '../protocol/schema.ts';
import { ApiError } from './api-error.ts';
import { CLIENT_ASSIGNORS, type Subscriber } from './client-assignors.ts';
import type { ClusterClient, Node } from './cluster-client.ts';
import { Coordinators } from './coordinators.ts';
import type { GroupOffset } from './group-admin.ts';

export interface MembershipSettings {
  readonly groupId: string;
  /** Null for a dynamic member. */
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  /** How long the others are waited for when the partitions are dealt out anew (max.poll.interval.ms). */
  readonly rebalanceTimeoutMs: number;
  /** Names of CLIENT_ASSIGNORS, the preferred one first. */
  readonly assignors: readonly string[];
}

/** How many partitions each of these topics has; those that do not exist are left out. */
export type PartitionCounts = (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>;

type JoinResponse = ResponseOut<typeof JoinGroup>;

const NO_GENERATION = -1;
const LOGGER = 'org.apache.kafka.clients.consumer.internals.ConsumerCoordinator';
const FIRST_VERSION = { groupInstanceId: { heartbeat: 3, sync: 3, join: 5, commit: 7 }, manyGroups: 8, leaveMany: 3 };
/** A join is answered when all have come, so it may take as long as they may, and a little more. */
const JOIN_GRACE_MS = 5000;
const RETRY_BACKOFF_MS = 100;

/** The coordinator does not know this member any more, or not at this generation. */
const LOST: ReadonlySet<ErrorName> = new Set<ErrorName>(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']);
const OF_COORDINATOR: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
]);

export class GroupMembership {
  readonly #cluster: ClusterClient;
  readonly #coordinators: Coordinators;
  readonly #settings: MembershipSettings;
  readonly #partitionCounts: PartitionCounts;
  #memberId = '';
  #generationId = NO_GENERATION;
  #isLeader = false;

  /** @param cluster for this group alone: its connection is occupied while a join waits for the others */
  constructor(cluster: ClusterClient, settings: MembershipSettings, partitionCounts: PartitionCounts) {
    this.#cluster = cluster;
    this.#coordinators = new Coordinators(cluster);
    this.#settings = settings;
    this.#partitionCounts = partitionCounts;
  }

  /** '' before the first join. */
  get memberId(): string {
    return this.#memberId;
  }

  /** This member deals the partitions out, so it must see to changes of their numbers. */
  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** Joins, again if need be, until the partitions are dealt out; returns those of this member. @throws ApiError */
  async join(topics: readonly string[]): Promise<TopicPartition[]> {
    for (;;) {
      const joined = await this.#join(topics);
      if (joined === 'again') continue;
      this.#generationId = joined.generationId;
      this.#isLeader = joined.leader === joined.memberId;
      const assignment = await this.#sync(joined);
      if (assignment !== 'again') return assignment;
    }
  }

  async #join(topics: readonly string[]): Promise<JoinResponse | 'again'> {
    const { groupId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, assignors } = this.#settings;
    const metadata = ConsumerProtocolSubscription.encode({ topics, ownedPartitions: [] });
    const response = await this.#ask('joinGroup', (node) =>
      this.#cluster.send(
        node,
        JoinGroup,
        (version) => ({
          groupId,
          sessionTimeoutMs,
          rebalanceTimeoutMs,
          memberId: this.#memberId,
          ...this.#instance(version, FIRST_VERSION.groupInstanceId.join),
          protocolType: CONSUMER_PROTOCOL_TYPE,
          protocols: assignors.map((name) => ({ name, metadata })),
        }),
        rebalanceTimeoutMs + JOIN_GRACE_MS,
      ),
    );
    const error = errorName(response.errorCode);
    if (error === 'MEMBER_ID_REQUIRED') {
      this.#memberId = response.memberId;
      return 'again';
    }
    if (LOST.has(error)) return this.#startAnew(error);
    if (error === 'REBALANCE_IN_PROGRESS') return this.#later();
    if (error !== 'NONE') throw this.#failure(response.errorCode, groupInstanceId);
    this.#memberId = response.memberId;
    return response;
  }

  async #sync(joined: JoinResponse): Promise<TopicPartition[] | 'again'> {
    const { groupId, groupInstanceId } = this.#settings;
    const { generationId, memberId, protocolName } = joined;
    const mustAssign = this.#isLeader && !joined.skipAssignment;
    const assignments = mustAssign ? await this.#assignments(joined) : [];
    const response = await this.#ask('syncGroup', (node) =>
      this.#cluster.send(node, SyncGroup, (version) => ({
        groupId,
        generationId,
        memberId,
        ...this.#instance(version, FIRST_VERSION.groupInstanceId.sync),
        protocolType: CONSUMER_PROTOCOL_TYPE,
        protocolName,
        assignments,
      })),
    );
    const error = errorName(response.errorCode);
    if (LOST.has(error)) return this.#startAnew(error);
    if (error === 'REBALANCE_IN_PROGRESS') return 'again';
    if (error !== 'NONE') throw this.#failure(response.errorCode, groupInstanceId);
    if (response.assignment.length === 0) return [];
    return ConsumerProtocolAssignment.decode(response.assignment).value.assignedPartitions.flatMap(
      ({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })),
    );
  }

  async #assignments({ members, protocolName }: JoinResponse): Promise<{ memberId: string; assignment: Buffer }[]> {
    const assign = CLIENT_ASSIGNORS.get(protocolName ?? '');
    if (assign === undefined)
      throw new ApiError('InconsistentGroupProtocolException', `The group has chosen the assignor ${protocolName}`);
    const subscribers = members.map(({ memberId, groupInstanceId, metadata }): Subscriber => {
      const { topics } = ConsumerProtocolSubscription.decode(metadata).value;
      return { memberId, groupInstanceId, topics };
    });
    const counts = await this.#partitionCounts([...new Set(subscribers.flatMap(({ topics }) => topics))]);
    return [...assign(subscribers, counts)].map(([memberId, partitions]) => ({
      memberId,
      assignment: ConsumerProtocolAssignment.encode({
        assignedPartitions: [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, of]) => ({
          topic,
          partitions: of.map(({ partition }) => partition),
        })),
      }),
    }));
  }

  /** Who is known at another generation only comes back as the same member. */
  #startAnew(error: ErrorName): 'again' {
    if (error !== 'ILLEGAL_GENERATION') this.#memberId = '';
    this.#generationId = NO_GENERATION;
    return 'again';
  }

  async #later(): Promise<'again'> {
    await this.#cluster.clock.sleep(RETRY_BACKOFF_MS);
    return 'again';
  }

  #failure(errorCode: number, groupInstanceId: string | null): ApiError {
    if (errorName(errorCode) !== 'FENCED_INSTANCE_ID') return ApiError.of(errorCode);
    return ApiError.of(errorCode, `Another member has taken the group.instance.id ${groupInstanceId}.`);
  }

  #instance(version: number, firstVersion: number): { groupInstanceId?: string } {
    const { groupInstanceId } = this.#settings;
    return groupInstanceId !== null && version >= firstVersion ? { groupInstanceId } : {};
  }

  /** Errors of the coordinator are dealt with; any other is the caller's. */
  #ask<R extends { readonly errorCode: number }>(
    call: string,
    send: (node: Node) => Promise<R>,
    deadline?: number,
  ): Promise<R> {
    return this.#coordinators.askOne(
      this.#settings.groupId,
      call,
      async (node) => {
        const response = await send(node);
        return OF_COORDINATOR.has(errorName(response.errorCode)) ? ApiError.of(response.errorCode) : response;
      },
      deadline,
    );
  }

  /** Says that this member is alive; false when it must join again. @throws ApiError */
  async heartbeat(): Promise<boolean> {
    const { groupId, groupInstanceId } = this.#settings;
    const generationId = this.#generationId;
    const { errorCode } = await this.#ask('heartbeat', (node) =>
      this.#cluster.send(node, Heartbeat, (version) => ({
        groupId,
        generationId,
        memberId: this.#memberId,
        ...this.#instance(version, FIRST_VERSION.groupInstanceId.heartbeat),
      })),
    );
    const error = errorName(errorCode);
    if (error === 'NONE') return true;
    if (error === 'REBALANCE_IN_PROGRESS') return false;
    if (!LOST.has(error)) throw this.#failure(errorCode, groupInstanceId);
    this.#startAnew(error);
    return false;
  }

  /** The group's offsets, by topicPartitionKey; partitions without one are left out. @throws ApiError */
  async committed(partitions: readonly TopicPartition[], requireStable: boolean): Promise<Map<string, number>> {
    for (;;) {
      const fetched = await this.#fetchOffsets(partitions, requireStable);
      const errors = fetched.map(({ errorCode }) => errorName(errorCode)).filter((error) => error !== 'NONE');
      const lasting = errors.find((error) => !isRetriable(error));
      if (lasting !== undefined) throw ApiError.named(lasting);
      // UNSTABLE_OFFSET_COMMIT: a transaction that commits offsets is not over yet.
      if (errors.length > 0) await this.#later();
      else {
        const known = fetched.filter(({ offset }) => offset >= 0);
        return new Map(known.map(({ topic, partition, offset }) => [topicPartitionKey(topic, partition), offset]));
      }
    }
  }

  #fetchOffsets(
    partitions: readonly TopicPartition[],
    requireStable: boolean,
  ): Promise<(GroupOffset & { errorCode: number })[]> {
    const { groupId } = this.#settings;
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, of]) => ({
      name,
      partitionIndexes: of.map(({ partition }) => partition),
    }));
    const stable = (version: number) => (version >= 7 ? { requireStable } : {});
    return this.#coordinators.askOne(groupId, 'offsetFetch', async (node) => {
      const response = await this.#cluster.send(node, OffsetFetch, (version) =>
        version >= FIRST_VERSION.manyGroups
          ? { groups: [{ groupId, topics }], ...stable(version) }
          : { groupId, topics, ...stable(version) },
      );
      const answer = response.groups[0] ?? response;
      if (answer.errorCode !== Errors.NONE) return ApiError.of(answer.errorCode);
      return answer.topics.flatMap(({ name, partitions: of }) =>
        of.map(({ partitionIndex, committedOffset, errorCode }) => ({
          topic: name,
          partition: partitionIndex,
          offset: committedOffset,
          errorCode,
        })),
      );
    });
  }

  /**
   * Commits; what keeps it from that is said as a warning, as auto-commit does. Returns whether all went well. A
   * membership that was lost commits nothing: others may be further by now.
   * @param deadline gives up then
   */
  async commit(offsets: readonly GroupOffset[], deadline: number): Promise<boolean> {
    if (this.#generationId === NO_GENERATION) return false;
    if (offsets.length === 0) return true;
    const failure = await this.#tryCommit(offsets, deadline);
    if (failure === null) return true;
    const what = `Auto-commit of offsets of group ${this.#settings.groupId} failed: ${failure.message}`;
    this.#cluster.warn(what, LOGGER);
    return false;
  }

  async #tryCommit(offsets: readonly GroupOffset[], deadline: number): Promise<ApiError | null> {
    const { groupId } = this.#settings;
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, of]) => ({
      name,
      partitions: of.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: '',
      })),
    }));
    const generationId = this.#generationId;
    try {
      const response = await this.#ask(
        'offsetCommit',
        async (node) => {
          const answer = await this.#cluster.send(node, OffsetCommit, (version) => ({
            groupId,
            generationIdOrMemberEpoch: generationId,
            memberId: this.#memberId,
            ...this.#instance(version, FIRST_VERSION.groupInstanceId.commit),
            topics,
          }));
          const results = answer.topics.flatMap(({ partitions }) => partitions);
          return { errorCode: results.find(({ errorCode }) => errorCode !== Errors.NONE)?.errorCode ?? Errors.NONE };
        },
        deadline,
      );
      return response.errorCode === Errors.NONE ? null : ApiError.of(response.errorCode);
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
  }

  /**
   * Leaves at once, so that the others need not wait for the session to end. A static member stays, it may come back.
   * @param cluster may be another one than that of the membership, which a join may occupy
   */
  async leave(cluster: ClusterClient, deadline: number): Promise<void> {
    const { groupId, groupInstanceId } = this.#settings;
    const memberId = this.#memberId;
    this.#startAnew('UNKNOWN_MEMBER_ID');
    if (memberId === '' || groupInstanceId !== null) return;
    const leave = async (node: Node): Promise<true | ApiError> => {
      const { errorCode } = await cluster.send(node, LeaveGroup, (version) =>
        version >= FIRST_VERSION.leaveMany
          ? { groupId, members: [{ memberId, ...(version >= 5 && { reason: 'the consumer is being closed' }) }] }
          : { groupId, memberId },
      );
      return errorCode === Errors.NONE || LOST.has(errorName(errorCode)) ? true : ApiError.of(errorCode);
    };
    try {
      await new Coordinators(cluster).askOne(groupId, 'leaveGroup', leave, deadline);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      cluster.warn(`Leaving group ${groupId} failed: ${error.message}`, LOGGER);
    }
  }
}

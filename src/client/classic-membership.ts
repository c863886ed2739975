/**
 * A member of a classic group: joins, deals partitions out when it is made the leader, says that it is alive, commits
 * offsets and leaves (Kafka's ConsumerCoordinator with the eager protocol).
 *
 * Guarantees: errors that another try can mend are tried again until the ClusterClient is closed; what is thrown ends
 * the membership. Offsets are committed under the member's own generation, so that whoever has the partitions by then
 * is not disturbed.
 */
import type { TopicPartition } from '../model/topic-partition.ts';
import { type ErrorName, Errors, errorName } from '../protocol/errors.ts';
import {
  CONSUMER_PROTOCOL_TYPE,
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../protocol/internal/consumer-protocol.ts';
import { Heartbeat, JoinGroup, LeaveGroup, SyncGroup } from '../protocol/messages/index.ts';
import type { ResponseOut } from '../protocol/schema.ts';
import { ApiError } from './api-error.ts';
import { CLIENT_ASSIGNORS, type Subscriber } from './client-assignors.ts';
import type { ClusterClient, Node } from './cluster-client.ts';
import { Coordinators } from './coordinators.ts';
import type { GroupOffset } from './group-admin.ts';
import { commitMemberOffsets, fetchMemberOffsets, isOfCoordinator } from './member-offsets.ts';
import type { Membership } from './membership.ts';

export interface ClassicSettings {
  readonly groupId: string;
  /** Null for a dynamic member. */
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
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
const FIRST_VERSION = { groupInstanceId: { heartbeat: 3, sync: 3, join: 5 }, leaveMany: 3 };
/** A join is answered when all have come, so it may take as long as they may, and a little more. */
const JOIN_GRACE_MS = 5000;
const RETRY_BACKOFF_MS = 100;

/** The coordinator does not know this member any more, or not at this generation. */
const LOST: ReadonlySet<ErrorName> = new Set<ErrorName>(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION']);

export class ClassicMembership implements Membership {
  readonly #cluster: ClusterClient;
  readonly #coordinators: Coordinators;
  readonly #settings: ClassicSettings;
  readonly #partitionCounts: PartitionCounts;
  #memberId = '';
  #generationId = NO_GENERATION;
  #isLeader = false;

  /** @param cluster for this group alone: its connection is occupied while a join waits for the others */
  constructor(cluster: ClusterClient, settings: ClassicSettings, partitionCounts: PartitionCounts) {
    this.#cluster = cluster;
    this.#coordinators = new Coordinators(cluster);
    this.#settings = settings;
    this.#partitionCounts = partitionCounts;
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  get isLost(): boolean {
    return this.#generationId === NO_GENERATION;
  }

  get heartbeatIntervalMs(): number {
    return this.#settings.heartbeatIntervalMs;
  }

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
  #ask<R extends { readonly errorCode: number }>(call: string, send: (node: Node) => Promise<R>): Promise<R> {
    return this.#coordinators.askOne(this.#settings.groupId, call, async (node) => {
      const response = await send(node);
      return isOfCoordinator(errorName(response.errorCode)) ? ApiError.of(response.errorCode) : response;
    });
  }

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

  committed(partitions: readonly TopicPartition[], requireStable: boolean): Promise<Map<string, number>> {
    const { groupId } = this.#settings;
    return fetchMemberOffsets(this.#cluster, this.#coordinators, groupId, partitions, requireStable);
  }

  async commit(offsets: readonly GroupOffset[], deadline: number): Promise<boolean> {
    if (this.#generationId === NO_GENERATION) return false;
    const failure = await this.tryCommit(offsets, deadline);
    if (failure === null) return true;
    const { groupId } = this.#settings;
    this.#cluster.warn(`Auto-commit of offsets of group ${groupId} failed: ${failure.message}`, LOGGER);
    return false;
  }

  async tryCommit(offsets: readonly GroupOffset[], deadline: number): Promise<ApiError | null> {
    const { groupId, groupInstanceId } = this.#settings;
    if (offsets.length === 0) return null;
    if (this.#generationId === NO_GENERATION) return ApiError.named('REBALANCE_IN_PROGRESS');
    const member = { groupId, memberId: this.#memberId, generationId: this.#generationId, groupInstanceId };
    return commitMemberOffsets(this.#cluster, this.#coordinators, member, offsets, deadline);
  }

  async leave(cluster: ClusterClient, deadline: number): Promise<void> {
    const { groupId, groupInstanceId } = this.#settings;
    const memberId = this.#memberId;
    this.#startAnew('UNKNOWN_MEMBER_ID');
    if (memberId === '' || groupInstanceId !== null) return;
    const leave = async (node: Node): Promise<true | ApiError> => {
      const request = (version: number) =>
        version >= FIRST_VERSION.leaveMany
          ? { groupId, members: [{ memberId, ...(version >= 5 && { reason: 'the consumer is being closed' }) }] }
          : { groupId, memberId };
      const { errorCode } = await cluster.send(node, LeaveGroup, request, cluster.timeLeft(deadline));
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

/**
 * A member of a group of the new protocol (KIP-848): the coordinator deals the partitions out, and one request does
 * everything (Kafka's ConsumerHeartbeatRequestManager).
 *
 * Guarantees: partitions that are taken away are given back only after the caller has committed them; a member that was
 * fenced joins again and commits nothing of the time before. After a heartbeat without an answer all is told again, and
 * so all is answered: what the coordinator has given or asked back by it would not be told a second time.
 */
import type { TopicId, TopicPartition } from '../model/topic-partition.ts';
import { type ErrorName, Errors, errorName } from '../protocol/errors.ts';
import { ConsumerGroupHeartbeat } from '../protocol/messages/index.ts';
import type { RequestIn, ResponseOut } from '../protocol/schema.ts';
import { ApiError } from './api-error.ts';
import type { ClusterClient } from './cluster-client.ts';
import { Coordinators } from './coordinators.ts';
import type { GroupOffset } from './group-admin.ts';
import { commitMemberOffsets, fetchMemberOffsets, isOfCoordinator } from './member-offsets.ts';
import type { Membership } from './membership.ts';

export interface ModernSettings {
  readonly groupId: string;
  /** Null for a dynamic member. */
  readonly groupInstanceId: string | null;
  /** How long the coordinator waits for partitions that this member shall give back (max.poll.interval.ms). */
  readonly rebalanceTimeoutMs: number;
  /** Null leaves the choice to the group. */
  readonly serverAssignor: string | null;
}

/** The ids of the topics that exist among these, with their names. */
export type TopicIds = (topics: readonly string[]) => Promise<ReadonlyMap<TopicId, string>>;

type Request = RequestIn<typeof ConsumerGroupHeartbeat>;
type Response = ResponseOut<typeof ConsumerGroupHeartbeat>;
type Assigned = NonNullable<Response['assignment']>['topicPartitions'];

const LOGGER = 'org.apache.kafka.clients.consumer.internals.ConsumerMembershipManager';
/** In the member epoch: to join, to leave, and to leave as a static member who will be back. */
const EPOCH = { join: 0, leave: -1, leaveForNow: -2 } as const;
/** From this version on members make their ids themselves (KIP-1082). */
const FIRST_VERSION_WITH_OWN_IDS = 1;
/** Until the first answer tells. */
const DEFAULT_HEARTBEAT_INTERVAL_MS = 5000;
const RETRY_BACKOFF_MS = 100;
/** The coordinator does not know this member any more, or took it for dead. */
const FENCED: ReadonlySet<ErrorName> = new Set<ErrorName>(['UNKNOWN_MEMBER_ID', 'FENCED_MEMBER_EPOCH']);

export class ModernMembership implements Membership {
  readonly isLeader = false;
  readonly #cluster: ClusterClient;
  readonly #coordinators: Coordinators;
  readonly #settings: ModernSettings;
  readonly #topicIds: TopicIds;
  #memberId: string;
  #memberEpoch: number = EPOCH.join;
  #hasMemberIdOfCoordinator = false;
  #heartbeatIntervalMs = DEFAULT_HEARTBEAT_INTERVAL_MS;
  #topics: readonly string[] = [];
  #owned: Assigned = [];
  /** What the coordinator wants this member to have, when that is not what it has. */
  #target: Assigned | null = null;
  /** Of the last heartbeat, as far as is known. */
  #isAnswerMissing = false;

  /** @param memberId one that no other member will have */
  constructor(cluster: ClusterClient, settings: ModernSettings, memberId: string, topicIds: TopicIds) {
    this.#cluster = cluster;
    this.#coordinators = new Coordinators(cluster);
    this.#settings = settings;
    this.#memberId = memberId;
    this.#topicIds = topicIds;
  }

  get isLost(): boolean {
    return this.#memberEpoch === EPOCH.join;
  }

  get heartbeatIntervalMs(): number {
    return this.#heartbeatIntervalMs;
  }

  async join(topics: readonly string[]): Promise<TopicPartition[]> {
    const hasOtherTopics = this.#topics.join() !== topics.join();
    this.#topics = topics;
    let news: Partial<Request> = hasOtherTopics ? { subscribedTopicNames: topics } : {};
    for (;;) {
      if (this.#memberEpoch !== EPOCH.join && this.#target !== null) {
        // Nothing is read now, so what is taken away can be given back, and what is new be taken.
        this.#owned = this.#target;
        this.#target = null;
        news = { ...news, topicPartitions: this.#owned };
      }
      if (!(await this.#beat(news))) continue;
      news = {};
      if (this.#target === null) return this.#named();
    }
  }

  async heartbeat(): Promise<boolean> {
    // A commit may have learnt it before; to join right away would pass off the old time's offsets as the new one's.
    if (this.isLost) return false;
    return (await this.#beat({})) && this.#target === null;
  }

  /** False when the member was fenced and must begin again. */
  async #beat(news: Partial<Request>): Promise<boolean> {
    const { groupId } = this.#settings;
    const response = await this.#coordinators.askOne(groupId, 'consumerGroupHeartbeat', async (node) => {
      const mustTellAll = this.#memberEpoch === EPOCH.join || this.#isAnswerMissing;
      const fields = mustTellAll ? this.#introduction() : news;
      this.#isAnswerMissing = true;
      const answer = await this.#cluster.send(node, ConsumerGroupHeartbeat, (version) => ({
        groupId,
        memberId: this.#mustNotNameItself(version) ? '' : this.#memberId,
        memberEpoch: this.#memberEpoch,
        ...fields,
      }));
      return isOfCoordinator(errorName(answer.errorCode)) ? ApiError.of(answer.errorCode) : answer;
    });
    const error = errorName(response.errorCode);
    if (FENCED.has(error)) {
      this.#memberEpoch = EPOCH.join;
      this.#owned = [];
      this.#target = null;
      return false;
    }
    if (error !== 'NONE') throw ApiError.of(response.errorCode, response.errorMessage);
    this.#learn(response);
    return true;
  }

  #introduction(): Partial<Request> {
    const { groupInstanceId, rebalanceTimeoutMs, serverAssignor } = this.#settings;
    return {
      instanceId: groupInstanceId,
      rebalanceTimeoutMs,
      serverAssignor,
      subscribedTopicNames: this.#topics,
      topicPartitions: this.#owned,
    };
  }

  #mustNotNameItself(version: number): boolean {
    return version < FIRST_VERSION_WITH_OWN_IDS && !this.#hasMemberIdOfCoordinator;
  }

  #learn({ memberId, memberEpoch, heartbeatIntervalMs, assignment }: Response): void {
    this.#isAnswerMissing = false;
    if (memberId !== null) {
      this.#memberId = memberId;
      this.#hasMemberIdOfCoordinator = true;
    }
    this.#memberEpoch = memberEpoch;
    if (heartbeatIntervalMs > 0) this.#heartbeatIntervalMs = heartbeatIntervalMs;
    if (assignment === null) return;
    const target = assignment.topicPartitions;
    this.#target = textOf(target) === textOf(this.#owned) ? null : target;
  }

  async #named(): Promise<TopicPartition[]> {
    for (;;) {
      const names = await this.#topicIds(this.#topics);
      if (this.#owned.every(({ topicId }) => names.has(topicId)))
        return this.#owned.flatMap(({ topicId, partitions }) =>
          partitions.map((partition) => ({ topic: names.get(topicId) ?? '', partition })),
        );
      // The coordinator knows of a topic that the broker asked for metadata has not heard of yet.
      await this.#cluster.clock.sleep(RETRY_BACKOFF_MS);
    }
  }

  committed(partitions: readonly TopicPartition[], requireStable: boolean): Promise<Map<string, number>> {
    const { groupId } = this.#settings;
    return fetchMemberOffsets(this.#cluster, this.#coordinators, groupId, partitions, requireStable);
  }

  async commit(offsets: readonly GroupOffset[], deadline: number): Promise<boolean> {
    if (this.#memberEpoch === EPOCH.join) return false;
    const failure = await this.tryCommit(offsets, deadline);
    if (failure === null) return true;
    const { groupId } = this.#settings;
    this.#cluster.warn(`Auto-commit of offsets of group ${groupId} failed: ${failure.message}`, LOGGER);
    return false;
  }

  async tryCommit(offsets: readonly GroupOffset[], deadline: number): Promise<ApiError | null> {
    if (offsets.length === 0) return null;
    if (this.#memberEpoch === EPOCH.join) return ApiError.named('REBALANCE_IN_PROGRESS');
    const failure = await this.#commitOnce(offsets, deadline);
    // The epoch has risen meanwhile; a heartbeat tells it.
    if (failure?.error === 'STALE_MEMBER_EPOCH' && (await this.#beat({}))) return this.#commitOnce(offsets, deadline);
    return failure;
  }

  #commitOnce(offsets: readonly GroupOffset[], deadline: number): Promise<ApiError | null> {
    const { groupId, groupInstanceId } = this.#settings;
    const member = { groupId, memberId: this.#memberId, generationId: this.#memberEpoch, groupInstanceId };
    return commitMemberOffsets(this.#cluster, this.#coordinators, member, offsets, deadline);
  }

  async leave(cluster: ClusterClient, deadline: number): Promise<void> {
    const { groupId, groupInstanceId } = this.#settings;
    if (this.#topics.length === 0) return;
    const memberEpoch = groupInstanceId === null ? EPOCH.leave : EPOCH.leaveForNow;
    const memberId = this.#memberId;
    this.#memberEpoch = EPOCH.join;
    const leave = async (): Promise<true> =>
      new Coordinators(cluster).askOne(
        groupId,
        'consumerGroupHeartbeat',
        async (node) => {
          const request = { groupId, memberId, memberEpoch, instanceId: groupInstanceId };
          const timeoutMs = cluster.timeLeft(deadline);
          const { errorCode } = await cluster.send(node, ConsumerGroupHeartbeat, request, timeoutMs);
          const error = errorName(errorCode);
          const isGone = errorCode === Errors.NONE || FENCED.has(error) || error === 'GROUP_ID_NOT_FOUND';
          return isGone ? true : ApiError.of(errorCode);
        },
        deadline,
      );
    try {
      await leave();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      cluster.warn(`Leaving group ${groupId} failed: ${error.message}`, LOGGER);
    }
  }
}

function textOf(assigned: Assigned): string {
  return assigned
    .flatMap(({ topicId, partitions }) => partitions.map((partition) => `${topicId}:${partition}`))
    .sort()
    .join();
}

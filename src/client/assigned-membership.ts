/**
 * A reader that has its partitions assigned instead of sharing them: no member of the group, but it reads and writes
 * the group's offsets (Kafka's KafkaConsumer after assign()).
 *
 * Guarantees: it never joins, and has nothing to leave. Where the group has members, the coordinator refuses its
 * commits.
 */
import type { TopicPartition } from '../model/topic-partition.ts';
import type { ApiError } from './api-error.ts';
import type { ClusterClient } from './cluster-client.ts';
import { Coordinators } from './coordinators.ts';
import type { GroupOffset } from './group-admin.ts';
import { commitMemberOffsets, fetchMemberOffsets } from './member-offsets.ts';
import type { Membership } from './membership.ts';

const NO_GENERATION = -1;
/** Nothing is asked at that pace: it only keeps the consumer's timer going. */
const IDLE_INTERVAL_MS = 60_000;
const LOGGER = 'org.apache.kafka.clients.consumer.internals.ConsumerCoordinator';

export class AssignedMembership implements Membership {
  readonly isLeader = false;
  readonly isLost = false;
  readonly heartbeatIntervalMs = IDLE_INTERVAL_MS;
  readonly #cluster: ClusterClient;
  readonly #coordinators: Coordinators;
  readonly #groupId: string;
  readonly #partitions: readonly TopicPartition[];

  constructor(cluster: ClusterClient, groupId: string, partitions: readonly TopicPartition[]) {
    this.#cluster = cluster;
    this.#coordinators = new Coordinators(cluster);
    this.#groupId = groupId;
    this.#partitions = partitions;
  }

  async join(): Promise<TopicPartition[]> {
    return [...this.#partitions];
  }

  async heartbeat(): Promise<boolean> {
    return true;
  }

  committed(partitions: readonly TopicPartition[], requireStable: boolean): Promise<Map<string, number>> {
    return fetchMemberOffsets(this.#cluster, this.#coordinators, this.#groupId, partitions, requireStable);
  }

  async tryCommit(offsets: readonly GroupOffset[], deadline: number): Promise<ApiError | null> {
    if (offsets.length === 0) return null;
    const nobody = { groupId: this.#groupId, memberId: '', generationId: NO_GENERATION, groupInstanceId: null };
    return commitMemberOffsets(this.#cluster, this.#coordinators, nobody, offsets, deadline);
  }

  async commit(offsets: readonly GroupOffset[], deadline: number): Promise<boolean> {
    const failure = await this.tryCommit(offsets, deadline);
    if (failure === null) return true;
    this.#cluster.warn(`Auto-commit of offsets of group ${this.#groupId} failed: ${failure.message}`, LOGGER);
    return false;
  }

  async leave(): Promise<void> {}
}

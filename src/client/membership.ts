/** @pure What a reader of topics needs of its membership in a group, whatever the group's protocol. */
import type { TopicPartition } from '../model/topic-partition.ts';
import type { ApiError } from './api-error.ts';
import type { ClusterClient } from './cluster-client.ts';
import type { GroupOffset } from './group-admin.ts';

export interface Membership {
  /** This member deals the partitions out, so it must see to changes of their numbers. */
  readonly isLeader: boolean;
  readonly heartbeatIntervalMs: number;
  /** The coordinator does not count it as a member: what it had is another's by now. */
  readonly isLost: boolean;
  /**
   * Joins, or takes part in dealing the partitions out anew, and returns those of this member. It must not read any
   * meanwhile. @throws ApiError
   */
  join(topics: readonly string[]): Promise<TopicPartition[]>;
  /** Says that this member is alive; false when it must stop reading, commit and join again. @throws ApiError */
  heartbeat(): Promise<boolean>;
  /** The group's offsets, by topicPartitionKey; partitions without one are left out. @throws ApiError */
  committed(partitions: readonly TopicPartition[], requireStable: boolean): Promise<Map<string, number>>;
  /**
   * Commits; returns what kept it from that, or null. A membership that was lost commits nothing: others may be further
   * by now.
   * @param deadline gives up then
   */
  tryCommit(offsets: readonly GroupOffset[], deadline: number): Promise<ApiError | null>;
  /** The same as auto-commit does it: a failure is a warning. Returns whether all went well. */
  commit(offsets: readonly GroupOffset[], deadline: number): Promise<boolean>;
  /**
   * Leaves at once, so that the others need not wait for the session to end. A static member keeps its place.
   * @param cluster may be another one than that of the membership, which a join may occupy
   */
  leave(cluster: ClusterClient, deadline: number): Promise<void>;
}

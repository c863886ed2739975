/** @pure Who leads a partition and which replicas hold all that is committed. */
export const NO_LEADER = -1;
/** Sent in UpdateMetadata for the partitions of a topic that is being deleted; never stored. */
export const LEADER_DURING_DELETE = -2;
/** The leader epoch that a StopReplica for a deleted topic carries: skips the epoch check. */
export const EPOCH_DURING_DELETE = -2;

export const LeaderRecoveryState = { RECOVERED: 0, RECOVERING: 1 } as const;
export type LeaderRecoveryState = (typeof LeaderRecoveryState)[keyof typeof LeaderRecoveryState];

export interface LeaderAndIsr {
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly leaderRecoveryState: LeaderRecoveryState;
  /**
   * The version of the partition's state znode; 0 after its creation. Kafka's zkVersion, partitionEpoch on the wire.
   */
  readonly partitionEpoch: number;
}

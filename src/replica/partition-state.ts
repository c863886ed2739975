/**
 * @pure What the controller tells the replicas of a partition (the partition of a LeaderAndIsr request), and what a
 * leader asks the controller for (a partition of an AlterPartition request, KIP-497, KIP-903).
 */
import type { LeaderAndIsr, LeaderRecoveryState } from '../model/leader-and-isr.ts';

/** LeaderAndIsr's partition state; `controllerEpoch` is the epoch of the controller that decided it. */
export interface PartitionState extends LeaderAndIsr {
  readonly controllerEpoch: number;
  /** All replicas in assignment order, those being added included. */
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export interface IsrMember {
  readonly brokerId: number;
  /** The incarnation that this leader heard from, or -1 when it has not heard from the member yet. */
  readonly brokerEpoch: number;
}

/**
 * One ISR change that a leader asks for. A proposal is one object: its identity tells answers to it from stale ones.
 */
export interface IsrProposal {
  readonly kind: 'expand' | 'shrink';
  readonly leaderEpoch: number;
  /** The version that the change is conditional on. */
  readonly partitionEpoch: number;
  readonly newIsr: readonly IsrMember[];
  readonly leaderRecoveryState: LeaderRecoveryState;
}

/**
 * @pure Whether the controller grants what a leader proposes by AlterPartition (KIP-497): Kafka's checks in Kafka's
 * order, plus those that Kafka makes in KRaft mode only: the sender leads, the ISR is part of the replicas, and each
 * member is of the incarnation that is registered now (KIP-903), so that a replica that came back without its log is
 * never taken for the one that had it.
 */
import type { LeaderAndIsr } from '../model/leader-and-isr.ts';
import { LeaderRecoveryState } from '../model/leader-and-isr.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { ControlledPartition, ControllerState } from './controller-state.ts';

export interface IsrMemberClaim {
  readonly brokerId: number;
  /** The incarnation that the leader means; -1 when it does not know. */
  readonly brokerEpoch: number;
}

export interface IsrProposal {
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly newIsr: readonly IsrMemberClaim[];
  readonly leaderRecoveryState: number;
}

export type IsrVerdict =
  /** To be written, on condition that the znode still has `partitionEpoch`. */
  | { readonly kind: 'write'; readonly leaderAndIsr: LeaderAndIsr }
  /** It is so already: the reply to the first request was lost (KAFKA-14144). */
  | { readonly kind: 'unchanged'; readonly leaderAndIsr: LeaderAndIsr }
  | { readonly kind: 'refused'; readonly error: ErrorName };

const refused = (error: ErrorName): IsrVerdict => ({ kind: 'refused', error });

/** @param senderId the broker that proposes, whose own epoch was checked before */
export function judgeIsrProposal(
  state: ControllerState,
  senderId: number,
  partition: ControlledPartition | undefined,
  proposal: IsrProposal,
): IsrVerdict {
  const current = partition?.state ?? null;
  if (partition === undefined || current === null || state.deletions.isQueued(partition.topic))
    return refused('UNKNOWN_TOPIC_OR_PARTITION');
  // The leader knows more than this controller, which so is probably not the controller any more (KAFKA-14154).
  if (proposal.partitionEpoch > current.partitionEpoch || proposal.leaderEpoch > current.leaderEpoch)
    return refused('NOT_CONTROLLER');
  if (proposal.leaderEpoch < current.leaderEpoch) return refused('FENCED_LEADER_EPOCH');
  if (senderId !== current.leader) return refused('INVALID_REQUEST');
  if (isSame(proposal, current)) return { kind: 'unchanged', leaderAndIsr: current };
  if (proposal.partitionEpoch < current.partitionEpoch) return refused('INVALID_UPDATE_VERSION');
  const isr = proposal.newIsr.map(({ brokerId }) => brokerId);
  const recovery = recoveryState(proposal.leaderRecoveryState);
  if (recovery === null || !isPossible(partition, current, isr, recovery)) return refused('INVALID_REQUEST');
  if (!proposal.newIsr.every((member) => isEligible(state, partition, member))) return refused('INELIGIBLE_REPLICA');
  return { kind: 'write', leaderAndIsr: { ...current, isr, leaderRecoveryState: recovery } };
}

function isSame({ newIsr, leaderRecoveryState }: IsrProposal, current: LeaderAndIsr): boolean {
  return (
    leaderRecoveryState === current.leaderRecoveryState &&
    newIsr.length === current.isr.length &&
    newIsr.every(({ brokerId }) => current.isr.includes(brokerId))
  );
}

function recoveryState(value: number): LeaderRecoveryState | null {
  const { RECOVERED, RECOVERING } = LeaderRecoveryState;
  if (value === RECOVERED || value === RECOVERING) return value;
  return null;
}

function isPossible(
  { assignment }: ControlledPartition,
  current: LeaderAndIsr,
  isr: readonly number[],
  recovery: LeaderRecoveryState,
): boolean {
  const { RECOVERED, RECOVERING } = LeaderRecoveryState;
  if (!isr.includes(current.leader) || new Set(isr).size !== isr.length) return false;
  if (!isr.every((id) => assignment.replicas.includes(id))) return false;
  if (recovery === RECOVERING && isr.length > 1) return false;
  return !(current.leaderRecoveryState === RECOVERED && recovery === RECOVERING);
}

/** KIP-841 and KIP-903. */
function isEligible(
  state: ControllerState,
  partition: ControlledPartition,
  { brokerId, brokerEpoch }: IsrMemberClaim,
): boolean {
  if (!state.livenessOf(partition).isOnline(brokerId)) return false;
  return brokerEpoch === -1 || brokerEpoch === state.brokers.get(brokerId)?.brokerEpoch;
}

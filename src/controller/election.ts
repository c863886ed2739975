/**
 * @pure An election is a function: what a partition's leader and ISR become, given who is online (Kafka's Election and
 * PartitionLeaderElectionAlgorithms).
 *
 * Guarantees, for every result: the leader is a member of the ISR it had before, unless the election was allowed to
 * be unclean; the new ISR is a part of the old one (or the unclean leader alone) and never empty; a change raises the
 * leader epoch by one; `partitionEpoch` is still that of the old state, which is what the write must compare with.
 */
import type { LeaderAndIsr } from '../model/leader-and-isr.ts';
import { LeaderRecoveryState, NO_LEADER } from '../model/leader-and-isr.ts';

export interface PartitionView {
  /** In assignment order: the first is the preferred leader. */
  readonly replicas: readonly number[];
  readonly leaderAndIsr: LeaderAndIsr;
}

/** What is known of the replicas of one partition. */
export interface Liveness {
  /** Registered and with its log directory in order; shutting down or not. */
  isRegistered(brokerId: number): boolean;
  /** Registered and not shutting down: fit to lead and to be in the ISR (KIP-841). */
  isOnline(brokerId: number): boolean;
}

/** The first state of a new partition: all online replicas are in sync, since there is nothing to have. */
export function initialLeaderAndIsr(replicas: readonly number[], liveness: Liveness): LeaderAndIsr | null {
  const isr = replicas.filter((id) => liveness.isOnline(id));
  const leader = isr[0];
  if (leader === undefined) return null;
  return { leader, leaderEpoch: 0, isr, leaderRecoveryState: LeaderRecoveryState.RECOVERED, partitionEpoch: 0 };
}

/**
 * The leader of a partition that has lost its own: the first replica in assignment order that is online and in the ISR.
 * Only with unclean election does an online replica outside the ISR qualify; then the ISR is that replica alone and the
 * partition is marked as recovering (KIP-704). Null when nobody qualifies.
 */
export function electOfflineLeader(
  { replicas, leaderAndIsr }: PartitionView,
  liveness: Liveness,
  uncleanLeaderElectionEnable: boolean,
): LeaderAndIsr | null {
  const { isr } = leaderAndIsr;
  const leaderEpoch = leaderAndIsr.leaderEpoch + 1;
  const online = replicas.filter((id) => liveness.isOnline(id));
  const clean = online.find((id) => isr.includes(id));
  if (clean !== undefined)
    return { ...leaderAndIsr, leader: clean, leaderEpoch, isr: isr.filter((id) => online.includes(id)) };
  const unclean = uncleanLeaderElectionEnable ? online[0] : undefined;
  if (unclean === undefined) return null;
  const leaderRecoveryState = LeaderRecoveryState.RECOVERING;
  return { ...leaderAndIsr, leader: unclean, leaderEpoch, isr: [unclean], leaderRecoveryState };
}

/** The head of the assignment, if it is online and in the ISR; the ISR stays. Null when it does not qualify. */
export function electPreferredLeader(
  { replicas, leaderAndIsr }: PartitionView,
  liveness: Liveness,
): LeaderAndIsr | null {
  const preferred = replicas[0];
  if (preferred === undefined || !liveness.isOnline(preferred) || !leaderAndIsr.isr.includes(preferred)) return null;
  return { ...leaderAndIsr, leader: preferred, leaderEpoch: leaderAndIsr.leaderEpoch + 1 };
}

/**
 * Who leads when the leader is about to shut down: the first replica in assignment order that is in the ISR and stays.
 * All that are shutting down leave the ISR. Null when nobody stays: then the leader goes on until it is gone.
 */
export function electForControlledShutdown(
  { replicas, leaderAndIsr }: PartitionView,
  liveness: Liveness,
): LeaderAndIsr | null {
  const isr = leaderAndIsr.isr.filter((id) => liveness.isOnline(id));
  const leader = replicas.find((id) => isr.includes(id));
  return leader === undefined ? null : { ...leaderAndIsr, leader, leaderEpoch: leaderAndIsr.leaderEpoch + 1, isr };
}

/**
 * What the partition has to become now that these brokers are there: the one rule behind broker failures, bounces,
 * starts, failed log directories and controlled shutdowns. It looks at the state alone and not at what happened, so an
 * event that was missed or half carried out is made good by the next look. Returns the very state it was given when
 * nothing has to change.
 *
 *  - The leader is online: replicas that are not leave the ISR.
 *  - The leader is shutting down: somebody of the ISR takes over if anybody can, else it keeps the partition.
 *  - There is no leader: elect one. If that is impossible the ISR is kept as it is, since its members are the only ones
 *    known to hold every committed record, and the partition waits without a leader.
 */
export function repairLeaderAndIsr(
  partition: PartitionView,
  liveness: Liveness,
  uncleanLeaderElectionEnable: boolean,
): LeaderAndIsr {
  const { leaderAndIsr } = partition;
  const { leader, isr } = leaderAndIsr;
  if (leader !== NO_LEADER && liveness.isRegistered(leader)) {
    const successor = liveness.isOnline(leader) ? null : electForControlledShutdown(partition, liveness);
    if (successor !== null) return successor;
    const staying = isr.filter((id) => id === leader || liveness.isOnline(id));
    if (staying.length === isr.length || staying.length === 0) return leaderAndIsr;
    return { ...leaderAndIsr, leaderEpoch: leaderAndIsr.leaderEpoch + 1, isr: staying };
  }
  const elected = electOfflineLeader(partition, liveness, uncleanLeaderElectionEnable);
  if (elected !== null) return elected;
  if (leader === NO_LEADER) return leaderAndIsr;
  return { ...leaderAndIsr, leader: NO_LEADER, leaderEpoch: leaderAndIsr.leaderEpoch + 1 };
}

/**
 * What the partition has to become when members of its ISR, its leader perhaps, have failed and are back without a
 * controller having seen it: they leave the ISR, and the leader epoch grows also when nobody else could lead. What a
 * new incarnation writes must not pass for what the old one wrote at the same offsets (KIP-380). Never unclean.
 */
export function electAfterUnseenFailure(
  { replicas, leaderAndIsr }: PartitionView,
  liveness: Liveness,
  hasFailed: (brokerId: number) => boolean,
): LeaderAndIsr {
  const leaderEpoch = leaderAndIsr.leaderEpoch + 1;
  const isr = leaderAndIsr.isr.filter((id) => liveness.isOnline(id) && !hasFailed(id));
  const leader = isr.includes(leaderAndIsr.leader) ? leaderAndIsr.leader : replicas.find((id) => isr.includes(id));
  if (leader !== undefined) return { ...leaderAndIsr, leader, leaderEpoch, isr };
  return electOfflineLeader({ replicas, leaderAndIsr }, liveness, false) ?? leaderAndIsr;
}

/**
 * Whether only an unclean election could give the partition a leader, and one could: then the topic's config matters.
 */
export function needsUncleanElection({ replicas, leaderAndIsr }: PartitionView, liveness: Liveness): boolean {
  const { leader, isr } = leaderAndIsr;
  if (leader !== NO_LEADER && liveness.isRegistered(leader)) return false;
  return (
    replicas.some((id) => liveness.isOnline(id)) && !replicas.some((id) => isr.includes(id) && liveness.isOnline(id))
  );
}

/**
 * @pure From what the controller knows to the partition states it has to write: repairs after any change of who is
 * there, and elections that somebody asked for. A planned state carries the `partitionEpoch` of the state that it
 * replaces; the write is made only if the znode still has that version.
 */
import type { LeaderAndIsr } from '../model/leader-and-isr.ts';
import { NO_LEADER } from '../model/leader-and-isr.ts';
import { type ErrorName, errorMessage } from '../protocol/errors.ts';
import type { ControlledPartition, ControllerState } from './controller-state.ts';
import {
  electAfterUnseenFailure,
  electOfflineLeader,
  electPreferredLeader,
  initialLeaderAndIsr,
  needsUncleanElection,
  repairLeaderAndIsr,
} from './election.ts';

export interface StateChange {
  readonly partition: ControlledPartition;
  readonly next: LeaderAndIsr;
  /** The partition's first state: the znode is to be created. */
  readonly isNew: boolean;
}

/** Topics whose configuration decides now, because only an unclean election could give a partition a leader. */
export function topicsInNeedOfUncleanElection(
  state: ControllerState,
  partitions: Iterable<ControlledPartition>,
): Set<string> {
  const topics = new Set<string>();
  for (const partition of partitions) {
    if (partition.state === null || state.deletions.isQueued(partition.topic)) continue;
    const view = { replicas: partition.assignment.replicas, leaderAndIsr: partition.state };
    if (needsUncleanElection(view, state.livenessOf(partition))) topics.add(partition.topic);
  }
  return topics;
}

/**
 * What has to change so that every partition has a leader that is there and an ISR of replicas that are there, as far
 * as that is possible. Topics on their way out are left alone.
 */
export function planRepairs(
  state: ControllerState,
  partitions: Iterable<ControlledPartition>,
  uncleanTopics: ReadonlySet<string>,
): StateChange[] {
  const changes: StateChange[] = [];
  for (const partition of partitions) {
    if (state.deletions.isQueued(partition.topic)) continue;
    const { replicas } = partition.assignment;
    const liveness = state.livenessOf(partition);
    if (partition.state === null) {
      const next = initialLeaderAndIsr(replicas, liveness);
      if (next !== null) changes.push({ partition, next, isNew: true });
      continue;
    }
    const view = { replicas, leaderAndIsr: partition.state };
    const next = repairLeaderAndIsr(view, liveness, uncleanTopics.has(partition.topic));
    if (next !== partition.state) changes.push({ partition, next, isNew: false });
  }
  return changes;
}

/** Brokers that registered after the partition's state was written, which counts them as in sync. */
export interface UnseenFailure {
  readonly partition: ControlledPartition;
  readonly brokerIds: ReadonlySet<number>;
}

/** See `electAfterUnseenFailure`. Topics on their way out are left alone. */
export function planUnseenFailures(state: ControllerState, failures: readonly UnseenFailure[]): StateChange[] {
  const changes: StateChange[] = [];
  for (const { partition, brokerIds } of failures) {
    if (partition.state === null || state.deletions.isQueued(partition.topic)) continue;
    const view = { replicas: partition.assignment.replicas, leaderAndIsr: partition.state };
    const next = electAfterUnseenFailure(view, state.livenessOf(partition), (id) => brokerIds.has(id));
    if (next !== partition.state) changes.push({ partition, next, isNew: false });
  }
  return changes;
}

export const ELECTION_TYPE = { PREFERRED: 0, UNCLEAN: 1 } as const;
export type ElectionType = (typeof ELECTION_TYPE)[keyof typeof ELECTION_TYPE];

export interface ElectionRefusal {
  readonly error: Exclude<ErrorName, 'NONE'>;
  readonly message: string | null;
}

/** An election by request (ElectLeaders): the change, or why there is none, in Kafka's words. */
export function planElection(
  state: ControllerState,
  partition: ControlledPartition | undefined,
  electionType: ElectionType,
): StateChange | ElectionRefusal {
  if (partition === undefined) return { error: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'The partition does not exist.' };
  if (state.deletions.isQueued(partition.topic))
    return { error: 'INVALID_TOPIC_EXCEPTION', message: 'The topic is being deleted' };
  const isPreferred = electionType === ELECTION_TYPE.PREFERRED;
  const { replicas } = partition.assignment;
  const unavailable = isPreferred ? 'PREFERRED_LEADER_NOT_AVAILABLE' : 'ELIGIBLE_LEADERS_NOT_AVAILABLE';
  if (partition.state === null)
    return { error: unavailable, message: `LeaderAndIsr information doesn't exist for partition ${partition.key}` };
  const { leader } = partition.state;
  const isNeeded = isPreferred ? leader !== replicas[0] : leader === NO_LEADER || !state.isLive(leader);
  if (!isNeeded) return { error: 'ELECTION_NOT_NEEDED', message: errorMessage('ELECTION_NOT_NEEDED') };
  const view = { replicas, leaderAndIsr: partition.state };
  const liveness = state.livenessOf(partition);
  const next = isPreferred ? electPreferredLeader(view, liveness) : electOfflineLeader(view, liveness, true);
  if (next !== null) return { partition, next, isNew: false };
  const strategy = isPreferred
    ? 'PreferredReplicaPartitionLeaderElectionStrategy'
    : 'OfflinePartitionLeaderElectionStrategy(true)';
  return {
    error: unavailable,
    message: `Failed to elect leader for partition ${partition.key} under strategy ${strategy}`,
  };
}

/**
 * The preferred elections that the periodic rebalance makes: for each broker that leads less of its own partitions than
 * `leader.imbalance.per.broker.percentage` tolerates, those whose preferred replica could lead now.
 */
export function planRebalance(state: ControllerState, imbalancePerBrokerPercentage: number): StateChange[] {
  const owned = new Map<number, number>();
  const foreign = new Map<number, ControlledPartition[]>();
  for (const partition of state.partitions()) {
    const preferred = partition.assignment.replicas[0];
    if (preferred === undefined || state.deletions.isQueued(partition.topic)) continue;
    owned.set(preferred, (owned.get(preferred) ?? 0) + 1);
    if (partition.state === null || partition.state.leader === preferred) continue;
    const others = foreign.get(preferred) ?? [];
    others.push(partition);
    foreign.set(preferred, others);
  }
  const changes: StateChange[] = [];
  for (const [preferred, partitions] of foreign) {
    if (partitions.length / (owned.get(preferred) ?? 1) <= imbalancePerBrokerPercentage / 100) continue;
    for (const partition of partitions) {
      const planned = planElection(state, partition, ELECTION_TYPE.PREFERRED);
      if ('next' in planned) changes.push(planned);
    }
  }
  return changes;
}

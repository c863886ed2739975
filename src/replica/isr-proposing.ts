/**
 * Asks for the ISR changes that a leader's rules propose, and brings the answers back to them, if that leader still
 * leads by then.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { TopicId } from '../model/topic-partition.ts';
import type { IsrStore } from './isr-store.ts';
import type { LeaderEffect, LeaderState } from './leader-state.ts';
import type { IsrProposal } from './partition-state.ts';
import type { ReplicaCounters } from './replica-counters.ts';

/** The partition, as far as it matters here. */
export interface ProposingPartition {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: TopicId;
  readonly leaderState: LeaderState | null;
  carryOut(effects: readonly LeaderEffect[]): void;
  onIsrChanged(): void;
}

export interface ProposingContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isrStore: IsrStore;
  readonly counters: ReplicaCounters;
}

export function proposeIsr(
  partition: ProposingPartition,
  context: ProposingContext,
  proposal: IsrProposal,
  delayMs: number,
): void {
  if (delayMs > 0) {
    context.clock.schedule(delayMs, () => proposeIsr(partition, context, proposal, 0));
    return;
  }
  const leader = partition.leaderState;
  if (leader === null || leader.pendingProposal !== proposal) return;
  const { clock, logger, isrStore, counters } = context;
  const name = `[Partition ${partition.topic}-${partition.partition}]`;
  const isr = proposal.newIsr.map(({ brokerId }) => brokerId).join(',');
  logger.info(`${name} Asking to ${proposal.kind} the ISR from ${leader.isr.join(',')} to ${isr}`);
  isrStore.propose({
    topicId: partition.topicId,
    topic: partition.topic,
    partition: partition.partition,
    proposal,
    isWanted: () => partition.leaderState === leader && leader.pendingProposal === proposal,
    onAccepted: (state) => {
      if (partition.leaderState !== leader) return;
      if (proposal.kind === 'shrink') counters.isrShrinks++;
      else counters.isrExpands++;
      partition.carryOut(leader.onProposalAccepted(proposal, state, clock.monotonicMs()));
      partition.onIsrChanged();
      logger.info(`${name} ISR updated to ${leader.isr.join(',')} and version updated to ${leader.partitionEpoch}`);
    },
    onFailed: (error) => {
      if (partition.leaderState !== leader) return;
      counters.failedIsrUpdates++;
      logger.warn(`${name} The controller did not ${proposal.kind} the ISR to ${isr}: ${error}`);
      partition.carryOut(leader.onProposalFailed(proposal, error, clock.monotonicMs()));
    },
  });
}

/**
 * Deliberately broken rules of replication, each by one sentence of the reference left out. A simulation that does
 * not notice one of them would not notice our own mistake either.
 */
import { FollowerState } from '../../src/replica/follower-state.ts';
import { LeaderState, type LeaderView } from '../../src/replica/leader-state.ts';
import { KAFKA_RULES, type ReplicationRules } from '../../src/replica/partition.ts';
import type { IsrProposal } from '../../src/replica/partition-state.ts';

/** A follower joins the ISR at the high watermark, which may be behind what the last leader committed (KAFKA-7128). */
class JoinsAtHighWatermark extends LeaderState {
  protected override isInSync(followerEndOffset: number): boolean {
    return followerEndOffset >= this.highWatermark;
  }
}

/** A follower that is to be removed no longer counts, although the controller may still elect it (KIP-497). */
class ShrinksBeforeConfirmed extends LeaderState {
  protected override isrThatCounts(committed: readonly number[], proposal: IsrProposal | null): ReadonlySet<number> {
    if (proposal?.kind === 'shrink') return new Set(proposal.newIsr.map(({ brokerId }) => brokerId));
    return super.isrThatCounts(committed, proposal);
  }
}

/**
 * A follower that is to be added counts only when the answer is there, although it may be elected before (KIP-497). The
 * hardest to notice, since a follower that has caught up is waited for anyway, for replica.lag.time.max.ms.
 */
class ForgetsPendingExpansion extends LeaderState {
  protected override isrThatCounts(committed: readonly number[]): ReadonlySet<number> {
    return new Set(committed);
  }
}

/** The offset of a diverging fetch is taken for progress (KAFKA-13141). */
class RecordsDivergingFetch extends LeaderState {
  protected override provesProgress(): boolean {
    return true;
  }
}

/** The leader counts what a power cut would take from it, although the topic flushes every message. */
class CountsWhatIsNotFlushed extends LeaderState {
  protected override ownEndOffset(view: LeaderView): number {
    return view.logEndOffset;
  }
}

/** The follower cuts to its own high watermark, which is behind what is committed (KIP-101). */
class CutsToHighWatermark extends FollowerState {
  protected override truncationOffset(): number {
    return this.ownHighWatermark;
  }
}

/** The follower believes the leader's end of the epoch although it does not know that epoch (KIP-279). */
class CutsOnlyOnce extends FollowerState {
  protected override truncationOffset(_leaderEpoch: number, leaderEndOffset: number): number {
    return Math.min(leaderEndOffset, this.fetchOffset);
  }
}

export const MUTANTS: ReadonlyMap<string, ReplicationRules> = new Map([
  ['joins the ISR at the high watermark only', { ...KAFKA_RULES, LeaderState: JoinsAtHighWatermark }],
  ['acts on a shrink before it is confirmed', { ...KAFKA_RULES, LeaderState: ShrinksBeforeConfirmed }],
  ['forgets who is being added to the ISR', { ...KAFKA_RULES, LeaderState: ForgetsPendingExpansion }],
  ['counts what is not flushed', { ...KAFKA_RULES, LeaderState: CountsWhatIsNotFlushed }],
  ['records the fetch offset of a diverging log', { ...KAFKA_RULES, LeaderState: RecordsDivergingFetch }],
  ['truncates to the high watermark', { ...KAFKA_RULES, FollowerState: CutsToHighWatermark }],
  ['truncates without looking at its own epochs', { ...KAFKA_RULES, FollowerState: CutsOnlyOnce }],
]);

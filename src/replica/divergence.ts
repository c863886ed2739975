/**
 * @pure Do the logs of a leader and of the one who fetches from it agree up to the fetch offset? The leader answers
 * from its leader epochs (KIP-595; Kafka's Partition.readRecords).
 */
import type { EpochEndOffset } from './follower-state.ts';

export interface EpochHistory {
  readonly logStartOffset: number;
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset;
}

export type Divergence =
  | 'NONE'
  /** The epoch is unknown here, or the offset is below the log: nothing can be said. */
  | 'OFFSET_OUT_OF_RANGE'
  /** They agree at most up to the end of this epoch. */
  | { readonly epoch: number; readonly endOffset: number };

/**
 * `lastFetchedEpoch` is the epoch of the record before `fetchOffset` in the fetcher's log, -1 when it does not tell.
 */
export function findDivergence(log: EpochHistory, fetchOffset: number, lastFetchedEpoch: number): Divergence {
  if (lastFetchedEpoch === -1) return 'NONE';
  const { leaderEpoch, endOffset } = log.endOffsetForEpoch(lastFetchedEpoch);
  if (leaderEpoch === -1 || endOffset === -1) return 'OFFSET_OUT_OF_RANGE';
  // Out of range comes first: below the log's start the epochs say nothing (KAFKA-12996).
  if (fetchOffset < log.logStartOffset) return 'OFFSET_OUT_OF_RANGE';
  if (leaderEpoch < lastFetchedEpoch || endOffset < fetchOffset) return { epoch: leaderEpoch, endOffset };
  return 'NONE';
}

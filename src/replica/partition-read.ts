/**
 * What a fetch asks of one partition, and what it gets: the batches from its offset on, or where its log and ours part.
 * Who may ask, and up to where, the partition decides.
 */
import { type Divergence, findDivergence } from './divergence.ts';
import type { FetchPulse } from './leader-state.ts';
import type { LogRecords, ReplicaLog } from './replica-log.ts';

/** What one fetch asks of one partition. */
export interface PartitionFetch {
  readonly fetchOffset: number;
  readonly partitionMaxBytes: number;
  /** -1 when the fetcher does not know or tell. */
  readonly currentLeaderEpoch: number;
  /** -1 when the fetcher does not know or tell. */
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
}

/** What is left of what a whole fetch may return. */
export interface FetchLimits {
  readonly maxBytes: number;
  /** The first batch is sent however large it is, so that everyone gets on (KIP-74). */
  readonly minOneBatch: boolean;
}

export interface FetchingFollower {
  readonly replicaId: number;
  readonly brokerEpoch: number;
  readonly pulse: FetchPulse | null;
}

export interface PartitionRead {
  /** Null when there is nothing to send. */
  readonly records: LogRecords | null;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number } | null;
  /** There are records from the fetch offset on that the fetcher may see, whether or not they fitted. */
  readonly hasData: boolean;
  /**
   * The fetcher's next request matters even if nothing changes here: a follower that is not in the ISR may join by
   * it.
   */
  readonly isAwaited: boolean;
}

/** Whether the fetcher can go on from its offset: its log agrees with ours up to there, and ours holds it. */
export function divergenceOf(log: ReplicaLog, { fetchOffset, lastFetchedEpoch }: PartitionFetch): Divergence {
  const divergence = findDivergence(log, fetchOffset, lastFetchedEpoch);
  const isHeld = fetchOffset >= log.logStartOffset && fetchOffset <= log.logEndOffset;
  return divergence === 'NONE' && !isHeld ? 'OFFSET_OUT_OF_RANGE' : divergence;
}

export interface ReadTerms {
  readonly divergence: Exclude<Divergence, 'OFFSET_OUT_OF_RANGE'>;
  /** Exclusive: up to where the fetcher may see. */
  readonly endOffset: number;
  readonly skipsEmptyBatches?: boolean;
}

export function readRecords(
  log: ReplicaLog,
  { fetchOffset, partitionMaxBytes }: PartitionFetch,
  { maxBytes: leftBytes, minOneBatch }: FetchLimits,
  { divergence, endOffset, skipsEmptyBatches = false }: ReadTerms,
): PartitionRead {
  const { highWatermark, lastStableOffset, logStartOffset } = log;
  const divergingEpoch = divergence === 'NONE' ? null : divergence;
  const hasData = divergingEpoch === null && fetchOffset < endOffset;
  const maxBytes = Math.min(partitionMaxBytes, leftBytes);
  const mayRead = hasData && (maxBytes > 0 || minOneBatch);
  const records = mayRead ? log.read(fetchOffset, { maxBytes, endOffset, minOneBatch, skipsEmptyBatches }) : null;
  return { records, highWatermark, lastStableOffset, logStartOffset, divergingEpoch, hasData, isAwaited: false };
}

/**
 * Which offsets of a partition may be told to whom (ListOffsets): clients see what is committed, replicas the whole
 * log. Kafka's Partition.fetchOffsetForTimestamp.
 */
import type { ErrorName } from '../protocol/errors.ts';
import type { Partition } from './partition.ts';
import type { TimestampOffset } from './replica-log.ts';

export interface OffsetAsker {
  /** A replica otherwise. */
  readonly isClient: boolean;
  readonly isReadCommitted: boolean;
}

/**
 * The end of what the asker may see. Right after an election the high watermark may be behind what clients have seen
 * of the last leader: then the end is not known yet (KIP-207).
 */
export function latestOffset(partition: Partition, asker: OffsetAsker): TimestampOffset | ErrorName {
  const { log, leaderState, leaderEpoch } = partition;
  if (asker.isClient && leaderState !== null && log.highWatermark < leaderState.epochStartOffset)
    return 'OFFSET_NOT_AVAILABLE';
  return { timestampMs: -1, offset: visibleEndOffset(partition, asker), leaderEpoch };
}

export function earliestOffset({ log }: Partition): TimestampOffset {
  const { logStartOffset } = log;
  return { timestampMs: -1, offset: logStartOffset, leaderEpoch: log.epochForOffset(logStartOffset) };
}

/** What was found, if the asker may see it; else null, or the reason why that cannot be said now. */
export function visibleOffset(
  partition: Partition,
  asker: OffsetAsker,
  found: TimestampOffset | null,
): TimestampOffset | ErrorName | null {
  if (found !== null && found.offset < visibleEndOffset(partition, asker)) return found;
  const latest = latestOffset(partition, asker);
  return typeof latest === 'string' ? latest : null;
}

function visibleEndOffset({ log }: Partition, { isClient, isReadCommitted }: OffsetAsker): number {
  if (!isClient) return log.logEndOffset;
  return isReadCommitted ? log.lastStableOffset : log.highWatermark;
}

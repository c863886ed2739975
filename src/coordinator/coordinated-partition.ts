/**
 * @pure The port through which the runtime uses a partition that this broker leads, and nothing more of it; a replica's
 * Partition fits.
 */
import type { ErrorName } from '../protocol/errors.ts';
import type { RecordsSource } from '../protocol/writer.ts';
import type { OffsetWaiter, PartitionWatcher } from '../replica/waiting.ts';

export interface CoordinatedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly log: CoordinatedLog;
  /** NONE when this broker leads at that epoch (-1: at whichever) and the log can be used. */
  check(currentLeaderEpoch: number, mustLead: boolean): ErrorName;
  /** Throws KafkaError; what is refused leaves no trace. */
  append(
    records: Buffer,
    acks: number,
    origin: 'client' | 'coordinator',
    nowMs: number,
  ): { readonly lastOffset: number };
  whenAcknowledged(acks: number, requiredOffset: number, waiter: OffsetWaiter): void;
  watch(watcher: PartitionWatcher): void;
  unwatch(watcher: PartitionWatcher): void;
}

export interface CoordinatedLog {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  /** Changes whenever batches were removed, so that a read that found nothing may have been too late. */
  readonly cutCount: number;
  /** Whole batches, those that hold or follow startOffset; none when there are none below endOffset. */
  read(
    startOffset: number,
    options: { readonly maxBytes: number; readonly endOffset: number; readonly minOneBatch: boolean },
  ): RecordsSource & { readonly isHot: boolean; load(): Promise<RecordsSource> };
}

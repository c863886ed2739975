/**
 * @pure The port through which this room uses a partition's log (the room log fits it), and nothing more of it. All
 * methods but whenDurable are synchronous; refusals and storage errors are thrown as KafkaError.
 */
import type { TopicId } from '../model/topic-partition.ts';
import type { RecordsSource } from '../protocol/writer.ts';
import type { EpochEndOffset } from './follower-state.ts';

/** What an append did. For a duplicate of an idempotent producer, the offsets that its first copy got. */
export interface LogAppendResult {
  readonly firstOffset: number;
  /** Inclusive. */
  readonly lastOffset: number;
  /** -1 unless the topic's timestamps are LogAppendTime. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly isDuplicate: boolean;
}

/** Batches of the log, not read yet. */
export interface LogRecords extends RecordsSource {
  /** False when reading may wait for the device: then load() them first, and check again whether they may be sent. */
  readonly isHot: boolean;
  load(): Promise<RecordsSource>;
}

export interface TimestampOffset {
  readonly timestampMs: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** The topic's settings that replication looks at. */
export interface ReplicaLogConfig {
  readonly minInsyncReplicas: number;
  /** 1: nothing is acknowledged before it is on the disk. */
  readonly flushMessages: number;
  readonly compressionType: string;
  readonly cleanupPolicy: readonly ('delete' | 'compact')[];
}

export interface LogReadOptions {
  readonly maxBytes: number;
  readonly endOffset: number;
  readonly minOneBatch: boolean;
  /** Begin with a batch that has records, if any has. */
  readonly skipsEmptyBatches?: boolean;
}

export interface ReplicaLog {
  readonly topicId: TopicId;
  readonly config: ReplicaLogConfig;
  readonly isOffline: boolean;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  /** Everything below is on the disk. */
  readonly durableEndOffset: number;
  /** -1 when no epoch is known. */
  readonly latestEpoch: number;
  /** Changes whenever batches were removed, so that what an unfinished read found may be no more. */
  readonly cutCount: number;
  appendAsLeader(
    records: Buffer,
    leaderEpoch: number,
    origin: 'client' | 'coordinator',
    nowMs: number,
  ): LogAppendResult;
  /** The offsets are the leader's; the first batch may not begin before logEndOffset. */
  appendAsFollower(records: Buffer, nowMs: number): LogAppendResult;
  /** Whole batches from the one that holds startOffset on, all below endOffset (exclusive). */
  read(startOffset: number, options: LogReadOptions): LogRecords;
  updateHighWatermark(offset: number): number;
  assignEpochStartOffset(leaderEpoch: number, startOffset: number): void;
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset;
  /** The epoch of the record at the offset, or -1. */
  epochForOffset(offset: number): number;
  offsetForTimestamp(timestampMs: number): TimestampOffset | null;
  offsetOfMaxTimestamp(): TimestampOffset | null;
  truncateTo(offset: number): void;
  truncateFullyAndStartAt(offset: number): void;
  advanceLogStartOffset(offset: number): void;
  whenDurable(offset: number): Promise<void>;
}

/**
 * A partition's log in memory, with the contract of the room log and nothing of its files. Its records are no record
 * batches but 16 bytes each: offset, leader epoch, value. It remembers what was flushed, so that a power cut can take
 * back the rest, and it refuses (by its `onBroken`) to cut off what it knew to be committed.
 */
import type { LogAppendResult, LogRecords, ReplicaLog, TimestampOffset } from '../../src/replica/replica-log.ts';

export interface StoredRecord {
  readonly leaderEpoch: number;
  readonly value: number;
}

const RECORD_BYTES = 16;

/** What a producer sends: values without offsets. */
export function encodeValues(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * RECORD_BYTES);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, index * RECORD_BYTES + 12);
  });
  return bytes;
}

export interface SimulatedLogOptions {
  readonly topicId: string;
  readonly flushMessages: number;
  readonly minInsyncReplicas: number;
  /** How long until a flush has ended. */
  readonly flush: () => Promise<void>;
  readonly onBroken: (what: string) => void;
  readonly onHighWatermark: (log: SimulatedLog, previous: number) => void;
}

export class SimulatedLog implements ReplicaLog {
  readonly topicId: string;
  readonly config: ReplicaLog['config'];
  isOffline = false;
  readonly logStartOffset = 0;
  readonly cutCount = 0;
  readonly #options: SimulatedLogOptions;
  #records: StoredRecord[] = [];
  #epochs: { epoch: number; start: number }[] = [];
  #highWatermark = 0;
  #durableEndOffset = 0;
  /** Epochs are written to the disk by themselves, at once. */
  #generation = 0;

  constructor(options: SimulatedLogOptions) {
    this.#options = options;
    this.topicId = options.topicId;
    const { minInsyncReplicas, flushMessages } = options;
    this.config = { minInsyncReplicas, flushMessages, compressionType: 'producer', cleanupPolicy: ['delete'] };
  }

  get logEndOffset(): number {
    return this.#records.length;
  }

  get highWatermark(): number {
    return this.#highWatermark;
  }

  get lastStableOffset(): number {
    return this.#highWatermark;
  }

  get durableEndOffset(): number {
    return this.#durableEndOffset;
  }

  get latestEpoch(): number {
    return this.#epochs.at(-1)?.epoch ?? -1;
  }

  get records(): readonly StoredRecord[] {
    return this.#records;
  }

  appendAsLeader(records: Buffer, leaderEpoch: number): LogAppendResult {
    const firstOffset = this.logEndOffset;
    for (let at = 0; at < records.length; at += RECORD_BYTES)
      this.#append({ leaderEpoch, value: records.readUInt32BE(at + 12) });
    const lastOffset = this.logEndOffset - 1;
    return { firstOffset, lastOffset, logAppendTimeMs: -1, logStartOffset: 0, isDuplicate: false };
  }

  appendAsFollower(records: Buffer): LogAppendResult {
    const firstOffset = this.logEndOffset;
    for (let at = 0; at < records.length; at += RECORD_BYTES) {
      const offset = Number(records.readBigInt64BE(at));
      if (offset !== this.logEndOffset)
        this.#options.onBroken(`a follower appends offset ${offset} to a log that ends at ${this.logEndOffset}`);
      this.#append({ leaderEpoch: records.readUInt32BE(at + 8), value: records.readUInt32BE(at + 12) });
    }
    const lastOffset = this.logEndOffset - 1;
    return { firstOffset, lastOffset, logAppendTimeMs: -1, logStartOffset: 0, isDuplicate: false };
  }

  read(
    startOffset: number,
    { maxBytes, endOffset, minOneBatch }: { maxBytes: number; endOffset: number; minOneBatch: boolean },
  ): LogRecords {
    const room = Math.floor(maxBytes / RECORD_BYTES);
    const count = Math.min(endOffset - startOffset, Math.max(room, minOneBatch ? 1 : 0));
    const generation = this.#generation;
    const copyInto = (target: Buffer, targetOffset: number): void => {
      if (generation !== this.#generation) this.#options.onBroken('a slice is read after the log was cut');
      for (let index = 0; index < count; index++) {
        const record = this.#records[startOffset + index];
        if (record === undefined) throw new RangeError(`no record at ${startOffset + index}`);
        const at = targetOffset + index * RECORD_BYTES;
        target.writeBigInt64BE(BigInt(startOffset + index), at);
        target.writeUInt32BE(record.leaderEpoch, at + 8);
        target.writeUInt32BE(record.value, at + 12);
      }
    };
    const slice = { sizeBytes: count * RECORD_BYTES, isHot: true, copyInto };
    return { ...slice, load: () => Promise.resolve(slice) };
  }

  updateHighWatermark(offset: number): number {
    const previous = this.#highWatermark;
    this.#highWatermark = Math.max(0, Math.min(offset, this.logEndOffset));
    if (this.#highWatermark > previous) this.#options.onHighWatermark(this, previous);
    return this.#highWatermark;
  }

  assignEpochStartOffset(epoch: number, start: number): void {
    if (this.latestEpoch === epoch) return;
    this.#epochs = this.#epochs.filter((entry) => entry.epoch < epoch && entry.start < start);
    this.#epochs.push({ epoch, start });
  }

  endOffsetForEpoch(asked: number): { leaderEpoch: number; endOffset: number } {
    if (asked === -1) return { leaderEpoch: -1, endOffset: -1 };
    if (asked === this.latestEpoch) return { leaderEpoch: asked, endOffset: this.logEndOffset };
    const higher = this.#epochs.find(({ epoch }) => epoch > asked);
    if (higher === undefined) return { leaderEpoch: -1, endOffset: -1 };
    const floor = this.#epochs.findLast(({ epoch }) => epoch <= asked);
    return { leaderEpoch: floor?.epoch ?? asked, endOffset: higher.start };
  }

  epochForOffset(offset: number): number {
    return this.#epochs.findLast(({ start }) => start <= offset)?.epoch ?? -1;
  }

  offsetForTimestamp(): TimestampOffset | null {
    return null;
  }

  offsetOfMaxTimestamp(): TimestampOffset | null {
    return null;
  }

  truncateTo(offset: number): void {
    if (offset < this.#highWatermark)
      this.#options.onBroken(`cut to ${offset}, below the high watermark ${this.#highWatermark}`);
    this.#cut(offset);
  }

  truncateFullyAndStartAt(offset: number): void {
    this.#options.onBroken(`a log that was never shortened at its start is dropped to start at ${offset}`);
  }

  advanceLogStartOffset(offset: number): void {
    this.#options.onBroken(`the log start moves to ${offset}`);
  }

  async whenDurable(offset: number): Promise<void> {
    const generation = this.#generation;
    await this.#options.flush();
    // What was cut meanwhile needs no flush, and what came after the cut has not had one.
    if (generation === this.#generation) this.#durableEndOffset = Math.max(this.#durableEndOffset, offset);
  }

  /** The process dies. The high watermark is what was checkpointed some time ago. */
  crash(checkpointedHighWatermark: number, isPowerCut: boolean): void {
    if (isPowerCut) this.#cut(this.#durableEndOffset);
    this.#highWatermark = Math.min(checkpointedHighWatermark, this.logEndOffset);
    this.#generation++;
  }

  #append(record: StoredRecord): void {
    if (record.leaderEpoch > this.latestEpoch)
      this.#epochs.push({ epoch: record.leaderEpoch, start: this.logEndOffset });
    this.#records.push(record);
  }

  #cut(offset: number): void {
    if (offset < this.logEndOffset) this.#generation++;
    this.#records.length = Math.min(offset, this.#records.length);
    this.#highWatermark = Math.min(this.#highWatermark, this.logEndOffset);
    this.#durableEndOffset = Math.min(this.#durableEndOffset, this.logEndOffset);
    this.#epochs = this.#epochs.filter(({ start }) => start < offset);
  }
}

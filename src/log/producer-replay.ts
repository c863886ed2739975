/** Takes the batches of a log into the producer state, as live appends, followers, truncation and recovery do alike. */
import { RECORD_BATCH_OVERHEAD, type RecordBatch } from '../protocol/records/batch.ts';
import { openBatch } from '../protocol/records/open.ts';
import type { ProducerSnapshots } from './producer-snapshots.ts';
import type { CompletedTxn, EndMarker, ProducerState } from './producer-state.ts';
import type { Segment } from './segment.ts';
import type { SegmentList } from './segment-list.ts';

const CONTROL_ABORT = 0;
const CONTROL_COMMIT = 1;

/** Whether replaying the batch needs its records, not only its header. */
export function needsRecords(header: RecordBatch): boolean {
  return header.isControl && header.hasProducerId;
}

/** The batch is in the log at the offsets of its header. Returns the transaction that it ended, if any. */
export function replayBatch(producers: ProducerState, batch: RecordBatch): CompletedTxn | null {
  const { lastOffset } = batch;
  let completed: CompletedTxn | null = null;
  if (batch.hasProducerId) {
    if (!batch.isControl) producers.applyBatch(batch, batch.baseOffset, lastOffset);
    else {
      const marker = endMarkerOf(batch);
      if (marker !== null) completed = producers.applyEndMarker(marker, batch.baseOffset, marker.timestampMs);
    }
  }
  producers.mapEndOffset = lastOffset + 1;
  return completed;
}

/** Null when compaction took the marker out of its batch, or it is a control record of another kind. */
export function endMarkerOf(batch: RecordBatch): (EndMarker & { timestampMs: number }) | null {
  if (batch.sizeBytes === RECORD_BATCH_OVERHEAD) return null;
  const record = openBatch(batch)[0];
  if (record?.key == null || record.key.length < 4 || record.value === null || record.value.length < 6) return null;
  const type = record.key.readInt16BE(2);
  if (type !== CONTROL_ABORT && type !== CONTROL_COMMIT) return null;
  return {
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    coordinatorEpoch: record.value.readInt32BE(2),
    isAbort: type === CONTROL_ABORT,
    timestampMs: record.timestampMs,
  };
}

export interface ReplayRange {
  /** Exclusive; the end of a batch. */
  readonly endOffset: number;
  readonly nowMs: number;
  readonly producerIdExpirationMs: number;
}

/** Makes the state that of the log's end: from the latest snapshot below it, and the batches from there on. */
export function rebuildProducers(
  producers: ProducerState,
  snapshots: ProducerSnapshots,
  segments: SegmentList,
  range: ReplayRange,
): void {
  const { endOffset } = range;
  snapshots.removeAbove(endOffset);
  if (producers.mapEndOffset === endOffset) return;
  // Nobody with a producer id wrote, so nobody did below the end either.
  const isEmpty = producers.producers.size === 0 && producers.mapEndOffset > endOffset;
  const startOffset = loadLatestSnapshot(producers, snapshots, segments.first.baseOffset, range);
  if (!isEmpty)
    for (const segment of segments.from(startOffset)) {
      if (segment.baseOffset < endOffset && segment.sizeBytes > 0)
        replaySegment(producers, segment, startOffset, endOffset);
    }
  producers.mapEndOffset = endOffset;
}

/**
 * Returns the offset from which the batches are to be replayed. A snapshot of batches that are gone is of no use: what
 * followed is too.
 */
function loadLatestSnapshot(
  producers: ProducerState,
  snapshots: ProducerSnapshots,
  firstOffset: number,
  range: ReplayRange,
): number {
  const snapshot = snapshots.readLatest(range.endOffset);
  const isUsable = snapshot !== null && snapshot.offset >= firstOffset;
  const offset = isUsable ? snapshot.offset : Math.min(firstOffset, range.endOffset);
  producers.load(isUsable ? snapshot.entries : [], offset, range.nowMs, range.producerIdExpirationMs);
  return offset;
}

/** Replays the headers of the segment's batches in [startOffset, endOffset). */
function replaySegment(producers: ProducerState, segment: Segment, startOffset: number, endOffset: number): void {
  const cursor = segment.cursorFor(startOffset);
  while (cursor.next() && cursor.baseOffset < endOffset) {
    if (cursor.lastOffset < startOffset) continue;
    const { header } = cursor;
    replayBatch(producers, needsRecords(header) ? segment.readBatch(cursor.position, header.sizeBytes) : header);
  }
}

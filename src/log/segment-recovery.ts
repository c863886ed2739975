/**
 * Goes through all batches of a segment and checks every byte of them, to find where its sound part ends; on the way it
 * tells what it saw. Reads ahead on the thread pool, in large pieces.
 */
import { MAGIC_V2, RECORD_BATCH_OVERHEAD, RecordBatch } from '../protocol/records/batch.ts';
import { MAX_RELATIVE_OFFSET } from './sparse-index.ts';
import type { Segment } from './segment.ts';

const PIECE_SIZE_BYTES = 1024 * 1024;

export interface SoundPart {
  readonly sizeBytes: number;
  /** The offset behind the last sound batch; where the segment begins when there is none. */
  readonly endOffset: number;
  /** The highest so far. */
  readonly leaderEpoch: number;
  /** Why the rest of the file is no batch; null when there is no rest, or it is left over. */
  readonly problem: string | null;
}

export interface Expectations {
  /**
   * Where the next segment begins. Batches that reach it are left over from before a truncation: they are no problem,
   * but not sound.
   */
  readonly nextBaseOffset: number;
  /** The epoch of the batches before; -1 none. */
  readonly leaderEpoch: number;
}

/** `onBatch` gets the batch, whose bytes are valid only during the call, and where it begins in the file. */
export async function readSoundPart(
  segment: Segment,
  expected: Expectations,
  onBatch: (batch: RecordBatch, position: number) => void,
): Promise<SoundPart> {
  const { sizeBytes } = segment;
  let position = 0;
  let endOffset = segment.baseOffset;
  let { leaderEpoch } = expected;
  let wanted = PIECE_SIZE_BYTES;
  while (position < sizeBytes) {
    const piece = await segment.log.read(position, Math.min(wanted, sizeBytes - position));
    wanted = PIECE_SIZE_BYTES;
    let at = 0;
    while (at < piece.length) {
      const isEnd = position + piece.length >= sizeBytes;
      const batch = new RecordBatch(piece, at);
      const missing = missingBytes(batch, piece.length - at);
      if (missing > 0 && !isEnd && position + at + missing <= sizeBytes) {
        wanted = Math.max(PIECE_SIZE_BYTES, missing);
        break;
      }
      const problem = missing > 0 ? 'it is cut short' : problemOf(batch, segment.baseOffset, endOffset, leaderEpoch);
      if (problem !== null) return { sizeBytes: position + at, endOffset, leaderEpoch, problem };
      if (batch.lastOffset >= expected.nextBaseOffset)
        return { sizeBytes: position + at, endOffset, leaderEpoch, problem: null };
      onBatch(batch, position + at);
      endOffset = batch.nextOffset;
      leaderEpoch = Math.max(leaderEpoch, batch.partitionLeaderEpoch);
      at = batch.endPosition;
    }
    position += at;
  }
  return { sizeBytes: position, endOffset, leaderEpoch, problem: null };
}

/** How many bytes the batch needs, when there are fewer; 0 when it is whole or its length is none. */
function missingBytes(batch: RecordBatch, available: number): number {
  if (available < RECORD_BATCH_OVERHEAD) return RECORD_BATCH_OVERHEAD;
  return batch.sizeBytes >= RECORD_BATCH_OVERHEAD && batch.sizeBytes > available ? batch.sizeBytes : 0;
}

function problemOf(batch: RecordBatch, baseOffset: number, endOffset: number, leaderEpoch: number): string | null {
  if (batch.sizeBytes < RECORD_BATCH_OVERHEAD) return `its length is ${batch.batchLength}`;
  if (batch.magic !== MAGIC_V2) return `its magic is ${batch.magic}`;
  if (!batch.isCrcValid()) return 'its checksum is wrong';
  if (batch.baseOffset < endOffset || batch.lastOffset < batch.baseOffset)
    return `its offsets [${batch.baseOffset}, ${batch.lastOffset}] do not follow ${endOffset}`;
  if (batch.lastOffset - baseOffset > MAX_RELATIVE_OFFSET)
    return `its offset ${batch.lastOffset} is too far from ${baseOffset}`;
  // Left over from before a truncation that was not yet on the device, when newer batches happen to end where it
  // begins.
  if (batch.partitionLeaderEpoch >= 0 && batch.partitionLeaderEpoch < leaderEpoch)
    return `its leader epoch ${batch.partitionLeaderEpoch} is older than ${leaderEpoch}`;
  return null;
}

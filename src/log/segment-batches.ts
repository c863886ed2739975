/**
 * All batches of a segment that no more is written to, in order and whole, from the one with an offset on. Read ahead
 * on the thread pool in pieces; their bytes stay valid.
 */
import { KafkaError } from '../protocol/errors.ts';
import { MAGIC_V2, RECORD_BATCH_OVERHEAD, RecordBatch } from '../protocol/records/batch.ts';
import type { Segment } from './segment.ts';

export interface PlacedBatch {
  readonly batch: RecordBatch;
  readonly isLast: boolean;
}

/**
 * The indexes of the segment must be complete if the offset lies within it. `read` reads so many bytes of its file from
 * the position on. Throws CORRUPT_MESSAGE where the bytes are no batch, or not what was written.
 */
export async function* batchesFrom(
  segment: Segment,
  startOffset: number,
  pieceBytes: number,
  read: (position: number, length: number) => Promise<Buffer>,
): AsyncGenerator<PlacedBatch, void, undefined> {
  const { sizeBytes } = segment;
  let position = segment.searchPosition(startOffset);
  let wanted = Math.max(pieceBytes, RECORD_BATCH_OVERHEAD);
  let nextOffset = segment.baseOffset;
  while (position < sizeBytes) {
    const piece = await read(position, Math.min(wanted, sizeBytes - position));
    wanted = Math.max(pieceBytes, RECORD_BATCH_OVERHEAD);
    let at = 0;
    while (at < piece.length) {
      const batch = new RecordBatch(piece, at);
      const isHeaderCut = at + RECORD_BATCH_OVERHEAD > piece.length;
      const isBatch = !isHeaderCut && batch.magic === MAGIC_V2 && position + batch.endPosition <= sizeBytes;
      const isCut = isHeaderCut || (isBatch && batch.endPosition > piece.length);
      if (isCut && position + piece.length < sizeBytes) break;
      // The checksum says nothing of the offsets.
      const isInOrder = isBatch && batch.baseOffset >= nextOffset && batch.lastOffset >= batch.baseOffset;
      if (isCut || !isInOrder || !batch.isCrcValid())
        throw new KafkaError(
          'CORRUPT_MESSAGE',
          `${segment.log.path} has a damaged record batch at byte ${position + at}`,
        );
      at = batch.endPosition;
      ({ nextOffset } = batch);
      if (batch.lastOffset >= startOffset) yield { batch, isLast: position + at === sizeBytes };
    }
    // It holds only a part of one.
    if (at === 0) wanted = new RecordBatch(piece).sizeBytes;
    position += at;
  }
}

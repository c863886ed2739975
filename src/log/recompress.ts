/**
 * @pure A topic may want its batches compressed in one way, whatever the producers chose (compression.type other than
 * `producer`). Such batches are opened and built anew: the only client data that the broker itself writes.
 */
import { type RecordBatch, RecordBatch as Batch } from '../protocol/records/batch.ts';
import { buildBatch } from '../protocol/records/build.ts';
import type { CompressionType } from '../protocol/records/codecs.ts';
import { openBatch } from '../protocol/records/open.ts';
import type { LogConfig } from './log-config.ts';

/** The batch as the topic wants it: the same one when it is so already. Control batches stay as they are. */
export function recompress(batch: RecordBatch, compressionType: LogConfig['compressionType']): RecordBatch {
  if (compressionType === 'producer' || batch.isControl) return batch;
  const wanted: CompressionType = compressionType === 'uncompressed' ? 'none' : compressionType;
  if (batch.compression === wanted) return batch;
  const bytes = buildBatch({
    records: openBatch(batch),
    baseOffset: batch.baseOffset,
    compression: wanted,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
  });
  return new Batch(bytes);
}

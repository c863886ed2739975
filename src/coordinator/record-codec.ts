/** @pure Records of a coordinator as the bytes of its log, and back. */
import { buildBatch } from '../protocol/records/build.ts';
import type { CompressionType } from '../protocol/records/codecs.ts';

export interface RecordCodec<R> {
  encode(record: R): { readonly key: Buffer; readonly value: Buffer | null };
  /** Null for a kind of record that this version does not know. Throws RangeError for a damaged one. */
  decode(key: Buffer, value: Buffer | null): R | null;
}

/** So much goes into one batch of records that need not stand together: below any sensible max.message.bytes. */
const SPREAD_BATCH_BYTES = 128 * 1024;

export interface EncodedBatch<R> {
  readonly records: readonly R[];
  readonly bytes: Buffer;
}

/** The batches to append: one, unless the records may be spread over several. */
export function encodeBatches<R>(
  codec: RecordCodec<R>,
  records: readonly R[],
  options: { readonly isAtomic: boolean; readonly compression: CompressionType; readonly nowMs: number },
): EncodedBatch<R>[] {
  const { isAtomic, compression, nowMs } = options;
  const batches: EncodedBatch<R>[] = [];
  let encoded: { key: Buffer; value: Buffer | null; timestampMs: number }[] = [];
  let from = 0;
  let sizeBytes = 0;
  for (const [index, record] of records.entries()) {
    const { key, value } = codec.encode(record);
    encoded.push({ key, value, timestampMs: nowMs });
    sizeBytes += key.length + (value?.length ?? 0);
    const isLast = index === records.length - 1;
    if (!isLast && (isAtomic || sizeBytes < SPREAD_BATCH_BYTES)) continue;
    const bytes = buildBatch({ records: encoded, compression });
    batches.push({ records: records.slice(from, index + 1), bytes });
    encoded = [];
    from = index + 1;
    sizeBytes = 0;
  }
  return batches;
}

/** @pure Records of a coordinator as the bytes of its log, and back. */
import { buildBatch } from '../protocol/records/build.ts';
import type { CompressionType } from '../protocol/records/codecs.ts';

export interface RecordCodec<R> {
  encode(record: R): { readonly key: Buffer; readonly value: Buffer | null };
  /** Null for a kind of record that this version does not know. Throws RangeError for a damaged one. */
  decode(key: Buffer, value: Buffer | null): R | null;
}

/** All of the records as one batch. */
export function encodeBatch<R>(
  codec: RecordCodec<R>,
  records: readonly R[],
  compression: CompressionType,
  nowMs: number,
): Buffer {
  const encoded = records.map((record) => ({ ...codec.encode(record), timestampMs: nowMs }));
  return buildBatch({ records: encoded, compression });
}

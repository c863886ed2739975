/** One record as a consumer sees it. Key, value and headers alias the bytes that were fetched. */
import type { TimestampType } from '../protocol/records/batch.ts';
import type { RecordHeader } from '../protocol/records/build.ts';

export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  /** Null when the record's format has no timestamps. */
  readonly timestampType: TimestampType | null;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * @pure How a leader makes the batches that it was sent its own: checked, compressed as the topic wants, in the order
 * of their producer, with offsets and epoch. Nothing is changed when it throws.
 */
import { KafkaError } from '../protocol/errors.ts';
import type { RecordBatch } from '../protocol/records/batch.ts';
import { type AppendOrigin, checkAppend, tooLarge } from './append-check.ts';
import type { LogConfig } from './log-config.ts';
import type { BatchMetadata } from './producer-entry.ts';
import type { ProducerState } from './producer-state.ts';
import { recompress } from './recompress.ts';

export interface LeaderLog {
  /** `topic-partition` */
  readonly name: string;
  readonly config: LogConfig;
  readonly producers: ProducerState;
  readonly logEndOffset: number;
}

/** What to write; or, for a batch that was written before, what it was then. Throws KafkaError. */
export type LeaderAppend =
  | { readonly duplicate: BatchMetadata }
  | { readonly duplicate: null; readonly batches: readonly RecordBatch[]; readonly lastOffset: number };

export function prepareAppend(
  records: Buffer,
  leaderEpoch: number,
  origin: AppendOrigin,
  log: LeaderLog,
  nowMs: number,
): LeaderAppend {
  const { config, producers } = log;
  let batches = checkAppend(records, origin, config, log.name, nowMs);
  if (origin === 'client') batches = batches.map((batch) => asTopicWants(batch, log));
  checkSize(batches, log);
  const duplicate = origin === 'client' ? producers.findDuplicate(batches[0]!) : null;
  if (duplicate !== null) return { duplicate };
  let nextOffset = log.logEndOffset;
  for (const batch of batches) {
    if (batch.hasProducerId) producers.check(batch, nextOffset, origin);
    nextOffset += batch.lastOffsetDelta + 1;
  }
  nextOffset = log.logEndOffset;
  for (const batch of batches) {
    batch.baseOffset = nextOffset;
    batch.partitionLeaderEpoch = leaderEpoch;
    if (config.messageTimestampType === 'LogAppendTime') batch.setMaxTimestamp('LogAppendTime', nowMs);
    nextOffset += batch.lastOffsetDelta + 1;
  }
  return { duplicate: null, batches, lastOffset: nextOffset - 1 };
}

function asTopicWants(batch: RecordBatch, { config, name }: LeaderLog): RecordBatch {
  const wanted = recompress(batch, config.compressionType);
  if (wanted !== batch && wanted.sizeBytes > config.maxMessageBytes)
    throw tooLarge(wanted.sizeBytes, config.maxMessageBytes, name);
  return wanted;
}

function checkSize(batches: readonly RecordBatch[], { config, name }: LeaderLog): void {
  const sizeBytes = batches.reduce((total, batch) => total + batch.sizeBytes, 0);
  if (sizeBytes <= config.segmentBytes) return;
  throw new KafkaError(
    'RECORD_LIST_TOO_LARGE',
    `Message batch size is ${sizeBytes} bytes in append to partition ${name}, which exceeds the maximum configured ` +
      `segment size of ${config.segmentBytes}.`,
  );
}

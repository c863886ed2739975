/**
 * @pure What a batch must be to come into the log (Kafka's UnifiedLog.analyzeAndValidateRecords and LogValidator), by
 * where it comes from:
 *
 * client       anyone who can reach the port. Exactly one batch of magic 2, whole and with a right checksum, not
 *              larger than max.message.bytes; offsets counted from 0 without a gap; no control records; a producer id
 *              only with epoch and sequence; timestamps within the topic's bounds; a key in every record of a
 *              compacted topic.
 * coordinator  our own group and transaction coordinators: one or more batches, control batches and producer ids
 *              without sequence allowed. Checked for damage and size only.
 * replication  what the leader already accepted: checked for damage and order only, never for rules that may have
 *              changed since.
 *
 * Records are opened only where a rule is about single records or record.validation is `full`; else the header is
 * believed.
 */
import { KafkaError } from '../protocol/errors.ts';
import {
  batches,
  LOG_OVERHEAD,
  MAGIC_V2,
  NO_TIMESTAMP,
  RECORD_BATCH_OVERHEAD,
  type RecordBatch,
} from '../protocol/records/batch.ts';
import { recordsOf } from '../protocol/records/open.ts';
import type { LogConfig } from './log-config.ts';

export type AppendOrigin = 'client' | 'coordinator';

/** One record that was refused; the others of its batch went with it. */
export interface RecordError {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string;
}

/** Single records of the batch broke a rule: the answer names them. */
export class RecordValidationError extends KafkaError {
  readonly recordErrors: readonly RecordError[];

  constructor(error: 'INVALID_RECORD' | 'INVALID_TIMESTAMP', message: string, recordErrors: readonly RecordError[]) {
    super(error, message);
    this.recordErrors = recordErrors;
  }
}

/** The batches of an append that a leader may take. Throws KafkaError. The batches alias `records`. */
export function checkAppend(
  records: Buffer,
  origin: AppendOrigin,
  config: LogConfig,
  partitionName: string,
  nowMs: number,
): RecordBatch[] {
  const found = wholeBatches(records, partitionName);
  const end = found.at(-1)?.endPosition ?? 0;
  if (found.length === 0) throw invalid(`Record batch has no batches at all in topic partition ${partitionName}`);
  if (end !== records.length) throw corrupt(`${records.length - end} bytes follow the last whole batch`, partitionName);
  if (origin === 'client' && found.length > 1)
    throw invalid(
      `Produce requests must contain exactly one record batch per partition, ${partitionName} got ${found.length}`,
    );
  for (const batch of found) {
    if (batch.sizeBytes > config.maxMessageBytes)
      throw tooLarge(batch.sizeBytes, config.maxMessageBytes, partitionName);
    checkIntegrity(batch, partitionName);
    if (origin === 'client') checkClientBatch(batch, config, partitionName, nowMs);
  }
  return found;
}

/**
 * The whole batches of a fetch response, which may end in the middle of one. Throws CORRUPT_MESSAGE for damage, also
 * for offsets that do not grow.
 */
export function checkReplicated(records: Buffer, partitionName: string): RecordBatch[] {
  const found = wholeBatches(records, partitionName);
  let lastOffset = -1;
  for (const batch of found) {
    checkIntegrity(batch, partitionName);
    if (batch.baseOffset <= lastOffset || batch.lastOffset < batch.baseOffset)
      throw corrupt(`offsets [${batch.baseOffset}, ${batch.lastOffset}] follow ${lastOffset}`, partitionName);
    lastOffset = batch.lastOffset;
  }
  return found;
}

export function tooLarge(sizeBytes: number, maxBytes: number, partitionName: string): KafkaError {
  return new KafkaError(
    'MESSAGE_TOO_LARGE',
    `The record batch size in the append to ${partitionName} is ${sizeBytes} bytes which exceeds the maximum ` +
      `configured ` +
      `value of ${maxBytes}.`,
  );
}

function wholeBatches(records: Buffer, partitionName: string): RecordBatch[] {
  try {
    return [...batches(records)];
  } catch (error) {
    if (error instanceof KafkaError) throw corrupt(error.message, partitionName);
    throw error;
  }
}

function checkIntegrity(batch: RecordBatch, partitionName: string): void {
  if (batch.magic !== MAGIC_V2)
    throw invalid(`Only record batches with magic version 2 are stored; ${partitionName} got magic ${batch.magic}`);
  if (batch.batchLength < RECORD_BATCH_OVERHEAD - LOG_OVERHEAD)
    throw corrupt(`a batch of ${batch.sizeBytes} bytes`, partitionName);
  if (!batch.isCrcValid()) throw corrupt(`stored crc = ${batch.crc}`, partitionName);
}

function checkClientBatch(batch: RecordBatch, config: LogConfig, partitionName: string, nowMs: number): void {
  const { baseOffset, lastOffsetDelta, recordCount } = batch;
  if (baseOffset !== 0)
    throw invalid(
      `The baseOffset of the record batch in the append to ${partitionName} should be 0, but it is ${baseOffset}`,
    );
  if (recordCount <= 0)
    throw invalid(`Invalid reported count for record batch: ${recordCount} in topic partition ${partitionName}`);
  if (lastOffsetDelta !== recordCount - 1)
    throw invalid(
      `Inconsistent batch offset range [0, ${lastOffsetDelta}] and count of records ${recordCount} in topic ` +
        `partition ` +
        partitionName,
    );
  if (batch.isControl)
    throw invalid(`Clients are not allowed to write control records in topic partition ${partitionName}`);
  if (batch.compression === null || batch.hasDeleteHorizon || batch.hasUnknownAttributes)
    throw invalid(`Unknown attributes ${batch.attributes} in record batch in topic partition ${partitionName}`);
  checkProducer(batch, partitionName);
  checkTimestampFields(batch, partitionName);
  checkRecords(batch, config, partitionName, nowMs);
}

function checkProducer(batch: RecordBatch, partitionName: string): void {
  const { producerId, producerEpoch, baseSequence } = batch;
  if (producerId < -1 || producerId >= Number.MAX_SAFE_INTEGER)
    throw invalid(`Invalid producer id ${producerId} in topic partition ${partitionName}`);
  if (batch.hasProducerId && baseSequence < 0)
    throw invalid(
      `Invalid sequence number ${baseSequence} in record batch with producerId ${producerId} in topic partition ` +
        `${partitionName}`,
    );
  if (batch.hasProducerId && producerEpoch < 0)
    throw invalid(
      `Invalid producer epoch ${producerEpoch} in record batch with producerId ${producerId} in topic partition ` +
        `${partitionName}`,
    );
  if (!batch.isTransactional) return;
  if (!batch.hasProducerId)
    throw invalid(`A transactional record batch without a producer id in topic partition ${partitionName}`);
  // There is no transaction coordinator that could have opened one.
  throw new KafkaError('INVALID_TXN_STATE', 'Record was not part of an ongoing transaction');
}

/** A timestamp beyond 2^53 would be stored otherwise than it was sent. */
function checkTimestampFields(batch: RecordBatch, partitionName: string): void {
  if (batch.timestampType === 'LogAppendTime')
    throw new KafkaError(
      'INVALID_TIMESTAMP',
      `Invalid timestamp type in ${partitionName}. Producer should not set timestamp type to LogAppendTime.`,
    );
  for (const timestamp of [batch.baseTimestamp, batch.maxTimestamp])
    if (Math.abs(timestamp) >= Number.MAX_SAFE_INTEGER)
      throw new KafkaError(
        'INVALID_TIMESTAMP',
        `Timestamp ${timestamp} is out of range in topic partition ${partitionName}`,
      );
}

/** The rules about single records. The batch is opened only when the topic has such a rule. */
function checkRecords(batch: RecordBatch, config: LogConfig, partitionName: string, nowMs: number): void {
  const needsKeys = config.cleanupPolicy.includes('compact');
  const mustCount = config.recordValidation === 'full';
  const { messageTimestampBeforeMaxMs: beforeMaxMs, messageTimestampAfterMaxMs: afterMaxMs } = config;
  const earliestMs = nowMs - beforeMaxMs;
  const latestMs = nowMs + afterMaxMs;
  const hasBounds =
    config.messageTimestampType === 'CreateTime' && (earliestMs > 0 || latestMs < Number.MAX_SAFE_INTEGER);
  if (!needsKeys && !hasBounds && !mustCount) return;
  const keyErrors: RecordError[] = [];
  const timestampErrors: RecordError[] = [];
  let index = 0;
  for (const record of recordsOf(batch)) {
    const { timestampMs } = record;
    if (mustCount && record.offset !== batch.baseOffset + index)
      throw invalid(`Record ${index} has offset ${record.offset} in its batch in topic partition ${partitionName}`);
    if (needsKeys && record.key === null)
      keyErrors.push({
        batchIndex: index,
        batchIndexErrorMessage: `Compacted topic cannot accept message without key in topic partition ${partitionName}`,
      });
    else if (hasBounds && timestampMs !== NO_TIMESTAMP && (timestampMs < earliestMs || timestampMs > latestMs))
      timestampErrors.push({
        batchIndex: index,
        batchIndexErrorMessage:
          `Timestamp ${timestampMs} of message with offset ${record.offset} is out of range. The timestamp should be ` +
          `within [${earliestMs}, ${latestMs}]`,
      });
    index++;
  }
  const errors = [...keyErrors, ...timestampErrors].sort((a, b) => a.batchIndex - b.batchIndex);
  if (timestampErrors.length > 0)
    throw new RecordValidationError(
      'INVALID_TIMESTAMP',
      'One or more records have been rejected due to invalid timestamp',
      errors,
    );
  if (errors.length > 0)
    throw new RecordValidationError(
      'INVALID_RECORD',
      `One or more records have been rejected due to ${errors.length} record errors in total, and only showing ` +
        `the first three errors at most: [${errors.slice(0, 3).map(textOf).join(', ')}]`,
      errors,
    );
}

function textOf({ batchIndex, batchIndexErrorMessage }: RecordError): string {
  return `RecordError(batchIndex=${batchIndex}, message='${batchIndexErrorMessage}')`;
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_RECORD', message);
}

function corrupt(what: string, partitionName: string): KafkaError {
  return new KafkaError('CORRUPT_MESSAGE', `Record is corrupt (${what}) in topic partition ${partitionName}.`);
}

/**
 * @pure The records of a fetched partition as a consumer sees them: batches checked and opened, control batches and
 * records before the asked offset left out, and with read_committed those of aborted transactions too (Kafka's
 * CompletedFetch).
 */
import { KafkaError } from '../protocol/errors.ts';
import { batches, MAGIC_V2, type RecordBatch } from '../protocol/records/batch.ts';
import { openMessageSet } from '../protocol/records/message-set.ts';
import { recordsOf } from '../protocol/records/open.ts';
import { ApiError } from './api-error.ts';
import type { ConsumedRecord } from './consumed-record.ts';

export interface FetchedOptions {
  readonly checksCrc: boolean;
  /** The aborted transactions that overlap what was fetched; null reads what is not committed, too. */
  readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[] | null;
}

interface Source {
  readonly topic: string;
  readonly partition: number;
}

/** Yields the records; returns the offset to fetch next. Values alias the bytes. @throws ApiError for damaged bytes */
export function* consumedRecords(
  source: Source,
  bytes: Buffer,
  fromOffset: number,
  options: FetchedOptions,
): Generator<ConsumedRecord, number, undefined> {
  const aborted = options.aborted === null ? null : new AbortedTransactions(options.aborted);
  let next = fromOffset;
  for (const batch of batches(bytes)) {
    if (batch.magic < MAGIC_V2) {
      next = yield* legacyRecords(source, batch.toBuffer(), next);
      continue;
    }
    if (options.checksCrc && !batch.isCrcValid()) throw corrupt(source, batch);
    const isHidden = (aborted?.hides(batch) ?? false) || batch.isControl;
    if (!isHidden && batch.lastOffset >= next) yield* recordsFrom(source, batch, next);
    next = Math.max(next, batch.nextOffset);
  }
  return next;
}

function* recordsFrom(source: Source, batch: RecordBatch, from: number): Generator<ConsumedRecord, void, undefined> {
  const { topic, partition } = source;
  const { timestampType } = batch;
  try {
    for (const record of recordsOf(batch))
      if (record.offset >= from) yield { topic, partition, timestampType, ...record };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    throw new ApiError('KafkaException', `${unreadable(source, batch.baseOffset)}: ${error.message}`);
  }
}

function* legacyRecords(
  { topic, partition }: Source,
  entry: Buffer,
  from: number,
): Generator<ConsumedRecord, number, undefined> {
  let next = from;
  for (const message of openMessageSet(entry).messages) {
    if (message.offset < from) continue;
    const timestampType = message.timestampMs < 0 ? null : 'CreateTime';
    yield { topic, partition, timestampType, headers: [], ...message };
    next = message.offset + 1;
  }
  return next;
}

/** Batches come in order; a transaction's are hidden from its first offset to the marker that aborts it. */
class AbortedTransactions {
  readonly #coming: { readonly producerId: number; readonly firstOffset: number }[];
  readonly #ongoing = new Set<number>();

  constructor(aborted: FetchedOptions['aborted']) {
    this.#coming = [...(aborted ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
  }

  hides(batch: RecordBatch): boolean {
    while (this.#coming[0] !== undefined && this.#coming[0].firstOffset <= batch.lastOffset) {
      const { producerId } = this.#coming[0];
      this.#coming.shift();
      this.#ongoing.add(producerId);
    }
    if (!batch.isTransactional || !this.#ongoing.has(batch.producerId)) return false;
    // The marker that ends the transaction: what the producer wrote after it belongs to another.
    if (batch.isControl) this.#ongoing.delete(batch.producerId);
    return true;
  }
}

function unreadable({ topic, partition }: Source, offset: number): string {
  return `Record batch for partition ${topic}-${partition} at offset ${offset} is invalid, cause`;
}

function corrupt(source: Source, batch: RecordBatch): ApiError {
  const crcs = `stored crc = ${batch.crc}, computed crc = ${batch.computeCrc()}`;
  return new ApiError('KafkaException', `${unreadable(source, batch.baseOffset)}: Record is corrupt (${crcs})`);
}

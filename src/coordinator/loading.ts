/**
 * Reads a coordinator's partition from its start to its end and gives every record to a shard, a slice of the log at a
 * time, so that other work of the broker goes on between.
 *
 * Guarantees: nothing is replayed after `isCurrent` turned false; gaps and emptied batches that compaction left are
 * passed over; what a transaction wrote is replayed when its commit marker is reached, and never if it was aborted or
 * is open. Kafka's CoordinatorLoaderImpl is the reference.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { KafkaError } from '../protocol/errors.ts';
import { batches, type RecordBatch } from '../protocol/records/batch.ts';
import { recordsOf } from '../protocol/records/open.ts';
import type { CoordinatedLog } from './coordinated-partition.ts';
import type { RecordCodec } from './record-codec.ts';

export interface LoadOptions<R> {
  readonly log: CoordinatedLog;
  readonly codec: RecordCodec<R>;
  readonly replay: (record: R) => void;
  /** False when the load has no purpose any more. */
  readonly isCurrent: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** At most so much of the log is in memory at once, or one batch. */
  readonly sliceBytes: number;
}

export interface LoadSummary {
  readonly records: number;
  readonly bytes: number;
}

/** How long the loop may be busy before others get their turn. */
const TURN_MS = 10;
const COMMIT_MARKER = 1;
/** The version, then the type of a marker. */
const MARKER_KEY_BYTES = 4;

/** Null when it ended early because of `isCurrent`. Rejects when the log cannot be read or holds damaged records. */
export async function loadRecords<R>(options: LoadOptions<R>): Promise<LoadSummary | null> {
  const { log, isCurrent, clock, sliceBytes } = options;
  const replayer = new LogReplay(options);
  let position = log.logStartOffset;
  let bytes = 0;
  let buffer: Buffer = Buffer.alloc(0);
  while (position < log.logEndOffset) {
    // Records may have been deleted from the log's start while others had their turn.
    position = Math.max(position, log.logStartOffset);
    const { cutCount } = log;
    const slice = log.read(position, { maxBytes: sliceBytes, endOffset: log.logEndOffset, minOneBatch: true });
    const source = slice.isHot ? slice : await slice.load();
    if (!isCurrent()) return null;
    if (source.sizeBytes > buffer.length) buffer = Buffer.allocUnsafeSlow(source.sizeBytes);
    source.copyInto(buffer, 0);
    bytes += source.sizeBytes;
    const before = position;
    let turnEndsMs = clock.monotonicMs() + TURN_MS;
    for (const batch of batches(buffer, 0, source.sizeBytes)) {
      replayer.replay(batch, position);
      position = Math.max(position, batch.nextOffset);
      if (clock.monotonicMs() < turnEndsMs) continue;
      await othersTurn(clock);
      if (!isCurrent()) return null;
      turnEndsMs = clock.monotonicMs() + TURN_MS;
    }
    if (position === before && log.cutCount === cutCount) {
      if (source.sizeBytes > 0)
        throw new KafkaError('KAFKA_STORAGE_ERROR', `no batch can be read at offset ${position}`);
      break; // Compaction has taken everything up to the end.
    }
    await othersTurn(clock);
    if (!isCurrent()) return null;
  }
  return { records: replayer.count, bytes };
}

function othersTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve));
}

class LogReplay<R> {
  count = 0;
  readonly #codec: RecordCodec<R>;
  readonly #replay: (record: R) => void;
  readonly #logger: Logger;
  /** What open transactions have written, by producer id. */
  readonly #open = new Map<number, R[]>();
  #hasWarned = false;

  constructor({ codec, replay, logger }: LoadOptions<R>) {
    this.#codec = codec;
    this.#replay = replay;
    this.#logger = logger;
  }

  /** Only from the offset on: the first batch of a read may begin before it. */
  replay(batch: RecordBatch, fromOffset: number): void {
    for (const { offset, key, value } of recordsOf(batch)) {
      if (offset < fromOffset || key === null) continue;
      this.count++;
      if (batch.isControl) {
        this.#endTransaction(batch.producerId, key);
        continue;
      }
      const record = this.#codec.decode(key, value);
      if (record === null) this.#warnOfUnknown(key);
      else if (batch.isTransactional) this.#hold(batch.producerId, record);
      else this.#replay(record);
    }
  }

  #hold(producerId: number, record: R): void {
    const held = this.#open.get(producerId);
    if (held === undefined) this.#open.set(producerId, [record]);
    else held.push(record);
  }

  #endTransaction(producerId: number, markerKey: Buffer): void {
    const held = this.#open.get(producerId);
    this.#open.delete(producerId);
    const isCommit = markerKey.length >= MARKER_KEY_BYTES && markerKey.readInt16BE(2) === COMMIT_MARKER;
    if (held !== undefined && isCommit) for (const record of held) this.#replay(record);
  }

  #warnOfUnknown(key: Buffer): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const kind = key.length >= 2 ? key.readInt16BE(0) : -1;
    this.#logger.warn(
      `Ignoring a record of the unknown type ${kind}, and others like it: a newer broker may have left it`,
    );
  }
}

/**
 * Who waits for the records of one partition to be acknowledged: acks=all until they are committed, and with
 * flush.messages=1 acks=1 until they are on the disk. Appends that come while a flush runs share the next one.
 */
import type { Logger } from '../lib/logger.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { ReplicaLog } from './replica-log.ts';
import { OffsetQueue, type OffsetWaiter } from './waiting.ts';

export class Acknowledgements {
  readonly #log: ReplicaLog;
  readonly #name: string;
  readonly #logger: Logger;
  /** More of the log is on the disk; returns whether flushing shall go on. */
  readonly #onFlushed: () => boolean;
  readonly #committing = new OffsetQueue();
  readonly #flushing = new OffsetQueue();
  #isFlushing = false;

  constructor(log: ReplicaLog, name: string, logger: Logger, onFlushed: () => boolean) {
    this.#log = log;
    this.#name = name;
    this.#logger = logger;
    this.#onFlushed = onFlushed;
  }

  get isFlushRequired(): boolean {
    return this.#log.config.flushMessages === 1;
  }

  /** Below this the log is as safe on this broker as its topic asks. */
  get safeEndOffset(): number {
    const { logEndOffset, durableEndOffset } = this.#log;
    return this.isFlushRequired ? Math.min(durableEndOffset, logEndOffset) : logEndOffset;
  }

  awaitSafe(requiredOffset: number, waiter: OffsetWaiter): void {
    if (this.safeEndOffset >= requiredOffset) waiter.onSettled('NONE');
    else this.#flushing.add(requiredOffset, waiter);
  }

  awaitCommitted(requiredOffset: number, waiter: OffsetWaiter): void {
    this.#committing.add(requiredOffset, waiter);
  }

  onCommitted(highWatermark: number, outcome: ErrorName): void {
    this.#committing.release(highWatermark, outcome);
  }

  /** The leadership has ended, or the replica is gone. */
  releaseAll(outcome: ErrorName): void {
    this.#committing.releaseAll(outcome);
    this.#flushing.releaseAll(outcome);
  }

  /** The topic may ask for more safety now, or for less. */
  onConfigChanged(): void {
    this.#flushing.release(this.safeEndOffset, 'NONE');
    this.flush();
  }

  /** Sees to it that the log's end gets to the disk, if its topic asks for that. */
  flush(): void {
    const { durableEndOffset, logEndOffset } = this.#log;
    if (!this.isFlushRequired || this.#isFlushing || durableEndOffset >= logEndOffset) return;
    this.#isFlushing = true;
    this.#log.whenDurable(logEndOffset).then(
      () => {
        this.#isFlushing = false;
        this.#flushing.release(this.safeEndOffset, 'NONE');
        if (this.#onFlushed()) this.flush();
      },
      // The log is offline by now and its manager closes the partition, which answers whoever waits.
      (error: unknown) => {
        this.#isFlushing = false;
        this.#logger.warn(`[Partition ${this.#name}] Flush failed`, error);
      },
    );
  }
}

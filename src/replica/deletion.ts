/**
 * DeleteRecords on a leader: how far may be deleted, and the wait until every replica that lives has done so (Kafka's
 * Partition.deleteRecordsOnLeader and DelayedDeleteRecords).
 *
 * Guarantees: each deletion is settled once, with the low watermark that reached it, the error that ended the
 * leadership, or REQUEST_TIMED_OUT; nothing stays behind at the partitions after that. One promise and one timer for
 * a whole request.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import { Deferred } from '../lib/deferred.ts';
import { type ErrorName, KafkaError } from '../protocol/errors.ts';
import type { ReplicaLog } from './replica-log.ts';
import type { PartitionWatcher } from './waiting.ts';

/** In a request: everything that is committed. */
const HIGH_WATERMARK = -1;
const NO_EPOCH = -1;
export const UNKNOWN_LOW_WATERMARK = -1;

/** What the offset of a request means for this log. Throws KafkaError when the topic or the offset forbids it. */
export function deletionOffset(
  log: Pick<ReplicaLog, 'config' | 'highWatermark'>,
  partition: string,
  offset: number,
): number {
  if (!log.config.cleanupPolicy.includes('delete'))
    throw new KafkaError(
      'POLICY_VIOLATION',
      `Records of partition ${partition} can not be deleted due to the configured policy`,
    );
  const beforeOffset = offset === HIGH_WATERMARK ? log.highWatermark : offset;
  if (beforeOffset < 0)
    throw new KafkaError('OFFSET_OUT_OF_RANGE', `The offset ${beforeOffset} for partition ${partition} is not valid`);
  return beforeOffset;
}

/** What of a partition a deletion must see. */
export interface DeletingPartition {
  readonly lowWatermark: number;
  check(currentLeaderEpoch: number, mustLead: boolean): ErrorName;
  watch(watcher: PartitionWatcher): void;
  unwatch(watcher: PartitionWatcher): void;
}

export interface DeletionOutcome {
  readonly error: ErrorName;
  /** -1 with an error, except that a timeout tells how far the replicas were at the beginning. */
  readonly lowWatermark: number;
}

/** One request's deletions that not all replicas have followed yet. */
export class DelayedDeletions {
  readonly #isDone = new Deferred();
  readonly #waiting = new Set<WaitingDeletion>();
  #timer: Timer | null = null;

  /** Begins to wait until the partition's low watermark has reached the offset; may settle at once. */
  add(partition: DeletingPartition, beforeOffset: number, onSettled: (outcome: DeletionOutcome) => void): void {
    const deletion = new WaitingDeletion(partition, beforeOffset, (outcome) => {
      this.#waiting.delete(deletion);
      onSettled(outcome);
      if (this.#timer !== null && this.#waiting.size === 0) this.#finish();
    });
    this.#waiting.add(deletion);
    deletion.look();
  }

  get isDone(): boolean {
    return this.#waiting.size === 0;
  }

  /** Call once, after the last `add`: resolves when all are settled, at the latest after the timeout. */
  whenDone(clock: Clock, timeoutMs: number): Promise<void> {
    this.#timer = clock.schedule(Math.max(0, timeoutMs), () => this.giveUp());
    if (this.isDone) this.#finish();
    return this.#isDone.promise;
  }

  /** The time is up, or whoever asked has gone. */
  giveUp(): void {
    for (const deletion of [...this.#waiting]) deletion.giveUp();
  }

  #finish(): void {
    this.#timer?.cancel();
    this.#isDone.resolve();
  }
}

class WaitingDeletion implements PartitionWatcher {
  readonly #partition: DeletingPartition;
  readonly #beforeOffset: number;
  readonly #firstLowWatermark: number;
  readonly #onSettled: (outcome: DeletionOutcome) => void;

  constructor(partition: DeletingPartition, beforeOffset: number, onSettled: (outcome: DeletionOutcome) => void) {
    this.#partition = partition;
    this.#beforeOffset = beforeOffset;
    this.#firstLowWatermark = partition.lowWatermark;
    this.#onSettled = onSettled;
    partition.watch(this);
  }

  /** Looks in the turn of the change: it costs one comparison for each follower, and nothing is sent from here. */
  onPartitionChange(): void {
    this.look();
  }

  look(): void {
    const error = this.#partition.check(NO_EPOCH, true);
    if (error !== 'NONE') this.#settle({ error, lowWatermark: UNKNOWN_LOW_WATERMARK });
    else if (this.#partition.lowWatermark >= this.#beforeOffset)
      this.#settle({ error, lowWatermark: this.#partition.lowWatermark });
  }

  giveUp(): void {
    this.#settle({ error: 'REQUEST_TIMED_OUT', lowWatermark: this.#firstLowWatermark });
  }

  #settle(outcome: DeletionOutcome): void {
    this.#partition.unwatch(this);
    this.#onSettled(outcome);
  }
}

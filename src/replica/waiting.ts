/**
 * What waits for a partition: produce requests until their offset is committed (or on the disk), and watchers
 * (fetches) until something changes. Waking costs as much as there is to wake; nothing here makes a promise or a
 * timer.
 */
import type { ErrorName } from '../protocol/errors.ts';

export type WaitOutcome = ErrorName;

/** Someone who waits until the log is committed up to an offset. Called at most once. */
export interface OffsetWaiter {
  onSettled(outcome: WaitOutcome): void;
  /** True when nobody waits any more (the request timed out). */
  readonly isDone: boolean;
}

interface Entry {
  readonly requiredOffset: number;
  readonly waiter: OffsetWaiter;
}

/** Below this many settled entries at the front, or abandoned ones, tidying is not worth it. */
const TIDY_THRESHOLD = 64;

/**
 * Waiters in the order of their offsets, which is the order of their appends: a first-in first-out queue, only that a
 * duplicate batch of an idempotent producer may wait for an earlier offset and is put in its place.
 */
export class OffsetQueue {
  #entries: Entry[] = [];
  #head = 0;
  #addedSinceTidy = 0;
  #sizeAfterTidy = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** `requiredOffset` is exclusive: the waiter is released when everything below it is settled. */
  add(requiredOffset: number, waiter: OffsetWaiter): void {
    this.#dropAbandoned();
    const entry: Entry = { requiredOffset, waiter };
    let at = this.#entries.length;
    while (at > this.#head && (this.#entries[at - 1]?.requiredOffset ?? 0) > requiredOffset) at--;
    if (at === this.#entries.length) this.#entries.push(entry);
    else this.#entries.splice(at, 0, entry);
  }

  /** Releases, in order, all that wait for offsets up to and including `settledOffset`. */
  release(settledOffset: number, outcome: WaitOutcome): void {
    let entry = this.#entries[this.#head];
    while (entry !== undefined && entry.requiredOffset <= settledOffset) {
      this.#head++;
      entry.waiter.onSettled(outcome);
      entry = this.#entries[this.#head];
    }
    if (this.#head === this.#entries.length) {
      this.#entries.length = 0;
      this.#head = 0;
    } else if (this.#head > TIDY_THRESHOLD && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Releases everybody, for example because the leadership has ended. */
  releaseAll(outcome: WaitOutcome): void {
    const entries = this.#entries.slice(this.#head);
    this.#entries = [];
    this.#head = 0;
    for (const { waiter } of entries) waiter.onSettled(outcome);
  }

  /**
   * While nothing is committed for a long time, requests time out and new ones come: the queue must not keep the
   * dead.
   */
  #dropAbandoned(): void {
    if (++this.#addedSinceTidy <= Math.max(TIDY_THRESHOLD, this.#sizeAfterTidy)) return;
    this.#addedSinceTidy = 0;
    this.#entries = this.#entries.slice(this.#head).filter(({ waiter }) => !waiter.isDone);
    this.#head = 0;
    this.#sizeAfterTidy = this.#entries.length;
  }
}

/** What may have changed of a partition. */
export type PartitionChange =
  /** The leader's log has grown: for followers. */
  | 'appended'
  /** More is committed: for consumers. */
  | 'highWatermark'
  | 'logStart'
  /** A follower's log start moved, or a follower is waited for no longer: for those who delete records. */
  | 'lowWatermark'
  /** Who is in sync: a follower that fell out may join again by its next fetch. */
  | 'isr'
  /** Leader, epoch, or whether the partition is here at all: every answer given before may be wrong now. */
  | 'leadership';

/** Someone who wants to know of changes. Called in the turn of the change: it only notes it and looks later. */
export interface PartitionWatcher {
  onPartitionChange(change: PartitionChange): void;
}

/** The watchers of one partition. Most partitions have none, so the set is made when it is needed. */
export class WatcherList {
  #watchers: Set<PartitionWatcher> | null = null;

  get size(): number {
    return this.#watchers?.size ?? 0;
  }

  add(watcher: PartitionWatcher): void {
    this.#watchers ??= new Set();
    this.#watchers.add(watcher);
  }

  remove(watcher: PartitionWatcher): void {
    this.#watchers?.delete(watcher);
  }

  notify(change: PartitionChange): void {
    if (this.#watchers === null) return;
    for (const watcher of this.#watchers) watcher.onPartitionChange(change);
  }
}

/**
 * The leader's side of a partition in memory, for the runtime of coordinators: the test decides what is committed, what
 * the log refuses, whether reading waits for the disk, and who leads.
 */
import type { CoordinatedLog, CoordinatedPartition } from '../../src/coordinator/coordinated-partition.ts';
import { type ErrorName, KafkaError } from '../../src/protocol/errors.ts';
import { batches, RecordBatch } from '../../src/protocol/records/batch.ts';
import { openBatch } from '../../src/protocol/records/open.ts';
import type { RecordsSource } from '../../src/protocol/writer.ts';
import { OffsetQueue, type OffsetWaiter, type PartitionWatcher, WatcherList } from '../../src/replica/waiting.ts';

class MemorySource implements RecordsSource {
  readonly #bytes: Buffer;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  get sizeBytes(): number {
    return this.#bytes.length;
  }
  copyInto(target: Buffer, targetOffset: number): void {
    this.#bytes.copy(target, targetOffset);
  }
}

export class MemoryPartition implements CoordinatedPartition {
  readonly topic = '__toys';
  readonly partition: number;
  leaderEpoch = 1;
  logStartOffset = 0;
  logEndOffset = 0;
  highWatermark = 0;
  cutCount = 0;
  /** Everything is committed at once, as with one replica. */
  isAlone = false;
  /** What the next appends throw. */
  refusal: ErrorName | null = null;
  /** Reads wait until the test lets them go on. */
  isCold = false;
  reads = 0;
  readonly appended: Buffer[] = [];
  readonly log: CoordinatedLog = this.#newLog();
  readonly #waiters = new OffsetQueue();
  readonly #watchers = new WatcherList();
  #coldReads: (() => void)[] = [];
  #leads: ErrorName = 'NONE';

  constructor(partition = 0) {
    this.partition = partition;
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  get waitingReads(): number {
    return this.#coldReads.length;
  }

  check(currentLeaderEpoch: number): ErrorName {
    if (this.#leads !== 'NONE') return this.#leads;
    if (currentLeaderEpoch === -1 || currentLeaderEpoch === this.leaderEpoch) return 'NONE';
    return currentLeaderEpoch < this.leaderEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH';
  }

  append(records: Buffer): { lastOffset: number } {
    if (this.#leads !== 'NONE') throw new KafkaError(this.#leads);
    if (this.refusal !== null) throw new KafkaError(this.refusal);
    this.put(records);
    if (this.isAlone) this.commit();
    return { lastOffset: this.logEndOffset - 1 };
  }

  /** Puts a batch behind the end (or leaves a gap before it), as an earlier leader did. */
  put(records: Buffer, baseOffset = this.logEndOffset): void {
    const batch = new RecordBatch(Buffer.from(records));
    batch.baseOffset = baseOffset;
    this.appended.push(batch.buffer);
    this.logEndOffset = batch.nextOffset;
  }

  whenAcknowledged(_acks: number, requiredOffset: number, waiter: OffsetWaiter): void {
    if (this.#leads !== 'NONE') waiter.onSettled('NOT_LEADER_OR_FOLLOWER');
    else if (this.highWatermark >= requiredOffset) waiter.onSettled('NONE');
    else this.#waiters.add(requiredOffset, waiter);
  }

  watch(watcher: PartitionWatcher): void {
    this.#watchers.add(watcher);
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers.remove(watcher);
  }

  commit(upTo = this.logEndOffset, outcome: ErrorName = 'NONE'): void {
    this.highWatermark = upTo;
    this.#waiters.release(upTo, outcome);
  }

  lose(error: ErrorName = 'NOT_LEADER_OR_FOLLOWER'): void {
    this.#leads = error;
    if (error === 'NOT_LEADER_OR_FOLLOWER') this.leaderEpoch++;
    this.#waiters.releaseAll(error);
    this.#watchers.notify('leadership');
  }

  win(): void {
    this.#leads = 'NONE';
    this.leaderEpoch++;
    this.#watchers.notify('leadership');
  }

  letReadsGoOn(): void {
    for (const goOn of this.#coldReads.splice(0)) goOn();
  }

  /** Keys and values of all that is in the log. */
  contents(): { key: string; value: string | null }[] {
    return this.appended
      .flatMap((bytes) => [...batches(bytes)])
      .flatMap((batch) => openBatch(batch))
      .map(({ key, value }) => ({ key: String(key), value: value === null ? null : String(value) }));
  }

  #newLog(): CoordinatedLog {
    const owner = this;
    return {
      get logStartOffset() {
        return owner.logStartOffset;
      },
      get logEndOffset() {
        return owner.logEndOffset;
      },
      get highWatermark() {
        return owner.highWatermark;
      },
      get cutCount() {
        return owner.cutCount;
      },
      read: (startOffset, { maxBytes }) => this.#read(startOffset, maxBytes),
    };
  }

  #read(startOffset: number, maxBytes: number): ReturnType<CoordinatedLog['read']> {
    this.reads++;
    const found = this.appended.filter((bytes) => new RecordBatch(bytes).lastOffset >= startOffset);
    const taken: Buffer[] = [];
    let sizeBytes = 0;
    for (const bytes of found) {
      if (taken.length > 0 && sizeBytes + bytes.length > maxBytes) break;
      taken.push(bytes);
      sizeBytes += bytes.length;
    }
    const source = new MemorySource(Buffer.concat(taken));
    const load = async (): Promise<RecordsSource> => {
      if (this.isCold) await new Promise<void>((resolve) => this.#coldReads.push(resolve));
      return source;
    };
    return {
      sizeBytes: source.sizeBytes,
      isHot: !this.isCold,
      copyInto: (target, targetOffset) => source.copyInto(target, targetOffset),
      load,
    };
  }
}

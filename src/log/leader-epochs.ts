/**
 * @pure Which leader epoch began at which offset (Kafka's LeaderEpochFileCache). This is what replicas compare to find
 * the offset where their logs part (KIP-101, KIP-279); truncation by anything else loses or diverges data.
 *
 * Invariant: epochs and start offsets both strictly grow. An epoch may have no data yet: a leader notes its epoch when
 * it is elected, before the first append (KAFKA-7415), and such an entry must go when another leader turns out to own
 * that offset.
 */
import { assert } from '../lib/assert.ts';

export interface EpochEntry {
  readonly epoch: number;
  readonly startOffset: number;
}

export interface EpochEndOffset {
  /** The largest epoch known that is not above the one asked for; -1 unknown. */
  readonly leaderEpoch: number;
  /** First offset that no longer belongs to it; -1 unknown. */
  readonly endOffset: number;
}

export const UNKNOWN_EPOCH = -1;
const UNKNOWN: EpochEndOffset = { leaderEpoch: UNKNOWN_EPOCH, endOffset: -1 };

export class LeaderEpochs {
  #entries: EpochEntry[] = [];

  /** -1 when no epoch is known. */
  get latestEpoch(): number {
    return this.#entries.at(-1)?.epoch ?? UNKNOWN_EPOCH;
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries;
  }

  /**
   * Notes that the epoch begins at the offset; entries that contradict it (a higher epoch, or a start at or behind the
   * offset) go. Repeating what is known, with any later offset, changes nothing. Returns whether something changed.
   */
  assign(epoch: number, startOffset: number): boolean {
    assert(epoch >= 0 && startOffset >= 0, () => `leader epoch ${epoch} at offset ${startOffset}`);
    const latest = this.#entries.at(-1);
    if (latest !== undefined && latest.epoch === epoch && startOffset >= latest.startOffset) return false;
    while (contradicts(this.#entries.at(-1), epoch, startOffset)) this.#entries.pop();
    this.#entries.push({ epoch, startOffset });
    return true;
  }

  /**
   * Where the log of the asked epoch ends here. `logEndOffset` answers for the latest epoch, which is still growing.
   */
  endOffsetFor(epoch: number, logEndOffset: number): EpochEndOffset {
    if (epoch === UNKNOWN_EPOCH) return UNKNOWN;
    if (epoch === this.latestEpoch) return { leaderEpoch: epoch, endOffset: logEndOffset };
    const higher = this.#entries.findIndex((entry) => entry.epoch > epoch);
    if (higher < 0) return UNKNOWN;
    const endOffset = this.#entries[higher]!.startOffset;
    // Older than all we have: its data was removed, so the follower may go on from where our log begins.
    const floor = this.#entries[higher - 1];
    return { leaderEpoch: floor === undefined ? epoch : floor.epoch, endOffset };
  }

  /** The epoch of the record at the offset, or -1. */
  epochForOffset(offset: number): number {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch ?? UNKNOWN_EPOCH;
  }

  /** The log now ends at the offset: epochs that would begin at or behind it go. Returns whether something changed. */
  truncateFromEnd(endOffset: number): boolean {
    const before = this.#entries.length;
    while (this.#entries.length > 0 && this.#entries.at(-1)!.startOffset >= endOffset) this.#entries.pop();
    return this.#entries.length !== before;
  }

  /** The log now begins at the offset: older epochs go, the one that owns the offset begins there. */
  truncateFromStart(startOffset: number): boolean {
    const owner = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset);
    if (owner < 0 || (owner === 0 && this.#entries[0]!.startOffset === startOffset)) return false;
    this.#entries.splice(0, owner + 1, { epoch: this.#entries[owner]!.epoch, startOffset });
    return true;
  }

  clear(): boolean {
    const hadEntries = this.#entries.length > 0;
    this.#entries = [];
    return hadEntries;
  }
}

function contradicts(entry: EpochEntry | undefined, epoch: number, startOffset: number): boolean {
  return entry !== undefined && (entry.epoch >= epoch || entry.startOffset >= startOffset);
}

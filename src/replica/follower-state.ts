/**
 * @pure The rules of a partition's follower, for one leader epoch: what to ask the leader for next, what to do with
 * its answer. No log, no socket, no clock: the log's ends come in as a FollowedLog.
 *
 * Guarantees: an answer to a request that is not the latest one is never used; the log is cut only where the leader's
 * epochs say that it diverged (KIP-101, KIP-279, KIP-595), never by the high watermark, as long as the log knows an
 * epoch at all; nothing else of an answer is used when it says that the log diverged (KAFKA-14704). Kafka's
 * AbstractFetcherThread is the reference.
 */
import type { ErrorName } from '../protocol/errors.ts';

export interface EpochEndOffset {
  readonly leaderEpoch: number;
  /** Exclusive; -1 when unknown. */
  readonly endOffset: number;
}

/** What the rules need to see of the follower's own log. */
export interface FollowedLog {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  readonly highWatermark: number;
  /** -1 when no epoch is known. */
  readonly latestEpoch: number;
  endOffsetForEpoch(leaderEpoch: number): EpochEndOffset;
}

/** The leader's answer for this partition. */
export interface FetchAnswer {
  readonly error: ErrorName;
  /** `epoch` is -1 when the logs agree. */
  readonly divergingEpoch: { readonly epoch: number; readonly endOffset: number };
}

export type FollowerDecision =
  /** The answer is of another time. */
  | { readonly kind: 'ignore' }
  /**
   * Append what came (maybe nothing), then take over the leader's high watermark and log start; then call onAppended.
   */
  | { readonly kind: 'append' }
  /** Cut the log, then call onTruncated. */
  | { readonly kind: 'truncate'; readonly offset: number }
  /** Drop the whole log and begin again at the offset, then call onTruncated. */
  | { readonly kind: 'restart'; readonly offset: number }
  /** Ask the leader for its first and last offset, then call onLeaderOffsets. Until then nothing is fetched. */
  | { readonly kind: 'findLeaderOffsets' }
  /** Try again later. */
  | { readonly kind: 'delay' }
  /** Wait for the next LeaderAndIsr: this leader epoch is over. */
  | { readonly kind: 'halt' };

const IGNORE: FollowerDecision = { kind: 'ignore' };
const APPEND: FollowerDecision = { kind: 'append' };
const DELAY: FollowerDecision = { kind: 'delay' };
const UNKNOWN_EPOCH = -1;

export class FollowerState {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly #log: FollowedLog;
  #fetchOffset: number;
  #lastFetchedEpoch: number;
  #phase: 'fetching' | 'findingOffsets' | 'halted' = 'fetching';
  /** What the request that is under way asked for; -1 when there is none. */
  #requestedOffset = -1;

  constructor(leaderId: number, leaderEpoch: number, log: FollowedLog) {
    this.leaderId = leaderId;
    this.leaderEpoch = leaderEpoch;
    this.#log = log;
    this.#fetchOffset = log.logEndOffset;
    this.#lastFetchedEpoch = log.latestEpoch;
  }

  /** Next offset to ask for: the end of the log. */
  get fetchOffset(): number {
    return this.#fetchOffset;
  }

  /** The epoch of the last record before the fetch offset, which lets the leader see whether the logs agree; or -1. */
  get lastFetchedEpoch(): number {
    return this.#lastFetchedEpoch;
  }

  protected get ownHighWatermark(): number {
    return this.#log.highWatermark;
  }

  get isFetching(): boolean {
    return this.#phase === 'fetching';
  }

  get isHalted(): boolean {
    return this.#phase === 'halted';
  }

  /**
   * What to do before the first fetch. A log with records of which no epoch is known can only be cut to what is known
   * to be committed; Kafka does the same with logs from before 0.11.
   */
  onStarted(): FollowerDecision {
    const { logEndOffset, highWatermark, latestEpoch } = this.#log;
    if (latestEpoch !== UNKNOWN_EPOCH || logEndOffset <= highWatermark) return IGNORE;
    return { kind: 'truncate', offset: highWatermark };
  }

  /** The fetch request that is now sent names (or has named before, in its session) this fetch offset. */
  onRequested(): void {
    this.#requestedOffset = this.#fetchOffset;
  }

  onAnswer(answer: FetchAnswer): FollowerDecision {
    const isCurrent = this.#phase === 'fetching' && this.#requestedOffset === this.#fetchOffset;
    if (!isCurrent || this.#fetchOffset !== this.#log.logEndOffset) return IGNORE;
    switch (answer.error) {
      case 'NONE':
        if (answer.divergingEpoch.epoch === UNKNOWN_EPOCH) return APPEND;
        return {
          kind: 'truncate',
          offset: this.truncationOffset(answer.divergingEpoch.epoch, answer.divergingEpoch.endOffset),
        };
      case 'OFFSET_OUT_OF_RANGE':
        this.#phase = 'findingOffsets';
        return { kind: 'findLeaderOffsets' };
      case 'FENCED_LEADER_EPOCH':
        this.#phase = 'halted';
        return { kind: 'halt' };
      default:
        // NOT_LEADER_OR_FOLLOWER, UNKNOWN_LEADER_EPOCH, UNKNOWN_TOPIC_ID … : the leader does not know yet, or we do
        // not.
        return DELAY;
    }
  }

  /**
   * The log now ends at its logEndOffset; `lastEpoch` is the epoch of what was appended, null when nothing was
   * (KAFKA-15510).
   */
  onAppended(lastEpoch: number | null): void {
    this.#fetchOffset = this.#log.logEndOffset;
    if (lastEpoch !== null) this.#lastFetchedEpoch = lastEpoch;
  }

  onTruncated(): void {
    this.#fetchOffset = this.#log.logEndOffset;
    this.#lastFetchedEpoch = this.#log.latestEpoch;
    if (this.#phase === 'findingOffsets') this.#phase = 'fetching';
  }

  /**
   * The offset to fetch was not in the leader's log. Either the leader ends before us (an unclean election): cut to
   * its end. Or we end before the leader starts (we were away too long): start again where it starts. Or it has moved
   * on meanwhile: go on.
   */
  onLeaderOffsets(leaderStartOffset: number, leaderEndOffset: number): FollowerDecision {
    if (this.#phase !== 'findingOffsets') return IGNORE;
    const { logEndOffset } = this.#log;
    if (leaderEndOffset < logEndOffset) return { kind: 'truncate', offset: leaderEndOffset };
    if (leaderStartOffset > logEndOffset) return { kind: 'restart', offset: leaderStartOffset };
    this.onTruncated();
    return IGNORE;
  }

  /** The leader did not say its offsets: fetch again, and meet the same error again if it is still so. */
  onLeaderOffsetsFailed(error: ErrorName): FollowerDecision {
    if (this.#phase !== 'findingOffsets') return IGNORE;
    if (error === 'FENCED_LEADER_EPOCH') {
      this.#phase = 'halted';
      return { kind: 'halt' };
    }
    this.#phase = 'fetching';
    return DELAY;
  }

  /**
   * Where to cut, given the largest epoch not newer than ours that the leader knows, and its end there. If we know
   * that epoch too, the logs agree up to the smaller end. If not, cut to the end of our largest epoch below it: the
   * next fetch carries that epoch and may diverge again, until both know the epoch (KIP-279).
   */
  protected truncationOffset(leaderEpoch: number, leaderEndOffset: number): number {
    const { logEndOffset } = this.#log;
    const own = this.#log.endOffsetForEpoch(leaderEpoch);
    if (own.endOffset === -1 || own.leaderEpoch === UNKNOWN_EPOCH) return Math.min(leaderEndOffset, logEndOffset);
    if (own.leaderEpoch !== leaderEpoch) return Math.min(own.endOffset, logEndOffset);
    return Math.min(own.endOffset, leaderEndOffset, logEndOffset);
  }
}

/**
 * @pure The replication rules of a partition's leader, for one leader epoch: what each follower has, which offset is
 * committed, which ISR change to ask for. No log, no socket, no clock: the log's end comes in as a LeaderView, time
 * as `nowMs` (monotonic).
 *
 * Guarantees, as long as the caller carries out the effects in order:
 *  - the high watermark never decreases, and passes an offset only when every member of the maximal ISR has it and
 *    the committed ISR is not under min.insync.replicas (KAFKA-15583);
 *  - a follower joins the ISR only with everything below the high watermark AND up to where this leader epoch began
 *    (KAFKA-7128), and a follower leaves it only when the controller has confirmed it (KIP-497);
 *  - at most one ISR change is in flight. Kafka's Partition.scala and Replica.scala are the reference.
 */
import { assert } from '../lib/assert.ts';
import { LeaderRecoveryState } from '../model/leader-and-isr.ts';
import type { ErrorName } from '../protocol/errors.ts';
import type { IsrMember, IsrProposal, PartitionState } from './partition-state.ts';

/** What the rules need to see of the leader itself, at the moment they are asked. */
export interface LeaderView {
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Below this the leader's own copy counts: its log end, or with flush.messages=1 what is on the disk. */
  readonly committableEndOffset: number;
  readonly minInsyncReplicas: number;
  readonly brokerEpoch: number;
  isBrokerAlive(brokerId: number): boolean;
}

/**
 * When a fetch session last asked for anything. An incremental fetch does not name its idle partitions, yet it says
 * of each of them that the follower still waits at the same offset; all partitions of a session share one pulse
 * (KIP-227).
 */
export interface FetchPulse {
  lastFetchMs: number;
}

export interface FollowerFetch {
  readonly replicaId: number;
  /** -1 when the follower does not tell. */
  readonly brokerEpoch: number;
  readonly fetchOffset: number;
  readonly logStartOffset: number;
  readonly pulse: FetchPulse | null;
  /** The follower's log differs from the leader's below the fetch offset. */
  readonly isDiverging: boolean;
}

export type LeaderEffect =
  | { readonly kind: 'advanceHighWatermark'; readonly highWatermark: number }
  /** Send it to the controller; after `delayMs` when the same change was asked for before. */
  | { readonly kind: 'proposeIsr'; readonly proposal: IsrProposal; readonly delayMs: number };

/** The ways a proposal can end that the leader must tell apart; every other error is tried again. */
const REJECTED: ReadonlySet<ErrorName> = new Set<ErrorName>(['INELIGIBLE_REPLICA', 'OPERATION_NOT_ATTEMPTED']);
const AWAIT_METADATA: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'FENCED_LEADER_EPOCH',
  'INVALID_UPDATE_VERSION',
  'INVALID_REQUEST',
  'NEW_LEADER_ELECTED',
]);
/**
 * The topic is gone, and a StopReplica will end this leadership; or a new controller could not read it yet, and nothing
 * would ever end the proposal. (Kafka waits for ever.)
 */
const UNKNOWN_TO_CONTROLLER: ReadonlySet<ErrorName> = new Set<ErrorName>([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
]);
/** After a refusal the same follower's fetches come many times a second: ask again only after this pause. */
const PAUSE_AFTER_REJECTION_MS = 1000;
const RETRY_DELAY_MS = 50;
const RETRY_DELAY_IF_UNKNOWN_MS = 1000;
const NEVER_MS = Number.NEGATIVE_INFINITY;
const UNKNOWN_OFFSET = -1;
const NO_EFFECTS: readonly LeaderEffect[] = Object.freeze([]);

/** What the leader knows of one follower. */
export interface FollowerProgress {
  readonly replicaId: number;
  logEndOffset: number;
  logStartOffset: number;
  /** The latest time at which the follower had everything that the leader had. */
  lastCaughtUpMs: number;
  lastFetchMs: number;
  /** The leader's log end at the last fetch. */
  lastFetchLeaderEndOffset: number;
  brokerEpoch: number;
  pulse: FetchPulse | null;
  /** No proposal to add it before this time. */
  pausedUntilMs: number;
}

export interface LeaderStateOptions {
  readonly brokerId: number;
  readonly state: PartitionState;
  readonly view: LeaderView;
  readonly highWatermark: number;
  /** The log end at the moment this leader epoch began. */
  readonly epochStartOffset: number;
  readonly replicaLagTimeMaxMs: number;
  readonly nowMs: number;
}

export class LeaderState {
  readonly leaderEpoch: number;
  readonly epochStartOffset: number;
  readonly #brokerId: number;
  readonly #view: LeaderView;
  readonly #replicaLagTimeMaxMs: number;
  readonly #followers = new Map<number, FollowerProgress>();
  #committed: PartitionState;
  #pending: IsrProposal | null = null;
  #maximalIsr: ReadonlySet<number>;
  #highWatermark: number;

  constructor(options: LeaderStateOptions) {
    assert(options.state.leader === options.brokerId, 'a leader state is for the leader');
    this.leaderEpoch = options.state.leaderEpoch;
    this.epochStartOffset = options.epochStartOffset;
    this.#brokerId = options.brokerId;
    this.#view = options.view;
    this.#replicaLagTimeMaxMs = options.replicaLagTimeMaxMs;
    this.#highWatermark = options.highWatermark;
    this.#committed = options.state;
    this.#maximalIsr = new Set(options.state.isr);
    this.#setFollowers(options.state, options.nowMs);
  }

  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** The ISR that the controller has confirmed. Admission of acks=all counts this one. */
  get isr(): readonly number[] {
    return this.#committed.isr;
  }

  get partitionEpoch(): number {
    return this.#committed.partitionEpoch;
  }

  get replicas(): readonly number[] {
    return this.#committed.replicas;
  }

  get pendingProposal(): IsrProposal | null {
    return this.#pending;
  }

  /** The ISR that the high watermark waits for. */
  get maximalIsr(): ReadonlySet<number> {
    return this.#maximalIsr;
  }

  follower(replicaId: number): Readonly<FollowerProgress> | undefined {
    return this.#followers.get(replicaId);
  }

  /** min.insync.replicas, but never more than there are replicas. */
  get effectiveMinIsr(): number {
    return Math.min(this.#view.minInsyncReplicas, this.#followers.size + 1);
  }

  get isUnderMinIsr(): boolean {
    return this.#committed.isr.length < this.effectiveMinIsr;
  }

  /** Replicas are being added or removed. */
  get isReassigning(): boolean {
    return this.#committed.addingReplicas.length > 0 || this.#committed.removingReplicas.length > 0;
  }

  get isUnderReplicated(): boolean {
    const { replicas, addingReplicas, isr } = this.#committed;
    return replicas.length - addingReplicas.length > isr.length;
  }

  /**
   * Below this all records are gone, here and at every follower that is alive; -1 while one of those has not fetched
   * yet (Kafka's lowWatermarkIfLeader).
   */
  get lowWatermark(): number {
    let least = this.#view.logStartOffset;
    for (const { replicaId, logStartOffset } of this.#followers.values())
      if (logStartOffset < least && this.#view.isBrokerAlive(replicaId)) least = logStartOffset;
    return least;
  }

  /** Call once when the leadership begins: the ISR may be this broker alone. */
  onElected(nowMs: number): readonly LeaderEffect[] {
    return this.#maybeAdvance(nowMs);
  }

  /** True when the fetch is of an incarnation of the follower that is known to be gone (KIP-903, KAFKA-15221). */
  isStaleIncarnation(replicaId: number, brokerEpoch: number): boolean {
    const known = this.#followers.get(replicaId)?.brokerEpoch ?? -1;
    return brokerEpoch !== -1 && brokerEpoch < known;
  }

  /** A follower asks for records from `fetchOffset` on, which is within the leader's log: so it has all before it. */
  onFollowerFetch(fetch: FollowerFetch, nowMs: number): readonly LeaderEffect[] {
    if (!this.provesProgress(fetch)) return NO_EFFECTS;
    const follower = this.#followers.get(fetch.replicaId);
    assert(follower !== undefined, 'only replicas of the partition are followers');
    const { logEndOffset } = this.#view;
    assert(fetch.fetchOffset <= logEndOffset, 'a follower cannot be ahead of its leader');
    const previousFetchMs = lastFetchMs(follower);
    if (fetch.fetchOffset >= logEndOffset) follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, nowMs);
    else if (fetch.fetchOffset >= follower.lastFetchLeaderEndOffset)
      // It has now what the leader had when it asked before: with a steady stream of small batches it never has all.
      follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, previousFetchMs);
    const hasMoved = follower.logEndOffset !== fetch.fetchOffset;
    follower.logEndOffset = fetch.fetchOffset;
    follower.logStartOffset = fetch.logStartOffset;
    follower.lastFetchLeaderEndOffset = logEndOffset;
    follower.lastFetchMs = nowMs;
    follower.brokerEpoch = fetch.brokerEpoch;
    follower.pulse = fetch.pulse;
    // Expansion first: from here on the high watermark must wait for the follower that is being added.
    const expansion = this.#maybeExpand(follower, nowMs);
    const advance = hasMoved ? this.#maybeAdvance(nowMs) : NO_EFFECTS;
    if (expansion === null) return advance;
    return [{ kind: 'proposeIsr', proposal: expansion, delayMs: 0 }, ...advance];
  }

  /** The fetch session of the follower no longer holds this partition: its pulse says nothing of it any more. */
  onFollowerDetached(replicaId: number, pulse: FetchPulse): void {
    const follower = this.#followers.get(replicaId);
    if (follower === undefined || follower.pulse !== pulse) return;
    follower.lastFetchMs = lastFetchMs(follower);
    follower.pulse = null;
  }

  /** More may be committed than before: a flush has ended, or a broker that was waited for has died. */
  onWaitOver(nowMs: number): readonly LeaderEffect[] {
    return this.#maybeAdvance(nowMs);
  }

  /** The leader appended; `previousEndOffset` is where its log ended before. */
  onAppended(previousEndOffset: number, nowMs: number): readonly LeaderEffect[] {
    // It had everything until now, and its session kept saying so.
    for (const follower of this.#followers.values())
      if (follower.logEndOffset >= previousEndOffset)
        follower.lastCaughtUpMs = Math.max(follower.lastCaughtUpMs, lastFetchMs(follower));
    return this.#maybeAdvance(nowMs);
  }

  /** The periodic check: who has been out of sync for longer than replica.lag.time.max.ms? */
  onLagCheck(nowMs: number): readonly LeaderEffect[] {
    if (this.#pending !== null) return NO_EFFECTS;
    const inSync = this.#committed.isr.filter((id) => id === this.#brokerId || this.#isCaughtUp(id, nowMs));
    if (inSync.length === this.#committed.isr.length) {
      // A follower outside the ISR that held the high watermark back may have stopped doing so.
      return this.#maybeAdvance(nowMs);
    }
    return [{ kind: 'proposeIsr', proposal: this.#propose('shrink', inSync), delayMs: 0 }];
  }

  /** The controller's answer to a proposal: the state as it is now. */
  onProposalAccepted(
    proposal: IsrProposal,
    answer: Pick<PartitionState, 'leaderEpoch' | 'partitionEpoch' | 'isr' | 'leaderRecoveryState'>,
    nowMs: number,
  ): readonly LeaderEffect[] {
    if (this.#pending !== proposal) return NO_EFFECTS;
    if (answer.leaderEpoch !== this.leaderEpoch || answer.partitionEpoch < this.#committed.partitionEpoch)
      return NO_EFFECTS;
    const { partitionEpoch, isr, leaderRecoveryState } = answer;
    this.#commit({ ...this.#committed, partitionEpoch, isr, leaderRecoveryState });
    return this.#maybeAdvance(nowMs);
  }

  /**
   * The proposal failed. Only a refusal proves that it was not applied and never will be, so only then the committed
   * ISR is in force again. After errors that say our state is old, the change stays pending until a LeaderAndIsr ends
   * it: it may have been applied. Anything else is tried again; if it was applied, the controller says so then.
   */
  onProposalFailed(proposal: IsrProposal, error: ErrorName, nowMs: number): readonly LeaderEffect[] {
    if (this.#pending !== proposal) return NO_EFFECTS;
    if (REJECTED.has(error)) {
      for (const { brokerId } of proposal.newIsr) {
        const follower = this.#followers.get(brokerId);
        if (follower !== undefined) follower.pausedUntilMs = nowMs + PAUSE_AFTER_REJECTION_MS;
      }
      this.#commit(this.#committed);
      return NO_EFFECTS;
    }
    if (AWAIT_METADATA.has(error)) return NO_EFFECTS;
    const delayMs = UNKNOWN_TO_CONTROLLER.has(error) ? RETRY_DELAY_IF_UNKNOWN_MS : RETRY_DELAY_MS;
    return [{ kind: 'proposeIsr', proposal, delayMs }];
  }

  /** A LeaderAndIsr of the same leader epoch: taken when its partition epoch is newer (controller.md §9.4). */
  onRefreshed(state: PartitionState, nowMs: number): readonly LeaderEffect[] {
    assert(state.leaderEpoch === this.leaderEpoch, 'another leader epoch needs another leader state');
    if (state.partitionEpoch <= this.#committed.partitionEpoch) return NO_EFFECTS;
    this.#setFollowers(state, nowMs);
    this.#commit(state);
    return this.#maybeAdvance(nowMs);
  }

  /** A fetch offset above a divergence says nothing of what the follower shares with the leader (KAFKA-13141). */
  protected provesProgress(fetch: FollowerFetch): boolean {
    return !fetch.isDiverging;
  }

  /** What of the leader's own copy counts. */
  protected ownEndOffset(view: LeaderView): number {
    return view.committableEndOffset;
  }

  /** May a follower with this log end offset join the ISR? */
  protected isInSync(followerEndOffset: number): boolean {
    return followerEndOffset >= this.#highWatermark && followerEndOffset >= this.epochStartOffset;
  }

  /**
   * While an expansion is in flight the one being added counts already, and while a shrink is in flight those being
   * removed count still: whichever way it ends, no offset was committed without a member of the ISR.
   */
  protected isrThatCounts(committed: readonly number[], proposal: IsrProposal | null): ReadonlySet<number> {
    if (proposal?.kind !== 'expand') return new Set(committed);
    return new Set([...committed, ...proposal.newIsr.map(({ brokerId }) => brokerId)]);
  }

  #maybeExpand(follower: FollowerProgress, nowMs: number): IsrProposal | null {
    const { replicaId } = follower;
    if (this.#pending !== null || this.#committed.isr.includes(replicaId)) return null;
    if (nowMs < follower.pausedUntilMs || !this.#view.isBrokerAlive(replicaId)) return null;
    if (!this.isInSync(follower.logEndOffset)) return null;
    return this.#propose('expand', [...this.#committed.isr, replicaId]);
  }

  #propose(kind: IsrProposal['kind'], isr: readonly number[]): IsrProposal {
    const newIsr = isr.map((brokerId): IsrMember => ({ brokerId, brokerEpoch: this.#brokerEpochOf(brokerId) }));
    const { leaderEpoch, partitionEpoch } = this.#committed;
    const leaderRecoveryState = LeaderRecoveryState.RECOVERED;
    this.#pending = { kind, leaderEpoch, partitionEpoch, newIsr, leaderRecoveryState };
    this.#maximalIsr = this.isrThatCounts(this.#committed.isr, this.#pending);
    return this.#pending;
  }

  #brokerEpochOf(brokerId: number): number {
    if (brokerId === this.#brokerId) return this.#view.brokerEpoch;
    return this.#followers.get(brokerId)?.brokerEpoch ?? -1;
  }

  #commit(state: PartitionState): void {
    this.#committed = state;
    this.#pending = null;
    this.#maximalIsr = this.isrThatCounts(state.isr, null);
  }

  /** Kafka's Replica.isCaughtUp: equal log ends first, so that an idle partition keeps its ISR (KAFKA-7152). */
  #isCaughtUp(replicaId: number, nowMs: number): boolean {
    const follower = this.#followers.get(replicaId);
    if (follower === undefined) return false;
    if (follower.logEndOffset === this.#view.logEndOffset) return true;
    return nowMs - follower.lastCaughtUpMs <= this.#replicaLagTimeMaxMs;
  }

  #maybeAdvance(nowMs: number): readonly LeaderEffect[] {
    if (this.isUnderMinIsr) return NO_EFFECTS;
    let least = this.ownEndOffset(this.#view);
    for (const follower of this.#followers.values()) {
      if (follower.logEndOffset >= least) continue;
      // A follower that has caught up but is not in the ISR yet is waited for too, else it would run after us for ever.
      if (this.#maximalIsr.has(follower.replicaId) || this.#mayJoinSoon(follower, nowMs)) least = follower.logEndOffset;
    }
    if (least <= this.#highWatermark) return NO_EFFECTS;
    this.#highWatermark = least;
    return [{ kind: 'advanceHighWatermark', highWatermark: least }];
  }

  #mayJoinSoon({ replicaId }: FollowerProgress, nowMs: number): boolean {
    return this.#isCaughtUp(replicaId, nowMs) && this.#view.isBrokerAlive(replicaId);
  }

  /**
   * Followers of a new epoch start unknown: in the ISR they count as caught up now, others as never, so that nobody
   * joins before it has fetched from this leader.
   */
  #setFollowers(state: PartitionState, nowMs: number): void {
    for (const replicaId of this.#followers.keys())
      if (!state.replicas.includes(replicaId)) this.#followers.delete(replicaId);
    for (const replicaId of state.replicas) {
      if (replicaId === this.#brokerId || this.#followers.has(replicaId)) continue;
      this.#followers.set(replicaId, {
        replicaId,
        logEndOffset: UNKNOWN_OFFSET,
        logStartOffset: UNKNOWN_OFFSET,
        lastCaughtUpMs: state.isr.includes(replicaId) ? nowMs : NEVER_MS,
        lastFetchMs: NEVER_MS,
        lastFetchLeaderEndOffset: this.epochStartOffset,
        brokerEpoch: -1,
        pulse: null,
        pausedUntilMs: NEVER_MS,
      });
    }
  }
}

function lastFetchMs(follower: FollowerProgress): number {
  return Math.max(follower.lastFetchMs, follower.pulse?.lastFetchMs ?? NEVER_MS);
}

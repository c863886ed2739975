/**
 * One replica of one partition on this broker: joins its log with the rules of its role (leader-state,
 * follower-state) and carries out what they decide. Everything is synchronous: between a check and the act nothing
 * can happen.
 *
 * Guarantees: only the leader of the current leader epoch appends for clients; an acks=all append is answered NONE
 * only when the high watermark has passed it under a leadership that this broker still holds then; whoever waits is
 * answered when the leadership ends. Kafka's Partition.scala is the reference.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { TopicId } from '../model/topic-partition.ts';
import { KafkaError, type ErrorName } from '../protocol/errors.ts';
import { RECORD_BATCH_OVERHEAD, RecordBatch } from '../protocol/records/batch.ts';
import { Acknowledgements } from './acknowledgements.ts';
import type { AwaitedFollowers } from './awaited-followers.ts';
import { deletionOffset } from './deletion.ts';
import { type EpochEndOffset, FollowerState } from './follower-state.ts';
import type { IsrStore } from './isr-store.ts';
import { type FetchPulse, type LeaderEffect, LeaderState, type LeaderView } from './leader-state.ts';
import { proposeIsr } from './isr-proposing.ts';
import {
  divergenceOf,
  type FetchingFollower,
  type FetchLimits,
  type PartitionFetch,
  type PartitionRead,
  readRecords,
} from './partition-read.ts';
import type { PartitionState } from './partition-state.ts';
import type { LogAppendResult, ReplicaLog } from './replica-log.ts';
import type { ReplicaCounters } from './replica-counters.ts';
import { countRefusal, type TopicCounters } from './topic-counters.ts';
import { type OffsetWaiter, type PartitionWatcher, WatcherList } from './waiting.ts';

/** The rules of the two roles as classes, so that a simulation can break one at a time and see whether it notices. */
export interface ReplicationRules {
  readonly LeaderState: typeof LeaderState;
  readonly FollowerState: typeof FollowerState;
}
export const KAFKA_RULES: ReplicationRules = { LeaderState, FollowerState };

/** What all partitions of a broker share. */
export interface PartitionContext {
  readonly brokerId: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isrStore: IsrStore;
  readonly replicaLagTimeMaxMs: number;
  readonly rules: ReplicationRules;
  readonly awaitedFollowers: AwaitedFollowers;
  readonly counters: ReplicaCounters;
  brokerEpoch(): number;
  isBrokerAlive(brokerId: number): boolean;
}

const NO_EPOCH = -1;

export class Partition implements LeaderView {
  readonly topic: string;
  readonly partition: number;
  readonly log: ReplicaLog;
  /** Of its topic; for whoever counts what is done to it. */
  readonly counters: TopicCounters;
  readonly #context: PartitionContext;
  readonly #acknowledgements: Acknowledgements;
  readonly #watchers = new WatcherList();
  #state: PartitionState | null = null;
  #leader: LeaderState | null = null;
  #follower: FollowerState | null = null;
  #closedBy: ErrorName | null = null;
  /** What the leader said last of its own; -1 before that. */
  #leaderHighWatermark = -1;

  constructor(topic: string, partition: number, log: ReplicaLog, context: PartitionContext) {
    this.topic = topic;
    this.partition = partition;
    this.log = log;
    this.#context = context;
    this.counters = context.counters.topics.of(topic);
    this.#acknowledgements = new Acknowledgements(log, `${topic}-${partition}`, context.logger, () => {
      if (this.#leader === null) return false;
      this.carryOut(this.#leader.onWaitOver(this.#nowMs));
      return true;
    });
  }

  get topicId(): TopicId {
    return this.log.topicId;
  }

  get isLeader(): boolean {
    return this.#leader !== null;
  }

  /** -1 before the first LeaderAndIsr. */
  get leaderEpoch(): number {
    return this.#state?.leaderEpoch ?? NO_EPOCH;
  }

  get partitionEpoch(): number {
    return this.#leader?.partitionEpoch ?? this.#state?.partitionEpoch ?? -1;
  }

  get leaderId(): number {
    return this.#state?.leader ?? -1;
  }

  get replicas(): readonly number[] {
    return this.#leader?.replicas ?? this.#state?.replicas ?? [];
  }

  /** The leader's rules while this broker leads; for metrics and tests. */
  get leaderState(): LeaderState | null {
    return this.#leader;
  }

  get followerState(): FollowerState | null {
    return this.#follower;
  }

  /** Committed records that this follower has not; 0 for a leader. */
  get followerLag(): number {
    return this.#follower === null ? 0 : Math.max(0, this.#leaderHighWatermark - this.log.logEndOffset);
  }

  get isClosed(): boolean {
    return this.#closedBy !== null;
  }

  // LeaderView: what the leader's rules see.
  get logStartOffset(): number {
    return this.log.logStartOffset;
  }

  get logEndOffset(): number {
    return this.log.logEndOffset;
  }

  get committableEndOffset(): number {
    return this.#acknowledgements.safeEndOffset;
  }

  get minInsyncReplicas(): number {
    return this.log.config.minInsyncReplicas;
  }

  get brokerEpoch(): number {
    return this.#context.brokerEpoch();
  }

  isBrokerAlive(brokerId: number): boolean {
    return this.#context.isBrokerAlive(brokerId);
  }

  get #nowMs(): number {
    return this.#context.clock.monotonicMs();
  }

  /** Takes the leadership of a new epoch, or newer replicas and ISR of the current one. */
  becomeLeader(state: PartitionState): void {
    const { brokerId, replicaLagTimeMaxMs, rules } = this.#context;
    if (this.#leader !== null && this.#leader.leaderEpoch === state.leaderEpoch) {
      if (state.partitionEpoch > this.#leader.partitionEpoch) this.#state = state;
      this.carryOut(this.#leader.onRefreshed(state, this.#nowMs));
      this.onIsrChanged();
      return;
    }
    const { logEndOffset, highWatermark } = this.log;
    // Even without a record in it the epoch must be known, so that followers that ask for dead epochs get an answer
    // (KAFKA-7415).
    this.log.assignEpochStartOffset(state.leaderEpoch, logEndOffset);
    this.#state = state;
    this.#follower = null;
    this.#leader = new rules.LeaderState({
      brokerId,
      state,
      view: this,
      highWatermark,
      epochStartOffset: logEndOffset,
      replicaLagTimeMaxMs,
      nowMs: this.#nowMs,
    });
    this.carryOut(this.#leader.onElected(this.#nowMs));
    this.#acknowledgements.flush();
    this.#watchers.notify('leadership');
    this.#context.awaitedFollowers.expect(this, this.#followerIds);
  }

  /**
   * Follows the leader of a new epoch (or nobody, when there is none). Returns false when that epoch is known
   * already.
   */
  becomeFollower(state: PartitionState): boolean {
    const isKnown = this.#state !== null && this.#state.leaderEpoch === state.leaderEpoch;
    if (isKnown && this.#leader === null) {
      this.#state = state;
      return false;
    }
    this.#stopLeading();
    this.#state = state;
    this.#follower = new this.#context.rules.FollowerState(state.leader, state.leaderEpoch, this.log);
    this.#releaseWaiters('NOT_LEADER_OR_FOLLOWER');
    return true;
  }

  /** Follows the same leader from the end of the log as if it were new; what was asked for before does not count. */
  followAnew(): void {
    if (this.#follower === null || this.#state === null) return;
    this.#follower = new this.#context.rules.FollowerState(this.#state.leader, this.#state.leaderEpoch, this.log);
  }

  /** The replica is gone from this broker, or its disk is: whoever waits is told so. */
  close(reason: ErrorName): void {
    this.#closedBy = reason;
    this.#stopLeading();
    this.#follower = null;
    this.#releaseWaiters(reason);
  }

  #stopLeading(): void {
    if (this.#leader === null) return;
    for (const replicaId of this.#followerIds) this.#context.awaitedFollowers.forget(this, replicaId);
    this.#leader = null;
  }

  get #followerIds(): number[] {
    return this.replicas.filter((id) => id !== this.#context.brokerId);
  }

  watch(watcher: PartitionWatcher): void {
    this.#watchers.add(watcher);
  }

  get watcherCount(): number {
    return this.#watchers.size;
  }

  /** The ISR or the replicas have changed: a follower that fell out may join again. */
  onIsrChanged(): void {
    this.#watchers.notify('isr');
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers.remove(watcher);
  }

  /**
   * Is this the replica that may answer, at that epoch? Leader and epoch come first, membership later (KAFKA-14078).
   */
  check(currentLeaderEpoch: number, mustLead: boolean): ErrorName {
    if (this.#closedBy !== null) return this.#closedBy;
    if (this.log.isOffline) return 'KAFKA_STORAGE_ERROR';
    if (this.#state === null) return 'NOT_LEADER_OR_FOLLOWER';
    if (currentLeaderEpoch !== NO_EPOCH) {
      if (currentLeaderEpoch < this.#state.leaderEpoch) return 'FENCED_LEADER_EPOCH';
      if (currentLeaderEpoch > this.#state.leaderEpoch) return 'UNKNOWN_LEADER_EPOCH';
    }
    return mustLead && this.#leader === null ? 'NOT_LEADER_OR_FOLLOWER' : 'NONE';
  }

  /** Appends for a producer. Throws KafkaError; what the log refuses leaves no trace. `nowMs` is wall-clock time. */
  append(records: Buffer, acks: number, origin: 'client' | 'coordinator', nowMs: number): LogAppendResult {
    this.counters.produceRequests++;
    const error = this.check(NO_EPOCH, true);
    if (error !== 'NONE' || this.#leader === null) throw new KafkaError(error);
    const leader = this.#leader;
    if (acks === -1 && leader.isUnderMinIsr)
      throw new KafkaError(
        'NOT_ENOUGH_REPLICAS',
        `The size of the current ISR Set(${leader.isr.join(', ')}) is insufficient to satisfy the min.isr ` +
          `requirement of ${leader.effectiveMinIsr} for partition ${this.topic}-${this.partition}`,
      );
    const previousEndOffset = this.log.logEndOffset;
    let result: LogAppendResult;
    try {
      result = this.log.appendAsLeader(records, leader.leaderEpoch, origin, nowMs);
    } catch (error) {
      countRefusal(this.counters, error, records.length, this.log.config.cleanupPolicy.includes('compact'));
      throw error;
    }
    if (this.log.logEndOffset > previousEndOffset) {
      this.counters.messagesIn += this.log.logEndOffset - previousEndOffset;
      this.counters.bytesIn += records.length;
      this.carryOut(leader.onAppended(previousEndOffset, this.#nowMs));
      this.#watchers.notify('appended');
      this.#acknowledgements.flush();
    }
    return result;
  }

  /**
   * Tells the waiter when an append is acknowledged: acks -1 when everything below `requiredOffset` is committed,
   * acks 1 when this broker holds it as safely as the topic asks. May call it at once.
   */
  whenAcknowledged(acks: number, requiredOffset: number, waiter: OffsetWaiter): void {
    if (this.#leader === null) waiter.onSettled(this.#closedBy ?? 'NOT_LEADER_OR_FOLLOWER');
    else if (acks !== -1) this.#acknowledgements.awaitSafe(requiredOffset, waiter);
    else if (this.#leader.highWatermark >= requiredOffset) waiter.onSettled(this.#commitOutcome(this.#leader));
    else this.#acknowledgements.awaitCommitted(requiredOffset, waiter);
  }

  /**
   * Deletes what lies below the offset, -1 for all that is committed, and returns that offset. The followers hear of
   * it by the answers to their fetches. Throws KafkaError (Kafka's deleteRecordsOnLeader).
   */
  deleteRecords(offset: number): number {
    const error = this.check(NO_EPOCH, true);
    if (error !== 'NONE') throw new KafkaError(error);
    const beforeOffset = deletionOffset(this.log, `${this.topic}-${this.partition}`, offset);
    if (beforeOffset <= this.log.logStartOffset) return beforeOffset;
    this.log.advanceLogStartOffset(beforeOffset);
    const what = `Incremented log start offset to ${beforeOffset} due to client delete records request`;
    this.#context.logger.info(`[Partition ${this.topic}-${this.partition}] ${what}`);
    this.#watchers.notify('logStart');
    return beforeOffset;
  }

  /** Of this leadership; -1 without one. */
  get lowWatermark(): number {
    return this.#leader?.lowWatermark ?? -1;
  }

  /**
   * A follower fetches: its progress is noted (unless this is a second look at the same request), then its records
   * are read.
   */
  readForFollower(
    fetch: PartitionFetch,
    follower: FetchingFollower,
    limits: FetchLimits,
    isFirstLook: boolean,
  ): PartitionRead | ErrorName {
    this.counters.fetchRequests++;
    const error = this.check(fetch.currentLeaderEpoch, true);
    if (error !== 'NONE' || this.#leader === null) return error;
    const { replicaId, brokerEpoch, pulse } = follower;
    const known = this.#leader.follower(replicaId);
    if (known === undefined)
      return fetch.currentLeaderEpoch === NO_EPOCH ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_LEADER_EPOCH';
    if (this.#leader.isStaleIncarnation(replicaId, brokerEpoch)) return 'NOT_LEADER_OR_FOLLOWER';
    const { fetchOffset, logStartOffset } = fetch;
    const divergence = divergenceOf(this.log, fetch);
    if (divergence === 'OFFSET_OUT_OF_RANGE') return divergence;
    const isDiverging = divergence !== 'NONE';
    const hasDeleted = known.logStartOffset < logStartOffset;
    if (known.logEndOffset === -1) this.#context.awaitedFollowers.forget(this, replicaId);
    if (isFirstLook) {
      const progress = { replicaId, brokerEpoch, fetchOffset, logStartOffset, pulse, isDiverging };
      this.carryOut(this.#leader.onFollowerFetch(progress, this.#nowMs));
      if (hasDeleted) this.#watchers.notify('lowWatermark');
    }
    const isAwaited = !this.#leader.isr.includes(replicaId);
    const read = readRecords(this.log, fetch, limits, { divergence, endOffset: this.log.logEndOffset });
    return isAwaited ? { ...read, isAwaited } : read;
  }

  /** The follower's fetch session ended or no longer holds this partition. */
  detachFollower(replicaId: number, pulse: FetchPulse): void {
    this.#leader?.onFollowerDetached(replicaId, pulse);
  }

  /** A consumer fetches: what is committed, from the leader or (KIP-392) from any replica. */
  readForConsumer(
    fetch: PartitionFetch,
    mustLead: boolean,
    isReadCommitted: boolean,
    limits: FetchLimits,
  ): PartitionRead | ErrorName {
    this.counters.fetchRequests++;
    const error = this.check(fetch.currentLeaderEpoch, mustLead);
    if (error !== 'NONE') return error;
    const divergence = divergenceOf(this.log, fetch);
    if (divergence === 'OFFSET_OUT_OF_RANGE') return divergence;
    const endOffset = isReadCommitted ? this.log.lastStableOffset : this.log.highWatermark;
    return readRecords(this.log, fetch, limits, { divergence, endOffset, skipsEmptyBatches: true });
  }

  /** Where the largest epoch up to the asked one ended; -1/-1 when it is not known. */
  endOffsetForEpoch(currentLeaderEpoch: number, leaderEpoch: number): EpochEndOffset | ErrorName {
    const error = this.check(currentLeaderEpoch, true);
    return error === 'NONE' ? this.log.endOffsetForEpoch(leaderEpoch) : error;
  }

  /** Takes over what the leader sent for the log's end: records (maybe none), its high watermark and its log start. */
  appendFetched(records: Buffer | null, leaderHighWatermark: number, leaderLogStartOffset: number): void {
    this.#leaderHighWatermark = leaderHighWatermark;
    if (records !== null && records.length > 0) {
      this.#appendAsFollower(records);
      this.counters.replicationBytesIn += records.length;
    }
    const highWatermark = Math.min(leaderHighWatermark, this.log.logEndOffset);
    if (highWatermark > this.log.highWatermark) {
      this.log.updateHighWatermark(highWatermark);
      this.#watchers.notify('highWatermark');
    }
    const logStartOffset = Math.min(leaderLogStartOffset, this.log.highWatermark);
    if (logStartOffset > this.log.logStartOffset) {
      this.log.advanceLogStartOffset(logStartOffset);
      this.#watchers.notify('logStart');
    }
  }

  /**
   * A leader whose log starts in the middle of a batch sends that batch whole: then an empty log, which waits at the
   * leader's start, begins where the batch does (Kafka's appendRecordsToFollowerOrFutureReplica).
   */
  #appendAsFollower(records: Buffer): void {
    const { logStartOffset, logEndOffset } = this.log;
    const isEmpty = logStartOffset === logEndOffset;
    if (isEmpty && records.length >= RECORD_BATCH_OVERHEAD) {
      const { baseOffset, lastOffset } = new RecordBatch(records);
      if (baseOffset < logEndOffset && lastOffset >= logEndOffset) {
        this.#context.logger.info(
          `[Partition ${this.topic}-${this.partition}] Starting the log from offset ${baseOffset}`,
        );
        this.log.truncateFullyAndStartAt(baseOffset);
      }
    }
    this.log.appendAsFollower(records, this.#context.clock.nowMs());
  }

  /** The log was cut or restarted by the fetcher. */
  onTruncated(): void {
    this.#watchers.notify('leadership');
  }

  /** A broker has died: followers on it are not waited for unless they are in the ISR. */
  onBrokerLost(): void {
    if (this.#leader === null || this.log.isOffline) return;
    this.carryOut(this.#leader.onWaitOver(this.#nowMs));
    this.#watchers.notify('lowWatermark');
  }

  /** The periodic look at the followers. */
  checkLag(): void {
    if (this.#leader !== null && !this.log.isOffline) this.carryOut(this.#leader.onLagCheck(this.#nowMs));
  }

  /** The topic's settings have changed: min.insync.replicas or flush.messages may let those who wait go on. */
  onConfigChanged(): void {
    if (this.#leader === null || this.log.isOffline) return;
    this.#acknowledgements.onConfigChanged();
    this.checkLag();
  }

  /** Does what the leader's rules have decided, in that order; `isr` changes are for followers to hear of. */
  carryOut(effects: readonly LeaderEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'proposeIsr') proposeIsr(this, this.#context, effect.proposal, effect.delayMs);
      else this.#advanceHighWatermark(effect.highWatermark);
    }
  }

  #advanceHighWatermark(highWatermark: number): void {
    this.log.updateHighWatermark(highWatermark);
    if (this.#leader !== null) this.#acknowledgements.onCommitted(highWatermark, this.#commitOutcome(this.#leader));
    this.#watchers.notify('highWatermark');
  }

  /** Stricter than Kafka, which counts the maximal ISR: what is not confirmed yet is no safety. */
  #commitOutcome(leader: LeaderState): ErrorName {
    return leader.isUnderMinIsr ? 'NOT_ENOUGH_REPLICAS_AFTER_APPEND' : 'NONE';
  }

  #releaseWaiters(outcome: ErrorName): void {
    this.#acknowledgements.releaseAll(outcome);
    this.#watchers.notify('leadership');
  }
}

/**
 * Plays the runtime of coordinators for one shard of groups: carries out what it decides, in order, over a log that is
 * an array of encoded records, with a clock that only moves when told. Watches that no ticket is answered twice.
 */
import type { Outcome, Reply, Ticket } from '../../src/coordinator/shard.ts';
import type { TopicsView } from '../../src/group/group-settings.ts';
import { GroupShard, type GroupShardOptions } from '../../src/group/group-shard.ts';
import type { TopicRegexes } from '../../src/group/topic-regexes.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { ErrorName } from '../../src/protocol/errors.ts';
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from '../../src/protocol/internal/group-record.ts';

export type GroupSettings = GroupShardOptions['settings'];

const NO_TOPICS: TopicsView = {
  topicId: () => undefined,
  topicName: () => undefined,
  partitionCount: () => 0,
  topicNames: () => [],
};

/** Kafka's defaults, but for a rebalance that begins at once. */
export const GROUP_SETTINGS: GroupSettings = {
  groupMinSessionTimeoutMs: 6000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupInitialRebalanceDelayMs: 0,
  groupMaxSize: 2_147_483_647,
  offsetMetadataMaxBytes: 4096,
  offsetsRetentionMinutes: 10_080,
  groupConsumerSessionTimeoutMs: 45_000,
  groupConsumerHeartbeatIntervalMs: 5000,
  groupConsumerMaxSize: 2_147_483_647,
  groupConsumerAssignors: ['uniform', 'range'],
  groupConsumerMigrationPolicy: 'bidirectional',
  groupConsumerRegexRefreshIntervalMs: 600_000,
};

export interface GroupStageOptions {
  readonly settings?: Partial<GroupSettings>;
  readonly topics?: () => TopicsView;
  readonly regexes?: TopicRegexes;
  readonly onAppended?: (record: GroupRecord) => void;
  readonly onAnswered?: (ticket: Ticket, response: unknown) => void;
}

export class GroupStage {
  readonly log: { readonly key: Buffer; readonly value: Buffer | null }[] = [];
  /** Waiting requests. */
  readonly open = new Set<Ticket>();
  /** What the log says to the next records. */
  refusal: ErrorName | null = null;
  /** While true nothing is committed, and replies wait. */
  isHeld = false;
  nowMs = 0;
  shard: GroupShard;
  readonly #options: GroupStageOptions;
  readonly #timers = new Map<string, number>();
  #settings: Partial<GroupSettings>;
  #uncommitted: Reply[] = [];
  #lastTicket = 0;
  #lastMember = 0;

  constructor(options: GroupStageOptions = {}) {
    this.#options = options;
    this.#settings = options.settings ?? {};
    this.shard = this.newShard();
  }

  newShard(): GroupShard {
    return new GroupShard({
      settings: { ...GROUP_SETTINGS, ...this.#settings },
      topics: this.#options.topics ?? (() => NO_TOPICS),
      newMemberId: (prefix) => `${prefix}-${++this.#lastMember}`,
      ...(this.#options.regexes !== undefined && { regexes: this.#options.regexes }),
      logger: silentLogger,
    });
  }

  ask(decide: (shard: GroupShard, ticket: Ticket, nowMs: number) => Outcome<GroupRecord>): Ticket {
    const ticket = ++this.#lastTicket;
    this.open.add(ticket);
    this.carryOut(decide(this.shard, ticket, this.nowMs));
    return ticket;
  }

  carryOut(outcome: Outcome<GroupRecord>): void {
    const { records = [], timers = [], replies = [], immediateReplies = [], onRefused } = outcome;
    if (records.length > 0 && this.refusal !== null) {
      const error = this.refusal;
      this.refusal = null;
      if (onRefused === undefined) throw new Error('a refusal that nobody handles');
      this.carryOut(onRefused(error));
      return;
    }
    for (const record of records) this.#append(record);
    for (const { key, delayMs } of timers) {
      if (delayMs === null) this.#timers.delete(key);
      else this.#timers.set(key, this.nowMs + delayMs);
    }
    for (const reply of immediateReplies) this.#answer(reply);
    if (this.isHeld) this.#uncommitted.push(...replies);
    else for (const reply of replies) this.#answer(reply);
  }

  /** All that was appended is committed. */
  commit(): void {
    const replies = this.#uncommitted;
    this.#uncommitted = [];
    for (const reply of replies) this.#answer(reply);
  }

  /** Timers fire when they are due, the earliest first. */
  advance(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      let next: [string, number] | null = null;
      for (const timer of this.#timers) if (timer[1] <= until && (next === null || timer[1] < next[1])) next = timer;
      if (next === null) break;
      this.nowMs = Math.max(this.nowMs, next[1]);
      this.#timers.delete(next[0]);
      this.carryOut(this.shard.onTimer(next[0], this.nowMs));
    }
    this.nowMs = until;
  }

  /** Another coordinator reads the log, with other settings or the same; whoever waits here is sent away. */
  reload(settings = this.#settings): void {
    this.#settings = settings;
    this.open.clear();
    this.#uncommitted = [];
    this.#timers.clear();
    this.shard = this.replayed();
    this.carryOut(this.shard.onLoaded(this.nowMs));
  }

  /** What a coordinator makes of the log. */
  replayed(): GroupShard {
    const shard = this.newShard();
    for (const { key, value } of this.log) {
      const record = decodeGroupRecord(key, value);
      if (record !== null) shard.replay(record);
    }
    return shard;
  }

  /** Names of timers, and in how many milliseconds they fire. */
  timers(): Map<string, number> {
    return new Map(Array.from(this.#timers, ([key, dueMs]) => [key, dueMs - this.nowMs]));
  }

  #append(record: GroupRecord): void {
    const stored = encodeGroupRecord(record);
    this.log.push(stored);
    const read = decodeGroupRecord(stored.key, stored.value);
    if (read === null) throw new Error(`nobody can read ${record.kind}`);
    this.shard.replay(read);
    this.#options.onAppended?.(record);
  }

  #answer({ ticket, response }: Reply): void {
    if (!this.open.delete(ticket)) throw new Error(`ticket ${ticket} is answered, and nobody waits for that`);
    this.#options.onAnswered?.(ticket, response);
  }
}

/**
 * Clients of a group as they behave, over a GroupStage: members of the consumer protocol, and eager ones of the classic
 * protocol. Each knows which partitions it reads right now, which is what the coordinator must keep apart.
 */
import type { Ticket } from '../../src/coordinator/shard.ts';
import { RANGE_ASSIGNOR } from '../../src/group/range-assignor.ts';
import { type ErrorName, errorName } from '../../src/protocol/errors.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../src/protocol/internal/consumer-protocol.ts';
import {
  consumerHeartbeatRequest,
  heartbeatRequest,
  joinRequest,
  leaveRequest,
  memberContext,
  syncRequest,
} from './group-requests.ts';
import { GroupStage } from './group-stage.ts';
import { ManualTopics } from './manual-topics.ts';

type Decide = Parameters<GroupStage['ask']>[0];

/** One coordinator, its topics, and its answers by ticket. */
export class GroupWorld {
  readonly topics = new ManualTopics();
  readonly answers = new Map<Ticket, unknown>();
  readonly stage: GroupStage;
  /** Counts the coordinators: what waited at an earlier one is not answered any more. */
  term = 0;

  constructor(settings: ConstructorParameters<typeof GroupStage>[0] = {}) {
    this.stage = new GroupStage({
      ...settings,
      topics: () => this.topics,
      onAnswered: (ticket, response) => this.answers.set(ticket, response),
    });
  }

  ask(decide: Decide): Ticket {
    return this.stage.ask(decide);
  }

  /** The answer of a request that does not wait. */
  told<T>(decide: Decide): T {
    const answer = this.answers.get(this.ask(decide));
    if (answer === undefined) throw new Error('no answer');
    return answer as T;
  }

  setTopic(topic: string, partitions: number): void {
    if (partitions > 0) this.topics.set(topic, partitions);
    else this.topics.delete(topic);
    this.stage.carryOut(this.stage.shard.onTopicsChanged([topic], this.stage.nowMs));
  }

  reload(): void {
    this.stage.reload();
    this.term++;
  }
}

export interface Client {
  readonly name: string;
  /** `topicId:partition` of what it reads. */
  readonly reads: Set<string>;
  readonly topics: readonly string[];
  /** One exchange with the coordinator, as it comes next. */
  step(): void;
  leave(): void;
}

interface HeartbeatAnswer {
  readonly errorCode: number;
  readonly memberEpoch: number;
  readonly assignment: { topicPartitions: { topicId: string; partitions: number[] }[] } | null;
}

/** A member of the consumer protocol. */
export class ConsumerClient implements Client {
  readonly reads = new Set<string>();
  topics: readonly string[];
  regex: string | null = null;
  epoch = 0;
  /** The next answer will not arrive. */
  losesAnswer = false;
  readonly name: string;
  readonly #world: GroupWorld;
  #isFullNext = true;
  /** What it said last that it reads: said again only when it has changed. */
  #said = '';

  constructor(world: GroupWorld, name: string, topics: readonly string[]) {
    this.#world = world;
    this.name = name;
    this.topics = topics;
  }

  step(): void {
    const isFull = this.#isFullNext || this.epoch === 0;
    const answer = this.#heartbeat(this.epoch, isFull);
    if (this.losesAnswer) {
      this.losesAnswer = false;
      this.#isFullNext = true;
      return;
    }
    this.#isFullNext = false;
    const error = errorName(answer.errorCode);
    if (error === 'NONE') {
      this.epoch = answer.memberEpoch;
      if (answer.assignment === null) return;
      this.reads.clear();
      for (const { topicId, partitions } of answer.assignment.topicPartitions)
        for (const partition of partitions) this.reads.add(`${topicId}:${partition}`);
    } else {
      // Fenced: it gives up all and joins anew.
      this.reads.clear();
      this.epoch = 0;
    }
  }

  leave(): void {
    this.reads.clear();
    this.#heartbeat(-1, false);
    this.epoch = 0;
  }

  subscribe(topics: readonly string[], regex: string | null): void {
    this.topics = topics;
    this.regex = regex;
    this.#isFullNext = true;
  }

  #heartbeat(memberEpoch: number, isFull: boolean): HeartbeatAnswer {
    const reads = [...this.reads].sort().join();
    const saysReads = memberEpoch >= 0 && (isFull || reads !== this.#said);
    if (saysReads) this.#said = reads;
    const request = consumerHeartbeatRequest({
      memberId: this.name,
      memberEpoch,
      rebalanceTimeoutMs: isFull ? 60_000 : -1,
      subscribedTopicNames: isFull ? [...this.topics] : null,
      subscribedTopicRegex: isFull ? (this.regex ?? '') : null,
      topicPartitions: saysReads ? listed(this.reads) : null,
    });
    return this.#world.told((shard, ticket, nowMs) =>
      shard.consumerGroupHeartbeat(memberContext(1), request, ticket, nowMs),
    );
  }
}

interface JoinAnswer {
  readonly errorCode: number;
  readonly generationId: number;
  readonly memberId: string;
  readonly leader: string;
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[];
}

/**
 * A member of the classic protocol. An eager one gives up everything before each JoinGroup; a cooperative one reads on,
 * says what it has, and joins again when it has given up what it was not assigned any more (KIP-429).
 */
export class ClassicClient implements Client {
  readonly reads = new Set<string>();
  readonly name: string;
  readonly topics: readonly string[];
  readonly #world: GroupWorld;
  readonly #isCooperative: boolean;
  #memberId = '';
  #generation = -1;
  #phase: 'out' | 'joining' | 'syncing' | 'in' = 'out';
  #ticket: Ticket = 0;
  #term = 0;

  constructor(world: GroupWorld, name: string, topics: readonly string[], isCooperative: boolean) {
    this.#world = world;
    this.name = name;
    this.topics = topics;
    this.#isCooperative = isCooperative;
  }

  step(): void {
    // The coordinator it waited for is gone.
    if (this.#term !== this.#world.term && (this.#phase === 'joining' || this.#phase === 'syncing'))
      this.#phase = 'out';
    if (this.#phase === 'out') this.#join();
    else if (this.#phase === 'joining') this.#onJoined();
    else if (this.#phase === 'syncing') this.#onSynced();
    else this.#heartbeat();
  }

  leave(): void {
    this.reads.clear();
    this.#phase = 'out';
    if (this.#memberId === '') return;
    const members = [{ memberId: this.#memberId, groupInstanceId: null, reason: null }];
    this.#world.ask((shard, ticket, nowMs) =>
      shard.leaveGroup(memberContext(5), leaveRequest({ members }), ticket, nowMs),
    );
    this.#memberId = '';
  }

  #join(): void {
    if (!this.#isCooperative) this.reads.clear();
    const ownedPartitions = listed(this.reads).map(({ topicId, partitions }) => ({
      topic: this.#world.topics.topicName(topicId) ?? '',
      partitions,
    }));
    const metadata = ConsumerProtocolSubscription.encode({ topics: [...this.topics], ownedPartitions }, 1);
    const request = joinRequest({
      memberId: this.#memberId,
      protocols: [{ name: this.#isCooperative ? 'cooperative-sticky' : 'range', metadata }],
      sessionTimeoutMs: 30_000,
    });
    this.#phase = 'joining';
    this.#term = this.#world.term;
    this.#ticket = this.#world.ask((shard, ticket, nowMs) =>
      shard.joinGroup(memberContext(3, this.name), request, ticket, nowMs),
    );
    this.#onJoined();
  }

  #onJoined(): void {
    const answer = this.#world.answers.get(this.#ticket) as JoinAnswer | undefined;
    if (answer === undefined) return;
    if (answer.errorCode !== 0) {
      this.#rejoin(errorName(answer.errorCode));
      return;
    }
    this.#memberId = answer.memberId;
    this.#generation = answer.generationId;
    const assignments = answer.leader === answer.memberId ? this.#assign(answer) : [];
    const request = syncRequest({ memberId: this.#memberId, generationId: this.#generation, assignments });
    this.#phase = 'syncing';
    this.#ticket = this.#world.ask((shard, ticket, nowMs) => shard.syncGroup(memberContext(5), request, ticket, nowMs));
    this.#onSynced();
  }

  #onSynced(): void {
    const answer = this.#world.answers.get(this.#ticket) as { errorCode: number; assignment: Buffer } | undefined;
    if (answer === undefined) return;
    if (answer.errorCode !== 0) {
      this.#rejoin(errorName(answer.errorCode));
      return;
    }
    const assigned = new Set<string>();
    const { assignedPartitions } = ConsumerProtocolAssignment.decode(answer.assignment).value;
    for (const { topic, partitions } of assignedPartitions)
      for (const partition of partitions) assigned.add(`${this.#world.topics.topicId(topic)}:${partition}`);
    const hasRevoked = [...this.reads].some((partition) => !assigned.has(partition));
    this.reads.clear();
    for (const partition of assigned) this.reads.add(partition);
    this.#phase = hasRevoked ? 'out' : 'in';
  }

  #heartbeat(): void {
    const request = heartbeatRequest({ memberId: this.#memberId, generationId: this.#generation });
    const { errorCode } = this.#world.told<{ errorCode: number }>((shard, ticket, nowMs) =>
      shard.heartbeat(memberContext(4), request, ticket, nowMs),
    );
    if (errorCode !== 0) this.#rejoin(errorName(errorCode));
  }

  #rejoin(error: ErrorName): void {
    // What is not a rebalance has cost it its place, and with it what it read.
    if (!this.#isCooperative || error !== 'REBALANCE_IN_PROGRESS') this.reads.clear();
    if (error === 'UNKNOWN_MEMBER_ID') this.#memberId = '';
    this.#phase = 'out';
  }

  /** The leader's part: by range, over the topics as it sees them, and over what members say that they have. */
  #assign({ members }: JoinAnswer): { memberId: string; assignment: Buffer }[] {
    const { topics } = this.#world;
    const said = members.map(({ memberId, metadata }) => ({
      memberId,
      ...ConsumerProtocolSubscription.decode(metadata).value,
    }));
    const owners = new Map<string, string>();
    for (const { memberId, ownedPartitions } of said)
      for (const { topic, partitions } of ownedPartitions)
        for (const partition of partitions) owners.set(`${topic}:${partition}`, memberId);
    const subscribed = said.map(({ memberId, topics: names }) => ({
      memberId,
      instanceId: null,
      topicIds: new Set(names.filter((topic) => topics.partitionCount(topic) > 0)),
      assignment: new Map(),
    }));
    const partitionCounts = new Map([...topics.topicNames()].map((topic) => [topic, topics.partitionCount(topic)]));
    const targets = RANGE_ASSIGNOR.assign({ members: subscribed, partitionCounts });
    return [...targets].map(([memberId, target]) => ({
      memberId,
      assignment: ConsumerProtocolAssignment.encode(
        {
          // What another one still reads is given to nobody yet.
          assignedPartitions: [...target].map(([topic, partitions]) => ({
            topic,
            partitions: [...partitions].filter(
              (partition) => (owners.get(`${topic}:${partition}`) ?? memberId) === memberId,
            ),
          })),
          userData: null,
        },
        1,
      ),
    }));
  }
}

function listed(reads: ReadonlySet<string>): { topicId: string; partitions: number[] }[] {
  const byTopic = new Map<string, number[]>();
  for (const key of reads) {
    const at = key.lastIndexOf(':');
    const topicId = key.slice(0, at);
    byTopic.set(topicId, [...(byTopic.get(topicId) ?? []), Number(key.slice(at + 1))]);
  }
  return [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions }));
}

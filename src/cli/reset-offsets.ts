/**
 * kafka-consumer-groups --reset-offsets: which partitions, to which offsets, and writing them (Kafka's
 * ConsumerGroupService.resetOffsets).
 *
 * Guarantees: a group with members is left alone and said so; nothing is written without --execute; an offset outside
 * a log is brought to its end or its start with a warning.
 */
import { type TopicPartition, topicPartitionKey } from '../model/topic-partition.ts';
import { describeTopics } from '../client/admin-client.ts';
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import { logLine, type Terminal, UsageError } from './command.ts';
import type { Coordinators } from '../client/coordinators.ts';
import { alterOffsets, committedOffsets, describeGroups, type GroupOffset } from '../client/group-admin.ts';
import { askLeaders } from '../client/leader-questions.ts';
import { readNamedFile } from './named-file.ts';
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, lookUpOffsets } from '../client/offset-lookup.ts';
import { clampOffset, parseDateTime, parseDuration, parsePlan, parseTopicArguments } from './reset-plan.ts';

/** Where the offsets go. */
export type ResetTarget =
  | { readonly kind: 'earliest' | 'latest' | 'current' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'shift'; readonly by: number }
  | { readonly kind: 'dateTime' | 'duration' | 'file'; readonly text: string };

export interface ResetRequest {
  readonly groupIds: readonly string[];
  /** The groups asked for by name: with exactly one, a plan in a file need not name it. */
  readonly namedGroupIds: readonly string[];
  /** Null stands for all topics that a group has committed offsets of. */
  readonly topics: readonly string[] | null;
  readonly target: ResetTarget;
  readonly isExecuted: boolean;
}

interface Context {
  readonly cluster: ClusterClient;
  readonly coordinators: Coordinators;
  readonly terminal: Terminal;
}

const LOGGER = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand';
/** Groups without members: only their offsets may be changed from outside. */
const INACTIVE: ReadonlySet<string> = new Set(['Empty', 'Dead']);

/** The new offsets of each group; none for a group that is active. @throws ApiError, UsageError, ResetValueError */
export async function resetOffsets(context: Context, request: ResetRequest): Promise<Map<string, GroupOffset[]>> {
  const { cluster, coordinators, terminal } = context;
  const groups = await describeGroups(cluster, coordinators, request.groupIds);
  const result = new Map<string, GroupOffset[]>();
  for (const { groupId, state } of groups) {
    if (!INACTIVE.has(state)) {
      terminal.out(
        `\nError: Assignments can only be reset if the group '${groupId}' is inactive, but the current state is ` +
          `${state}.\n`,
      );
      result.set(groupId, []);
      continue;
    }
    const offsets = await new GroupReset(context, groupId).offsets(request);
    if (request.isExecuted) await alterOffsets(cluster, coordinators, groupId, offsets);
    result.set(groupId, offsets);
  }
  return result;
}

class GroupReset {
  readonly #context: Context;
  readonly #groupId: string;
  #committed: GroupOffset[] | null = null;

  constructor(context: Context, groupId: string) {
    this.#context = context;
    this.#groupId = groupId;
  }

  async offsets({ topics, target, namedGroupIds }: ResetRequest): Promise<GroupOffset[]> {
    if (target.kind === 'file') return this.#fromFile(target.text, namedGroupIds);
    const partitions = await this.#partitions(topics);
    switch (target.kind) {
      case 'offset':
        return this.#clamped(partitions.map((partition) => ({ ...partition, offset: target.offset })));
      case 'shift':
        return this.#clamped(await this.#shifted(partitions, target.by));
      case 'earliest':
        return this.#existing(partitions, EARLIEST_TIMESTAMP, 'starting offset');
      case 'latest':
        return this.#existing(partitions, LATEST_TIMESTAMP, 'ending offset');
      case 'current':
        return this.#current(partitions);
      case 'dateTime':
        return this.#since(partitions, parseDateTime(target.text));
      case 'duration':
        return this.#since(partitions, this.#context.terminal.clock.nowMs() - parseDuration(target.text));
    }
  }

  async #partitions(topics: readonly string[] | null): Promise<TopicPartition[]> {
    if (topics === null) return this.#whatIsCommitted();
    const { whole, partitions } = parseTopicArguments(topics);
    const described = await describeTopics(this.#context.cluster, whole);
    const ofWhole = described.flatMap(({ name, partitions: of }) =>
      of.map(({ partition }) => ({ topic: name, partition })),
    );
    const all = [...partitions, ...ofWhole];
    return [...new Map(all.map((one) => [topicPartitionKey(one.topic, one.partition), one])).values()];
  }

  async #whatIsCommitted(): Promise<GroupOffset[]> {
    const { cluster, coordinators } = this.#context;
    this.#committed ??= (await committedOffsets(cluster, coordinators, [this.#groupId])).get(this.#groupId) ?? [];
    return this.#committed;
  }

  async #committedByKey(): Promise<Map<string, number>> {
    const committed = await this.#whatIsCommitted();
    return new Map(committed.map(({ topic, partition, offset }) => [topicPartitionKey(topic, partition), offset]));
  }

  async #fromFile(file: string, namedGroupIds: readonly string[]): Promise<GroupOffset[]> {
    const planned = parsePlan(readNamedFile(file), namedGroupIds).get(this.#groupId);
    if (planned !== undefined) return this.#clamped(planned);
    this.#context.terminal.out(`\nError: No reset plan for group ${this.#groupId} found\n`);
    return [];
  }

  async #shifted(partitions: readonly TopicPartition[], by: number): Promise<GroupOffset[]> {
    const committed = await this.#committedByKey();
    return partitions.map(({ topic, partition }) => {
      const offset = committed.get(topicPartitionKey(topic, partition));
      if (offset === undefined)
        throw new UsageError(
          `Cannot shift offset for partition ${topic}-${partition} since there is no current committed offset`,
        );
      return { topic, partition, offset: offset + by };
    });
  }

  async #current(partitions: readonly TopicPartition[]): Promise<GroupOffset[]> {
    const committed = await this.#committedByKey();
    const known: GroupOffset[] = [];
    const unknown: TopicPartition[] = [];
    for (const { topic, partition } of partitions) {
      const offset = committed.get(topicPartitionKey(topic, partition));
      if (offset === undefined) unknown.push({ topic, partition });
      else known.push({ topic, partition, offset });
    }
    return [...known, ...(await this.#existing(unknown, LATEST_TIMESTAMP, 'ending offset'))];
  }

  /** The first record of that time or later; the end of a partition that has none. */
  async #since(partitions: readonly TopicPartition[], timestampMs: number): Promise<GroupOffset[]> {
    const found = await this.#existing(partitions, timestampMs, 'offset by timestamp');
    const isFound = ({ offset }: GroupOffset): boolean => offset >= 0;
    const late = found.filter((answer) => !isFound(answer));
    for (const { topic, partition } of late)
      this.#context.terminal.out(
        `\nWarn: Partition ${partition} from topic ${topic} is empty. Falling back to latest known offset.\n`,
      );
    return [...found.filter(isFound), ...(await this.#existing(late, LATEST_TIMESTAMP, 'ending offset'))];
  }

  async #clamped(wanted: readonly GroupOffset[]): Promise<GroupOffset[]> {
    const [starts, ends] = await Promise.all([
      this.#existing(wanted, EARLIEST_TIMESTAMP, 'starting offset'),
      this.#existing(wanted, LATEST_TIMESTAMP, 'ending offset'),
    ]);
    const { terminal } = this.#context;
    return wanted.map((asked, index) => {
      const range = { start: starts[index]?.offset ?? null, end: ends[index]?.offset ?? null };
      const { offset, warning } = clampOffset(asked, range);
      if (warning !== null) terminal.error(logLine(terminal.clock.nowMs(), 'WARN', warning, LOGGER));
      return { topic: asked.topic, partition: asked.partition, offset };
    });
  }

  /** In the order of the partitions. @throws ApiError when a leader cannot say */
  async #existing(partitions: readonly TopicPartition[], timestampMs: number, what: string): Promise<GroupOffset[]> {
    const { cluster } = this.#context;
    const questions = partitions.map(({ topic, partition }) => ({ topic, partition, timestampMs }));
    const answers = await askLeaders(cluster, questions, 'listOffsets', cluster.deadline(), (leader, of) =>
      lookUpOffsets(cluster, leader, of),
    );
    return answers.map((answer) => {
      const { topic, partition, error } = answer;
      if (error === 'NONE' && 'offset' in answer) return { topic, partition, offset: answer.offset };
      const failure = ApiError.named(error);
      const message = `Error getting ${what} of topic partition ${topic}-${partition}: ${failure.message}`;
      throw new ApiError(failure.exception, message, error);
    });
  }
}

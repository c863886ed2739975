/**
 * kafka-consumer-groups: lists groups, shows where they are and who is in them, resets and deletes their offsets,
 * deletes them (Kafka's ConsumerGroupCommand).
 *
 * Guarantees: texts, columns and exit codes are Kafka 3.9's: a wrong use leaves with 1, and so does nothing else. A
 * partition whose end nobody can say is shown with `-`, where Kafka shows nothing at all.
 */
import { topicPartitionKey } from '../model/topic-partition.ts';
import { describeTopics } from '../client/admin-client.ts';
import { connectAdmin } from './admin-connection.ts';
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import { CommandError, defineCommand, requireOptions, type Terminal, UsageError } from './command.ts';
import { Coordinators } from '../client/coordinators.ts';
import {
  committedOffsets,
  type DescribedGroup,
  deleteGroups,
  deleteOffsets,
  describeGroups,
  type GroupOffset,
  listGroups,
} from '../client/group-admin.ts';
import { checkGroupOptions, GROUP_OPTIONS, type GroupOptions, statesIn, typesIn } from './group-options.ts';
import {
  deletedOffsetsTable,
  groupList,
  memberTable,
  offsetRows,
  offsetTable,
  resetTable,
  sorted,
  stateTable,
} from './group-tables.ts';
import { askLeaders } from '../client/leader-questions.ts';
import { LATEST_TIMESTAMP, lookUpOffsets } from '../client/offset-lookup.ts';
import { type ResetTarget, resetOffsets } from './reset-offsets.ts';
import { parseTopicArguments, planText, ResetArgumentError, ResetPlanError, ResetValueError } from './reset-plan.ts';

interface Context {
  readonly options: GroupOptions;
  readonly terminal: Terminal;
  readonly cluster: ClusterClient;
  readonly coordinators: Coordinators;
}

export const main = defineCommand({
  script: 'kafka-consumer-groups.sh',
  summary:
    'This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset ' +
    'consumer group offsets.',
  options: GROUP_OPTIONS,
  examples: [
    ['How far a group is behind', 'kafka-consumer-groups.sh --bootstrap-server localhost:9092 --describe --group g'],
    ['All groups with their states', 'kafka-consumer-groups.sh --bootstrap-server localhost:9092 --list --state'],
    [
      'Read a topic again from its start',
      'kafka-consumer-groups.sh --bootstrap-server localhost:9092 --group g --topic orders --reset-offsets ' +
        '--to-earliest --execute',
    ],
  ],
  run: async (options, terminal) => {
    requireOptions(options, 'bootstrap-server');
    const warning = checkGroupOptions(options);
    if (warning !== null) terminal.error(`${warning}\n`);
    let cluster: ClusterClient | null = null;
    try {
      cluster = connectAdmin(terminal, {
        bootstrapServers: options.required('bootstrap-server'),
        commandConfig: options.text('command-config'),
        apiTimeoutMs: options.long('timeout') ?? 0,
      });
      await act({ options, terminal, cluster, coordinators: new Coordinators(cluster) });
    } catch (error) {
      if (error instanceof ResetArgumentError) throw new UsageError(error.message);
      const isExpected = error instanceof ApiError || error instanceof CommandError || error instanceof ResetValueError;
      if (!isExpected) throw error;
      const reason = error instanceof ApiError ? String(error) : error.message;
      printError(terminal, `Executing consumer group command failed due to ${reason}`);
      // Where Java prints its stack trace; of a line in a file there is nothing more to say.
      if (!(error instanceof ResetPlanError)) terminal.error(`${reason}\n`);
    } finally {
      cluster?.close();
    }
    return 0;
  },
});

function printError(terminal: Terminal, message: string): void {
  terminal.out(`\nError: ${message}\n`);
}

function act(context: Context): Promise<void> {
  const { options } = context;
  if (options.has('list')) return list(context);
  if (options.has('describe')) return describe(context);
  if (options.has('delete')) return deleteAll(context);
  return options.has('reset-offsets') ? reset(context) : deleteSomeOffsets(context);
}

async function list({ options, terminal, cluster }: Context): Promise<void> {
  const filters = { states: statesIn(options), types: typesIn(options) };
  const groups = await listGroups(cluster, filters);
  terminal.out(groupList(groups, { type: options.has('type'), state: options.has('state') }));
}

async function groupIdsOf({ options, cluster }: Context): Promise<readonly string[]> {
  if (!options.has('all-groups')) return options.all('group');
  return (await listGroups(cluster)).map(({ groupId }) => groupId);
}

async function describe(context: Context): Promise<void> {
  const { options, terminal, cluster, coordinators } = context;
  const described = await describeGroups(cluster, coordinators, await groupIdsOf(context));
  const groups = described.sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  if (options.has('members')) {
    for (const group of groups)
      if (announce(terminal, group, group.members.length)) terminal.out(memberTable(group, options.has('verbose')));
  } else if (options.has('state')) {
    for (const group of groups) if (announce(terminal, group, 1)) terminal.out(stateTable(group));
  } else await describeOffsets(context, groups);
}

const REBALANCING: ReadonlySet<string> = new Set([
  'PreparingRebalance',
  'CompletingRebalance',
  'Assigning',
  'Reconciling',
]);

/** Says what is special about the group's state; whether there is anything to show. */
function announce(terminal: Terminal, { groupId, state }: DescribedGroup, rowCount: number): boolean {
  if (state === 'Dead') printError(terminal, `Consumer group '${groupId}' does not exist.`);
  else if (state === 'Empty') terminal.error(`\nConsumer group '${groupId}' has no active members.\n`);
  else if (REBALANCING.has(state)) terminal.error(`\nWarning: Consumer group '${groupId}' is rebalancing.\n`);
  return state !== 'Dead' && rowCount > 0;
}

async function describeOffsets(
  { terminal, cluster, coordinators }: Context,
  groups: readonly DescribedGroup[],
): Promise<void> {
  const existing = groups.filter(({ state }) => state !== 'Dead').map(({ groupId }) => groupId);
  const committed = await committedOffsets(cluster, coordinators, existing);
  const logEnds = await logEndsOf(cluster, groups, committed);
  for (const group of groups) {
    const rows = offsetRows(group, committed.get(group.groupId) ?? [], logEnds);
    if (announce(terminal, group, rows.length)) terminal.out(offsetTable(rows));
  }
}

/** The ends of all partitions that the groups read or have read, by topicPartitionKey; one question for all groups. */
async function logEndsOf(
  cluster: ClusterClient,
  groups: readonly DescribedGroup[],
  committed: ReadonlyMap<string, readonly GroupOffset[]>,
): Promise<Map<string, number>> {
  const read = groups.flatMap(({ members }) => members.flatMap(({ partitions }) => partitions));
  const partitions = new Map(
    [...read, ...[...committed.values()].flat()].map(({ topic, partition }) => [
      topicPartitionKey(topic, partition),
      { topic, partition, timestampMs: LATEST_TIMESTAMP },
    ]),
  );
  const answers = await askLeaders(cluster, [...partitions.values()], 'listOffsets', cluster.deadline(), (leader, of) =>
    lookUpOffsets(cluster, leader, of),
  );
  const ends = new Map<string, number>();
  for (const answer of answers)
    if (answer.error === 'NONE' && 'offset' in answer)
      ends.set(topicPartitionKey(answer.topic, answer.partition), answer.offset);
  return ends;
}

async function deleteAll(context: Context): Promise<void> {
  const { terminal, cluster, coordinators } = context;
  const outcomes = [...(await deleteGroups(cluster, coordinators, await groupIdsOf(context)))];
  const failed = outcomes.filter(([, failure]) => failure !== null);
  const deleted = outcomes.filter(([, failure]) => failure === null).map(([groupId]) => groupId);
  if (failed.length === 0) {
    terminal.out(`Deletion of requested consumer groups ('${deleted.join(', ')}') was successful.\n`);
    return;
  }
  printError(terminal, 'Deletion of some consumer groups failed:');
  for (const [groupId, failure] of failed)
    terminal.out(`* Group '${groupId}' could not be deleted due to: ${String(failure)}\n`);
  if (deleted.length > 0) {
    const names = deleted.map((groupId) => `'${groupId}'`).join(', ');
    terminal.out(`\nThese consumer groups were deleted successfully: ${names}\n`);
  }
}

async function reset(context: Context): Promise<void> {
  const { options, terminal } = context;
  const target = targetOf(options);
  const isScoped = options.has('all-topics') || options.has('topic') || target?.kind === 'file';
  if (!isScoped) throw new UsageError('One of the reset scopes should be defined: --all-topics, --topic.');
  if (target === null)
    throw new UsageError(
      "Option '[reset-offsets]' requires one of the following scenarios: [[to-offset], [to-current], [to-datetime], " +
        '[from-file], [by-duration], [to-earliest], [to-latest], [shift-by]]',
    );
  const offsets = await resetOffsets(context, {
    groupIds: await groupIdsOf(context),
    namedGroupIds: options.all('group'),
    topics: options.has('all-topics') ? null : options.all('topic'),
    target,
    isExecuted: options.has('execute') && !options.has('dry-run'),
  });
  if (options.has('export')) terminal.out(`${planText(offsets, options.all('group').length === 1)}\n`);
  else if (offsets.size > 0) terminal.out(resetTable(offsets));
}

function targetOf(options: GroupOptions): ResetTarget | null {
  if (options.has('to-offset')) return { kind: 'offset', offset: options.long('to-offset') ?? 0 };
  if (options.has('to-earliest')) return { kind: 'earliest' };
  if (options.has('to-latest')) return { kind: 'latest' };
  if (options.has('shift-by')) return { kind: 'shift', by: options.long('shift-by') ?? 0 };
  if (options.has('to-datetime')) return { kind: 'dateTime', text: options.required('to-datetime') };
  if (options.has('by-duration')) return { kind: 'duration', text: options.required('by-duration') };
  if (options.has('from-file')) return { kind: 'file', text: options.required('from-file') };
  return options.has('to-current') ? { kind: 'current' } : null;
}

async function deleteSomeOffsets({ options, terminal, cluster, coordinators }: Context): Promise<void> {
  const groupId = options.required('group');
  const topics = options.all('topic');
  const { whole, partitions } = parseTopicArguments(topics);
  const statuses = new Map<string, readonly [string, string, string]>();
  const known = [...partitions];
  for (const topic of new Set(whole)) {
    try {
      const [described] = await describeTopics(cluster, [topic]);
      known.push(...(described?.partitions ?? []).map(({ partition }) => ({ topic, partition })));
    } catch (error) {
      if (!(error instanceof ApiError) || error.error === null) throw error;
      statuses.set(topic, [topic, 'Not Provided', `Error: :${error}`]);
    }
  }
  const { verdict, failures } = await tryDeleteOffsets(cluster, coordinators, groupId, sorted(known));
  if (verdict === null)
    terminal.out(`Request succeed for deleting offsets with topic ${topics.join(', ')} group ${groupId}\n`);
  else printError(terminal, verdict);
  for (const { topic, partition } of sorted(known)) {
    const key = topicPartitionKey(topic, partition);
    const failure = failures(key);
    const status = failure === null ? 'Successful' : `Error: :${failure}`;
    statuses.set(key, [topic, String(partition), status]);
  }
  terminal.out(deletedOffsetsTable([...statuses].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)));
}

interface OffsetDeletion {
  /** What is said first; null when all went well. */
  readonly verdict: string | null;
  /** By topicPartitionKey; null when it went well. */
  readonly failures: (key: string) => ApiError | null;
}

async function tryDeleteOffsets(
  cluster: ClusterClient,
  coordinators: Coordinators,
  groupId: string,
  partitions: Parameters<typeof deleteOffsets>[3],
): Promise<OffsetDeletion> {
  try {
    const outcomes = await deleteOffsets(cluster, coordinators, groupId, partitions);
    const failed = new Map<string, ApiError>();
    for (const { topic, partition, error } of outcomes)
      if (error !== 'NONE') failed.set(topicPartitionKey(topic, partition), ApiError.named(error));
    const [first] = failed.values();
    const verdict = first === undefined ? null : verdictOn(first, groupId);
    return { verdict, failures: (key) => failed.get(key) ?? null };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { verdict: verdictOn(error, groupId), failures: () => error };
  }
}

function verdictOn({ error, exception }: ApiError, groupId: string): string {
  switch (error) {
    case 'INVALID_GROUP_ID':
      return `'${groupId}' is not valid.`;
    case 'GROUP_ID_NOT_FOUND':
      return `'${groupId}' does not exist.`;
    case 'GROUP_AUTHORIZATION_FAILED':
      return `Access to '${groupId}' is not authorized.`;
    case 'NON_EMPTY_GROUP':
      return `Deleting offsets of a consumer group '${groupId}' is forbidden if the group is not empty.`;
    case 'GROUP_SUBSCRIBED_TO_TOPIC':
    case 'TOPIC_AUTHORIZATION_FAILED':
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return 'Encounter some partition level error, see the follow-up details:';
    default:
      return `Encounter some unknown error: ${error ?? exception}`;
  }
}

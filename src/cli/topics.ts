/**
 * kafka-topics: create, list, describe, alter and delete topics (Kafka's TopicCommand).
 *
 * Guarantees: output lines, error texts and exit codes are Kafka 3.9's, so that scripts written for it keep working:
 * errors of the cluster go to stdout after `Error while executing topic command :`, exit code 1.
 */
import { TOPIC_KEYS, validateTopicConfig } from '../config/topic-config.ts';
import { isInternalTopic } from '../model/topic-names.ts';
import { ZERO_TOPIC_ID } from '../model/topic-partition.ts';
import {
  createPartitions,
  createTopic,
  type DescribedPartition,
  type DescribedTopic,
  deleteTopics,
  describeTopics,
  listTopics,
} from '../client/admin-client.ts';
import { connectAdmin } from './admin-connection.ts';
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import { type ConfigEntry, describeConfigs } from '../client/config-admin.ts';
import {
  CommandError,
  defineCommand,
  logLine,
  refuseTogether,
  requireOptions,
  type Terminal,
  UsageError,
} from './command.ts';
import { OptionError, type Options } from './options.ts';
import { topicFilter } from './topic-filter.ts';

const SETTINGS = Object.keys(TOPIC_KEYS).sort().join(', ');

const OPTIONS = {
  'bootstrap-server': { argument: 'host:port', required: true, description: 'The Kafka server to connect to.' },
  'command-config': { argument: 'file', description: 'Properties for the connection to the server.' },
  create: { description: 'Create a new topic.' },
  list: { description: 'List all available topics.' },
  describe: { description: 'List details for the given topics.' },
  alter: { description: 'Raise the number of partitions of a topic.' },
  delete: { description: 'Delete a topic.' },
  topic: {
    argument: 'topic',
    description:
      'The topic to create, alter, describe or delete. Except for --create it may be a regular expression; put it in ' +
      'quotes and escape a dot with a backslash, as in "test\\.topic".',
  },
  'topic-id': { argument: 'topic-id', description: 'The id of the topic to describe.' },
  partitions: {
    argument: 'count',
    description:
      'The number of partitions of the topic created or altered; if not supplied for --create, the default of the ' +
      'cluster. WARNING: with more partitions, keys go to other partitions than before.',
  },
  'replication-factor': {
    argument: 'count',
    description: 'The number of replicas of each partition created; if not supplied, the default of the cluster.',
  },
  'replica-assignment': {
    argument: 'id:id,id:id',
    description:
      'Brokers for the replicas of each partition, by hand: partitions separated by commas, brokers by colons, the ' +
      'preferred leader first.',
  },
  config: {
    argument: 'name=value',
    description: `A setting of the topic being created; may be repeated. Settings are: ${SETTINGS}.`,
  },
  'delete-config': { argument: 'name', description: 'Not supported with --bootstrap-server.', hidden: true },
  'under-replicated-partitions': { description: 'When describing, only partitions with replicas out of sync.' },
  'unavailable-partitions': { description: 'When describing, only partitions without a leader that is alive.' },
  'under-min-isr-partitions': { description: 'When describing, only partitions below min.insync.replicas.' },
  'at-min-isr-partitions': { description: 'When describing, only partitions with just min.insync.replicas in sync.' },
  'topics-with-overrides': { description: 'When describing, only topics with settings of their own.' },
  'if-exists': { description: 'When altering, deleting or describing, do nothing if there is no such topic.' },
  'if-not-exists': { description: 'When creating, do nothing if there is such a topic already.' },
  'exclude-internal': { description: 'When listing or describing, leave out topics that Kafka uses itself.' },
  'partition-size-limit-per-response': {
    argument: 'number',
    description: 'Accepted for compatibility: how many partitions one answer may hold.',
  },
};
type TopicOptions = Options<keyof typeof OPTIONS | 'help' | 'version'>;

const ACTIONS = ['create', 'list', 'alter', 'describe', 'delete'] as const;
const REPORTS = [
  'under-replicated-partitions',
  'unavailable-partitions',
  'under-min-isr-partitions',
  'at-min-isr-partitions',
] as const;

export const main = defineCommand({
  script: 'kafka-topics.sh',
  summary: 'This tool helps to create, delete, describe, or change a topic.',
  options: OPTIONS,
  examples: [
    [
      'Create a topic with three partitions on three brokers',
      'kafka-topics.sh --bootstrap-server localhost:9092 --create --topic orders --partitions 3 --replication-factor 3',
    ],
    ['Show all topics and where their partitions are', 'kafka-topics.sh --bootstrap-server localhost:9092 --describe'],
    [
      'Give a topic more partitions',
      'kafka-topics.sh --bootstrap-server localhost:9092 --alter --topic orders --partitions 6',
    ],
  ],
  run: async (options, terminal) => {
    checkOptions(options);
    let cluster: ClusterClient | null = null;
    try {
      cluster = connectAdmin(terminal, {
        bootstrapServers: options.required('bootstrap-server'),
        commandConfig: options.text('command-config'),
      });
      await act(options, cluster, terminal);
      return 0;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof CommandError)) throw error;
      terminal.out(`Error while executing topic command : ${error.message}\n`);
      const trace = error instanceof ApiError ? String(error) : error.message;
      terminal.error(logLine(terminal.clock.nowMs(), 'ERROR', trace, 'org.apache.kafka.tools.TopicCommand'));
      return 1;
    } finally {
      cluster?.close();
    }
  },
});

function checkOptions(options: TopicOptions): void {
  const actions = ACTIONS.filter((action) => options.has(action));
  if (actions.length !== 1)
    throw new UsageError('Command must include exactly one action: --list, --describe, --create, --alter or --delete');
  if (!options.has('bootstrap-server')) throw new OptionError('--bootstrap-server must be specified');
  if (options.has('describe') && options.has('if-exists') && !options.has('topic') && !options.has('topic-id'))
    throw new UsageError('--topic or --topic-id is required to describe a topic');
  if (!options.has('list') && !options.has('describe')) requireOptions(options, 'topic');
  if (options.has('alter')) {
    if (options.has('config'))
      throw new UsageError(
        'Option combination "[[bootstrap-server], [config]]" can\'t be used with option "[alter]" (the kafka-configs ' +
          'CLI supports altering topic configs with a --bootstrap-server option)',
      );
    requireOptions(options, 'partitions');
  }
  const refuseActions = (option: keyof typeof OPTIONS, ...allowed: (typeof ACTIONS)[number][]): void =>
    refuseTogether(options, option, ...ACTIONS.filter((action) => !allowed.includes(action)));
  refuseActions('config', 'alter', 'create');
  refuseTogether(options, 'delete-config', 'bootstrap-server');
  refuseActions('partitions', 'alter', 'create');
  refuseActions('replication-factor', 'create');
  refuseActions('replica-assignment', 'alter', 'create');
  if (options.has('create')) refuseTogether(options, 'replica-assignment', 'partitions', 'replication-factor');
  for (const report of REPORTS) {
    refuseActions(report, 'describe');
    refuseTogether(options, report, 'topics-with-overrides');
  }
  refuseActions('topics-with-overrides', 'describe');
  refuseActions('if-exists', 'alter', 'delete', 'describe');
  refuseActions('if-not-exists', 'create');
  refuseActions('exclude-internal', 'list', 'describe');
}

async function act(options: TopicOptions, cluster: ClusterClient, terminal: Terminal): Promise<void> {
  if (options.has('create')) return create(options, cluster, terminal);
  if (options.has('describe') && usesTopicId(options)) return describeById(options, cluster, terminal);
  const topics = await wantedTopics(options, cluster);
  if (options.has('list')) {
    terminal.out(`${topics.join('\n')}\n`);
    return;
  }
  const topic = options.text('topic');
  if (topic && topics.length === 0 && !options.has('if-exists'))
    throw new CommandError(`Topic '${topic}' does not exist as expected`);
  if (options.has('alter')) await alter(options, cluster, topics);
  else if (options.has('delete')) await deleteTopics(cluster, topics);
  else await describe(options, cluster, terminal, await describeTopics(cluster, topics));
}

function usesTopicId(options: TopicOptions): boolean {
  const id = options.text('topic-id');
  return id !== undefined && id !== ZERO_TOPIC_ID;
}

async function wantedTopics(options: TopicOptions, cluster: ClusterClient): Promise<string[]> {
  const topic = options.text('topic');
  const isWanted = topic === undefined ? () => true : topicFilter(topic);
  const excludesInternal = options.has('exclude-internal');
  const all = await listTopics(cluster);
  return all.map(({ name }) => name).filter((name) => isWanted(name) && !(excludesInternal && isInternalTopic(name)));
}

const MAX_REPLICATION_FACTOR = 32767;

async function create(options: TopicOptions, cluster: ClusterClient, terminal: Terminal): Promise<void> {
  const name = options.required('topic');
  const numPartitions = options.int('partitions') ?? -1;
  const replicationFactor = options.int('replication-factor') ?? -1;
  const assignment = replicaAssignment(options);
  const configs = topicConfigs(options);
  if (/[._]/.test(name))
    terminal.out(
      "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. " +
        'To avoid issues it is best to use either, but not both.\n',
    );
  if (options.has('replication-factor') && (replicationFactor < 1 || replicationFactor > MAX_REPLICATION_FACTOR))
    throw new CommandError(`The replication factor must be between 1 and ${MAX_REPLICATION_FACTOR} inclusive`);
  if (options.has('partitions') && numPartitions < 1) throw new CommandError('The partitions must be greater than 0');
  try {
    await createTopic(cluster, {
      name,
      numPartitions,
      replicationFactor,
      assignments: assignment.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
      configs: [...configs].map(([key, value]) => ({ name: key, value })),
    });
  } catch (error) {
    const exists = error instanceof ApiError && error.error === 'TOPIC_ALREADY_EXISTS';
    if (exists && options.has('if-not-exists')) return;
    throw error;
  }
  terminal.out(`Created topic ${name}.\n`);
}

function topicConfigs(options: TopicOptions): Map<string, string> {
  const pairs = options.all('config').map((text) => text.split(/\s*=\s*/).map((part) => part.trim()));
  if (!pairs.every((pair) => pair.length === 2))
    throw new CommandError(
      'requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".',
    );
  const configs = new Map(pairs.map(([key = '', value = '']) => [key, value]));
  const problem = validateTopicConfig(configs);
  if (problem !== null) throw new CommandError(problem);
  return configs;
}

/** One list of brokers for each partition. */
function replicaAssignment(options: TopicOptions): number[][] {
  const text = options.text('replica-assignment');
  if (!text) return [];
  const partitions = text.split(',').map((brokers) => brokers.split(':').map((broker) => brokerId(broker.trim())));
  for (const [partition, brokers] of partitions.entries()) {
    const duplicates = brokers.filter((broker, index) => brokers.indexOf(broker) !== index);
    if (duplicates.length > 0)
      throw new CommandError(`Partition replica lists may not contain duplicate entries: ${duplicates.join(',')}`);
    if (brokers.length !== partitions[0]?.length)
      throw new CommandError(`Partition ${partition} has different replication factor: [${brokers.join(', ')}]`);
  }
  return partitions;
}

function brokerId(text: string): number {
  if (!/^\d+$/.test(text)) throw new CommandError(`Not a broker id in --replica-assignment: '${text}'`);
  return Number(text);
}

async function alter(options: TopicOptions, cluster: ClusterClient, topics: readonly string[]): Promise<void> {
  const count = options.int('partitions') ?? 0;
  const assignment = replicaAssignment(options);
  const described = await describeTopics(cluster, topics);
  if (described.length === 0) return;
  await createPartitions(
    cluster,
    described.map(({ name, partitions }) => ({
      topic: name,
      count,
      assignments: assignment.length === 0 ? null : assignment.slice(partitions.length),
    })),
  );
}

async function describeById(options: TopicOptions, cluster: ClusterClient, terminal: Terminal): Promise<void> {
  const id = options.text('topic-id') ?? '';
  if (options.has('topic') && options.has('if-exists'))
    terminal.out(
      'Only topic id will be used when both --topic and --topic-id are specified and topicId is not Uuid.ZERO_UUID\n',
    );
  const found = (await listTopics(cluster)).filter(({ topicId }) => topicId === id).map(({ name }) => name);
  if (found.length === 0 && !options.has('if-exists'))
    throw new CommandError(`TopicId '${id}' does not exist as expected`);
  await describe(options, cluster, terminal, await describeTopics(cluster, found));
}

async function describe(
  options: TopicOptions,
  cluster: ClusterClient,
  terminal: Terminal,
  topics: readonly DescribedTopic[],
): Promise<void> {
  if (topics.length === 0) return;
  const described = await describeConfigs(
    cluster,
    topics.map(({ name }) => ({ type: 'TOPIC', name })),
  );
  const configs = new Map(
    described.map(({ resource, failure, entries }) => {
      if (failure !== null) throw failure;
      return [resource.name, entries];
    }),
  );
  const live = new Set(cluster.nodes.map(({ id }) => id));
  for (const topic of topics) {
    const entries = configs.get(topic.name) ?? [];
    terminal.out(topicText(options, topic, entries, live));
  }
}

/** The lines of one topic; '' when no report wants any. */
function topicText(
  options: TopicOptions,
  topic: DescribedTopic,
  entries: readonly ConfigEntry[],
  live: ReadonlySet<number>,
): string {
  const overrides = entries.filter(({ isDefault }) => !isDefault);
  const onlyOverrides = options.has('topics-with-overrides');
  const isReport = REPORTS.some((report) => options.has(report));
  const lines: string[] = [];
  if (!isReport && (!onlyOverrides || overrides.length > 0)) {
    const id = topic.topicId === ZERO_TOPIC_ID ? '' : `\tTopicId: ${topic.topicId}`;
    const configs = overrides.map(({ name, value }) => `${name}=${value}`).join(',');
    lines.push(
      `Topic: ${topic.name}${id}\tPartitionCount: ${topic.partitions.length}` +
        `\tReplicationFactor: ${topic.partitions[0]?.replicas.length ?? 0}\tConfigs: ${configs}`,
    );
  }
  const minIsr = Number(entries.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1);
  for (const partition of onlyOverrides ? [] : topic.partitions)
    if (!isReport || isReported(options, partition, minIsr, live)) lines.push(partitionLine(topic.name, partition));
  return lines.map((line) => `${line}\n`).join('');
}

function isReported(
  options: TopicOptions,
  { leader, replicas, isr }: DescribedPartition,
  minIsr: number,
  live: ReadonlySet<number>,
): boolean {
  const hasLeader = leader >= 0;
  return (
    (options.has('under-replicated-partitions') && isr.length < replicas.length) ||
    (options.has('unavailable-partitions') && !(hasLeader && live.has(leader))) ||
    (options.has('under-min-isr-partitions') && (!hasLeader || isr.length < minIsr)) ||
    (options.has('at-min-isr-partitions') && isr.length === minIsr)
  );
}

function partitionLine(topic: string, { partition, leader, replicas, isr }: DescribedPartition): string {
  return (
    `\tTopic: ${topic}\tPartition: ${partition}\tLeader: ${leader < 0 ? 'none' : leader}` +
    `\tReplicas: ${replicas.join(',')}\tIsr: ${isr.join(',')}\tElr: N/A\tLastKnownElr: N/A`
  );
}

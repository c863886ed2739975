/**
 * kafka-get-offsets: an offset of each partition as `topic:partition:offset`, by default the end (Kafka's
 * GetOffsetShell).
 */
import { isInternalTopic } from '../model/topic-names.ts';
import { ConnectionError } from '../net/broker-client.ts';
import { isRetriable } from '../protocol/errors.ts';
import { describeTopics, listTopics } from '../client/admin-client.ts';
import { connectAdmin } from './admin-connection.ts';
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import { CommandError, defineCommand, UsageError } from './command.ts';
import {
  EARLIEST_TIMESTAMP,
  LATEST_TIMESTAMP,
  lookUpOffsets,
  MAX_TIMESTAMP,
  type OffsetAnswer,
} from '../client/offset-lookup.ts';
import type { Options } from './options.ts';
import { topicFilter } from './topic-filter.ts';

const OPTIONS = {
  'bootstrap-server': { argument: 'host:port', required: true, description: 'The server(s) to connect to.' },
  'broker-list': { argument: 'host:port', description: 'DEPRECATED, use --bootstrap-server instead.' },
  topic: { argument: 'topic', description: 'The topic, or a regular expression for topics; all when left out.' },
  partitions: { argument: 'ids', description: 'Partitions separated by commas; all when left out.' },
  'topic-partitions': {
    argument: 'list',
    description:
      'Topics with partitions, separated by commas: t1:1 for one, t2:0-3 for a range without its end, t3:5- and ' +
      't4:-3 for open ranges, t5 for all. Not with --topic or --partitions.',
  },
  time: {
    argument: 'time',
    default: 'latest',
    description:
      'A timestamp in ms: the first offset with that timestamp or a later one. Or -1 or latest, -2 or earliest, ' +
      '-3 or max-timestamp, -4 or earliest-local, -5 or latest-tiered.',
  },
  'command-config': { argument: 'file', description: 'Properties for the connection to the server.' },
  'exclude-internal-topics': { description: 'Leave out topics that Kafka uses itself.' },
};
type OffsetOptions = Options<keyof typeof OPTIONS | 'help' | 'version'>;

export const main = defineCommand({
  script: 'kafka-get-offsets.sh',
  summary: 'An interactive shell for getting topic-partition offsets.',
  options: OPTIONS,
  examples: [
    ['How far each partition has come', 'kafka-get-offsets.sh --bootstrap-server localhost:9092 --topic orders'],
    ['Where each begins', 'kafka-get-offsets.sh --bootstrap-server localhost:9092 --topic orders --time earliest'],
  ],
  run: async (options, terminal) => {
    const bootstrapServers = options.text('bootstrap-server') ?? options.text('broker-list');
    if (bootstrapServers === undefined) throw new UsageError('Missing required argument "[bootstrap-server]"');
    try {
      const isWanted = partitionFilter(options);
      const timestampMs = timestampOf(options.required('time'));
      const cluster = connectAdmin(terminal, {
        bootstrapServers,
        commandConfig: options.text('command-config'),
        clientId: 'GetOffsetShell',
      });
      const answers = await offsetsOf(cluster, isWanted, options.has('exclude-internal-topics'), timestampMs);
      cluster.close();
      for (const { topic, partition, error } of answers)
        if (error !== 'NONE')
          terminal.error(
            `Skip getting offsets for topic-partition ${topic}-${partition} due to error: ${ApiError.named(error)}\n`,
          );
      const found = answers.filter(({ error, offset }) => error === 'NONE' && offset >= 0);
      const key = ({ topic, partition }: OffsetAnswer): string => `${topic}-${partition}`;
      for (const answer of found.sort((a, b) => (key(a) < key(b) ? -1 : 1)))
        terminal.out(`${answer.topic}:${answer.partition}:${answer.offset}\n`);
      return 0;
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof CommandError)) throw error;
      terminal.error(`Error occurred: ${error.message}\n`);
      return 1;
    }
  },
});

const TIMES = new Map([
  ['latest', LATEST_TIMESTAMP],
  ['earliest', EARLIEST_TIMESTAMP],
  ['max-timestamp', MAX_TIMESTAMP],
  ['earliest-local', -4],
  ['latest-tiered', -5],
]);

function timestampOf(text: string): number {
  const named = TIMES.get(text);
  if (named !== undefined) return named;
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new CommandError(
    `Malformed time argument ${text}. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / ` +
      '-4 or earliest-local / -5 or latest-tiered, or a specified long format timestamp',
  );
}

type PartitionFilter = {
  readonly topic: (name: string) => boolean;
  readonly partition: (name: string, partition: number) => boolean;
};

function partitionFilter(options: OffsetOptions): PartitionFilter {
  const list = options.text('topic-partitions');
  if (list !== undefined) {
    if (options.has('topic') || options.has('partitions'))
      throw new CommandError('--topic-partitions cannot be used with --topic or --partitions');
    const rules = list.split(',').map(ruleOf);
    return {
      topic: (name) => rules.some((rule) => rule.topic(name)),
      partition: (name, partition) => rules.some((rule) => rule.topic(name) && rule.partition(name, partition)),
    };
  }
  const text = options.text('partitions') ?? '';
  const ids = text === '' ? [] : text.split(',');
  if (!ids.every((id) => /^\d+$/.test(id)))
    throw new CommandError(
      `--partitions expects a comma separated list of numeric partition ids, but received: ${text}`,
    );
  const partitions = new Set(ids.map(Number));
  return {
    topic: topicFilter(options.text('topic') ?? '.*'),
    partition: (_, partition) => partitions.size === 0 || partitions.has(partition),
  };
}

/** `topic:1`, `topic:0-3` (end exclusive), `topic:5-`, `topic:-3`, `topic`, `:1`. */
function ruleOf(text: string): PartitionFilter {
  const match = /^([^:,]*)(?::(?:([0-9]*)|(?:([0-9]*)-([0-9]*))))?$/.exec(text);
  if (match === null) throw new CommandError(`Invalid rule specification: ${text}`);
  const [, topic, only, lower, upper] = match;
  const low = only ? Number(only) : Number(lower || 0);
  const end = only ? low + 1 : upper ? Number(upper) : Number.POSITIVE_INFINITY;
  return { topic: topicFilter(topic || '.*'), partition: (_, partition) => partition >= low && partition < end };
}

const RETRY_BACKOFF_MS = 100;

async function offsetsOf(
  cluster: ClusterClient,
  isWanted: PartitionFilter,
  excludesInternal: boolean,
  timestampMs: number,
): Promise<OffsetAnswer[]> {
  const names = (await listTopics(cluster))
    .map(({ name }) => name)
    .filter((name) => isWanted.topic(name) && !(excludesInternal && isInternalTopic(name)));
  const deadline = cluster.deadline();
  const answers = new Map<string, OffsetAnswer>();
  for (;;) {
    const partitions = (await describeTopics(cluster, names)).flatMap(({ name, partitions: of }) =>
      of
        .filter(({ partition }) => isWanted.partition(name, partition))
        .map(({ partition, leader }) => ({ topic: name, partition, leader, timestampMs })),
    );
    if (partitions.length === 0)
      throw new CommandError('Could not match any topic-partitions with the specified filters');
    const isOpen = ({ topic, partition }: { topic: string; partition: number }): boolean => {
      const error = answers.get(`${topic}-${partition}`)?.error;
      return error === undefined || isRetriable(error);
    };
    const open = partitions.filter(isOpen);
    await Promise.all(
      [...Map.groupBy(open, ({ leader }) => leader)].map(async ([leader, of]) => {
        for (const answer of await ask(cluster, leader, of)) answers.set(`${answer.topic}-${answer.partition}`, answer);
      }),
    );
    // A leader that has just changed: ask who it is now, until the time is over.
    if (!partitions.some(isOpen) || cluster.clock.monotonicMs() >= deadline) return [...answers.values()];
    await cluster.clock.sleep(RETRY_BACKOFF_MS);
  }
}

async function ask(
  cluster: ClusterClient,
  leader: number,
  questions: readonly { topic: string; partition: number; timestampMs: number }[],
): Promise<OffsetAnswer[]> {
  const failed = (error: OffsetAnswer['error']): OffsetAnswer[] =>
    questions.map(({ topic, partition }) => ({ topic, partition, error, offset: -1 }));
  const node = cluster.nodeById(leader);
  if (node === undefined) return failed('LEADER_NOT_AVAILABLE');
  try {
    return await lookUpOffsets(cluster, node, questions);
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    await cluster.warnUnreachable(node);
    return failed('NETWORK_EXCEPTION');
  }
}

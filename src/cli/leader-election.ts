/**
 * kafka-leader-election: gives partitions their preferred leader back, or an unclean one (Kafka's
 * LeaderElectionCommand).
 */
import { type ELECTION_TYPES, type ElectionResult, electLeaders } from '../client/admin-client.ts';
import { connectAdmin } from './admin-connection.ts';
import { ApiError } from '../client/api-error.ts';
import { CommandError, defineCommand, type Terminal, UsageError } from './command.ts';
import { readNamedFile } from './named-file.ts';
import type { Options } from './options.ts';

const OPTIONS = {
  'bootstrap-server': { argument: 'host:port', required: true, description: 'The server(s) to connect to.' },
  'admin.config': { argument: 'file', aliases: ['command-config'], description: 'Properties for the connection.' },
  'election-type': {
    argument: 'type',
    required: true,
    description:
      'preferred: to the first replica of the list, if it is in sync and does not lead. unclean: to any replica that ' +
      'lives, if there is no leader; records may be lost.',
  },
  'all-topic-partitions': { description: 'Every partition of the cluster.' },
  topic: { argument: 'topic', description: 'One partition of this topic.' },
  partition: { argument: 'number', description: 'The partition of --topic.' },
  'path-to-json-file': {
    argument: 'file',
    description: 'A list of partitions: {"partitions": [{"topic": "foo", "partition": 1}]}.',
  },
};
type ElectionOptions = Options<keyof typeof OPTIONS | 'help' | 'version'>;
type ElectionType = keyof typeof ELECTION_TYPES;

export const main = defineCommand({
  script: 'kafka-leader-election.sh',
  summary: 'This tool attempts to elect a new leader for a set of topic partitions.',
  options: OPTIONS,
  examples: [
    [
      'Bring leadership back after a broker returned',
      'kafka-leader-election.sh --bootstrap-server localhost:9092 --election-type preferred --all-topic-partitions',
    ],
  ],
  run: async (options, terminal) => {
    const { electionType, partitions } = checkOptions(options);
    try {
      const cluster = connectAdmin(terminal, {
        bootstrapServers: options.required('bootstrap-server'),
        commandConfig: options.text('admin.config'),
      });
      const results = await electLeaders(cluster, electionType, partitions);
      cluster.close();
      return report(terminal, electionType, results);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.exception !== 'TimeoutException') throw new CommandError(String(error));
      terminal.out('Timeout waiting for election results\n');
      throw new CommandError('Timeout waiting for election results');
    }
  },
});

function checkOptions(options: ElectionOptions): {
  electionType: ElectionType;
  partitions: Map<string, number[]> | null;
} {
  const missing = (['bootstrap-server', 'election-type'] as const).filter((name) => !options.has(name));
  if (missing.length > 0) throw new UsageError(`Missing required option(s): ${missing.join(', ')}`);
  const ways = ['topic', 'all-topic-partitions', 'path-to-json-file'] as const;
  if (ways.filter((name) => options.has(name)).length !== 1)
    throw new UsageError(`One and only one of the following options is required: ${ways.join(', ')}`);
  if (options.has('topic') && !options.has('partition')) throw new UsageError('Missing required option(s): partition');
  if (!options.has('topic') && options.has('partition'))
    throw new UsageError('Option partition is only allowed if topic is used');
  const text = options.required('election-type').toLowerCase();
  if (text !== 'preferred' && text !== 'unclean')
    throw new UsageError(`Cannot parse argument '${text}' of option election-type`);
  return { electionType: text, partitions: partitionsOf(options) };
}

function partitionsOf(options: ElectionOptions): Map<string, number[]> | null {
  const topic = options.text('topic');
  if (topic !== undefined) return new Map([[topic, [options.int('partition') ?? 0]]]);
  const file = options.text('path-to-json-file');
  return file === undefined ? null : partitionsInFile(file);
}

function partitionsInFile(file: string): Map<string, number[]> {
  const partitions = new Map<string, number[]>();
  for (const { topic, partition } of partitionList(file)) {
    const of = partitions.get(topic) ?? [];
    if (of.includes(partition))
      throw new CommandError(`Replica election data contains duplicate partitions: [${topic}-${partition}]`);
    partitions.set(topic, [...of, partition]);
  }
  return partitions;
}

function partitionList(file: string): { topic: string; partition: number }[] {
  const text = readNamedFile(file);
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`${file} is not JSON: ${(error as Error).message}`);
  }
  const { partitions } = (data ?? {}) as { partitions?: unknown };
  if (!Array.isArray(partitions)) throw new CommandError('Replica election data is missing "partitions" field');
  return partitions.map((entry: unknown) => {
    const { topic, partition } = (entry ?? {}) as { topic?: unknown; partition?: unknown };
    if (typeof topic !== 'string' || typeof partition !== 'number')
      throw new CommandError(`Not a topic with its partition: ${JSON.stringify(entry)}`);
    return { topic, partition };
  });
}

function report(terminal: Terminal, electionType: ElectionType, results: readonly ElectionResult[]): number {
  const type = electionType.toUpperCase();
  const names = (of: readonly ElectionResult[]): string => of.map(nameOf).join(', ');
  const elected = results.filter(({ failure }) => failure === null);
  const unneeded = results.filter(({ failure }) => failure?.error === 'ELECTION_NOT_NEEDED');
  const failed = results.filter(({ failure }) => failure !== null && failure.error !== 'ELECTION_NOT_NEEDED');
  if (elected.length > 0)
    terminal.out(`Successfully completed leader election (${type}) for partitions ${names(elected)}\n`);
  if (unneeded.length > 0) terminal.out(`Valid replica already elected for partitions ${names(unneeded)}\n`);
  for (const result of failed)
    terminal.out(
      `Error completing leader election (${type}) for partition: ${nameOf(result)}: ${String(result.failure)}\n`,
    );
  if (failed.length > 0) throw new CommandError(`${failed.length} replica(s) could not be elected`);
  return 0;
}

function nameOf({ topic, partition }: ElectionResult): string {
  return `${topic}-${partition}`;
}

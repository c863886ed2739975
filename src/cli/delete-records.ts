/**
 * kafka-delete-records: deletes the records of partitions below offsets that a JSON file names (Kafka's
 * DeleteRecordsCommand).
 */
import type { TopicPartition } from '../model/topic-partition.ts';
import { topicPartitionKey } from '../model/topic-partition.ts';
import { errorName } from '../protocol/errors.ts';
import { DeleteRecords } from '../protocol/messages/index.ts';
import { connectAdmin } from './admin-connection.ts';
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient, Node } from '../client/cluster-client.ts';
import { CommandError, defineCommand, requireOptions } from './command.ts';
import { askLeaders, type LeaderAnswer } from '../client/leader-questions.ts';
import { readNamedFile } from './named-file.ts';

/** Records below the offset are to go; -1 stands for all that is committed. */
interface Deletion extends TopicPartition {
  readonly offset: number;
}

interface Deleted extends LeaderAnswer {
  readonly lowWatermark: number;
}

const REQUEST_TIMEOUT_MS = 30_000;
const FILE_VERSION = 1;

export const main = defineCommand({
  script: 'kafka-delete-records.sh',
  summary: 'This tool helps to delete records of the given partitions down to the specified offset.',
  options: {
    'bootstrap-server': { argument: 'host:port', required: true, description: 'The server to connect to.' },
    'offset-json-file': {
      argument: 'file',
      required: true,
      description:
        'The JSON file with an offset for each partition; records before it are deleted, -1 stands for all that is ' +
        'committed. The format to use is:\n' +
        '{"partitions":\n  [{"topic": "foo", "partition": 1, "offset": 1}],\n "version":1\n}',
    },
    'command-config': { argument: 'file', description: 'Properties for the connection to the server.' },
  },
  examples: [
    [
      'Delete what a file says',
      'kafka-delete-records.sh --bootstrap-server localhost:9092 --offset-json-file ./offsets.json',
    ],
  ],
  run: async (options, terminal) => {
    requireOptions(options, 'bootstrap-server', 'offset-json-file');
    const deletions = parseDeletions(readNamedFile(options.required('offset-json-file')));
    try {
      const cluster = connectAdmin(terminal, {
        bootstrapServers: options.required('bootstrap-server'),
        commandConfig: options.text('command-config'),
      });
      terminal.out('Executing records delete operation\n');
      const answers = await askLeaders(cluster, deletions, 'deleteRecords', cluster.deadline(), (leader, of) =>
        deleteAt(cluster, leader, of),
      );
      cluster.close();
      terminal.out('Records delete operation completed:\n');
      for (const answer of answers) {
        const name = topicPartitionKey(answer.topic, answer.partition);
        const isDone = answer.error === 'NONE' && 'lowWatermark' in answer;
        const result = isDone ? `low_watermark: ${answer.lowWatermark}` : `error: ${ApiError.named(answer.error)}`;
        terminal.out(`partition: ${name}\t${result}\n`);
      }
      return 0;
    } catch (error) {
      if (error instanceof ApiError) throw new CommandError(String(error));
      throw error;
    }
  },
});

/** In the order of the file. @throws CommandError in Kafka's words */
export function parseDeletions(text: string): Deletion[] {
  const data = parseObject(text);
  const { version = FILE_VERSION, partitions } = data;
  if (version !== FILE_VERSION) throw new CommandError(`Not supported version field value ${String(version)}`);
  if (!Array.isArray(partitions)) throw new CommandError('Missing partitions field');
  const deletions = partitions.map(deletionOf);
  const keys = deletions.map(({ topic, partition }) => topicPartitionKey(topic, partition));
  const duplicates = new Set(keys.filter((key, index) => keys.indexOf(key) !== index));
  if (duplicates.size > 0)
    throw new CommandError(`Offset json file contains duplicate topic partitions: ${[...duplicates].join(',')}`);
  return deletions;
}

function parseObject(text: string): Record<string, unknown> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new CommandError(`The input string is not a valid JSON (${(error as Error).message})`);
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new CommandError(`Expected JSON object, received ${text.trim()}`);
  return data as Record<string, unknown>;
}

function deletionOf(entry: unknown): Deletion {
  const { topic, partition, offset } = (entry ?? {}) as Partial<Record<string, unknown>>;
  const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);
  if (typeof topic !== 'string' || !isWhole(partition) || !isWhole(offset))
    throw new CommandError(`Not a topic with its partition and offset: ${JSON.stringify(entry)}`);
  return { topic, partition, offset };
}

async function deleteAt(cluster: ClusterClient, leader: Node, deletions: readonly Deletion[]): Promise<Deleted[]> {
  const topics = [...Map.groupBy(deletions, ({ topic }) => topic)].map(([name, of]) => ({
    name,
    partitions: of.map(({ partition, offset }) => ({ partitionIndex: partition, offset })),
  }));
  const response = await cluster.send(leader, DeleteRecords, { topics, timeoutMs: REQUEST_TIMEOUT_MS });
  return response.topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex, lowWatermark, errorCode }) => ({
      topic: name,
      partition: partitionIndex,
      lowWatermark,
      error: errorName(errorCode),
    })),
  );
}

/** kafka-log-dirs: what lies in the log directories of each broker, as one line of JSON (Kafka's LogDirsCommand). */
import { Errors } from '../protocol/errors.ts';
import { DescribeLogDirs } from '../protocol/messages/index.ts';
import { connectAdmin } from './admin-connection.ts';
import { ApiError } from '../client/api-error.ts';
import type { ClusterClient, Node } from '../client/cluster-client.ts';
import { CommandError, defineCommand, requireOptions } from './command.ts';

export const main = defineCommand({
  script: 'kafka-log-dirs.sh',
  summary: 'This tool helps to query log directory usage on the specified brokers.',
  options: {
    'bootstrap-server': { argument: 'host:port', required: true, description: 'The server(s) to connect to.' },
    'command-config': { argument: 'file', description: 'Properties for the connection to the server.' },
    describe: { required: true, description: 'Describe the log directories.' },
    'broker-list': { argument: 'ids', default: '', description: 'Brokers separated by commas; all when left out.' },
    'topic-list': { argument: 'topics', default: '', description: 'Topics separated by commas; all when left out.' },
  },
  examples: [
    ['Sizes of all partitions', "kafka-log-dirs.sh --bootstrap-server localhost:9092 --describe | grep '^{' | jq"],
  ],
  run: async (options, terminal) => {
    requireOptions(options, 'bootstrap-server', 'describe');
    const listed = (text: string): string[] => text.split(',').filter((entry) => entry !== '');
    const topics = new Set(listed(options.required('topic-list')));
    try {
      const cluster = connectAdmin(terminal, {
        bootstrapServers: options.required('bootstrap-server'),
        commandConfig: options.text('command-config'),
        clientId: 'log-dirs-tool',
      });
      const nodes = await wantedNodes(cluster, listed(options.required('broker-list')));
      terminal.out('Querying brokers for log directories information\n');
      const brokers = await Promise.all(nodes.map((node) => describeBroker(cluster, node, topics)));
      cluster.close();
      terminal.out(`Received log directory information from brokers ${nodes.map(({ id }) => id).join(',')}\n`);
      terminal.out(`${JSON.stringify({ brokers, version: 1 })}\n`);
      return 0;
    } catch (error) {
      if (error instanceof ApiError) throw new CommandError(String(error));
      throw error;
    }
  },
});

async function wantedNodes(cluster: ClusterClient, ids: readonly string[]): Promise<Node[]> {
  const wrong = ids.find((id) => !/^\d+$/.test(id));
  if (wrong !== undefined) throw new CommandError(`Not a broker id in --broker-list: '${wrong}'`);
  await cluster.metadata([], 'listNodes');
  const nodes = [...cluster.nodes].sort((a, b) => a.id - b.id);
  const missing = ids.filter((id) => !nodes.some((node) => node.id === Number(id)));
  if (missing.length > 0)
    throw new CommandError(
      `ERROR: The given brokers do not exist from --broker-list: ${missing.join(',')}. ` +
        `Current existent brokers: ${nodes.map(({ id }) => id).join(',')}`,
    );
  return ids.length === 0 ? nodes : nodes.filter(({ id }) => ids.includes(String(id)));
}

async function describeBroker(cluster: ClusterClient, node: Node, wanted: ReadonlySet<string>): Promise<object> {
  const { errorCode, results } = await cluster.sendRetrying(node, DescribeLogDirs, { topics: null }, 'describeLogDirs');
  if (errorCode !== Errors.NONE) throw ApiError.of(errorCode);
  const logDirs = results.map((directory) => ({
    partitions: directory.topics
      .filter(({ name }) => wanted.size === 0 || wanted.has(name))
      .flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, partitionSize, offsetLag, isFutureKey }) => ({
          partition: `${name}-${partitionIndex}`,
          size: partitionSize,
          offsetLag,
          isFuture: isFutureKey,
        })),
      ),
    error: directory.errorCode === Errors.NONE ? null : ApiError.of(directory.errorCode).className,
    logDir: directory.logDir,
  }));
  return { broker: node.id, logDirs };
}

/**
 * kafka-broker-api-versions: which versions of which APIs each broker speaks (Kafka's BrokerApiVersionsCommand). Also
 * what containers ask to learn whether a broker is healthy: exit code 1 at once when none can be reached, and after
 * five seconds when those that can be reached do not answer.
 */
import { ConnectionError } from '../net/broker-client.ts';
import { connectAdmin } from './admin-connection.ts';
import { ApiError } from '../client/api-error.ts';
import { EXPECTED_APIS, KNOWN_APIS } from './api-names.ts';
import type { ClusterClient, Node, VersionRange } from '../client/cluster-client.ts';
import { CommandError, defineCommand, requireOptions } from './command.ts';

/** As Kafka's tool, which is less patient than its others. */
const REQUEST_TIMEOUT_MS = 5000;
const POLL_MS = 50;

export const main = defineCommand({
  script: 'kafka-broker-api-versions.sh',
  summary: 'This tool helps to retrieve broker version information.',
  options: {
    'bootstrap-server': { argument: 'host:port', required: true, description: 'The server to connect to.' },
    'command-config': { argument: 'file', description: 'Properties for the connection to the server.' },
  },
  examples: [['Ask every broker', 'kafka-broker-api-versions.sh --bootstrap-server localhost:9092']],
  run: async (options, terminal) => {
    requireOptions(options, 'bootstrap-server');
    try {
      const cluster = connectAdmin(terminal, {
        bootstrapServers: options.required('bootstrap-server'),
        commandConfig: options.text('command-config'),
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
      });
      await awaitBrokers(cluster);
      for (const node of cluster.nodes) {
        try {
          terminal.out(`${nodeText(node)} -> ${versionsText(await cluster.versionsOf(node))}\n`);
        } catch (error) {
          if (!(error instanceof ConnectionError)) throw error;
          terminal.out(`${nodeText(node)} -> ERROR: org.apache.kafka.common.errors.DisconnectException\n`);
        }
      }
      cluster.close();
      return 0;
    } catch (error) {
      if (error instanceof ApiError) throw new CommandError(String(error));
      throw error;
    }
  },
});

/** A broker that has just started answers before it knows of any broker; one that does not answer is not waited for. */
async function awaitBrokers(cluster: ClusterClient): Promise<void> {
  const deadline = cluster.deadline();
  do {
    const response = await cluster.metadataAtOnce();
    if (response === null)
      throw new CommandError(
        `Request METADATA failed on brokers ${cluster.bootstrapNodes.map(nodeText).join(', ')}\n` +
          'No broker answers there: is one running, and is this its address?',
      );
    if (response.brokers.length > 0) return;
    await cluster.clock.sleep(POLL_MS);
  } while (cluster.clock.monotonicMs() < deadline);
  throw new CommandError('A broker answers, but knows no broker of the cluster yet, not even itself. Try again later.');
}

function nodeText({ host, port, id, rack }: Node): string {
  return `${host}:${port} (id: ${id} rack: ${rack})`;
}

export function versionsText(versions: ReadonlyMap<number, VersionRange>): string {
  const texts = new Map([...versions].map(([key, range]) => [key, apiText(key, range)]));
  for (const { key, name } of EXPECTED_APIS) if (!texts.has(key)) texts.set(key, `${name}(${key}): UNSUPPORTED`);
  const sorted = [...texts].sort(([a], [b]) => a - b).map(([, text]) => text);
  return `(\n\t${sorted.join(',\n\t')}\n)`;
}

function apiText(key: number, { min, max }: VersionRange): string {
  const range = min === max ? String(min) : `${min} to ${max}`;
  const known = KNOWN_APIS.get(key);
  if (known === undefined) return `UNKNOWN(${key}): ${range}`;
  const text = `${known.name}(${key}): ${range}`;
  if (known.latestVersion < min) return `${text} [unusable: node too new]`;
  if (max < known.oldestVersion) return `${text} [unusable: node too old]`;
  return `${text} [usable: ${Math.min(known.latestVersion, max)}]`;
}

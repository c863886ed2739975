/**
 * The REST Proxy of a broker with HTTP: a Kafka client of this very cluster, over loopback to the broker's own
 * listener, and what is built on it. Nothing is connected before it is asked for.
 */
import type { Broker } from './broker/broker.ts';
import { ClusterClient, type ClusterClientSettings } from './client/cluster-client.ts';
import { openConsumers } from './consumers-front.ts';
import { restV3Routes } from './http/rest-v3.ts';
import { restV3Produce } from './http/rest-v3-produce.ts';
import { BodyBudget } from './http/body-budget.ts';
import { MAX_PRODUCE_BYTES, restV2Produce } from './http/rest-v2-produce.ts';
import { restV2Topics } from './http/rest-v2-topics.ts';
import { type HttpServerOptions, newHttpApp } from './http/server.ts';
import type { Random } from './lib/random.ts';
import type { Endpoint } from './model/broker.ts';
import type { SocketServer } from './net/socket-server.ts';
import { RegistryError } from './registry/registry-errors.ts';
import type { RegistryFront } from './registry-front.ts';
import { RecordWriter } from './rest/record-writer.ts';
import { type AskRegistry, RegistrySchemas } from './rest/schema-lookup.ts';
import { TopicViews } from './rest/topic-views.ts';
import { StreamedRecords } from './rest/streamed-records.ts';
import { V3ClusterAdmin } from './rest/v3-cluster-admin.ts';
import { tailPlugin } from './tail-front.ts';

export interface RestFrontOptions {
  readonly broker: Broker;
  readonly sockets: SocketServer;
  readonly registry: RegistryFront;
  readonly random: Random;
}

/** What the plugins of the REST Proxy are made of. */
export interface RestParts {
  /** For metadata and administration. */
  readonly cluster: ClusterClient;
  readonly writer: RecordWriter;
  readonly schemas: RegistrySchemas;
}

export interface RestFront {
  readonly parts: RestParts;
  readonly plugins: HttpServerOptions['plugins'];
  /** Consumers commit and leave their groups: to be called while this broker is one of the cluster. */
  closeConsumers(): Promise<void>;
  /** To be called when no route runs any more. What is pending fails. */
  close(): Promise<void>;
}

/** Of all bodies with records in memory at the same time. */
const MAX_PRODUCING_BYTES = 4 * MAX_PRODUCE_BYTES;
const ALL_INTERFACES: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);
const REQUEST_TIMEOUT_MS = 15_000;
/** How long a client of HTTP waits at most for what the cluster has to say, retries included. */
const API_TIMEOUT_MS = 30_000;
/** For each of the few connections of a consumer instance, of which there may be many. */
const CONSUMER_BUFFER_BYTES = 16 * 1024;
/** The controller itself may take 30 s to see a change through: whoever asked again before that would be refused. */
const CHANGE_TIMEOUTS = { requestTimeoutMs: 40_000, apiTimeoutMs: 45_000 };

export function openRest(options: RestFrontOptions): RestFront {
  const { broker, random } = options;
  const { clock } = broker;
  const registry = registryDesk(options);
  const schemas = new RegistrySchemas(registry.ask, clock);
  const cluster = newClusterClient(options, 'AdminClient', 'rest-proxy');
  const changes = newClusterClient(options, 'AdminClient', 'rest-proxy-changes', CHANGE_TIMEOUTS);
  const writer = new RecordWriter({ cluster, clock, random });
  const consumers = openConsumers({
    broker,
    random,
    schemas,
    connect: (clientId) =>
      newClusterClient(options, 'Consumer', clientId, { receiveBufferBytes: CONSUMER_BUFFER_BYTES }),
  });
  const admin = new V3ClusterAdmin({ questions: cluster, changes });
  const logger = broker.logger.named('barnabas.rest.RestV3');
  const { clusterId } = broker;
  const budget = new BodyBudget(MAX_PRODUCING_BYTES, MAX_PRODUCE_BYTES);
  const records = new StreamedRecords({ clusterId, writer, schemas, clock });
  return {
    parts: { cluster, writer, schemas },
    plugins: [
      restV2Topics(new TopicViews(cluster)),
      restV2Produce({ writer, schemas, clock }, budget),
      consumers.plugin,
      tailPlugin(broker, () => newClusterClient(options, 'Consumer', 'rest-tail'), schemas),
      restV3Routes({ admin, clusterId, clock, logger }),
      restV3Produce({ records, budget, clusterId, clock, logger }),
    ],
    closeConsumers: () => consumers.close(),
    close: async () => {
      await consumers.close();
      writer.close();
      cluster.close();
      changes.close();
      await registry.close();
    },
  };
}

/**
 * A client of its own connections, for a purpose: metadata and administration share one; whoever fetches records needs
 * another, since what a broker sent stays valid only until the next request.
 * @param kind what stands in front of its log lines: `Producer`, `Consumer`, `AdminClient`
 */
export function newClusterClient(
  { broker, sockets }: RestFrontOptions,
  kind: string,
  clientId: string,
  settings: Partial<ClusterClientSettings> = {},
): ClusterClient {
  const logger = broker.logger.named('barnabas.rest.ClusterClient');
  return new ClusterClient({
    bootstrapServers: ownAddress(broker.config, sockets),
    clientId,
    kind,
    clock: broker.clock,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    apiTimeoutMs: API_TIMEOUT_MS,
    prefersBootstrap: true,
    warn: (message) => logger.debug(message),
    ...settings,
  });
}

/**
 * The routes of the registry without a socket before them; they know who leads and pass on what is not theirs. Made
 * when first asked.
 */
function registryDesk({ broker, registry, random }: RestFrontOptions): { ask: AskRegistry; close(): Promise<void> } {
  const logger = broker.logger.named('barnabas.rest.RegistrySchemas');
  let app: ReturnType<typeof newHttpApp> | null = null;
  return {
    ask: async (method, url, body) => {
      app ??= newHttpApp({ plugins: [registry.plugin], random, logger });
      const { statusCode, payload } = await app.inject({
        method,
        url,
        ...(body === undefined ? {} : { payload: body }),
      });
      const answer: unknown = JSON.parse(payload);
      if (statusCode < 400) return answer;
      const { error_code: code, message } = answer as { error_code: number; message: string };
      throw new RegistryError(code, message);
    },
    close: async () => app?.close(),
  };
}

/** host:port of the listener for brokers, as seen from this machine. */
function ownAddress(
  config: { readonly listeners: readonly Endpoint[]; readonly interBrokerListenerName: string },
  sockets: SocketServer,
): string {
  const name = config.interBrokerListenerName;
  const written = config.listeners.find(({ listenerName }) => listenerName === name)?.host ?? '';
  const host = ALL_INTERFACES.has(written) ? '127.0.0.1' : written;
  return `${host.includes(':') ? `[${host}]` : host}:${sockets.boundPort(name)}`;
}

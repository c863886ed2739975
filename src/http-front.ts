/**
 * The HTTP side of a broker: fits the rooms to what the routes ask for, and opens it. Loaded only when http.listeners
 * is set.
 */
import manifest from '../package.json' with { type: 'json' };
import type { Broker } from './broker/broker.ts';
import type { RequestCounters } from './broker/request-counters.ts';
import type { BrokerConfig } from './config/broker-config.ts';
import { ClusterSurvey } from './cluster-survey.ts';
import { apiDocument } from './http/api-document.ts';
import { type BrokerHealth, healthRoutes } from './http/health.ts';
import { metricsRoute } from './http/metrics.ts';
import { HttpServer } from './http/server.ts';
import type { Disk } from './lib/disk.ts';
import type { Random } from './lib/random.ts';
import type { Links } from './links.ts';
import { type Endpoint, HTTP_LISTENER_NAME } from './model/broker.ts';
import { openRegistry } from './registry-front.ts';
import { openRest } from './rest-front.ts';
import type { Membership } from './membership.ts';
import { BrokerMetrics } from './metrics/broker-metrics.ts';
import { clusterFamilies } from './metrics/cluster-families.ts';
import { expose } from './metrics/exposition.ts';
import type { MetricSources } from './metrics/sources.ts';
import type { SocketServer } from './net/socket-server.ts';
import type { ZooKeeper } from './zk/zookeeper.ts';

const ALL_INTERFACES: ReadonlySet<string> = new Set(['', '0.0.0.0', '::']);

export interface HttpFrontOptions {
  readonly broker: Broker;
  readonly membership: Membership;
  readonly links: Links;
  readonly sockets: SocketServer;
  readonly requests: RequestCounters;
  readonly zk: ZooKeeper;
  readonly disk: Disk;
  readonly random: Random;
}

export interface HttpFront {
  /** Where other brokers find it. */
  readonly endpoint: Endpoint;
  /** To be called first, while this broker is one of the cluster: consumers that live here leave their groups. */
  closeConsumers(): Promise<void>;
  close(): Promise<void>;
}

/** To be called before the replicas begin. */
export async function openHttp(options: HttpFrontOptions): Promise<HttpFront> {
  const { broker, random } = options;
  const { config, clock } = broker;
  const logger = broker.logger.named('barnabas.http.HttpServer');
  const metrics = new BrokerMetrics(sourcesOf(options), config.metricsDialects, clock);
  const survey = new ClusterSurvey(broker, options.links);
  async function* clusterScrape(): AsyncGenerator<string, void, undefined> {
    yield* expose(clusterFamilies(await survey.snapshot()), clock);
  }
  const registry = openRegistry(broker, manifest.version);
  const rest = openRest({ broker, sockets: options.sockets, registry, random });
  const server = await HttpServer.start({
    listeners: config.httpListeners,
    plugins: [
      healthRoutes(() => healthOf(options)),
      metricsRoute('/metrics', 'Metrics of this broker, for Prometheus', () => metrics.scrape(), logger),
      metricsRoute('/metrics/exporter', 'Metrics of the whole cluster, for Prometheus', clusterScrape, logger),
      registry.plugin,
      ...rest.plugins,
    ],
    crossOrigin: {
      origins: config.accessControlAllowOrigin,
      methods: config.accessControlAllowMethods,
      headers: config.accessControlAllowHeaders,
    },
    documentation: (routes) => apiDocument(routes, manifest.version),
    random,
    logger,
  });
  return {
    endpoint: endpointOf(config, server.ports[0] ?? -1),
    closeConsumers: () => rest.closeConsumers(),
    close: async () => {
      await server.close();
      await rest.close();
      await registry.close();
      survey.close();
    },
  };
}

/** The host of the first address or, when that is all interfaces, the one at which brokers find this broker anyway. */
function endpointOf(
  { httpListeners, advertisedListeners, interBrokerListenerName }: BrokerConfig,
  port: number,
): Endpoint {
  const written = httpListeners[0]?.host ?? '';
  const advertised = advertisedListeners.find(({ listenerName }) => listenerName === interBrokerListenerName);
  const host = ALL_INTERFACES.has(written) ? (advertised?.host ?? 'localhost') : written;
  return { listenerName: HTTP_LISTENER_NAME, securityProtocol: 'PLAINTEXT', host, port };
}

function healthOf({ broker, membership }: HttpFrontOptions): BrokerHealth {
  return {
    brokerId: broker.brokerId,
    isRegistered: membership.isRegistered,
    isLeaving: membership.isLeaving,
    controllerId: broker.controller.activeControllerId(),
    offlineReplicaCount: broker.replicas.offlineCount,
    offlineDirectories: broker.logs.offlineDirectories,
  };
}

function sourcesOf({ broker, membership, sockets, requests, zk, disk }: HttpFrontOptions): MetricSources {
  const { brokerId, clusterId, clock, replicas, logs, controller, groups, fetchSessions } = broker;
  return {
    brokerId,
    clusterId,
    version: manifest.version,
    nowMs: () => clock.monotonicMs(),
    brokerState: () => (membership.isLeaving ? 'leaving' : membership.isRegistered ? 'running' : 'starting'),
    topics: replicas.counters.topics,
    replicas,
    logs,
    requests,
    sockets,
    controller,
    groups,
    fetchSessions,
    zookeeper: zk,
    procFile: (path) => procFile(disk, path),
  };
}

/** Null where the system has no such file, or does not show it to us. */
function procFile(disk: Disk, path: string): string | null {
  try {
    return disk.readFile(path).toString();
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) return null;
    throw error;
  }
}

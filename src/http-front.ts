/**
 * The HTTP side of a broker: fits the rooms to what the routes ask for, and opens it. Loaded only when http.listeners
 * is set.
 */
import type { Broker } from './broker/broker.ts';
import { type BrokerHealth, healthRoutes } from './http/health.ts';
import { HttpServer } from './http/server.ts';
import type { Random } from './lib/random.ts';
import type { Membership } from './membership.ts';

export interface HttpFrontOptions {
  readonly broker: Broker;
  readonly membership: Membership;
  readonly random: Random;
}

export async function openHttp({ broker, membership, random }: HttpFrontOptions): Promise<HttpServer> {
  const healthOf = (): BrokerHealth => ({
    brokerId: broker.brokerId,
    isRegistered: membership.isRegistered,
    isLeaving: membership.isLeaving,
    controllerId: broker.controller.activeControllerId(),
    offlineReplicaCount: broker.replicas.offlineCount,
    offlineDirectories: broker.logs.offlineDirectories,
  });
  return HttpServer.start({
    listeners: broker.config.httpListeners,
    plugins: [healthRoutes(healthOf)],
    random,
    logger: broker.logger.named('barnabas.http.HttpServer'),
  });
}

/**
 * `/health/live` and `/health/ready`, for orchestrators and load balancers. Live: the process answers. Ready: clients
 * may be sent here; 503 with the reasons when they had better not be.
 */
import type { FastifyPluginAsync } from 'fastify';

/** What readiness is judged by, as it is at the moment of the question. */
export interface BrokerHealth {
  readonly brokerId: number;
  /** Registered in ZooKeeper, in a session that the ensemble cannot have given up. */
  readonly isRegistered: boolean;
  /** It is on its way out: leaderships are moved away. */
  readonly isLeaving: boolean;
  /** -1 when nobody is known to be the controller. */
  readonly controllerId: number;
  readonly offlineReplicaCount: number;
  readonly offlineDirectories: readonly string[];
}

/** Why clients had better not be sent to the broker, by the name of the check; empty when they may. */
export function obstacles(health: BrokerHealth): { check: string; reason: string }[] {
  const { offlineReplicaCount, offlineDirectories } = health;
  const found: { check: string; reason: string }[] = [];
  if (health.isLeaving) found.push({ check: 'running', reason: 'The broker is shutting down' });
  if (!health.isRegistered)
    found.push({ check: 'registration', reason: 'The broker is not registered in a live ZooKeeper session' });
  if (health.controllerId < 0) found.push({ check: 'controller', reason: 'No controller is known' });
  if (offlineDirectories.length > 0)
    found.push({ check: 'log.dirs', reason: `Out of service: ${offlineDirectories.join(', ')}` });
  if (offlineReplicaCount > 0)
    found.push({ check: 'replicas', reason: `${offlineReplicaCount} replicas of this broker are offline` });
  return found;
}

export function healthRoutes(healthOf: () => BrokerHealth): FastifyPluginAsync {
  return async (app) => {
    app.get('/health/live', async () => ({ status: 'live', broker_id: healthOf().brokerId }));
    app.get('/health/ready', async (_request, reply) => {
      const health = healthOf();
      const reasons = obstacles(health);
      reply.header('cache-control', 'no-store');
      if (reasons.length > 0) reply.code(503);
      const status = reasons.length === 0 ? 'ready' : 'not ready';
      return { status, broker_id: health.brokerId, controller_id: health.controllerId, reasons };
    });
  };
}

/**
 * `/health/live` and `/health/ready`, for orchestrators and load balancers. Live: the process answers. Ready: clients
 * may be sent here; 503 with the reasons when they had better not be.
 */
import type { FastifyPluginAsync } from 'fastify';
import { describer, INT32, listOf, oneOf, STRING, shape } from './api-description.ts';

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

const describe = describer('Health and metrics');
const LIVE = describe('Whether the process answers', { answer: shape({ status: oneOf('live'), broker_id: INT32 }) });
const READINESS = shape({
  status: oneOf('ready', 'not ready'),
  broker_id: INT32,
  controller_id: { ...INT32, description: '-1 when none is known' },
  reasons: listOf(shape({ check: STRING, reason: STRING })),
});
const READY = describe('Whether clients may be sent to this broker', {
  answers: { 200: READINESS, 503: { ...READINESS, description: 'They had better not be, for these reasons' } },
});

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
    app.get('/health/live', { schema: LIVE }, async () => ({ status: 'live', broker_id: healthOf().brokerId }));
    app.get('/health/ready', { schema: READY }, async (_request, reply) => {
      const health = healthOf();
      const reasons = obstacles(health);
      reply.header('cache-control', 'no-store');
      if (reasons.length > 0) reply.code(503);
      const status = reasons.length === 0 ? 'ready' : 'not ready';
      return { status, broker_id: health.brokerId, controller_id: health.controllerId, reasons };
    });
  };
}

/** When a broker is ready, and what it says when it is not. */
import { expect, test } from 'vitest';
import { type BrokerHealth, healthRoutes } from '../../../src/http/health.ts';
import { newHttpApp } from '../../../src/http/server.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { SystemRandom } from '../../../src/lib/random.ts';

const WELL: BrokerHealth = {
  brokerId: 2,
  isRegistered: true,
  isLeaving: false,
  controllerId: 1,
  offlineReplicaCount: 0,
  offlineDirectories: [],
};

async function ask(health: Partial<BrokerHealth>, url: string) {
  const plugins = [healthRoutes(() => ({ ...WELL, ...health }))];
  return newHttpApp({ plugins, random: new SystemRandom(), logger: silentLogger }).inject(url);
}

test('a broker in good order is ready', async () => {
  const response = await ask({}, '/health/ready');
  expect(response.statusCode).toBe(200);
  expect(response.json()).toEqual({ status: 'ready', broker_id: 2, controller_id: 1, reasons: [] });
});

test.each([
  ['is shutting down', { isLeaving: true }, 'running'],
  ['has lost its session', { isRegistered: false }, 'registration'],
  ['knows no controller', { controllerId: -1 }, 'controller'],
  ['has lost a directory', { offlineDirectories: ['/data/a'] }, 'log.dirs'],
  ['has a replica that is offline', { offlineReplicaCount: 1 }, 'replicas'],
])('a broker that %s is live, not ready, and says why', async (_what, health, check) => {
  const response = await ask(health, '/health/ready');
  expect(response.statusCode).toBe(503);
  expect(response.json()).toMatchObject({ status: 'not ready', reasons: [{ check }] });
  expect((await ask(health, '/health/live')).statusCode).toBe(200);
});

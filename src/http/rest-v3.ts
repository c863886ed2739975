/**
 * The REST Proxy's API v3 but for records: clusters, brokers, topics, partitions, configurations and groups, as
 * Confluent's kafka-rest has them, for this one cluster.
 */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { Turnstile } from '../rest/turnstile.ts';
import type { V3Admin } from '../rest/v3-admin.ts';
import { readBody } from '../rest/v3-bodies.ts';
import { aclRoutes } from './rest-v3-acls.ts';
import { V3Routes } from './rest-v3-call.ts';
import { clusterRoutes } from './rest-v3-cluster.ts';
import { configRoutes } from './rest-v3-configs.ts';
import { groupRoutes } from './rest-v3-groups.ts';
import { partitionRoutes } from './rest-v3-partitions.ts';
import { topicRoutes } from './rest-v3-topics.ts';

export interface RestV3Options {
  readonly admin: V3Admin;
  readonly clusterId: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Lists of all topics or groups at once: of ten thousand topics each has some ten megabytes in memory. */
const LISTS = { atOnce: 8, waiting: 200, refusal: 'Too many lists are asked for at once' };

export function restV3Routes({ admin, clusterId, clock, logger }: RestV3Options): FastifyPluginAsync {
  const turnstile = new Turnstile(LISTS);
  return async (app) => {
    readBodies(app);
    const routes = new V3Routes(app, { clusterId, clock, logger, turnstile });
    clusterRoutes(routes, admin);
    topicRoutes(routes, admin);
    partitionRoutes(routes, admin);
    configRoutes(routes, admin);
    groupRoutes(routes, admin);
    aclRoutes(routes);
  };
}

/** JSON and nothing else; an empty body is none. */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, readBody(String(body)));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** The API v3 over a cluster of fields, asked without a socket; and what its answers are made of. */
import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';
import { restV3Routes } from '../../src/http/rest-v3.ts';
import { newHttpApp } from '../../src/http/server.ts';
import { type Clock, SystemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { SystemRandom } from '../../src/lib/random.ts';
import { FakeV3Admin } from './fake-v3-admin.ts';

export const BASE = 'http://localhost:80/v3/clusters/cluster-1';
export const crn = (path: string): string => `crn:///kafka=cluster-1${path}`;
export const related = (path: string): { related: string } => ({ related: BASE + path });
export const NOT_HOSTED = 'This server does not host this topic-partition.';

export interface Answer {
  readonly status: number;
  /** Null when there is none. */
  readonly body: unknown;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export function refused(code: number, message: string): Answer {
  return { status: code >= 1000 ? Math.floor(code / 100) : code, body: { error_code: code, message } };
}

export const BARE_404: Answer = refused(404, 'HTTP 404 Not Found');

export class V3Desk {
  readonly admin = new FakeV3Admin();
  readonly app: FastifyInstance;

  constructor(clock: Clock = new SystemClock()) {
    const routes = restV3Routes({ admin: this.admin, clusterId: 'cluster-1', clock, logger: silentLogger });
    this.app = newHttpApp({ plugins: [routes], random: new SystemRandom(), logger: silentLogger });
  }

  /** @param path below the cluster's own */
  async ask(method: Method, path: string, body?: unknown): Promise<Answer> {
    const { statusCode, payload } = await this.app.inject({
      method,
      url: `/v3/clusters/cluster-1${path}`,
      ...(body === undefined
        ? {}
        : {
            headers: { 'content-type': 'application/json' },
            payload: typeof body === 'string' ? body : JSON.stringify(body),
          }),
    });
    return { status: statusCode, body: payload === '' ? null : JSON.parse(payload) };
  }

  /** The answer of a question that is not refused. */
  async get(path: string): Promise<unknown> {
    const { status, body } = await this.ask('GET', path);
    expect(status, JSON.stringify(body)).toBe(200);
    return body;
  }

  close(): Promise<void> {
    return this.app.close();
  }
}

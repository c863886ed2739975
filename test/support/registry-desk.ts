/** A Schema Registry over a partition in memory, asked over HTTP without a socket. */
import type { FastifyInstance } from 'fastify';
import { newHttpApp } from '../../src/http/server.ts';
import { type ForwardedRequest, schemaRegistryRoutes } from '../../src/http/schema-registry.ts';
import { SystemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { SystemRandom } from '../../src/lib/random.ts';
import { RegistryError } from '../../src/registry/registry-errors.ts';
import { SchemaRegistry, type SchemaRegistryOptions } from '../../src/registry/schema-registry.ts';
import { MemoryPartition } from './memory-partition.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class RegistryDesk {
  readonly partition: MemoryPartition;
  readonly registry: SchemaRegistry;
  readonly app: FastifyInstance;
  readonly forwarded: ForwardedRequest[] = [];

  constructor(partition: MemoryPartition = new MemoryPartition(), options: Partial<SchemaRegistryOptions> = {}) {
    partition.isAlone = true;
    this.partition = partition;
    this.registry = new SchemaRegistry({
      clock: new SystemClock(),
      logger: silentLogger,
      maxSchemaBytes: 100_000,
      timeoutMs: 5000,
      ...options,
    });
    const routes = schemaRegistryRoutes({
      registry: this.registry,
      forward: async (request) => {
        this.forwarded.push(request);
        return { status: 200, body: '"the leader"' };
      },
      clusterId: 'cluster-1',
      version: '1.2.3',
    });
    this.app = newHttpApp({ plugins: [routes], random: new SystemRandom(), logger: silentLogger });
  }

  /** This broker leads the partition. */
  static leading(partition?: MemoryPartition, options: Partial<SchemaRegistryOptions> = {}): RegistryDesk {
    const desk = new RegistryDesk(partition, options);
    desk.registry.onElected(desk.partition);
    return desk;
  }

  async ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown): Promise<Answer> {
    const { statusCode, payload } = await this.app.inject({
      method,
      url,
      ...(body === undefined
        ? {}
        : {
            headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
            payload: typeof body === 'string' ? body : JSON.stringify(body),
          }),
    });
    return { status: statusCode, body: JSON.parse(payload) };
  }

  /** The answer of a request that is not refused. */
  async get(url: string): Promise<unknown> {
    return this.#told(await this.ask('GET', url));
  }

  /** The id. */
  async register(subject: string, schema: unknown, more: object = {}, query = ''): Promise<number> {
    const sent = { schema: JSON.stringify(schema), ...more };
    const told = this.#told(await this.ask('POST', `/subjects/${encodeURIComponent(subject)}/versions${query}`, sent));
    return (told as { id: number }).id;
  }

  /** The code of the refusal. */
  async refusal(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: unknown,
  ): Promise<[number, number, string]> {
    const { status, body: told } = await this.ask(method, url, body);
    const { error_code, message } = told as { error_code: number; message: string };
    return [status, error_code, message];
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.registry.close();
  }

  #told({ status, body }: Answer): unknown {
    if (status !== 200) throw new RegistryError(status, JSON.stringify(body));
    return body;
  }
}

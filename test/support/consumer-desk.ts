/** Consumer instances behind HTTP without a cluster: one topic in memory, one group, and requests by inject. */
import type { FastifyInstance } from 'fastify';
import { ClusterClient } from '../../src/client/cluster-client.ts';
import { restV2Consumers } from '../../src/http/rest-v2-consumers.ts';
import { newHttpApp } from '../../src/http/server.ts';
import { type Clock, SystemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { SystemRandom } from '../../src/lib/random.ts';
import { buildBatch } from '../../src/protocol/records/build.ts';
import { ConsumerInstances, type InstanceLimits } from '../../src/rest/consumer-instances.ts';
import type { SchemaLookup } from '../../src/rest/schema-lookup.ts';
import { MemoryGroup } from './memory-group.ts';
import { MemoryTopic } from './memory-topic.ts';

export interface DeskAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: unknown;
}

const V2 = 'application/vnd.kafka.v2+json';
const JSON_RECORDS = 'application/vnd.kafka.json.v2+json';

export class ConsumerDesk {
  readonly topic: MemoryTopic;
  readonly group: MemoryGroup;
  readonly instances: ConsumerInstances;
  readonly app: FastifyInstance;

  private constructor(topic: MemoryTopic, limits: Partial<InstanceLimits>, clock: Clock, schemas: SchemaLookup) {
    const [first, second] = topic.brokers;
    if (first === undefined || second === undefined) throw new Error('two brokers are needed');
    this.topic = topic;
    this.group = new MemoryGroup(first);
    new MemoryGroup(second);
    const connect = (clientId: string): ClusterClient =>
      new ClusterClient({
        bootstrapServers: topic.bootstrap,
        clientId,
        kind: 'Consumer',
        clock,
        requestTimeoutMs: 5000,
        apiTimeoutMs: 5000,
        warn: () => undefined,
      });
    const random = new SystemRandom();
    const logger = silentLogger;
    this.instances = new ConsumerInstances({ brokerId: 1, clock, random, logger, connect, schemas, limits });
    const plugins = [restV2Consumers({ instances: this.instances, logger })];
    this.app = newHttpApp({ plugins, random, logger });
  }

  static async open(
    limits: Partial<InstanceLimits> = {},
    clock: Clock = new SystemClock(),
    schemas = {} as SchemaLookup,
  ): Promise<ConsumerDesk> {
    return new ConsumerDesk(await MemoryTopic.start('t', 2, 2), limits, clock, schemas);
  }

  async close(): Promise<void> {
    await this.instances.close();
    await this.app.close();
    await this.topic.close();
  }

  append(partition: number, ...texts: string[]): void {
    const records = texts.map((text) => ({ key: null, value: Buffer.from(text), timestampMs: 5 }));
    this.topic.append(partition, buildBatch({ records }));
  }

  async ask(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, accept = V2): Promise<DeskAnswer> {
    const response = await this.app.inject({
      method,
      url: path,
      headers: { accept, ...(body === undefined ? {} : { 'content-type': V2 }) },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    const text = response.body;
    return {
      status: response.statusCode,
      type: response.headers['content-type'],
      body: text === '' ? null : JSON.parse(text),
    };
  }

  /** Makes `/consumers/g/instances/<name>`, which reads JSON from the beginning and does not wait for more. */
  async create(name: string, settings: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const body = { name, format: 'json', 'auto.offset.reset': 'earliest', 'fetch.min.bytes': 0, ...settings };
    const { status } = await this.ask('POST', '/consumers/g', body);
    if (status !== 200) throw new Error(`${name} was not made: ${status}`);
    return `/consumers/g/instances/${name}`;
  }

  /** Partition and offset of what is read; throws what is refused. */
  async records(instance: string, query = ''): Promise<string[]> {
    const { status, body } = await this.ask('GET', `${instance}/records${query}`, undefined, JSON_RECORDS);
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return (body as { partition: number; offset: number }[]).map(({ partition, offset }) => `${partition}:${offset}`);
  }
}

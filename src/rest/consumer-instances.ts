/**
 * The consumer instances that live in this broker, by their group and name (kafka-rest's KafkaConsumerManager).
 *
 * Guarantees: no two of a name in a group; their number is bounded; one that nobody asks for anything is closed after
 * its time. After close() there are none, and none come into being.
 */
import { type Clock, withTimeout } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { ClusterClient } from '../client/cluster-client.ts';
import { RepeatingTask } from '../client/repeating-task.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import { ConsumerInstance } from './consumer-instance.ts';
import { ReadBudget } from './read-budget.ts';
import { instanceExists, instanceNotFound, RestError, tooManyRequests } from './rest-errors.ts';
import type { SchemaLookup } from './schema-lookup.ts';

export interface ConsumerInstancesOptions {
  readonly brokerId: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Connections to this cluster for one instance. */
  readonly connect: (clientId: string) => ClusterClient;
  readonly schemas: SchemaLookup;
  /** For tests: other limits than the usual. */
  readonly limits?: Partial<InstanceLimits>;
}

export interface InstanceLimits {
  /** Of instances. */
  readonly count: number;
  /** After which an instance that is not used is closed (consumer.instance.timeout.ms). */
  readonly timeoutMs: number;
  /** After which it lets go of what was fetched for it. */
  readonly restMs: number;
  /** Of all answers that are being put together or are on their way. */
  readonly answerCharacters: number;
}

const DEFAULT_LIMITS: InstanceLimits = {
  count: 500,
  timeoutMs: 300_000,
  restMs: 10_000,
  answerCharacters: 128 * 1024 * 1024,
};
const CHECK_INTERVAL_MS = 1000;
/** The last commits and the farewells take seconds where nobody answers. */
const CLOSE_TIMEOUT_MS = 8000;

export class ConsumerInstances {
  readonly #options: ConsumerInstancesOptions;
  readonly #limits: InstanceLimits;
  readonly #budget: ReadBudget;
  /** By idOf. */
  readonly #instances = new Map<string, ConsumerInstance>();
  /** Of those that are not listed any more, and on their way out of their groups. */
  readonly #closing = new Set<Promise<void>>();
  readonly #sweeping: RepeatingTask;
  #isClosed = false;

  constructor(options: ConsumerInstancesOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#budget = new ReadBudget(this.#limits.answerCharacters);
    const intervalMs = Math.min(CHECK_INTERVAL_MS, this.#limits.timeoutMs / 4);
    const sweep = async (): Promise<number> => {
      this.#sweep();
      return intervalMs;
    };
    this.#sweeping = new RepeatingTask(options.clock, intervalMs, sweep, (error) =>
      options.logger.error('Looking for idle consumer instances failed', error),
    );
  }

  get count(): number {
    return this.#instances.size;
  }

  /** Returns its name. @throws RestError 40902 for a name that is taken, 42901 for one too many, 503 at the end */
  create(groupId: string, config: ConsumerConfig): string {
    if (this.#isClosed) throw new RestError(503, 'This broker is shutting down');
    const name = config.name ?? this.#newName();
    const id = idOf(groupId, name);
    if (this.#instances.has(id)) throw instanceExists();
    if (this.#instances.size + this.#closing.size >= this.#limits.count)
      throw tooManyRequests(`This broker has ${this.#limits.count} consumer instances already`);
    const { clock, logger, connect, schemas } = this.#options;
    const budget = this.#budget;
    this.#instances.set(id, new ConsumerInstance({ groupId, name, config, clock, logger, connect, schemas, budget }));
    return name;
  }

  #newName(): string {
    const { brokerId, random } = this.#options;
    const uuid = random
      .bytes(16)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    return `rest-consumer-${brokerId}-${uuid}`;
  }

  /** It counts as used. @throws RestError 40403 */
  get(groupId: string, name: string): ConsumerInstance {
    const instance = this.#instances.get(idOf(groupId, name));
    if (instance === undefined) throw instanceNotFound();
    instance.touch();
    return instance;
  }

  /** Resolves when it has left its group. @throws RestError 40403 */
  async delete(groupId: string, name: string): Promise<void> {
    const id = idOf(groupId, name);
    const instance = this.#instances.get(id);
    if (instance === undefined) throw instanceNotFound();
    await this.#close(id, instance);
  }

  #close(id: string, instance: ConsumerInstance): Promise<void> {
    this.#instances.delete(id);
    const closing = instance.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    return closing;
  }

  #sweep(): void {
    const { timeoutMs, restMs } = this.#limits;
    for (const [id, instance] of this.#instances) {
      if (instance.idleMs >= restMs) instance.rest();
      if (instance.idleMs < timeoutMs) continue;
      this.#options.logger.info(`Consumer instance ${id} has not been used for ${timeoutMs} ms and is removed`);
      this.#closeInBackground(id, instance);
    }
  }

  #closeInBackground(id: string, instance: ConsumerInstance): void {
    this.#close(id, instance).catch((error: unknown) =>
      this.#options.logger.error(`Closing consumer instance ${id} failed`, error),
    );
  }

  /** Resolves when all have left their groups, or too much time has passed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sweeping.stop();
    for (const [id, instance] of this.#instances) this.#closeInBackground(id, instance);
    const { clock, logger } = this.#options;
    const closed = Promise.allSettled(this.#closing);
    await withTimeout(clock, CLOSE_TIMEOUT_MS, closed, () => new CloseTimeout()).catch((error: unknown) => {
      if (!(error instanceof CloseTimeout)) throw error;
      logger.warn(`${this.#closing.size} consumer instances have not left their groups in time`);
    });
  }
}

class CloseTimeout extends Error {
  override readonly name = 'CloseTimeout';
}

function idOf(groupId: string, name: string): string {
  return JSON.stringify([groupId, name]);
}

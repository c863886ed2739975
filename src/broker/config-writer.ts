/**
 * Changes of stored overrides, one after the other: read, decide, write if nobody else wrote since; else decide anew
 * from what is there then. Nobody's change is lost to somebody else's, whichever brokers they were asked of.
 */
import { type Clock, withTimeout } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { SerialQueue } from '../lib/serial-queue.ts';
import { KafkaError } from '../protocol/errors.ts';

export type ConfiguredKind = 'topics' | 'brokers';

export interface StoredConfig {
  readonly config: ReadonlyMap<string, string>;
  /** Why `config` is empty although something is stored; null if that makes sense. */
  readonly problem: string | null;
  readonly version: number | null;
}

/** Where overrides are kept. What rejects with another error than a KafkaError could not be reached. */
export interface ConfigStore {
  read(kind: ConfiguredKind, name: string): Promise<StoredConfig>;
  /**
   * Replaces what has that version, and tells every broker. `stale`: it has another one by now, or nobody knows;
   * `gone`: there is no such topic.
   */
  replace(
    kind: ConfiguredKind,
    name: string,
    config: ReadonlyMap<string, string>,
    version: number | null,
  ): Promise<'written' | 'stale' | 'gone'>;
}

export interface ConfigWriterOptions {
  readonly store: ConfigStore;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** So often in a row others may be quicker. */
const MAX_ATTEMPTS = 20;
/** More changes than that do not wait for each other. */
const MAX_WAITING = 1000;

export class ConfigWriter {
  readonly #options: ConfigWriterOptions;
  /** One conditional write at a time: whether one with a lost reply happened is told by what it left. */
  readonly #queue = new SerialQueue();

  constructor(options: ConfigWriterOptions) {
    this.#options = options;
  }

  /**
   * @param decide the overrides as they are to be, or null to leave them; called again when somebody else was quicker
   * @throws what `decide` throws; KafkaError REQUEST_TIMED_OUT, after which the change may or may not be made
   */
  async change(
    kind: ConfiguredKind,
    name: string,
    decide: (stored: StoredConfig) => ReadonlyMap<string, string> | null,
  ): Promise<'done' | 'gone'> {
    const { clock, requestTimeoutMs } = this.#options;
    const timedOut = new KafkaError(
      'REQUEST_TIMED_OUT',
      `The configuration of ${kind}/${name} was not changed in time.`,
    );
    if (this.#queue.length >= MAX_WAITING) throw timedOut;
    const deadline = clock.monotonicMs() + requestTimeoutMs;
    // Who was told that it took too long may have changed his mind: nothing is begun after that.
    const inTime: typeof decide = (stored) => {
      if (clock.monotonicMs() >= deadline) throw timedOut;
      return decide(stored);
    };
    const work = this.#queue.run(() => {
      if (clock.monotonicMs() >= deadline) throw timedOut;
      return this.#change(kind, name, inTime);
    });
    try {
      return await withTimeout(clock, requestTimeoutMs, work, () => timedOut);
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      this.#options.logger.warn(`The configuration of ${kind}/${name} could not be changed`, error);
      throw timedOut;
    }
  }

  async #change(
    kind: ConfiguredKind,
    name: string,
    decide: (stored: StoredConfig) => ReadonlyMap<string, string> | null,
  ): Promise<'done' | 'gone'> {
    const { store } = this.#options;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const stored = await store.read(kind, name);
      const wanted = decide(stored);
      if (wanted === null) return 'done';
      const result = await store.replace(kind, name, wanted, stored.version);
      if (result !== 'stale') return result === 'written' ? 'done' : 'gone';
    }
    throw new KafkaError('REQUEST_TIMED_OUT', `The configuration of ${kind}/${name} keeps changing.`);
  }
}

/**
 * The broker's configuration while it runs: what it was started with, and what is stored for it and for all brokers.
 *
 * `config` is one object for the life of the process. Its fields change in place, all in the same tick, when overrides
 * change: who reads a field when it is needed has the value that counts. Who has made something of a value earlier
 * registers with `onChange`.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import { ConfigError } from '../config/config-error.ts';
import { type DynamicLevel, usableOverrides, withOverrides } from '../config/dynamic-config.ts';
import type { Logger } from '../lib/logger.ts';

/** Called with the configuration as it was; it must not throw. */
export type ConfigListener = (before: BrokerConfig) => void;

export class LiveConfig {
  readonly config: BrokerConfig;
  readonly #logger: Logger;
  readonly #listeners = new Set<ConfigListener>();

  constructor(startedWith: BrokerConfig, logger: Logger) {
    this.config = { ...startedWith };
    this.#logger = logger;
  }

  /** A broker without a number of its own has got one. */
  takeBrokerId(brokerId: number): void {
    Object.assign(this.config, { brokerId });
  }

  onChange(listener: ConfigListener): void {
    this.#listeners.add(listener);
  }

  /**
   * Overrides were read again. What is of no use here is passed over; if they make no possible configuration, all stays
   * as it is. Both are said in the log.
   */
  accept(level: DynamicLevel, stored: ReadonlyMap<string, string>): void {
    const overrides = usableOverrides(stored);
    if (isSame(overrides, this.config.dynamic[level])) return;
    const where = level === 'broker' ? `brokers/${this.config.brokerId}` : 'brokers/<default>';
    const ignored = [...stored.keys()].filter((name) => !overrides.has(name));
    if (ignored.length > 0) this.#logger.error(`Overrides of ${where} that cannot be used here: ${ignored.join(', ')}`);
    const before = { ...this.config };
    try {
      Object.assign(this.config, withOverrides(before, { ...before.dynamic, [level]: overrides }));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#logger.error(`The overrides of ${where} could not be applied`, error);
      return;
    }
    const texts = [...overrides].map(([name, value]) => `${name}=${value}`).join(', ');
    this.#logger.info(`Processing override for entityPath: ${where} with config: {${texts}}`);
    for (const listener of this.#listeners) listener(before);
  }
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);
}

/**
 * The broker's configuration while it runs: what it was started with, and what is stored for it and for all brokers.
 *
 * `config` is one object for the life of the process. Its fields change in place, all in the same tick, when overrides
 * change: who reads a field when it is needed has the value that counts. Who has made something of a value earlier
 * registers with `onChange`.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import { type DynamicLevel, effectiveConfig } from '../config/dynamic-config.ts';
import type { Logger } from '../lib/logger.ts';

/** Called with the configuration as it was; it must not throw. */
export type ConfigListener = (before: BrokerConfig) => void;

const LEVELS = ['broker', 'cluster'] as const;

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

  /** Overrides were read again. What is of no use here, or makes no possible configuration, is said in the log. */
  accept(level: DynamicLevel, stored: ReadonlyMap<string, string>): void {
    if (isSame(stored, this.config.stored[level])) return;
    const where = level === 'broker' ? `brokers/${this.config.brokerId}` : 'brokers/<default>';
    const before = { ...this.config };
    const { config, problem } = effectiveConfig(before, { ...before.stored, [level]: stored });
    Object.assign(this.config, { stored: config.stored });
    if (problem !== null)
      this.#logger.error(`Overrides of brokers do not go together: ${problem.problems[0]?.message}`);
    const overrides = config.dynamic[level];
    const ignored = [...stored.keys()].filter((name) => !overrides.has(name));
    if (ignored.length > 0) this.#logger.error(`Overrides of ${where} that cannot be used here: ${ignored.join(', ')}`);
    // A change of one level may also let in what did not go together at the other.
    if (LEVELS.every((each) => isSame(config.dynamic[each], before.dynamic[each]))) return;
    Object.assign(this.config, config);
    const texts = [...overrides].map(([name, value]) => `${name}=${value}`).join(', ');
    this.#logger.info(`Processing override for entityPath: ${where} with config: {${texts}}`);
    for (const listener of this.#listeners) listener(before);
  }
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);
}

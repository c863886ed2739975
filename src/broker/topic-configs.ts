/**
 * The overrides of topics as this broker knows them, and the effective configuration made from them.
 *
 * What is stored is read through a port when a topic first matters here (`load`), and again on every change
 * notification (`refresh`); logs are told through `onChange`. Reads of one topic may overlap; the one begun last
 * counts, so a slow read never brings back what a notification has already replaced.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import { type TopicConfig, topicConfigFrom, topicConfigOver } from '../config/topic-config.ts';
import type { Logger } from '../lib/logger.ts';
import { KafkaError } from '../protocol/errors.ts';

export interface TopicConfigsOptions {
  /** The broker's own configuration: the defaults of every topic. When it has changed, call `refreshDefaults`. */
  readonly broker: BrokerConfig;
  /**
   * Reads what is stored for a topic; an empty map when nothing is. Rejects with INVALID_CONFIG when it makes no sense.
   */
  readonly readOverrides: (topic: string) => Promise<ReadonlyMap<string, string>>;
  /** Resolves when reads find what was stored before the call, whoever stored it. */
  readonly whenUpToDate: () => Promise<void>;
  /** Topics that were loaded have another configuration now. */
  readonly onChange: (changed: ReadonlyMap<string, TopicConfig>) => void;
  readonly logger: Logger;
}

interface KnownTopic {
  overrides: ReadonlyMap<string, string>;
  config: TopicConfig;
  /** Number of the read this came from. */
  readNumber: number;
}

const NO_OVERRIDES: ReadonlyMap<string, string> = new Map();

export class TopicConfigs {
  readonly #options: TopicConfigsOptions;
  /** As many as there are topics on this broker: whoever drops a topic calls `forget`. */
  readonly #known = new Map<string, KnownTopic>();
  #defaults: TopicConfig;
  #lastReadNumber = 0;

  constructor(options: TopicConfigsOptions) {
    this.#options = options;
    this.#defaults = topicConfigFrom(options.broker, NO_OVERRIDES);
  }

  /** The effective configuration as last read; the broker's defaults for a topic that was not loaded. */
  config(topic: string): TopicConfig {
    return this.#known.get(topic)?.config ?? this.#defaults;
  }

  /** Reads the topic's overrides and keeps them up to date from now on. Rejects when they cannot be read. */
  async load(topic: string): Promise<TopicConfig> {
    const readNumber = ++this.#lastReadNumber;
    const overrides = await this.#options.readOverrides(topic);
    this.#accept(topic, overrides, readNumber);
    return this.config(topic);
  }

  /**
   * For topics that may have been made a moment ago: no notification comes of the settings that they were made with.
   * Resolves with those whose configuration makes no sense; they must not be in the way of the others. Rejects when
   * one of them cannot be read. A log must not be made with settings that are only guessed.
   */
  async loadAll(topics: readonly string[]): Promise<ReadonlySet<string>> {
    await this.#options.whenUpToDate();
    const withoutConfig = new Set<string>();
    const load = async (topic: string): Promise<void> => {
      try {
        await this.load(topic);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        withoutConfig.add(topic);
        this.#options.logger.error(`The partitions of topic ${topic} are left out. ${error.message}`);
      }
    };
    await Promise.all(topics.map(load));
    return withoutConfig;
  }

  /** What was read for a topic whose logs are here, before there was this object. */
  remember(topic: string, overrides: ReadonlyMap<string, string>): void {
    this.#accept(topic, overrides, ++this.#lastReadNumber);
  }

  /** What is stored for the topic now, also for one this broker has nothing of; it is not kept. */
  readOverrides(topic: string): Promise<ReadonlyMap<string, string>> {
    return this.#options.readOverrides(topic);
  }

  /** To be called when the topic's overrides may have changed. A topic that was never loaded is left alone. */
  async refresh(topic: string): Promise<void> {
    if (!this.#known.has(topic)) return;
    const readNumber = ++this.#lastReadNumber;
    const overrides = await this.#options.readOverrides(topic);
    // It may have left meanwhile: nobody would forget it a second time.
    if (this.#known.has(topic)) this.#accept(topic, overrides, readNumber);
  }

  /** After a time without notifications (a lost session): reads everything again. A failed topic keeps what it had. */
  async refreshAll(): Promise<void> {
    const refresh = (topic: string): Promise<void> =>
      this.refresh(topic).catch((error: unknown) =>
        this.#options.logger.warn(`The configuration of topic ${topic} could not be read again`, error),
      );
    await Promise.all([...this.#known.keys()].map(refresh));
  }

  /** The broker's configuration has changed: topics have other defaults. */
  refreshDefaults(): void {
    const { broker, onChange } = this.#options;
    const before = this.#defaults;
    this.#defaults = topicConfigFrom(broker, NO_OVERRIDES);
    const differing = differingFields(before, this.#defaults);
    if (differing.length === 0) return;
    const changed = new Map<string, TopicConfig>();
    for (const [topic, known] of this.#known) {
      const config = topicConfigOver(this.#defaults, known.overrides);
      if (differing.some((field) => !isSameValue(config[field], known.config[field]))) changed.set(topic, config);
      known.config = config;
    }
    if (changed.size > 0) onChange(changed);
  }

  /** The topic has left this broker. */
  forget(topic: string): void {
    this.#known.delete(topic);
  }

  #accept(topic: string, overrides: ReadonlyMap<string, string>, readNumber: number): void {
    const known = this.#known.get(topic);
    if (known !== undefined && known.readNumber > readNumber) return;
    const config = topicConfigOver(this.#defaults, overrides);
    this.#known.set(topic, { overrides, config, readNumber });
    if (known === undefined || isSame(known.overrides, overrides)) return;
    const texts = [...overrides].map(([name, value]) => `${name}=${value}`).join(', ');
    this.#options.logger.info(`Processing override for entityPath: topics/${topic} with config: {${texts}}`);
    this.#options.onChange(new Map([[topic, config]]));
  }
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);
}

function differingFields(one: TopicConfig, other: TopicConfig): (keyof TopicConfig)[] {
  return (Object.keys(one) as (keyof TopicConfig)[]).filter((field) => !isSameValue(one[field], other[field]));
}

/** Numbers, texts, switches, and lists of texts. */
function isSameValue(one: TopicConfig[keyof TopicConfig], other: TopicConfig[keyof TopicConfig]): boolean {
  return one === other || (Array.isArray(one) && Array.isArray(other) && one.join() === other.join());
}

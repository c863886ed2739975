/**
 * All that /metrics of a broker tells: Kafka's metrics in the dialects that are wanted, Node's own, and the JVM's
 * names for those.
 */
import type { Clock } from '../lib/clock.ts';
import { type Dialect, Dialects } from './dialect.ts';
import { expose } from './exposition.ts';
import { IdleShare } from './idle-share.ts';
import { networkFamilies } from './network-families.ts';
import { partitionFamilies } from './partition-families.ts';
import { requestFamilies } from './request-families.ts';
import { RuntimeMetrics } from './runtime-metrics.ts';
import { serverFamilies } from './server-families.ts';
import type { MetricSources } from './sources.ts';
import { topicFamilies } from './topic-families.ts';
import type { MetricFamily } from './family.ts';

export class BrokerMetrics {
  readonly #clock: Clock;
  readonly #runtime = new RuntimeMetrics();
  readonly #families: readonly MetricFamily[];

  constructor(sources: MetricSources, dialects: readonly Dialect[], clock: Clock) {
    this.#clock = clock;
    const nowMs = (): number => clock.monotonicMs();
    const wanted = new Dialects(dialects, nowMs);
    this.#families = [
      ...serverFamilies(sources, wanted),
      ...topicFamilies(sources, wanted),
      ...partitionFamilies(sources, wanted),
      ...requestFamilies(sources, wanted),
      ...networkFamilies(sources, wanted, new IdleShare(nowMs)),
      ...this.#runtime.families(sources.procFile),
    ];
  }

  async *scrape(): AsyncGenerator<string, void, undefined> {
    yield await this.#runtime.text();
    yield* expose(this.#families, this.#clock);
  }
}

/**
 * @pure The two ways in which Kafka's meters, percentages and histograms are named (reference: jmx_exporter's example
 * for Kafka, as Strimzi and Grafana's dashboards use it, and Confluent's stack). Plain gauges are the same in both. The
 * names differ, so a panel that sums one of them counts nothing twice.
 */
import type { Histogram } from '../lib/histogram.ts';
import { labelled, labelsOf, type MetricFamily, type Sample, single } from './family.ts';

export type Dialect = 'jmx' | 'confluent';

const QUANTILES = ['0.50', '0.75', '0.95', '0.98', '0.99', '0.999'] as const;
const SHARES = QUANTILES.map(Number);

/** Makes the families of one Kafka metric in the dialects that are wanted. */
export class Dialects {
  readonly #wanted: ReadonlySet<Dialect>;
  readonly #nowMs: () => number;

  /** @param nowMs monotonic: quantiles are of the recent past */
  constructor(wanted: readonly Dialect[], nowMs: () => number) {
    this.#wanted = new Set(wanted);
    this.#nowMs = nowMs;
  }

  /** `name` is without `PerSec`: `…messagesin` becomes `…messagesin_total` and `…messagesinpersec`. */
  meter(name: string, help: string, samples: () => Iterable<Sample>): MetricFamily[] {
    return [
      ...this.#in('jmx', () => labelled('counter', `${name}_total`, help, samples)),
      ...this.#in('confluent', () => labelled('untyped', `${name}persec`, help, samples)),
    ];
  }

  /** `…idle` becomes `…idle_percent` and `…idlepercent`; 0 to 1. */
  percent(name: string, help: string, read: () => number): MetricFamily[] {
    return [
      ...this.#in('jmx', () => single('gauge', `${name}_percent`, help, read)),
      ...this.#in('confluent', () => single('gauge', `${name}percent`, help, read)),
    ];
  }

  /** What has another name in each. */
  alias(jmx: MetricFamily, confluent: MetricFamily): MetricFamily[] {
    return [...this.#in('jmx', () => jmx), ...this.#in('confluent', () => confluent)];
  }

  /** The same in both: quantiles as a gauge, and how many there were. */
  histogram(
    name: string,
    help: string,
    histograms: () => Iterable<readonly [labels: Readonly<Record<string, string>>, histogram: Histogram]>,
  ): MetricFamily[] {
    const nowMs = this.#nowMs;
    return [
      labelled('gauge', name, help, function* () {
        for (const [labels, histogram] of histograms()) {
          const values = histogram.quantiles(SHARES, nowMs());
          for (const [index, quantile] of QUANTILES.entries())
            yield [labelsOf({ ...labels, quantile }), values[index] ?? 0];
        }
      }),
      labelled('counter', `${name}_count`, `${help}, how many`, function* () {
        for (const [labels, histogram] of histograms())
          yield [Object.keys(labels).length === 0 ? '' : labelsOf(labels), histogram.count];
      }),
    ];
  }

  #in(dialect: Dialect, make: () => MetricFamily): MetricFamily[] {
    return this.#wanted.has(dialect) ? [make()] : [];
  }
}

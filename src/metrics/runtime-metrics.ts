/**
 * What Node tells of its process, by prom-client's defaults (process_*, nodejs_*), and the names under which
 * dashboards look for the JVM's memory, threads and garbage collection.
 */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { gauge, labelled, labelsOf, type MetricFamily, type Sample } from './family.ts';

export class RuntimeMetrics {
  readonly #registry = new Registry();
  #collections: readonly Sample[] = [];
  #collectionSeconds: readonly Sample[] = [];

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** The text of Node's own metrics, as of now; the families below are as of the latest call. */
  async text(): Promise<string> {
    await this.#readCollections();
    return this.#registry.metrics();
  }

  families(procFile: (path: string) => string | null): MetricFamily[] {
    const memory = (): Sample[] => {
      const { rss, heapTotal, heapUsed } = process.memoryUsage();
      return [
        [labelsOf({ area: 'heap' }), heapUsed],
        [labelsOf({ area: 'nonheap' }), Math.max(0, rss - heapTotal)],
      ];
    };
    const limits = (): Sample[] => [
      [labelsOf({ area: 'heap' }), getHeapStatistics().heap_size_limit],
      [labelsOf({ area: 'nonheap' }), totalmem()],
    ];
    const threads = (): number => Number(/^Threads:\s+(\d+)$/m.exec(procFile('/proc/self/status') ?? '')?.[1] ?? 1);
    return [
      labelled('gauge', 'jvm_memory_used_bytes', 'Memory in use, of V8 and the rest of the process', memory),
      labelled('gauge', 'jvm_memory_bytes_used', 'The same under its older name', memory),
      labelled('gauge', 'jvm_memory_max_bytes', 'Limit of V8, memory of the machine', limits),
      labelled('gauge', 'jvm_memory_bytes_max', 'The same under its older name', limits),
      labelled(
        'counter',
        'jvm_gc_collection_seconds_sum',
        'Time of garbage collections',
        () => this.#collectionSeconds,
      ),
      labelled('counter', 'jvm_gc_collection_seconds_count', 'Garbage collections', () => this.#collections),
      gauge('jvm_threads_current', 'Threads of the process', threads),
    ];
  }

  async #readCollections(): Promise<void> {
    const metric = await this.#registry.getSingleMetric('nodejs_gc_duration_seconds')?.get();
    const count: Sample[] = [];
    const seconds: Sample[] = [];
    for (const { value, labels, ...rest } of metric?.values ?? []) {
      const name = 'metricName' in rest ? String(rest.metricName) : '';
      const sample: Sample = [labelsOf({ gc: String(labels['kind']) }), value];
      if (name.endsWith('_count')) count.push(sample);
      else if (name.endsWith('_sum')) seconds.push(sample);
    }
    this.#collections = count;
    this.#collectionSeconds = seconds;
  }
}

/**
 * @pure A metric as Prometheus reads it: a name, its type and its lines, made when they are asked for. Nothing is kept
 * between two scrapes, so what is gone from the broker is gone from its metrics (text format 0.0.4).
 */
export type MetricType = 'counter' | 'gauge' | 'untyped';

export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** Each ends with a line feed. */
  lines(): Iterable<string>;
}

/** `{topic="a"}` or '' and the value. */
export type Sample = readonly [labels: string, value: number];

export const NO_LABELS = '';

/** Label names are ours; values come from anywhere. */
export function labelsOf(values: Readonly<Record<string, string | number>>): string {
  const parts = Object.entries(values).map(([name, value]) => `${name}="${escapeValue(String(value))}"`);
  return `{${parts.join(',')}}`;
}

function escapeValue(value: string): string {
  return /[\\\n"]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"') : value;
}

export function lineOf(name: string, labels: string, value: number): string {
  return `${name}${labels} ${numberText(value)}\n`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** One value without labels. */
export function single(type: MetricType, name: string, help: string, read: () => number): MetricFamily {
  return {
    name,
    help,
    type,
    *lines() {
      yield lineOf(name, NO_LABELS, read());
    },
  };
}

export function gauge(name: string, help: string, read: () => number): MetricFamily {
  return single('gauge', name, help, read);
}

export function counter(name: string, help: string, read: () => number): MetricFamily {
  return single('counter', name, help, read);
}

export function labelled(type: MetricType, name: string, help: string, samples: () => Iterable<Sample>): MetricFamily {
  return {
    name,
    help,
    type,
    *lines() {
      for (const [labels, value] of samples()) yield lineOf(name, labels, value);
    },
  };
}

export function headOf({ name, help, type }: MetricFamily): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** The first so many: what a cluster could make without bound, a scrape must not. */
export function* atMost<T>(limit: number, items: Iterable<T>): Generator<T, void, undefined> {
  let left = limit;
  for (const item of items) {
    if (left-- <= 0) return;
    yield item;
  }
}

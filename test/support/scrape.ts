/** A scrape as values by name and labels, read as Prometheus would. */
export interface Scraped {
  readonly text: string;
  readonly types: ReadonlyMap<string, string>;
  /** By metric name: values by the text of their labels. */
  readonly series: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

export async function scrape(url: string): Promise<Scraped> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return parseScrape(await response.text());
}

export function parseScrape(text: string): Scraped {
  const types = new Map<string, string>();
  const series = new Map<string, Map<string, number>>();
  for (const line of text.split('\n')) {
    if (line.startsWith('# TYPE ')) {
      const [, , name = '', type = ''] = line.split(' ');
      if (types.has(name)) throw new Error(`${name} has two types`);
      types.set(name, type);
    }
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([a-zA-Z_:][\w:]*)(\{.*\})? ([^ ]+)$/.exec(line);
    if (match === null) throw new Error(`not a line of the text format: ${line}`);
    const [, name = '', labels = '', value = ''] = match;
    const values = series.get(name) ?? new Map<string, number>();
    if (values.has(labels)) throw new Error(`${name}${labels} is there twice`);
    values.set(labels, value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value));
    series.set(name, values);
  }
  return { text, types, series };
}

export function numberAt({ series }: Scraped, name: string, labels = ''): number {
  return series.get(name)?.get(labels) ?? Number.NaN;
}

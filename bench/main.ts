/**
 * Measures a broker with clients that others wrote and prints a table; `npm run bench`, `npm run bench -- --help`.
 *
 * Wall-clock throughput on a shared machine swings; broker CPU seconds per million records is the column to trust.
 * Producers are Apache Kafka's ProducerPerformance where Maven can fetch it (else @platformatic/kafka), consumers are
 * kcat where it is installed (else @platformatic/kafka). Nothing is written into the tree; numbers worth keeping go by
 * hand into bench/results.md.
 */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { Implementation } from '../test/support/implementation.ts';
import { measureMemoryOfPartitions, measureRest, measureStart } from './at-rest.ts';
import { measureGroups } from './groups.ts';
import { type Load, measureLoad } from './load.ts';
import { measureProfile } from './profile.ts';
import { measureScrape } from './scrape.ts';
import { printTable } from './table.ts';

const USAGE = `Usage: npm run bench -- [options]
  --implementation barnabas|apache-kafka|both   what to measure (barnabas)
  --only start,rest,produce,partitions,groups,scrape,profile
                                                parts to run (all)
  --scale 0.1                                   a part of the records, for a quick look
  --repeat 3                                    runs of each load, the best and the median are shown`;

const { values: options } = parseArgs({
  options: {
    implementation: { type: 'string', default: 'barnabas' },
    only: { type: 'string', default: 'start,rest,produce,partitions,groups,scrape,profile' },
    scale: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
});

async function main(): Promise<void> {
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const implementations: Implementation[] =
    options.implementation === 'both' ? ['barnabas', 'apache-kafka'] : [options.implementation as Implementation];
  const parts = new Set(options.only.split(','));
  const scale = Number(options.scale);
  const repeat = Number(options.repeat);
  console.log(machine());
  if (parts.has('start')) printTable('Start, with ZooKeeper up', await collect(implementations, measureStart));
  if (parts.has('rest')) printTable('Memory at rest', await collect(implementations, measureRest));
  if (parts.has('produce'))
    for (const implementation of implementations) {
      for (const brokers of [1, 3]) {
        const loads = loadsOf(brokers, scale);
        printTable(
          `${implementation}: ${brokers} broker${brokers === 1 ? '' : 's'}`,
          await measureLoad({ implementation, brokers, loads, repeat }),
        );
      }
    }
  if (parts.has('partitions'))
    printTable('Memory with 1,000 partitions', await collect(implementations, measureMemoryOfPartitions));
  if (parts.has('groups'))
    printTable('Consumer groups on one broker, heartbeats every 500 ms', await collect(implementations, measureGroups));
  if (parts.has('scrape') && implementations.includes('barnabas'))
    printTable('Scrapes of one broker with many partitions', await measureScrape(scale));
  if (parts.has('profile') && implementations.includes('barnabas')) {
    const { produce, fetch } = await measureProfile(scale);
    printTable('CPU profile of one broker while it is written to (100 B, acks 1), by self time', produce);
    printTable('CPU profile of one broker while it is read from (100 B), by self time', fetch);
  }
}

/** One broker with acks 1, three with acks all: what people compare. */
function loadsOf(brokers: number, scale: number): Load[] {
  const acks = brokers === 1 ? '1' : 'all';
  return [
    { acks, recordBytes: 100, records: Math.round(2_000_000 * scale) },
    { acks, recordBytes: 1024, records: Math.round(400_000 * scale) },
  ];
}

type Row = Record<string, string | number>;

async function collect(
  implementations: readonly Implementation[],
  measure: (implementation: Implementation) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const implementation of implementations) rows.push(...(await measure(implementation)));
  return rows;
}

function machine(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, commit ${commit}, ${cpus().length} × ${cpu?.model.trim()}, ${memoryGb} GB, Node ${process.version}`;
}

await main();

/** A consumer whose reader takes records only now and then: what waits, what is dropped, and what nobody gets twice. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ClusterClient } from '../../../src/client/cluster-client.ts';
import type { ConsumedRecord } from '../../../src/client/consumed-record.ts';
import { type Demand, RecordConsumer } from '../../../src/client/record-consumer.ts';
import { SystemClock } from '../../../src/lib/clock.ts';
import { Deferred } from '../../../src/lib/deferred.ts';
import { buildBatch } from '../../../src/protocol/records/build.ts';
import { eventually } from '../../support/eventually.ts';
import { MemoryTopic } from '../../support/memory-topic.ts';

/** Takes as many records as it was told to. */
class Reader implements Demand {
  readonly taken: string[] = [];
  readonly lost: string[] = [];
  /** What it was offered and has not taken. */
  offered: ConsumedRecord | null = null;
  /** Each record is taken only when that is over. */
  gate: Promise<void> = Promise.resolve();
  #wanted = 0;
  #consumer: RecordConsumer | null = null;

  attach(consumer: RecordConsumer): void {
    this.#consumer = consumer;
  }

  want(count: number): void {
    this.#wanted += count;
    this.#consumer?.proceed();
  }

  isOpen(): boolean {
    return this.#wanted > 0;
  }

  accepts(record: ConsumedRecord): boolean {
    this.offered = this.#wanted > 0 ? null : record;
    return this.#wanted > 0;
  }

  onNoOffset({ topic, partition }: { topic: string; partition: number }): void {
    this.lost.push(`${topic}-${partition}`);
  }

  async take({ partition, offset }: ConsumedRecord): Promise<void> {
    this.#wanted--;
    await this.gate;
    this.taken.push(`${partition}:${offset}`);
  }
}

let topic: MemoryTopic;
const ends: (() => Promise<void>)[] = [];
beforeEach(async () => {
  topic = await MemoryTopic.start('t', 3, 2);
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await topic.close();
});

function append(partition: number, count: number): void {
  const records = Array.from({ length: count }, () => ({ key: null, value: Buffer.from('v'), timestampMs: 5 }));
  topic.append(partition, buildBatch({ records }));
}

function fetchCount(): number {
  return topic.brokers.flatMap(({ received }) => received).filter((name) => name.startsWith('Fetch')).length;
}

function newClient(): ClusterClient {
  return new ClusterClient({
    bootstrapServers: topic.bootstrap,
    clientId: 'reader',
    kind: 'Consumer',
    clock: new SystemClock(),
    requestTimeoutMs: 5000,
    apiTimeoutMs: 5000,
    warn: () => undefined,
  });
}

function start(
  starts: Readonly<Record<string, number | 'earliest' | 'latest' | null>>,
  reset: 'earliest' | 'none' = 'earliest',
  maxBytes = 1_000_000,
  staysNear = false,
) {
  const [cluster, fetching, reader] = [newClient(), newClient(), new Reader()];
  const settings = {
    topics: ['t'],
    partition: null,
    assigned: new Map(Object.entries(starts)),
    start: 'latest' as const,
    reset,
    staysNear,
    isReadCommitted: false,
    maxWaitMs: 20,
    minBytes: 1,
    maxBytes,
    maxPartitionBytes: maxBytes,
    checksCrc: true,
    metadataMaxAgeMs: 50,
  };
  const consumer = new RecordConsumer(cluster, fetching, settings, (record) => reader.take(record), reader);
  reader.attach(consumer);
  const ended = consumer.run();
  ends.push(async () => {
    consumer.stop();
    fetching.close();
    await ended;
    cluster.close();
  });
  return { consumer, reader };
}

const taken = (reader: Reader, ...expected: string[]) =>
  eventually(() => expect([...reader.taken].sort()).toEqual(expected));

it('nothing is fetched that nobody wants, but where to begin is found out', async () => {
  append(0, 3);
  const { consumer, reader } = start({ 't-0': 'earliest', 't-1': 'latest' });
  await eventually(() => consumer.positions().length === 2);
  expect(fetchCount()).toBe(0);
  reader.want(2);
  await taken(reader, '0:0', '0:1');
  expect(consumer.positions()).toContainEqual({ topic: 't', partition: 0, offset: 2 });
  await eventually(() => reader.offered?.offset === 2);
  const count = fetchCount();
  reader.want(1);
  await taken(reader, '0:0', '0:1', '0:2');
  expect(fetchCount()).toBeLessThanOrEqual(count + 2);
});

it('after a seek nothing comes of what was fetched before', async () => {
  append(0, 5);
  const { consumer, reader } = start({ 't-0': 'earliest' });
  reader.want(2);
  await eventually(() => reader.offered?.offset === 2);
  consumer.seek('t', 0, 4);
  consumer.seek('t', 0, 1);
  reader.want(2);
  await taken(reader, '0:0', '0:1', '0:1', '0:2');
});

it('a seek heeds nothing of a fetch that is under way', async () => {
  append(0, 3);
  const { consumer, reader } = start({ 't-0': 'latest' });
  reader.want(2);
  await eventually(() => fetchCount() > 0);
  append(0, 2);
  consumer.seek('t', 0, 0);
  await taken(reader, '0:0', '0:1');
});

it('a seek may come before the topic is known', async () => {
  append(0, 5);
  const { consumer, reader } = start({ 't-0': 'earliest' });
  consumer.seek('t', 0, 3);
  reader.want(2);
  await taken(reader, '0:3', '0:4');
});

it('records that wait while their leader changes come once', async () => {
  append(0, 4);
  const { reader } = start({ 't-0': 'earliest' });
  reader.want(1);
  await eventually(() => reader.offered?.offset === 1);
  const [partition] = topic.partitions;
  if (partition !== undefined) partition.leader = 2;
  const asked = (name: string) =>
    topic.brokers.flatMap(({ received }) => received).filter((known) => known.startsWith(name)).length;
  const before = asked('Metadata');
  await eventually(() => asked('Metadata') >= before + 2);
  const fetches = asked('Fetch');
  reader.want(1);
  await eventually(() => reader.offered?.offset === 2 && asked('Fetch') > fetches);
  await eventually(() => asked('Metadata') >= before + 4);
  reader.want(10);
  await taken(reader, '0:0', '0:1', '0:2', '0:3');
});

it('a record that is being taken while its leader changes comes before those of the new one', async () => {
  append(0, 4);
  const gate = new Deferred();
  const { consumer, reader } = start({ 't-0': 'earliest' });
  reader.gate = gate.promise;
  reader.want(10);
  await eventually(() => consumer.positions()[0]?.offset === 1);
  const [partition] = topic.partitions;
  if (partition !== undefined) partition.leader = 2;
  const metadata = () =>
    topic.brokers.flatMap(({ received }) => received).filter((name) => name.startsWith('Metadata')).length;
  const before = metadata();
  await eventually(() => metadata() >= before + 4);
  expect(consumer.positions()[0]?.offset).toBe(1);
  gate.resolve();
  await eventually(() => reader.taken.length === 4);
  expect(reader.taken).toEqual(['0:0', '0:1', '0:2', '0:3']);
});

it('a partition that always has more leaves room for the others', async () => {
  for (let count = 0; count < 10; count++) for (const partition of [0, 2]) append(partition, 1);
  const { reader } = start({ 't-0': 'earliest', 't-2': 'earliest' }, 'earliest', 70);
  reader.want(20);
  await eventually(() => reader.taken.length === 20);
  expect(reader.taken.slice(0, 4).sort()).toEqual(['0:0', '0:1', '2:0', '2:1']);
});

it('what was fetched can be dropped, and comes again when it is wanted', async () => {
  append(0, 3);
  const { consumer, reader } = start({ 't-0': 'earliest' });
  reader.want(1);
  await eventually(() => reader.offered?.offset === 1);
  consumer.dropFetched();
  reader.want(2);
  await taken(reader, '0:0', '0:1', '0:2');
});

it('a partition without an offset is left alone until it is sought; the others are read', async () => {
  append(0, 1);
  append(1, 2);
  const { consumer, reader } = start({ 't-0': null, 't-1': 9 }, 'none');
  reader.want(5);
  await eventually(() => reader.lost.length > 0);
  expect(reader.lost).toEqual(['t-1']);
  consumer.seek('t', 1, 1);
  await taken(reader, '1:1');
  consumer.seek('t', 0, 'earliest');
  await taken(reader, '0:0', '1:1');
});

it('beyond the end a reader that wants so goes on from the end, below the start from there', async () => {
  append(0, 3);
  append(1, 3);
  const [first] = topic.partitions;
  if (first !== undefined) first.startOffset = 2;
  const { consumer, reader } = start({ 't-0': 1, 't-1': 9 }, 'earliest', 1_000_000, true);
  reader.want(5);
  await taken(reader, '0:2');
  await eventually(() => expect(consumer.positions()).toContainEqual({ topic: 't', partition: 1, offset: 3 }));
  append(1, 1);
  await taken(reader, '0:2', '1:3');
});

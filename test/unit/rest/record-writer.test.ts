/** Single records on their way to a topic in memory: where they got to, in which order, what becomes of the rest. */
import { afterEach, expect, it } from 'vitest';
import { ApiError } from '../../../src/client/api-error.ts';
import { ClusterClient } from '../../../src/client/cluster-client.ts';
import { SystemClock } from '../../../src/lib/clock.ts';
import { SystemRandom } from '../../../src/lib/random.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { RecordWriter, type RecordWriterOptions } from '../../../src/rest/record-writer.ts';
import { RestError } from '../../../src/rest/rest-errors.ts';
import { MemoryTopic } from '../../support/memory-topic.ts';

const clock = new SystemClock();
const random = new SystemRandom();
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function newTopic(partitionCount = 1, brokerCount = 1): Promise<MemoryTopic> {
  const topic = await MemoryTopic.start('t', partitionCount, brokerCount);
  opened.push(topic);
  return topic;
}

function newWriter(bootstrapServers: string, options: Partial<RecordWriterOptions> = {}): RecordWriter {
  const cluster = new ClusterClient({
    bootstrapServers,
    clientId: 'test',
    kind: 'Producer',
    clock,
    requestTimeoutMs: 5000,
    apiTimeoutMs: 5000,
    prefersBootstrap: true,
    warn: () => undefined,
  });
  const settings = { retryBackoffMs: 5, maxBlockMs: 300, deliveryTimeoutMs: 5000, ...options.settings };
  const writer = new RecordWriter({ cluster, clock, random, ...options, settings });
  opened.push(cluster, writer);
  return writer;
}

const record = (value: string, partition: number | null = null, key: string | null = null) => ({
  partition,
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  timestampMs: 42,
});

it('tells where each record got to, and keeps the order in which they were given', async () => {
  const topic = await newTopic(2, 2);
  const writer = newWriter(topic.bootstrap);
  const values = Array.from({ length: 500 }, (_, index) => String(index));
  const places = await Promise.all(values.map((value, index) => writer.write('t', record(value, index % 2))));
  for (const [index, place] of places.entries())
    expect(place).toEqual({ partition: index % 2, offset: index >> 1, timestampMs: 42 });
  expect(topic.values(0)).toEqual(values.filter((_, index) => index % 2 === 0));
  expect(new Set(topic.acks)).toEqual(new Set([-1]));
});

it('records with one key share a partition', async () => {
  const topic = await newTopic(5);
  const writer = newWriter(topic.bootstrap);
  const places = await Promise.all(['1', '2', '3'].map((value) => writer.write('t', record(value, null, 'key'))));
  expect(new Set(places.map(({ partition }) => partition)).size).toBe(1);
});

it('an answer that is lost changes nothing: the record is there once', async () => {
  const topic = await newTopic();
  const writer = newWriter(topic.bootstrap);
  await writer.write('t', record('first'));
  topic.produceFailures.push('lost', Errors.NOT_LEADER_OR_FOLLOWER);
  await writer.write('t', record('second'));
  expect(topic.values(0)).toEqual(['first', 'second']);
});

it('a batch that is too large for the topic is halved until it fits', async () => {
  const topic = await newTopic();
  const writer = newWriter(topic.bootstrap, { settings: { lingerMs: 20 } });
  topic.produceFailures.push(Errors.MESSAGE_TOO_LARGE, Errors.MESSAGE_TOO_LARGE);
  const values = ['a', 'b', 'c', 'd', 'e'];
  const places = await Promise.all(values.map((value) => writer.write('t', record(value))));
  expect(topic.values(0)).toEqual(values);
  expect(places.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4]);
  expect(topic.partitions[0]?.stored).toHaveLength(3);
  topic.produceFailures.push(Errors.MESSAGE_TOO_LARGE);
  await expect(writer.write('t', record('alone'))).rejects.toMatchObject({ error: 'MESSAGE_TOO_LARGE' });
  await writer.write('t', record('afterwards'));
  expect(topic.values(0).at(-1)).toBe('afterwards');
});

it('a topic that is not there, and a partition that is not, in the words of Java', async () => {
  const topic = await newTopic();
  const writer = newWriter(topic.bootstrap);
  const metadataBefore = topic.brokers[0]?.received.length ?? 0;
  const failures = await Promise.all(
    Array.from({ length: 50 }, () => writer.write('other', record('x')).catch((error: unknown) => error)),
  );
  for (const failure of failures)
    expect(failure).toMatchObject({
      exception: 'TimeoutException',
      message: 'Topic other not present in metadata after 300 ms.',
    });
  // All wait for the same answers.
  expect((topic.brokers[0]?.received.length ?? 0) - metadataBefore).toBeLessThan(100);
  await expect(writer.write('t', record('x', 1))).rejects.toThrow(
    'Partition 1 of topic t with partition count 1 is not present in metadata.',
  );
});

it('closing fails what is pending, and what comes after', async () => {
  const topic = await newTopic();
  const writer = newWriter(topic.bootstrap);
  await writer.write('t', record('there'));
  topic.produceFailures.push(...Array<number>(1000).fill(Errors.NOT_ENOUGH_REPLICAS));
  const pending = ['one', 'two'].map((value) => writer.write('t', record(value)).catch((error: unknown) => error));
  await new Promise((resolve) => clock.soon(() => resolve(null)));
  writer.close();
  for (const failure of await Promise.all(pending)) expect(failure).toBeInstanceOf(ApiError);
  await expect(writer.write('t', record('late'))).rejects.toThrow('Producer is closed.');
});

it('gives up the producer that was used the longest ago, but none that is busy', async () => {
  const topic = await newTopic();
  const writer = newWriter(topic.bootstrap, { maxProducers: 1 });
  await writer.write('t', record('first'));
  const busy = writer.write('missing', record('x')).catch((error: unknown) => error);
  await expect(writer.write('t', record('x'))).rejects.toBeInstanceOf(RestError);
  await busy;
  await writer.write('t', record('again'));
  expect(topic.values(0)).toEqual(['first', 'again']);
});

/** A producer whose buffer is full, and one whose batches grow too old: the order and the sequence are kept. */
import { afterEach, expect, it } from 'vitest';
import { ClusterClient } from '../../../src/client/cluster-client.ts';
import { type ProducerSettings, RecordProducer } from '../../../src/client/record-producer.ts';
import { SystemClock } from '../../../src/lib/clock.ts';
import { SystemRandom } from '../../../src/lib/random.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { MemoryTopic } from '../../support/memory-topic.ts';

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function open(settings: Partial<ProducerSettings>) {
  const topic = await MemoryTopic.start('t', 1, 1);
  opened.push(topic);
  const cluster = new ClusterClient({
    bootstrapServers: topic.bootstrap,
    clientId: 'test',
    kind: 'Producer',
    clock: new SystemClock(),
    requestTimeoutMs: 5000,
    apiTimeoutMs: 5000,
    warn: () => undefined,
  });
  const producer = new RecordProducer(cluster, { ...SETTINGS, ...settings }, new SystemRandom());
  opened.push(producer);
  return { topic, producer };
}

const SETTINGS: ProducerSettings = {
  topic: 't',
  acks: -1,
  isIdempotent: true,
  compression: 'none',
  batchSizeBytes: 300,
  lingerMs: 0,
  retries: 10,
  retryBackoffMs: 5,
  requestTimeoutMs: 5000,
  deliveryTimeoutMs: 10_000,
  maxBlockMs: 1000,
  maxRequestBytes: 10_000,
  bufferBytes: 1000,
  metadataMaxAgeMs: 300_000,
};

it('large and small records keep their order, however often there is no room', async () => {
  const { topic, producer } = await open({});
  const values = Array.from(
    { length: 300 },
    (_, index) => `${index} ${'x'.repeat(index % 7 === 0 ? 900 : index % 50)}`,
  );
  let delivered = 0;
  const sent = values.map((value) =>
    producer.send({ key: null, value: Buffer.from(value), timestampMs: 0 }, (failure) => {
      if (failure === null) delivered++;
    }),
  );
  await Promise.all(sent);
  await producer.flush();
  expect(topic.values(0)).toEqual(values);
  expect(delivered).toBe(values.length);
});

it('a batch that was sent in vain and is too old now leaves no gap before the next', async () => {
  const { topic, producer } = await open({ retryBackoffMs: 300, deliveryTimeoutMs: 200, retries: 1000 });
  const fates: (string | null)[] = [];
  const send = (value: string) =>
    producer.send({ key: null, value: Buffer.from(value), timestampMs: 0 }, (failure) => {
      fates.push(failure?.name ?? null);
    });
  topic.produceFailures.push(Errors.NOT_LEADER_OR_FOLLOWER);
  await send('old');
  await eventually(() => topic.produceFailures.length === 0);
  await eventually(() => fates.length === 1);
  await send('new');
  await producer.flush();
  expect(fates.at(-1)).toBe(null);
  expect(topic.values(0)).toEqual(['new']);
});

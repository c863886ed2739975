/** kafkajs, the client that most Node programs use, as administrator and producer. It knows only the older versions. */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { CompressionCodecs, CompressionTypes, ConfigResourceTypes, KafkaJSProtocolError, Partitioners } from 'kafkajs';
import lz4 from 'lz4-napi';
import snappy from 'snappy';
import { describe, expect, it } from 'vitest';
import { createTopic, kafkaClient, withAdmin } from '../support/admin.ts';
import { useCluster } from '../support/use-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { readPartition, whenFullyReplicated, whenLed } from '../support/wire-client.ts';

const codec =
  (compress: (plain: Buffer) => Buffer, decompress: (packed: Buffer) => Buffer) =>
  (): { compress(encoder: { buffer: Buffer }): Promise<Buffer>; decompress(buffer: Buffer): Promise<Buffer> } => ({
    compress: async ({ buffer }) => compress(buffer),
    decompress: async (buffer) => decompress(buffer),
  });
CompressionCodecs[CompressionTypes.Snappy] = codec(snappy.compressSync, (packed) =>
  Buffer.from(snappy.uncompressSync(packed)),
);
CompressionCodecs[CompressionTypes.LZ4] = codec(lz4.compressFrameSync, lz4.decompressFrameSync);
CompressionCodecs[CompressionTypes.ZSTD] = codec(zstdCompressSync, zstdDecompressSync);

const cluster = useCluster();
const createPartitioner = Partitioners.DefaultPartitioner;

async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => new Error('it was accepted'),
    (reason: Error & { errors?: Error[]; cause?: Error }) => reason.errors?.[0] ?? reason.cause ?? reason,
  );
  return error instanceof KafkaJSProtocolError ? error.type : String(error);
}

describe('the kafkajs admin', () => {
  it('creates, lists, describes and deletes topics', async () => {
    await withAdmin(cluster(), async (admin) => {
      const topics = [{ topic: 'js-one', numPartitions: 4, replicationFactor: 2 }, { topic: 'js-two' }];
      expect(await admin.createTopics({ topics, waitForLeaders: true })).toBe(true);
      expect(await admin.createTopics({ topics })).toBe(false); // They are there already.
      await whenFullyReplicated(cluster(), 'js-one');
      const view = (await admin.fetchTopicMetadata({ topics: ['js-one'] })).topics[0];
      expect(view?.partitions).toHaveLength(4);
      for (const { replicas, isr, leader } of view?.partitions ?? []) {
        expect(new Set(replicas).size).toBe(2);
        expect(isr.toSorted()).toEqual(replicas.toSorted());
        expect(replicas[0]).toBe(leader);
      }
      expect(await admin.listTopics()).toEqual(expect.arrayContaining(['js-one', 'js-two']));
      await admin.deleteTopics({ topics: ['js-one', 'js-two'] });
      await eventually(async () => !(await admin.listTopics()).some((topic) => topic.startsWith('js-')));
    });
    const again = withAdmin(cluster(), (admin) => admin.deleteTopics({ topics: ['js-one'] }), { retries: 1 });
    expect(await refusal(again)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
  });

  it('spreads the leaders of a topic over the brokers', async () => {
    await createTopic(cluster(), 'js-spread', { partitions: 6, replicationFactor: 3 });
    const view = await whenFullyReplicated(cluster(), 'js-spread');
    const leaders = view.partitions.map(({ leader }) => leader).toSorted();
    expect(leaders).toEqual([1, 1, 2, 2, 3, 3]);
  });

  it('assigns replicas by hand', async () => {
    const assignment = [
      [3, 1],
      [2, 3],
    ];
    await createTopic(cluster(), 'js-by-hand', { assignment });
    const view = await whenFullyReplicated(cluster(), 'js-by-hand');
    expect(view.partitions.map(({ replicas }) => replicas)).toEqual(assignment);
    expect(view.partitions.map(({ leader }) => leader)).toEqual([3, 2]);
  });

  it('only validates when asked to', async () => {
    await withAdmin(cluster(), async (admin) => {
      const topics = [{ topic: 'js-imagined', numPartitions: 1, replicationFactor: 3 }];
      expect(await admin.createTopics({ validateOnly: true, waitForLeaders: false, topics })).toBe(true);
      expect(await admin.listTopics()).not.toContain('js-imagined');
      const impossible = [{ topic: 'js-imagined', numPartitions: 1, replicationFactor: 4 }];
      const refused = admin.createTopics({ validateOnly: true, topics: impossible });
      expect(await refusal(refused)).toBe('INVALID_REPLICATION_FACTOR');
    });
  });

  it.each([
    ['too many replicas', { numPartitions: 1, replicationFactor: 4 }, 'INVALID_REPLICATION_FACTOR'],
    ['no partitions', { numPartitions: 0, replicationFactor: 1 }, 'INVALID_PARTITIONS'],
    ['a broker twice', { replicaAssignment: [{ partition: 0, replicas: [1, 1] }] }, 'INVALID_REPLICA_ASSIGNMENT'],
    [
      'a value that is not one',
      { numPartitions: 1, configEntries: [{ name: 'segment.bytes', value: 'many' }] },
      'INVALID_CONFIG',
    ],
    [
      'a key that is not one',
      { numPartitions: 1, configEntries: [{ name: 'colour', value: 'red' }] },
      'INVALID_CONFIG',
    ],
  ])('refuses a topic with %s', async (_name, layout, error) => {
    await withAdmin(cluster(), async (admin) => {
      const replicaAssignment = 'replicaAssignment' in layout ? layout.replicaAssignment : undefined;
      const sizes = replicaAssignment === undefined ? {} : { numPartitions: -1, replicationFactor: -1 };
      const topic = { topic: 'js-refused', ...layout, ...sizes };
      expect(await refusal(admin.createTopics({ topics: [topic] }))).toBe(error);
      expect(await admin.listTopics()).not.toContain('js-refused');
    });
  });

  it('adds partitions, and only adds', async () => {
    await createTopic(cluster(), 'js-growing', { partitions: 2 });
    await withAdmin(cluster(), async (admin) => {
      await admin.createPartitions({ topicPartitions: [{ topic: 'js-growing', count: 5 }] });
      await eventually(async () => (await whenFullyReplicated(cluster(), 'js-growing')).partitions.length === 5);
      const fewer = admin.createPartitions({ topicPartitions: [{ topic: 'js-growing', count: 3 }] });
      expect(await refusal(fewer)).toBe('INVALID_PARTITIONS');
      const unknown = admin.createPartitions({ topicPartitions: [{ topic: 'js-nowhere', count: 3 }] });
      expect(await refusal(unknown)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    });
  });

  it('reads the configuration of topics and brokers', async () => {
    await createTopic(cluster(), 'js-configured', { configs: { 'segment.bytes': '1048576', 'retention.ms': '-1' } });
    await withAdmin(cluster(), async (admin) => {
      const topic = { type: ConfigResourceTypes.TOPIC, name: 'js-configured' };
      const { resources } = await admin.describeConfigs({ resources: [topic], includeSynonyms: true });
      const entries = new Map(resources[0]?.configEntries.map((entry) => [entry.configName, entry]));
      expect(entries.get('segment.bytes')).toMatchObject({ configValue: '1048576', isDefault: false });
      expect(entries.get('retention.ms')).toMatchObject({ configValue: '-1', isDefault: false });
      expect(entries.get('cleanup.policy')).toMatchObject({ configValue: 'delete', isDefault: true });
      expect(entries.get('max.message.bytes')).toMatchObject({ configValue: '1048588', isDefault: true });
      const broker = { type: ConfigResourceTypes.BROKER, name: '2' };
      const described = await admin.describeConfigs({ resources: [broker], includeSynonyms: false });
      const values = new Map(
        described.resources[0]?.configEntries.map((entry) => [entry.configName, entry.configValue]),
      );
      expect(values.get('broker.id')).toBe('2');
      expect(values.get('replica.lag.time.max.ms')).toBe('4000');
    });
  });

  it('describes the cluster', async () => {
    const description = await withAdmin(cluster(), (admin) => admin.describeCluster());
    expect(description.brokers.map(({ nodeId }) => nodeId).toSorted()).toEqual([1, 2, 3]);
    expect(description.brokers.map(({ port }) => port).toSorted()).toEqual(
      cluster()
        .brokers.map(({ port }) => port)
        .toSorted(),
    );
    expect([1, 2, 3]).toContain(description.controller);
    expect(description.clusterId).toMatch(/^[\w-]{22}$/);
  });
});

describe('the kafkajs producer', () => {
  it('writes keys, values, headers and timestamps that come back as they were', async () => {
    await createTopic(cluster(), 'js-records');
    const producer = kafkaClient(cluster()).producer({ createPartitioner });
    await producer.connect();
    const messages = [
      { key: 'a', value: 'one', headers: { kind: 'first', empty: '' }, timestamp: '1700000000000' },
      { key: null, value: 'zwei – ☕', timestamp: '1700000000500' },
      { key: 'c', value: '' },
    ];
    const [metadata] = await producer.send({ topic: 'js-records', acks: -1, messages });
    expect(metadata).toMatchObject({ partition: 0, errorCode: 0, baseOffset: '0' });
    await producer.disconnect();
    const read = await readPartition(cluster(), 'js-records', 0);
    expect(read.map(({ key, value }) => [key, value])).toEqual([
      ['a', 'one'],
      [null, 'zwei – ☕'],
      ['c', ''],
    ]);
    expect(read[0]).toMatchObject({ offset: 0, timestampMs: 1700000000000 });
    expect(read[0]?.headers).toEqual([
      ['kind', 'first'],
      ['empty', ''],
    ]);
  });

  it.each([0, 1, -1])('is answered as acks=%i demands', async (acks) => {
    const topic = `js-acks-${acks}`;
    await createTopic(cluster(), topic);
    const producer = kafkaClient(cluster()).producer({ createPartitioner });
    await producer.connect();
    for (let index = 0; index < 20; index++)
      await producer.send({ topic, acks, messages: [{ value: `value ${index}` }, { value: `and ${index}` }] });
    await eventually(async () => (await readPartition(cluster(), topic, 0)).length === 40);
    await producer.disconnect();
    const values = (await readPartition(cluster(), topic, 0)).map(({ value }) => value);
    expect(values).toEqual(Array.from({ length: 20 }, (_, index) => [`value ${index}`, `and ${index}`]).flat());
  });

  it.each([
    ['gzip', CompressionTypes.GZIP],
    ['snappy', CompressionTypes.Snappy],
    ['lz4', CompressionTypes.LZ4],
    ['zstd', CompressionTypes.ZSTD],
  ])('writes batches packed with %s', async (name, compression) => {
    const topic = `js-${name}`;
    await createTopic(cluster(), topic);
    const producer = kafkaClient(cluster()).producer({ createPartitioner });
    await producer.connect();
    const messages = Array.from({ length: 50 }, (_, index) => ({
      key: `${index}`,
      value: `${'x'.repeat(200)}${index}`,
    }));
    await producer.send({ topic, acks: -1, compression, messages });
    await producer.disconnect();
    const read = await readPartition(cluster(), topic, 0);
    expect(read.map(({ key, value }) => ({ key, value }))).toEqual(messages);
  });

  it('writes idempotently from several producers at once', async () => {
    await createTopic(cluster(), 'js-idempotent', { partitions: 3 });
    const producers = [0, 1, 2].map(() =>
      kafkaClient(cluster()).producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner }),
    );
    await Promise.all(
      producers.map(async (producer, id) => {
        await producer.connect();
        for (let index = 0; index < 30; index++) {
          const messages = [0, 1, 2].map((partition) => ({ partition, value: `${id}:${index}` }));
          await producer.send({ topic: 'js-idempotent', messages });
        }
        await producer.disconnect();
      }),
    );
    for (const partition of [0, 1, 2]) {
      const values = (await readPartition(cluster(), 'js-idempotent', partition)).map(({ value }) => value);
      expect(values).toHaveLength(90);
      for (const id of [0, 1, 2])
        expect(values.filter((value) => value.startsWith(`${id}:`))).toEqual(
          Array.from({ length: 30 }, (_, index) => `${id}:${index}`),
        );
    }
  });

  it('finds offsets by time', async () => {
    await createTopic(cluster(), 'js-times');
    const producer = kafkaClient(cluster()).producer({ createPartitioner });
    await producer.connect();
    for (const second of [10, 20, 30])
      await producer.send({ topic: 'js-times', messages: [{ value: `${second}`, timestamp: `${second * 1000}` }] });
    await producer.disconnect();
    await withAdmin(cluster(), async (admin) => {
      const offsetAt = async (timestamp: number) =>
        (await admin.fetchTopicOffsetsByTimestamp('js-times', timestamp))[0]?.offset;
      expect(await offsetAt(5000)).toBe('0');
      expect(await offsetAt(10_001)).toBe('1');
      expect(await offsetAt(30_000)).toBe('2');
      expect(await offsetAt(30_001)).toBe('3'); // kafkajs answers with the end of the log.
      expect(await admin.fetchTopicOffsets('js-times')).toMatchObject([{ low: '0', high: '3' }]);
    });
  });

  it('is refused a record that is too large, and goes on', async () => {
    await createTopic(cluster(), 'js-large', { configs: { 'max.message.bytes': '10000' } });
    const producer = kafkaClient(cluster()).producer({ createPartitioner });
    await producer.connect();
    const large = producer.send({ topic: 'js-large', messages: [{ value: 'x'.repeat(20_000) }] });
    expect(await refusal(large)).toBe('MESSAGE_TOO_LARGE');
    await producer.send({ topic: 'js-large', messages: [{ value: 'small' }] });
    await producer.disconnect();
    expect((await readPartition(cluster(), 'js-large', 0)).map(({ value }) => value)).toEqual(['small']);
  });

  it('follows the leader after a failover', async () => {
    await createTopic(cluster(), 'js-failover', { assignment: [[2, 3, 1]] });
    const producer = kafkaClient(cluster()).producer({ createPartitioner });
    await producer.connect();
    await producer.send({ topic: 'js-failover', acks: -1, messages: [{ value: 'before' }] });
    await cluster().broker(2).kill();
    await eventually(async () => {
      await producer.send({ topic: 'js-failover', acks: -1, messages: [{ value: 'after' }] });
    });
    expect(await whenLed(cluster(), 'js-failover', 0)).not.toBe(2);
    await producer.disconnect();
    await cluster().broker(2).start();
    await whenFullyReplicated(cluster(), 'js-failover');
    const values = (await readPartition(cluster(), 'js-failover', 0)).map(({ value }) => value);
    expect(values[0]).toBe('before');
    expect(new Set(values.slice(1))).toEqual(new Set(['after']));
  });
});

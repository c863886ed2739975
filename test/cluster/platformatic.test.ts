/** @platformatic/kafka as administrator and producer: it speaks the newest versions, all of them flexible. */
import { Admin, type CompressionAlgorithmValue, Producer, stringSerializers } from '@platformatic/kafka';
import { afterAll, describe, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { useCluster } from '../support/use-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { describePartition, readPartition, whenFullyReplicated } from '../support/wire-client.ts';

const cluster = useCluster({ overrides: { 'auto.create.topics.enable': 'true', 'num.partitions': '2' } });
const open: { close(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(open.map((client) => client.close()));
});

function newAdmin(): Admin {
  const admin = new Admin({ clientId: 'platformatic', bootstrapBrokers: cluster().addresses });
  open.push(admin);
  return admin;
}

type StringProducer = Producer<string, string, string, string>;

function newProducer(options: { idempotent?: boolean } = {}): StringProducer {
  const producer = new Producer({
    clientId: 'platformatic',
    bootstrapBrokers: cluster().addresses,
    serializers: stringSerializers,
    retries: 30,
    retryDelay: 100,
    ...options,
  });
  open.push(producer);
  return producer;
}

describe('the @platformatic/kafka admin', () => {
  it('creates topics with ids, lists and deletes them', async () => {
    const admin = newAdmin();
    const created = await admin.createTopics({ topics: ['plt-one', 'plt-two'], partitions: 3, replicas: 2 });
    expect(created.map(({ name, partitions, replicas }) => [name, partitions, replicas])).toEqual([
      ['plt-one', 3, 2],
      ['plt-two', 3, 2],
    ]);
    const view = await whenFullyReplicated(cluster(), 'plt-one');
    expect(view.topicId).toBe(created[0]?.id);
    expect(created[0]?.id).not.toBe(created[1]?.id);
    expect(created[0]?.configuration['cleanup.policy']).toBe('delete');
    await eventually(async () => (await admin.listTopics()).includes('plt-two'));
    await admin.deleteTopics({ topics: ['plt-one', 'plt-two'] });
    await eventually(async () => !(await newAdmin().listTopics()).some((name) => name.startsWith('plt-')));
  });

  it('takes defaults, assignments and configurations', async () => {
    const admin = newAdmin();
    const configs = [{ name: 'min.insync.replicas', value: '2' }];
    const [byDefault] = await admin.createTopics({ topics: ['plt-default'], partitions: -1, replicas: -1, configs });
    expect(byDefault).toMatchObject({ partitions: 2, replicas: 1 });
    expect(byDefault?.configuration['min.insync.replicas']).toBe('2');
    const assignments = [
      { partition: 0, brokers: [2, 1] },
      { partition: 1, brokers: [3, 2] },
    ];
    await admin.createTopics({ topics: ['plt-assigned'], partitions: -1, replicas: -1, assignments });
    const view = await whenFullyReplicated(cluster(), 'plt-assigned');
    expect(view.partitions.map(({ replicas }) => replicas)).toEqual([
      [2, 1],
      [3, 2],
    ]);
  });

  it('adds partitions where it says', async () => {
    const admin = newAdmin();
    await createTopic(cluster(), 'plt-growing', { assignment: [[1, 2]] });
    const topics = [{ name: 'plt-growing', count: 2, assignments: [{ brokerIds: [3, 1] }] }];
    await admin.createPartitions({ topics });
    const added = await eventually(() => describePartition(cluster(), 'plt-growing', 1));
    expect(added.replicas).toEqual([3, 1]);
  });

  it('reads configurations, log directories and offsets', async () => {
    const admin = newAdmin();
    await createTopic(cluster(), 'plt-described', { partitions: 1, configs: { 'retention.bytes': '12345' } });
    await newProducer().send({ acks: -1, messages: [{ topic: 'plt-described', value: 'one' }] });
    const resources = [
      { resourceType: 2, resourceName: 'plt-described', configurationKeys: ['retention.bytes'] },
    ] as const;
    const [description] = await admin.describeConfigs({
      resources: resources.map((resource) => ({ ...resource, configurationKeys: [...resource.configurationKeys] })),
      includeSynonyms: true,
    });
    expect(description?.configs).toMatchObject([{ name: 'retention.bytes', value: '12345' }]);
    const directories = await admin.describeLogDirs({ topics: [{ name: 'plt-described', partitions: [0] }] });
    expect(directories.map(({ broker }) => broker).toSorted()).toEqual([1, 2, 3]);
    const sizes = directories.flatMap(({ results }) => results.flatMap((result) => result.topics));
    expect(sizes.flatMap(({ partitions }) => partitions.map(({ partitionSize }) => partitionSize > 0n))).toContain(
      true,
    );
    const partitions = [{ partitionIndex: 0, timestamp: -1n }];
    const listed = await admin.listOffsets({ topics: [{ name: 'plt-described', partitions }] });
    expect(listed[0]?.partitions[0]?.offset).toBe(1n);
  });
});

describe('the @platformatic/kafka producer', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as CompressionAlgorithmValue[])(
    'writes batches packed with %s',
    async (compression) => {
      const topic = `plt-${compression}`;
      await createTopic(cluster(), topic);
      const producer = newProducer();
      const messages = Array.from({ length: 40 }, (_, index) => {
        return {
          topic,
          key: `${index}`,
          value: `${'y'.repeat(100)}${index}`,
          partition: 0,
          headers: { h: `${index}` },
        };
      });
      const { offsets } = await producer.send({ acks: -1, compression, messages });
      expect(offsets).toEqual([{ topic, partition: 0, offset: 0n }]);
      const read = await readPartition(cluster(), topic, 0);
      expect(read.map(({ key, value }) => [key, value])).toEqual(messages.map(({ key, value }) => [key, value]));
      expect(read[7]?.headers).toEqual([['h', '7']]);
    },
  );

  it('writes idempotently', async () => {
    await createTopic(cluster(), 'plt-idempotent', { partitions: 2 });
    const producer = newProducer({ idempotent: true });
    for (let index = 0; index < 50; index++) {
      const messages = [0, 1].map((partition) => ({ topic: 'plt-idempotent', partition, value: `${index}` }));
      await producer.send({ acks: -1, messages });
    }
    for (const partition of [0, 1]) {
      const values = (await readPartition(cluster(), 'plt-idempotent', partition)).map(({ value }) => value);
      expect(values).toEqual(Array.from({ length: 50 }, (_, index) => `${index}`));
    }
  });

  it('is not answered with acks=0, and the records are there all the same', async () => {
    await createTopic(cluster(), 'plt-acks-0');
    const producer = newProducer();
    for (let index = 0; index < 10; index++)
      await producer.send({ acks: 0, messages: [{ topic: 'plt-acks-0', partition: 0, value: `${index}` }] });
    await eventually(async () => (await readPartition(cluster(), 'plt-acks-0', 0)).length === 10);
  });

  it('creates the topic it writes to, with the defaults of the broker', async () => {
    const producer = newProducer();
    await eventually(async () => {
      await producer.send({
        acks: -1,
        autocreateTopics: true,
        messages: [{ topic: 'plt-automatic', partition: 0, value: 'first' }],
      });
    });
    const view = await whenFullyReplicated(cluster(), 'plt-automatic');
    expect(view.partitions).toHaveLength(2);
    expect((await readPartition(cluster(), 'plt-automatic', 0)).map(({ value }) => value)).toContain('first');
  });
});

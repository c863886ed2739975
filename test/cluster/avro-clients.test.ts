/** kafkajs with its client of the Schema Registry: Avro through three brokers, each of them the registry too. */
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel } from 'kafkajs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { useCluster } from '../support/use-cluster.ts';

const TOPIC = 'users';
const SUBJECT = 'users-value';
const ID = { name: 'id', type: 'int' };
const NAME = { name: 'name', type: 'string' };
const EMAIL = { name: 'email', type: 'string', default: 'none' };
const userSchema = (...fields: object[]) => ({
  type: SchemaType.AVRO as const,
  schema: JSON.stringify({ type: 'record', name: 'User', namespace: 'examples', fields }),
});
const OLDER = userSchema(ID, NAME);
const NEWER = userSchema(ID, NAME, EMAIL);

describe('kafkajs and its registry client', () => {
  const cluster = useCluster({ overrides: WITH_HTTP });
  /** One without retries: what is refused is refused at once. */
  const registryOf = (brokerId: number) =>
    new SchemaRegistry({ host: httpAddress(cluster().broker(brokerId)), retry: { retries: 0 } });
  const kafka = () => new Kafka({ brokers: cluster().addresses, logLevel: logLevel.NOTHING });

  beforeAll(() => createTopic(cluster(), TOPIC, { partitions: 3, replicationFactor: 3 }));

  it('produce with one version by one broker, consume with the next by another', async () => {
    const [one, two, three] = [registryOf(1), registryOf(2), registryOf(3)];
    const older = (await one.register(OLDER, { subject: SUBJECT })).id;
    const newer = (await two.register(NEWER, { subject: SUBJECT })).id;
    expect(newer).toBe(older + 1);
    expect(await three.getLatestSchemaId(SUBJECT)).toBe(newer);
    expect(await three.getRegistryId(SUBJECT, 1)).toBe(older);
    expect(await three.getRegistryIdBySchema(SUBJECT, NEWER)).toBe(newer);

    const producer = kafka().producer();
    await producer.connect();
    const messages = [
      { key: '1', value: await one.encode(older, { id: 1, name: 'Ann' }) },
      { key: '2', value: await two.encode(newer, { id: 2, name: 'Bob', email: 'bob@example.org' }) },
    ];
    await producer.send({ topic: TOPIC, messages, acks: -1 });
    await producer.disconnect();

    expect(await consumed(2, (value) => three.decode(value))).toEqual([
      { id: 1, name: 'Ann' },
      { id: 2, name: 'Bob', email: 'bob@example.org' },
    ]);
    const readerSchema = JSON.parse(NEWER.schema);
    const asNewer = (value: Buffer) => three.decode(value, { [SchemaType.AVRO]: { readerSchema } });
    expect(await consumed(2, asNewer)).toEqual([
      { id: 1, name: 'Ann', email: 'none' },
      { id: 2, name: 'Bob', email: 'bob@example.org' },
    ]);
  });

  it('a schema that does not go with the earlier ones is refused, with what differs and where', async () => {
    const misfit = userSchema({ name: 'id', type: 'string' }, NAME);
    for (const brokerId of [1, 2, 3])
      await expect(registryOf(brokerId).register(misfit, { subject: SUBJECT })).rejects.toMatchObject({
        status: 409,
        message: expect.stringMatching(
          /incompatible with an earlier schema for subject "users-value".*TYPE_MISMATCH.*\/fields\/0\/type/,
        ),
      });
    const other = registryOf(1).register(NEWER, { subject: SUBJECT, compatibility: COMPATIBILITY.FULL });
    await expect(other).rejects.toThrow('Compatibility does not match the configuration (FULL != BACKWARD)');
  });

  it('a value that does not go with its schema never comes as far as a record', async () => {
    const registry = registryOf(2);
    const id = await registry.getLatestSchemaId(SUBJECT);
    await expect(registry.encode(id, { id: 'one', name: 'Ann', email: '' })).rejects.toMatchObject({ paths: [['id']] });
  });

  it('schemas refer to others, and what nobody registered is told so', async () => {
    const registry = registryOf(3);
    const address = {
      type: 'record',
      name: 'Address',
      namespace: 'examples',
      fields: [{ name: 'city', type: 'string' }],
    };
    await registry.register({ type: SchemaType.AVRO, schema: JSON.stringify(address) }, { subject: 'address' });
    const fields = [{ name: 'home', type: 'examples.Address' }];
    const order = {
      type: SchemaType.AVRO as const,
      schema: JSON.stringify({ type: 'record', name: 'Order', namespace: 'examples', fields }),
      references: [{ name: 'examples.Address', subject: 'address', version: 1 }],
    };
    const { id } = await registry.register(order, { subject: 'orders-value' });
    const value = { home: { city: 'Bern' } };
    expect(await registryOf(1).decode(await registry.encode(id, value))).toEqual(value);
    await expect(registry.getSchema(4711)).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('4711'),
    });
    await expect(registry.getLatestSchemaId('nobody')).rejects.toThrow("Subject 'nobody' not found.");
  });

  /** The values of the topic as a new group reads them, in the order of their ids. */
  async function consumed(count: number, decode: (value: Buffer) => Promise<unknown>): Promise<unknown[]> {
    const consumer = kafka().consumer({ groupId: `readers-${++groups}` });
    const read: { id: number }[] = [];
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
          read.push({ ...((await decode(message.value ?? Buffer.alloc(0))) as { id: number }) });
          if (read.length === count) resolve();
        };
        consumer.run({ eachMessage }).catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
    return read.sort((left, right) => left.id - right.id);
  }
  let groups = 0;
});

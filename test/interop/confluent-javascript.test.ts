/** Avro as Confluent's serializers in JavaScript write and read it, kafkajs carrying it through three brokers. */
import { Kafka, logLevel } from 'kafkajs';
import { beforeAll, expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { type AvroText, type ConfluentJavascript, confluentJavascript } from '../support/confluent-javascript.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { useCluster } from '../support/use-cluster.ts';

const TOPIC = 'users';
const SUBJECT = 'users-value';
const ID = { name: 'id', type: 'int' };
const NAME = { name: 'name', type: 'string' };
const EMAIL = { name: 'email', type: 'string', default: 'none' };
const userSchema = (...fields: object[]): AvroText => ({
  schemaType: 'AVRO',
  schema: JSON.stringify({ type: 'record', name: 'User', namespace: 'examples', fields }),
});

const cluster = useCluster({ overrides: WITH_HTTP });
let confluent: ConfluentJavascript;
beforeAll(async () => {
  confluent = await confluentJavascript();
  await createTopic(cluster(), TOPIC, { partitions: 1, replicationFactor: 3 });
});

/** Asks one broker first, the others when it does not answer. */
function client(...brokerIds: number[]) {
  const baseURLs = brokerIds.map((id) => httpAddress(cluster().broker(id)));
  return new confluent.SchemaRegistryClient({ baseURLs, maxRetries: 0 });
}

it('the latest schema is written with, and read with by those who want the newest', async () => {
  const { AvroSerializer, AvroDeserializer, SerdeType } = confluent;
  const writeLatest = async (brokerId: number, value: object): Promise<Buffer> => {
    const options = { autoRegisterSchemas: false, useLatestVersion: true };
    return new AvroSerializer(client(brokerId), SerdeType.VALUE, options).serialize(TOPIC, value);
  };
  await client(1).register(SUBJECT, userSchema(ID, NAME));
  const older = await writeLatest(1, { id: 1, name: 'Ann' });
  await client(2).register(SUBJECT, userSchema(ID, NAME, EMAIL));
  const newer = await writeLatest(3, { id: 2, name: 'Bob', email: 'bob@example.org' });
  await send([older, newer]);

  const values = await receive(2);
  const asWritten = new AvroDeserializer(client(3), SerdeType.VALUE, {});
  expect(await Promise.all(values.map((value) => asWritten.deserialize(TOPIC, value)))).toEqual([
    { id: 1, name: 'Ann' },
    { id: 2, name: 'Bob', email: 'bob@example.org' },
  ]);
  const asNewest = new AvroDeserializer(client(2), SerdeType.VALUE, { useLatestVersion: true });
  expect(await Promise.all(values.map((value) => asNewest.deserialize(TOPIC, value)))).toEqual([
    { id: 1, name: 'Ann', email: 'none' },
    { id: 2, name: 'Bob', email: 'bob@example.org' },
  ]);
});

it('a schema is registered by writing with it', async () => {
  const { AvroSerializer, AvroDeserializer, SerdeType } = confluent;
  const serializer = new AvroSerializer(client(1, 2, 3), SerdeType.VALUE, { autoRegisterSchemas: true });
  const bytes = await serializer.serialize('guessed', { id: 1, tags: ['a'] });
  expect(await client(3).getAllVersions('guessed-value')).toEqual([1]);
  const deserializer = new AvroDeserializer(client(2), SerdeType.VALUE, {});
  expect(await deserializer.deserialize('guessed', bytes)).toEqual({ id: 1, tags: ['a'] });
});

it('a schema that does not go with the earlier ones is refused, unless the subject allows it', async () => {
  const misfit = userSchema({ name: 'id', type: 'string' }, NAME);
  expect(await client(2).testSubjectCompatibility(SUBJECT, misfit)).toBe(false);
  await expect(client(3).register(SUBJECT, misfit)).rejects.toMatchObject({
    status: 409,
    errorCode: 409,
    message: expect.stringContaining("errorType:'TYPE_MISMATCH'"),
  });
  await expect(client(1).getCompatibility(SUBJECT)).rejects.toMatchObject({ status: 404, errorCode: 40408 });
  await client(1).updateCompatibility(SUBJECT, 'NONE');
  expect(await client(2).getCompatibility(SUBJECT)).toBe('NONE');
  await client(3).register(SUBJECT, misfit);
  expect(await client(1).getLatestSchemaMetadata(SUBJECT)).toMatchObject({ version: 3 });
  expect(await client(2).deleteSubject(SUBJECT)).toEqual([1, 2, 3]);
});

async function send(values: readonly Buffer[]): Promise<void> {
  const producer = new Kafka({ brokers: cluster().addresses, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  await producer.send({ topic: TOPIC, messages: values.map((value) => ({ value })), acks: -1 });
  await producer.disconnect();
}

async function receive(count: number): Promise<Buffer[]> {
  const kafka = new Kafka({ brokers: cluster().addresses, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: 'javascript' });
  const read: Buffer[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
        read.push(message.value ?? Buffer.alloc(0));
        if (read.length === count) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return read;
}

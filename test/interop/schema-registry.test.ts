/** Avro as confluent-kafka's serializers write and read it, through our registry, and a reader in JavaScript beside. */
import * as path from 'node:path';
import avro from 'avsc';
import { Kafka, logLevel } from 'kafkajs';
import { expect, it } from 'vitest';
import { createTopic } from '../support/admin.ts';
import { runOk } from '../support/child-process.ts';
import { confluentAvroPython } from '../support/confluent-python.ts';
import { httpAddress, WITH_HTTP } from '../support/http-address.ts';
import { useCluster } from '../support/use-cluster.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../support/members/confluent_avro.py');
const TOPIC = 'users';
const user = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'User', namespace: 'examples', fields });
const ID = { name: 'id', type: 'int' };
const NAME = { name: 'name', type: 'string' };
const EMAIL = { name: 'email', type: 'string', default: 'none' };
const OLDER = user(ID, NAME);
const NEWER = user(ID, NAME, EMAIL);
/** A byte of zero and the id of the schema go before a value. */
const HEADER_BYTES = 5;

const cluster = useCluster({ overrides: WITH_HTTP });

async function python(name: string, brokerId: number, args: object): Promise<unknown> {
  const { bootstrap } = cluster();
  const registry = httpAddress(cluster().broker(brokerId));
  const command = JSON.stringify({ name, bootstrap, registry, topic: TOPIC, ...args });
  const { stdout } = await runOk(await confluentAvroPython(), [SCRIPT, command], { timeoutMs: 120_000 });
  return JSON.parse(stdout);
}

it('what one version wrote the next reads, in Python and in JavaScript, and a mismatch is refused', async () => {
  await createTopic(cluster(), TOPIC, { partitions: 1, replicationFactor: 3 });
  const older = [
    { id: 1, name: 'Ann' },
    { id: 2, name: 'Bob' },
  ];
  const newer = [{ id: 3, name: 'Cid', email: 'cid@example.org' }];
  expect(await python('produce', 1, { schema: OLDER, values: older })).toEqual({ left: 0 });
  expect(await python('produce', 2, { schema: NEWER, values: newer })).toEqual({ left: 0 });
  expect(await python('consume', 3, { count: 3 })).toEqual({ values: [...older, ...newer] });
  expect(await python('check', 3, { schema: user({ name: 'id', type: 'string' }, NAME) })).toEqual({
    subjects: ['users-value'],
    versions: [1, 2],
    latest: [2, 2],
    isCompatible: false,
    refusal: [409, 409],
  });
  expect(await readWith(NEWER, 3)).toEqual([...older.map((value) => ({ ...value, email: 'none' })), ...newer]);
});

/** Resolved with the schema of the reader. */
async function readWith(reader: string, count: number): Promise<unknown[]> {
  const type = avro.Type.forSchema(JSON.parse(reader));
  const kafka = new Kafka({ brokers: cluster().addresses, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: 'javascript-avro' });
  const read: unknown[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
        const value = message.value ?? Buffer.alloc(0);
        const written = await fetch(`${httpAddress(cluster().broker(1))}/schemas/ids/${value.readInt32BE(1)}`);
        const { schema } = (await written.json()) as { schema: string };
        const writer = avro.Type.forSchema(JSON.parse(schema));
        read.push({ ...(type.decode(value, HEADER_BYTES, type.createResolver(writer)).value as object) });
        if (read.length === count) resolve();
      };
      consumer.run({ eachMessage }).catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return read;
}

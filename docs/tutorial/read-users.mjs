// Reads the topic `users` as an application does that was written for the newest version of its schema: what an older
// version wrote comes with the defaults of the newer one. Ends when nothing more comes for a second.
//
// Usage: npx node docs/tutorial/read-users.mjs <host:port of a broker> <http://host:port of the Schema Registry>
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel } from 'kafkajs';

const [broker = 'localhost:9092', host = 'http://localhost:8081'] = process.argv.slice(2);
process.removeAllListeners('warning'); // kafkajs has one for every newer Node.

const registry = new SchemaRegistry({ host });
const readerSchema = await registry.getSchema(await registry.getLatestSchemaId('users-value'));
const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR });
const groupId = `read-users-${Date.now()}`;
const consumer = kafka.consumer({ groupId });
await consumer.connect();
await consumer.subscribe({ topic: 'users', fromBeginning: true });

let end;
await consumer.run({
  eachMessage: async ({ message }) => {
    const user = await registry.decode(message.value, { AVRO: { readerSchema } });
    console.log(JSON.stringify(user));
    clearTimeout(end);
    end = setTimeout(leave, 1000);
  },
});

// The group was for this one reading.
async function leave() {
  await consumer.disconnect();
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteGroups([groupId]);
  await admin.disconnect();
}

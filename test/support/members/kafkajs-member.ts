/** One member of a consumer group, by kafkajs, as a process of its own: see group-clients.ts. */
import { Kafka, logLevel } from 'kafkajs';
import { memberSettings, tell, whenAskedToStop } from './member-process.ts';

const { bootstrap, group, topics, sessionTimeoutMs } = memberSettings();
const consumer = new Kafka({
  clientId: 'kafkajs-member',
  brokers: bootstrap.split(','),
  logLevel: logLevel.ERROR,
  connectionTimeout: 2000,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 100 },
}).consumer({
  groupId: group,
  sessionTimeout: sessionTimeoutMs,
  rebalanceTimeout: 20_000,
  heartbeatInterval: sessionTimeoutMs / 10,
  metadataMaxAge: 1000,
  maxWaitTimeInMs: 200,
});
consumer.on(consumer.events.GROUP_JOIN, ({ payload: { memberAssignment } }) =>
  tell({
    name: 'assigned',
    partitions: Object.entries(memberAssignment).flatMap(([name, partitions]) =>
      partitions.map((partition): [string, number] => [name, partition]),
    ),
  }),
);
await consumer.connect();
await consumer.subscribe({ topics: [...topics], fromBeginning: true });
await consumer.run({
  autoCommitInterval: 200,
  eachMessage: ({ topic, partition, message: { offset } }) => {
    tell({ name: 'record', topic, partition, offset: Number(offset) });
    return Promise.resolve();
  },
});
await whenAskedToStop();
await consumer.disconnect();

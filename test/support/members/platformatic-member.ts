/** One member of a consumer group, by @platformatic/kafka, as a process of its own: see group-clients.ts. */
import { Consumer } from '@platformatic/kafka';
import { memberSettings, tell, whenAskedToStop } from './member-process.ts';

const { bootstrap, group, topics, instanceId, protocol, sessionTimeoutMs } = memberSettings();
const timing = {
  classic: {
    groupProtocol: 'classic',
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 20_000,
    heartbeatInterval: sessionTimeoutMs / 10,
  },
  consumer: { groupProtocol: 'consumer', sessionTimeout: sessionTimeoutMs, rebalanceTimeout: 20_000 },
} as const;
const consumer = new Consumer({
  clientId: 'platformatic-member',
  bootstrapBrokers: bootstrap.split(','),
  groupId: group,
  ...(instanceId === undefined ? {} : { groupInstanceId: instanceId }),
  ...timing[protocol],
  metadataMaxAge: 1000,
  retries: 100,
  retryDelay: 100,
  maxWaitTime: 200,
});
consumer.on('consumer:group:join', ({ assignments }) =>
  tell({
    name: 'assigned',
    partitions: (assignments ?? []).flatMap(({ topic: name, partitions }) =>
      partitions.map((partition): [string, number] => [name, partition]),
    ),
  }),
);
const stream = await consumer.consume({
  topics: [...topics],
  mode: 'committed',
  fallbackMode: 'earliest',
  autocommit: 200,
});
stream.on('data', ({ topic, partition, offset }) => tell({ name: 'record', topic, partition, offset: Number(offset) }));
await whenAskedToStop();
await stream.close();
await consumer.close();

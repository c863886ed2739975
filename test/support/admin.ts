/** kafkajs as the administrator of a test cluster. */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { TestCluster } from './cluster.ts';
import { whenFullyReplicated } from './wire-client.ts';

export interface TopicOptions {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** Replicas of each partition, the preferred leader first; instead of the two numbers. */
  readonly assignment?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string>>;
}

export function kafkaClient(cluster: TestCluster): Kafka {
  return new Kafka({
    clientId: 'barnabas-test',
    brokers: cluster.addresses,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2000,
    requestTimeout: 20_000,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 20 },
  });
}

export async function withAdmin<T>(cluster: TestCluster, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaClient(cluster).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Creates a topic and waits until every broker knows all its replicas in the ISR. */
export async function createTopic(cluster: TestCluster, topic: string, options: TopicOptions = {}): Promise<void> {
  const { partitions = 1, replicationFactor = Math.min(3, cluster.brokers.length), assignment, configs = {} } = options;
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
  const layout =
    assignment === undefined
      ? { numPartitions: partitions, replicationFactor }
      : {
          numPartitions: -1,
          replicationFactor: -1,
          replicaAssignment: assignment.map((replicas, partition) => ({ partition, replicas: [...replicas] })),
        };
  await withAdmin(cluster, (admin) =>
    admin.createTopics({ waitForLeaders: true, timeout: 15_000, topics: [{ topic, ...layout, configEntries }] }),
  );
  await whenFullyReplicated(cluster, topic);
}

/** Administration of a test cluster: topics through raw API calls, and kafkajs for what the tests say in its words. */
import { createTopicsV7, deleteTopicsV6 } from '@platformatic/kafka';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { describeCluster, evenWithErrors, whenControlled, whenFullyReplicated, withConnection } from './wire-client.ts';

export interface TopicOptions {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  /** Replicas of each partition, the preferred leader first; instead of the two numbers. */
  readonly assignment?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string>>;
}

/** NOT_CONTROLLER: ask again, whoever that is by then. */
const NOT_CONTROLLER = 41;

/** Asks the controller to create a topic and returns the error code of its answer. */
export async function tryCreateTopic(cluster: TestCluster, topic: string, options: TopicOptions = {}): Promise<number> {
  const { partitions = 1, replicationFactor = Math.min(3, cluster.live.length), assignment = [] } = options;
  const isAssigned = assignment.length > 0;
  const request = {
    name: topic,
    numPartitions: isAssigned ? -1 : partitions,
    replicationFactor: isAssigned ? -1 : replicationFactor,
    assignments: assignment.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds: [...brokerIds] })),
    configs: Object.entries(options.configs ?? {}).map(([name, value]) => ({ name, value })),
  };
  return eventually(async () => {
    const controller = cluster.broker(await whenControlled(cluster));
    const response = await withConnection(controller.address, (connection) =>
      evenWithErrors(createTopicsV7.api.async(connection, [request], 8000, false)),
    );
    const code = response.topics[0]?.errorCode ?? 0;
    if (code === NOT_CONTROLLER) throw new Error('the controller has moved');
    return code;
  });
}

/** Creates a topic and waits until every broker knows all its replicas in the ISR. */
export async function createTopic(cluster: TestCluster, topic: string, options: TopicOptions = {}): Promise<void> {
  const code = await tryCreateTopic(cluster, topic, options);
  if (code !== 0) throw new Error(`${topic} was not created: error code ${code}`);
  await whenFullyReplicated(cluster, topic);
}

/** Deletes a topic and waits until no live broker knows it. */
export async function deleteTopic(cluster: TestCluster, topic: string): Promise<void> {
  await eventually(async () => {
    const controller = cluster.broker(await whenControlled(cluster));
    const response = await withConnection(controller.address, (connection) =>
      evenWithErrors(deleteTopicsV6.api.async(connection, [{ name: topic }], 8000)),
    );
    const code = response.responses[0]?.errorCode ?? 0;
    if (code !== 0) throw new Error(`${topic} was not deleted: error code ${code}`);
  });
  await whenUnknown(cluster, topic);
}

/** Waits until no live broker knows the topic. */
export async function whenUnknown(cluster: TestCluster, topic: string): Promise<void> {
  await eventually(async () => {
    for (const { address } of cluster.live)
      if ((await describeCluster(address)).topics.some(({ name }) => name === topic)) return false;
    return true;
  });
}

export interface Patience {
  readonly retries: number;
}

export function kafkaClient(cluster: TestCluster, { retries }: Patience = { retries: 20 }): Kafka {
  return new Kafka({
    clientId: 'barnabas-test',
    brokers: cluster.addresses,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2000,
    requestTimeout: 20_000,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries },
  });
}

export async function withAdmin<T>(
  cluster: TestCluster,
  use: (admin: Admin) => Promise<T>,
  patience?: Patience,
): Promise<T> {
  const admin = kafkaClient(cluster, patience).admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

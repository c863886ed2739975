/**
 * Reads a cluster through the raw API calls of @platformatic/kafka: metadata, offsets and whole partitions, without a
 * consumer group. Nothing of the broker's own codec is used, so a mistake in it cannot hide itself here.
 */
import {
  type Broker as Address,
  Connection,
  fetchV12,
  listOffsetsV7,
  metadataV12,
  ResponseError,
} from '@platformatic/kafka';
import type { TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';

export interface PartitionView {
  readonly partition: number;
  readonly errorCode: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface TopicView {
  readonly name: string;
  readonly errorCode: number;
  readonly topicId: string;
  readonly partitions: readonly PartitionView[];
}

export interface ClusterView {
  readonly controllerId: number;
  readonly clusterId: string | null;
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly topics: readonly TopicView[];
}

export interface ReadRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
  readonly timestampMs: number;
  readonly headers: readonly (readonly [string, string])[];
}

/** How long to wait for a broker, milliseconds. */
export interface Patience {
  readonly connectTimeout: number;
  readonly requestTimeout: number;
}

export const EARLIEST = -2n;
export const LATEST = -1n;

/** Runs `use` on a fresh connection to the address; a test never depends on one that a fault has broken. */
export async function withConnection<T>(
  address: string,
  use: (connection: Connection) => Promise<T>,
  patience: Patience = { connectTimeout: 3000, requestTimeout: 10_000 },
): Promise<T> {
  const connection = new Connection('barnabas-test', patience);
  connection.on('error', () => connection.removeAllListeners('timeout')); // Reported by the call that fails.
  const { host, port } = parseAddress(address);
  await connection.connect(host, port);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

function parseAddress(address: string): Address {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

/** What one broker knows of the cluster. */
export async function describeCluster(
  address: string,
  topics: readonly string[] | null = null,
  patience?: Patience,
): Promise<ClusterView> {
  const ask = async (connection: Connection): Promise<ClusterView> =>
    clusterView(
      await evenWithErrors(metadataV12.api.async(connection, topics === null ? null : [...topics], false, false)),
    );
  return withConnection(address, ask, patience);
}

/** The raw calls throw when any part of a response holds an error code; the tests want to look at the codes. */
export async function evenWithErrors<T>(response: Promise<T>): Promise<T> {
  try {
    return await response;
  } catch (error) {
    if (error instanceof ResponseError) return error['response'] as T;
    throw error;
  }
}

function clusterView(response: metadataV12.MetadataResponse): ClusterView {
  return {
    controllerId: response.controllerId,
    clusterId: response.clusterId ?? null,
    brokers: response.brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port })),
    topics: response.topics.map((topic) => ({
      name: topic.name ?? '',
      errorCode: topic.errorCode,
      topicId: topic.topicId,
      partitions: topic.partitions
        .map((partition) => ({
          partition: partition.partitionIndex,
          errorCode: partition.errorCode,
          leader: partition.leaderId,
          leaderEpoch: partition.leaderEpoch,
          replicas: partition.replicaNodes,
          isr: partition.isrNodes,
        }))
        .sort((left, right) => left.partition - right.partition),
    })),
  };
}

/** What any live broker knows of a partition; throws while it is unknown. */
export async function describePartition(
  cluster: TestCluster,
  topic: string,
  partition: number,
): Promise<PartitionView> {
  const view = await describeCluster(anyLive(cluster), [topic]);
  const found = view.topics.find(({ name }) => name === topic)?.partitions[partition];
  if (found === undefined) throw new Error(`${topic}-${partition} is unknown`);
  return found;
}

function anyLive(cluster: TestCluster): string {
  const [first] = cluster.live;
  if (first === undefined) throw new Error('no broker runs');
  return first.address;
}

/** Waits until every live broker agrees that the partition has a live leader, and returns its id. */
export async function whenLed(cluster: TestCluster, topic: string, partition: number): Promise<number> {
  return eventually(
    async () => {
      const views = await Promise.all(cluster.live.map(({ address }) => describeCluster(address, [topic])));
      const leaders = views.map((view) => view.topics[0]?.partitions[partition]?.leader ?? -1);
      const [leader = -1] = leaders;
      const isAgreed = leaders.every((other) => other === leader) && cluster.live.some(({ id }) => id === leader);
      if (!isAgreed) throw new Error(`the brokers name the leaders ${leaders.join(' ')}`);
      return leader;
    },
    { what: `${topic}-${partition} has a leader` },
  );
}

/** Waits until every partition of the topic has all its replicas in the ISR, as every live broker sees it. */
export async function whenFullyReplicated(cluster: TestCluster, topic: string, timeoutMs = 60_000): Promise<TopicView> {
  return eventually(
    async () => {
      const views = await Promise.all(cluster.live.map(({ address }) => describeCluster(address, [topic])));
      for (const view of views) {
        const partitions = view.topics[0]?.partitions ?? [];
        const isFull = partitions.every(({ isr, replicas, leader }) => isr.length === replicas.length && leader >= 0);
        if (partitions.length === 0 || !isFull) throw new Error(JSON.stringify(view.topics));
      }
      return views[0]?.topics[0] as TopicView;
    },
    { what: `${topic} is fully replicated`, timeoutMs },
  );
}

/** Waits until every live broker names the same live controller, and returns its id. */
export async function whenControlled(cluster: TestCluster, except = -1): Promise<number> {
  return eventually(
    async () => {
      const views = await Promise.all(cluster.live.map(({ address }) => describeCluster(address, [])));
      const controllers = views.map(({ controllerId }) => controllerId);
      const [controller = -1] = controllers;
      const isLive = cluster.live.some(({ id }) => id === controller);
      if (!isLive || controller === except || controllers.some((other) => other !== controller))
        throw new Error(`the brokers name the controllers ${controllers.join(' ')}`);
      return controller;
    },
    { what: 'the cluster has a controller' },
  );
}

/** Waits until every live broker knows every live broker and the controller: from then on clients can do anything. */
export async function whenWhole(cluster: TestCluster): Promise<void> {
  await whenControlled(cluster);
  const expected = cluster.live.map(({ id }) => id).join(' ');
  await eventually(
    async () => {
      for (const { address } of cluster.live) {
        const { brokers } = await describeCluster(address, []);
        const known = brokers.map(({ id }) => id).sort((left, right) => left - right);
        if (known.join(' ') !== expected) throw new Error(`${address} knows the brokers ${known.join(' ')}`);
      }
    },
    { what: `every broker knows ${expected}` },
  );
}

export async function listOffset(
  cluster: TestCluster,
  topic: string,
  partition: number,
  timestamp: bigint,
): Promise<number> {
  const leader = await whenLed(cluster, topic, partition);
  return withConnection(cluster.broker(leader).address, async (connection) => {
    const asked = [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp }];
    const response = await listOffsetsV7.api.async(connection, -1, 0, [{ name: topic, partitions: asked }]);
    return Number(response.topics[0]?.partitions[0]?.offset ?? -1n);
  });
}

/** Everything a consumer can read of a partition, from the start of the log to the high watermark. */
export async function readPartition(cluster: TestCluster, topic: string, partition: number): Promise<ReadRecord[]> {
  const start = await eventually(() => listOffset(cluster, topic, partition, EARLIEST));
  const end = await eventually(() => listOffset(cluster, topic, partition, LATEST));
  const leader = await whenLed(cluster, topic, partition);
  return readFrom(cluster.broker(leader).address, topic, partition, start, end);
}

/** Records from `start` up to but not including `end`, as one broker serves them. */
export async function readFrom(
  address: string,
  topic: string,
  partition: number,
  start: number,
  end: number,
): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  await withConnection(address, async (connection) => {
    let next = start;
    while (next < end) {
      const batch = await fetchOnce(connection, topic, partition, next);
      if (batch.length === 0) throw new Error(`${topic}-${partition} ends at ${next}, not at ${end}`);
      for (const record of batch) records.push(record);
      next = (batch.at(-1)?.offset ?? next) + 1;
    }
  });
  return records;
}

/** One fetch; what lies before the asked offset in its batch is dropped, as every consumer does. */
export async function fetchOnce(
  connection: Connection,
  topic: string,
  partition: number,
  fetchOffset: number,
): Promise<ReadRecord[]> {
  const asked = {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: BigInt(fetchOffset),
    lastFetchedEpoch: -1,
    partitionMaxBytes: 4 << 20,
  };
  const topics = [{ topicId: topic, partitions: [asked] }]; // Up to version 12 the field holds the name.
  const response = await fetchV12.api.async(connection, 500, 1, 8 << 20, 0, 0, -1, topics, [], '');
  const records: ReadRecord[] = [];
  for (const batch of response.responses[0]?.partitions[0]?.records ?? [])
    for (const record of batch.records) {
      const offset = Number(batch.firstOffset) + record.offsetDelta;
      if (offset < fetchOffset) continue;
      records.push({
        offset,
        key: record.key?.toString() ?? null,
        value: record.value?.toString() ?? '',
        timestampMs: Number(batch.firstTimestamp + record.timestampDelta),
        headers: record.headers.map(([name, value]) => [String(name), String(value)] as const),
      });
    }
  return records;
}

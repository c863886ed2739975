/**
 * The whole cluster as one broker can find it out: who is there it knows, offsets it asks of the leaders, groups of
 * their coordinators, by the requests that any client could send. One survey at a time, and its answer serves all who
 * ask within a few seconds: what scrapes cost the cluster does not grow with the number of scrapers.
 */
import type { Broker } from './broker/broker.ts';
import { type GroupOffset, groupLags, type LogEnd } from './group/group-lag.ts';
import type { ClusterGroup, ClusterPartition, ClusterSnapshot } from './metrics/cluster-families.ts';
import type { Links } from './links.ts';
import { type BrokerInfo, endpointOf } from './model/broker.ts';
import { topicPartitionKey } from './model/topic-partition.ts';
import type { BrokerClient } from './net/broker-client.ts';
import { Errors } from './protocol/errors.ts';
import { ListOffsets } from './protocol/messages/02-list-offsets.ts';
import { OffsetFetch } from './protocol/messages/09-offset-fetch.ts';
import { DescribeGroups } from './protocol/messages/15-describe-groups.ts';
import { ListGroups } from './protocol/messages/16-list-groups.ts';
import { ConsumerGroupDescribe } from './protocol/messages/69-consumer-group-describe.ts';

const VERSION = { listOffsets: 7, offsetFetch: 8, describeGroups: 5, listGroups: 5, consumerGroupDescribe: 0 } as const;
const LATEST = -1;
const EARLIEST = -2;
const UNKNOWN = -1;
const CONSUMER = -1;
/** Less than a usual pause between two scrapes. */
const MAX_AGE_MS = 5000;
const TIMEOUT = { timeoutMs: 5000 };
const GROUPS_PER_REQUEST = 500;
const PARTITIONS_PER_REQUEST = 1000;

interface Survey {
  readonly startedMs: number;
  readonly snapshot: Promise<ClusterSnapshot>;
}

export class ClusterSurvey {
  readonly #broker: Broker;
  readonly #links: Pick<Links, 'toBroker'>;
  readonly #clients = new Map<string, BrokerClient>();
  #latest: Survey | null = null;

  constructor(broker: Broker, links: Pick<Links, 'toBroker'>) {
    this.#broker = broker;
    this.#links = links;
  }

  /** A broker that does not answer leaves its part unknown. */
  snapshot(): Promise<ClusterSnapshot> {
    const nowMs = this.#broker.clock.monotonicMs();
    if (this.#latest !== null && nowMs - this.#latest.startedMs < MAX_AGE_MS) return this.#latest.snapshot;
    this.#latest = { startedMs: nowMs, snapshot: this.#survey() };
    return this.#latest.snapshot;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #survey(): Promise<ClusterSnapshot> {
    const { metadata, config } = this.#broker;
    const brokers = [...metadata.image.brokers.values()];
    const ends = new Map<string, LogEnd & { startOffset: number }>();
    const groups: ListedGroup[] = [];
    await Promise.all(
      brokers.map(async (broker) => {
        try {
          const client = this.#client(broker);
          for (const some of inParts(this.#ledBy(broker.brokerId)))
            for (const [key, end] of await offsetsOf(client, some)) ends.set(key, end);
          groups.push(...(await groupsOf(client)));
        } catch (error) {
          this.#broker.logger.warn(`Broker ${broker.brokerId} does not tell its part of the cluster`, error);
        }
      }),
    );
    this.#forgetGone(brokers);
    return {
      brokers: brokers.map((broker) => ({ brokerId: broker.brokerId, address: addressOf(broker, config) })),
      partitions: this.#partitions(ends),
      groups: groups.map((group) =>
        withLag(group, (topic, partition) => ends.get(topicPartitionKey(topic, partition))),
      ),
    };
  }

  #ledBy(brokerId: number): Map<string, number[]> {
    const led = new Map<string, number[]>();
    for (const [topic, { partitions }] of this.#broker.metadata.image.topics) {
      const numbers = [...partitions.values()].filter(({ leader }) => leader === brokerId);
      if (numbers.length > 0)
        led.set(
          topic,
          numbers.map(({ partition }) => partition),
        );
    }
    return led;
  }

  #partitions(ends: ReadonlyMap<string, { logEndOffset: number; startOffset: number }>): ClusterPartition[] {
    const found: ClusterPartition[] = [];
    for (const [topic, { partitions }] of this.#broker.metadata.image.topics)
      for (const { partition, leader, replicas, isr } of partitions.values()) {
        const end = ends.get(topicPartitionKey(topic, partition));
        const { logEndOffset = UNKNOWN, startOffset = UNKNOWN } = end ?? {};
        found.push({ topic, partition, leader, replicas, isr, endOffset: logEndOffset, startOffset });
      }
    return found;
  }

  /** One for each address: a broker that came back under another one gets another client. */
  #client(broker: BrokerInfo): BrokerClient {
    const address = `${broker.brokerId}@${addressOf(broker, this.#broker.config)}`;
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const client = this.#links.toBroker(broker);
    this.#clients.set(address, client);
    return client;
  }

  #forgetGone(brokers: readonly BrokerInfo[]): void {
    const present = new Set(brokers.map((broker) => `${broker.brokerId}@${addressOf(broker, this.#broker.config)}`));
    for (const [address, client] of this.#clients) {
      if (present.has(address)) continue;
      this.#clients.delete(address);
      client.close();
    }
  }
}

function addressOf(broker: BrokerInfo, { interBrokerListenerName }: Broker['config']): string {
  const endpoint = endpointOf(broker, interBrokerListenerName);
  return endpoint === undefined ? '' : `${endpoint.host}:${endpoint.port}`;
}

/** Requests of a size that no broker works on for long. */
function* inParts(led: ReadonlyMap<string, readonly number[]>): Generator<Map<string, readonly number[]>> {
  let part = new Map<string, readonly number[]>();
  let count = 0;
  for (const [topic, partitions] of led) {
    part.set(topic, partitions);
    count += partitions.length;
    if (count < PARTITIONS_PER_REQUEST) continue;
    yield part;
    part = new Map();
    count = 0;
  }
  if (count > 0) yield part;
}

async function offsetsOf(
  client: BrokerClient,
  led: ReadonlyMap<string, readonly number[]>,
): Promise<Map<string, LogEnd & { startOffset: number }>> {
  const ask = async (timestamp: number): Promise<Map<string, number>> => {
    const topics = [...led].map(([name, partitions]) => ({
      name,
      partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })),
    }));
    const request = { replicaId: CONSUMER, topics };
    const response = await client.send(ListOffsets, VERSION.listOffsets, request, TIMEOUT);
    const answers = response.topics.flatMap(({ name, partitions }) => partitions.map((each) => ({ name, ...each })));
    return new Map(
      answers
        .filter(({ errorCode }) => errorCode === Errors.NONE)
        .map(({ name, partitionIndex, offset }) => [topicPartitionKey(name, partitionIndex), offset]),
    );
  };
  const [ends, starts] = await Promise.all([ask(LATEST), ask(EARLIEST)]);
  return new Map(
    [...ends].map(([key, end]) => [
      key,
      { logEndOffset: end, lastStableOffset: end, startOffset: starts.get(key) ?? UNKNOWN },
    ]),
  );
}

interface ListedGroup {
  readonly groupId: string;
  readonly memberCount: number;
  readonly offsets: readonly GroupOffset[];
}

async function groupsOf(client: BrokerClient): Promise<ListedGroup[]> {
  const { groups } = await client.send(ListGroups, VERSION.listGroups, { statesFilter: [], typesFilter: [] }, TIMEOUT);
  const found: ListedGroup[] = [];
  for (let start = 0; start < groups.length; start += GROUPS_PER_REQUEST) {
    const some = groups.slice(start, start + GROUPS_PER_REQUEST);
    const members = await memberCounts(client, some);
    const request = { groups: some.map(({ groupId }) => ({ groupId, topics: null })), requireStable: false };
    const fetched = await client.send(OffsetFetch, VERSION.offsetFetch, request, TIMEOUT);
    for (const { groupId, topics } of fetched.groups)
      found.push({
        groupId,
        memberCount: members.get(groupId) ?? 0,
        offsets: topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex, committedOffset }) => ({
            groupId,
            topic: name,
            partition: partitionIndex,
            offset: committedOffset,
          })),
        ),
      });
  }
  return found;
}

async function memberCounts(
  client: BrokerClient,
  groups: readonly { groupId: string; groupType: string }[],
): Promise<Map<string, number>> {
  const idsOf = (isConsumer: boolean): string[] =>
    groups.filter(({ groupType }) => (groupType === 'consumer') === isConsumer).map(({ groupId }) => groupId);
  const [classic, consumer] = [idsOf(false), idsOf(true)];
  const counts = new Map<string, number>();
  if (classic.length > 0) {
    const described = await client.send(DescribeGroups, VERSION.describeGroups, { groups: classic }, TIMEOUT);
    for (const { groupId, members } of described.groups) counts.set(groupId, members.length);
  }
  if (consumer.length > 0) {
    const request = { groupIds: consumer };
    const described = await client.send(ConsumerGroupDescribe, VERSION.consumerGroupDescribe, request, TIMEOUT);
    for (const { groupId, members } of described.groups) counts.set(groupId, members.length);
  }
  return counts;
}

function withLag(
  { groupId, memberCount, offsets }: ListedGroup,
  endOf: (topic: string, partition: number) => LogEnd | undefined,
): ClusterGroup {
  const lags = new Map(
    [...groupLags(offsets, endOf)].map(({ topic, partition, lag }) => [topicPartitionKey(topic, partition), lag]),
  );
  return {
    groupId,
    memberCount,
    offsets: offsets.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset,
      lag: lags.get(topicPartitionKey(topic, partition)) ?? UNKNOWN,
    })),
  };
}

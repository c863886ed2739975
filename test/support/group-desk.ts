/**
 * The desk of one broker that coordinates groups, over partitions of __consumer_offsets in memory: requests go in and
 * answers come out as bytes, and the test decides what is committed, who leads and what exists.
 */
import type { Broker } from '../../src/broker/broker.ts';
import { ALL_HANDLERS } from '../../src/broker/handlers/index.ts';
import type { ZooKeeperOffsets } from '../../src/broker/zookeeper-offsets.ts';
import { brokerConfigFrom } from '../../src/config/broker-config.ts';
import { GROUP_METADATA_TOPIC_NAME } from '../../src/model/topic-names.ts';
import { GroupCoordinator } from '../../src/group/group-coordinator.ts';
import type { LogEnd } from '../../src/group/group-lag.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { SystemRandom } from '../../src/lib/random.ts';
import { LEADER_DURING_DELETE } from '../../src/model/leader-and-isr.ts';
import type { TopicId } from '../../src/model/topic-partition.ts';
import { MetadataCache } from '../../src/metadata/metadata-cache.ts';
import type { Api, RequestIn, ResponseOut } from '../../src/protocol/schema.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryPartition } from './memory-partition.ts';
import { brokerWith, type Desk, deskOf } from './requests.ts';

export const OFFSETS_TOPIC_PARTITIONS = 2;
const INCREMENTAL = 1;

/** An id that is always the same for the name. */
export function idOf(name: string): TopicId {
  return Buffer.alloc(16, name).toString('base64url');
}

export class GroupDesk {
  readonly clock = new ManualClock();
  readonly metadata = new MetadataCache();
  readonly partitions = Array.from({ length: OFFSETS_TOPIC_PARTITIONS }, (_, index) => new MemoryPartition(index));
  readonly zooKeeper = new Map<string, number>();
  readonly ends = new Map<string, LogEnd>();
  /** Topics that clients made the broker ask for. */
  readonly wished: string[] = [];
  readonly groups: GroupCoordinator;
  readonly desk: Desk;

  constructor() {
    const config = brokerConfigFrom({
      'zookeeper.connect': 'localhost:2181',
      'group.initial.rebalance.delay.ms': '0',
      'offset.metadata.max.bytes': '10',
    });
    this.groups = new GroupCoordinator({
      topic: GROUP_METADATA_TOPIC_NAME,
      settings: config,
      clock: this.clock,
      random: new SystemRandom(),
      logger: silentLogger,
      endOf: (topic, partition) => this.ends.get(`${topic}-${partition}`),
    });
    this.metadata.onChange(({ image, changedTopics }) => this.groups.onMetadataChange(image, changedTopics));
    const zooKeeperOffsets: ZooKeeperOffsets = {
      read: async (group, topic, partition) => this.zooKeeper.get(`${group} ${topic} ${partition}`) ?? null,
      write: async (group, topic, partition, offset) => {
        this.zooKeeper.set(`${group} ${topic} ${partition}`, offset);
        return 'NONE';
      },
    };
    const create = async (topics: Iterable<string>) => {
      this.wished.push(...topics);
      return new Map();
    };
    const autoTopicCreation = { create } as unknown as Broker['autoTopicCreation'];
    const { clock, metadata, groups } = this;
    this.desk = deskOf(
      ALL_HANDLERS,
      brokerWith({ config, clock, metadata, groups, zooKeeperOffsets, autoTopicCreation }),
    );
  }

  /** With __consumer_offsets on two partitions, which this broker leads and has loaded, and a topic `orders` of two. */
  static async open(): Promise<GroupDesk> {
    const opened = new GroupDesk();
    opened.makeTopic(GROUP_METADATA_TOPIC_NAME, OFFSETS_TOPIC_PARTITIONS);
    opened.makeTopic('orders', 2);
    for (const partition of opened.partitions) {
      partition.isAlone = true;
      await opened.lead(partition);
    }
    return opened;
  }

  async ask<A extends Api>(api: A, version: number, request: RequestIn<A>): Promise<ResponseOut<A>> {
    const answer = await this.desk.ask(api, version, request);
    if (answer === null) throw new Error('no answer');
    return answer;
  }

  async lead(partition: MemoryPartition): Promise<void> {
    this.groups.onElected(partition);
    for (let turns = 0; turns < 10; turns++) await new Promise((resolve) => setImmediate(resolve));
  }

  partitionOf(groupId: string): MemoryPartition {
    const partition = this.partitions[this.groups.partitionFor(groupId) ?? -1];
    if (partition === undefined) throw new Error(`no partition for ${groupId}`);
    return partition;
  }

  makeTopic(topic: string, partitions: number, leader = 1, topicId = idOf(topic)): void {
    this.#update(
      topic,
      topicId,
      Array.from({ length: partitions }, (_, index) => [index, leader] as const),
    );
  }

  /** Only those: of the others nobody was told, since they have no leader yet. */
  makePartitions(topic: string, indexes: readonly number[]): void {
    this.#update(
      topic,
      idOf(topic),
      indexes.map((index) => [index, 1] as const),
    );
  }

  deleteTopic(topic: string): void {
    const partitions = [...(this.metadata.image.topics.get(topic)?.partitions.keys() ?? [])];
    const topicId = this.metadata.topicId(topic) ?? '';
    this.#update(
      topic,
      topicId,
      partitions.map((index) => [index, LEADER_DURING_DELETE] as const),
    );
  }

  #update(topicName: string, topicId: string, leaders: readonly (readonly [number, number])[]): void {
    this.metadata.applyUpdateMetadata({
      controllerId: 1,
      controllerEpoch: 1,
      type: INCREMENTAL,
      topicStates: [
        {
          topicName,
          topicId,
          partitionStates: leaders.map(([partitionIndex, leader]) => ({
            partitionIndex,
            controllerEpoch: 1,
            leader,
            leaderEpoch: 0,
            isr: [1],
            zkVersion: 0,
            replicas: [1],
            offlineReplicas: [],
          })),
        },
      ],
      liveBrokers: [
        {
          id: 1,
          endpoints: [{ host: 'one', port: 9092, listener: 'PLAINTEXT', securityProtocol: 0 }],
          rack: null,
        },
      ],
    });
  }
}

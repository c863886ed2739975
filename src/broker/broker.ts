/**
 * The broker as its handlers see it: the rooms they may use, nothing else. compose.ts builds the one real value; a test
 * gives a handler just the members it touches.
 */
import type { BrokerConfig } from '../config/broker-config.ts';
import type { Controller } from '../controller/controller.ts';
import type { GroupCoordinator } from '../group/group-coordinator.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { LogManager } from '../log/log-manager.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { ProducerIds } from '../producer/producer-ids.ts';
import type { Partitions } from '../replica/partitions.ts';
import type { AutoTopicCreation } from './auto-topic-creation.ts';
import type { ConfigWriter } from './config-writer.ts';
import type { FetchSessionCache } from './fetch-session.ts';
import type { TopicConfigs } from './topic-configs.ts';
import type { ZooKeeperOffsets } from './zookeeper-offsets.ts';

export interface Broker {
  readonly brokerId: number;
  readonly clusterId: string;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metadata: MetadataCache;
  readonly replicas: Partitions;
  readonly logs: LogManager;
  readonly controller: Controller;
  readonly topicConfigs: TopicConfigs;
  readonly configWriter: ConfigWriter;
  readonly producerIds: ProducerIds;
  readonly groups: GroupCoordinator;
  readonly zooKeeperOffsets: ZooKeeperOffsets;
  readonly autoTopicCreation: AutoTopicCreation;
  readonly fetchSessions: FetchSessionCache;
  /** czxid of this broker's registration; -1 while it is not registered. */
  brokerEpoch(): number;
  /** Null once this broker has been registered for the first time. */
  whenRegistered(): Promise<void> | null;
}
